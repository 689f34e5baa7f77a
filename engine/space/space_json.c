#include <math.h>
#include <stdio.h>
#include <string.h>

#include "space/space.h"

#define POINTER_MAX 64
#define MAX_EXPAND 16.0

/* A JSON object being read and its JSON pointer ("" for the root). */
struct object {
	const json_t *json;
	char pointer[POINTER_MAX];
	struct ofa_error *err;
};

static enum ofa_status refuse(const struct object *o, const char *key, const char *what)
{
	char field[POINTER_MAX + 80];

	snprintf(field, sizeof(field), "%s/%.64s", o->pointer, key);
	return ofa_fail(o->err, OFA_ERR_INVALID, field, "%s %s", field, what);
}

static enum ofa_status refuse_range(const struct object *o, const char *key, const char *kind, double lo, double hi)
{
	char what[128];

	snprintf(what, sizeof(what), "%s %s from %g to %g",
		 json_object_get(o->json, key) ? "must be" : "is missing: must be", kind, lo, hi);
	return refuse(o, key, what);
}

/* `known`: names between and around spaces. */
static enum ofa_status only_fields(const struct object *o, const char *known)
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
			return refuse(o, key, "is not a known field");
	}
	return OFA_OK;
}

static enum ofa_status get_object(const struct object *o, const char *key, const char *known, struct object *ret)
{
	*ret = (struct object){.json = json_object_get(o->json, key), .err = o->err};
	snprintf(ret->pointer, sizeof(ret->pointer), "%.30s/%.30s", o->pointer, key);
	return only_fields(ret, known);
}

static enum ofa_status get_int(const struct object *o, const char *key, int lo, int hi, int *ret)
{
	const json_t *v = json_object_get(o->json, key);

	if (!json_is_integer(v) || json_integer_value(v) < lo || json_integer_value(v) > hi)
		return refuse_range(o, key, "an integer", lo, hi);
	*ret = (int)json_integer_value(v);
	return OFA_OK;
}

static enum ofa_status get_bool(const struct object *o, const char *key, bool *ret)
{
	const json_t *v = json_object_get(o->json, key);

	if (!json_is_boolean(v))
		return refuse(o, key, "must be true or false");
	*ret = json_is_true(v);
	return OFA_OK;
}

static enum ofa_status get_act(const struct object *o, const char *key, enum ofa_act *ret)
{
	const char *name = json_string_value(json_object_get(o->json, key));

	/* h_sigmoid belongs to squeeze-and-excitation alone. */
	for (int a = OFA_ACT_NONE; name && a <= OFA_ACT_HSWISH; a++) {
		if (strcmp(name, ofa_act_name((enum ofa_act)a)) == 0) {
			*ret = (enum ofa_act)a;
			return OFA_OK;
		}
	}
	return refuse(o, key, "must be \"none\", \"relu\", \"relu6\" or \"h_swish\"");
}

/* What a list may hold. */
struct list_rule {
	int max_n;
	double lo, hi;
	bool integers;
	const char *kind;
};

static enum ofa_status get_list(const struct object *o, const char *key, const struct list_rule *rule, double *ret,
				int *ret_n)
{
	const json_t *list = json_object_get(o->json, key);
	size_t n = json_array_size(list);

	if (n < 1 || n > (size_t)rule->max_n) {
		char what[96];

		snprintf(what, sizeof(what), "must be a list of 1 to %d %s", rule->max_n, rule->kind);
		return refuse(o, key, what);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(list, i);
		double x = json_number_value(v);

		if (!(rule->integers ? json_is_integer(v) : json_is_number(v)) || !(x >= rule->lo && x <= rule->hi))
			return refuse_range(o, key, rule->kind, rule->lo, rule->hi);
		if (i && x <= ret[i - 1])
			return refuse(o, key, "must be in ascending order, without repeats");
		ret[i] = x;
	}
	*ret_n = (int)n;
	return OFA_OK;
}

static enum ofa_status get_bytes(const struct object *o, const char *key, const struct list_rule *rule, uint8_t *ret,
				 int *ret_n)
{
	double x[OFA_MAX_CHOICES];
	enum ofa_status st = get_list(o, key, rule, x, ret_n);

	for (int i = 0; st == OFA_OK && i < *ret_n; i++)
		ret[i] = (uint8_t)x[i];
	return st;
}

