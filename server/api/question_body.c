#include "api/body.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/question_body.h"
#include "app.h"

static enum ofa_status calibrate(struct app *app, struct question *q, struct ofa_error *err)
{
	struct calibration c = {.fit = CALIBRATION_NONE, .scale = 1};
	enum ofa_status st = OFA_OK;

	if (question_revision(q))
		st = calibrations_get(app->calibrations, q->profile->profile.name, question_revision(q), &c, err);
	return st == OFA_OK ? question_calibrate(q, &c, err) : st;
}

static enum ofa_status give(const struct subnet_request *r, struct question *q, struct ofa_error *err)
{
	struct ofa_arch arch;
	enum ofa_status st = subnet_request_arch(r, q->network, &arch, err);

	return st == OFA_OK ? question_give(q, &arch, err) : st;
}

/* Whatever comes of it, the request's profile is the question's or released. */
static enum ofa_status resolve(struct app *app, struct subnet_request *r, struct question *q, struct ofa_error *err)
{
	struct network *network;
	enum ofa_status st = subnet_request_find(r, app->networks, app->profiles, &network, err);

	if (st == OFA_OK)
		st = question_init(q, network, r->profile, r->profile_name != NULL, r->precision, &r->limits,
				   r->has_seed ? &r->seed : NULL, err);
	if (st != OFA_OK) {
		subnet_request_release(r);
		return st;
	}
	if (r->arch)
		st = give(r, q, err);
	if (st == OFA_OK && r->calibrated)
		st = calibrate(app, q, err);
	if (st != OFA_OK)
		question_release(q);
	return st;
}

/* Is all that it names remembered, so that nothing is read from the store? */
static bool in_memory(struct app *app, const struct subnet_request *r)
{
	struct known_profile *p;
	struct calibration c;
	bool calibrated;

	if (!r->profile_name)
		return true;
	p = profiles_peek(app->profiles, r->profile_name);
	calibrated = p && (!r->calibrated || calibrations_peek(app->calibrations, p->profile.name, p->revision, &c));
	known_profile_unref(p);
	return calibrated;
}

enum question_outcome question_read(struct app *app, struct http_call *call, struct question *ret, bool *ret_inline)
{
	enum question_outcome outcome = QUESTION_READ;
	struct subnet_request request;
	struct ofa_error err = {0};
	json_t *json = body_object(call);
	enum ofa_status st;

	if (!json)
		return QUESTION_REFUSED;
	st = subnet_request_parse(json, &request, &err);
	if (st == OFA_OK && !http_call_on_worker(call) && !in_memory(app, &request)) {
		subnet_request_release(&request);
		outcome = QUESTION_ELSEWHERE;
	} else if (st == OFA_OK) {
		*ret_inline = request.profile != NULL;
		st = resolve(app, &request, ret, &err);
	}
	json_decref(json);
	if (st == OFA_OK)
		return outcome;
	problem_reply_body(call, st, &err);
	return QUESTION_REFUSED;
}
