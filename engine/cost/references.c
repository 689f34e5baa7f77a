#include "cost/references.h"

#include <math.h>
#include <stdlib.h>

#include "cost/members.h"
#include "cost/pointer.h"

#define KEY "ofa.references"
#define LEAST 1e-9
#define MOST 1e18

static enum ofa_status parse_name(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_text(json, field, r->name, sizeof(r->name), err);
}

static enum ofa_status parse_source(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_text(json, field, r->source, sizeof(r->source), err);
}

static enum ofa_status parse_accuracy(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_number(json, field, 0, 1, &r->accuracy, err);
}

static enum ofa_status parse_macs(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_number(json, field, LEAST, MOST, &r->value[OFA_MACS], err);
}

static enum ofa_status parse_params(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_number(json, field, LEAST, MOST, &r->params, err);
}

static enum ofa_status parse_peak_memory(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_number(json, field, LEAST, MOST, &r->value[OFA_PEAK_MEMORY_BYTES], err);
}

static enum ofa_status parse_storage(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	return ofa_members_number(json, field, LEAST, MOST, &r->value[OFA_STORAGE_BYTES], err);
}

static enum ofa_status parse_dtype(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;
	const char *name = json_string_value(json);
	enum ofa_precision precision;

	if (!name || !ofa_precision_find(name, &precision))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"the dtype is \"%.32s\"; " OFA_PRECISION_CHOICES " is accepted",
				name ? name : "not a string");
	r->dtype = precision;
	return OFA_OK;
}

static enum ofa_status parse_latencies(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;
	const size_t n = json_object_size(json);
	const char *name;
	json_t *value;

	if (n < 1 || n > OFA_REFERENCE_MAX_LATENCIES)
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"latency_ms must be an object of 1 to %d members such as {\"acme/cam-m7\": 5.2}",
				OFA_REFERENCE_MAX_LATENCIES);
	r->latencies = calloc(n, sizeof(*r->latencies));
	if (!r->latencies)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	json_object_foreach((json_t *)(uintptr_t)json, name, value)
	{
		struct ofa_reference_latency *l = &r->latencies[r->n_latencies++];
		char at[OFA_POINTER_MAX];
		enum ofa_status st;

		ofa_pointer_join(at, sizeof(at), field, name);
		if (!ofa_profile_name_ok(name))
			return ofa_fail(err, OFA_ERR_INVALID, at, "\"%.64s\" cannot be the name of a profile", name);
		snprintf(l->profile, sizeof(l->profile), "%s", name);
		st = ofa_members_number(value, at, LEAST, MOST, &l->ms, err);
		if (st)
			return st;
	}
	return OFA_OK;
}

static const struct ofa_member members[] = {
	{"name", true, parse_name},
	{"accuracy", true, parse_accuracy},
	{"macs", false, parse_macs},
	{"params", false, parse_params},
	{"peak_memory_bytes", false, parse_peak_memory},
	{"storage_bytes", false, parse_storage},
	{"latency_ms", false, parse_latencies},
	{"dtype", false, parse_dtype},
	{"source", true, parse_source},
};

static enum ofa_status parse_one(const json_t *json, const char *field, void *out, struct ofa_error *err)
{
	struct ofa_reference *r = out;

	r->params = NAN;
	r->dtype = -1;
	for (int i = 0; i < OFA_RESOURCE_COUNT; i++)
		r->value[i] = NAN;
	return ofa_members_parse(json, field, members, OFA_ARRAY_LEN(members), r, err);
}

enum ofa_status ofa_references_parse(const json_t *json, struct ofa_references *ret, struct ofa_error *err)
{
	struct ofa_references r = {.n = OFA_REFERENCES_MAX, .list = calloc(OFA_REFERENCES_MAX, sizeof(*r.list))};
	enum ofa_status st;

	if (!r.list)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_members_list(json, "", OFA_REFERENCES_MAX, r.list, sizeof(*r.list), parse_one, &r.n, err);
	if (st)
		ofa_references_release(&r);
	else
		*ret = r;
	return st;
}

void ofa_references_release(struct ofa_references *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->list[i].latencies);
	free(r->list);
	*r = (struct ofa_references){0};
}

/* NULL leaves a member out.  Whole numbers are written as such. */
static json_t *number(double v)
{
	if (isnan(v))
		return NULL;
	return v == floor(v) && v < 1e15 ? json_integer((json_int_t)v) : json_real(v);
}

static json_t *format_latencies(const struct ofa_reference *r)
{
	json_t *json = r->n_latencies ? json_object() : NULL;

	for (int i = 0; json && i < r->n_latencies; i++)
		json_object_set_new(json, r->latencies[i].profile, json_real(r->latencies[i].ms));
	return json;
}

static json_t *format_one(const struct ofa_reference *r)
{
	const char *dtype = r->dtype < 0 ? NULL : ofa_precision_name((enum ofa_precision)r->dtype);

	return json_pack("{s:s, s:f, s:o*, s:o*, s:o*, s:o*, s:o*, s:s*, s:s}", "name", r->name, "accuracy",
			 r->accuracy, "macs", number(r->value[OFA_MACS]), "params", number(r->params),
			 "peak_memory_bytes", number(r->value[OFA_PEAK_MEMORY_BYTES]), "storage_bytes",
			 number(r->value[OFA_STORAGE_BYTES]), "latency_ms", format_latencies(r), "dtype", dtype,
			 "source", r->source);
}

json_t *ofa_references_format(const struct ofa_references *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->n; i++) {
		if (json_array_append_new(list, format_one(&r->list[i]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

enum ofa_status ofa_references_load(const struct ofa_supernet *net, struct ofa_references *ret, struct ofa_error *err)
{
	struct ofa_references r = {0};
	struct ofa_error inner = {0};
	json_t *json;
	enum ofa_status st = ofa_members_metadata(net, KEY, &json, err);

	if (st)
		return st;
	if (json && ofa_references_parse(json, &r, &inner))
		st = ofa_members_misfit(KEY, &inner, err);
	json_decref(json);
	if (!st)
		*ret = r;
	return st;
}
