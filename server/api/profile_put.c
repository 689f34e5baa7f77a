#include <stdio.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/profile_call.h"
#include "api/resources.h"
#include "http/negotiate.h"
#include "import/table.h"

/* What a PUT brings, as a profile in JSON; a table of others on the way there. */
struct brought {
	json_t *profile;
	bool is_table;
	struct ofa_table_report table;
	struct ofa_faults faults; /* of the rows, beyond the first */
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

/* All that was found wrong, the first thing first. */
static json_t *errors_json(const struct ofa_error *err)
{
	json_t *errors = json_pack("[{s:s, s:s}]", "pointer", err->field, "detail", err->message);

	for (size_t i = 0; i < err->further->n; i++)
		json_array_append_new(errors, json_pack("{s:s, s:s}", "pointer", err->further->list[i].field, "detail",
							err->further->list[i].message));
	return errors;
}

/* A limit that the body exceeds is the body's fault, not a lack of room. */
static void refuse_body(struct http_call *call, enum ofa_status st, const struct ofa_error *err)
{
	if (st == OFA_ERR_FORMAT)
		problem_reply(call, PROBLEM_NOT_YAML, "", "%s", err->message);
	else if (st == OFA_ERR_INVALID && err->further->n > 0)
		problem_reply_with(call, PROBLEM_INVALID, err->field, err->message, "errors", errors_json(err));
	else
		problem_reply_body(call, st, err);
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
	struct ofa_error err = {.further = &b->faults};
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
					   struct brought *b)
{
	struct known_profile *p = NULL;
	struct ofa_error err = {.further = &b->faults};
	enum ofa_status st = known_profile_new(b->profile, name, &p, &err);

	if (st == OFA_OK && strcmp(p->profile.name, name) != 0)
		st = ofa_fail(&err, OFA_ERR_INVALID, "/name", "the name is \"%s\" in the body and \"%s\" in the path",
			      p->profile.name, name);
	if (st == OFA_OK)
		st = profile_check_coverage(&p->profile, app->networks, &err);
	if (st == OFA_OK)
		return p;
	known_profile_unref(p);
	/* the members of the profile that was made of a table are not the client's */
	if (b->is_table)
		err.field[0] = '\0';
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

/* What was written, or found to be there already. */
static void reply_stored(struct http_call *call, const struct known_profile *p, const struct brought *b,
			 enum store_written written)
{
	static const char *const outcomes[] = {
		[STORE_CREATED] = "created",
		[STORE_REPLACED] = "replaced",
		[STORE_UNCHANGED] = "unchanged",
		[STORE_REFUSED] = "",
	};
	const char *name = p->profile.name;
	char sha256[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(p->sha256, OFA_SHA256_BYTES, sha256);
	/* the tag is no header: what is kept is the canonical form of what was sent (RFC 9110, 9.3.4) */
	http_reply_json(&call->reply, written == STORE_CREATED ? 201 : 200, "application/json",
			json_pack("{s:s, s:I, s:s, s:s, s:o, s:I, s:o*, s:{s:o, s:o}}", "name", name, "revision",
				  (json_int_t)p->revision, "outcome", outcomes[written], "sha256", sha256, "etag",
				  json_sprintf("\"sha256-%s\"", sha256), "latency_entries",
				  (json_int_t)p->profile.table.n, "table", table_json(b), "links", "self",
				  json_sprintf("/profiles/%s", name), "revision",
				  json_sprintf("/profiles/%s/revisions/%llu", name, (unsigned long long)p->revision)));
	if (written == STORE_CREATED)
		http_reply_header(&call->reply, "Location", "/profiles/%s", name);
}

static void keep_profile(struct app *app, struct http_call *call, const char *name, struct brought *b,
			 struct profile_gate *gate)
{
	struct known_profile *p = check_profile(app, call, name, b);
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;
	enum ofa_status st;

	if (!p)
		return;
	st = profiles_put(app->profiles, p, call->principal.id, &gate->gate, &written, &state, &err);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
	} else if (written == STORE_REFUSED) {
		profile_gate_refuse(gate, call, name, &state);
	} else {
		reply_stored(call, p, b, written);
		deliveries_prepare(app->deliveries, app->networks, p);
	}
	known_profile_unref(p);
}

enum http_next profile_put(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	struct profile_gate gate;
	struct brought b;

	if (name && profile_call_owns(call, name) && accepts_json(call) && profile_gate_init(&gate, call, true) &&
	    read_body(call, name, &b)) {
		keep_profile(app, call, name, &b, &gate);
		json_decref(b.profile);
	}
	return HTTP_REPLY;
}
