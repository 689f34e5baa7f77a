#include "quantise/quantise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "quantise/equalise.h"
#include "quantise/rescale.h"
#include "quantise/weights.h"

#define LOWEST (-128)
#define HIGHEST 127
#define STEPS (HIGHEST - LOWEST)
#define FINEST ((double)(1 << 28)) /* steps of the output that the largest sum may be: shifts to the left stay exact */
#define FINEST_STEP ((double)(1 << 12)) /* the same, of a step of the input, where no weights come in between */
#define SMALLEST_SCALE 1e-30 /* of what is always 0 */
#define ADD_SHIFT 20
#define GATE_SCALE (1.0f / 255.0f)
#define HSIGMOID_GAIN (1.0f / 6.0f)
#define HSIGMOID_PLUS 3.0f
#define HSWISH_FLOOR (-3.0f) /* below, it is 0 */
#define PIXEL_STEPS 65536.0
#define LOOK_PIXELS (64 * 64 * 64) /* that are looked at where nothing else is asked for: in at most */
#define MOST_IMAGES 64             /* images, and at least */
#define LEAST_IMAGES 16            /* so many, from which on their number made no difference (doc/numerics.md) */

const struct ofa_quantise_options ofa_quantise_default = {
	.range = OFA_RANGE_MSE,
	.images = 0,
};

struct work {
	const struct ofa_quantise_options *opt;
	const struct ofa_subnet *sub;
	const struct ofa_observed_layer *seen;
	struct ofa_quantised *q;
	struct ofa_affine value[OFA_PLAN_MAX_LAYERS + 1]; /* as it is now: SE gives its value another one */
};

/* Steps no finer than `finest`; 0 is met exactly. */
static struct ofa_affine affine(struct ofa_range r, double finest)
{
	const double low = fmin(r.low, 0), high = fmax(r.high, 0);
	const double scale = fmax((high - low) / STEPS, fmax(finest, SMALLEST_SCALE));

	return (struct ofa_affine){
		.scale = (float)scale,
		.zero = ofa_clamp((int32_t)lround(LOWEST - low / scale), LOWEST, HIGHEST),
	};
}

static struct ofa_affine seen_affine(const struct work *w, const struct ofa_histogram *h, float floor, double finest)
{
	return affine(ofa_histogram_range(h, w->opt, floor), finest);
}

static int32_t nearest(double real, struct ofa_affine a)
{
	const double q = floor(real / a.scale + 0.5) + a.zero;

	return (int32_t)fmin(fmax(q, LOWEST), HIGHEST);
}

/* Bounds that an activation puts on an output. */
static void set_clamp(struct ofa_quantised_layer *ql, enum ofa_act act)
{
	ql->low = act == OFA_ACT_RELU || act == OFA_ACT_RELU6 ? nearest(0, ql->out) : LOWEST;
	ql->high = act == OFA_ACT_RELU6 ? nearest(6, ql->out) : HIGHEST;
}

static double act(double x, enum ofa_act a)
{
	const double gate = fmin(fmax(x + 3, 0), 6) / 6;

	return a == OFA_ACT_HSWISH ? x * gate : gate;
}

static void set_table(const struct ofa_quantised_layer *ql, enum ofa_act a, int8_t *table)
{
	for (int q = LOWEST; q <= HIGHEST; q++)
		table[q - LOWEST] = (int8_t)nearest(act((double)ql->inner.scale * (q - ql->inner.zero), a), ql->out);
}

/* As the Prepare of TensorFlow Lite's reference ADD: both operands in steps of twice the coarser scale. */
static void set_addition(struct ofa_quantised_layer *ql, struct ofa_affine operand)
{
	const double twice = 2.0 * fmax(operand.scale, ql->added.scale);

	ql->first = ofa_rescale_from(operand.scale / twice);
	ql->second = ofa_rescale_from(ql->added.scale / twice);
	ql->result = ofa_rescale_from(twice / (ldexp(1, ADD_SHIFT) * ql->out.scale));
}

static double finest_sum(const struct ofa_quantised_layer *ql, struct ofa_affine operand)
{
	return fmax(operand.scale, ql->added.scale) / FINEST_STEP;
}

/* Share of the windows of a layer in which each of its k x k inputs lies inside the map. */
static void set_inside(const struct ofa_layer *l, float *inside)
{
	float rows[OFA_FMT_MAX_KERNEL], columns[OFA_FMT_MAX_KERNEL];

	for (int i = 0; i < l->k; i++) {
		int y_in = 0, x_in = 0;

		for (int y = i - l->pad; y < l->h_out * l->stride + i - l->pad; y += l->stride)
			y_in += y >= 0 && y < l->h_in;
		for (int x = i - l->pad; x < l->w_out * l->stride + i - l->pad; x += l->stride)
			x_in += x >= 0 && x < l->w_in;
		rows[i] = (float)y_in / (float)l->h_out;
		columns[i] = (float)x_in / (float)l->w_out;
	}
	for (int i = 0; i < l->k * l->k; i++)
		inside[i] = rows[i / l->k] * columns[i % l->k];
}

