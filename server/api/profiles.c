#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"
#include "http/negotiate.h"
#include "import/table.h"

#define PAGE_MAX 1000

/* ---- the list ---- */

static enum ofa_status list_one(void *ctx, const struct store_profile_entry *e)
{
	json_t *list = ctx;
	char revision[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(e->sha256, OFA_SHA256_BYTES, revision);
	json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:{s:o}}", "name", e->name, "revision", revision,
					      "created_at", e->created_at, "updated_at", e->updated_at, "links", "self",
					      json_sprintf("/profiles/%s", e->name)));
	return OFA_OK;
}

/* ?after=NAME&limit=N; false: the reply says what is wrong. */
static bool parse_page(struct http_call *call, char after[OFA_PROFILE_NAME_MAX], unsigned *ret_limit)
{
	char limit[16], *end = limit;
	long n;

	if (!http_query(call->request.query, "after", after, OFA_PROFILE_NAME_MAX)) {
		problem_reply(call, PROBLEM_INVALID, "after", "after must be the name of a profile");
		return false;
	}
	n = http_query(call->request.query, "limit", limit, sizeof(limit)) && *limit ? strtol(limit, &end, 10)
										     : PAGE_MAX;
	if (*end || n < 1 || n > PAGE_MAX) {
		problem_reply(call, PROBLEM_INVALID, "limit", "limit must be a whole number from 1 to %d", PAGE_MAX);
		return false;
	}
	*ret_limit = (unsigned)n;
	return true;
}

static const char *last_name(const json_t *list)
{
	return json_string_value(json_object_get(json_array_get(list, json_array_size(list) - 1), "name"));
}

enum http_next profiles_list(struct app *app, struct http_call *call)
{
	char after[OFA_PROFILE_NAME_MAX];
	struct ofa_error err = {0};
	unsigned limit;
	enum ofa_status st;
	json_t *list;

	if (!accepts_json(call) || !parse_page(call, after, &limit))
		return HTTP_REPLY;
	list = json_array();
	st = app->store->driver->profile_list(app->store, after, limit, list_one, list, &err);
	if (st != OFA_OK) {
		json_decref(list);
		problem_reply_error(call, st, &err);
		return HTTP_REPLY;
	}
	if (json_array_size(list) == limit)
		http_reply_header(&call->reply, "Link", "</profiles?after=%s&limit=%u>; rel=\"next\"", last_name(list),
				  limit);
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "profiles", list));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}

/* ---- one profile ---- */

/* The name in the path, or NULL: then the reply says why. */
static const char *path_name(struct http_call *call)
{
	const char *name = http_param(&call->request.params, "name");

	if (ofa_profile_name_ok(name))
		return name;
	problem_reply(call, PROBLEM_INVALID, "name",
		      "\"%.64s\" cannot be the name of a profile; 1 to %d of A-Z a-z 0-9 . _ - are accepted, "
		      "with '/' between parts",
		      name, OFA_PROFILE_NAME_MAX - 1);
	return NULL;
}

enum http_next profile_get(struct app *app, struct http_call *call)
{
	const char *name = path_name(call);
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
	http_reply_shared(&call->reply, 200, "application/json", &p->shared, (const uint8_t *)p->content,
			  p->content_size);
	http_reply_etag(&call->reply, p->sha256);
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	known_profile_unref(p);
	return HTTP_REPLY;
}

/* What a PUT brings, as a profile in JSON; a table of others on the way there. */
struct brought {
	json_t *profile;
	bool is_table;
	struct ofa_table_report table;
};

/* ?unit=; false: the reply says what is wrong. */
static bool parse_unit(struct http_call *call, enum ofa_time_unit *ret)
{
	char name[8];
	bool fits = http_query(call->request.query, "unit", name, sizeof(name));

	*ret = fits ? ofa_time_unit_find(name) : OFA_TIME_UNSTATED;
	if (fits && (*ret || !*name))
		return true;
	problem_reply(call, PROBLEM_INVALID, "unit", "unit must be ms, us or s");
	return false;
}

/* A limit that the body exceeds is the body's fault, not a lack of room. */
static void refuse_body(struct http_call *call, enum ofa_status st, const struct ofa_error *err)
{
	if (st == OFA_ERR_FORMAT)
		problem_reply(call, PROBLEM_NOT_YAML, "", "%s", err->message);
	else
		problem_reply_error(call, st == OFA_ERR_LIMIT ? OFA_ERR_INVALID : st, err);
}

/* False: the reply says why. */
static bool read_table(struct http_call *call, enum ofa_table_format format, enum ofa_time_unit unit, const char *name,
		       struct brought *b)
{
	const struct ofa_buf *body = &call->request.body;
	const struct ofa_table_source source = {
		.text = body->data ? (const char *)body->data : "",
		.size = body->len,
		.format = format,
		.unit = unit,
	};
	struct ofa_profile profile = {.has_table = false};
	struct ofa_error err = {0};
	enum ofa_status st;

