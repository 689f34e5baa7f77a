/* OFA-MobileNetV3 and OFA-ProxylessNAS (spec 4.2 and 4.3): a stem, a fixed block, stages of elastic MBConv blocks, a
 * head.  They differ in the head's layers and in Proxyless' last stage, which is one block. */
#include "import/family.h"

#include <stdio.h>
#include <string.h>

#define BASE_WIDTHS 9 /* stem, first, six stages (MobileNetV3: five), expand, mix (MobileNetV3 only) */
#define MAX_TWENTIETHS 160

static const struct base {
	const char *family, *name;
	int widths[BASE_WIDTHS];
} bases[] = {
	{"mbv3", "", {16, 16, 24, 40, 80, 112, 160, 960, 1280}},
	{"proxyless", "", {32, 16, 24, 40, 80, 96, 192, 320, 1280}},
	{"proxyless", "google", {32, 16, 24, 32, 64, 96, 160, 320, 1280}},
};

/* One block's tensors. */
struct block {
	int in, mid, out, kernel;
	bool t53, t75;
};

bool ofa_family_mbv3_recognise(const struct ofa_import_names *names)
{
	return ofa_import_names_find(names, "final_expand_layer.conv.weight") &&
	       ofa_import_names_find(names, "blocks.0.conv.depth_conv.conv.weight");
}

bool ofa_family_proxyless_recognise(const struct ofa_import_names *names)
{
	return ofa_import_names_find(names, "feature_mix_layer.bn.weight") &&
	       ofa_import_names_find(names, "blocks.0.conv.depth_conv.conv.weight");
}

static const char *block_name(char out[96], int index, const char *part)
{
	snprintf(out, 96, "blocks.%d.conv.%s", index, part);
	return out;
}

static enum ofa_status read_block(const struct ofa_import_names *names, int index, struct block *ret,
				  struct ofa_error *err)
{
	struct block b = {0};
	char name[96];
	int depth, one, mid, same;
	enum ofa_status st = ofa_import_layer(names, block_name(name, index, "inverted_bottleneck.conv.weight"), 4,
					      &b.mid, &b.in, &one, err);

	if (st == OFA_OK)
		st = ofa_import_layer(names, block_name(name, index, "depth_conv.conv.weight"), 4, &depth, &same,
				      &b.kernel, err);
	if (st == OFA_OK)
		st = ofa_import_layer(names, block_name(name, index, "point_linear.conv.weight"), 4, &b.out, &mid, &one,
				      err);
	if (st != OFA_OK)
		return st;
	if (b.kernel != 3 && b.kernel != 5 && b.kernel != 7)
		return ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, index, "depth_conv.conv.weight"),
				"block %d has kernels of %dx%d; 3, 5 and 7 are known", index, b.kernel, b.kernel);
	b.t53 = ofa_import_names_find(names, block_name(name, index, "depth_conv.conv.5to3_matrix")) != NULL;
	b.t75 = ofa_import_names_find(names, block_name(name, index, "depth_conv.conv.7to5_matrix")) != NULL;
	*ret = b;
	return OFA_OK;
}

static int count_blocks(const struct ofa_import_names *names)
{
	char name[96];
	int n = 0;

	while (n <= OFA_MAX_BLOCKS + 1 && ofa_import_names_find(names, block_name(name, n, "point_linear.conv.weight")))
		n++;
	return n;
}

/* The kernels that a stored one and its matrices lead to: 7 -> 5 -> 3. */
static void set_kernels(struct ofa_stage *t, const struct block *b)
{
	t->n_kernels = 0;
	if (b->kernel == 3 || b->t53)
		t->kernels[t->n_kernels++] = 3;
	if (b->kernel == 5 || (b->kernel == 7 && b->t75))
		t->kernels[t->n_kernels++] = 5;
	if (b->kernel == 7)
		t->kernels[t->n_kernels++] = 7;
}

/* Keeps the family's ratios up to the one that the block is as wide as. */
static enum ofa_status set_expands(struct ofa_stage *t, int index, const struct block *b, struct ofa_error *err)
{
	char name[96];

	for (int i = t->n_expands - 1; i >= 0; i--) {
		if (ofa_mid_channels(b->in, t->expands[i]) == b->mid) {
			t->n_expands = i + 1;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, index, "inverted_bottleneck.conv.weight"),
			"block %d widens %d channels to %d; the family's ratios are 3, 4 and 6", index, b->in, b->mid);
}

/* Blocks index .. index + depth - 1 are one stage; the first one tells, the others must agree. */
static enum ofa_status read_stage(const struct ofa_import_names *names, int index, int depth, struct ofa_stage *t,
				  struct ofa_error *err)
{
	struct block first = {0}, b = {0};
	char name[96];
	enum ofa_status st = read_block(names, index, &first, err);

