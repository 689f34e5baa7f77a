/* The Prefer field: what a client would like, and can do without (RFC 7240). */
#ifndef OFAD_HTTP_PREFER_H
#define OFAD_HTTP_PREFER_H

#include <stdbool.h>

/* Longer waits than this are the same as this. */
#define HTTP_PREFER_WAIT_MAX 1000000

struct http_prefer {
	bool respond_async;
	int wait_s; /* 0 to HTTP_PREFER_WAIT_MAX; -1: not said */
};

/* Never fails: a preference that is unknown, malformed or repeated is ignored, as the RFC has it.  A NULL field
 * prefers nothing. */
struct http_prefer http_prefer_parse(const char *field);

#endif
