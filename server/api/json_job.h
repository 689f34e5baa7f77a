/* A job as clients see it. */
#ifndef OFAD_API_JSON_JOB_H
#define OFAD_API_JSON_JOB_H

#include "http/call.h"
#include "service/jobs.h"

/* A new reference; NULL: the handler returns *ret_next, since there is none, which the reply says, or since a worker is
 * to ask the store that replicas share. */
struct job *job_find(struct app *app, struct http_call *call, enum http_next *ret_next);
/* New reference; NULL when memory is out.  The call is whose request id an error carries. */
json_t *job_format(struct http_call *call, const struct job_view *v);
/* Fills call->reply with it, and says when to look again. */
void job_reply(struct http_call *call, unsigned status, const struct job_view *v);

#endif
