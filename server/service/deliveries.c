#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/deliveries.h"
#include "service/manifest.h"

struct deliveries {
	struct deliveries_options opt;
	struct flights flights;
	struct lru *answered; /* question -> delivery */
};

/* ---- objects ---- */

static void delivery_destroy(struct shared *self)
{
	struct delivery *d = (struct delivery *)(void *)self;

	free(d->manifest);
	free(d);
}

void delivery_unref(struct delivery *d)
{
	if (d)
		shared_unref(&d->shared);
}

/* Takes the malloc'ed manifest (on failure too); NULL when memory is out. */
static struct delivery *delivery_new(const char *id, char *manifest)
{
	struct delivery *d = manifest ? malloc(sizeof(*d)) : NULL;

	if (!d) {
		free(manifest);
		return NULL;
	}
	shared_init(&d->shared, delivery_destroy);
	memcpy(d->id, id, sizeof(d->id));
	d->manifest = manifest;
	d->manifest_size = strlen(manifest);
	return d;
}

static void answer_destroy(struct shared *self)
{
	struct answer *a = (struct answer *)(void *)self;

	question_release(&a->question);
	delivery_unref(a->delivery);
	package_unref(a->package);
	free(a);
}

void answer_unref(struct answer *a)
{
	if (a)
		shared_unref(&a->flight.shared);
}

enum ofa_status deliveries_new(const struct deliveries_options *opt, struct deliveries **ret, struct ofa_error *err)
{
	struct deliveries *d = calloc(1, sizeof(*d));
	enum ofa_status st;

	if (!d)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	d->opt = *opt;
	flights_init(&d->flights);
	st = lru_new(opt->cache_bytes, &d->answered, err);
	if (st != OFA_OK) {
		deliveries_free(d);
		return st;
	}
	*ret = d;
	return OFA_OK;
}

struct lru *deliveries_cache(struct deliveries *d)
{
	return d->answered;
}

void deliveries_free(struct deliveries *d)
{
	if (!d)
		return;
	lru_free(d->answered);
	flights_release(&d->flights);
	free(d);
}

/* ---- the steps of an answer, on a worker ---- */

static void remember(struct answer *a)
{
	lru_put(a->deliveries->answered, &a->question.key, &a->delivery->shared,
		sizeof(*a->delivery) + a->delivery->manifest_size);
}

/* Takes the member "id" of a stored manifest. */
static enum ofa_status read_id(const struct ofa_buf *manifest, char id[PACKAGE_ID_CHARS + 1], struct ofa_error *err)
{
	json_t *json = json_loadb((const char *)manifest->data, manifest->len, 0, NULL);
	const char *value = json_string_value(json_object_get(json, "id"));
	bool ok = value && strlen(value) == PACKAGE_ID_CHARS;

	if (ok)
		memcpy(id, value, PACKAGE_ID_CHARS + 1);
	json_decref(json);
	return ok ? OFA_OK : ofa_fail(err, OFA_ERR_FORMAT, NULL, "a stored manifest has no id");
}

/* The answer that an earlier run of the daemon gave, if row and file are both still there. */
static enum ofa_status recall_from_store(struct answer *a, struct ofa_error *err)
{
	struct deliveries *d = a->deliveries;
	char id[PACKAGE_ID_CHARS + 1];
	struct ofa_buf manifest;
	enum ofa_status st;

	ofa_buf_init(&manifest, MANIFEST_MAX);
	st = d->opt.store->driver->delivery_by_question(d->opt.store, a->question.key.bytes, &manifest, err);
	if (st == OFA_OK)
		st = read_id(&manifest, id, err);
	if (st == OFA_OK)
		st = packages_get(d->opt.packages, id, &a->package, err);
	if (st == OFA_OK) {
		a->delivery = delivery_new(id, strndup((const char *)manifest.data, manifest.len));
		st = a->delivery ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	ofa_buf_release(&manifest);
	return st;
}

/* Is latency the one resource that is limited, for a profile whose front is kept?  It depends on the question alone,
 * so that equal questions have equal answers. */
static bool looked_up(const struct question *q)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if ((r == OFA_LATENCY_MS) == isinf(q->limits.max[r]))
			return false;
	return q->stored;
}

