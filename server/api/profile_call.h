/* What the operations on one profile have in common: its name, who may write it, and on what condition. */
#ifndef OFAD_API_PROFILE_CALL_H
#define OFAD_API_PROFILE_CALL_H

#include "http/call.h"
#include "http/precondition.h"
#include "store/store.h"

/* The name in the path, or NULL: then the reply says why it cannot be one. */
const char *profile_path_name(struct http_call *call);
/* May the caller write in this namespace?  False: the reply says whose it is. */
bool profile_call_owns(struct http_call *call, const char *name);

/* Preconditions of the request, looked at when the store asks. */
struct profile_gate {
	struct store_gate gate;
	const struct http_request *request;
	bool required; /* what is there is not replaced by something else without one */
	enum http_precondition outcome;
};
/* `call` outlives the gate, which must stay where it is.  False: the reply says which header is malformed. */
bool profile_gate_init(struct profile_gate *g, struct http_call *call, bool required);
/* The reply to a write for which the gate was closed: 412 or 428, with what there is now. */
void profile_gate_refuse(const struct profile_gate *g, struct http_call *call, const char *name,
			 const struct store_profile_state *state);

#endif
