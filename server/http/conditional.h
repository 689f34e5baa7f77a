/* Conditional and partial answers: If-None-Match, Range, If-Range (RFC 9110, 13 and 14). */
#ifndef OFAD_HTTP_CONDITIONAL_H
#define OFAD_HTTP_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>
#include "http/reply.h"
#include "http/request.h"

/* Does an If-None-Match field name this entity tag (given with its quotes)?  "*" names any; W/ is
 * ignored, as the comparison is the weak one. */
bool http_etag_listed(const char *field, const char *etag);

enum http_range {
	HTTP_RANGE_ALL,     /* no single byte range that we understand: the whole is sent */
	HTTP_RANGE_PART,    /* bytes first..last, both included */
	HTTP_RANGE_OUTSIDE, /* 416 */
};
enum http_range http_range_parse(const char *field, uint64_t size, uint64_t *ret_first, uint64_t *ret_last);

/* Turns a complete 200 answer to GET or HEAD into 304, 206 or 416 where the request asks for it; one that
 * may be stored and has no entity tag gets one made from its bytes.  A 416 has its Content-Range and no body yet.
 * Other replies stay as they are. */
void http_reply_condition(const struct http_request *request, struct http_reply *reply);

#endif
