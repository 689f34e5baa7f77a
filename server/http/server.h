/* The HTTP server: libmicrohttpd with its traps covered (doc/api.md, "Limits"). */
#ifndef OFAD_HTTP_SERVER_H
#define OFAD_HTTP_SERVER_H

#include "access/forwarded.h"
#include "http/call.h"
#include "http/tls.h"
#include "log.h"

/* What the server itself refuses; the application words the answer. */
enum http_fault {
	HTTP_FAULT_BAD_REQUEST, /* request.fault says what is wrong; the connection is closed */
	HTTP_FAULT_NO_PATH,
	HTTP_FAULT_NO_METHOD, /* `detail`: the methods the path has; the Allow header is set already */
	HTTP_FAULT_TOO_LARGE, /* the body is longer than route->max_body, or one was sent where none belongs */
	HTTP_FAULT_NOT_TYPE,  /* the body's media type is none of route->body_types */
	HTTP_FAULT_RANGE,     /* the range begins after the end; Content-Range is set already */
	HTTP_FAULT_OVERLOAD,  /* no room for more bodies or more work now */
	HTTP_FAULT_COUNT
};

struct http_server_options {
	const char *name; /* of the listener, where requests are counted */
	int listen_fd; /* listening already; owned by the server from the start on */
	bool listen_shared; /* others hold the socket too: newcomers wait for them instead of being refused */
	struct tls *tls; /* NULL: plain HTTP; borrowed */
	const struct access_proxies *proxies; /* whose X-Forwarded-For is believed; NULL: nobody's; borrowed */
	const struct http_route *routes;
	size_t n_routes;
	unsigned threads; /* that do nothing but HTTP; at least 1 */
	unsigned max_connections;
	unsigned max_connections_per_address;
	size_t max_body_bytes; /* held for all requests together */
	struct app *app;
	const struct log *log;
	/* The route is known, or NULL, and the body was not looked at: may this caller go on?  Settles
	 * call->principal; when it says no, call->reply says why.  NULL: everybody may. */
	bool (*admit)(struct app *app, struct http_call *call);
	/* Fills call->reply. */
	void (*fault)(struct app *app, struct http_call *call, enum http_fault fault, const char *detail);
	/* Has http_call_work(call) run on a worker; false when there is no room. */
	bool (*offload)(struct app *app, struct http_call *call);
	/* On the worker that has run the call's handler, before the answer goes out; or NULL. */
	void (*worked)(struct app *app, struct http_call *call);
	/* After the last byte, or when the client went away. */
	void (*completed)(struct app *app, const struct http_call *call);
};

/* On failure listen_fd stays the caller's and *ret becomes NULL.  *ret is set before the first request is taken. */
enum ofa_status http_server_start(const struct http_server_options *opt, struct http_server **ret,
				  struct ofa_error *err) OFA_MUST_CHECK;
/* Takes no new connections; those that exist are served on, each closing with its next answer. */
void http_server_quiesce(struct http_server *s);
/* Serves the other end of a connected socket as if it had been accepted; its requests are not reported as completed.
 * False: the socket stays the caller's. */
bool http_server_adopt(struct http_server *s, int fd);
bool http_server_is_secure(const struct http_server *s); /* does it speak TLS? */
unsigned http_server_threads(const struct http_server *s);
const char *http_server_name(const struct http_server *s);
struct http_server_stats {
	unsigned active;              /* requests that have begun and are not fully answered */
	unsigned connections;         /* open now */
	unsigned max_connections;
	unsigned long long accepted; /* connections since the start */
};
void http_server_stats(struct http_server *s, struct http_server_stats *ret);
/* Requests that have begun and are not fully answered. */
unsigned http_server_active(struct http_server *s);
/* No call may be suspended.  Cuts what is left, ends the threads, frees s. */
void http_server_stop(struct http_server *s);

#endif
