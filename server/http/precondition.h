/* What a request that changes something is conditional on: If-Match and If-None-Match (RFC 9110, 13). */
#ifndef OFAD_HTTP_PRECONDITION_H
#define OFAD_HTTP_PRECONDITION_H

#include <stdbool.h>
#include "http/request.h"

/* Is this "*" or a list of entity tags (RFC 9110, 8.8.3)?  Empty elements are allowed, an empty list too. */
bool http_etag_list_ok(const char *field);
/* Does it name this tag, given with its quotes?  "*" names any.  `strong`: W/ never matches; otherwise it is ignored.
 * False for a field that is not a list. */
bool http_etag_list_has(const char *field, const char *etag, bool strong);

enum http_precondition {
	HTTP_PRECONDITION_NONE, /* the request has none */
	HTTP_PRECONDITION_HOLDS,
	HTTP_PRECONDITION_IF_MATCH_FAILS,
	HTTP_PRECONDITION_IF_NONE_MATCH_FAILS,
};
/* `etag`: of what is there, or NULL when nothing is.  If-Match is looked at first (13.2.2). */
enum http_precondition http_precondition(const struct http_request *request, const char *etag);

#endif
