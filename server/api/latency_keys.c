#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/body.h"
#include "api/problem.h"
#include "api/resources.h"

/* Five digits and a comma for each. */
#define LIST_MAX (6 * OFA_MAX_RESOLUTIONS)

static bool has_resolution(const struct ofa_space *s, long resolution)
{
	for (int i = 0; i < s->n_resolutions; i++)
		if (s->resolutions[i] == resolution)
			return true;
	return false;
}

static void refuse(struct http_call *call, const struct ofa_space *s, const char *given)
{
	char list[LIST_MAX] = "";
	size_t len = 0;

	for (int i = 0; i < s->n_resolutions && len < sizeof(list); i++)
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%d", i ? ", " : "", s->resolutions[i]);
	problem_reply(call, PROBLEM_INVALID, "resolutions",
		      "\"%.64s\" is no list of resolutions of this network; with commas between, it has %s", given,
		      list);
}

/* ?resolutions=160,192; by default all.  False: the reply says which there are. */
static bool read_resolutions(struct http_call *call, const struct ofa_space *s, bool wanted[OFA_MAX_RESOLUTIONS])
{
	char text[LIST_MAX], *at = text;

	if (!http_query(call->request.query, "resolutions", text, sizeof(text))) {
		refuse(call, s, "..");
		return false;
	}
	for (int i = 0; i < s->n_resolutions; i++)
		wanted[i] = !*text;
	while (*at) {
		const char *begin = at;
		long resolution = *at >= '1' && *at <= '9' ? strtol(at, &at, 10) : 0;
		bool more = at[0] == ',' && at[1] != '\0';

		if (!has_resolution(s, resolution) || (*at && !more)) {
			refuse(call, s, begin);
			return false;
		}
		for (int i = 0; i < s->n_resolutions; i++)
			wanted[i] = wanted[i] || s->resolutions[i] == resolution;
		at += more;
	}
	return true;
}

/* The keys of one resolution; a new reference, or NULL when memory is out. */
static json_t *keys_at(const struct ofa_supernet *net, int resolution)
{
	struct ofa_key_list keys;
	json_t *list;

	if (ofa_latency_keys(&net->space, &net->params, resolution, &keys, NULL) != OFA_OK)
		return NULL;
	list = json_array();
	for (size_t i = 0; i < keys.n; i++)
		json_array_append_new(list, json_string(keys.keys[i]));
	ofa_key_list_release(&keys);
	return list;
}

static json_t *all_keys(const struct ofa_supernet *net, const bool wanted[OFA_MAX_RESOLUTIONS])
{
	json_t *by_resolution = json_object();
	char name[16];

	for (int i = 0; by_resolution && i < net->space.n_resolutions; i++) {
		if (!wanted[i])
			continue;
		snprintf(name, sizeof(name), "%d", net->space.resolutions[i]);
		if (json_object_set_new(by_resolution, name, keys_at(net, net->space.resolutions[i]))) {
			json_decref(by_resolution);
			return NULL;
		}
	}
	return by_resolution;
}

enum http_next latency_keys_get(struct app *app, struct http_call *call)
{
	bool wanted[OFA_MAX_RESOLUTIONS];
	struct ofa_error err = {0};
	struct network *n;

	if (!accepts_json(call))
		return HTTP_REPLY;
	if (networks_find(app->networks, http_param(&call->request.params, "name"), &n, &err) != OFA_OK) {
		problem_reply(call, PROBLEM_NOT_FOUND, NULL, "%s", err.message);
		return HTTP_REPLY;
	}
	if (!read_resolutions(call, &n->net->space, wanted))
		return HTTP_REPLY;
	http_reply_json(&call->reply, 200, "application/json",
			json_pack("{s:s, s:s, s:o}", "network", n->net->name, "unit", "ms", "keys",
				  all_keys(n->net, wanted)));
	http_reply_header(&call->reply, "Cache-Control", "no-cache");
	return HTTP_REPLY;
}
