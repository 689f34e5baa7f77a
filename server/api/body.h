/* Request bodies and the choice of the answer's media type, shared by the resources. */
#ifndef OFAD_API_BODY_H
#define OFAD_API_BODY_H

#include <jansson.h>
#include "http/call.h"

/* The body as a JSON object, or NULL: then the reply says why. */
json_t *body_object(struct http_call *call);

/* Index of the offer to answer with, or -1: then the reply is the 406 that lists them. */
int choose_type(struct http_call *call, const char *const *offers, size_t n);
/* The one type there is; false: then the reply is the 406. */
bool accepts_json(struct http_call *call);

#endif
