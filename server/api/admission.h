/* Who may call what: decided when the header section is there, before a body is read. */
#ifndef OFAD_API_ADMISSION_H
#define OFAD_API_ADMISSION_H

#include "http/server.h"

/* Counts the call, settles call->principal and holds it against call->route->scopes (struct
 * http_server_options.admit).  False: call->reply is 429 with Retry-After, 401 with a challenge (RFC 6750, 3), 403, or
 * 503 when the tokens cannot be read. */
bool admit(struct app *app, struct http_call *call);

#endif
