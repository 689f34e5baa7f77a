#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "search/search.h"
#include "service/job_text.h"

#define DIGEST_CHARS (2 * (size_t)OFA_SHA256_BYTES)

/* ---- parts of both ---- */

static json_t *hex_json(const uint8_t digest[OFA_SHA256_BYTES])
{
	char text[DIGEST_CHARS + 1];

	ofa_hex(digest, OFA_SHA256_BYTES, text);
	return json_string(text);
}

static bool is_hex(const char *s, size_t chars)
{
	return s && strlen(s) == chars && strspn(s, "0123456789abcdef") == chars;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static bool read_digest(const json_t *json, uint8_t out[OFA_SHA256_BYTES])
{
	const char *hex = json_string_value(json);

	if (!is_hex(hex, DIGEST_CHARS))
		return false;
	for (size_t i = 0; i < OFA_SHA256_BYTES; i++)
		out[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return true;
}

/* A string that fits; the others are cut. */
static void copy_text(const json_t *json, char *out, size_t cap)
{
	snprintf(out, cap, "%s", json_string_value(json) ? json_string_value(json) : "");
	ofa_make_printable(out);
}

static bool read_count(const json_t *json, long long max, long long *ret)
{
	*ret = json_integer_value(json);
	return json_is_integer(json) && *ret >= 0 && *ret <= max;
}

/* In ASCII: so it can be told as it is. */
static char *dump(json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

	json_decref(json);
	return text;
}

/* ---- views: writing ---- */

static json_t *error_json(const struct job_view *v)
{
	return v->state == JOB_FAILED ? json_pack("{s:s, s:s, s:s, s:o}", "status", ofa_status_name(v->status), "field",
						  v->error.field, "message", v->error.message, "feasible",
						  ofa_feasible_format(&v->feasible))
				      : json_null();
}

char *job_view_text(const struct job_view *v)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:s, s:i, s:i, s:f, s:b, s:o}", "id", v->id, "created_at",
				 v->created_at, "state", job_state_name(v->state), "version", (json_int_t)v->version,
				 "stage", progress_stage_name(v->stage), "evaluations", v->evaluations, "budget",
				 v->budget, "best_accuracy", v->best_accuracy, "inline_profile", v->inline_profile,
				 "error", error_json(v));

	if (json && v->state == JOB_SUCCEEDED &&
	    (json_object_set_new(json, "subnet", json_string(v->subnet)) ||
	     json_object_set_new(json, "question", hex_json(v->question.bytes)))) {
		json_decref(json);
		return NULL;
	}
	return dump(json);
}

/* ---- views: reading ---- */

static bool find_state(const char *name, enum job_state *ret)
{
	for (int i = 0; name && i < JOB_STATE_COUNT; i++)
		if (strcmp(job_state_name((enum job_state)i), name) == 0) {
			*ret = (enum job_state)i;
			return true;
		}
	return false;
}

/* One that a later program told of is as good as the search. */
static enum progress_stage find_stage(const char *name)
{
	for (int i = 0; name && i < PROGRESS_STAGE_COUNT; i++)
		if (strcmp(progress_stage_name((enum progress_stage)i), name) == 0)
			return (enum progress_stage)i;
	return PROGRESS_SEARCH;
}

static enum ofa_status find_status(const char *name)
{
	for (int i = OFA_OK + 1; name && i < OFA_STATUS_COUNT; i++)
		if (strcmp(ofa_status_name((enum ofa_status)i), name) == 0)
			return (enum ofa_status)i;
	return OFA_ERR_IO;
}

static void read_feasible(json_t *json, struct ofa_feasible *ret)
{
	const char *name;
	json_t *range;

	memset(ret, 0, sizeof(*ret));
	json_object_foreach(json, name, range) {
		const json_t *min = json_object_get(range, "min"), *max = json_object_get(range, "max");
		int r = ofa_resource_find(name);

		if (r < 0 || !json_is_number(min) || !json_is_number(max))
			continue;
		ret->known[r] = true;
		ret->min[r] = json_number_value(min);
		ret->max[r] = json_number_value(max);
	}
}

