#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "metrics/metrics.h"

#define SHARDS 16
#define CACHE_LINE 64

const double metrics_bounds[METRICS_BOUNDS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
					       0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};

const char *const metrics_class_names[METRICS_CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

#define LOOKUPS "ofad_subnet_lookups_total", "Questions by where their answer came from."
#define SIGNATURES "ofad_signatures_total", "Signatures that were made."
#define DROPPED "ofad_packages_dropped_total", "Packages that were dropped, by the bound that made them go."
#define SEARCHES "ofad_searches_total", "Searches by why they stopped."

static const struct metrics_about counters[METRICS_COUNTER_COUNT] = {
	[METRICS_LOOKUP_MEMORY] = {LOOKUPS, "result", "memory"},
	[METRICS_LOOKUP_FLIGHT] = {LOOKUPS, "result", "flight"},
	[METRICS_LOOKUP_STORE] = {LOOKUPS, "result", "store"},
	[METRICS_LOOKUP_MISS] = {LOOKUPS, "result", "miss"},
	[METRICS_SEARCH_BUDGET] = {SEARCHES, "stop", "budget"},
	[METRICS_SEARCH_CONVERGED] = {SEARCHES, "stop", "converged"},
	[METRICS_SEARCH_FRONT] = {SEARCHES, "stop", "front"},
	[METRICS_SEARCH_INFEASIBLE] = {SEARCHES, "stop", "infeasible"},
	[METRICS_SEARCH_CANCELLED] = {SEARCHES, "stop", "cancelled"},
	[METRICS_SEARCH_FAILED] = {SEARCHES, "stop", "failed"},
	[METRICS_EVALUATIONS] = {"ofad_search_evaluations_total", "Subnets that searches asked the predictor about.",
				 NULL, NULL},
	[METRICS_REPLICA_WAITS] = {"ofad_replica_waits_total",
				   "How often a question waited because another replica searches for it.", NULL, NULL},
	[METRICS_REPLICA_ANSWERS] = {"ofad_replica_answers_total",
				     "Questions that another replica answered while they waited for a search.", NULL,
				     NULL},
	[METRICS_FRONTS_COMPUTED] = {"ofad_fronts_computed_total", "Pareto fronts that were computed.", NULL, NULL},
	[METRICS_FRONTS_DROPPED] = {"ofad_fronts_dropped_total", "Pareto fronts that were kept and are no more.", NULL,
				    NULL},
	[METRICS_DELIVERIES] = {"ofad_deliveries_total", "Questions that were answered with a subnet.", NULL, NULL},
	[METRICS_MEASUREMENTS] = {"ofad_measurements_total", "Measurements that devices reported and that were kept.",
				  NULL, NULL},
	[METRICS_PACKAGES_DROPPED_AGE] = {DROPPED, "reason", "age"},
	[METRICS_PACKAGES_DROPPED_BYTES] = {DROPPED, "reason", "bytes"},
	[METRICS_PACKAGES_REBUILT] = {"ofad_packages_rebuilt_total",
				      "Packages that were dropped and made again for who asked for them.", NULL, NULL},
	[METRICS_SIGNATURES_MANIFEST] = {SIGNATURES, "kind", "manifest"},
	[METRICS_SIGNATURES_MINISIG] = {SIGNATURES, "kind", "minisig"},
	[METRICS_RESPONSE_BYTES] = {"ofad_http_response_body_bytes_total", "Bytes of bodies that were sent whole.",
				    NULL, NULL},
	[METRICS_PACKAGE_BYTES] = {"ofad_package_bytes_total", "Those of them that were packages or parts of one.",
				   NULL, NULL},
	[METRICS_RESPONSES_CUT] = {"ofad_http_responses_cut_total", "Requests whose client went away before the end.",
				   NULL, NULL},
};

static const struct metrics_about histograms[METRICS_HISTOGRAM_COUNT] = {
	[METRICS_QUEUE_SECONDS] = {"ofad_queue_duration_seconds", "How long work waited for a worker.", NULL, NULL},
	[METRICS_SEARCH_SECONDS] = {"ofad_search_duration_seconds", "How long searches took.", NULL, NULL},
	[METRICS_CALIBRATE_SECONDS] = {"ofad_calibrate_duration_seconds", "How long recalibrating subnets took.", NULL,
				       NULL},
	[METRICS_PACK_SECONDS] = {"ofad_pack_duration_seconds", "How long packing and testing subnets took.", NULL,
				  NULL},
};

struct histogram {
	atomic_uint_least64_t bucket[METRICS_BOUNDS + 1];
	atomic_uint_least64_t sum_ns;
};

struct endpoint_counts {
	atomic_uint_least64_t classes[METRICS_CLASSES];
	struct histogram duration;
};

struct shard {
	_Alignas(CACHE_LINE) atomic_uint_least64_t counter[METRICS_COUNTER_COUNT];
	struct histogram histogram[METRICS_HISTOGRAM_COUNT];
	atomic_uint_least64_t problem[METRICS_PROBLEMS_MAX];
	struct endpoint_counts endpoint[METRICS_ENDPOINTS_MAX];
};

struct metrics {
	struct shard shard[SHARDS];
	unsigned n_endpoints;
	struct metrics_endpoint endpoints[METRICS_ENDPOINTS_MAX];
};

enum ofa_status metrics_new(struct metrics **ret, struct ofa_error *err)
{
	struct metrics *m = aligned_alloc(CACHE_LINE, sizeof(*m));

	if (!m)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	m->n_endpoints = 0;
	for (int s = 0; s < SHARDS; s++) {
		atomic_uint_least64_t *at = (atomic_uint_least64_t *)(void *)&m->shard[s];

		for (size_t i = 0; i < sizeof(m->shard[s]) / sizeof(*at); i++)
			atomic_init(&at[i], 0);
	}
	*ret = m;
	return OFA_OK;
}

void metrics_free(struct metrics *m)
{
	free(m);
}

/* ---- adding ---- */

/* The thread may move to another processor at once: that costs time, not a count. */
static struct shard *shard_here(struct metrics *m)
{
	int cpu = sched_getcpu();

	return &m->shard[cpu > 0 ? cpu % SHARDS : 0];
}

static void add(atomic_uint_least64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static void observe(struct histogram *h, double ms)
{
	double seconds = ms > 0 ? ms * 1e-3 : 0; /* NAN is none either */
	int b = 0;

	while (b < METRICS_BOUNDS && seconds > metrics_bounds[b])
		b++;
	add(&h->bucket[b], 1);
	add(&h->sum_ns, (uint64_t)(fmin(seconds, 1e9) * 1e9));
}

void metrics_add(struct metrics *m, enum metrics_counter c, uint64_t n)
{
	if (m)
		add(&shard_here(m)->counter[c], n);
}

void metrics_observe_ms(struct metrics *m, enum metrics_histogram h, double ms)
{
	if (m)
		observe(&shard_here(m)->histogram[h], ms);
}

int metrics_endpoint_add(struct metrics *m, const struct metrics_endpoint *e)
{
	if (m->n_endpoints == METRICS_ENDPOINTS_MAX)
		return -1;
	m->endpoints[m->n_endpoints] = *e;
	return (int)m->n_endpoints++;
}

void metrics_request(struct metrics *m, int endpoint, unsigned status, double ms)
{
	struct endpoint_counts *e;

	if (!m || endpoint < 0)
		return;
	e = &shard_here(m)->endpoint[endpoint];
	add(&e->classes[status / 100 < METRICS_CLASSES ? status / 100 : 0], 1);
	observe(&e->duration, ms);
}

void metrics_problem(struct metrics *m, unsigned number)
{
	if (m && number < METRICS_PROBLEMS_MAX)
		add(&shard_here(m)->problem[number], 1);
}

/* ---- reading ---- */

static uint64_t get(const atomic_uint_least64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void add_histogram(const struct histogram *h, struct metrics_histogram_reading *to)
{
	for (int b = 0; b <= METRICS_BOUNDS; b++) {
		uint64_t n = get(&h->bucket[b]);

		to->bucket[b] += n;
		to->count += n;
	}
	to->sum += (double)get(&h->sum_ns) * 1e-9;
}

uint64_t metrics_read(const struct metrics *m, enum metrics_counter c)
{
	uint64_t n = 0;

	for (int s = 0; s < SHARDS; s++)
		n += get(&m->shard[s].counter[c]);
	return n;
}

void metrics_read_histogram(const struct metrics *m, enum metrics_histogram h, struct metrics_histogram_reading *ret)
{
	*ret = (struct metrics_histogram_reading){0};
	for (int s = 0; s < SHARDS; s++)
		add_histogram(&m->shard[s].histogram[h], ret);
}

const struct metrics_endpoint *metrics_read_endpoint(const struct metrics *m, unsigned n,
						     uint64_t ret_classes[METRICS_CLASSES],
						     struct metrics_histogram_reading *ret)
{
	if (n >= m->n_endpoints)
		return NULL;
	*ret = (struct metrics_histogram_reading){0};
	for (int c = 0; c < METRICS_CLASSES; c++)
		ret_classes[c] = 0;
	for (int s = 0; s < SHARDS; s++) {
		const struct endpoint_counts *e = &m->shard[s].endpoint[n];

		for (int c = 0; c < METRICS_CLASSES; c++)
			ret_classes[c] += get(&e->classes[c]);
		add_histogram(&e->duration, ret);
	}
	return &m->endpoints[n];
}

uint64_t metrics_read_problem(const struct metrics *m, unsigned number)
{
	uint64_t n = 0;

	for (int s = 0; s < SHARDS && number < METRICS_PROBLEMS_MAX; s++)
		n += get(&m->shard[s].problem[number]);
	return n;
}

const struct metrics_about *metrics_counter_about(enum metrics_counter c)
{
	return &counters[c];
}

const struct metrics_about *metrics_histogram_about(enum metrics_histogram h)
{
	return &histograms[h];
}
