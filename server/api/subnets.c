#include <stdio.h>
#include <stdlib.h>
#include "api/body.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/resources.h"
#include "service/manifest.h"

#define PACKAGE_TYPE "application/vnd.ofa.subnet"
#define IMMUTABLE "public, max-age=31536000, immutable"
/* As add_timing() would word it. */
#define TIMING_OF_MEMORY \
	"search;dur=0.000, calibrate;dur=0.000, pack;dur=0.000, queue;dur=0.000, cache;desc=\"memory\""

enum answer_type { ANSWER_PACKAGE, ANSWER_MANIFEST };
static const char *const answer_types[] = {PACKAGE_TYPE, "application/json"};

/* A call that waits for its answer. */
struct api_wait {
	struct flight_waiter waiter;
	struct http_call *call;
	struct answer *answer; /* a reference */
	enum answer_type type;
	bool inline_profile; /* the profile came with the request */
};

/* ---- replies ---- */

static void reply_package(struct http_call *call, struct package *p)
{
	http_reply_shared(&call->reply, 200, PACKAGE_TYPE, &p->shared, p->data, p->size);
	http_reply_etag(&call->reply, p->sha256);
	http_reply_digest(&call->reply, p->sha256);
	call->note.package = true;
}

/* A question was answered; `source` as struct http_note has it. */
static void count_delivery(struct http_call *call, const char *source)
{
	call->note.cache = source;
	metrics_add(call->app->metrics, METRICS_DELIVERIES, 1);
}

static void reply_answer(struct http_call *call, enum answer_type type, const struct job_key *key,
			 struct delivery *d, struct package *p)
{
	if (type == ANSWER_PACKAGE) {
		reply_package(call, p);
		signed_manifest_link(call, p->id, key);
		http_reply_header(&call->reply, "Content-Location", "/subnets/%s", p->id);
	} else {
		http_reply_shared(&call->reply, 200, "application/json", &d->shared, (const uint8_t *)d->manifest,
				  d->manifest_size);
		http_reply_header(&call->reply, "Content-Location", "/subnets/%s/manifest", p->id);
	}
	http_reply_header_lasting(&call->reply, "Vary", "Accept");
}

/* What this request spent. */
static void add_timing(struct http_call *call, const struct answer_timing *t, const char *source)
{
	http_reply_header(&call->reply, "Server-Timing",
			  "search;dur=%.3f, calibrate;dur=%.3f, pack;dur=%.3f, queue;dur=%.3f%s", t->search_ms,
			  t->calibrate_ms, t->pack_ms, t->queue_ms, source);
}

static void reply_failure(struct http_call *call, const struct api_wait *w)
{
	const struct answer *a = w->answer;
	struct ofa_error err = a->error;

	if (a->status == OFA_ERR_INFEASIBLE) {
		problem_reply_with(call, PROBLEM_INFEASIBLE, err.field, err.message, "feasible",
				   ofa_feasible_format(&a->feasible));
		return;
	}
	if (a->status == OFA_ERR_MISMATCH)
		snprintf(err.field, sizeof(err.field), "/profile%.110s", w->inline_profile ? a->error.field : "");
	problem_reply_error(call, a->status, &err);
}

/* ---- waiting ---- */

static void wait_free(struct http_call *call)
{
	answer_unref(call->wait->answer);
	free(call->wait);
	call->wait = NULL;
}

static void on_landed(struct flight_waiter *waiter)
{
	http_call_resume(((struct api_wait *)(void *)waiter)->call);
}

static void on_suspended(struct http_call *call)
{
	if (!deliveries_wait(call->app->deliveries, call->wait->answer, &call->wait->waiter))
		http_call_resume(call);
}

static enum http_next begin_wait(struct app *app, struct http_call *call, struct question *q, enum answer_type type,
				 bool inline_profile)
{
	struct api_wait *w = calloc(1, sizeof(*w));
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!w) {
		question_release(q);
		call->reply.failed = true;
		return HTTP_REPLY;
	}
	st = deliveries_ask(app->deliveries, q, &w->answer, &err);
	if (st != OFA_OK) {
		free(w);
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	w->waiter.wake = on_landed;
	w->call = call;
	w->type = type;
	w->inline_profile = inline_profile;
	call->wait = w;
	call->on_suspended = on_suspended;
	call->on_dropped = wait_free;
	return HTTP_SUSPEND;
}

static enum http_next end_wait(struct http_call *call)
{
	const struct api_wait *w = call->wait;
	const struct answer *a = w->answer;

	if (a->status == OFA_OK) {
		reply_answer(call, w->type, &a->question.key, a->delivery, a->package);
		count_delivery(call, a->from_store ? "store" : "search");
		add_timing(call, &a->timing, a->from_store ? ", cache;desc=\"store\"" : "");
	} else {
		reply_failure(call, w);
	}
	call->note.queue_ms = a->timing.queue_ms;
	wait_free(call);
	return HTTP_REPLY;
}

