#include <stdlib.h>
#include <string.h>
#include "http/calls.h"

/* AddressSanitizer tells when a call is used after its end, but only of memory that was freed. */
#ifdef __SANITIZE_ADDRESS__
#define KEPT false
#else
#define KEPT true
#endif

void http_calls_init(struct http_calls *c)
{
	pthread_mutex_init(&c->lock, NULL);
	c->n = 0;
}

void http_calls_release(struct http_calls *c)
{
	while (c->n > 0)
		free(c->spare[--c->n]);
	pthread_mutex_destroy(&c->lock);
}

struct http_call *http_calls_take(struct http_calls *c)
{
	struct http_call *call = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->n > 0)
		call = c->spare[--c->n];
	pthread_mutex_unlock(&c->lock);
	if (!call)
		return calloc(1, sizeof(*call));
	memset(call, 0, sizeof(*call));
	return call;
}

void http_calls_put(struct http_calls *c, struct http_call *call)
{
	bool kept;

	pthread_mutex_lock(&c->lock);
	kept = KEPT && c->n < HTTP_CALLS_SPARE;
	if (kept)
		c->spare[c->n++] = call;
	pthread_mutex_unlock(&c->lock);
	if (!kept)
		free(call);
}