static enum ofa_status search_bound(struct answer *a, struct binding *b, struct ofa_search_result *found)
{
	const struct ofa_search_options options = {
		.limits = a->question.limits,
		.seed = a->question.seed,
		.cancel = a->deliveries->opt.cancel,
	};
	const struct ofa_search_problem *problem = binding_problem(b);
	const struct ofa_front *front;
	enum ofa_status st;

	/* what no subnet keeps is told at once, whatever else is under way */
	ofa_search_feasible(problem, &a->feasible);
	if (!a->deliveries->opt.keep_fronts || !looked_up(&a->question) ||
	    options.limits.max[OFA_LATENCY_MS] < a->feasible.min[OFA_LATENCY_MS])
		return ofa_search_run(problem, &options, found, NULL, &a->error);
	st = binding_front(b, OFA_LATENCY_MS, &front, &a->error);
	return st == OFA_OK ? ofa_front_answer(problem, front, &options, found, NULL, &a->error) : st;
}

static void count_search(const struct answer *a, enum ofa_status st, const struct ofa_search_result *found)
{
	static const enum metrics_counter by_stop[] = {
		[OFA_STOP_BUDGET] = METRICS_SEARCH_BUDGET,
		[OFA_STOP_CONVERGED] = METRICS_SEARCH_CONVERGED,
		[OFA_STOP_FRONT] = METRICS_SEARCH_FRONT,
	};
	struct metrics *m = a->deliveries->opt.metrics;

	if (st == OFA_OK) {
		metrics_add(m, by_stop[found->stop], 1);
		metrics_add(m, METRICS_EVALUATIONS, (uint64_t)found->evaluations);
	} else {
		metrics_add(m,
			    st == OFA_ERR_INFEASIBLE  ? METRICS_SEARCH_INFEASIBLE
			    : st == OFA_ERR_CANCELLED ? METRICS_SEARCH_CANCELLED
						      : METRICS_SEARCH_FAILED,
			    1);
	}
	metrics_observe_ms(m, METRICS_SEARCH_SECONDS, a->timing.search_ms);
}

static enum ofa_status search(struct answer *a, struct ofa_search_result *found)
{
	double begin = clock_ms();
	struct binding *binding;
	enum ofa_status st = bindings_get(a->deliveries->opt.bindings, a->question.network, a->question.profile,
					  &binding, &a->error);

	if (st != OFA_OK)
		return st;
	st = search_bound(a, binding, found);
	binding_unref(binding);
	a->timing.search_ms = clock_ms() - begin;
	count_search(a, st, found);
	return st;
}

/* Builds the package, which the device runtime tries before anybody else does, and checks its digests as they are in
 * memory.  What is written from there is the file; that is not read again. */
static enum ofa_status build(struct answer *a, const struct ofa_search_result *found, uint8_t **ret_data,
			     struct ofa_package_summary *ret)
{
	const struct ofa_pack_info info = {
		.predicted_accuracy = found->predicted_accuracy,
		.latency_ms = found->value[OFA_LATENCY_MS],
		.profile = a->question.profile ? a->question.profile->profile.name : NULL,
	};
	double begin = clock_ms();
	struct ofa_pack_timing timing = {0};
	uint8_t *data;
	size_t size;
	enum ofa_status st =
		ofa_pack_build(a->question.network->net, &found->arch, &info, NULL, &data, &size, &timing, &a->error);

	if (st != OFA_OK)
		return st;
	st = ofa_package_read(data, size, ret, &a->error);
	a->timing.calibrate_ms = timing.calibrate_ms;
	a->timing.pack_ms = clock_ms() - begin - timing.calibrate_ms;
	metrics_observe_ms(a->deliveries->opt.metrics, METRICS_CALIBRATE_SECONDS, a->timing.calibrate_ms);
	metrics_observe_ms(a->deliveries->opt.metrics, METRICS_PACK_SECONDS, a->timing.pack_ms);
	if (st != OFA_OK) {
		free(data);
		return st;
	}
	*ret_data = data;
	return OFA_OK;
}

/* Makes the delivery durable: first the file, then the row that speaks of it. */
static enum ofa_status keep(struct answer *a, const struct ofa_search_result *found)
{
	struct deliveries *d = a->deliveries;
	const struct question *q = &a->question;
	json_t *limits = ofa_limits_format(&q->limits);
	char *limits_text = limits ? json_dumps(limits, JSON_COMPACT) : NULL;
	char arch[1024];
	enum ofa_status st;

