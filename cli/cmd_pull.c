/* ofa pull: ask a server for a subnet and keep its package, verified. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "device_model.h"
#include "download.h"
#include "files.h"
#include "output.h"
#include "pack/pack.h"
#include "provenance.h"

#define NO_SEED UINT64_MAX /* --seed cannot give it */

struct pull_options {
	const char *url, *profile, *network, *out, *dtype, *arch;
	struct opt_list limits;
	uint64_t seed;
	struct api_access access;
	struct provenance_options provenance;
	int retries;
	double backoff_s;
	bool calibrated, json;
};

/* What the server answered. */
struct pulled {
	struct download_source source;
	json_t *manifest;                   /* owned */
	struct provenance provenance;
	char server_timing[API_MAX_HEADER]; /* of the search */
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

/* The name of a profile, perhaps with @ and the number of a revision. */
static bool is_name(const char *s)
{
	char name[OFA_PROFILE_NAME_MAX];
	size_t n = strcspn(s, "@");

	if (n >= sizeof name)
		return false;
	memcpy(name, s, n);
	name[n] = '\0';
	return ofa_profile_name_ok(name) && (!s[n] || (s[n + 1] && !s[n + 1 + strspn(s + n + 1, "0123456789")]));
}

/* A profile that is a file is sent whole; anything else is the name of one that the server has. */
static enum ofa_status add_profile(const struct pull_options *o, json_t *body, struct ofa_error *err)
{
	struct ofa_profile profile;
	enum ofa_status st;