/* ---- POST /subnets ---- */

static enum ofa_status find_profile(struct app *app, const char *name, struct known_profile **ret,
				    struct ofa_error *err)
{
	enum ofa_status st = profiles_get(app->profiles, name, ret, err);

	if (st == OFA_ERR_NOT_FOUND)
		snprintf(err->field, sizeof(err->field), "/profile");
	return st;
}

/* The question that the body asks.  On failure the reply says why. */
static bool read_question(struct app *app, struct http_call *call, struct question *q, bool *ret_inline)
{
	struct subnet_request request;
	struct known_profile *profile = NULL;
	struct ofa_error err = {0};
	struct network *network;
	json_t *json = body_object(call);
	enum ofa_status st;

	if (!json)
		return false;
	st = subnet_request_parse(json, &request, &err);
	if (st == OFA_OK) {
		*ret_inline = request.profile != NULL;
		profile = request.profile;
		st = networks_find(app->networks, request.network, &network, &err);
		if (st == OFA_OK && request.profile_name)
			st = find_profile(app, request.profile_name, &profile, &err);
		if (st == OFA_OK)
			st = question_init(q, network, profile, request.profile_name != NULL, &request.limits,
					   request.has_seed ? &request.seed : NULL, &err);
		if (st != OFA_OK)
			known_profile_unref(profile);
	}
	json_decref(json);
	if (st != OFA_OK)
		problem_reply_error(call, st == OFA_ERR_LIMIT ? OFA_ERR_INVALID : st, &err);
	return st == OFA_OK;
}

/* Answers from memory, if the answer is there. */
static bool recall(struct app *app, struct http_call *call, const struct job_key *key, enum answer_type type)
{
	struct delivery *delivery;
	struct package *package;

	if (!deliveries_recall(app->deliveries, key, &delivery, &package))
		return false;
	reply_answer(call, type, key, delivery, package);
	count_delivery(call, "memory");
	http_reply_header_lasting(&call->reply, "Server-Timing", TIMING_OF_MEMORY);
	delivery_unref(delivery);
	package_unref(package);
	return true;
}

enum http_next subnets_post(struct app *app, struct http_call *call)
{
	const struct ofa_buf *body = &call->request.body;
	uint64_t generation = profiles_generation(app->profiles); /* before anything is looked up */
	struct job_key key;
	struct question q;
	bool inline_profile;
	int type;

	if (call->wait)
		return end_wait(call);
	type = choose_type(call, answer_types, OFA_ARRAY_LEN(answer_types));
	if (type < 0)
		return HTTP_REPLY;
	if (question_memo_find(app->memo, generation, body->data, body->len, &key) &&
	    recall(app, call, &key, (enum answer_type)type))
		return HTTP_REPLY;
	if (!read_question(app, call, &q, &inline_profile))
		return HTTP_REPLY;
	if (recall(app, call, &q.key, (enum answer_type)type)) {
		question_memo_put(app->memo, generation, body->data, body->len, &q.key);
		question_release(&q);
		return HTTP_REPLY;
	}
	if (atomic_load(&app->draining)) {
		question_release(&q);
		problem_reply(call, PROBLEM_DRAINING, NULL, "the server is shutting down and begins no searches");
		return HTTP_REPLY;
	}
	return begin_wait(app, call, &q, (enum answer_type)type, inline_profile);
}

/* ---- GET /subnets/{id} ---- */

enum http_next subnet_get(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	struct package *p = packages_peek(app->packages, id);
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	if (choose_type(call, answer_types, 1) < 0) {
		package_unref(p);
		return HTTP_REPLY;
	}
	if (!p && !http_call_on_worker(call))
		return HTTP_OFFLOAD; /* reading and hashing a file takes longer than an HTTP thread has */
	if (!p)
		st = packages_get(app->packages, id, &p, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	reply_package(call, p);
	call->reply.ranges = true;
	http_reply_header_lasting(&call->reply, "Cache-Control", IMMUTABLE);
	http_reply_header(&call->reply, "Link", "</subnets/%s/manifest>; rel=\"describedby\"", p->id);
	package_unref(p);
	return HTTP_REPLY;
}

enum http_next subnet_manifest_get(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	struct ofa_error err = {0};
	struct ofa_buf manifest;
	enum ofa_status st;

	if (!accepts_json(call))
		return HTTP_REPLY;
	ofa_buf_init(&manifest, MANIFEST_MAX);
	st = app->store->driver->delivery_by_subnet(app->store, id, &manifest, &err);
	if (st == OFA_OK) {
		http_reply_json_text(&call->reply, 200, "application/json", (const char *)manifest.data, manifest.len);
		http_reply_header(&call->reply, "Cache-Control", "no-cache");
	} else if (st == OFA_ERR_NOT_FOUND) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "there is no subnet %.80s", id);
	} else {
		problem_reply_error(call, st, &err);
	}
	ofa_buf_release(&manifest);
	return HTTP_REPLY;
}