	json_decref(limits);
	if (!limits_text)
		return ofa_fail(&a->error, OFA_ERR_NOMEM, NULL, "out of memory");
	ofa_arch_snprint(&q->network->net->space, &found->arch, arch, sizeof(arch));
	st = d->opt.store->driver->delivery_put(d->opt.store,
						&(struct store_delivery){
							.question = q->key.bytes,
							.subnet = a->package->id,
							.size_bytes = a->package->size,
							.network = q->network->net->name,
							.arch = arch,
							.profile = q->profile ? q->profile->profile.name : NULL,
							.profile_revision = question_revision(q),
							.limits = limits_text,
							.seed = q->seed,
							.evaluations = found->evaluations,
							.manifest = a->delivery->manifest,
						},
						&a->error);
	free(limits_text);
	return st;
}

static enum ofa_status make_delivery(struct answer *a, const struct ofa_search_result *found,
				     const struct ofa_package_summary *summary)
{
	a->delivery = delivery_new(a->package->id, manifest_format(&a->question, found, summary, a->package));
	return a->delivery ? OFA_OK : ofa_fail(&a->error, OFA_ERR_NOMEM, NULL, "out of memory");
}

static enum ofa_status find_anew(struct answer *a)
{
	struct ofa_package_summary summary;
	struct ofa_search_result found;
	uint8_t *data;
	enum ofa_status st = search(a, &found);

	if (st == OFA_OK)
		st = build(a, &found, &data, &summary);
	if (st != OFA_OK)
		return st;
	st = packages_add(a->deliveries->opt.packages, data, summary.size_bytes, summary.sha256, &a->package,
			  &a->error);
	free(data);
	if (st == OFA_OK)
		st = make_delivery(a, &found, &summary);
	ofa_package_summary_release(&summary);
	return st == OFA_OK ? keep(a, &found) : st;
}

static enum ofa_status find_answer(struct answer *a)
{
	struct ofa_error err = {0};
	enum ofa_status st;

	/* somebody else's flight may have landed between our look into memory and our take-off */
	if (deliveries_recall(a->deliveries, &a->question.key, &a->delivery, &a->package))
		return OFA_OK;
	st = recall_from_store(a, &err);
	if (st == OFA_OK) {
		a->from_store = true;
		metrics_add(a->deliveries->opt.metrics, METRICS_LOOKUP_STORE, 1);
		return OFA_OK;
	}
	package_unref(a->package);
	a->package = NULL;
	if (st != OFA_ERR_NOT_FOUND)
		log_message(a->deliveries->opt.log, LOG_LEVEL_WARN, "a stored delivery cannot be used: %s",
			    err.message);
	metrics_add(a->deliveries->opt.metrics, METRICS_LOOKUP_MISS, 1);
	return find_anew(a);
}

static void log_answer(const struct answer *a)
{
	bool ours = a->status == OFA_OK || a->status == OFA_ERR_INFEASIBLE || a->status == OFA_ERR_MISMATCH;
	struct log_line line;

	log_begin(&line, a->deliveries->opt.log, ours ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "search");
	log_string(&line, "network", a->question.network->net->name);
	log_string(&line, "profile", a->question.profile ? a->question.profile->profile.name : NULL);
	log_string(&line, "outcome", ofa_status_name(a->status));
	log_string(&line, "subnet", a->delivery ? a->delivery->id : NULL);
	log_string(&line, "error", a->status == OFA_OK ? NULL : a->error.message);
	log_string(&line, "source", a->from_store ? "store" : "search");
	log_real(&line, "queue_ms", a->timing.queue_ms);
	log_real(&line, "search_ms", a->timing.search_ms);
	log_real(&line, "calibrate_ms", a->timing.calibrate_ms);
	log_real(&line, "pack_ms", a->timing.pack_ms);
	log_end(&line);
}

static void land(struct answer *a, enum ofa_status st)
{
	a->status = st;
	log_answer(a);
	if (st == OFA_OK)
		remember(a); /* before landing: whoever asks from here on finds it in memory */
	flight_land(&a->deliveries->flights, &a->flight);
}