static enum ofa_status parse_resolutions(const struct object *o, struct ofa_space *s)
{
	static const struct list_rule rule = {OFA_MAX_RESOLUTIONS, 1, OFA_MAX_IMAGE_SIZE, true, "integers"};
	double x[OFA_MAX_RESOLUTIONS];
	enum ofa_status st = get_list(o, "resolutions", &rule, x, &s->n_resolutions);

	for (int i = 0; st == OFA_OK && i < s->n_resolutions; i++)
		s->resolutions[i] = (uint16_t)x[i];
	return st;
}

static enum ofa_status parse_name(const struct object *o, struct ofa_space *s)
{
	const char *name = json_string_value(json_object_get(o->json, "name"));
	const char *family = json_string_value(json_object_get(o->json, "family"));

	if (!family || strcmp(family, "mbconv") != 0)
		return refuse(o, "family", "must be \"mbconv\"");
	if (!name || !*name || strlen(name) >= sizeof(s->name))
		return refuse(o, "name", "must be a string of 1 to 63 bytes");
	memcpy(s->name, name, strlen(name) + 1);
	return OFA_OK;
}

static enum ofa_status parse_scalars(const struct object *o, struct ofa_space *s)
{
	const json_t *eps = json_object_get(o->json, "bn_eps");
	enum ofa_status st = parse_name(o, s);

	if (st == OFA_OK)
		st = get_int(o, "input_channels", 1, OFA_MAX_INPUT_CHANNELS, &s->input_channels);
	if (st == OFA_OK)
		st = get_int(o, "classes", 1, OFA_MAX_CLASSES, &s->classes);
	if (st == OFA_OK && !(json_number_value(eps) >= 1e-12 && json_number_value(eps) <= 1))
		return refuse_range(o, "bn_eps", "a number", 1e-12, 1);
	s->bn_eps = (float)json_number_value(eps);
	return st;
}

static enum ofa_status parse_stem(const struct object *root, struct ofa_space *s)
{
	struct object o;
	enum ofa_status st = get_object(root, "stem", " width stride act ", &o);

	if (st == OFA_OK)
		st = get_int(&o, "width", 1, OFA_MAX_CHANNELS, &s->stem.width);
	if (st == OFA_OK)
		st = get_int(&o, "stride", 1, 2, &s->stem.stride);
	if (st == OFA_OK)
		st = get_act(&o, "act", &s->stem.act);
	return st;
}

static enum ofa_status parse_first(const struct object *root, struct ofa_space *s)
{
	struct object o;
	enum ofa_status st;

	if (json_is_null(json_object_get(root->json, "first")))
		return OFA_OK;
	st = get_object(root, "first", " width kernel act se residual ", &o);
	if (st == OFA_OK)
		st = get_int(&o, "width", 1, OFA_MAX_CHANNELS, &s->first.width);
	if (st == OFA_OK)
		st = get_int(&o, "kernel", 3, 7, &s->first.kernel);
	if (st == OFA_OK && s->first.kernel % 2 == 0)
		st = refuse(&o, "kernel", "must be 3, 5 or 7");
	if (st == OFA_OK)
		st = get_act(&o, "act", &s->first.act);
	if (st == OFA_OK)
		st = get_bool(&o, "se", &s->first.se);
	if (st == OFA_OK)
		st = get_bool(&o, "residual", &s->first.residual);
	if (st == OFA_OK && s->first.residual && s->first.width != s->stem.width)
		st = refuse(&o, "residual", "needs the width of the stem");
	return st;
}

/* The stage's own choices, else the space's defaults. */
static const struct object *choices_of(const struct object *stage, const struct object *root, const char *key)
{
	return json_object_get(stage->json, key) ? stage : root;
}

static enum ofa_status parse_choices(const struct object *o, const struct object *root, struct ofa_stage *t)
{
	static const struct list_rule kernels = {3, 3, 7, true, "kernel sizes"};
	static const struct list_rule depths = {OFA_MAX_CHOICES, 1, OFA_MAX_BLOCKS, true, "block counts"};
	static const struct list_rule expands = {OFA_MAX_CHOICES, 0.125, MAX_EXPAND, false, "channel ratios"};
	double ratio[OFA_MAX_CHOICES];
	const struct object *src = choices_of(o, root, "kernels");
	enum ofa_status st = get_bytes(src, "kernels", &kernels, t->kernels, &t->n_kernels);

