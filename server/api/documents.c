#include "api/body.h"
#include "api/resources.h"
#include "embedded.h"

#define NO_CACHE "no-cache" /* stored, but asked after with If-None-Match each time */

static json_t *links(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "subnets", "/subnets",
			 "networks", "/networks", "profiles", "/profiles", "problems", "/problems", "health",
			 "/healthz", "ready", "/readyz", "openapi", "/openapi.yaml", "metrics", "/metrics", "ledger",
			 "/ledger");
}

enum http_next root_get(struct app *app, struct http_call *call)
{
	static const char *const offers[] = {"application/json", "text/html"};
	int type = choose_type(call, offers, OFA_ARRAY_LEN(offers));

	(void)app;
	if (type < 0)
		return HTTP_REPLY;
	if (type == 1) {
		static_reply_page(call);
		return HTTP_REPLY;
	}
	http_reply_json(&call->reply, 200, "application/json",
			json_pack("{s:s, s:s, s:o}", "name", "ofad", "version", OFAD_VERSION, "links", links()));
	http_reply_header(&call->reply, "Cache-Control", NO_CACHE);
	http_reply_header(&call->reply, "Vary", "Accept");
	page_policy(&call->reply);
	return HTTP_REPLY;
}

enum http_next openapi_get(struct app *app, struct http_call *call)
{
	static const char *const offers[] = {"application/yaml"};

	(void)app;
	if (choose_type(call, offers, OFA_ARRAY_LEN(offers)) < 0)
		return HTTP_REPLY;
	http_reply_static(&call->reply, 200, offers[0], embedded_openapi_yaml, embedded_openapi_yaml_size);
	http_reply_header(&call->reply, "Cache-Control", NO_CACHE);
	return HTTP_REPLY;
}
