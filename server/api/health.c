#include <string.h>
#include "api/body.h"
#include "api/resources.h"

/* A probe must see the moment, and must see it whatever it says it accepts. */
static void reply_status(struct http_call *call, unsigned status, json_t *json)
{
	http_reply_json(&call->reply, status, "application/json", json);
	http_reply_header(&call->reply, "Cache-Control", "no-store");
	call->reply.volatile_content = true;
}

enum http_next health_get(struct app *app, struct http_call *call)
{
	(void)app;
	reply_status(call, 200, json_pack("{s:s}", "status", "ok"));
	return HTTP_REPLY;
}

static json_t *network_status(struct network *n)
{
	static const char *const names[] = {
		[NETWORK_UNTESTED] = "testing",
		[NETWORK_READY] = "ready",
		[NETWORK_FAILED] = "failed",
	};
	int state = atomic_load(&n->state);

	return json_pack("{s:s, s:s, s:s*}", "name", n->net->name, "status", names[state], "detail",
			 state == NETWORK_FAILED ? n->failure.message : NULL);
}

/* NULL: it is ours alone, and in reach as long as we are. */
static json_t *store_status(const struct replicas_view *v, bool shared)
{
	return shared ? json_pack("{s:s, s:I}", "status", v->reachable ? "ok" : "unreachable", "silent_ms",
				  (json_int_t)v->silence_ms)
		      : NULL;
}

enum http_next ready_get(struct app *app, struct http_call *call)
{
	struct replicas_view store;
	bool shared = replicas_view(app->replicas, &store), reachable = !shared || store.reachable;
	const char *status = networks_ready(app->networks) && reachable ? "ready" : "not ready";
	json_t *list = json_array();

	if (atomic_load(&app->draining))
		status = "draining";
	for (size_t i = 0; i < app->networks->n; i++)
		json_array_append_new(list, network_status(&app->networks->list[i]));
	reply_status(call, strcmp(status, "ready") == 0 ? 200 : 503,
		     json_pack("{s:s, s:o, s:o*}", "status", status, "networks", list, "store",
			       store_status(&store, shared)));
	return HTTP_REPLY;
}