	for (int i = 0; st == OFA_OK && i < t->n_kernels; i++)
		if (t->kernels[i] % 2 == 0)
			st = refuse(src, "kernels", "may hold 3, 5 and 7");
	if (st == OFA_OK)
		st = get_bytes(choices_of(o, root, "depths"), "depths", &depths, t->depths, &t->n_depths);
	if (st == OFA_OK)
		st = get_list(choices_of(o, root, "expands"), "expands", &expands, ratio, &t->n_expands);
	for (int i = 0; st == OFA_OK && i < t->n_expands; i++) {
		t->expands[i] = (float)ratio[i];
		if (i && t->expands[i] <= t->expands[i - 1])
			st = refuse(choices_of(o, root, "expands"), "expands", "must differ in single precision");
	}
	return st;
}

static enum ofa_status parse_stage(const struct object *root, const json_t *json, int index, struct ofa_stage *t)
{
	struct object o = {.json = json, .err = root->err};
	enum ofa_status st;

	snprintf(o.pointer, sizeof(o.pointer), "/stages/%d", index);
	st = only_fields(&o, " width stride act se kernels expands depths ");
	if (st == OFA_OK)
		st = get_int(&o, "width", 1, OFA_MAX_CHANNELS, &t->width);
	if (st == OFA_OK)
		st = get_int(&o, "stride", 1, 2, &t->stride);
	if (st == OFA_OK)
		st = get_act(&o, "act", &t->act);
	if (st == OFA_OK)
		st = get_bool(&o, "se", &t->se);
	return st == OFA_OK ? parse_choices(&o, root, t) : st;
}

static enum ofa_status parse_stages(const struct object *root, struct ofa_space *s)
{
	const json_t *list = json_object_get(root->json, "stages");
	size_t n = json_array_size(list);

	if (n < 1 || n > OFA_MAX_STAGES)
		return refuse_range(root, "stages", "a list of stages; their number", 1, OFA_MAX_STAGES);
	for (size_t i = 0; i < n; i++) {
		struct ofa_stage *t = &s->stages[i];
		enum ofa_status st = parse_stage(root, json_array_get(list, i), (int)i, t);

		if (st != OFA_OK)
			return st;
		t->first_block = s->n_blocks;
		t->max_depth = t->depths[t->n_depths - 1];
		s->n_blocks += t->max_depth;
		if (s->n_blocks > OFA_MAX_BLOCKS)
			return refuse_range(root, "stages", "stages whose blocks add up to a number", 1,
					    OFA_MAX_BLOCKS);
	}
	s->n_stages = (int)n;
	return OFA_OK;
}

static enum ofa_status parse_head(const struct object *root, struct ofa_space *s)
{
	struct object o;
	enum ofa_status st = get_object(root, "head", " expand_width expand_act mix_width mix_act ", &o);

	if (st == OFA_OK)
		st = get_int(&o, "expand_width", 1, OFA_MAX_CHANNELS, &s->head.expand_width);
	if (st == OFA_OK)
		st = get_act(&o, "expand_act", &s->head.expand_act);
	if (st == OFA_OK)
		st = get_int(&o, "mix_width", 0, OFA_MAX_CHANNELS, &s->head.mix_width);
	if (st == OFA_OK)
		st = get_act(&o, "mix_act", &s->head.mix_act);
	if (st == OFA_OK && s->head.mix_width == 0 && s->head.mix_act != OFA_ACT_NONE)
		st = refuse(&o, "mix_act", "must be \"none\" without a mix layer");
	return st;
}

/* One activation of the largest subnet; keeps every size in the program inside its type. */
static enum ofa_status check_value(const struct object *root, const char *field, int size, int channels)
{
	int64_t elements = (int64_t)size * size * channels;

	if (channels <= OFA_MAX_CHANNELS && elements <= OFA_MAX_VALUE_ELEMENTS)
		return OFA_OK;
	return ofa_fail(root->err, OFA_ERR_LIMIT, field,
			"%s: the largest subnet has an activation of %d x %d x %d; at most %d channels and %d elements "
			"are handled",
			field, size, size, channels, OFA_MAX_CHANNELS, OFA_MAX_VALUE_ELEMENTS);
}

