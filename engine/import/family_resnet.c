/* OFA-ResNet50 (spec 4.4): a stem with an optional layer, four stages of bottlenecks, a classifier.  Shapes tell the
 * largest widths, depths and the largest ratio; the smaller widths are the family's multiples of the largest. */
#include "import/family.h"

#include <stdio.h>
#include <string.h>

#define MAX_TWENTIETHS 160

static const double multipliers[] = {0.65, 0.8, 1.0};

static const char *block_name(char out[96], int index, const char *part)
{
	snprintf(out, 96, "blocks.%d.%s.conv.weight", index, part);
	return out;
}

bool ofa_family_resnet50_recognise(const struct ofa_import_names *names)
{
	return ofa_import_names_find(names, "input_stem.0.conv.weight") &&
	       ofa_import_names_find(names, "blocks.0.conv1.conv.weight");
}

static bool has_layer(const struct ofa_import_names *names, int index, const char *part)
{
	char name[96];

	return ofa_import_names_find(names, block_name(name, index, part)) != NULL;
}

/* The family's multiples of the largest choice. */
static void set_widths(struct ofa_width_gene *w, int largest)
{
	w->n = (int)OFA_ARRAY_LEN(multipliers);
	for (int i = 0; i < w->n; i++)
		w->channels[i] = (uint16_t)ofa_make_divisible(multipliers[i] * largest);
	w->channels[w->n - 1] = (uint16_t)largest;
}

static enum ofa_status read_ends(const struct ofa_import_names *names, struct ofa_space *s, struct ofa_error *err)
{
	struct ofa_width_gene *mid = &s->widths[0], *out = &s->widths[1];
	int c_mid = 0, c = 0, in, kernel;
	enum ofa_status st =
		ofa_import_layer(names, "input_stem.0.conv.weight", 4, &c_mid, &s->input_channels, &kernel, err);

	if (st == OFA_OK)
		st = ofa_import_layer(names, "input_stem.2.conv.weight", 4, &c, &in, &kernel, err);
	if (st == OFA_OK)
		st = ofa_import_layer(names, "classifier.linear.weight", 2, &s->classes, &in, &kernel, err);
	if (st == OFA_OK && (c > OFA_MAX_CHANNELS || c_mid > OFA_MAX_CHANNELS))
		st = ofa_fail(err, OFA_ERR_LIMIT, "input_stem.2.conv.weight",
			      "the stem has %d and %d channels, at most %d are handled", c_mid, c, OFA_MAX_CHANNELS);
	if (st != OFA_OK)
		return st;
	set_widths(out, c);
	for (int i = 0; i < out->n; i++)
		mid->channels[i] = (uint16_t)ofa_make_divisible(out->channels[i] / 2);
	mid->channels[mid->n - 1] = (uint16_t)c_mid;
	return OFA_OK;
}

/* Keeps the family's ratios up to the one that the block's middle is as wide as. */
static enum ofa_status set_expands(struct ofa_stage *t, int index, int mid, int out, struct ofa_error *err)
{
	char name[96];

	for (int i = t->n_expands - 1; i >= 0; i--) {
		if (ofa_mid_channels(out, t->expands[i]) == mid) {
			t->n_expands = i + 1;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, index, "conv3"),
			"block %d has %d channels in its middle and %d at its end; the family's ratios are 0.2, 0.25 "
			"and 0.35",
			index, mid, out);
}

/* The stage that begins with block *index, which moves behind it; ret_added: its blocks beyond the base depth. */
static enum ofa_status read_stage(const struct ofa_import_names *names, int stage, int *index, struct ofa_space *s,
				  int *ret_added, struct ofa_error *err)
{
	struct ofa_stage *t = &s->stages[stage];
	int base = t->depths[0], first = *index, out = 0, mid = 0, kernel, n = 1;
	char name[96];
	enum ofa_status st = ofa_import_layer(names, block_name(name, first, "conv3"), 4, &out, &mid, &kernel, err);

	if (st != OFA_OK)
		return st;
	if (!has_layer(names, first, "downsample") || out > OFA_MAX_CHANNELS)
		return ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, first, "downsample"),
				"block %d begins stage %d, so it must have a projection, of at most %d channels", first,
				stage, OFA_MAX_CHANNELS);
	while (has_layer(names, first + n, "conv3") && !has_layer(names, first + n, "downsample"))
		n++;
	*index = first + n;
	*ret_added = n - base;
	set_widths(&s->widths[stage + 1], out);
	t->width = out;
	if (n - base < 1 || n - base > t->depth_genes[t->n_depths - 1])
		return ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, first, "conv3"),
				"stage %d has %d blocks; %d to %d are expected", stage, n, base + 1,
				base + t->depth_genes[t->n_depths - 1]);
	return set_expands(t, first, mid, out, err);
}

static enum ofa_status read_stages(const struct ofa_import_names *names, struct ofa_space *s, struct ofa_error *err)
{
	int index = 0, most = 0;
	enum ofa_status st = OFA_OK;

	for (int i = 1; i < s->n_stages && st == OFA_OK; i++) {
		int added = 0, first = index;

		st = read_stage(names, i, &index, s, &added, err);
		if (st == OFA_OK && i > 1 && added != most)
			st = ofa_fail(err, OFA_ERR_MISMATCH, "blocks",
				      "stage %d, from block %d on, has %d blocks beyond its base depth; the others %d",
				      i, first, added, most);
		most = added;
	}
	if (st != OFA_OK)
		return st;
	for (int i = 1; i < s->n_stages; i++)
		s->stages[i].n_depths = most + 1; /* every number of added blocks up to that one */
	s->stages[0].depth_genes[1] = (uint8_t)most;
	return OFA_OK;
}

static bool same_largest(const struct ofa_space *a, const struct ofa_space *b)
{
	for (int i = 0; i < a->n_width_genes; i++)
		if (a->widths[i].channels[a->widths[i].n - 1] != b->widths[i].channels[b->widths[i].n - 1])
			return false;
	return true;
}

/* A published network scaled as a whole has its smaller widths rounded from the unrounded product. */
static void find_multiplier(struct ofa_import_space *r)
{
	for (int twentieths = 1; twentieths <= MAX_TWENTIETHS; twentieths++) {
		struct ofa_space preset;

		if (ofa_space_preset(r->family, twentieths / 20.0, r->space.classes, &preset, NULL) != OFA_OK ||
		    !same_largest(&preset, &r->space))
			continue;
		r->width = twentieths / 20.0;
		memcpy(r->space.widths, preset.widths, sizeof(preset.widths));
		memcpy(r->space.name, preset.name, sizeof(preset.name));
		return;
	}
	snprintf(r->space.name, sizeof(r->space.name), "%s", r->family);
}

enum ofa_status ofa_family_resnet50_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
					  struct ofa_error *err)
{
	struct ofa_import_space r = {.family = "resnet50", .base = ""};
	enum ofa_status st = ofa_space_preset(r.family, 1, 2, &r.space, err);

	if (st == OFA_OK)
		st = read_ends(names, &r.space, err);
	if (st == OFA_OK)
		st = read_stages(names, &r.space, err);
	if (st != OFA_OK)
		return st;
	find_multiplier(&r);
	st = ofa_import_complete(&r.space, err);
	if (st == OFA_OK)
		*ret = r;
	return st;
}
