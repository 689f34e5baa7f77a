/* Requests by listener, route and method: a bounded number of series, whatever clients send. */
#ifndef OFAD_METRICS_REQUESTS_H
#define OFAD_METRICS_REQUESTS_H

#include "http/call.h"
#include "metrics/metrics.h"

#define REQUEST_LISTENERS_MAX 4
#define REQUEST_ROUTES_MAX 96
#define REQUEST_METHODS_MAX 8 /* told apart where no route matched, the rest as one */

/* One HTTP server and the numbers that its requests are counted by; -1: not at all. */
struct request_listener {
	const char *name; /* as struct http_server_options has it */
	const struct http_route *routes;
	size_t n_routes;
	int endpoint[REQUEST_ROUTES_MAX][2]; /* of the route's own method, of HEAD */
	int unmatched[REQUEST_METHODS_MAX];
};

struct request_metrics {
	struct metrics *metrics;
	unsigned n;
	struct request_listener listeners[REQUEST_LISTENERS_MAX];
};

void request_metrics_init(struct request_metrics *r, struct metrics *m);
/* Before the server of this name starts; the table is borrowed. */
enum ofa_status request_metrics_listener(struct request_metrics *r, const char *name, const struct http_route *routes,
					 size_t n_routes, struct ofa_error *err) OFA_MUST_CHECK;
/* A call that is complete; any thread. */
void request_metrics_count(const struct request_metrics *r, const struct http_call *call, double ms);

#endif
