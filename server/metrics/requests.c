#include <string.h>
#include "http/server.h"
#include "metrics/requests.h"

/* The label of requests that no route took; no path begins like this. */
#define UNMATCHED "none"

static const char *const methods[REQUEST_METHODS_MAX] = {"GET",	   "HEAD",    "POST",  "PUT",
							 "DELETE", "OPTIONS", "PATCH", "other"};

void request_metrics_init(struct request_metrics *r, struct metrics *m)
{
	memset(r, 0, sizeof(*r));
	r->metrics = m;
}

enum ofa_status request_metrics_listener(struct request_metrics *r, const char *name, const struct http_route *routes,
					 size_t n_routes, struct ofa_error *err)
{
	struct request_listener *l = &r->listeners[r->n];

	if (r->n == REQUEST_LISTENERS_MAX || n_routes > REQUEST_ROUTES_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "at most %d listeners of %d routes are counted",
				REQUEST_LISTENERS_MAX, REQUEST_ROUTES_MAX);
	r->n++;
	*l = (struct request_listener){.name = name, .routes = routes, .n_routes = n_routes};
	for (size_t i = 0; i < n_routes; i++) {
		struct metrics_endpoint e = {name, routes[i].path, routes[i].method};

		l->endpoint[i][0] = metrics_endpoint_add(r->metrics, &e);
		e.method = "HEAD";
		l->endpoint[i][1] =
			strcmp(routes[i].method, "GET") == 0 ? metrics_endpoint_add(r->metrics, &e) : -1;
	}
	for (int i = 0; i < REQUEST_METHODS_MAX; i++) {
		const struct metrics_endpoint e = {name, UNMATCHED, methods[i]};

		l->unmatched[i] = metrics_endpoint_add(r->metrics, &e);
	}
	return OFA_OK;
}

static int unmatched(const struct request_listener *l, const char *method)
{
	int i = 0;

	while (i < REQUEST_METHODS_MAX - 1 && strcmp(methods[i], method) != 0)
		i++;
	return l->unmatched[i];
}

static int endpoint_of(const struct request_metrics *r, const struct http_call *call)
{
	const char *name = http_server_name(call->server);
	const struct request_listener *l = r->listeners;

	while (l < r->listeners + r->n && (!name || strcmp(l->name, name) != 0))
		l++;
	if (l == r->listeners + r->n)
		return -1;
	if (!call->route)
		return unmatched(l, call->request.method);
	return l->endpoint[call->route - l->routes][strcmp(call->request.method, "HEAD") == 0];
}

void request_metrics_count(const struct request_metrics *r, const struct http_call *call, double ms)
{
	bool answered = call->phase == HTTP_PHASE_SENDING;

	metrics_request(r->metrics, endpoint_of(r, call), answered ? call->reply.status : 0, ms);
	if (call->note.problem)
		metrics_problem(r->metrics, call->note.problem - 1);
	if (!answered || call->note.cut) {
		metrics_add(r->metrics, METRICS_RESPONSES_CUT, 1);
	} else if (call->reply.size > 0 && strcmp(call->request.method, "HEAD") != 0) {
		metrics_add(r->metrics, METRICS_RESPONSE_BYTES, call->reply.size);
		if (call->note.package)
			metrics_add(r->metrics, METRICS_PACKAGE_BYTES, call->reply.size);
	}
}
