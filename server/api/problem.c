#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "app.h"

#define DETAIL_MAX 1024
/* When to come back after a refusal for lack of room, seconds: spread, so that those refused together do
 * not return together. */
#define RETRY_MIN 1u
#define RETRY_SPREAD 4u

/* clang-format off */
static const struct problem_entry registry[PROBLEM_COUNT] = {
	[PROBLEM_BAD_REQUEST] = { "bad-request", 400, "The request is malformed",
		"Correct the header section." },
	[PROBLEM_NOT_JSON] = { "not-json", 400, "The body is not JSON",
		"Send one JSON object in UTF-8, without duplicate names." },
	[PROBLEM_NOT_YAML] = { "not-yaml", 400, "The body is not YAML",
		"Send one plain mapping in UTF-8." },
	[PROBLEM_UNAUTHENTICATED] = { "unauthenticated", 401, "Who calls is not known",
		"Send a valid token: Authorization: Bearer TOKEN." },
	[PROBLEM_FORBIDDEN] = { "forbidden", 403, "The caller may not do this",
		"Use a token with one of the scopes in the WWW-Authenticate header, or of the profile's owner." },
	[PROBLEM_NOT_FOUND] = { "not-found", 404, "There is no such thing",
		"See the links of GET / for what there is." },
	[PROBLEM_NO_METHOD] = { "method-not-allowed", 405, "The resource does not have this method",
		"Use one of the methods in the Allow header." },
	[PROBLEM_NOT_ACCEPTABLE] = { "not-acceptable", 406, "No representation is acceptable",
		"Accept one of the media types or codings in the detail." },
	[PROBLEM_KEY_BUSY] = { "idempotency-key-busy", 409, "The first request with this key is under way",
		"Repeat the request a little later." },
	[PROBLEM_GONE] = { "gone", 410, "It is not kept any more and cannot be made again",
		"Ask for a subnet anew with POST /subnets." },
	[PROBLEM_PRECONDITION_FAILED] = { "precondition-failed", 412, "What is there is not what the request expects",
		"Look at what is there now, which the member current names, and decide again." },
	[PROBLEM_TOO_LARGE] = { "too-large", 413, "The body is too large",
		"Stay within the limit in the detail." },
	[PROBLEM_NOT_TYPE] = { "unsupported-media-type", 415, "The body has a media type that is not understood here",
		"Send one of the media types in the Accept header." },
	[PROBLEM_RANGE] = { "range-not-satisfiable", 416, "There are no such bytes",
		"Ask for a range within the size that Content-Range tells." },
	[PROBLEM_INVALID] = { "invalid-value", 422, "A value is not acceptable",
		"Correct the field that is named." },
	[PROBLEM_INFEASIBLE] = { "infeasible-limits", 422, "No subnet is within the limits",
		"Choose limits inside the ranges in the member feasible; several limits together may exclude more." },
	[PROBLEM_KEY_USED] = { "idempotency-key-used", 422, "The key was used for another request",
		"Use a new Idempotency-Key for each request that is not a repetition." },
	[PROBLEM_MISMATCH] = { "profile-mismatch", 422, "The profile does not fit the network",
		"Measure every latency key that the network needs." },
	[PROBLEM_PRECONDITION_REQUIRED] = { "precondition-required", 428, "What is there is not replaced unseen",
		"Send If-Match with the entity tag in the member current, or * to replace whatever is there." },
	[PROBLEM_TOO_MANY] = { "too-many-requests", 429, "The caller calls too often",
		"Repeat the request after the time in Retry-After, which is each caller's own." },
	[PROBLEM_INTERNAL] = { "internal", 500, "The server failed",
		"Report the request id to the operator." },
	[PROBLEM_OVERLOAD] = { "overload", 503, "The server has no room for the request now",
		"Repeat the request after the time in Retry-After." },
	[PROBLEM_UNAVAILABLE] = { "unavailable", 503, "What the server depends on cannot be reached now",
		"Repeat the request after the time in Retry-After." },
	[PROBLEM_DRAINING] = { "draining", 503, "The server is shutting down",
		"Repeat the request elsewhere or later." },
};
/* clang-format on */

const struct problem_entry *problem_entry(enum problem p)
{
	return &registry[p];
}

