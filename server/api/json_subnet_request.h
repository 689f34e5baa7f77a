/* The body of POST /subnets:
 * {"network"?: NAME, "profile"?: NAME, NAME@REVISION or profile object, "dtype"?: "float32", "float16" or "int8",
 *  "limits"?: {..}, "seed"?: 0..2^53-1, "calibrated"?: true or false} */
#ifndef OFAD_API_JSON_SUBNET_REQUEST_H
#define OFAD_API_JSON_SUBNET_REQUEST_H

#include "service/profiles.h"

struct subnet_request {
	const char *network;           /* NULL: the first; borrowed from the JSON */
	const char *profile_name;      /* of a stored profile, perhaps with its revision, or NULL; borrowed */
	struct known_profile *profile; /* sent along; a reference, or NULL */
	enum ofa_precision precision; /* float32 if nothing is said */
	struct ofa_limits limits;
	bool has_seed;
	uint64_t seed;
	bool calibrated; /* latencies are meant as devices measure them */
};

/* Unknown members are refused.  Errors carry a JSON pointer into the body.  May add the name "inline" to a
 * profile object that has none. */
enum ofa_status subnet_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err) OFA_MUST_CHECK;
void subnet_request_release(struct subnet_request *r);

#endif
