/* Memory of calls that are over, for those that begin: a call is large, and the C library tidies up all its small
 * blocks whenever one of that size is asked for. */
#ifndef OFAD_HTTP_CALLS_H
#define OFAD_HTTP_CALLS_H

#include <pthread.h>
#include "http/call.h"

#define HTTP_CALLS_SPARE 128

/* Any thread. */
struct http_calls {
	pthread_mutex_t lock;
	unsigned n;
	struct http_call *spare[HTTP_CALLS_SPARE];
};

void http_calls_init(struct http_calls *c);
void http_calls_release(struct http_calls *c); /* every call was put back */
/* All zero; NULL when memory is out. */
struct http_call *http_calls_take(struct http_calls *c);
void http_calls_put(struct http_calls *c, struct http_call *call);

#endif
