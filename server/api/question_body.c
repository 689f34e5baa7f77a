#include "api/body.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/question_body.h"
#include "app.h"

/* known: the calibration, or NULL. */
static enum ofa_status calibrate(struct app *app, struct question *q, const struct calibration *known,
				 struct ofa_error *err)
{
	struct calibration c = {.fit = CALIBRATION_NONE, .scale = 1};
	enum ofa_status st = OFA_OK;

	if (known)
		c = *known;
	else if (question_revision(q))
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
static enum ofa_status resolve(struct app *app, struct subnet_request *r, const struct calibration *known,
			       struct question *q, struct ofa_error *err)
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
		st = calibrate(app, q, known, err);
	if (st != OFA_OK)
		question_release(q);
	return st;
}

/* Is all that it names remembered?  Then it is the request's, and nothing is read from the store: it may be forgotten
 * in the next moment. */
static bool recall(struct app *app, struct subnet_request *r, struct calibration *c, const struct calibration **ret)
{
	if (!r->profile_name)
		return true;
	r->profile = profiles_peek(app->profiles, r->profile_name);
	if (!r->profile || !r->calibrated)
		return r->profile != NULL;
	*ret = c;
	return calibrations_peek(app->calibrations, r->profile->profile.name, r->profile->revision, c);
}

enum question_outcome question_read(struct app *app, struct http_call *call, struct question *ret, bool *ret_inline)
{
	enum question_outcome outcome = QUESTION_READ;
	const struct calibration *known = NULL;
	struct calibration calibration;
	struct subnet_request request;
	struct ofa_error err = {0};
	json_t *json = body_object(call);
	enum ofa_status st;

	if (!json)
		return QUESTION_REFUSED;
	st = subnet_request_parse(json, &request, &err);
	if (st == OFA_OK)
		*ret_inline = request.profile != NULL;
	if (st == OFA_OK && !http_call_on_worker(call) && !recall(app, &request, &calibration, &known)) {
		subnet_request_release(&request);
		outcome = QUESTION_ELSEWHERE;
	} else if (st == OFA_OK) {
		st = resolve(app, &request, known, ret, &err);
	}
	json_decref(json);
	if (st == OFA_OK)
		return outcome;
	problem_reply_body(call, st, &err);
	return QUESTION_REFUSED;
}
