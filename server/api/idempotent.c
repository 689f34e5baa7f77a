#include <string.h>
#include "api/idempotent.h"
#include "api/problem.h"
#include "app.h"
#include "http/idempotency_key.h"

/* Who uses a key, and for what, so that no two clients meet in one. */
static enum ofa_status key_of(const struct http_call *call, const char *key, struct job_key *ret)
{
	const struct http_request *r = &call->request;
	struct ofa_sha256 *h = ofa_sha256_new();

	if (!h)
		return OFA_ERR_NOMEM;
	ofa_sha256_update(h, call->principal.id, strlen(call->principal.id) + 1);
	ofa_sha256_update(h, r->method, strlen(r->method) + 1);
	ofa_sha256_update(h, r->target, strlen(r->target) + 1);
	ofa_sha256_update(h, key, strlen(key));
	ofa_sha256_final(h, ret->bytes);
	return OFA_OK;
}

static enum idempotent_next begin(struct http_call *call, struct idempotent *ret, struct ofa_buf *result)
{
	struct ofa_error err = {0};
	struct job_key fingerprint;

	ofa_sha256(call->request.body.data, call->request.body.len, fingerprint.bytes);
	switch (idempotency_begin(call->app->idempotency, &ret->key, &fingerprint, result, &err)) {
	case IDEMPOTENCY_FIRST:
		ret->held = true;
		return IDEMPOTENT_DO;
	case IDEMPOTENCY_DONE:
		return IDEMPOTENT_REPEAT;
	case IDEMPOTENCY_BUSY:
		http_reply_header_lasting(&call->reply, "Retry-After", "1");
		problem_reply(call, PROBLEM_KEY_BUSY, "Idempotency-Key",
			      "the first request with this key is under way; repeat it to have the same answer");
		return IDEMPOTENT_REFUSED;
	case IDEMPOTENCY_OTHER:
		problem_reply(call, PROBLEM_KEY_USED, "Idempotency-Key",
			      "this key was used for a request with another body");
		return IDEMPOTENT_REFUSED;
	case IDEMPOTENCY_ERROR:
		problem_reply_error(call, err.status, &err);
		return IDEMPOTENT_REFUSED;
	case IDEMPOTENCY_FULL:
		break;
	}
	problem_reply(call, PROBLEM_OVERLOAD, NULL, "too many requests with idempotency keys are under way");
	return IDEMPOTENT_REFUSED;
}

enum idempotent_next idempotent_begin(struct http_call *call, struct idempotent *ret, struct ofa_buf *result)
{
	const char *field = call->request.header[HTTP_IDEMPOTENCY_KEY];
	char key[HTTP_IDEMPOTENCY_KEY_MAX];

	ret->held = false;
	if (!field)
		return IDEMPOTENT_DO;
	if (!http_idempotency_key_parse(field, key)) {
		problem_reply(call, PROBLEM_BAD_REQUEST, "Idempotency-Key",
			      "Idempotency-Key must be a string of 1 to %d characters", HTTP_IDEMPOTENCY_KEY_MAX - 1);
		return IDEMPOTENT_REFUSED;
	}
	if (key_of(call, key, &ret->key) != OFA_OK) {
		call->reply.failed = true;
		return IDEMPOTENT_REFUSED;
	}
	return begin(call, ret, result);
}

bool idempotent_elsewhere(const struct http_call *call)
{
	return call->request.header[HTTP_IDEMPOTENCY_KEY] && idempotency_shared(call->app->idempotency) &&
	       !http_call_on_worker(call);
}

/* An HTTP thread does not wait for it. */
static void end(struct http_call *call, struct idempotent *i, const void *result, size_t size)
{
	struct idempotency *s = call->app->idempotency;

	if (!i->held)
		return;
	i->held = false;
	if (!http_call_on_worker(call))
		idempotency_settle_later(s, &i->key, result, size);
	else if (result)
		idempotency_settle(s, &i->key, result, size);
	else
		idempotency_drop(s, &i->key);
}

void idempotent_settle(struct http_call *call, struct idempotent *i, const void *result, size_t size)
{
	end(call, i, result, size);
}

void idempotent_drop(struct http_call *call, struct idempotent *i)
{
	end(call, i, NULL, 0);
}

void idempotent_forget(struct http_call *call, const struct idempotent *i)
{
	idempotency_forget(call->app->idempotency, &i->key);
}

/* ---- answers that are kept as they are ---- */

static const char *find_header(const struct http_reply *r, const char *name)
{
	for (unsigned i = 0; i < r->n_headers; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

static bool repeat_reply(struct http_call *call, const struct ofa_buf *result)
{
	json_t *kept = json_loadb((const char *)result->data, result->len, 0, NULL);
	const char *location = json_string_value(json_object_get(kept, "location"));
	const char *cache = json_string_value(json_object_get(kept, "cache"));

	if (!kept)
		return false;
	http_reply_json(&call->reply, (unsigned)json_integer_value(json_object_get(kept, "status")),
			"application/json", json_incref(json_object_get(kept, "body")));
	if (location)
		http_reply_header(&call->reply, "Location", "%s", location);
	if (cache)
		http_reply_header(&call->reply, "Cache-Control", "%s", cache);
	json_decref(kept);
	return true;
}

bool idempotent_begin_reply(struct http_call *call, struct idempotent *ret)
{
	enum idempotent_next next;
	struct ofa_buf result;

	ofa_buf_init(&result, IDEMPOTENCY_RESULT_MAX);
	next = idempotent_begin(call, ret, &result);
	if (next == IDEMPOTENT_REPEAT && !repeat_reply(call, &result))
		call->reply.failed = true;
	ofa_buf_release(&result);
	return next == IDEMPOTENT_DO;
}

void idempotent_end_reply(struct http_call *call, struct idempotent *i)
{
	const struct http_reply *r = &call->reply;
	const char *location = find_header(r, "Location"), *cache = find_header(r, "Cache-Control");
	json_t *body, *kept = NULL;
	char *text = NULL;

	if (!i->held)
		return;
	body = r->status / 100 == 2 ? json_loadb((const char *)r->data, r->size, 0, NULL) : NULL;
	if (body)
		kept = json_pack("{s:i, s:s?, s:s?, s:o}", "status", (int)r->status, "location", location, "cache",
				 cache, "body", body);
	if (kept)
		text = json_dumps(kept, JSON_COMPACT);
	json_decref(kept);
	if (text)
		idempotent_settle(call, i, text, strlen(text));
	else
		idempotent_drop(call, i);
	free(text);
}