static enum ofa_status check_sizes(const struct object *root, const struct ofa_space *s)
{
	int r = s->resolutions[s->n_resolutions - 1];
	int size = (r - 1) / s->stem.stride + 1;
	int c = s->first.width ? s->first.width : s->stem.width;
	enum ofa_status st = check_value(root, "/stem/width", size, s->stem.width);

	if (st == OFA_OK)
		st = check_value(root, "/first/width", size, c);
	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		float expand = t->expands[t->n_expands - 1];
		char field[POINTER_MAX];

		snprintf(field, sizeof(field), "/stages/%d/width", i);
		st = check_value(root, field, size, ofa_mid_channels(c, expand));
		size = (size - 1) / t->stride + 1;
		c = t->width;
		if (st == OFA_OK && t->max_depth > 1)
			st = check_value(root, field, size, ofa_mid_channels(c, expand));
		if (st == OFA_OK)
			st = check_value(root, field, size, c);
	}
	return st == OFA_OK ? check_value(root, "/head/expand_width", size, s->head.expand_width) : st;
}

enum ofa_status ofa_space_parse(const json_t *json, struct ofa_space *ret_space, struct ofa_error *err)
{
	static enum ofa_status (*const parts[])(const struct object *, struct ofa_space *) = {
		parse_scalars, parse_resolutions, parse_stem, parse_first, parse_stages, parse_head,
	};
	struct object root = {.json = json, .err = err};
	struct ofa_space s = {0};
	enum ofa_status st = only_fields(&root, " family name input_channels classes bn_eps resolutions stem first "
						"kernels expands depths stages head ");

	for (size_t i = 0; st == OFA_OK && i < OFA_ARRAY_LEN(parts); i++)
		st = parts[i](&root, &s);
	if (st == OFA_OK)
		st = check_sizes(&root, &s);
	if (st == OFA_OK)
		*ret_space = s;
	return st;
}

static json_t *format_float(float x)
{
	double d = ofa_float_decimal(x);

	return nearbyint(d) == d ? json_integer((json_int_t)d) : json_real(d);
}

static json_t *format_bytes(const uint8_t *x, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		if (json_array_append_new(list, json_integer(x[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *format_expands(const struct ofa_stage *t)
{
	json_t *list = json_array();

	for (int i = 0; i < t->n_expands; i++)
		if (json_array_append_new(list, format_float(t->expands[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *format_resolutions(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->n_resolutions; i++)
		if (json_array_append_new(list, json_integer(s->resolutions[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *format_stages(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		json_t *stage =
			json_pack("{s:i, s:i, s:s, s:b, s:o, s:o, s:o}", "width", t->width, "stride", t->stride, "act",
				  ofa_act_name(t->act), "se", t->se, "kernels", format_bytes(t->kernels, t->n_kernels),
				  "expands", format_expands(t), "depths", format_bytes(t->depths, t->n_depths));

		if (json_array_append_new(list, stage) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *format_first(const struct ofa_space *s)
{
	if (s->first.width == 0)
		return json_null();
	return json_pack("{s:i, s:i, s:s, s:b, s:b}", "width", s->first.width, "kernel", s->first.kernel, "act",
			 ofa_act_name(s->first.act), "se", s->first.se, "residual", s->first.residual);
}

json_t *ofa_space_format(const struct ofa_space *s)
{
	return json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:{s:i, s:i, s:s}, s:o, s:o, s:{s:i, s:s, s:i, s:s}}",
			 "family", "mbconv", "name", s->name, "input_channels", s->input_channels, "classes",
			 s->classes, "bn_eps", format_float(s->bn_eps), "resolutions", format_resolutions(s), "stem",
			 "width", s->stem.width, "stride", s->stem.stride, "act", ofa_act_name(s->stem.act), "first",
			 format_first(s), "stages", format_stages(s), "head", "expand_width", s->head.expand_width,
			 "expand_act", ofa_act_name(s->head.expand_act), "mix_width", s->head.mix_width, "mix_act",
			 ofa_act_name(s->head.mix_act));
}
