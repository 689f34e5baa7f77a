#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/failure.h"
#include "api/idempotent.h"
#include "api/json_job.h"
#include "api/problem.h"
#include "api/question_body.h"
#include "api/resources.h"
#include "api/subnet_package.h"
#include "api/subnet_reply.h"
#include "http/prefer.h"

/* Even who would not wait is told by then what needs no search. */
#define MOMENT_MS 25.0
/* As add_timing() would word it. */
#define TIMING_OF_MEMORY \
	"search;dur=0.000, calibrate;dur=0.000, pack;dur=0.000, queue;dur=0.000, cache;desc=\"memory\""

enum answer_type { ANSWER_PACKAGE, ANSWER_MANIFEST, ANSWER_ONNX, ANSWER_TFLITE };
static const char *const answer_types[] = {PACKAGE_TYPE, "application/json", ONNX_TYPE, TFLITE_TYPE};

static bool is_export(enum answer_type type)
{
	return type == ANSWER_ONNX || type == ANSWER_TFLITE;
}

static enum ofa_export_format format_of(enum answer_type type)
{
	return type == ANSWER_ONNX ? OFA_EXPORT_ONNX : OFA_EXPORT_TFLITE;
}

/* A call that waits for its answer.  References: the call's, the flight's while it has the waiter, and the timers'
 * while the timer is set. */
struct api_wait {
	struct shared shared;
	struct flight_waiter waiter;
	struct timer timer;
	struct http_call *call;
	struct answer *answer; /* a reference */
	struct job_key question;
	enum answer_type type;
	bool inline_profile; /* the profile came with the request */
	struct idempotent once;
	struct http_prefer prefer;
	unsigned wait_s;     /* how long it may take */
	bool begun;          /* it was suspended */
	bool waiting;        /* and its answer had not landed when it was resumed */
	atomic_bool resumed; /* by the answer or by the timer, whichever came first */
};

/* ---- replies ---- */

/* A question was answered; `source` as struct http_note has it. */
static void count_delivery(struct http_call *call, const struct delivery *d, const char *source)
{
	call->note.cache = source;
	deliveries_count(call->app->deliveries, d);
}

/* `p` may be NULL unless the package is asked for, `x` unless an export is. */
static void reply_answer(struct http_call *call, enum answer_type type, const struct job_key *key,
			 struct delivery *d, struct package *p, struct exported *x)
{
	if (type == ANSWER_PACKAGE) {
		subnet_reply_package(call, p);
		signed_manifest_link(call, p->id, key);
		http_reply_header(&call->reply, "Content-Location", "/subnets/%s", p->id);
	} else if (x) {
		subnet_reply_export(call, x);
		http_reply_header(&call->reply, "Content-Location", "/subnets/%s", d->id);
	} else {
		http_reply_shared(&call->reply, 200, "application/json", &d->shared, (const uint8_t *)d->manifest,
				  d->manifest_size);
		http_reply_header_lasting(&call->reply, "Content-Location", d->manifest_path);
	}
	http_reply_header_lasting(&call->reply, "Vary", "Accept");
}

/* On a worker, where the export may have to be made.  False: the reply says why there is none. */
static bool reply_made(struct http_call *call, enum answer_type type, const struct job_key *key, struct delivery *d,
		       struct package *p)
{
	struct exported *x = NULL;
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	if (is_export(type))
		st = exports_get(call->app->exports, p, format_of(type), &x, &err);
	if (st != OFA_OK) {
		subnet_refuse_export(call, st, &err);
		return false;
	}
	reply_answer(call, type, key, d, p, x);
	exported_unref(x);
	return true;
}

/* What this request spent. */
static void add_timing(struct http_call *call, const struct answer_timing *t, const char *source)
{
	http_reply_header(&call->reply, "Server-Timing",
			  "search;dur=%.3f, calibrate;dur=%.3f, pack;dur=%.3f, queue;dur=%.3f%s", t->search_ms,
			  t->calibrate_ms, t->pack_ms, t->queue_ms, source);
}

/* The job that goes on instead of the call. */
static void reply_accepted(struct http_call *call, struct job *j, const char *applied)
{
	struct job_view v;

	jobs_view(call->app->jobs, j, &v);
	job_reply(call, 202, &v);
	http_reply_header(&call->reply, "Location", "/jobs/%s", v.id);
	if (*applied)
		http_reply_header(&call->reply, "Preference-Applied", "%s", applied);
}

/* ---- requests that are repeated ---- */

/* What came of a request: the question, which has one answer, and the job that its client was told of. */
struct outcome {
	struct job_key question;
	char job[JOB_ID_CHARS + 1]; /* "" = none */
};