static void add_field(json_t *json, const char *field, const char *detail)
{
	json_object_set_new(json, "field", json_string(field));
	json_object_set_new(json, "errors", json_pack("[{s:s, s:s}]", "pointer", field, "detail", detail));
}

static unsigned retry_after(const struct http_call *call)
{
	/* the moment tells apart those who choose the same id */
	unsigned h = (unsigned)(uint64_t)(call->started_ms * 1e3);

	for (const char *c = call->request.id; *c; c++)
		h = h * 31 + (unsigned char)*c;
	h ^= h >> 16;
	return RETRY_MIN + h % RETRY_SPREAD;
}

json_t *problem_format(const struct http_call *call, enum problem p, const char *field, const char *detail)
{
	const struct problem_entry *e = &registry[p];
	/* what went wrong inside is the log's business, not the client's */
	const char *shown = e->status == 500 ? e->title : detail;
	json_t *json = json_pack("{s:o, s:s, s:i, s:s, s:s}", "type", json_sprintf("/problems/%s", e->slug), "title",
				 e->title, "status", (int)e->status, "detail", shown, "request_id", call->request.id);

	if (json && field)
		add_field(json, field, shown);
	return json;
}

/* What goes with a problem in any form. */
static void begin_reply(struct http_call *call, enum problem p)
{
	call->note.problem = (unsigned)p + 1;
	if (registry[p].status == 503)
		http_reply_header(&call->reply, "Retry-After", "%u", retry_after(call));
	http_reply_header(&call->reply, "Cache-Control", "no-store");
}

void problem_reply_with(struct http_call *call, enum problem p, const char *field, const char *detail,
			const char *member, json_t *value)
{
	const struct problem_entry *e = &registry[p];
	json_t *json = problem_format(call, p, field, detail);

	if (json && member)
		json_object_set(json, member, value);
	json_decref(value);
	begin_reply(call, p);
	http_reply_json(&call->reply, e->status, PROBLEM_TYPE, json);
}

void problem_reply(struct http_call *call, enum problem p, const char *field, const char *format, ...)
{
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(detail, sizeof(detail), format, ap);
	va_end(ap);
	ofa_make_printable(detail);
	problem_reply_with(call, p, field, detail, NULL, NULL);
}

