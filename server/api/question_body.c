#include <stdio.h>
#include "api/body.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/question_body.h"
#include "app.h"

static enum ofa_status find_profile(struct app *app, const char *name, struct known_profile **ret,
				    struct ofa_error *err)
{
	enum ofa_status st = profiles_get(app->profiles, name, ret, err);

	if (st == OFA_ERR_NOT_FOUND)
		snprintf(err->field, sizeof(err->field), "/profile");
	return st;
}

/* On failure the question is released. */
static enum ofa_status calibrate(struct app *app, struct question *q, struct ofa_error *err)
{
	struct calibration c = {.fit = CALIBRATION_NONE, .scale = 1};
	enum ofa_status st = OFA_OK;

	if (question_revision(q))
		st = calibrations_get(app->calibrations, q->profile->profile.name, question_revision(q), &c, err);
	if (st == OFA_OK)
		st = question_calibrate(q, &c, err);
	if (st != OFA_OK)
		question_release(q);
	return st;
}

bool question_read(struct app *app, struct http_call *call, struct question *q, bool *ret_inline)
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
			st = question_init(q, network, profile, request.profile_name != NULL, request.precision,
					   &request.limits, request.has_seed ? &request.seed : NULL, &err);
		if (st != OFA_OK)
			known_profile_unref(profile);
		else if (request.calibrated)
			st = calibrate(app, q, &err);
	}
	json_decref(json);
	if (st != OFA_OK)
		problem_reply_body(call, st, &err);
	return st == OFA_OK;
}
