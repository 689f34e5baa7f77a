#include "api/body.h"
#include "api/problem.h"
#include "api/query.h"
#include "api/resources.h"

/* {"metric","points"} of the engine, and what it is the front of. */
static void reply_front(struct http_call *call, const struct query_front *q, const struct binding *binding,
			const struct ofa_front *front)
{
	json_t *json = ofa_front_format(binding_problem(binding), front);

	if (json && (json_object_set_new(json, "network", json_string(q->network->net->name)) ||
		     json_object_set_new(json, "dtype", json_string(ofa_precision_name(q->precision))) ||
		     json_object_set_new(json, "profile",
					 q->profile ? json_string(q->profile->profile.name) : json_null()))) {
		json_decref(json);
		json = NULL;
	}
	http_reply_json(&call->reply, 200, "application/json", json);
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
}

static enum ofa_status answer(struct app *app, struct http_call *call, const struct query_front *q,
			      struct ofa_error *err)
{
	const struct ofa_front *front;
	struct binding *binding;
	enum ofa_status st = bindings_get(app->bindings, q->network, q->profile, q->precision, &binding, err);

	if (st != OFA_OK)
		return st;
	st = binding_front(binding, q->metric, NULL, &front, err);
	if (st == OFA_OK)
		reply_front(call, q, binding, front);
	binding_unref(binding);
	return st;
}

enum http_next pareto_get(struct app *app, struct http_call *call)
{
	struct query_front q;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!accepts_json(call))
		return HTTP_REPLY;
	st = query_front(app, call, http_param(&call->request.params, "name"), &q, &err);
	if (st == OFA_OK)
		st = answer(app, call, &q, &err);
	if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	query_front_release(&q);
	return HTTP_REPLY;
}