static void read_error(const json_t *json, struct job_view *v)
{
	v->status = find_status(json_string_value(json_object_get(json, "status")));
	v->error.status = v->status;
	copy_text(json_object_get(json, "field"), v->error.field, sizeof(v->error.field));
	copy_text(json_object_get(json, "message"), v->error.message, sizeof(v->error.message));
	read_feasible(json_object_get(json, "feasible"), &v->feasible);
}

static bool read_subnet(const json_t *json, struct job_view *v)
{
	const char *subnet = json_string_value(json_object_get(json, "subnet"));

	if (!is_hex(subnet, PACKAGE_ID_CHARS) || !read_digest(json_object_get(json, "question"), v->question.bytes))
		return false;
	memcpy(v->subnet, subnet, sizeof(v->subnet));
	return true;
}

static bool read_view(const json_t *json, struct job_view *v)
{
	const char *id = json_string_value(json_object_get(json, "id"));
	const json_t *best = json_object_get(json, "best_accuracy");
	long long version, evaluations, budget;

	if (!is_hex(id, JOB_ID_CHARS) || !find_state(json_string_value(json_object_get(json, "state")), &v->state) ||
	    !read_count(json_object_get(json, "version"), JOB_VERSION_MAX, &version) ||
	    !read_count(json_object_get(json, "evaluations"), INT32_MAX, &evaluations) ||
	    !read_count(json_object_get(json, "budget"), INT32_MAX, &budget) || !json_is_number(best))
		return false;
	memcpy(v->id, id, sizeof(v->id));
	copy_text(json_object_get(json, "created_at"), v->created_at, sizeof(v->created_at));
	v->version = (unsigned)version;
	v->stage = find_stage(json_string_value(json_object_get(json, "stage")));
	v->evaluations = (int)evaluations;
	v->budget = (int)budget;
	v->best_accuracy = json_number_value(best);
	v->inline_profile = json_is_true(json_object_get(json, "inline_profile"));
	if (v->state == JOB_FAILED)
		read_error(json_object_get(json, "error"), v);
	return v->state != JOB_SUCCEEDED || read_subnet(json, v);
}

enum ofa_status job_view_parse(const char *text, struct job_view *ret, struct ofa_error *err)
{
	struct job_view v = {0};
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool ok = json && read_view(json, &v);

	json_decref(json);
	if (!ok)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "what the store says of a job is not what a job is");
	*ret = v;
	return OFA_OK;
}

/* ---- questions: writing ---- */

/* One that is kept is found by its revision, whatever becomes of its name. */
static json_t *profile_json(const struct question *q)
{
	const struct known_profile *p = q->profile;

	if (!p)
		return json_null();
	if (q->stored)
		return json_sprintf("%s@%llu", p->profile.name, (unsigned long long)p->revision);
	return json_loadb(p->content, p->content_size, 0, NULL);
}

static json_t *calibration_json(const struct question *q)
{
	if (!q->calibrated)
		return json_null();
	return json_pack("{s:i, s:f, s:f}", "fit", (int)q->calibration.fit, "scale", q->calibration.scale, "offset_ms",
			 q->calibration.offset_ms);
}

char *question_text(const struct question *q)
{
	return dump(json_pack(
		"{s:o, s:s, s:o, s:s, s:o, s:I, s:o, s:o}", "key", hex_json(q->key.bytes), "network",
		q->network->net->name, "profile", profile_json(q), "dtype", ofa_precision_name(q->precision), "limits",
		ofa_limits_format(&q->limits), "seed", (json_int_t)q->seed, "calibration", calibration_json(q), "arch",
		q->given ? ofa_arch_format(&q->network->net->space, &q->arch) : json_null()));
}

/* ---- questions: reading ---- */

/* What question_init() takes. */
struct parts {
	struct network *network;
	struct known_profile *profile; /* a reference, or NULL */
	bool stored;
	enum ofa_precision precision;
	struct ofa_limits limits;
	uint64_t seed;
};

static enum ofa_status no_question(struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_FORMAT, NULL, "what the store says of a job's question is no question");
}

