/* The JSON of an MBConv space (OFA-MobileNetV3, OFA-Proxyless, our own). */
#include <stdio.h>
#include <string.h>

#include "space/family.h"


static enum ofa_status parse_stem(const struct ofa_fields *root, struct ofa_space *s)
{
	struct ofa_fields o;
	enum ofa_status st = ofa_fields_object(root, "stem", " width stride act ", &o);

	if (st == OFA_OK)
		st = ofa_fields_int(&o, "width", 1, OFA_MAX_CHANNELS, &s->stem.width);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "stride", 1, 2, &s->stem.stride);
	if (st == OFA_OK)
		st = ofa_fields_act(&o, "act", &s->stem.act);
	return st;
}

static enum ofa_status parse_first(const struct ofa_fields *root, struct ofa_space *s)
{
	struct ofa_fields o;
	enum ofa_status st;

	if (json_is_null(json_object_get(root->json, "first")))
		return OFA_OK;
	st = ofa_fields_object(root, "first", " width kernel act se residual ", &o);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "width", 1, OFA_MAX_CHANNELS, &s->first.width);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "kernel", 3, 7, &s->first.kernel);
	if (st == OFA_OK && s->first.kernel % 2 == 0)
		st = ofa_fields_refuse(&o, "kernel", "must be 3, 5 or 7");
	if (st == OFA_OK)
		st = ofa_fields_act(&o, "act", &s->first.act);
	if (st == OFA_OK)
		st = ofa_fields_bool(&o, "se", &s->first.se);
	if (st == OFA_OK)
		st = ofa_fields_bool(&o, "residual", &s->first.residual);
	if (st == OFA_OK && s->first.residual && s->first.width != s->stem.width)
		st = ofa_fields_refuse(&o, "residual", "needs the width of the stem");
	return st;
}

static enum ofa_status parse_choices(const struct ofa_fields *o, const struct ofa_fields *root, struct ofa_stage *t)
{
	static const struct ofa_list_rule kernels = {
		.max_n = 3, .lo = 3, .hi = 7, .integers = true, .kind = "kernel sizes"};
	static const struct ofa_list_rule depths = {
		.max_n = OFA_MAX_CHOICES, .lo = 1, .hi = OFA_MAX_BLOCKS, .integers = true, .kind = "block counts"};
	const struct ofa_fields *src = ofa_fields_having(o, root, "kernels");
	enum ofa_status st = ofa_fields_bytes(src, "kernels", &kernels, t->kernels, &t->n_kernels);

	for (int i = 0; st == OFA_OK && i < t->n_kernels; i++)
		if (t->kernels[i] % 2 == 0)
			st = ofa_fields_refuse(src, "kernels", "may hold 3, 5 and 7");
	if (st == OFA_OK)
		st = ofa_fields_bytes(ofa_fields_having(o, root, "depths"), "depths", &depths, t->depths, &t->n_depths);
	for (int i = 0; st == OFA_OK && i < t->n_depths; i++)
		t->depth_genes[i] = t->depths[i];
	return st == OFA_OK ? ofa_fields_expands(ofa_fields_having(o, root, "expands"), t) : st;
}

static enum ofa_status parse_stage(const struct ofa_fields *root, const json_t *json, int index, struct ofa_stage *t)
{
	struct ofa_fields o = {.json = json, .err = root->err};
	enum ofa_status st;

	snprintf(o.pointer, sizeof(o.pointer), "/stages/%d", index);
	st = ofa_fields_only(&o, " width stride act se kernels expands depths ");
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "width", 1, OFA_MAX_CHANNELS, &t->width);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "stride", 1, 2, &t->stride);
	if (st == OFA_OK)
		st = ofa_fields_act(&o, "act", &t->act);
	if (st == OFA_OK)
		st = ofa_fields_bool(&o, "se", &t->se);
	return st == OFA_OK ? parse_choices(&o, root, t) : st;
}

static enum ofa_status parse_stages(const struct ofa_fields *root, struct ofa_space *s)
{
	const json_t *list = json_object_get(root->json, "stages");
	size_t n = json_array_size(list);