/* conv, dwconv and linear. */
static void quantise_product(struct work *w, int i, const struct ofa_quantised_arrays *arrays)
{
	const struct ofa_layer *l = &w->q->plan.layers[i];
	const struct ofa_observed_layer *seen = &w->seen[i];
	struct ofa_quantised_layer *ql = &w->q->layers[i];
	float inside[OFA_FMT_MAX_KERNEL * OFA_FMT_MAX_KERNEL];
	const struct ofa_weight_source source = {
		.w = w->sub->weights[i].w,
		.bias = w->sub->weights[i].b,
		.rows = l->c_out,
		.k = l->k,
		.channels = l->op == OFA_OP_DWCONV ? 1 : l->c_in,
		.gain = 1.0f,
		.depthwise = l->op == OFA_OP_DWCONV,
		.mean = w->opt->correct_bias ? seen->mean : NULL,
		.inside = inside,
	};
	const double finest = ofa_weights_bound(&source, ql->in) / FINEST;
	struct ofa_affine product;

	set_inside(l, inside);
	if (ofa_layer_looks_up(l)) {
		ql->inner = seen_affine(w, &seen->inner, l->act == OFA_ACT_HSWISH ? HSWISH_FLOOR : -INFINITY, finest);
		ql->out = seen_affine(w, &seen->out, -INFINITY, 0);
		set_table(ql, l->act, arrays->of_role[OFA_FMT_LOOKUP]);
	} else if (l->residual >= 0) {
		ql->added = w->value[l->residual];
		ql->inner = seen_affine(w, &seen->inner, -INFINITY, finest);
		ql->out = seen_affine(w, &seen->out, -INFINITY, finest_sum(ql, ql->inner));
		set_addition(ql, ql->inner);
	} else {
		ql->out = seen_affine(w, &seen->out, -INFINITY, finest);
	}
	set_clamp(ql, l->act);
	product = ql->inner.scale > 0 ? ql->inner : ql->out;
	ofa_weights_quantise(&source, ql->in, product.scale,
			     &(struct ofa_weight_target){
				     .w = arrays->of_role[OFA_FMT_WEIGHT],
				     .bias = arrays->of_role[OFA_FMT_BIAS],
				     .multiplier = arrays->of_role[OFA_FMT_MULTIPLIER],
				     .shift = arrays->of_role[OFA_FMT_SHIFT],
			     });
}

/* The gate's scale is fixed and its saturation is h-sigmoid's: (W z + b + 3) / 6 held in 0 to 1. */
static void quantise_gate(struct work *w, int i, const struct ofa_quantised_arrays *arrays)
{
	const struct ofa_layer *l = &w->q->plan.layers[i];
	struct ofa_quantised_layer *ql = &w->q->layers[i];
	const float inside[] = {1.0f};
	const struct ofa_weight_source reduce = {
		.w = w->sub->weights[i].w,
		.bias = w->sub->weights[i].b,
		.rows = l->hidden,
		.k = 1,
		.channels = l->c_in,
		.gain = 1.0f,
		.mean = w->opt->correct_bias ? w->seen[i].mean : NULL,
		.inside = inside,
	};
	const struct ofa_weight_source expand = {
		.w = w->sub->weights[i].w2,
		.bias = w->sub->weights[i].b2,
		.rows = l->c_in,
		.k = 1,
		.channels = l->hidden,
		.gain = HSIGMOID_GAIN,
		.plus = HSIGMOID_PLUS,
		.mean = w->opt->correct_bias ? w->seen[i].mean_hidden : NULL,
		.inside = inside,
	};

	ql->added = seen_affine(w, &w->seen[i].added, -INFINITY, ql->in.scale / FINEST_STEP);
	ql->inner = seen_affine(w, &w->seen[i].inner, -INFINITY, ofa_weights_bound(&reduce, ql->added) / FINEST);
	ql->out = seen_affine(w, &w->seen[i].out, -INFINITY, ql->in.scale / FINEST_STEP);
	ql->first = ofa_rescale_from(ql->in.scale / ((double)ql->added.scale * l->h_in * l->w_in));
	ql->result = ofa_rescale_from((double)ql->in.scale * GATE_SCALE / ql->out.scale);
	ofa_weights_quantise(&reduce, ql->added, ql->inner.scale,
			     &(struct ofa_weight_target){
				     .w = arrays->of_role[OFA_FMT_WEIGHT],
				     .bias = arrays->of_role[OFA_FMT_BIAS],
				     .multiplier = arrays->of_role[OFA_FMT_MULTIPLIER],
				     .shift = arrays->of_role[OFA_FMT_SHIFT],
			     });
	ofa_weights_quantise(&expand, ql->inner, GATE_SCALE,
			     &(struct ofa_weight_target){
				     .w = arrays->of_role[OFA_FMT_WEIGHT2],
				     .bias = arrays->of_role[OFA_FMT_BIAS2],
				     .multiplier = arrays->of_role[OFA_FMT_MULTIPLIER2],
				     .shift = arrays->of_role[OFA_FMT_SHIFT2],
			     });
}

