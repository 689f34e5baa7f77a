/* POST /plans: one subnet, unit by unit. */
#include <stdlib.h>
#include "api/body.h"
#include "api/failure.h"
#include "api/json_plan.h"
#include "api/json_subnet_request.h"
#include "api/problem.h"
#include "api/resources.h"
#include "cost/pointer.h"

/* What a search would say of it, to the last bit. */
static enum ofa_status foretell(const struct ofa_search_problem *problem, struct plan_view *v, struct ofa_error *err)
{
	struct ofa_search_result told;
	enum ofa_status st = ofa_search_given(problem, &v->plan.arch, &told, err);

	if (st != OFA_OK) {
		ofa_pointer_place(err, "/arch");
		return st;
	}
	v->predicted_accuracy = told.predicted_accuracy;
	v->latency_ms = told.value[OFA_LATENCY_MS];
	return OFA_OK;
}

static void find_rows(struct plan_view *v)
{
	for (int i = 0; i < v->plan.n_units; i++) {
		char key[OFA_LATENCY_KEY_MAX];

		ofa_unit_key(&v->plan.units[i], &v->plan, key);
		v->rows[i] = ofa_latency_find(&v->profile->profile.table, v->plan.arch.image_size, key);
	}
}

/* Fills the view. */
static enum ofa_status look_up(struct app *app, struct subnet_request *r, struct plan_view *v, struct ofa_error *err)
{
	struct network *network;
	struct binding *binding;
	struct ofa_arch arch;
	enum ofa_status st = subnet_request_find(r, app->networks, app->profiles, &network, err);

	if (st == OFA_OK)
		st = subnet_request_arch(r, network, &arch, err);
	if (st == OFA_OK)
		st = bindings_get(app->bindings, network, r->profile, r->precision, &binding, err);
	if (st != OFA_OK)
		return st;
	v->network = network;
	v->profile = r->profile;
	v->precision = r->precision;
	ofa_plan_init(&network->net->space, &network->net->params, &arch, &v->plan);
	st = foretell(binding_problem(binding), v, err);
	binding_unref(binding);
	if (st == OFA_OK && known_profile_times(v->profile, v->precision))
		find_rows(v);
	return st;
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
