#include <stdio.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "http/negotiate.h"

json_t *body_object(struct http_call *call)
{
	const struct ofa_buf *body = &call->request.body;
	const char *text = body->data ? (const char *)body->data : "";
	json_error_t error;
	json_t *json;

	/* Jansson overlooks one after a number */
	if (memchr(text, '\0', body->len)) {
		problem_reply(call, PROBLEM_NOT_JSON, "", "the body has a NUL byte");
		return NULL;
	}
	json = json_loadb(text, body->len, JSON_REJECT_DUPLICATES, &error);
	if (!json) {
		problem_reply(call, PROBLEM_NOT_JSON, "", "line %d, column %d: %s", error.line, error.column,
			      error.text);
		return NULL;
	}
	if (!json_is_object(json)) {
		json_decref(json);
		problem_reply(call, PROBLEM_NOT_JSON, "", "the body must be a JSON object");
		return NULL;
	}
	return json;
}

int choose_type(struct http_call *call, const char *const *offers, size_t n)
{
	int best = http_accept_best(call->request.header[HTTP_ACCEPT], offers, n);
	char list[256] = "";
	size_t len = 0;

	if (best >= 0)
		return best;
	for (size_t i = 0; i < n && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", i ? ", " : "", offers[i]);
	problem_reply(call, PROBLEM_NOT_ACCEPTABLE, "Accept", "there is %s", list);
	return -1;
}

bool accepts_json(struct http_call *call)
{
	static const char *const json[] = {"application/json"};

	return choose_type(call, json, 1) == 0;
}