static void quantise_layer(struct work *w, int i, const struct ofa_quantised_arrays *arrays)
{
	const struct ofa_layer *l = &w->q->plan.layers[i];
	struct ofa_quantised_layer *ql = &w->q->layers[i];

	ql->in = w->value[l->in];
	ql->low = LOWEST;
	ql->high = HIGHEST;
	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_DWCONV:
	case OFA_OP_LINEAR:
		quantise_product(w, i, arrays);
		break;
	case OFA_OP_SE:
		quantise_gate(w, i, arrays);
		break;
	case OFA_OP_POOL:
		ql->out = seen_affine(w, &w->seen[i].out, -INFINITY, ql->in.scale / FINEST_STEP);
		ql->first = ofa_rescale_from(ql->in.scale / ((double)ql->out.scale * l->h_in * l->w_in));
		break;
	case OFA_OP_ADD:
		ql->added = w->value[l->residual];
		ql->out = seen_affine(w, &w->seen[i].out, -INFINITY, finest_sum(ql, ql->in));
		set_addition(ql, ql->in);
		set_clamp(ql, l->act);
		break;
	default: /* windowed pools */
		ql->out = ql->in;
	}
	w->value[l->out] = ql->out;
}

/* One scale for all channels, which the darkest and the brightest pixel of each lie in. */
static void quantise_input(struct work *w, const struct ofa_supernet *net)
{
	const int channels = net->space.input_channels;
	struct ofa_range r = {0, 0};
	struct ofa_affine in;

	for (int c = 0; c < channels; c++) {
		r.low = fminf(r.low, (0 - net->mean[c]) / net->std[c]);
		r.high = fmaxf(r.high, (1 - net->mean[c]) / net->std[c]);
	}
	in = affine(r, 0);
	for (int c = 0; c < channels; c++) {
		const double dark = -(double)net->mean[c] / net->std[c] / in.scale + in.zero;

		w->q->gain[c] = (int32_t)lround(PIXEL_STEPS / (255.0 * net->std[c] * in.scale));
		w->q->offset[c] = (int32_t)lround(PIXEL_STEPS * (dark + 0.5)); /* the division rounds down */
	}
	w->value[0] = in;
}

/* Points the layer's arrays into its storage. */
static void set_arrays(struct ofa_quantised_layer *ql, const struct ofa_quantised_arrays *arrays)
{
	ql->w = arrays->of_role[OFA_FMT_WEIGHT];
	ql->b = arrays->of_role[OFA_FMT_BIAS];
	ql->w2 = arrays->of_role[OFA_FMT_WEIGHT2];
	ql->b2 = arrays->of_role[OFA_FMT_BIAS2];
	ql->m = arrays->of_role[OFA_FMT_MULTIPLIER];
	ql->s = arrays->of_role[OFA_FMT_SHIFT];
	ql->m2 = arrays->of_role[OFA_FMT_MULTIPLIER2];
	ql->s2 = arrays->of_role[OFA_FMT_SHIFT2];
	ql->table = arrays->of_role[OFA_FMT_LOOKUP];
}

static enum ofa_status check(const struct ofa_subnet *sub, const struct ofa_quantise_options *opt,
			     struct ofa_error *err)
{
	if (opt->images < 0)
		return ofa_fail(err, OFA_ERR_INVALID, "images",
				"%d calibration images; it takes at least 1, or 0 for what suits their size",
				opt->images);
	if ((unsigned)opt->range >= OFA_RANGE_RULES || !(opt->cut >= 0 && opt->cut <= 0.5))
		return ofa_fail(err, OFA_ERR_INVALID, "range",
				"rule %d with a cut of %g; rules are 0 to %d, a cut is 0 to 0.5", (int)opt->range,
				opt->cut, OFA_RANGE_RULES - 1);
	for (int i = 0; i < sub->plan.n_layers; i++) {
		const struct ofa_layer *l = &sub->plan.layers[i];
		const int taps = l->op == OFA_OP_DWCONV ? l->k * l->k : l->k * l->k * l->c_in;

		if (taps > OFA_FMT_MAX_INT8_TAPS)
			return ofa_fail(err, OFA_ERR_LIMIT, "arch",
					"layer %d sums %d products; an int8 package takes at most %d", i, taps,
					OFA_FMT_MAX_INT8_TAPS);
	}
	return OFA_OK;
}

