/* One request as handlers see it; nothing of libmicrohttpd shows. */
#ifndef OFAD_HTTP_REQUEST_H
#define OFAD_HTTP_REQUEST_H

#include "base/buf.h"
#include "http/connections.h"
#include "http/route.h"

/* The header fields that matter to us; all others are ignored. */
enum http_header {
	HTTP_ACCEPT,
	HTTP_ACCEPT_ENCODING,
	HTTP_AUTHORIZATION, /* a secret: never logged, never sent back */
	HTTP_CONTENT_LENGTH,
	HTTP_CONTENT_TYPE,
	HTTP_IDEMPOTENCY_KEY,
	HTTP_IF_MATCH,
	HTTP_IF_NONE_MATCH,
	HTTP_IF_RANGE,
	HTTP_LAST_EVENT_ID,
	HTTP_PREFER,
	HTTP_RANGE,
	HTTP_TRANSFER_ENCODING,
	HTTP_USER_AGENT,
	HTTP_X_FORWARDED_FOR, /* believed from trusted proxies alone */
	HTTP_X_REQUEST_ID,
	HTTP_HEADER_COUNT
};
const char *http_header_name(enum http_header h);

#define HTTP_REQUEST_ID_MAX 65 /* with the NUL */
#define HTTP_PEER_MAX CONNECTION_PEER_MAX

struct http_request {
	const char *method;
	char *target;                    /* as it came, still percent-encoded, without the query; owned */
	const char *query;               /* what follows its '?', or NULL; inside target's memory */
	struct http_params params;       /* what the route's {names} matched, decoded */
	char *header[HTTP_HEADER_COUNT]; /* NULL: absent; owned */
	const char *fault;               /* NULL, or what is wrong with the header section */
	struct ofa_buf body;
	char id[HTTP_REQUEST_ID_MAX]; /* the client's X-Request-Id when it is harmless, else ours */
	char peer[HTTP_PEER_MAX];     /* address of the client, for the log */
};

/* `target` is copied. */
enum ofa_status http_request_init(struct http_request *r, const char *method, const char *target) OFA_MUST_CHECK;
void http_request_release(struct http_request *r);

/* Takes one field line.  Lists that were sent in several lines are joined by ", "; a field that may
 * come once and came twice, or a Content-Length that is not a number, sets r->fault. */
enum ofa_status http_request_header(struct http_request *r, const char *name, const char *value) OFA_MUST_CHECK;
/* An id of our own, as %08x-%llx would print prefix and number. */
void http_request_format_id(uint32_t prefix, unsigned long long number, char id[HTTP_REQUEST_ID_MAX]);
/* After the last field line: checks what concerns several of them (RFC 9112, 6.3: a message with both
 * Content-Length and Transfer-Encoding is refused, since the two ends of a proxy may disagree about
 * where it stops) and settles r->id, with `fallback_id` where the client sent none that is harmless. */
void http_request_headers_end(struct http_request *r, const char *fallback_id);
/* Does the client say that a body follows?  *ret_length = UINT64_MAX when it does not say how long. */
bool http_request_has_body(const struct http_request *r, uint64_t *ret_length);

#endif