enum problem problem_of(enum ofa_status status)
{
	static const enum problem by_status[OFA_STATUS_COUNT] = {
		[OFA_OK] = PROBLEM_INTERNAL,
		[OFA_ERR_NOMEM] = PROBLEM_OVERLOAD,
		[OFA_ERR_INVALID] = PROBLEM_INVALID,
		[OFA_ERR_FORMAT] = PROBLEM_INTERNAL,
		[OFA_ERR_IO] = PROBLEM_INTERNAL,
		[OFA_ERR_NOT_FOUND] = PROBLEM_NOT_FOUND,
		[OFA_ERR_LIMIT] = PROBLEM_OVERLOAD,
		[OFA_ERR_INFEASIBLE] = PROBLEM_INFEASIBLE,
		[OFA_ERR_MISMATCH] = PROBLEM_MISMATCH,
		[OFA_ERR_UNSUPPORTED] = PROBLEM_INVALID,
		[OFA_ERR_CANCELLED] = PROBLEM_DRAINING,
		[OFA_ERR_EXHAUSTED] = PROBLEM_OVERLOAD,
		[OFA_ERR_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
		[OFA_ERR_GONE] = PROBLEM_GONE,
	};

	return by_status[status];
}

const char *problem_detail(enum ofa_status status, const struct ofa_error *err)
{
	const struct problem_entry *e = &registry[problem_of(status)];

	bool ours = e->status == 500 || status == OFA_ERR_EXHAUSTED || status == OFA_ERR_UNAVAILABLE;

	return ours ? e->title : err->message;
}

static void log_failure(struct http_call *call, enum ofa_status status, const struct ofa_error *err)
{
	struct log_line line;

	log_begin(&line, &call->app->log, LOG_LEVEL_ERROR, "failure");
	log_string(&line, "id", call->request.id);
	log_string(&line, "status", ofa_status_name(status));
	log_string(&line, "error", err->message);
	log_end(&line);
}

static void reply_error(struct http_call *call, enum problem p, enum ofa_status status, const struct ofa_error *err,
			const char *field)
{
	const char *detail = problem_detail(status, err);

	if (detail != err->message)
		log_failure(call, status, err);
	problem_reply(call, p, detail == err->message ? field : NULL, "%s", detail);
}

const char *problem_begin_error(struct http_call *call, enum ofa_status status, const struct ofa_error *err)
{
	const char *detail = problem_detail(status, err);

	if (detail != err->message)
		log_failure(call, status, err);
	begin_reply(call, problem_of(status));
	return detail;
}

void problem_reply_error(struct http_call *call, enum ofa_status status, const struct ofa_error *err)
{
	reply_error(call, problem_of(status), status, err, *err->field ? err->field : NULL);
}

void problem_reply_body(struct http_call *call, enum ofa_status status, const struct ofa_error *err)
{
	reply_error(call, status == OFA_ERR_LIMIT ? PROBLEM_INVALID : problem_of(status), status, err, err->field);
}

/* ---- what the HTTP server refuses ---- */

static void refuse_type(struct http_call *call)
{
	const char *type = call->request.header[HTTP_CONTENT_TYPE];
	char list[256] = "";
	size_t len = 0;

	for (int i = 0; i < HTTP_BODY_TYPES_MAX && call->route->body_types[i] && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "",
					call->route->body_types[i]);
	/* RFC 9110, 15.5.16 */
	http_reply_header(&call->reply, "Accept", "%s", list);
	problem_reply(call, PROBLEM_NOT_TYPE, "Content-Type", "the Content-Type is %.100s; accepted: %s",
		      type ? type : "missing", list);
}

void problem_reply_fault(struct app *app, struct http_call *call, enum http_fault fault, const char *detail)
{
	switch (fault) {
	case HTTP_FAULT_BAD_REQUEST:
		problem_reply(call, PROBLEM_BAD_REQUEST, NULL, "%s", detail);
		break;
	case HTTP_FAULT_NO_PATH:
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "there is no resource with this path");
		break;
	case HTTP_FAULT_NO_METHOD:
		problem_reply(call, PROBLEM_NO_METHOD, NULL, "the resource has %s", detail);
		break;
	case HTTP_FAULT_TOO_LARGE:
		if (call->route->max_body)
			problem_reply(call, PROBLEM_TOO_LARGE, NULL, "the body may have at most %zu bytes",
				      call->route->max_body);
		else
			problem_reply(call, PROBLEM_TOO_LARGE, NULL, "this operation takes no body");
		break;
	case HTTP_FAULT_NOT_TYPE:
		refuse_type(call);
		break;
	case HTTP_FAULT_RANGE:
		problem_reply(call, PROBLEM_RANGE, "Range", "the range %.100s begins after the end",
			      call->request.header[HTTP_RANGE]);
		break;
	case HTTP_FAULT_OVERLOAD:
	case HTTP_FAULT_COUNT:
		if (atomic_load(&app->draining)) /* there will be no room later either */
			problem_reply(call, PROBLEM_DRAINING, NULL, "the server is shutting down");
		else
			problem_reply(call, PROBLEM_OVERLOAD, NULL, "%s", detail);
		break;
	}
}

/* ---- the registry as a resource: what the type URIs lead to ---- */

static json_t *describe(const struct problem_entry *e)
{
	return json_pack("{s:o, s:s, s:i, s:s}", "type", json_sprintf("/problems/%s", e->slug), "title", e->title,
			 "status", (int)e->status, "hint", e->hint);
}

enum http_next problems_list(struct app *app, struct http_call *call)
{
	json_t *list;

	(void)app;
	if (!accepts_json(call))
		return HTTP_REPLY;
	list = json_array();
	for (int i = 0; i < PROBLEM_COUNT; i++)
		json_array_append_new(list, describe(&registry[i]));
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "problems", list));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}

enum http_next problems_get(struct app *app, struct http_call *call)
{
	const char *slug = http_param(&call->request.params, "slug");

	(void)app;
	if (!accepts_json(call))
		return HTTP_REPLY;
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		if (strcmp(registry[i].slug, slug) == 0) {
			http_reply_json(&call->reply, 200, "application/json", describe(&registry[i]));
			http_reply_header(&call->reply, "Cache-Control", "no-cache");
			return HTTP_REPLY;
		}
	}
	problem_reply(call, PROBLEM_NOT_FOUND, NULL, "there is no problem of this type");
	return HTTP_REPLY;
}
