/* Which handler a method and a path belong to. */
#ifndef OFAD_HTTP_ROUTE_H
#define OFAD_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct app;
struct http_call;

/* What a handler wants next. */
enum http_next {
	HTTP_REPLY,   /* call->reply is complete */
	HTTP_OFFLOAD, /* call the handler again on a worker; on one: among those that compute, where it must reply */
	HTTP_SUSPEND, /* call->on_suspended() arranges the resumption; the handler is then called again */
	HTTP_RETURN,  /* on a worker: call the handler again in its HTTP thread, where it may suspend */
};

#define HTTP_BODY_TYPES_MAX 4

/* One line of the route table.  GET implies HEAD.
 *
 * A path is made of literal segments, {name} for one segment, {name}.suffix for one that ends in these
 * characters, and at most one {name*} for one or more segments (names of profiles contain slashes).  The first
 * entry that matches wins. */
struct http_route {
	const char *method, *path;
	enum http_next (*handle)(struct app *app, struct http_call *call);
	unsigned scopes;       /* enum access_scope: the caller has one of them; 0: the admin's alone */
	const char *audit;     /* what the audit log calls it; NULL: it does not stand there */
	bool unmetered;        /* a probe: no limit on how often it is called */
	bool in_worker;        /* the handler may take long or touch the disk: it runs on a worker */
	bool computes;         /* it takes long and is for people to look at: what devices wait for goes first */
	bool quick;            /* of those: it takes milliseconds, and does not wait for the others */
	bool fetches;          /* on a worker it reads packages, which may come from another machine */
	size_t max_body;       /* bytes; 0: the operation takes no body */
	/* the media types a body may have, up to the first NULL; none: it is not looked at */
	const char *body_types[HTTP_BODY_TYPES_MAX];
};

#define HTTP_PARAMS_MAX 2
#define HTTP_PARAM_MAX 256 /* bytes of a decoded value with its NUL */

struct http_params {
	unsigned n;
	struct {
		const char *name; /* in the route's path, name_len bytes */
		size_t name_len;
		char value[HTTP_PARAM_MAX];
	} list[HTTP_PARAMS_MAX];
};
/* NULL when the route has no such parameter. */
const char *http_param(const struct http_params *params, const char *name);

enum http_match { HTTP_MATCH, HTTP_NO_PATH, HTTP_NO_METHOD };
#define HTTP_ALLOW_MAX 64
/* `path` is still percent-encoded.  A %2F inside a segment never matches {name}, and counts as a slash
 * in {name*}; %00 and broken escapes match nothing.  On HTTP_NO_METHOD `allow` lists the methods that
 * the path has. */
enum http_match http_route_find(const struct http_route *routes, size_t n, const char *method, const char *path,
				const struct http_route **ret_route, struct http_params *ret_params,
				char allow[HTTP_ALLOW_MAX]);

/* Decodes %XX of the n bytes at s into out, NUL-terminated.  False on a broken escape, a control
 * character or when it does not fit. */
bool http_unescape(const char *s, size_t n, char *out, size_t cap);
/* The decoded value of a parameter in a query string ("a=1&b=2", may be NULL); "" when it is absent, false
 * when it is broken or does not fit. */
bool http_query(const char *query, const char *name, char *out, size_t cap);

#endif
