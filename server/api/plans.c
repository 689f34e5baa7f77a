/* POST /plans: one subnet, unit by unit. */
#include <math.h>
#include <stdlib.h>
#include "api/body.h"
#include "api/failure.h"
#include "api/json_plan.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/resources.h"

static enum ofa_status predict(struct plan_view *v, struct ofa_error *err)
{
	const struct ofa_predictor *p = &v->network->predictor;
	float *workspace, accuracy;

	v->predicted_accuracy = NAN;
	if (!ofa_predictor_has_resolution(p, v->plan.arch.image_size))
		return OFA_OK;
	workspace = malloc(ofa_predictor_workspace(p, 1) * sizeof(*workspace));
	if (!workspace)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	ofa_predictor_predict(&v->network->net->space, p, &v->plan.arch, 1, workspace, &accuracy);
	free(workspace);
	v->predicted_accuracy = ofa_predictor_promise(p, v->precision, (double)accuracy);
	return OFA_OK;
}

/* Looks the units up; what their rows add up to. */
static double find_rows(struct plan_view *v)
{
	double sum = 0;

	for (int i = 0; i < v->plan.n_units; i++) {
		char key[OFA_LATENCY_KEY_MAX];

		ofa_unit_key(&v->plan.units[i], &v->plan, key);
		v->rows[i] = ofa_latency_find(&v->profile->profile.table, v->plan.arch.image_size, key);
		sum += v->rows[i] ? v->rows[i]->mean_ms : NAN;
	}
	return sum;
}

static enum ofa_status time_plan(struct app *app, struct plan_view *v, struct ofa_error *err)
{
	double value[OFA_RESOURCE_COUNT], sum;
	struct binding *binding;
	enum ofa_status st;

	v->latency_ms = NAN;
	if (!known_profile_times(v->profile, v->precision))
		return OFA_OK;
	st = bindings_get(app->bindings, v->network, v->profile, v->precision, &binding, err);
	if (st != OFA_OK)
		return st;
	sum = find_rows(v);
	/* to the last bit as a search tells it, where one would find this image size */
	ofa_search_costs(binding_problem(binding), &v->plan.arch, value);
	v->latency_ms = isnan(value[OFA_LATENCY_MS]) ? sum : value[OFA_LATENCY_MS];
	binding_unref(binding);
	return OFA_OK;
}

static enum ofa_status look_up(struct app *app, struct subnet_request *r, struct plan_view *v, struct ofa_error *err)
{
	struct network *network;
	struct ofa_arch arch;
	enum ofa_status st = subnet_request_find(r, app->networks, app->profiles, &network, err);

	if (st == OFA_OK)
		st = subnet_request_arch(r, network, &arch, err);
	if (st != OFA_OK)
		return st;
	v->network = network;
	v->profile = r->profile;
	v->precision = r->precision;
	ofa_plan_init(&network->net->space, &network->net->params, &arch, &v->plan);
	st = time_plan(app, v, err);
	return st == OFA_OK ? predict(v, err) : st;
}

static enum ofa_status answer(struct app *app, struct http_call *call, struct subnet_request *r, struct ofa_error *err)
{
	struct plan_view *v = calloc(1, sizeof(*v));
	enum ofa_status st = v ? look_up(app, r, v, err) : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	if (st == OFA_OK)
		http_reply_json(&call->reply, 200, "application/json", plan_format(v));
	free(v);
	return st;
}

enum http_next plans_post(struct app *app, struct http_call *call)
{
	struct subnet_request request = {0};
	struct ofa_error err = {0};
	enum ofa_status st;
	json_t *json;

	if (!accepts_json(call) || !(json = body_object(call)))
		return HTTP_REPLY;
	st = plan_request_parse(json, &request, &err);
	if (st == OFA_OK)
		st = answer(app, call, &request, &err);
	if (st == OFA_ERR_MISMATCH)
		failure_reply(call, &(struct failure){.status = st,
						      .error = &err,
						      .inline_profile = request.profile_name == NULL});
	else if (st != OFA_OK)
		problem_reply_body(call, st, &err);
	subnet_request_release(&request);
	json_decref(json);
	return HTTP_REPLY;
}