static void settle(struct http_call *call, struct idempotent *once, const struct job_key *question, struct job *j)
{
	struct outcome o = {.question = *question};
	struct job_view v;

	if (!once->held)
		return;
	if (j) {
		jobs_view(call->app->jobs, j, &v);
		memcpy(o.job, v.id, sizeof(o.job));
	}
	idempotent_settle(call, once, &o, sizeof(o));
}

/* False: it is none, as when another version of the server has written it. */
static bool read_outcome(const struct ofa_buf *result, struct outcome *ret)
{
	if (result->len != sizeof(*ret))
		return false;
	memcpy(ret, result->data, sizeof(*ret));
	return memchr(ret->job, '\0', sizeof(ret->job)) != NULL;
}

/* ---- waiting ---- */

static void wait_destroy(struct shared *self)
{
	free(self);
}

/* Nobody wakes the call any more.  True: its answer has not landed. */
static bool wait_over(struct api_wait *w)
{
	bool waiting = deliveries_unwait(w->call->app->deliveries, &w->waiter);

	if (waiting)
		shared_unref(&w->shared);
	if (timers_cancel(w->call->app->timers, &w->timer))
		shared_unref(&w->shared);
	return waiting;
}

/* The client is gone.  The answer is made all the same: most likely it will ask again. */
static void on_dropped(struct http_call *call)
{
	struct api_wait *w = call->wait;

	call->wait = NULL;
	wait_over(w);
	settle(call, &w->once, &w->question, NULL);
	deliveries_release(w->answer);
	shared_unref(&w->shared);
}

static void resume_once(struct api_wait *w)
{
	if (!atomic_exchange(&w->resumed, true))
		http_call_resume(w->call);
}

static void on_landed(struct flight_waiter *waiter)
{
	struct api_wait *w = (struct api_wait *)(void *)((char *)waiter - offsetof(struct api_wait, waiter));

	resume_once(w);
	shared_unref(&w->shared);
}

static void on_time(struct timer *timer)
{
	struct api_wait *w = (struct api_wait *)(void *)((char *)timer - offsetof(struct api_wait, timer));

	resume_once(w);
	shared_unref(&w->shared);
}

static void on_suspended(struct http_call *call)
{
	struct api_wait *w = call->wait;

	shared_ref(&w->shared);
	/* without a timer it waits until the search's own time is up */
	if (!timers_set(call->app->timers, &w->timer, w->wait_s ? w->wait_s * 1e3 : MOMENT_MS))
		shared_unref(&w->shared);
	shared_ref(&w->shared);
	if (!deliveries_wait(call->app->deliveries, w->answer, &w->waiter)) {
		resume_once(w);
		shared_unref(&w->shared);
	}
}

static unsigned choose_wait(const struct app *app, const struct http_prefer *prefer)
{
	unsigned max = app->settings->max_wait_seconds;

	if (prefer->wait_s < 0)
		return prefer->respond_async ? 0 : max;
	return (unsigned)prefer->wait_s < max ? (unsigned)prefer->wait_s : max;
}

static enum http_next go_to_wait(struct api_wait *w)
{
	w->begun = true;
	return HTTP_SUSPEND;
}

/* Asks, and waits for the answer; on a worker, which cannot wait, its HTTP thread does. */
static enum http_next begin_wait(struct app *app, struct http_call *call, struct question *q, enum answer_type type,
				 bool inline_profile, struct idempotent *once)
{
	struct api_wait *w = calloc(1, sizeof(*w));
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!w) {
		question_release(q);
		idempotent_drop(call, once);
		call->reply.failed = true;
		return HTTP_REPLY;
	}
	st = deliveries_ask(app->deliveries, q, &w->answer, &err);
	if (st != OFA_OK) {
		free(w);
		idempotent_drop(call, once);
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	shared_init(&w->shared, wait_destroy);
	w->waiter.wake = on_landed;
	w->timer.fire = on_time;
	w->call = call;
	w->question = w->answer->question.key;
	w->type = type;
	w->inline_profile = inline_profile;
	w->once = *once;
	w->prefer = http_prefer_parse(call->request.header[HTTP_PREFER]);
	w->wait_s = choose_wait(app, &w->prefer);
	call->wait = w;
	call->on_suspended = on_suspended;
	call->on_dropped = on_dropped;
	return http_call_on_worker(call) ? HTTP_RETURN : go_to_wait(w);
}

/* The preferences that made the answer what it is (RFC 7240, 3). */
static void format_applied(const struct api_wait *w, bool waiting, char *out, size_t cap)
{
	bool async = waiting && w->prefer.respond_async;

	*out = '\0';
	if (w->prefer.wait_s >= 0)
		snprintf(out, cap, "%swait=%u", async ? "respond-async, " : "", w->wait_s);
	else if (async)
		snprintf(out, cap, "respond-async");
}