static enum ofa_status read_profile(json_t *json, struct profiles *profiles, struct parts *p, struct ofa_error *err)
{
	const char *reference = json_string_value(json);

	p->stored = reference != NULL;
	if (reference)
		return profiles_get(profiles, reference, &p->profile, err);
	if (json_is_object(json))
		return known_profile_new(json, "inline", &p->profile, err);
	return json_is_null(json) ? OFA_OK : no_question(err);
}

static enum ofa_status read_parts(const json_t *json, struct networks *networks, struct profiles *profiles,
				  struct parts *p, struct ofa_error *err)
{
	const char *network = json_string_value(json_object_get(json, "network"));
	const char *dtype = json_string_value(json_object_get(json, "dtype"));
	long long seed;
	enum ofa_status st;

	if (!network || !dtype || !ofa_precision_find(dtype, &p->precision) ||
	    !read_count(json_object_get(json, "seed"), (long long)QUESTION_SEED_MAX, &seed))
		return no_question(err);
	p->seed = (uint64_t)seed;
	ofa_limits_init(&p->limits);
	st = ofa_limits_parse(json_object_get(json, "limits"), "/limits", &p->limits, err);
	if (st == OFA_OK)
		st = networks_find(networks, network, &p->network, err);
	return st == OFA_OK ? read_profile(json_object_get(json, "profile"), profiles, p, err) : st;
}

static enum ofa_status read_calibration(const json_t *json, struct question *q, struct ofa_error *err)
{
	const json_t *scale = json_object_get(json, "scale"), *offset = json_object_get(json, "offset_ms");
	long long fit;

	if (json_is_null(json))
		return OFA_OK;
	if (!read_count(json_object_get(json, "fit"), CALIBRATION_LINE, &fit) || !json_is_number(scale) ||
	    !json_is_number(offset) || !(json_number_value(scale) > 0))
		return no_question(err);
	return question_calibrate(q,
				  &(struct calibration){.fit = (enum calibration_fit)fit,
							.scale = json_number_value(scale),
							.offset_ms = json_number_value(offset)},
				  err);
}

static enum ofa_status read_arch(const json_t *json, struct question *q, struct ofa_error *err)
{
	struct ofa_arch arch;
	enum ofa_status st;

	if (json_is_null(json))
		return OFA_OK;
	st = ofa_arch_parse(&q->network->net->space, json, &arch, err);
	return st == OFA_OK ? question_give(q, &arch, err) : st;
}

/* The key has the network's content in it, and whatever else another build may answer otherwise. */
static enum ofa_status check_key(const json_t *json, const struct question *q, struct ofa_error *err)
{
	struct job_key key;

	if (!read_digest(json, key.bytes))
		return no_question(err);
	if (!job_key_equal(&key, &q->key))
		return ofa_fail(err, OFA_ERR_MISMATCH, NULL,
				"the job was begun with another file of network \"%s\" than this server has",
				q->network->net->name);
	return OFA_OK;
}

static enum ofa_status read_question(const json_t *json, struct networks *networks, struct profiles *profiles,
				     struct question *ret, struct ofa_error *err)
{
	struct parts p = {0};
	struct question q;
	enum ofa_status st = read_parts(json, networks, profiles, &p, err);

	if (st == OFA_OK)
		st = question_init(&q, p.network, p.profile, p.stored, p.precision, &p.limits, &p.seed, err);
	if (st != OFA_OK) {
		known_profile_unref(p.profile);
		return st;
	}
	st = read_arch(json_object_get(json, "arch"), &q, err);
	if (st == OFA_OK)
		st = read_calibration(json_object_get(json, "calibration"), &q, err);
	if (st == OFA_OK)
		st = check_key(json_object_get(json, "key"), &q, err);
	if (st == OFA_OK)
		*ret = q;
	else
		question_release(&q);
	return st;
}

enum ofa_status question_parse(const char *text, struct networks *networks, struct profiles *profiles,
			       struct question *ret, struct ofa_error *err)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	enum ofa_status st = json_is_object(json) ? read_question(json, networks, profiles, ret, err)
						  : no_question(err);

	json_decref(json);
	return st;
}
