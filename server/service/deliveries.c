#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/answering.h"
#include "service/ledger.h"

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

struct delivery *delivery_new(const char *id, struct ledger_account *account, char *manifest)
{
	struct delivery *d = manifest ? malloc(sizeof(*d)) : NULL;

	if (!d) {
		free(manifest);
		return NULL;
	}
	shared_init(&d->shared, delivery_destroy);
	memcpy(d->id, id, sizeof(d->id));
	snprintf(d->manifest_path, sizeof(d->manifest_path), "/subnets/%s/manifest", id);
	d->account = account;
	d->manifest = manifest;
	d->manifest_size = strlen(manifest);
	return d;
}

static void answer_destroy(struct shared *self)
{
	struct answer *a = (struct answer *)(void *)self;

	question_release(&a->question);
	binding_unref(a->binding);
	delivery_unref(a->delivery);
	package_unref(a->package);
	free(a);
}

static void answer_unref(struct answer *a)
{
	shared_unref(&a->flight.shared);
}

void deliveries_count(struct deliveries *d, const struct delivery *delivery)
{
	metrics_add(d->opt.metrics, METRICS_DELIVERIES, 1);
	ledger_deliver(delivery->account);
}

struct lru *deliveries_cache(struct deliveries *d)
{
	return d->answered;
}

/* ---- landing ---- */

static void remember(struct answer *a)
{
	lru_put(a->deliveries->answered, &a->question.key, &a->delivery->shared,
		sizeof(*a->delivery) + a->delivery->manifest_size);
}

const char *answer_source_name(enum answer_source source)
{
	static const char *const names[ANSWER_SOURCE_COUNT] = {
		[FROM_SEARCH] = "search",
		[FROM_STORE] = "store",
		[FROM_MEMORY] = "memory",
	};

	return names[source];
}

/* Did it end as it may, whatever the client makes of it? */
static bool ended_well(const struct answer *a)
{
	return a->status == OFA_OK || a->status == OFA_ERR_INFEASIBLE || a->status == OFA_ERR_MISMATCH ||
	       a->status == OFA_ERR_CANCELLED;
}

static void log_answer(const struct answer *a)
{
	struct log_line line;

	log_begin(&line, a->deliveries->opt.log, ended_well(a) ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "search");
	log_string(&line, "network", a->question.network->net->name);
	log_string(&line, "profile", a->question.profile ? a->question.profile->profile.name : NULL);
	log_string(&line, "dtype", ofa_precision_name(a->question.precision));
	log_string(&line, "outcome", ofa_status_name(a->status));
	log_string(&line, "subnet", a->delivery ? a->delivery->id : NULL);
	log_string(&line, "error", a->status == OFA_OK ? NULL : a->error.message);
	log_string(&line, "source", answer_source_name(a->source));
	log_real(&line, "queue_ms", a->timing.queue_ms);
	log_real(&line, "search_ms", a->timing.search_ms);
	log_real(&line, "calibrate_ms", a->timing.calibrate_ms);
	log_real(&line, "pack_ms", a->timing.pack_ms);
	log_end(&line);
}

static void land(struct answer *a, enum ofa_status st)
{
	a->status = st;
	question_place(&a->question, &a->error);
	if (a->source != FROM_MEMORY)
		log_answer(a);
	if (st == OFA_OK)
		remember(a); /* before landing: whoever asks from here on finds it in memory */
	flight_land(&a->deliveries->flights, &a->flight);
	answer_unref(a); /* the worker's */
}

/* One that ended early says so only when its time was up: else its clients have left, or the daemon ends. */
static enum ofa_status explain_end(struct answer *a, enum ofa_status st)
{
	double deadline = a->progress.deadline_ms;

	if (st != OFA_ERR_CANCELLED || clock_ms() <= deadline)
		return st;
	a->error = (struct ofa_error){0};
	return ofa_fail(&a->error, OFA_ERR_LIMIT, NULL, "the search was ended after %.0f seconds",
			a->deliveries->opt.search_ms / 1e3);
}

static struct answer *answer_of(struct task *task)
{
	return (struct answer *)(void *)((char *)task - offsetof(struct answer, task));
}

static void measure_queue(struct answer *a)
{
	bool first = a->timing.queue_ms <= 0;

	a->timing.queue_ms = clock_ms() - a->asked_ms;
	if (first)
		metrics_observe_ms(a->deliveries->opt.metrics, METRICS_QUEUE_SECONDS, a->timing.queue_ms);
}

static enum ofa_status say_stopped(struct answer *a)
{
	return ofa_fail(&a->error, OFA_ERR_CANCELLED, NULL, "the search was stopped");
}

static enum ofa_status say_no_room(struct answer *a)
{
	if (progress_over(&a->progress))
		return ofa_fail(&a->error, OFA_ERR_CANCELLED, NULL, "the server is shutting down");
	return ofa_fail(&a->error, OFA_ERR_LIMIT, NULL, "the queue of searches is full");
}

