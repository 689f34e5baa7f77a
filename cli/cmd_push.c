/* ofa push: a device profile to a server. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "commands.h"
#include "files.h"
#include "output.h"
#include "tables.h"

struct push_options {
	const char *url, *file, *name, *unit;
	struct api_access access;
	bool is_new, json;
};

/* What the server has under the name, "" for nothing: the write replaces that, or nothing, so that whoever comes in
 * between is not overwritten. */
static enum ofa_status find_current(const struct push_options *o, const char *path, char etag[API_MAX_HEADER],
				    struct ofa_error *err)
{
	const struct api_request req = {.method = "GET", .url = o->url, .path = path, .accept = "application/json",
	                                .access = &o->access};
	struct api_response r;
	struct ofa_error why = {0};
	enum ofa_status st;

	*etag = '\0';
	if (o->is_new)
		return OFA_OK;
	st = api_send(&req, &r, &why);
	if (st == OFA_OK)
		memcpy(etag, r.etag, API_MAX_HEADER);
	else if (st != OFA_ERR_NOT_FOUND)
		*err = why;
	api_response_release(&r);
	return st == OFA_ERR_NOT_FOUND ? OFA_OK : st;
}

static enum ofa_status report(const struct push_options *o, const char *name, const struct api_response *r,
			      struct ofa_error *err)
{
	json_t *answer = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	const char *outcome = json_string_value(json_object_get(answer, "outcome"));
	json_int_t revision = json_integer_value(json_object_get(answer, "revision"));
	enum ofa_status st = OFA_OK;

	if (!outcome || revision < 1)
		st = ofa_fail(err, OFA_ERR_FORMAT, o->url, "the answer says no revision; is it an ofad server?");
	else if (o->json)
		st = cli_print_json(json_pack("{s:s,s:i,s:I,s:s}", "name", name, "status", (int)r->status, "revision",
					      revision, "outcome", outcome),
				    err);
	else
		printf("profile %s is on the server, revision %lld (%s); ofa pull %s --profile %s -o OUT\n", name,
		       (long long)revision, outcome, o->url, name);
	json_decref(answer);
	return st;
}

static enum ofa_status send_profile(const struct push_options *o, const struct ofa_profile *p, struct ofa_error *err)
{
	char path[OFA_PROFILE_NAME_MAX + 16], etag[API_MAX_HEADER];
	struct api_request req = {.method = "PUT", .url = o->url, .path = path, .accept = "application/json",
	                          .access = &o->access};
	struct api_response r;
	json_t *body;
	enum ofa_status st;

	snprintf(path, sizeof path, "/profiles/%s", p->name);
	st = find_current(o, path, etag, err);
	if (st != OFA_OK)
		return st;
	body = ofa_profile_format(p);
	if (!body)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the profile");
	req.body = body;
	req.if_match = *etag ? etag : NULL;
	req.if_none_match = *etag ? NULL : "*";
	st = api_send(&req, &r, err);
	json_decref(body);
	if (st == OFA_OK)
		st = report(o, p->name, &r, err);
	api_response_release(&r);
	return st;
}

/* A table that others published, or a folder of such, as a profile of the name given. */
static enum ofa_status load_tables(const struct push_options *o, struct ofa_profile *ret, struct ofa_error *err)
{
	enum ofa_time_unit unit = o->unit ? ofa_time_unit_find(o->unit) : OFA_TIME_UNSTATED;
	struct cli_tables tables;
	enum ofa_status st;

	if (!ofa_profile_name_ok(o->name))
		return ofa_fail(err, OFA_ERR_INVALID, "--name", "'%s' cannot be the name of a profile", o->name);
	if (o->unit && !unit)
		return ofa_fail(err, OFA_ERR_INVALID, "--unit", "'%s': ms, us and s are accepted", o->unit);
	st = cli_tables_load(&o->file, 1, unit, &tables, err);
	if (st != OFA_OK)
		return st;
	*ret = tables.profile;
	snprintf(ret->name, sizeof ret->name, "%s", o->name);
	return OFA_OK;
}

static enum ofa_status push(const struct push_options *o, struct ofa_error *err)
{
	struct ofa_profile profile;
	enum ofa_status st;

	if (o->unit && !o->name)
		return ofa_fail(err, OFA_ERR_INVALID, "--unit", "is of a published table, which needs a --name too");
	st = o->name ? load_tables(o, &profile, err) : cli_load_profile(o->file, &profile, err);
	if (st != OFA_OK)
		return st;
	st = send_profile(o, &profile, err);
	ofa_profile_release(&profile);
	return st;
}

int cmd_push(int argc, char **argv)
{
	struct push_options o = {0};
	const struct opt options[] = {
		{.name = "name", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.name,
		 .help = "send tables as `ofa profile import` takes under this name"},
		{.name = "unit", .kind = OPT_TEXT, .value = "U", .to.text = &o.unit,
		 .help = "their unit of time where they do not state it"},
		API_ACCESS_OPTIONS(&o.access),
		{.name = "new", .kind = OPT_FLAG, .to.flag = &o.is_new,
		 .help = "only if the server has no profile of this name"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "push", .operands = "URL PROFILE", .n_operands = 2,
		.about = "Checks a device profile and stores it on the server under the name that it carries\n"
		         "(PUT /profiles/NAME).  With --name it takes published latency tables too, a file or a\n"
		         "folder.  What the server has under the name becomes an older revision, unless somebody\n"
		         "else replaces it at the same moment: then nothing is stored.\n",
		.examples = "  ofa measure fashion.safetensors -o laptop.json --name laptop\n"
		            "  ofa push http://127.0.0.1:8080 laptop.json\n"
		            "  ofa push http://127.0.0.1:8080 note10/ --name note10\n"
		            "  ofa pull http://127.0.0.1:8080 --profile laptop --limit latency_ms=0.5 -o laptop.ofa\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.url = operand[0];
	o.file = operand[1];
	return cli_finish(spec.command, o.json, push(&o, &err), &err);
}
