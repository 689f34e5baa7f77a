#include "space/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum ofa_status ofa_fields_refuse(const struct ofa_fields *o, const char *key, const char *what)
{
	char field[OFA_FIELDS_POINTER + 80];

	snprintf(field, sizeof(field), "%s/%.64s", o->pointer, key);
	return ofa_fail(o->err, OFA_ERR_INVALID, field, "%s %s", field, what);
}

enum ofa_status ofa_fields_refuse_range(const struct ofa_fields *o, const char *key, const char *kind, double lo,
					double hi)
{
	char what[128];

	snprintf(what, sizeof(what), "%s %s from %g to %g",
		 json_object_get(o->json, key) ? "must be" : "is missing: must be", kind, lo, hi);
	return ofa_fields_refuse(o, key, what);
}

enum ofa_status ofa_fields_only(const struct ofa_fields *o, const char *known)
{
	const char *key;
	json_t *value;

	if (!json_is_object(o->json))
		return ofa_fail(o->err, OFA_ERR_INVALID, o->pointer, "%s must be an object",
				*o->pointer ? o->pointer : "the space");
	json_object_foreach((json_t *)(uintptr_t)o->json, key, value)
	{
		char padded[64];

		snprintf(padded, sizeof(padded), " %.60s ", key);
		if (strchr(key, ' ') || !strstr(known, padded))
			return ofa_fields_refuse(o, key, "is not a known field");
	}
	return OFA_OK;
}

enum ofa_status ofa_fields_object(const struct ofa_fields *o, const char *key, const char *known,
				  struct ofa_fields *ret)
{
	*ret = (struct ofa_fields){.json = json_object_get(o->json, key), .err = o->err};
	snprintf(ret->pointer, sizeof(ret->pointer), "%.30s/%.30s", o->pointer, key);
	return ofa_fields_only(ret, known);
}

enum ofa_status ofa_fields_int(const struct ofa_fields *o, const char *key, int lo, int hi, int *ret)
{
	const json_t *v = json_object_get(o->json, key);

	if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
		return ofa_fields_refuse_range(o, key, "an integer", lo, hi);
	*ret = (int)json_integer_value(v);
	return OFA_OK;
}

enum ofa_status ofa_fields_bool(const struct ofa_fields *o, const char *key, bool *ret)
{
	const json_t *v = json_object_get(o->json, key);

	if (!json_is_boolean(v))
		return ofa_fields_refuse(o, key, "must be true or false");
	*ret = json_is_true(v);
	return OFA_OK;
}

enum ofa_status ofa_fields_act(const struct ofa_fields *o, const char *key, enum ofa_act *ret)
{
	const char *name = json_string_value(json_object_get(o->json, key));

	/* h_sigmoid belongs to squeeze-and-excitation alone. */
	for (int a = OFA_ACT_NONE; name && a <= OFA_ACT_HSWISH; a++) {
		if (strcmp(name, ofa_act_name((enum ofa_act)a)) == 0) {
			*ret = (enum ofa_act)a;
			return OFA_OK;
		}
	}
	return ofa_fields_refuse(o, key, "must be \"none\", \"relu\", \"relu6\" or \"h_swish\"");
}

enum ofa_status ofa_fields_list(const struct ofa_fields *o, const char *key, const struct ofa_list_rule *rule,
				double *ret, int *ret_n)
{
	const json_t *list = json_object_get(o->json, key);
	size_t n = json_array_size(list);

	if (n < 1 || n > (size_t)rule->max_n) {
		char what[96];

		snprintf(what, sizeof(what), "must be a list of 1 to %d %s", rule->max_n, rule->kind);
		return ofa_fields_refuse(o, key, what);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		double x = json_number_value(v);

		if (!(rule->integers ? json_is_integer(v) : json_is_number(v)) || !(x >= rule->lo && x <= rule->hi))
			return ofa_fields_refuse_range(o, key, rule->kind, rule->lo, rule->hi);
		if (i && (rule->repeats ? x < ret[i - 1] : x <= ret[i - 1]))
			return ofa_fields_refuse(o, key,
						 rule->repeats ? "must be in ascending order"
							       : "must be in ascending order, without repeats");
		ret[i] = x;
	}
	*ret_n = (int)n;
	return OFA_OK;
}

enum ofa_status ofa_fields_bytes(const struct ofa_fields *o, const char *key, const struct ofa_list_rule *rule,
				 uint8_t *ret, int *ret_n)
{
	double x[OFA_MAX_CHOICES];
	enum ofa_status st = ofa_fields_list(o, key, rule, x, ret_n);

	for (int i = 0; st == OFA_OK && i < *ret_n; i++)
		ret[i] = (uint8_t)x[i];
	return st;
}

const struct ofa_fields *ofa_fields_having(const struct ofa_fields *stage, const struct ofa_fields *root,
					   const char *key)
{
	return json_object_get(stage->json, key) ? stage : root;
}

enum ofa_status ofa_fields_expands(const struct ofa_fields *o, struct ofa_stage *t)
{
	static const struct ofa_list_rule rule = {
		.max_n = OFA_MAX_CHOICES, .lo = 0.125, .hi = OFA_MAX_EXPAND, .kind = "channel ratios"};
	double ratio[OFA_MAX_CHOICES];
	enum ofa_status st = ofa_fields_list(o, "expands", &rule, ratio, &t->n_expands);

	for (int i = 0; st == OFA_OK && i < t->n_expands; i++) {
		t->expands[i] = (float)ratio[i];
		if (i && t->expands[i] <= t->expands[i - 1])
			st = ofa_fields_refuse(o, "expands", "must differ in single precision");
	}
	return st;
}

enum ofa_status ofa_fields_check_value(const struct ofa_fields *root, const char *field, int size, int channels)
{
	int64_t elements = (int64_t)size * size * channels;

	if (channels <= OFA_MAX_CHANNELS && elements <= OFA_MAX_VALUE_ELEMENTS)
		return OFA_OK;
	return ofa_fail(root->err, OFA_ERR_LIMIT, field,
			"%s: the largest subnet has an activation of %d x %d x %d; at most %d channels and %d elements "
			"are handled",
			field, size, size, channels, OFA_MAX_CHANNELS, OFA_MAX_VALUE_ELEMENTS);
}

json_t *ofa_fields_format_float(float x)
{
	double d = ofa_float_decimal(x);

	return nearbyint(d) == d ? json_integer((json_int_t)d) : json_real(d);
}

json_t *ofa_fields_format_bytes(const uint8_t *x, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		if (json_array_append_new(list, json_integer(x[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *ofa_fields_format_expands(const struct ofa_stage *t)
{
	json_t *list = json_array();

	for (int i = 0; i < t->n_expands; i++)
		if (json_array_append_new(list, ofa_fields_format_float(t->expands[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *ofa_fields_format_resolutions(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->n_resolutions; i++)
		if (json_array_append_new(list, json_integer(s->resolutions[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