	if (n < 1 || n > OFA_MAX_STAGES)
		return ofa_fields_refuse_range(root, "stages", "a list of stages; their number", 1, OFA_MAX_STAGES);
	for (size_t i = 0; i < n; i++) {
		struct ofa_stage *t = &s->stages[i];
		enum ofa_status st = parse_stage(root, json_array_get(list, i), (int)i, t);

		if (st != OFA_OK)
			return st;
		st = ofa_space_add_stage(root, s);
		if (st != OFA_OK)
			return st;
	}
	return OFA_OK;
}

static enum ofa_status parse_head(const struct ofa_fields *root, struct ofa_space *s)
{
	struct ofa_fields o;
	enum ofa_status st = ofa_fields_object(root, "head", " expand_width expand_act mix_width mix_act ", &o);

	if (st == OFA_OK)
		st = ofa_fields_int(&o, "expand_width", 1, OFA_MAX_CHANNELS, &s->head.expand_width);
	if (st == OFA_OK)
		st = ofa_fields_act(&o, "expand_act", &s->head.expand_act);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "mix_width", 0, OFA_MAX_CHANNELS, &s->head.mix_width);
	if (st == OFA_OK)
		st = ofa_fields_act(&o, "mix_act", &s->head.mix_act);
	if (st == OFA_OK && s->head.mix_width == 0 && s->head.mix_act != OFA_ACT_NONE)
		st = ofa_fields_refuse(&o, "mix_act", "must be \"none\" without a mix layer");
	return st;
}

static enum ofa_status check_sizes(const struct ofa_fields *root, const struct ofa_space *s)
{
	int r = s->resolutions[s->n_resolutions - 1];
	int size = (r - 1) / s->stem.stride + 1;
	int c = s->first.width ? s->first.width : s->stem.width;
	enum ofa_status st = ofa_fields_check_value(root, "/stem/width", size, s->stem.width);

	if (st == OFA_OK)
		st = ofa_fields_check_value(root, "/first/width", size, c);
	for (int i = 0; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		float expand = t->expands[t->n_expands - 1];
		char field[OFA_FIELDS_POINTER];

		snprintf(field, sizeof(field), "/stages/%d/width", i);
		st = ofa_fields_check_value(root, field, size, ofa_mid_channels(c, expand));
		size = (size - 1) / t->stride + 1;
		c = t->width;
		if (st == OFA_OK && t->max_depth > 1)
			st = ofa_fields_check_value(root, field, size, ofa_mid_channels(c, expand));
		if (st == OFA_OK)
			st = ofa_fields_check_value(root, field, size, c);
	}
	return st == OFA_OK ? ofa_fields_check_value(root, "/head/expand_width", size, s->head.expand_width) : st;
}

enum ofa_status ofa_mbconv_parse(const struct ofa_fields *root, struct ofa_space *s)
{
	static enum ofa_status (*const parts[])(const struct ofa_fields *, struct ofa_space *) = {
		parse_stem, parse_first, parse_stages, parse_head,
	};
	enum ofa_status st = OFA_OK;

	for (size_t i = 0; st == OFA_OK && i < OFA_ARRAY_LEN(parts); i++)
		st = parts[i](root, s);
	return st == OFA_OK ? check_sizes(root, s) : st;
}

static json_t *format_stages(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		json_t *kernels = ofa_fields_format_bytes(t->kernels, t->n_kernels);
		json_t *depths = ofa_fields_format_bytes(t->depths, t->n_depths);
		json_t *stage = json_pack("{s:i, s:i, s:s, s:b, s:o, s:o, s:o}", "width", t->width, "stride", t->stride,
					  "act", ofa_act_name(t->act), "se", t->se, "kernels", kernels, "expands",
					  ofa_fields_format_expands(t), "depths", depths);

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

json_t *ofa_mbconv_format(const struct ofa_space *s)
{
	return json_pack("{s:{s:i, s:i, s:s}, s:o, s:o, s:{s:i, s:s, s:i, s:s}}", "stem", "width", s->stem.width,
			 "stride", s->stem.stride, "act", ofa_act_name(s->stem.act), "first", format_first(s), "stages",
			 format_stages(s), "head", "expand_width", s->head.expand_width, "expand_act",
			 ofa_act_name(s->head.expand_act), "mix_width", s->head.mix_width, "mix_act",
			 ofa_act_name(s->head.mix_act));
}
