#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "service/bindings.h"
#include "service/ledger.h"

/* Tables of a problem, per resolution, and one front; an estimate for the cache's balance only. */
#define BINDING_BYTES ((size_t)512 << 10)

/* How often those who wait for a front tell of it and ask whether they still should. */
#define WAIT_NS 50000000L

enum front_state { FRONT_UNKNOWN, FRONT_UNDER_WAY, FRONT_KNOWN };

struct binding {
	struct shared shared;
	const struct ofa_search_problem *problem;
	struct ledger_account *account;         /* of the network; or NULL */
	struct ofa_search_problem *own_problem; /* NULL when the network's own serves */
	struct ofa_latency_model *latency;      /* NULL without a table */
	const struct bindings_options *opt; /* the cache's, which outlives all calls */
	pthread_mutex_t lock; /* of the states; a front that is known never changes */
	pthread_cond_t settled;
	enum front_state states[OFA_RESOURCE_COUNT];
	const struct progress *computing[OFA_RESOURCE_COUNT]; /* of who is at it, while it is under way */
	struct ofa_front fronts[OFA_RESOURCE_COUNT];
};

struct bindings {
	struct lru *kept, *passing; /* the latter for tables that came along with a question */
	struct bindings_options opt;
	pthread_mutex_t making; /* two requests for one device make one binding */
};

static void binding_destroy(struct shared *self)
{
	struct binding *b = (struct binding *)(void *)self;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (b->states[r] == FRONT_KNOWN) {
			ofa_front_release(&b->fronts[r]);
			metrics_add(b->opt->metrics, METRICS_FRONTS_DROPPED, 1);
		}
	ofa_search_problem_free(b->own_problem);
	ofa_latency_model_free(b->latency);
	pthread_cond_destroy(&b->settled);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void binding_unref(struct binding *b)
{
	if (b)
		shared_unref(&b->shared);
}

const struct ofa_search_problem *binding_problem(const struct binding *b)
{
	return b->problem;
}

/* ---- fronts ---- */

/* Of the state UNDER_WAY, which the caller has set. */
static enum ofa_status compute_front(struct binding *b, enum ofa_resource metric, struct progress *progress,
				     struct ofa_error *err)
{
	/* the front of latency answers searches, the others are looked at */
	struct ofa_front_options options = {
		.metric = metric,
		.points = OFA_FRONT_KEPT_POINTS,
		.evaluations = metric == OFA_LATENCY_MS ? b->opt->front_evaluations : 0,
		.cancel = &progress->cancel,
		.progress = progress_told,
		.ctx = progress,
	};
	double cpu = clock_thread_cpu();
	struct ofa_front front;
	enum ofa_status st;

	ofa_limits_init(&options.limits);
	st = ofa_front_run(b->problem, &options, &front, err);
	ledger_spend(b->account, LEDGER_FRONT, clock_thread_cpu() - cpu);
	if (st == OFA_OK)
		metrics_add(b->opt->metrics, METRICS_FRONTS_COMPUTED, 1);
	pthread_mutex_lock(&b->lock);
	if (st == OFA_OK)
		b->fronts[metric] = front;
	b->states[metric] = st == OFA_OK ? FRONT_KNOWN : FRONT_UNKNOWN;
	b->computing[metric] = NULL;
	pthread_cond_broadcast(&b->settled);
	pthread_mutex_unlock(&b->lock);
	return st;
}

/* With the lock held: until the front is not under way any more, or progress is over. */
static void await_front(struct binding *b, enum ofa_resource metric, struct progress *progress)
{
	while (b->states[metric] == FRONT_UNDER_WAY && !progress_over(progress)) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += WAIT_NS;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		pthread_cond_timedwait(&b->settled, &b->lock, &until);
		if (b->computing[metric])
			progress_follow(progress, b->computing[metric]);
	}
}

enum ofa_status binding_front(struct binding *b, enum ofa_resource metric, struct progress *progress,
			      const struct ofa_front **ret, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	enum front_state state;
	struct progress own;

	if (!progress) {
		progress_init(&own, b->opt->cancel);
		progress = &own;
	}
	pthread_mutex_lock(&b->lock);
	await_front(b, metric, progress);
	state = b->states[metric];
	if (state == FRONT_UNKNOWN) {
		b->states[metric] = FRONT_UNDER_WAY;
		b->computing[metric] = progress;
	}
	pthread_mutex_unlock(&b->lock);
	if (state == FRONT_UNDER_WAY)
		return ofa_fail(err, OFA_ERR_CANCELLED, NULL, "the search was stopped");
	if (state == FRONT_UNKNOWN)
		st = compute_front(b, metric, progress, err);
	if (st == OFA_OK)
		*ret = &b->fronts[metric];
	return st;
}

