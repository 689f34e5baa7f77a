/* One request on its way through the server, from its first header to the last byte of the answer. */
#ifndef OFAD_HTTP_CALL_H
#define OFAD_HTTP_CALL_H

#include "access/address.h"
#include "access/principal.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/route.h"

struct http_server;
struct MHD_Connection;
struct api_wait;
struct http_rebuild;

/* Where a call stands; each phase has one small function in http/server.c. */
enum http_phase {
	HTTP_PHASE_HEADERS, /* the header section is complete, nothing decided */
	HTTP_PHASE_BODY,    /* the body is being collected, or discarded when the answer is known already */
	HTTP_PHASE_WORKER,  /* suspended while a worker runs the handler */
	HTTP_PHASE_WAITING, /* suspended by the handler itself */
	HTTP_PHASE_SENDING, /* the answer was given to libmicrohttpd */
};

/* What is told about a call beside its request and reply, for the access log and the metrics. */
struct http_note {
	const char *cache; /* where an answer came from: "memory", "store" or "search"; NULL: it answers no question */
	double queue_ms;   /* waited for a worker */
	unsigned problem;  /* 1 + the number of the problem that was answered; 0: none */
	bool package;      /* the body is a package, or a part of one */
	bool audited;      /* its record was written already */
	bool cut;          /* the client went away before the last byte; known once the call is complete */
};

struct http_call {
	struct http_request request;
	struct http_reply reply;
	const struct http_route *route; /* NULL when none matched */
	struct access_address address;  /* of the client: the other end, or whom a trusted proxy speaks for */
	struct principal principal;     /* settled before the handler is called */
	/* Of a handler that returned HTTP_SUSPEND: called once the connection is suspended; must see to
	 * it that http_call_resume() is called exactly once. */
	void (*on_suspended)(struct http_call *call);
	/* The handler's own, between its calls; released by the handler or, if the client is gone, by
	 * on_dropped(). */
	struct api_wait *wait;
	struct http_rebuild *rebuild; /* that of api/subnet_package.c, which is in between; at most one is not NULL */
	void (*on_dropped)(struct http_call *call);

	struct http_note note;
	struct app *app;
	struct http_server *server;
	struct MHD_Connection *connection;
	enum http_phase phase;
	bool lengthy;        /* the handler was on a worker and asked for one again, as it will take long */
	bool adopted;        /* on a connection of http_server_adopt() */
	size_t body_charged; /* counted in the server's bodies in flight */
	double started_ms;   /* clock_ms() of the first header */
};

/* Lets a suspended call go on; any thread.  The call must not be touched afterwards. */
void http_call_resume(struct http_call *call);
/* Is the handler running on a worker? */
bool http_call_on_worker(const struct http_call *call);
/* Whom the client's certificate stands for; false without one, or one that is valid. */
bool http_call_certificate(const struct http_call *call, struct principal *ret);
/* On a worker: runs the handler, then resumes. */
void http_call_work(struct http_call *call);

#endif