static bool has_range(const struct ofa_histogram *h)
{
	return isfinite(h->low) && isfinite(h->high);
}

static enum ofa_status check_seen(const struct ofa_plan *plan, const struct ofa_observed_layer *seen,
				  struct ofa_error *err)
{
	for (int i = 0; i < plan->n_layers; i++)
		if (!has_range(&seen[i].out) || !has_range(&seen[i].inner) || !has_range(&seen[i].added))
			return ofa_fail(err, OFA_ERR_INVALID, "arch",
					"layer %d (%s) overflows on the calibration images; its values have no range",
					i, ofa_op_name(plan->layers[i].op));
	return OFA_OK;
}

static enum ofa_status quantised_new(const struct ofa_plan *plan, uint8_t *storage, struct ofa_quantised **ret,
				     struct ofa_error *err)
{
	struct ofa_quantised *q = calloc(1, sizeof(*q));

	if (q) {
		q->plan = *plan;
		q->storage_bytes = ofa_quantised_bytes(plan);
		q->borrowed = storage != NULL;
		q->storage = storage ? storage : ofa_large_alloc(q->storage_bytes);
	}
	if (!q || !q->storage) {
		free(q);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for an int8 subnet");
	}
	memset(q->storage, 0, q->storage_bytes);
	*ret = q;
	return OFA_OK;
}

void ofa_quantised_free(struct ofa_quantised *q)
{
	if (q && !q->borrowed)
		free(q->storage);
	free(q);
}

/* Ranges from seen, numbers into w->q. */
static void quantise_all(struct work *w, const struct ofa_supernet *net)
{
	uint8_t *at = w->q->storage;

	quantise_input(w, net);
	for (int i = 0; i < w->q->plan.n_layers; i++) {
		struct ofa_quantised_arrays arrays;

		at += ofa_quantised_place(&w->q->plan.layers[i], at, &arrays);
		quantise_layer(w, i, &arrays);
		set_arrays(&w->q->layers[i], &arrays);
	}
}

/* A look at large images takes long, and each shows as much as many small ones. */
static int suitable_images(int image_size)
{
	const int n = LOOK_PIXELS / (image_size * image_size);

	return n < LEAST_IMAGES ? LEAST_IMAGES : n > MOST_IMAGES ? MOST_IMAGES : n;
}

/* What int8 is made from: sub and what is seen of it, both after equalisation where that is asked for; *ret_equal is
 * then an own copy, to be freed. */
static enum ofa_status look(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			    const struct ofa_quantise_options *opt, struct ofa_pool *pool,
			    struct ofa_subnet **ret_equal, struct ofa_observation *ret_seen, struct ofa_error *err)
{
	const int images = opt->images > 0 ? opt->images : suitable_images(sub->plan.arch.image_size);
	struct ofa_observation seen;
	enum ofa_status st = ofa_observe(net, sub, images, pool, &seen, err);

	if (st == OFA_OK && opt->equalise) {
		st = ofa_equalise(sub, &seen, ret_equal, err);
		ofa_observation_release(&seen);
		if (st == OFA_OK)
			st = ofa_observe(net, *ret_equal, images, pool, &seen, err);
	}
	if (st == OFA_OK)
		*ret_seen = seen;
	return st;
}

enum ofa_status ofa_quantise(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			     const struct ofa_quantise_options *opt, struct ofa_pool *pool, uint8_t *storage,
			     struct ofa_quantised **ret, struct ofa_error *err)
{
	struct work w = {.opt = opt ? opt : &ofa_quantise_default};
	struct ofa_observation seen = {NULL, NULL};
	struct ofa_subnet *equal = NULL;
	enum ofa_status st = check(sub, w.opt, err);

	if (st == OFA_OK)
		st = look(net, sub, w.opt, pool, &equal, &seen, err);
	if (st == OFA_OK)
		st = check_seen(&sub->plan, seen.layers, err);
	if (st == OFA_OK)
		st = quantised_new(&sub->plan, storage, &w.q, err);
	if (st == OFA_OK) {
		w.sub = equal ? equal : sub;
		w.seen = seen.layers;
		quantise_all(&w, net);
		*ret = w.q;
	}
	ofa_observation_release(&seen);
	ofa_subnet_free(equal);
	return st;
}

struct ofa_affine ofa_quantised_input_affine(const struct ofa_quantised *q)
{
	return q->layers[0].in;
}

struct ofa_affine ofa_quantised_output_affine(const struct ofa_quantised *q)
{
	return q->layers[q->plan.n_layers - 1].out;
}