bool binding_has_front(struct binding *b, enum ofa_resource metric)
{
	bool known;

	pthread_mutex_lock(&b->lock);
	known = b->states[metric] == FRONT_KNOWN;
	pthread_mutex_unlock(&b->lock);
	return known;
}

/* ---- making ---- */

/* table NULL: latencies are not known. */
static enum ofa_status bind_problem(struct binding *b, const struct network *network,
				    const struct ofa_latency_table *table, enum ofa_precision precision,
				    struct ofa_error *err)
{
	const struct ofa_supernet *net = network->net;
	enum ofa_status st = OFA_OK;

	if (table)
		st = ofa_latency_model_new(&net->space, &net->params, table, &b->latency, err);
	if (st == OFA_OK)
		st = ofa_search_problem_new(net, &network->predictor, b->latency, precision, &b->own_problem, err);
	if (st == OFA_OK)
		b->problem = b->own_problem;
	return st;
}

static enum ofa_status binding_new(const struct network *network, const struct known_profile *profile,
				   enum ofa_precision precision, const struct bindings_options *opt,
				   struct binding **ret, struct ofa_error *err)
{
	const bool timed = known_profile_times(profile, precision);
	struct binding *b = calloc(1, sizeof(*b));
	enum ofa_status st = OFA_OK;
	pthread_condattr_t attr;

	if (!b)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	shared_init(&b->shared, binding_destroy);
	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->settled, &attr);
	pthread_condattr_destroy(&attr);
	b->opt = opt;
	b->problem = network->problem;
	b->account = network->account;
	if (timed || precision != OFA_FLOAT32)
		st = bind_problem(b, network, timed ? &profile->profile.table : NULL, precision, err);
	if (st != OFA_OK) {
		binding_unref(b);
		return st;
	}
	*ret = b;
	return OFA_OK;
}

enum ofa_status bindings_new(const struct bindings_options *opt, struct bindings **ret, struct ofa_error *err)
{
	struct bindings *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = lru_new(opt->cache_bytes, &s->kept, err);
	if (st == OFA_OK)
		st = lru_new(opt->passing_bytes, &s->passing, err);
	if (st != OFA_OK) {
		lru_free(s->kept);
		free(s);
		return st;
	}
	s->opt = *opt;
	pthread_mutex_init(&s->making, NULL);
	*ret = s;
	return OFA_OK;
}

struct lru *bindings_kept(struct bindings *s)
{
	return s->kept;
}

struct lru *bindings_passing(struct bindings *s)
{
	return s->passing;
}

void bindings_free(struct bindings *s)
{
	if (!s)
		return;
	lru_free(s->kept);
	lru_free(s->passing);
	pthread_mutex_destroy(&s->making);
	free(s);
}

struct job_key binding_key(const struct network *network, const struct known_profile *profile,
			   enum ofa_precision precision)
{
	uint8_t all[2 * OFA_SHA256_BYTES + 1] = {0};
	struct job_key key;

	memcpy(all, network->net->sha256, OFA_SHA256_BYTES);
	if (known_profile_times(profile, precision))
		memcpy(all + OFA_SHA256_BYTES, profile->sha256, OFA_SHA256_BYTES);
	all[sizeof(all) - 1] = (uint8_t)precision;
	ofa_sha256(all, sizeof(all), key.bytes);
	return key;
}

/* A new reference, or NULL.  Who sends a table that is stored here too finds what was made for that. */
static struct binding *find(struct bindings *s, const struct job_key *key, bool passing)
{
	struct shared *found = lru_get(s->kept, key);

	if (!found && passing)
		found = lru_get(s->passing, key);
	return (struct binding *)(void *)found;
}

enum ofa_status bindings_get(struct bindings *s, const struct network *network, const struct known_profile *profile,
			     enum ofa_precision precision, struct binding **ret, struct ofa_error *err)
{
	const struct job_key key = binding_key(network, profile, precision);
	const bool passing = known_profile_times(profile, precision) && profile->revision == 0;
	struct binding *b = find(s, &key, passing);
	enum ofa_status st = OFA_OK;

	if (!b) {
		pthread_mutex_lock(&s->making);
		b = find(s, &key, passing);
		if (!b)
			st = binding_new(network, profile, precision, &s->opt, &b, err);
		if (st == OFA_OK)
			lru_put(passing ? s->passing : s->kept, &key, &b->shared, BINDING_BYTES);
		pthread_mutex_unlock(&s->making);
	}
	if (st == OFA_OK)
		*ret = b;
	return st;
}
