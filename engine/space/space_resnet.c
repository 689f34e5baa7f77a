/* The JSON of a ResNet-D space (OFA-ResNet50). */
#include <stdio.h>
#include <string.h>

#include "space/family.h"

/* The next width gene. */
static enum ofa_status parse_widths(const struct ofa_fields *o, const char *key, struct ofa_space *s)
{
	static const struct ofa_list_rule rule = {.max_n = OFA_MAX_CHOICES,
						  .lo = 1,
						  .hi = OFA_MAX_CHANNELS,
						  .integers = true,
						  .repeats = true,
						  .kind = "channel counts"};
	struct ofa_width_gene *w = &s->widths[s->n_width_genes];
	double x[OFA_MAX_CHOICES];
	enum ofa_status st = ofa_fields_list(o, key, &rule, x, &w->n);

	for (int i = 0; st == OFA_OK && i < w->n; i++)
		w->channels[i] = (uint16_t)x[i];
	s->n_width_genes++;
	return st;
}

/* The stem's optional convolution, as a stage of no or one block. */
static enum ofa_status parse_stem(const struct ofa_fields *root, struct ofa_space *s)
{
	static const struct ofa_list_rule rule = {
		.max_n = 2, .hi = OFA_MAX_BLOCKS, .integers = true, .kind = "depth genes"};
	struct ofa_stage *t = &s->stages[0];
	struct ofa_fields o;
	enum ofa_status st = ofa_fields_object(root, "stem", " mid_widths widths depths ", &o);

	if (st == OFA_OK)
		st = parse_widths(&o, "mid_widths", s);
	if (st == OFA_OK)
		st = parse_widths(&o, "widths", s);
	if (st == OFA_OK)
		st = ofa_fields_bytes(&o, "depths", &rule, t->depth_genes, &t->n_depths);
	if (st == OFA_OK && t->n_depths != 2)
		st = ofa_fields_refuse(&o, "depths", "must be two numbers: without and with the optional convolution");
	if (st != OFA_OK)
		return st;
	t->depths[0] = 0;
	t->depths[1] = 1;
	t->stride = t->n_kernels = t->n_expands = 1;
	t->kernels[0] = 3;
	t->expands[0] = 1;
	t->act = OFA_ACT_RELU;
	t->width = s->widths[0].channels[s->widths[0].n - 1];
	s->stem.width = t->width;
	s->stem.stride = 2;
	s->stem.act = OFA_ACT_RELU;
	return ofa_space_add_stage(root, s);
}

static enum ofa_status parse_depths(const struct ofa_fields *o, const struct ofa_fields *root, struct ofa_stage *t)
{
	static const struct ofa_list_rule rule = {
		.max_n = OFA_MAX_CHOICES, .hi = OFA_MAX_BLOCKS, .integers = true, .kind = "numbers of added blocks"};
	int base = 0;
	enum ofa_status st = ofa_fields_int(o, "base_depth", 1, OFA_MAX_BLOCKS, &base);

	if (st == OFA_OK)
		st = ofa_fields_bytes(ofa_fields_having(o, root, "depths"), "depths", &rule, t->depth_genes,
				      &t->n_depths);
	for (int i = 0; st == OFA_OK && i < t->n_depths; i++)
		t->depths[i] = (uint8_t)(base + t->depth_genes[i]);
	return st;
}

static enum ofa_status parse_stage(const struct ofa_fields *root, const json_t *json, struct ofa_space *s)
{
	struct ofa_stage *t = &s->stages[s->n_stages];
	struct ofa_fields o = {.json = json, .err = root->err};
	enum ofa_status st;

	snprintf(o.pointer, sizeof(o.pointer), "/stages/%d", s->n_stages - 1);
	st = ofa_fields_only(&o, " widths stride base_depth expands depths ");
	if (st == OFA_OK)
		st = parse_widths(&o, "widths", s);
	if (st == OFA_OK)
		st = ofa_fields_int(&o, "stride", 1, 2, &t->stride);
	if (st == OFA_OK)
		st = parse_depths(&o, root, t);
	if (st == OFA_OK)
		st = ofa_fields_expands(ofa_fields_having(&o, root, "expands"), t);
	if (st != OFA_OK)
		return st;
	t->n_kernels = 1;
	t->kernels[0] = 3;
	t->act = OFA_ACT_RELU;
	t->width = s->widths[s->n_width_genes - 1].channels[s->widths[s->n_width_genes - 1].n - 1];
	return ofa_space_add_stage(root, s);
}

static enum ofa_status parse_stages(const struct ofa_fields *root, struct ofa_space *s)
{
	const int most = OFA_MAX_WIDTH_GENES - 2;
	const json_t *list = json_object_get(root->json, "stages");
	size_t n = json_array_size(list);
	enum ofa_status st = OFA_OK;

	if (n < 1 || n > (size_t)most)
		return ofa_fields_refuse_range(root, "stages", "a list of stages; their number", 1, most);
	for (size_t i = 0; st == OFA_OK && i < n; i++)
		st = parse_stage(root, json_array_get(list, i), s);
	return st;
}

static enum ofa_status check_sizes(const struct ofa_fields *root, const struct ofa_space *s)
{
	int size = (s->resolutions[s->n_resolutions - 1] - 1) / s->stem.stride + 1;
	int c = s->widths[1].channels[s->widths[1].n - 1];
	enum ofa_status st = ofa_fields_check_value(root, "/stem/mid_widths", size, s->stem.width);

	if (st == OFA_OK)
		st = ofa_fields_check_value(root, "/stem/widths", size, c);
	size = (size - 1) / 2 + 1;
	for (int i = 1; st == OFA_OK && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		char field[OFA_FIELDS_POINTER];

		snprintf(field, sizeof(field), "/stages/%d/widths", i - 1);
		st = ofa_fields_check_value(root, field, size,
					    ofa_mid_channels(t->width, t->expands[t->n_expands - 1]));
		size = (size - 1) / t->stride + 1;
		if (st == OFA_OK)
			st = ofa_fields_check_value(root, field, size, t->width);
	}
	return st;
}

enum ofa_status ofa_resnet_parse(const struct ofa_fields *root, struct ofa_space *s)
{
	enum ofa_status st = parse_stem(root, s);

	if (st == OFA_OK)
		st = parse_stages(root, s);
	return st == OFA_OK ? check_sizes(root, s) : st;
}

static json_t *format_widths(const struct ofa_width_gene *w)
{
	json_t *list = json_array();

	for (int i = 0; i < w->n; i++)
		if (json_array_append_new(list, json_integer(w->channels[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *format_stages(const struct ofa_space *s)
{
	json_t *list = json_array();

	for (int i = 1; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		json_t *depths = ofa_fields_format_bytes(t->depth_genes, t->n_depths);
		json_t *stage = json_pack("{s:o, s:i, s:i, s:o, s:o}", "widths", format_widths(&s->widths[i + 1]),
					  "stride", t->stride, "base_depth", t->depths[0] - t->depth_genes[0],
					  "expands", ofa_fields_format_expands(t), "depths", depths);

		if (json_array_append_new(list, stage) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *ofa_resnet_format(const struct ofa_space *s)
{
	json_t *depths = ofa_fields_format_bytes(s->stages[0].depth_genes, s->stages[0].n_depths);

	return json_pack("{s:{s:o, s:o, s:o}, s:o}", "stem", "mid_widths", format_widths(&s->widths[0]), "widths",
			 format_widths(&s->widths[1]), "depths", depths, "stages", format_stages(s));
}