	snprintf(profile.name, sizeof(profile.name), "%s", name);
	ofa_limits_init(&profile.limits);
	st = ofa_table_read(&source, &profile, &b->table, &err);
	if (st == OFA_OK) {
		b->profile = ofa_profile_format(&profile);
		b->is_table = true;
		st = b->profile ? OFA_OK : ofa_fail(&err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	ofa_profile_release(&profile);
	if (st != OFA_OK)
		refuse_body(call, st, &err);
	return st == OFA_OK;
}

/* False: the reply says why. */
static bool read_body(struct http_call *call, const char *name, struct brought *b)
{
	enum ofa_time_unit unit;
	json_t *json;

	*b = (struct brought){0};
	if (!parse_unit(call, &unit))
		return false;
	if (!http_media_type_is(call->request.header[HTTP_CONTENT_TYPE], "application/json"))
		return read_table(call, OFA_TABLE_YAML, unit, name, b);
	json = body_object(call);
	if (!json)
		return false;
	if (!ofa_table_json_is_profile(json)) {
		json_decref(json);
		return read_table(call, OFA_TABLE_JSON, unit, name, b);
	}
	if (unit && unit != OFA_TIME_MS) {
		json_decref(json);
		problem_reply(call, PROBLEM_INVALID, "unit", "a profile is in ms");
		return false;
	}
	b->profile = json;
	return true;
}

/* From what was brought; NULL: the reply says why it cannot be kept under this name. */
static struct known_profile *check_profile(struct app *app, struct http_call *call, const char *name,
					   const struct brought *b)
{
	struct known_profile *p = NULL;
	struct ofa_error err = {0};
	enum ofa_status st = known_profile_new(b->profile, name, &p, &err);

	if (st == OFA_OK && strcmp(p->profile.name, name) != 0)
		st = ofa_fail(&err, OFA_ERR_INVALID, "/name", "the name is \"%s\" in the body and \"%s\" in the path",
			      p->profile.name, name);
	if (st == OFA_OK)
		st = profile_check_coverage(&p->profile, app->networks, &err);
	if (st == OFA_OK)
		return p;
	known_profile_unref(p);
	refuse_body(call, st, &err);
	return NULL;
}

/* How a table was understood, NULL for a profile. */
static json_t *table_json(const struct brought *b)
{
	const struct ofa_table_report *r = &b->table;

	return b->is_table ? json_pack("{s:s, s:s, s:s, s:I, s:I, s:i}", "dialect", ofa_table_dialect_name(r->dialect),
				       "unit", ofa_time_unit_name(r->unit), "unit_source", r->unit_source, "rows",
				       (json_int_t)r->n_rows, "rows_left_out", (json_int_t)r->n_stray, "resolutions",
				       r->n_resolutions)
			   : NULL;
}

static void keep_profile(struct app *app, struct http_call *call, const char *name, const struct brought *b)
{
	struct known_profile *p = check_profile(app, call, name, b);
	char revision[2 * OFA_SHA256_BYTES + 1];
	struct ofa_error err = {0};
	enum ofa_status st;
	bool created;

	if (!p)
		return;
	st = profiles_put(app->profiles, p, &created, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
	} else {
		ofa_hex(p->sha256, OFA_SHA256_BYTES, revision);
		http_reply_json(&call->reply, created ? 201 : 200, "application/json",
				json_pack("{s:s, s:s, s:I, s:o*, s:{s:o}}", "name", name, "revision", revision,
					  "latency_entries", (json_int_t)p->profile.table.n, "table", table_json(b),
					  "links", "self", json_sprintf("/profiles/%s", name)));
		if (created)
			http_reply_header(&call->reply, "Location", "/profiles/%s", name);
		deliveries_prepare(app->deliveries, app->networks, p);
	}
	known_profile_unref(p);
}

/* Is the name in the caller's namespace?  False: the reply says that it is not. */
static bool may_write(struct http_call *call, const char *name)
{
	if (principal_owns(&call->principal, name))
		return true;
	problem_reply(call, PROBLEM_FORBIDDEN, "name", "this token may only write profiles whose names begin with %s/",
		      call->principal.owner);
	return false;
}

enum http_next profile_put(struct app *app, struct http_call *call)
{
	const char *name = path_name(call);
	struct brought b;

	if (name && may_write(call, name) && accepts_json(call) && read_body(call, name, &b)) {
		keep_profile(app, call, name, &b);
		json_decref(b.profile);
	}
	return HTTP_REPLY;
}

enum http_next profile_delete(struct app *app, struct http_call *call)
{
	const char *name = path_name(call);
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!name || !may_write(call, name))
		return HTTP_REPLY;
	st = profiles_delete(app->profiles, name, &err);
	if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	else
		call->reply.status = 204;
	return HTTP_REPLY;
}
