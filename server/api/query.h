/* Parameters of a query that several resources have.  Each fails with OFA_ERR_INVALID and the parameter's name as the
 * field, and leaves *ret as it was where it fails; an empty value is none. */
#ifndef OFAD_API_QUERY_H
#define OFAD_API_QUERY_H

#include "app.h"

/* "profile": a new reference to the stored profile, or NULL without one.  OFA_ERR_NOT_FOUND when nothing is stored
 * under the name. */
enum ofa_status query_profile(struct app *app, const struct http_call *call, struct known_profile **ret,
			      struct ofa_error *err) OFA_MUST_CHECK;
/* "dtype": float32 without one. */
enum ofa_status query_dtype(const struct http_call *call, enum ofa_precision *ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
/* "metric", of packages of the precision: without one latency where the profile (or NULL) tells it, else MACs.  Latency
 * is refused where it does not. */
enum ofa_status query_metric(const struct http_call *call, const struct known_profile *profile,
			     enum ofa_precision precision, enum ofa_resource *ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* A whole number from least to most, decimal; *ret stays as it was without one. */
enum ofa_status query_number(const struct http_call *call, const char *name, uint64_t least, uint64_t most,
			     uint64_t *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* What a front is asked for. */
struct query_front {
	struct network *network;
	struct known_profile *profile; /* a reference, or NULL */
	enum ofa_precision precision;
	enum ofa_resource metric;
};
/* Profile, type and metric; network: its name, NULL the first.  Where it fails *ret holds what was read before;
 * released in either case. */
enum ofa_status query_front(struct app *app, const struct http_call *call, const char *network,
			    struct query_front *ret, struct ofa_error *err) OFA_MUST_CHECK;
void query_front_release(struct query_front *q);

#endif
