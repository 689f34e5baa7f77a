#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "export/graph.h"
#include "pack/bytes.h"

/* One stored array, with the logical dimensions of a layer. */
struct stored {
	const uint8_t *data;
	uint32_t type, layout;
	uint32_t n, k, c; /* outputs, side of the window, inputs per output */
};

static bool find_tensor(const struct ofa_export_graph *g, const struct ofa_export_op *op, enum ofa_fmt_role role,
			struct stored *ret)
{
	for (uint32_t i = op->first_tensor; i < op->first_tensor + op->n_tensors; i++) {
		const uint8_t *r = g->model.data + g->model.tensor_offset + (size_t)i * OFA_FMT_TENSOR_BYTES;

		if (r[OFA_FMT_TENSOR_ROLE] == role) {
			*ret = (struct stored){.data = g->model.data + ofa_get_u32(r + OFA_FMT_TENSOR_OFFSET),
					       .type = r[OFA_FMT_TENSOR_TYPE],
					       .layout = r[OFA_FMT_TENSOR_LAYOUT]};
			return true;
		}
	}
	return false;
}

static void set_shape(const struct ofa_export_graph *g, const struct ofa_export_op *op, enum ofa_fmt_role role,
		      struct stored *w)
{
	const uint32_t c = g->values[op->in].c;
	const bool expand = role == OFA_FMT_WEIGHT2;

	w->k = op->k;
	w->n = g->values[op->out].c;
	w->c = op->kind == OFA_FMT_DWCONV ? 1 : c;
	if (op->kind == OFA_FMT_SE) {
		w->n = expand ? c : op->hidden;
		w->c = expand ? op->hidden : c;
	}
}

/* Index of a weight in its stored layout; tap = row of the window x k + column. */
static size_t stored_index(const struct stored *w, uint32_t o, uint32_t tap, uint32_t i)
{
	const size_t panel = o / OFA_FMT_PANEL, lane = o % OFA_FMT_PANEL;
	const size_t width = (size_t)w->k * w->c, at = (size_t)(tap % w->k) * w->c + i;
	size_t quads, quad;

	if (w->layout == OFA_FMT_PLAIN) /* depthwise, (k, k, c) */
		return (size_t)tap * w->n + o;
	if (w->layout == OFA_FMT_PANELS)
		return (panel * w->k * width + (size_t)(tap / w->k) * width + at) * OFA_FMT_PANEL + lane;
	quads = (width + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD;
	quad = (size_t)(tap / w->k) * quads + at / OFA_FMT_QUAD;
	return ((panel * w->k * quads + quad) * OFA_FMT_PANEL + lane) * OFA_FMT_QUAD + at % OFA_FMT_QUAD;
}

static size_t ordered_index(const struct stored *w, enum ofa_export_order order, uint32_t o, uint32_t tap, uint32_t i)
{
	const size_t taps = (size_t)w->k * w->k;

	switch (order) {
	case OFA_EXPORT_OUT_WINDOW_IN:
		return (o * taps + tap) * w->c + i;
	case OFA_EXPORT_OUT_IN_WINDOW:
		return ((size_t)o * w->c + i) * taps + tap;
	case OFA_EXPORT_IN_WINDOW_OUT:
		break;
	}
	return (i * taps + tap) * w->n + o;
}

/* IEEE 754 binary16, widened; exact. */
static float half_to_float(const uint8_t *p)
{
	const int bits = p[0] | p[1] << 8, exponent = bits >> 10 & 31, fraction = bits & 1023;
	const float magnitude = exponent == 0    ? ldexpf((float)fraction, -24)
				: exponent == 31 ? (fraction ? NAN : INFINITY)
						 : ldexpf((float)(1024 + fraction), exponent - 25);

	return bits & 0x8000 ? -magnitude : magnitude;
}

static void copy_element(const struct stored *from, size_t at, void *to, size_t index)
{
	const uint8_t *p = from->data;

	switch (from->type) {
	case OFA_FMT_INT8:
		((int8_t *)to)[index] = (int8_t)p[at];
		break;
	case OFA_FMT_FLOAT16:
		((float *)to)[index] = half_to_float(p + 2 * at);
		break;
	default:
		memcpy((uint8_t *)to + 4 * index, p + 4 * at, 4);
		break;
	}
}

static void copy_weight(const struct stored *w, enum ofa_export_order order, void *to)
{
	for (uint32_t o = 0; o < w->n; o++) {
		for (uint32_t tap = 0; tap < w->k * w->k; tap++) {
			for (uint32_t i = 0; i < w->c; i++)
				copy_element(w, stored_index(w, o, tap, i), to, ordered_index(w, order, o, tap, i));
		}
	}
}

static int32_t get_i32(const struct stored *t, size_t i)
{
	return (int32_t)ofa_get_u32(t->data + 4 * i);
}

/* The true bias, from the folded one; wraps around as the kernels' sums do. */
static int32_t unfold(const struct stored *w, const struct stored *bias, uint32_t o, int zero)
{
	uint32_t sum = 0;

	for (uint32_t tap = 0; tap < w->k * w->k; tap++) {
		for (uint32_t i = 0; i < w->c; i++)
			sum += (uint32_t)(int8_t)w->data[stored_index(w, o, tap, i)];
	}
	return (int32_t)((uint32_t)get_i32(bias, o) + (uint32_t)zero * sum);
}

/* The weights' scale is nowhere but in the multiplier.  A channel whose multiplier is 0 is constant: it becomes one
 * without weights. */
static enum ofa_status set_scale(struct ofa_export_layer *l, uint32_t o, enum ofa_export_order order, double factor,
				 const struct ofa_affine *in, const struct ofa_affine *out, struct ofa_error *err)
{
	const size_t step = order == OFA_EXPORT_IN_WINDOW_OUT ? l->n : 1;
	const size_t first = order == OFA_EXPORT_IN_WINDOW_OUT ? o : (size_t)o * l->taps * l->c;
	double scale = factor * (double)out->scale / (double)in->scale;

	if (factor == 0.0) {
		for (size_t i = 0; i < (size_t)l->taps * l->c; i++)
			((int8_t *)l->weight)[first + i * step] = 0;
		((int32_t *)l->bias)[o] = 0;
		scale = 1.0;
	}
	l->weight_scale[o] = (float)scale;
	l->bias_scale[o] = (float)(scale * (double)in->scale);
	if (!isnormal(l->weight_scale[o]) || !isnormal(l->bias_scale[o]))
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL,
				"the scale of channel %u, %g, has no float32 of full precision", o, scale);
	return OFA_OK;
}

