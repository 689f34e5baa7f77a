#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/profile_call.h"
#include "api/resources.h"

#define REVISION_DIGITS_MAX 15

/* ---- the list ---- */

static enum ofa_status list_one(void *ctx, const struct store_profile_entry *e)
{
	json_t *list = ctx;
	char sha256[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(e->sha256, OFA_SHA256_BYTES, sha256);
	json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:s, s:s, s:{s:o, s:o}}", "name", e->name, "revision",
					      (json_int_t)e->revision, "sha256", sha256, "created_at", e->created_at,
					      "updated_at", e->updated_at, "links", "self",
					      json_sprintf("/profiles/%s", e->name), "revisions",
					      json_sprintf("/profiles/%s/revisions", e->name)));
	return OFA_OK;
}

static const char *last_name(const json_t *list)
{
	return json_string_value(json_object_get(json_array_get(list, json_array_size(list) - 1), "name"));
}

enum http_next profiles_list(struct app *app, struct http_call *call)
{
	struct ofa_error err = {0};
	struct page page;
	enum ofa_status st;
	json_t *list;

	if (!accepts_json(call) || !page_parse(call, &page))
		return HTTP_REPLY;
	list = json_array();
	st = app->store->driver->profile_list(app->store, page.after, page.limit + 1, list_one, list, &err);
	if (st != OFA_OK) {
		json_decref(list);
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	if (json_array_size(list) > page.limit) {
		json_array_remove(list, page.limit);
		page_link_next(call, &page, "/profiles", last_name(list));
	}
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "profiles", list));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}

/* ---- one profile ---- */

static void reply_profile(struct http_call *call, struct known_profile *p)
{
	http_reply_shared(&call->reply, 200, "application/json", &p->shared, (const uint8_t *)p->content,
			  p->content_size);
	http_reply_etag(&call->reply, p->sha256);
}

enum http_next profile_get(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	struct ofa_error err = {0};
	struct known_profile *p;
	enum ofa_status st;

	if (!name || !accepts_json(call))
		return HTTP_REPLY;
	st = profiles_get(app->profiles, name, &p, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	reply_profile(call, p);
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	http_reply_header(&call->reply, "Content-Location", "/profiles/%s/revisions/%llu", name,
			  (unsigned long long)p->revision);
	/* RFC 5829 */
	http_reply_header(&call->reply, "Link", "</profiles/%s/revisions>; rel=\"version-history\"", name);
	known_profile_unref(p);
	return HTTP_REPLY;
}

enum http_next profile_delete(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;
	struct profile_gate gate;
	enum ofa_status st;

	if (!name || !profile_call_owns(call, name) || !profile_gate_init(&gate, call, false))
		return HTTP_REPLY;
	st = profiles_delete(app->profiles, name, &gate.gate, &written, &state, &err);
	if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	else if (written == STORE_REFUSED)
		profile_gate_refuse(&gate, call, name, &state);
	else
		call->reply.status = 204;
	return HTTP_REPLY;
}

/* ---- its revisions ---- */

static enum ofa_status list_revision(void *ctx, const struct store_revision_entry *e)
{
	json_t *list = ctx;
	char sha256[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(e->sha256, OFA_SHA256_BYTES, sha256);
	json_array_append_new(list, json_pack("{s:I, s:s, s:I, s:s*, s:s}", "revision", (json_int_t)e->revision,
					      "sha256", sha256, "size_bytes", (json_int_t)e->size_bytes, "author",
					      *e->author ? e->author : NULL, "created_at", e->created_at));
	return OFA_OK;
}

/* A whole number above 0, or 0. */
static uint64_t parse_revision(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= REVISION_DIGITS_MAX && s[n] == '\0' ? strtoull(s, NULL, 10) : 0;
}

static void reply_revisions(struct http_call *call, const char *name, const struct page *page, json_t *list)
{
	char path[OFA_PROFILE_NAME_MAX + 32], last[32];
	json_t *e;
	size_t i;

	snprintf(path, sizeof(path), "/profiles/%s/revisions", name);
	if (json_array_size(list) > page->limit) {
		json_array_remove(list, page->limit);
		e = json_array_get(list, page->limit - 1);
		snprintf(last, sizeof(last), "%lld", (long long)json_integer_value(json_object_get(e, "revision")));
		page_link_next(call, page, path, last);
	}
	json_array_foreach(list, i, e)
		json_object_set_new(
			e, "links",
			json_pack("{s:o}", "self",
				  json_sprintf("%s/%lld", path,
					       (long long)json_integer_value(json_object_get(e, "revision")))));
	http_reply_json(&call->reply, 200, "application/json",
			json_pack("{s:s, s:o, s:{s:o}}", "name", name, "revisions", list, "links", "profile",
				  json_sprintf("/profiles/%s", name)));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
}

enum http_next revisions_list(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	struct ofa_error err = {0};
	struct page page;
	uint64_t before;
	enum ofa_status st;
	json_t *list;

	if (!name || !accepts_json(call) || !page_parse(call, &page))
		return HTTP_REPLY;
	before = parse_revision(page.after);
	if (*page.after && before == 0) {
		problem_reply(call, PROBLEM_INVALID, "cursor", "this cursor is of another list");
		return HTTP_REPLY;
	}
	list = json_array();
	st = app->store->driver->revision_list(app->store, name, before, page.limit + 1, list_revision, list, &err);
	if (st == OFA_OK && json_array_size(list) == 0 && before == 0)
		st = ofa_fail(&err, OFA_ERR_NOT_FOUND, NULL, "there never was a profile \"%s\"", name);
	if (st == OFA_OK) {
		reply_revisions(call, name, &page, list);
		return HTTP_REPLY;
	}
	json_decref(list);
	problem_reply_error(call, st, &err);
	return HTTP_REPLY;
}

enum http_next revision_get(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	uint64_t revision = parse_revision(http_param(&call->request.params, "revision"));
	char reference[OFA_PROFILE_NAME_MAX + REVISION_DIGITS_MAX + 2];
	struct ofa_error err = {0};
	struct known_profile *p;
	enum ofa_status st;

	if (!name || !accepts_json(call))
		return HTTP_REPLY;
	if (revision == 0) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "revisions are numbered from 1");
		return HTTP_REPLY;
	}
	snprintf(reference, sizeof(reference), "%s@%llu", name, (unsigned long long)revision);
	st = profiles_get(app->profiles, reference, &p, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	reply_profile(call, p);
	/* not for caches that several clients share: it may take a token to read it */
	http_reply_header(&call->reply, "Cache-Control", "private, max-age=31536000, immutable");
	known_profile_unref(p);
	return HTTP_REPLY;
}
