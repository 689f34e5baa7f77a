/* Do the HTTP threads still answer?  Each holds one connection that never left this process, on which it is asked for
 * /healthz: what is found well is what clients use, from the loop that waits for them to the handler. */
#ifndef OFAD_HTTP_PROBE_H
#define OFAD_HTTP_PROBE_H

#include "http/server.h"

struct http_probe;

enum ofa_status http_probe_new(struct http_server *s, struct http_probe **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Before the server stops; NULL is allowed. */
void http_probe_free(struct http_probe *p);
/* Asks every thread; true when all have answered what they were asked by the call before this one. */
bool http_probe_ask(struct http_probe *p);

#endif
