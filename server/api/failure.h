/* Why a question has no answer, as clients see it. */
#ifndef OFAD_API_FAILURE_H
#define OFAD_API_FAILURE_H

#include <jansson.h>
#include "http/call.h"
#include "service/deliveries.h"

/* What struct answer and struct job_view say about it. */
struct failure {
	enum ofa_status status;
	const struct ofa_error *error;
	const struct ofa_feasible *feasible; /* of OFA_ERR_INFEASIBLE */
	bool inline_profile;                 /* the profile came with the question, and so did its fields */
};

/* Fills call->reply. */
void failure_reply(struct http_call *call, const struct failure *f);
/* The same problem as a document; new reference, NULL when memory is out. */
json_t *failure_format(struct http_call *call, const struct failure *f);

#endif
