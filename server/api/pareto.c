#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"

/* What the query asks for. */
struct pareto_query {
	struct network *network;
	struct known_profile *profile; /* a reference, or NULL */
	enum ofa_precision precision;
	enum ofa_resource metric;
};

static enum ofa_status read_profile(struct app *app, struct http_call *call, struct pareto_query *q,
				    struct ofa_error *err)
{
	char name[OFA_PROFILE_NAME_MAX + 16];

	if (!http_query(call->request.query, "profile", name, sizeof(name)) || (*name && !profile_reference_ok(name)))
		return ofa_fail(err, OFA_ERR_INVALID, "profile",
				"profile must be the name of a stored profile: " PROFILE_REFERENCE_FORM);
	return *name ? profiles_get(app->profiles, name, &q->profile, err) : OFA_OK;
}

static enum ofa_status read_dtype(struct http_call *call, struct pareto_query *q, struct ofa_error *err)
{
	char name[16];
	bool fits = http_query(call->request.query, "dtype", name, sizeof(name));

	return fits && (!*name || ofa_precision_find(name, &q->precision))
		       ? OFA_OK
		       : ofa_fail(err, OFA_ERR_INVALID, "dtype", "dtype must be " OFA_PRECISION_CHOICES);
}

/* Why latencies of the type cannot be told. */
static enum ofa_status refuse_latency(const struct pareto_query *q, struct ofa_error *err)
{
	const char *there;

	if (!q->profile || !q->profile->profile.has_table)
		return ofa_fail(err, OFA_ERR_INVALID, "metric",
				"latency_ms can only be told with a profile that has a latency table: add "
				"profile=NAME");
	there = ofa_precision_name(q->profile->profile.table.precision);
	return ofa_fail(err, OFA_ERR_INVALID, "metric",
			"the latency table of profile %s is of %s packages and predicts nothing of %s: add dtype=%s, "
			"or name a profile that `ofa measure --dtype %s` made",
			q->profile->profile.name, there, ofa_precision_name(q->precision), there,
			ofa_precision_name(q->precision));
}

/* Without one: latency where it can be told, else MACs. */
static enum ofa_status read_metric(struct http_call *call, struct pareto_query *q, struct ofa_error *err)
{
	bool timed = known_profile_times(q->profile, q->precision);
	char name[32];
	int metric;

	if (!http_query(call->request.query, "metric", name, sizeof(name)))
		name[0] = '?';
	metric = *name ? ofa_resource_find(name) : timed ? OFA_LATENCY_MS : OFA_MACS;
	if (metric < 0)
		return ofa_fail(err, OFA_ERR_INVALID, "metric",
				"metric must be latency_ms, macs, peak_memory_bytes or storage_bytes");
	if (metric == OFA_LATENCY_MS && !timed)
		return refuse_latency(q, err);
	q->metric = (enum ofa_resource)metric;
	return OFA_OK;
}

/* {"metric","points"} of the engine, and what it is the front of. */
static void reply_front(struct http_call *call, const struct pareto_query *q, const struct binding *binding,
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

static enum ofa_status answer(struct app *app, struct http_call *call, const struct pareto_query *q,
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
	struct pareto_query q = {0};
	struct ofa_error err = {0};
	enum ofa_status st;

	if (!accepts_json(call))
		return HTTP_REPLY;
	st = networks_find(app->networks, http_param(&call->request.params, "name"), &q.network, &err);
	if (st == OFA_OK)
		st = read_profile(app, call, &q, &err);
	if (st == OFA_OK)
		st = read_dtype(call, &q, &err);
	if (st == OFA_OK)
		st = read_metric(call, &q, &err);
	if (st == OFA_OK)
		st = answer(app, call, &q, &err);
	if (st != OFA_OK)
		problem_reply_error(call, st, &err);
	known_profile_unref(q.profile);
	return HTTP_REPLY;
}