/* The time is up, the answer is not there: a job goes on waiting for it. */
static void hand_over(struct http_call *call, struct api_wait *w, const char *applied)
{
	struct ofa_error err = {0};
	struct job *j;
	enum ofa_status st = jobs_add(call->app->jobs, w->answer, w->inline_profile, &j, &err);

	if (st != OFA_OK) {
		deliveries_leave(call->app->deliveries, w->answer);
		idempotent_drop(call, &w->once);
		problem_reply_error(call, st, &err);
		return;
	}
	settle(call, &w->once, &w->question, j);
	reply_accepted(call, j, applied);
	job_unref(j);
}

static void reply_landed(struct http_call *call, struct api_wait *w, const char *applied)
{
	static const char *const cached[ANSWER_SOURCE_COUNT] = {
		[FROM_SEARCH] = "",
		[FROM_STORE] = ", cache;desc=\"store\"",
		[FROM_MEMORY] = ", cache;desc=\"memory\"",
	};
	const struct answer *a = w->answer;

	if (a->status == OFA_OK) {
		settle(call, &w->once, &w->question, NULL);
		if (!reply_made(call, w->type, &a->question.key, a->delivery, a->package))
			return;
		count_delivery(call, a->delivery, answer_source_name(a->source));
		add_timing(call, &a->timing, cached[a->source]);
		if (*applied)
			http_reply_header(&call->reply, "Preference-Applied", "%s", applied);
	} else {
		idempotent_drop(call, &w->once);
		failure_reply(call, &(struct failure){.status = a->status,
						      .error = &a->error,
						      .feasible = &a->feasible,
						      .inline_profile = w->inline_profile});
	}
	call->note.queue_ms = a->timing.queue_ms;
}

/* What may take long is a worker's: to make an export, and to write to a store that is shared. */
static bool ends_elsewhere(const struct api_wait *w)
{
	const struct app *app = w->call->app;

	if (w->waiting ? jobs_shared(app->jobs) : w->answer->status == OFA_OK && is_export(w->type))
		return true;
	return w->once.held && idempotency_shared(app->idempotency);
}

static enum http_next end_wait(struct http_call *call)
{
	struct api_wait *w = call->wait;
	char applied[64];

	if (!http_call_on_worker(call)) {
		w->waiting = wait_over(w);
		if (ends_elsewhere(w))
			return HTTP_OFFLOAD;
	}
	call->wait = NULL;
	format_applied(w, w->waiting, applied, sizeof(applied));
	if (w->waiting) {
		hand_over(call, w, applied);
	} else {
		reply_landed(call, w, applied);
		deliveries_leave(call->app->deliveries, w->answer);
	}
	shared_unref(&w->shared);
	return HTTP_REPLY;
}

/* ---- POST /subnets ---- */

/* Answers from memory, if the answer is there. */
static bool recall(struct app *app, struct http_call *call, const struct job_key *key, enum answer_type type)
{
	struct delivery *delivery;
	struct package *package = NULL;
	struct exported *exported = NULL;

	if (!deliveries_recall(app->deliveries, key, &delivery, type == ANSWER_PACKAGE ? &package : NULL))
		return false;
	if (is_export(type) && !(exported = exports_peek(app->exports, delivery->id, format_of(type)))) {
		delivery_unref(delivery);
		return false;
	}
	reply_answer(call, type, key, delivery, package, exported);
	exported_unref(exported);
	count_delivery(call, delivery, "memory");
	http_reply_header_lasting(&call->reply, "Server-Timing", TIMING_OF_MEMORY);
	delivery_unref(delivery);
	package_unref(package);
	return true;
}

/* The job that the first request was told of, if it is under way, here or, which a worker finds out, elsewhere. */
static bool repeat_job(struct app *app, struct http_call *call, const struct outcome *o)
{
	struct job *j = jobs_find(app->jobs, o->job);
	struct job_view v;
	bool under_way;

	if (!j && o->job[0] && jobs_shared(app->jobs) && http_call_on_worker(call) &&
	    jobs_fetch(app->jobs, o->job, &j, NULL) != OFA_OK)
		return false;
	if (!j)
		return false;
	jobs_view(app->jobs, j, &v);
	under_way = !job_view_over(&v);
	if (under_way)
		reply_accepted(call, j, "");
	job_unref(j);
	return under_way;
}