	if (st != OFA_OK)
		return st;
	t->width = first.out;
	set_kernels(t, &first);
	st = set_expands(t, index, &first, err);
	for (int i = 1; i < depth && st == OFA_OK; i++) {
		st = read_block(names, index + i, &b, err);
		if (st == OFA_OK &&
		    (b.out != first.out || b.kernel != first.kernel || b.t53 != first.t53 || b.t75 != first.t75))
			st = ofa_fail(err, OFA_ERR_MISMATCH, block_name(name, index + i, "point_linear.conv.weight"),
				      "block %d (%d channels, %dx%d) differs from block %d (%d channels, %dx%d), with "
				      "which it is in one stage of %d: is this a network without elastic kernels or "
				      "depths?",
				      index + i, b.out, b.kernel, b.kernel, index, first.out, first.kernel,
				      first.kernel, depth);
	}
	return st;
}

/* Elastic stages are equally deep; a stage of one depth is a single block (Proxyless' last). */
static enum ofa_status read_stages(const struct ofa_import_names *names, struct ofa_space *s, struct ofa_error *err)
{
	int n = count_blocks(names) - 1, elastic = 0, fixed = 0, index = 1, depth;
	enum ofa_status st = OFA_OK;

	for (int i = 0; i < s->n_stages; i++) {
		elastic += s->stages[i].n_depths > 1;
		fixed += s->stages[i].n_depths == 1;
	}
	depth = n > fixed ? (n - fixed) / elastic : 0;
	if (depth < 2 || depth > 4 || depth * elastic + fixed != n)
		return ofa_fail(err, OFA_ERR_MISMATCH, "blocks",
				"%d blocks after the first; %d stages of 2, 3 or 4 blocks%s are expected", n, elastic,
				fixed ? " and one of a single block" : "");
	for (int i = 0; i < s->n_stages && st == OFA_OK; i++) {
		struct ofa_stage *t = &s->stages[i];
		int here = t->n_depths > 1 ? depth : 1;

		while (t->depths[t->n_depths - 1] > here)
			t->n_depths--;
		st = read_stage(names, index, here, t, err);
		index += here;
	}
	return st;
}

static enum ofa_status read_ends(const struct ofa_import_names *names, struct ofa_space *s, struct ofa_error *err)
{
	const char *before_pool =
		s->head.mix_width ? "final_expand_layer.conv.weight" : "feature_mix_layer.conv.weight";
	int in, kernel;
	enum ofa_status st =
		ofa_import_layer(names, "first_conv.conv.weight", 4, &s->stem.width, &s->input_channels, &kernel, err);

	if (st == OFA_OK)
		st = ofa_import_layer(names, "blocks.0.conv.point_linear.conv.weight", 4, &s->first.width, &in, &kernel,
				      err);
	if (st == OFA_OK)
		st = ofa_import_layer(names, before_pool, 4, &s->head.expand_width, &in, &kernel, err);
	if (st == OFA_OK && s->head.mix_width)
		st = ofa_import_layer(names, "feature_mix_layer.conv.weight", 4, &s->head.mix_width, &in, &kernel, err);
	if (st == OFA_OK)
		st = ofa_import_layer(names, "classifier.linear.weight", 2, &s->classes, &in, &kernel, err);
	return st;
}

static bool has_widths(const struct ofa_space *s, const int *base, double w)
{
	bool same =
		s->stem.width == ofa_make_divisible(w * base[0]) && s->first.width == ofa_make_divisible(w * base[1]);
	int at = 2;

	for (int i = 0; i < s->n_stages; i++)
		same = same && s->stages[i].width == ofa_make_divisible(w * base[at++]);
	same = same && s->head.expand_width == ofa_make_divisible(w * base[at++]);
	return same && (!s->head.mix_width || s->head.mix_width == ofa_make_divisible(w * base[at]));
}

/* Widths are rounded to multiples of 8, so very small networks may have several multipliers: the first will do. */
static void find_multiplier(struct ofa_import_space *r)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(bases); i++) {
		if (strcmp(bases[i].family, r->family) != 0)
			continue;
		for (int twentieths = 1; twentieths <= MAX_TWENTIETHS; twentieths++) {
			if (has_widths(&r->space, bases[i].widths, twentieths / 20.0)) {
				r->width = twentieths / 20.0;
				r->base = bases[i].name;
				snprintf(r->space.name, sizeof(r->space.name), "%s%s%s_w%g", r->family,
					 *r->base ? "_" : "", r->base, r->width);
				return;
			}
		}
	}
	r->width = 0;
	r->base = "";
	snprintf(r->space.name, sizeof(r->space.name), "%s", r->family);
}

static enum ofa_status infer(const struct ofa_import_names *names, const char *family, struct ofa_import_space *ret,
			     struct ofa_error *err)
{
	struct ofa_import_space r = {.family = family};
	enum ofa_status st = ofa_space_preset(family, 1, 2, &r.space, err);

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

enum ofa_status ofa_family_mbv3_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
				      struct ofa_error *err)
{
	return infer(names, "mbv3", ret, err);
}

enum ofa_status ofa_family_proxyless_infer(const struct ofa_import_names *names, struct ofa_import_space *ret,
					   struct ofa_error *err)
{
	return infer(names, "proxyless", ret, err);
}