static void answer_run(struct task *task)
{
	struct answer *a = (struct answer *)(void *)((char *)task - offsetof(struct answer, task));

	a->timing.queue_ms = clock_ms() - a->asked_ms;
	metrics_observe_ms(a->deliveries->opt.metrics, METRICS_QUEUE_SECONDS, a->timing.queue_ms);
	land(a, find_answer(a));
	answer_unref(a);
}

/* ---- asking ---- */

bool deliveries_recall(struct deliveries *d, const struct job_key *key, struct delivery **ret_delivery,
		       struct package **ret_package)
{
	struct delivery *delivery = (struct delivery *)(void *)lru_get(d->answered, key);
	struct package *package = delivery ? packages_peek(d->opt.packages, delivery->id) : NULL;

	if (!package) {
		delivery_unref(delivery);
		return false;
	}
	metrics_add(d->opt.metrics, METRICS_LOOKUP_MEMORY, 1);
	*ret_delivery = delivery;
	*ret_package = package;
	return true;
}

static struct answer *answer_new(struct deliveries *d, struct question *q)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	shared_init(&a->flight.shared, answer_destroy);
	a->task.run = answer_run;
	a->flight.key = q->key;
	a->deliveries = d;
	a->question = *q;
	a->asked_ms = clock_ms();
	return a;
}

enum ofa_status deliveries_ask(struct deliveries *d, struct question *q, struct answer **ret, struct ofa_error *err)
{
	struct answer *candidate = answer_new(d, q), *a;
	bool leader;

	if (!candidate) {
		question_release(q);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	a = (struct answer *)(void *)flight_join(&d->flights, &candidate->flight, &leader);
	if (!leader) {
		metrics_add(d->opt.metrics, METRICS_LOOKUP_FLIGHT, 1);
		answer_unref(candidate);
		*ret = a;
		return OFA_OK;
	}
	shared_ref(&a->flight.shared); /* the worker's */
	if (!workers_submit(d->opt.workers, TASK_PROVISION, &a->task)) {
		/* others may have joined: they are told the same */
		land(a, ofa_fail(&a->error, OFA_ERR_LIMIT, NULL, "the queue of searches is full"));
		answer_unref(a);
		answer_unref(a);
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the queue of searches is full");
	}
	*ret = a;
	return OFA_OK;
}

bool deliveries_wait(struct deliveries *d, struct answer *a, struct flight_waiter *w)
{
	return flight_wait(&d->flights, &a->flight, w);
}

/* ---- ahead of being asked ---- */

struct preparation {
	struct task task;
	struct deliveries *deliveries;
	struct networks *networks;
	struct known_profile *profile; /* a reference */
};

static void prepare_run(struct task *task)
{
	struct preparation *p = (struct preparation *)(void *)task;
	const struct log *log = p->deliveries->opt.log;

	for (size_t i = 0; i < p->networks->n; i++) {
		const struct network *network = &p->networks->list[i];
		double begin = clock_ms();
		struct binding *binding;
		const struct ofa_front *front;
		struct ofa_error err = {0};
		struct log_line line;

		/* a table need not cover every network */
		if (bindings_get(p->deliveries->opt.bindings, network, p->profile, &binding, &err) != OFA_OK)
			continue;
		if (binding_front(binding, OFA_LATENCY_MS, &front, &err) == OFA_OK) {
			log_begin(&line, log, LOG_LEVEL_INFO, "front");
			log_string(&line, "network", network->net->name);
			log_string(&line, "profile", p->profile->profile.name);
			log_integer(&line, "points", (long long)front->n);
			log_real(&line, "ms", clock_ms() - begin);
			log_end(&line);
		} else if (err.status != OFA_ERR_CANCELLED) {
			log_message(log, LOG_LEVEL_WARN, "no front of %s for profile %s: %s", network->net->name,
				    p->profile->profile.name, err.message);
		}
		binding_unref(binding);
	}
	known_profile_unref(p->profile);
	free(p);
}

void deliveries_prepare(struct deliveries *d, struct networks *networks, struct known_profile *profile)
{
	struct preparation *p = d->opt.keep_fronts && profile->profile.has_table ? malloc(sizeof(*p)) : NULL;

	if (!p)
		return;
	*p = (struct preparation){.task.run = prepare_run, .deliveries = d, .networks = networks, .profile = profile};
	shared_ref(&profile->shared);
	if (workers_submit(d->opt.background, TASK_DASHBOARD, &p->task))
		return;
	known_profile_unref(profile);
	free(p);
}