/* The answer from disk.  OFA_OK: *ret_next is what comes of it. */
static enum ofa_status repeat_from_store(struct app *app, struct http_call *call, const struct job_key *question,
					 enum answer_type type, enum http_next *ret_next, struct ofa_error *err)
{
	struct delivery *delivery;
	struct package *package;
	enum ofa_status st = deliveries_find(app->deliveries, question, NULL, &delivery, err);

	if (st != OFA_OK)
		return st;
	if (subnet_package(app, call, delivery->id, &package, ret_next)) {
		*ret_next = HTTP_REPLY;
		if (reply_made(call, type, question, delivery, package))
			count_delivery(call, delivery, "store");
		package_unref(package);
	}
	delivery_unref(delivery);
	return OFA_OK;
}

/* What the key stands for is gone: the next request with it begins anew. */
static void forget_lost(struct http_call *call, struct idempotent *once)
{
	if (call->reply.status == problem_entry(PROBLEM_GONE)->status)
		idempotent_forget(call, once);
}

/* Its job failed or was cancelled. */
static void begin_anew(struct http_call *call, struct idempotent *once)
{
	idempotent_forget(call, once);
	problem_reply(call, PROBLEM_OVERLOAD, NULL,
		      "the first request with this key has no answer; the next one begins anew");
}

/* A request whose key was settled: the same answer again. */
static enum http_next repeat(struct app *app, struct http_call *call, const struct ofa_buf *result,
			     enum answer_type type, struct idempotent *once)
{
	enum http_next next = HTTP_REPLY;
	struct ofa_error err = {0};
	struct package *package;
	struct outcome o;
	enum ofa_status st;

	if (call->rebuild) { /* its package was dropped; made again it is in memory */
		if (!subnet_package(app, call, "", &package, &next)) {
			forget_lost(call, once);
			return next;
		}
		package_unref(package);
	}
	if (!read_outcome(result, &o)) {
		begin_anew(call, once);
		return HTTP_REPLY;
	}
	if (recall(app, call, &o.question, type) || repeat_job(app, call, &o))
		return HTTP_REPLY;
	if (!http_call_on_worker(call))
		return HTTP_OFFLOAD;
	st = repeat_from_store(app, call, &o.question, type, &next, &err);
	if (st == OFA_ERR_NOT_FOUND)
		begin_anew(call, once);
	else if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	forget_lost(call, once);
	return next;
}

/* A request with a key that is the first with it, or one without. */
static enum http_next answer_first(struct app *app, struct http_call *call, enum answer_type type,
				   struct idempotent *once)
{
	const struct ofa_buf *body = &call->request.body;
	uint64_t generation = profiles_generation(app->profiles); /* before anything is looked up */
	enum question_outcome outcome;
	struct job_key key;
	struct question q;
	bool inline_profile = false;

	if (question_memo_find(app->memo, generation, body->data, body->len, &key) && recall(app, call, &key, type)) {
		settle(call, once, &key, NULL);
		return HTTP_REPLY;
	}
	outcome = question_read(app, call, &q, &inline_profile);
	if (outcome != QUESTION_READ) {
		idempotent_drop(call, once);
		return outcome == QUESTION_ELSEWHERE ? HTTP_OFFLOAD : HTTP_REPLY;
	}
	if (recall(app, call, &q.key, type)) {
		if (!q.calibrated)
			question_memo_put(app->memo, generation, body->data, body->len, &q.key);
		settle(call, once, &q.key, NULL);
		question_release(&q);
		return HTTP_REPLY;
	}
	if (atomic_load(&app->draining)) {
		question_release(&q);
		idempotent_drop(call, once);
		problem_reply(call, PROBLEM_DRAINING, NULL, "the server is shutting down and begins no searches");
		return HTTP_REPLY;
	}
	return begin_wait(app, call, &q, type, inline_profile, once);
}

enum http_next subnets_post(struct app *app, struct http_call *call)
{
	struct idempotent once;
	enum http_next next = HTTP_REPLY;
	struct ofa_buf result;
	int type;

	if (call->wait)
		return call->wait->begun ? end_wait(call) : go_to_wait(call->wait);
	if (idempotent_elsewhere(call))
		return HTTP_OFFLOAD;
	type = choose_type(call, answer_types, OFA_ARRAY_LEN(answer_types));
	if (type < 0)
		return HTTP_REPLY;
	ofa_buf_init(&result, IDEMPOTENCY_RESULT_MAX);
	switch (idempotent_begin(call, &once, &result)) {
	case IDEMPOTENT_DO:
		next = answer_first(app, call, (enum answer_type)type, &once);
		break;
	case IDEMPOTENT_REPEAT:
		next = repeat(app, call, &result, (enum answer_type)type, &once);
		break;
	case IDEMPOTENT_REFUSED:
		break;
	}
	ofa_buf_release(&result);
	return next;
}