/* Waits for its turn. */
static void queue_up(struct answer *a, void (*run)(struct task *task), enum task_class class)
{
	a->task.run = run;
	if (!workers_submit(a->deliveries->opt.workers, class, &a->task))
		land(a, explain_end(a, say_no_room(a)));
}

static void run_again(struct task *task);
static void run_find(struct task *task);

/* The package of a stored answer was made again, or cannot be: then the question is searched as if it were new. */
static void on_rebuilt(struct flight_waiter *waiter)
{
	struct answer *a = (struct answer *)(void *)((char *)waiter - offsetof(struct answer, rebuilt));
	struct rebuild *b = a->rebuild;
	enum ofa_status st = b->status;
	bool settled = true;

	if (st == OFA_OK) {
		shared_ref(&b->package->shared);
		a->package = b->package;
	} else if (st == OFA_ERR_GONE && !progress_over(&a->progress)) {
		answer_lose(a, &b->error);
		st = answer_check(a, &settled);
	} else {
		ofa_fail(&a->error, st, NULL, "%s", b->error.message);
	}
	a->rebuild = NULL;
	rebuild_unref(b);
	if (settled)
		land(a, explain_end(a, st));
	else
		queue_up(a, run_find, TASK_PROVISION);
}

/* No worker is held meanwhile. */
static void await_rebuild(struct answer *a)
{
	a->rebuilt.wake = on_rebuilt;
	if (!rebuild_wait(a->rebuild, &a->rebuilt))
		on_rebuilt(&a->rebuilt);
}

/* The question is this server's alone.  Whoever had it before may have answered it a moment ago. */
static enum ofa_status find_held(struct answer *a)
{
	struct deliveries *d = a->deliveries;
	bool settled;
	enum ofa_status st = answer_look_again(a, &settled);

	if (!settled && !a->rebuild)
		st = answer_find(a);
	/* what was found is in the store by now */
	d->sharing->question_unlock(d->opt.store, a->question.key.bytes);
	return st;
}

/* One server searches.  False: another one does, and the answer waits for it; it is not this thread's any more. */
static bool find_shared(struct answer *a, enum ofa_status *ret)
{
	struct deliveries *d = a->deliveries;
	bool held;

	if (!parking_enter(d->parking, &a->parked)) {
		*ret = say_no_room(a);
		return true;
	}
	*ret = d->sharing->question_lock(d->opt.store, a->question.key.bytes, &held, &a->error);
	/* asked for once it has entered: who cancels it later takes it out */
	if (*ret == OFA_OK && !held && !progress_over(&a->progress)) {
		metrics_add(d->opt.metrics, METRICS_REPLICA_WAITS, 1);
		a->task.run = run_again;
		if (!parking_stay(d->parking, &a->parked))
			run_again(&a->task);
		return false;
	}
	parking_exit(d->parking, &a->parked);
	if (*ret == OFA_OK)
		*ret = held ? find_held(a) : say_stopped(a);
	return true;
}

/* When its turn has come. */
static void run_find(struct task *task)
{
	struct answer *a = answer_of(task);
	enum ofa_status st;

	measure_queue(a);
	if (progress_over(&a->progress))
		st = say_stopped(a);
	else if (!a->deliveries->sharing)
		st = answer_find(a);
	else if (!find_shared(a, &st))
		return;
	if (a->rebuild)
		await_rebuild(a);
	else
		land(a, explain_end(a, st));
}

/* The first time, ahead of all searches: most of what can be told without one is told at once. */
static void run_look(struct task *task)
{
	struct answer *a = answer_of(task);
	bool settled;
	enum ofa_status st = answer_look(a, &settled);

	if (a->rebuild)
		await_rebuild(a);
	else if (settled)
		land(a, st);
	else
		queue_up(a, run_find, TASK_PROVISION);
}

/* Another server is done with it, or was waited for long enough. */
static void run_again(struct task *task)
{
	struct answer *a = answer_of(task);
	bool settled = true;
	enum ofa_status st;

	if (progress_over(&a->progress))
		st = say_stopped(a);
	else
		st = answer_look_again(a, &settled);
	measure_queue(a);
	if (a->rebuild)
		await_rebuild(a);
	else if (settled)
		land(a, explain_end(a, st));
	else
		queue_up(a, run_find, TASK_PROVISION);
}

/* ---- waiting for other servers ---- */

#define PARKED_MS 1000.0 /* after which it is tried whether the other server is still there */

static void handed_back(void *ctx, struct parked *p)
{
	struct answer *a = (struct answer *)(void *)((char *)p - offsetof(struct answer, parked));

	(void)ctx;
	queue_up(a, run_again, TASK_CALL);
}

