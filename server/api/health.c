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

enum http_next ready_get(struct app *app, struct http_call *call)
{
	const char *status = networks_ready(app->networks) ? "ready" : "not ready";
	json_t *list = json_array();

	if (atomic_load(&app->draining))
		status = "draining";
	for (size_t i = 0; i < app->networks->n; i++)
		json_array_append_new(list, network_status(&app->networks->list[i]));
	reply_status(call, strcmp(status, "ready") == 0 ? 200 : 503,
		     json_pack("{s:s, s:o}", "status", status, "networks", list));
	return HTTP_REPLY;
}
