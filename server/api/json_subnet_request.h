/* The body of POST /subnets and POST /searches:
 * {"network"?: NAME, "profile"?: NAME, NAME@REVISION or profile object, "dtype"?: "float32", "float16" or "int8",
 *  "limits"?: {..}, "seed"?: 0..2^53-1, "calibrated"?: true or false,
 *  "arch"?: {..}, which excludes "seed"}
 * and that of POST /plans, which has "network", "profile" and "dtype" in common with it:
 * {"network"?, "profile"?, "dtype"?, "arch": {..}} */
#ifndef OFAD_API_JSON_SUBNET_REQUEST_H
#define OFAD_API_JSON_SUBNET_REQUEST_H

#include "service/profiles.h"

struct subnet_request {
	const char *network;           /* NULL: the first; borrowed from the JSON */
	const char *profile_name;      /* of a stored profile, perhaps with its revision, or NULL; borrowed */
	struct known_profile *profile; /* sent along, or found; a reference, or NULL */
	enum ofa_precision precision; /* float32 if nothing is said */
	struct ofa_limits limits;
	bool has_seed;
	uint64_t seed;
	bool calibrated; /* latencies are meant as devices measure them */
	const json_t *arch; /* NULL: what a search finds; borrowed from the JSON */
};

/* Unknown members are refused.  Errors carry a JSON pointer into the body.  May add the name "inline" to a
 * profile object that has none. */
enum ofa_status subnet_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Likewise of a plan, which must have an arch. */
enum ofa_status plan_request_parse(json_t *json, struct subnet_request *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Finds what it names; a stored profile becomes r->profile, unless it is that already.  OFA_ERR_NOT_FOUND: field
 * "/network" or "/profile". */
enum ofa_status subnet_request_find(struct subnet_request *r, struct networks *networks, struct profiles *profiles,
				    struct network **ret_network, struct ofa_error *err) OFA_MUST_CHECK;
/* Its arch, as a subnet of the network; errors as ofa_arch_parse(), their fields below "/arch". */
enum ofa_status subnet_request_arch(const struct subnet_request *r, const struct network *network,
				    struct ofa_arch *ret, struct ofa_error *err) OFA_MUST_CHECK;
void subnet_request_release(struct subnet_request *r);

#endif