static void product_affines(const struct ofa_export_graph *g, const struct ofa_export_op *op, enum ofa_fmt_role role,
			    struct ofa_affine *ret_in, struct ofa_affine *ret_out)
{
	*ret_in = g->values[op->in].affine;
	*ret_out = ofa_export_product_affine(g, op);
	if (op->kind == OFA_FMT_SE) {
		*ret_in = role == OFA_FMT_WEIGHT ? op->mean : op->inner;
		*ret_out = role == OFA_FMT_WEIGHT ? op->inner : ofa_export_gate_affine();
	}
}

static enum ofa_status set_scales(const struct ofa_export_graph *g, const struct ofa_export_op *op,
				  enum ofa_fmt_role role, enum ofa_export_order order, const struct stored *w,
				  const struct stored *bias, struct ofa_export_layer *l, struct ofa_error *err)
{
	const bool first = role == OFA_FMT_WEIGHT;
	struct stored multiplier, shift;
	struct ofa_affine in, out;
	enum ofa_status st = OFA_OK;

	if (!find_tensor(g, op, first ? OFA_FMT_MULTIPLIER : OFA_FMT_MULTIPLIER2, &multiplier) ||
	    !find_tensor(g, op, first ? OFA_FMT_SHIFT : OFA_FMT_SHIFT2, &shift))
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "operation %td has no multipliers", op - g->ops);
	product_affines(g, op, role, &in, &out);
	for (uint32_t o = 0; st == OFA_OK && o < l->n; o++) {
		((int32_t *)l->bias)[o] = unfold(w, bias, o, in.zero);
		st = set_scale(l, o, order, ldexp(get_i32(&multiplier, o), get_i32(&shift, o) - 31), &in, &out, err);
	}
	return st;
}

enum ofa_status ofa_export_layer_init(const struct ofa_export_graph *g, const struct ofa_export_op *op,
				      enum ofa_fmt_role role, enum ofa_export_order order, struct ofa_export_layer *ret,
				      struct ofa_error *err)
{
	const bool quantised = g->precision == OFA_INT8;
	struct stored w, bias;
	struct ofa_export_layer l = {.n = 0};
	enum ofa_status st = OFA_OK;

	if (!find_tensor(g, op, role, &w) ||
	    !find_tensor(g, op, role == OFA_FMT_WEIGHT ? OFA_FMT_BIAS : OFA_FMT_BIAS2, &bias))
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "operation %td has no weights", op - g->ops);
	set_shape(g, op, role, &w);
	l.n = w.n;
	l.taps = w.k * w.k;
	l.c = w.c;
	l.weight = calloc((size_t)l.n * l.taps * l.c, quantised ? sizeof(int8_t) : sizeof(float));
	l.bias = calloc(l.n, sizeof(float));
	l.weight_scale = quantised ? calloc(l.n, sizeof(float)) : NULL;
	l.bias_scale = quantised ? calloc(l.n, sizeof(float)) : NULL;
	if (!l.weight || !l.bias || (quantised && (!l.weight_scale || !l.bias_scale)))
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (st == OFA_OK)
		copy_weight(&w, order, l.weight);
	for (uint32_t o = 0; st == OFA_OK && !quantised && o < l.n; o++)
		copy_element(&bias, o, l.bias, o);
	if (st == OFA_OK && quantised)
		st = set_scales(g, op, role, order, &w, &bias, &l, err);
	if (st == OFA_OK)
		*ret = l;
	else
		ofa_export_layer_release(&l);
	return st;
}

void ofa_export_layer_release(struct ofa_export_layer *l)
{
	free(l->weight);
	free(l->bias);
	free(l->weight_scale);
	free(l->bias_scale);
	*l = (struct ofa_export_layer){.n = 0};
}