static enum ofa_status make_parking(struct deliveries *d, struct ofa_error *err)
{
	const struct parking_options options = {
		.timers = d->opt.timers,
		.max = d->opt.max_parked,
		.patience_ms = PARKED_MS,
		.handed_back = handed_back,
		.ctx = d,
	};

	d->sharing = store_sharing(d->opt.store);
	return d->sharing ? parking_new(&options, &d->parking, err) : OFA_OK;
}

void deliveries_hear(struct deliveries *d, const char *question)
{
	struct job_key key;

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		if (sscanf(question + 2 * i, "%2hhx", &key.bytes[i]) != 1)
			return;
	parking_tell(d->parking, &key);
}

void deliveries_close(struct deliveries *d)
{
	if (d->parking)
		parking_close(d->parking);
}

/* ---- life ---- */

enum ofa_status deliveries_new(const struct deliveries_options *opt, struct deliveries **ret, struct ofa_error *err)
{
	struct deliveries *d = calloc(1, sizeof(*d));
	enum ofa_status st;

	if (!d)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	d->opt = *opt;
	flights_init(&d->flights);
	st = lru_new(opt->cache_bytes, &d->answered, err);
	if (st == OFA_OK)
		st = make_parking(d, err);
	if (st != OFA_OK) {
		deliveries_free(d);
		return st;
	}
	*ret = d;
	return OFA_OK;
}

void deliveries_free(struct deliveries *d)
{
	if (!d)
		return;
	lru_free(d->answered);
	parking_free(d->parking);
	flights_release(&d->flights);
	free(d);
}

/* ---- asking ---- */

bool deliveries_recall(struct deliveries *d, const struct job_key *key, struct delivery **ret_delivery,
		       struct package **ret_package)
{
	struct delivery *delivery = (struct delivery *)(void *)lru_get(d->answered, key);
	struct package *package = delivery && ret_package ? packages_peek(d->opt.packages, delivery->id) : NULL;

	if (!delivery || (ret_package && !package)) {
		delivery_unref(delivery);
		return false;
	}
	metrics_add(d->opt.metrics, METRICS_LOOKUP_MEMORY, 1);
	*ret_delivery = delivery;
	if (ret_package)
		*ret_package = package;
	return true;
}

static struct answer *answer_new(struct deliveries *d, struct question *q)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	shared_init(&a->flight.shared, answer_destroy);
	a->task.run = run_look;
	a->flight.key = q->key;
	a->parked.key = q->key;
	a->deliveries = d;
	a->question = *q;
	a->asked_ms = clock_ms();
	progress_init(&a->progress, d->opt.closing);
	a->progress.deadline_ms = a->asked_ms + d->opt.search_ms;
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
	if (!workers_submit(d->opt.lookers, TASK_CALL, &a->task)) {
		/* others may have joined: they are told the same */
		land(a, ofa_fail(&a->error, OFA_ERR_LIMIT, NULL, "the queue of searches is full"));
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

bool deliveries_unwait(struct deliveries *d, struct flight_waiter *w)
{
	return flight_unwait(&d->flights, w);
}

void deliveries_leave(struct deliveries *d, struct answer *a)
{
	if (flight_leave(&d->flights, &a->flight)) {
		atomic_store(&a->progress.cancel, true);
		/* it need not wait for its turn to be told */
		if (workers_withdraw(d->opt.lookers, &a->task) || workers_withdraw(d->opt.workers, &a->task) ||
		    (d->parking && parking_withdraw(d->parking, &a->parked)))
			land(a, say_stopped(a));
	}
	answer_unref(a);
}

void deliveries_release(struct answer *a)
{
	answer_unref(a);
}

/* ---- foretelling ---- */

void deliveries_foretell(struct deliveries *d, struct question *q, bool patient, struct foretelling *ret)
{
	struct answer *a = answer_new(d, q);

	*ret = (struct foretelling){0};
	if (!a) {
		question_release(q);
		ret->status = ofa_fail(&ret->error, OFA_ERR_NOMEM, NULL, "out of memory");
		return;
	}
	a->status = explain_end(a, answer_foretell(a, patient, &ret->manifest, &ret->put_off));
	question_place(&a->question, &a->error);
	if (!ended_well(a))
		log_answer(a);
	ret->manifest_size = ret->manifest ? strlen(ret->manifest) : 0;
	ret->status = a->status;
	ret->error = a->error;
	ret->feasible = a->feasible;
	ret->search_ms = a->timing.search_ms;
	answer_unref(a);
}

void foretelling_release(struct foretelling *f)
{
	free(f->manifest);
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
		if (bindings_get(p->deliveries->opt.bindings, network, p->profile, p->profile->profile.table.precision,
				 &binding, &err) != OFA_OK)
			continue;
		if (binding_front(binding, OFA_LATENCY_MS, NULL, &front, &err) == OFA_OK) {
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
