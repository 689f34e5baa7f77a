/* ofa pull: ask a server for a subnet and keep its package, verified. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api.h"
#include "commands.h"
#include "device_model.h"
#include "files.h"
#include "output.h"
#include "pack/pack.h"

#define PACKAGE_TYPE "application/vnd.ofa.subnet"
#define NO_SEED UINT64_MAX /* --seed cannot give it */

struct pull_options {
	const char *url, *profile, *network, *out;
	struct opt_list limits;
	uint64_t seed;
	struct api_access access;
	bool json;
};

static enum ofa_status put(json_t *body, const char *name, json_t *value, struct ofa_error *err)
{
	if (json_object_set_new(body, name, value) == 0)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, name, "cannot be sent: it is not UTF-8, or memory is short");
}

/* A directory that has a profile's name is in nobody's way. */
static bool is_file(const char *path)
{
	struct stat sb;

	return stat(path, &sb) == 0 && !S_ISDIR(sb.st_mode);
}

/* A profile that is a file is sent whole; anything else is the name of one that the server has. */
static enum ofa_status add_profile(const struct pull_options *o, json_t *body, struct ofa_error *err)
{
	struct ofa_profile profile;
	enum ofa_status st;

	if (!is_file(o->profile)) {
		if (!ofa_profile_name_ok(o->profile))
			return ofa_fail(err, OFA_ERR_NOT_FOUND, "--profile",
			                "'%s' is neither a file nor a profile's name; `ofa measure` makes a file",
			                o->profile);
		return put(body, "profile", json_string(o->profile), err);
	}
	st = cli_load_profile(o->profile, &profile, err);
	if (st != OFA_OK)
		return st;
	st = put(body, "profile", ofa_profile_format(&profile), err);
	ofa_profile_release(&profile);
	return st;
}

static enum ofa_status request_body(const struct pull_options *o, json_t **ret_body, struct ofa_error *err)
{
	struct ofa_limits limits;
	json_t *body = json_object();
	enum ofa_status st = cli_parse_limits(&o->limits, &limits, err);

	if (st == OFA_OK)
		st = add_profile(o, body, err);
	if (st == OFA_OK && o->limits.n > 0)
		st = put(body, "limits", ofa_limits_format(&limits), err);
	if (st == OFA_OK && o->network)
		st = put(body, "network", json_string(o->network), err);
	if (st == OFA_OK && o->seed != NO_SEED)
		st = put(body, "seed", json_integer((json_int_t)o->seed), err);
	if (st == OFA_OK)
		*ret_body = body;
	else
		json_decref(body);
	return st;
}

/* Milliseconds of one metric of a Server-Timing header ("search;dur=8.1, pack;dur=0.4"), or null. */
static json_t *server_timing(const char *header, const char *metric)
{
	size_t len = strlen(metric);

	for (const char *at = strstr(header, metric); at; at = strstr(at + 1, metric)) {
		bool starts = at == header || at[-1] == ' ' || at[-1] == ',';
		if (starts && strncmp(at + len, ";dur=", 5) == 0)
			return cli_number(strtod(at + len + 5, NULL));
	}
	return json_null();
}

static json_t *answer_json(const struct pull_options *o, const struct api_response *r,
                           const struct ofa_package_summary *s)
{
	json_t *answer = json_deep_copy(s->meta);
	json_t *facts = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "file", o->out, "location",
	                          r->content_location, "storage_bytes", (json_int_t)s->size_bytes, "peak_memory_bytes",
	                          (json_int_t)s->arena_bytes, "macs", (json_int_t)s->macs, "params",
	                          (json_int_t)s->params, "search_ms", server_timing(r->server_timing, "search"),
	                          "calibrate_ms", server_timing(r->server_timing, "calibrate"), "pack_ms",
	                          server_timing(r->server_timing, "pack"));

	if (!answer || !facts || json_object_update(answer, facts) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(facts);
	return answer;
}

/* Digest, structure, hashes, self-test: a file that exists is a package that runs. */
static enum ofa_status verify(const struct api_response *r, struct ofa_package_summary *ret, struct ofa_error *err)
{
	struct cli_device_model device;
	enum ofa_status st = api_check_digest(r->repr_digest, r->body.data, r->body.len, err);

	if (st == OFA_OK)
		st = ofa_package_read(r->body.data, r->body.len, ret, err);
	if (st != OFA_OK)
		return st;
	st = cli_device_load(r->body.data, r->body.len, &device, err);
	if (st == OFA_OK)
		cli_device_close(&device);
	else
		ofa_package_summary_release(ret);
	return st;
}

static enum ofa_status keep(const struct pull_options *o, const struct api_response *r, struct ofa_error *err)
{
	struct ofa_package_summary summary;
	enum ofa_status st = verify(r, &summary, err);

	if (st != OFA_OK) {
		ofa_error_prefix(err, "nothing was saved");
		return st;
	}
	st = ofa_file_write_atomic(o->out, r->body.data, r->body.len, err);
	if (st == OFA_OK && o->json)
		st = cli_print_json(answer_json(o, r, &summary), err);
	else if (st == OFA_OK)
		printf("wrote %s: %llu bytes, digest and self-test good, %s; `ofa inspect %s` tells more\n", o->out,
		       (unsigned long long)summary.size_bytes, r->server_timing, o->out);
	ofa_package_summary_release(&summary);
	return st;
}

static enum ofa_status pull(const struct pull_options *o, struct ofa_error *err)
{
	struct api_request req = {.method = "POST", .url = o->url, .path = "/subnets", .accept = PACKAGE_TYPE,
	                          .access = &o->access};
	struct api_response response;
	json_t *body;
	enum ofa_status st = request_body(o, &body, err);

	if (st != OFA_OK)
		return st;
	req.body = body;
	st = api_send(&req, &response, err);
	json_decref(body);
	if (st != OFA_OK)
		return st;
	st = keep(o, &response, err);
	api_response_release(&response);
	return st;
}

int cmd_pull(int argc, char **argv)
{
	struct pull_options o = {.seed = NO_SEED};
	const struct opt options[] = {
		{.name = "profile", .kind = OPT_TEXT, .required = true, .value = "NAME|FILE", .to.text = &o.profile,
		 .help = "a profile file, or the name of one on the server"},
		{.name = "limit", .kind = OPT_LIST, .value = "NAME=VALUE", .to.list = &o.limits,
		 .help = "latency_ms, macs, peak_memory_bytes or storage_bytes; repeatable"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "OUT", .to.text = &o.out,
		 .help = "the package file"},
		{.name = "network", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.network,
		 .help = "which of the server's networks, when it has several"},
		{.name = "seed", .kind = OPT_U64, .value = "N", .to.u64 = &o.seed,
		 .help = "seed of the search (default: the server's)"},
		API_ACCESS_OPTIONS(&o.access),
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "pull", .operands = "URL", .n_operands = 1,
		.about = "Asks the server at URL for the best subnet for a device under limits, receives its package,\n"
		         "verifies digest, structure and self-test with the device runtime, and only then saves it.\n",
		.examples = "  ofa pull http://127.0.0.1:8080 --profile laptop --limit latency_ms=0.5 -o best.ofa\n"
		            "  ofa pull http://127.0.0.1:8080 --profile l.json --limit storage_bytes=400000 -o s.ofa\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.url = operand[0];
	return cli_finish(spec.command, o.json, pull(&o, &err), &err);
}
