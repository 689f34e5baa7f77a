#include "api/body.h"
#include "api/json_network.h"
#include "api/problem.h"
#include "api/resources.h"

enum http_next networks_list(struct app *app, struct http_call *call)
{
	json_t *list;

	if (!accepts_json(call))
		return HTTP_REPLY;
	list = json_array();
	for (size_t i = 0; i < app->networks->n; i++)
		json_array_append_new(list, network_summary_format(&app->networks->list[i]));
	http_reply_json(&call->reply, 200, "application/json", json_pack("{s:o}", "networks", list));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}

enum http_next networks_get(struct app *app, struct http_call *call)
{
	struct ofa_error err = {0};
	struct network *n;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (networks_find(app->networks, http_param(&call->request.params, "name"), &n, &err) != OFA_OK) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "%s", err.message);
		return HTTP_REPLY;
	}
	http_reply_json(&call->reply, 200, "application/json", network_format(n));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}
