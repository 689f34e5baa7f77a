#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/idempotent.h"
#include "api/json_measurement.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/resources.h"
#include "service/manifest.h"

/* A device that reports at each start does not crowd out the others; one that says many names crowds out its own
 * package's alone. */
#define KEEP_PER_DEVICE 16
#define KEEP_PER_SUBNET 4096
#define NUMBER_DIGITS_MAX 15

/* A whole number above 0, or 0. */
static uint64_t parse_number(const char *s)
{
	size_t n = strspn(s, "0123456789");

	return n > 0 && n <= NUMBER_DIGITS_MAX && s[n] == '\0' ? strtoull(s, NULL, 10) : 0;
}

static enum ofa_status append(void *ctx, const struct store_measurement_entry *e)
{
	json_t *list = ctx;

	return json_array_append_new(list, measurement_format(e)) ? OFA_ERR_NOMEM : OFA_OK;
}

/* At most `limit` of a subnet before the number; a new reference in *ret. */
static enum ofa_status read_some(struct app *app, const char *id, uint64_t before, unsigned limit, json_t **ret,
				 struct ofa_error *err)
{
	json_t *list = json_array();
	enum ofa_status st = app->store->driver->measurement_list(app->store, id, before, limit, append, list, err);

	if (st == OFA_ERR_NOMEM)
		st = ofa_fail(err, st, NULL, "out of memory");
	if (st == OFA_OK)
		*ret = list;
	else
		json_decref(list);
	return st;
}

/* The one of this number, or OFA_ERR_NOT_FOUND. */
static enum ofa_status read_one(struct app *app, const char *id, uint64_t number, json_t **ret, struct ofa_error *err)
{
	json_t *list, *e;
	enum ofa_status st = read_some(app, id, number + 1, 1, &list, err);

	if (st != OFA_OK)
		return st;
	e = json_array_get(list, 0);
	if (e && json_integer_value(json_object_get(e, "number")) == (json_int_t)number)
		*ret = json_incref(e);
	else
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no such measurement of subnet %.80s", id);
	json_decref(list);
	return st;
}

/* Takes the reference. */
static void reply_kept(struct http_call *call, unsigned status, json_t *measurement)
{
	http_reply_json(&call->reply, status, "application/json", measurement);
	http_reply_header_lasting(&call->reply, "Cache-Control", "no-cache");
}

/* ---- POST ---- */

static enum ofa_status read_measurement(const json_t *json, const char *id, const struct principal *who,
					struct store_measurement *ret, struct ofa_error *err)
{
	*ret = (struct store_measurement){.subnet = id, .author = who->id};
	return measurement_parse(json, ret, err);
}

static enum ofa_status keep(struct app *app, const struct store_measurement *m, json_t **ret, struct ofa_error *err)
{
	const struct store_keep keep = {.per_device = KEEP_PER_DEVICE, .per_subnet = KEEP_PER_SUBNET};
	uint64_t number;
	enum ofa_status st = app->store->driver->measurement_put(app->store, m, &keep, &number, err);

	if (st != OFA_OK)
		return st;
	calibrations_touch(app->calibrations);
	return read_one(app, m->subnet, number, ret, err);
}

static void post(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	struct store_measurement m;
	struct ofa_error err = {0};
	json_t *json, *kept;
	enum ofa_status st;

	json = body_object(call);
	if (!json)
		return;
	st = read_measurement(json, id, &call->principal, &m, &err);
	if (st != OFA_OK) {
		json_decref(json);
		problem_reply_body(call, st, &err);
		return;
	}
	st = keep(app, &m, &kept, &err);
	json_decref(json);
	if (st != OFA_OK) {
		problem_reply_error(call, st, &err);
		return;
	}
	metrics_add(app->metrics, METRICS_MEASUREMENTS, 1);
	http_reply_header(&call->reply, "Location", "/subnets/%s/measurements/%lld", id,
			  (long long)json_integer_value(json_object_get(kept, "number")));
	reply_kept(call, 201, kept);
}

enum http_next measurements_post(struct app *app, struct http_call *call)
{
	struct idempotent once;

	if (accepts_json(call) && idempotent_begin_reply(call, &once)) {
		post(app, call);
		idempotent_end_reply(call, &once);
	}
	return HTTP_REPLY;
}

/* ---- GET ---- */

static void reply_list(struct http_call *call, const char *id, const struct page *page, json_t *list)
{
	char path[256], last[32];

	if (json_array_size(list) > page->limit) {
		json_array_remove(list, page->limit);
		snprintf(path, sizeof(path), "/subnets/%s/measurements", id);
		snprintf(last, sizeof(last), "%lld",
			 (long long)json_integer_value(
				 json_object_get(json_array_get(list, page->limit - 1), "number")));
		page_link_next(call, page, path, last);
	}
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "measurements", list));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
}

/* Was it delivered?  A subnet without measurements has an empty list, one that is none of ours has no list. */
static enum ofa_status check_subnet(struct app *app, const char *id, struct ofa_error *err)
{
	struct ofa_buf manifest;
	enum ofa_status st;

	ofa_buf_init(&manifest, MANIFEST_MAX);
	st = app->store->driver->delivery_by_subnet(app->store, id, &manifest, err);
	ofa_buf_release(&manifest);
	return st == OFA_ERR_NOT_FOUND ? ofa_fail(err, st, NULL, "there is no subnet %.80s", id) : st;
}

enum http_next measurements_list(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	struct ofa_error err = {0};
	struct page page;
	uint64_t before;
	enum ofa_status st;
	json_t *list;

	if (!accepts_json(call) || !page_parse(call, &page))
		return HTTP_REPLY;
	before = parse_number(page.after);
	if (*page.after && before == 0) {
		problem_reply(call, PROBLEM_INVALID, "cursor", "this cursor is of another list");
		return HTTP_REPLY;
	}
	st = check_subnet(app, id, &err);
	if (st == OFA_OK)
		st = read_some(app, id, before, page.limit + 1, &list, &err);
	if (st == OFA_OK)
		reply_list(call, id, &page, list);
	else
		problem_reply_error(call, st, &err);
	return HTTP_REPLY;
}

enum http_next measurement_get(struct app *app, struct http_call *call)
{
	const char *id = http_param(&call->request.params, "id");
	uint64_t number = parse_number(http_param(&call->request.params, "number"));
	struct ofa_error err = {0};
	json_t *json;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (number == 0)
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "measurements are numbered from 1");
	else if (read_one(app, id, number, &json, &err) != OFA_OK)
		problem_reply_error(call, err.status, &err);
	else
		reply_kept(call, 200, json);
	return HTTP_REPLY;
}
