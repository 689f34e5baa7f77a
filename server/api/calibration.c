#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/profile_call.h"
#include "api/resources.h"

#define FORMULA "calibrated_ms = max(scale * predicted_ms + offset_ms, predicted_ms / 10)"

/* ?revision=N, by default the current one: what profiles_get() takes.  False: the reply says what is wrong. */
static bool read_reference(struct http_call *call, const char *name, char out[OFA_PROFILE_NAME_MAX + 20])
{
	char revision[17];

	if (http_query(call->request.query, "revision", revision, sizeof(revision))) {
		snprintf(out, OFA_PROFILE_NAME_MAX + 20, "%s%s%s", name, *revision ? "@" : "", revision);
		if (profile_reference_ok(out))
			return true;
	}
	problem_reply(call, PROBLEM_INVALID, "revision", "revision must be the number of a revision");
	return false;
}

static json_t *error_json(const struct calibration_error *e)
{
	return json_pack("{s:f, s:f}", "mape", e->mape, "median_abs_ms", e->median_abs_ms);
}

static json_t *point_json(const struct calibration_point *p, const struct calibration *c)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:I, s:I}", "subnet", p->subnet, "predicted_ms", p->predicted_ms,
			 "measured_ms", p->measured_ms, "calibrated_ms", calibration_apply(c, p->predicted_ms),
			 "devices", (json_int_t)p->devices, "measurements", (json_int_t)p->measurements);
}

static json_t *report_json(const struct calibration_report *r, const struct known_profile *p)
{
	const struct calibration *c = &r->calibration;
	const char *name = p->profile.name;
	json_t *points = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(points, point_json(&r->points[i], c));
	/* clang-format off */
	return json_pack(
		"{s:s, s:I, s:s, s:f, s:f, s:s, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:{s:o}}",
		"profile", name,
		"revision", (json_int_t)p->revision,
		"fit", calibration_fit_name(c->fit),
		"scale", c->scale,
		"offset_ms", c->offset_ms,
		"formula", FORMULA,
		"packages", (json_int_t)r->n,
		"devices", (json_int_t)r->devices,
		"measurements", (json_int_t)r->measurements,
		"correlation", isnan(r->correlation) ? json_null() : json_real(r->correlation),
		"before", r->n ? error_json(&r->before) : json_null(),
		"after", r->n ? error_json(&r->after) : json_null(),
		"points", points,
		"links",
		"revision", json_sprintf("/profiles/%s/revisions/%llu", name, (unsigned long long)p->revision));
	/* clang-format on */
}

static enum ofa_status answer(struct app *app, struct http_call *call, const struct known_profile *p,
			      struct ofa_error *err)
{
	struct calibration_report *report = malloc(sizeof(*report));
	enum ofa_status st;

	if (!report)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = calibrations_read(app->calibrations, p->profile.name, p->revision, report, err);
	if (st == OFA_OK) {
		http_reply_json(&call->reply, 200, "application/json", report_json(report, p));
		http_reply_header_lasting(&call->reply, "Cache-Control", "no-cache");
	}
	free(report);
	return st;
}

enum http_next calibration_get(struct app *app, struct http_call *call)
{
	const char *name = profile_path_name(call);
	char reference[OFA_PROFILE_NAME_MAX + 20];
	struct known_profile *p = NULL;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!name || !accepts_json(call) || !read_reference(call, name, reference))
		return HTTP_REPLY;
	st = profiles_get(app->profiles, reference, &p, &err);
	if (st == OFA_OK)
		st = answer(app, call, p, &err);
	if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	known_profile_unref(p);
	return HTTP_REPLY;
}
