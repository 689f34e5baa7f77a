#include <errno.h>
#include <stdlib.h>
#include "api/query.h"

enum ofa_status query_profile(struct app *app, const struct http_call *call, struct known_profile **ret,
			      struct ofa_error *err)
{
	char name[OFA_PROFILE_NAME_MAX + 16];

	if (!http_query(call->request.query, "profile", name, sizeof(name)) || (*name && !profile_reference_ok(name)))
		return ofa_fail(err, OFA_ERR_INVALID, "profile",
				"profile must be the name of a stored profile: " PROFILE_REFERENCE_FORM);
	if (*name)
		return profiles_get(app->profiles, name, ret, err);
	*ret = NULL;
	return OFA_OK;
}

enum ofa_status query_dtype(const struct http_call *call, enum ofa_precision *ret, struct ofa_error *err)
{
	enum ofa_precision precision = OFA_FLOAT32;
	char name[16];

	if (!http_query(call->request.query, "dtype", name, sizeof(name)) ||
	    (*name && !ofa_precision_find(name, &precision)))
		return ofa_fail(err, OFA_ERR_INVALID, "dtype", "dtype must be " OFA_PRECISION_CHOICES);
	*ret = precision;
	return OFA_OK;
}

/* Why latencies of the type cannot be told. */
static enum ofa_status refuse_latency(const struct known_profile *profile, enum ofa_precision precision,
				      struct ofa_error *err)
{
	const char *there;

	if (!profile || !profile->profile.has_table)
		return ofa_fail(err, OFA_ERR_INVALID, "metric",
				"latency_ms can only be told with a profile that has a latency table: add "
				"profile=NAME");
	there = ofa_precision_name(profile->profile.table.precision);
	return ofa_fail(err, OFA_ERR_INVALID, "metric",
			"the latency table of profile %s is of %s packages and predicts nothing of %s: add dtype=%s, "
			"or name a profile that `ofa measure --dtype %s` made",
			profile->profile.name, there, ofa_precision_name(precision), there,
			ofa_precision_name(precision));
}

enum ofa_status query_metric(const struct http_call *call, const struct known_profile *profile,
			     enum ofa_precision precision, enum ofa_resource *ret, struct ofa_error *err)
{
	bool timed = known_profile_times(profile, precision);
	char name[32];
	int metric;

	if (!http_query(call->request.query, "metric", name, sizeof(name)))
		name[0] = '?';
	metric = *name ? ofa_resource_find(name) : timed ? OFA_LATENCY_MS : OFA_MACS;
	if (metric < 0)
		return ofa_fail(err, OFA_ERR_INVALID, "metric",
				"metric must be latency_ms, macs, peak_memory_bytes or storage_bytes");
	if (metric == OFA_LATENCY_MS && !timed)
		return refuse_latency(profile, precision, err);
	*ret = (enum ofa_resource)metric;
	return OFA_OK;
}

enum ofa_status query_number(const struct http_call *call, const char *name, uint64_t least, uint64_t most,
			     uint64_t *ret, struct ofa_error *err)
{
	char text[24], *end = text;
	unsigned long long n = 0;
	bool fits = http_query(call->request.query, name, text, sizeof(text));

	if (fits && !*text)
		return OFA_OK;
	errno = 0;
	if (fits && *text >= '0' && *text <= '9')
		n = strtoull(text, &end, 10);
	if (!fits || end == text || *end || errno || n < least || n > most)
		return ofa_fail(err, OFA_ERR_INVALID, name, "%s must be a whole number from %llu to %llu", name,
				(unsigned long long)least, (unsigned long long)most);
	*ret = n;
	return OFA_OK;
}

enum ofa_status query_front(struct app *app, const struct http_call *call, const char *network,
			    struct query_front *ret, struct ofa_error *err)
{
	enum ofa_status st;

	*ret = (struct query_front){0};
	st = networks_find(app->networks, network, &ret->network, err);
	if (st == OFA_OK)
		st = query_profile(app, call, &ret->profile, err);
	if (st == OFA_OK)
		st = query_dtype(call, &ret->precision, err);
	if (st == OFA_OK)
		st = query_metric(call, ret->profile, ret->precision, &ret->metric, err);
	return st;
}

void query_front_release(struct query_front *q)
{
	known_profile_unref(q->profile);
	q->profile = NULL;
}
