/* ofa push: a device profile to a server. */
#include <stdio.h>

#include "api.h"
#include "commands.h"
#include "files.h"
#include "output.h"
#include "tables.h"

struct push_options {
	const char *url, *file, *name, *unit;
	struct api_access access;
	bool json;
};

static enum ofa_status send_profile(const struct push_options *o, const struct ofa_profile *p, struct ofa_error *err)
{
	char path[OFA_PROFILE_NAME_MAX + 16];
	struct api_request req = {.method = "PUT", .url = o->url, .path = path, .accept = "application/json",
	                          .access = &o->access};
	struct api_response r;
	json_t *body = ofa_profile_format(p);
	enum ofa_status st;

	if (!body)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the profile");
	req.body = body;
	snprintf(path, sizeof path, "/profiles/%s", p->name);
	st = api_send(&req, &r, err);
	json_decref(body);
	if (st == OFA_OK && o->json)
		st = cli_print_json(json_pack("{s:s,s:i}", "name", p->name, "status", (int)r.status), err);
	else if (st == OFA_OK)
		printf("profile %s is on the server; ofa pull %s --profile %s -o OUT\n", p->name, o->url, p->name);
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
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "push", .operands = "URL PROFILE", .n_operands = 2,
		.about = "Checks a device profile and stores it on the server under the name that it carries\n"
		         "(PUT /profiles/NAME).  With --name it takes published latency tables too, a file or a\n"
		         "folder.\n",
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