	if (!is_file(o->profile)) {
		if (!is_name(o->profile))
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

/* What the file says of the type goes with it, unless the command line says otherwise, as in `ofa pack`. */
static enum ofa_status add_arch(const struct pull_options *o, json_t *body, struct ofa_error *err)
{
	json_t *answer, *arch, *dtype;
	enum ofa_status st;

	if (o->seed != NO_SEED)
		return ofa_fail(err, OFA_ERR_INVALID, "--seed",
		                "it is of a search, and --arch says which subnet; leave one out");
	st = cli_load_foreign_arch(o->arch, &answer, err);
	if (st != OFA_OK)
		return st;
	arch = json_object_get(answer, "arch");
	dtype = arch && !o->dtype ? json_object_get(answer, "dtype") : NULL;
	st = put(body, "arch", json_incref(arch ? arch : answer), err);
	if (st == OFA_OK && dtype)
		st = put(body, "dtype", json_incref(dtype), err);
	json_decref(answer);
	return st;
}

static enum ofa_status request_body(const struct pull_options *o, json_t **ret_body, struct ofa_error *err)
{
	struct ofa_limits limits;
	json_t *body = json_object();
	enum ofa_status st = cli_parse_limits(&o->limits, &limits, err);

	if (st == OFA_OK && o->profile)
		st = add_profile(o, body, err);
	if (st == OFA_OK && o->limits.n > 0)
		st = put(body, "limits", ofa_limits_format(&limits), err);
	if (st == OFA_OK && o->dtype)
		st = put(body, "dtype", json_string(o->dtype), err);
	if (st == OFA_OK && o->network)
		st = put(body, "network", json_string(o->network), err);
	if (st == OFA_OK && o->seed != NO_SEED)
		st = put(body, "seed", json_integer((json_int_t)o->seed), err);
	if (st == OFA_OK && o->calibrated)
		st = put(body, "calibrated", json_true(), err);
	if (st == OFA_OK && o->arch)
		st = add_arch(o, body, err);
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

static json_t *answer_json(const struct pull_options *o, const struct pulled *p, const struct ofa_package_summary *s)
{
	json_t *answer = json_deep_copy(s->meta);
	const char *timing = p->server_timing;
	json_t *facts = json_pack("{s:s,s:o,s:I,s:I,s:I,s:I,s:o,s:o,s:o}", "file", o->out, "location",
	                          json_sprintf("/subnets/%s", p->source.id), "storage_bytes",
	                          (json_int_t)s->size_bytes, "peak_memory_bytes", (json_int_t)s->arena_bytes, "macs",
	                          (json_int_t)s->macs, "params", (json_int_t)s->params, "search_ms",
	                          server_timing(timing, "search"), "calibrate_ms", server_timing(timing, "calibrate"),
	                          "pack_ms", server_timing(timing, "pack"));

	if (!answer || !facts || json_object_update(answer, facts) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(facts);
	if (answer && json_object_set_new(answer, "signed", provenance_json(&p->provenance))) {
		json_decref(answer);
		answer = NULL;
	}
	return answer;
}

/* Structure, hashes, self-test: a file that exists is a package that runs. */
static enum ofa_status verify(const struct ofa_map *map, struct ofa_package_summary *ret, struct ofa_error *err)
{
	struct cli_device_model device;
	enum ofa_status st = ofa_package_read(map->data, map->size, ret, err);

	if (st != OFA_OK)
		return st;
	st = cli_device_load(map->data, map->size, &device, err);
	if (st == OFA_OK)
		cli_device_close(&device);
	else
		ofa_package_summary_release(ret);
	return st;
}

static enum ofa_status report(const struct pull_options *o, const struct pulled *p,
                              const struct ofa_package_summary *s, struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(answer_json(o, p, s), err);
	printf("wrote %s: %llu bytes, digest and self-test good, ", o->out, (unsigned long long)s->size_bytes);
	if (p->provenance.checked)
		printf("signed by %s, sequence %llu, ", p->provenance.accepted.key,
		       (unsigned long long)p->provenance.accepted.manifest.sequence);
	printf("%s; `ofa inspect %s` tells more\n", p->server_timing, o->out);
	return OFA_OK;
}

/* What was downloaded whole gets its name once it has proved good. */
static enum ofa_status keep(const struct pull_options *o, const struct pulled *p, struct download *d,
                            struct ofa_error *err)
{
	struct ofa_package_summary summary;
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(d->part, &map, err);

	if (st != OFA_OK)
		return st;
	st = provenance_check_package(&p->provenance, map.data, map.size, err);
	if (st == OFA_OK)
		st = verify(&map, &summary, err);
	ofa_map_close(&map);
	if (st != OFA_OK)
		return st;
	/* the sequence first: should the power fail here, nothing older is accepted afterwards */
	st = provenance_remember(&p->provenance, o->out, err);
	if (st == OFA_OK)
		st = download_keep(d, o->out, err);
	if (st == OFA_OK)
		st = report(o, p, &summary, err);
	ofa_package_summary_release(&summary);
	return st;
}

static enum ofa_status read_manifest(const struct pull_options *o, const struct api_response *r, struct pulled *ret,
                                     struct ofa_error *err)
{
	json_t *json = json_loadb((const char *)r->body.data, r->body.len, JSON_REJECT_DUPLICATES, NULL);
	const char *id = json_string_value(json_object_get(json, "id"));
	json_int_t size = json_integer_value(json_object_get(json, "storage_bytes"));

	if (!id || strspn(id, "0123456789abcdef") != DOWNLOAD_ID_CHARS || id[DOWNLOAD_ID_CHARS] || size < 1) {
		json_decref(json);
		return ofa_fail(err, OFA_ERR_FORMAT, o->url,
		                "the answer is no manifest of a subnet; is it an ofad server?");
	}
	*ret = (struct pulled){.manifest = json};
	ret->source = (struct download_source){.url = o->url, .access = &o->access, .size_bytes = (uint64_t)size};
	memcpy(ret->source.id, id, DOWNLOAD_ID_CHARS);
	memcpy(ret->server_timing, r->server_timing, sizeof ret->server_timing);
	return OFA_OK;
}

/* What a job says of itself; *ret_over: it is over.  The error is that of a job that failed. */
static enum ofa_status read_job(const struct pull_options *o, const struct api_response *r, bool *ret_over,
                                struct ofa_error *err)
{
	json_t *json = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	const char *state = json_string_value(json_object_get(json, "state"));
	const json_t *problem = json_object_get(json, "error");
	enum ofa_status st = OFA_OK;

	*ret_over = !state || (strcmp(state, "queued") != 0 && strcmp(state, "running") != 0);
	if (state && strcmp(state, "failed") == 0)
		st = api_problem(problem, (long)json_integer_value(json_object_get(problem, "status")), o->url, err);
	json_decref(json);
	return st;
}

static enum ofa_status forgive(struct ofa_error *err)
{
	*err = (struct ofa_error){.status = OFA_OK};
	return OFA_OK;
}

/* Returns once the job is over: then the same question has its answer. */
static enum ofa_status await_job(const struct pull_options *o, const char *job, struct retry *retry,
                                 struct ofa_error *err)
{
	const struct api_request req = {
		.method = "GET", .url = o->url, .path = job, .accept = "application/json", .access = &o->access};
	enum ofa_status st = OFA_OK;
	bool over = false;

	if (job[0] != '/')
		return ofa_fail(err, OFA_ERR_FORMAT, "Location", "'%s' is no path of the server", job);
	fprintf(stderr, "ofa: pull: the search takes longer than a request may; waiting for %s\n", job);
	while (st == OFA_OK && !over) {
		struct api_response response;

		st = retry_send(retry, &req, &response, err);
		/* a server that was restarted has forgotten the job, not what was found */
		over = st == OFA_ERR_NOT_FOUND;
		if (st == OFA_OK)
			st = read_job(o, &response, &over, err);
		else if (over)
			st = forgive(err);
		if (st == OFA_OK && !over)
			retry_sleep(fmax(response.retry_after_s, 1));
		api_response_release(&response);
	}
	return st;
}

/* Which subnet it is.  Its manifest is asked for, not the package: small enough to come whole over any link. */
static enum ofa_status ask(const struct pull_options *o, const json_t *body, struct retry *retry, struct pulled *ret,
                           struct ofa_error *err)
{
	const struct api_request req = {
		.method = "POST",
		.url = o->url,
		.path = "/subnets",
		.accept = "application/json",
		.body = body,
		.access = &o->access,
	};
	bool answered = false;
	enum ofa_status st = OFA_OK;

	while (st == OFA_OK && !answered) {
		struct api_response response;

		st = retry_send(retry, &req, &response, err);
		answered = response.status != 202;
		if (st == OFA_OK)
			st = answered ? read_manifest(o, &response, ret, err)
				      : await_job(o, response.location, retry, err);
		api_response_release(&response);
	}
	return st;
}

/* The profile that was asked for, as the body names it. */
static const char *profile_of(const json_t *body)
{
	const json_t *profile = json_object_get(body, "profile");

	return json_string_value(json_is_string(profile) ? profile : json_object_get(profile, "name"));
}

static enum ofa_status download(const struct pull_options *o, const struct pulled *p, struct retry *retry,
                                struct ofa_error *err)
{
	struct download d;
	enum ofa_status st = download_open(o->out, &d, err);

	if (st != OFA_OK)
		return st;
	st = download_run(&d, &p->source, retry, err);
	if (st == OFA_OK)
		st = keep(o, p, &d, err);
	/* what broke off is gone on with by the next attempt; what is wrong or empty is of no use to it */
	if (st == OFA_ERR_MISMATCH || st == OFA_ERR_FORMAT || (st != OFA_OK && d.have == 0))
		download_discard(&d);
	download_close(&d);
	if (st != OFA_OK)
		ofa_error_prefix(err, "nothing was saved");
	return st;
}

static enum ofa_status ask_and_download(const struct pull_options *o, const json_t *body, struct retry *retry,
                                        struct ofa_error *err)
{
	struct pulled pulled;
	struct provenance_wanted wanted = {.out = o->out, .profile = profile_of(body)};
	enum ofa_status st = ask(o, body, retry, &pulled, err);

	if (st != OFA_OK)
		return st;
	wanted.source = &pulled.source;
	wanted.manifest = pulled.manifest;
	st = provenance_check(&o->provenance, &wanted, retry, &pulled.provenance, err);
	if (st == OFA_OK)
		st = download(o, &pulled, retry, err);
	provenance_release(&pulled.provenance);
	json_decref(pulled.manifest);
	return st;
}

static enum ofa_status pull(const struct pull_options *o, struct ofa_error *err)
{
	enum ofa_precision precision;
	struct retry retry;
	json_t *body;
	enum ofa_status st = o->dtype ? cli_parse_dtype(o->dtype, &precision, err) : OFA_OK;

	if (st == OFA_OK)
		st = request_body(o, &body, err);
	if (st != OFA_OK)
		return st;
	retry_init(&retry, "pull", o->retries, o->backoff_s);
	st = ask_and_download(o, body, &retry, err);
	json_decref(body);
	return st;
}

int cmd_pull(int argc, char **argv)
{
	struct pull_options o = {.seed = NO_SEED, .retries = 5, .backoff_s = 0.5};
	const struct opt options[] = {
		{.name = "profile", .kind = OPT_TEXT, .value = "NAME|FILE", .to.text = &o.profile,
		 .help = "a profile file, or the name of one on the server; NAME@N is its revision N (default: none, "
		         "no latency)"},
		{.name = "limit", .kind = OPT_LIST, .value = "NAME=VALUE", .to.list = &o.limits,
		 .help = "latency_ms, macs, peak_memory_bytes or storage_bytes; repeatable"},
		{.name = "arch", .kind = OPT_TEXT, .value = "JSON|FILE", .to.text = &o.arch,
		 .help = "this very subnet, without a search: genes, or an answer that has them"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = OFA_PRECISION_CHOICES ": of the package (default that of --arch, float32)"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .required = true, .value = "OUT", .to.text = &o.out,
		 .help = "the package file"},
		{.name = "network", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.network,
		 .help = "which of the server's networks, when it has several"},
		{.name = "seed", .kind = OPT_U64, .value = "N", .to.u64 = &o.seed,
		 .help = "seed of the search (default: the server's)"},
		{.name = "calibrated", .kind = OPT_FLAG, .to.flag = &o.calibrated,
		 .help = "latency as the server's devices measured it, not as the table predicts it"},
		PROVENANCE_OPTIONS(&o.provenance),
		API_ACCESS_OPTIONS(&o.access),
		{.name = "retries", .kind = OPT_INT, .value = "N", .to.integer = &o.retries, .max = 1000,
		 .help = "further attempts in a row that bring nothing, before it gives up (5)"},
		{.name = "backoff", .kind = OPT_NUMBER, .value = "S", .to.number = &o.backoff_s, .min = 0.001,
		 .max = 60,
		 .help = "first pause between attempts, seconds; they double, with jitter (0.5)"},
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "pull", .operands = "URL", .n_operands = 1,
		.about = "Asks the server at URL for the best subnet for a device under limits, or with --arch for\n"
		         "the one that was chosen, receives its package, verifies digest, structure and self-test\n"
		         "with the device runtime, and only then saves it.\n"
		         "When the link breaks it goes on where it broke off; what came stays in OUT.part, where a\n"
		         "later call goes on.  A server that is busy is asked again when it says.\n"
		         "With --trust it refuses what is unsigned, expired, made for another profile, altered by a\n"
		         "single bit, or older than what was accepted before; OUT.signed keeps what was accepted.\n",
		.examples = "  ofa pull http://127.0.0.1:8080 --profile laptop --limit latency_ms=0.5 -o best.ofa\n"
		            "  ofa pull http://127.0.0.1:8080 --profile l.json --limit storage_bytes=400000 -o s.ofa\n"
		            "  ofa pull http://127.0.0.1:8080 --profile mcu --dtype int8 -o tiny.ofa \\\n"
		            "      --limit peak_memory_bytes=32000\n"
		            "  ofa pull http://127.0.0.1:8080 --profile laptop --arch chosen.json -o chosen.ofa\n"
		            "  ofa pull http://10.0.0.9:8080 --profile laptop -o best.ofa \\\n"
		            "      --trust RWQImrB1wixbUXeUv2bXGlRWSii65XoTNarcU/Zcwcfho/3ginp/sNG4\n",
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
