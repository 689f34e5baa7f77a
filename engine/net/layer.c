#include "net/layer.h"

#include <string.h>
#include "net/prepare.h"
#include "ops/depthwise.h"

static size_t framed_floats(const struct ofa_layer *l)
{
	return (size_t)(l->h_in + 2 * l->pad) * (l->w_in + 2 * l->pad) * l->c_in;
}

size_t ofa_layer_scratch(const struct ofa_layer *l, int count)
{
	if (l->op == OFA_OP_DWCONV)
		return OFA_DEPTHWISE_SCRATCH(l->h_in, l->w_in, l->pad);
	if (l->op == OFA_OP_CONV && l->pad > 0)
		return framed_floats(l);
	return l->op == OFA_OP_SE ? (size_t)count * ((size_t)l->c_in + l->hidden) : 0;
}

/* x (rows, c_in) times a matrix in panels. */
static void matrix(const struct ofa_kernels *kernels, const float *x, int rows, int c_in, const float *w,
		   const float *b, int c_out, enum ofa_act act, const float *res, float *y)
{
	struct ofa_panel_conv c = ofa_panel_product(x, rows, c_in, w, b, c_out, y);

	c.residual = res;
	c.act = act;
	kernels->conv(&c);
}

/* One image with the zeros around it that windows reach into. */
static const float *framed(const struct ofa_layer *l, const float *in, float *scratch)
{
	const size_t row = (size_t)l->w_in * l->c_in, side = (size_t)l->pad * l->c_in, pitch = row + 2 * side;
	float *at = scratch + (size_t)l->pad * pitch + side;

	if (l->pad == 0)
		return in;
	memset(scratch, 0, (at - scratch) * sizeof *scratch);
	for (int y = 0; y < l->h_in; y++, in += row, at += pitch) {
		memcpy(at, in, row * sizeof *at);
		memset(at + row, 0, 2 * side * sizeof *at);
	}
	memset(at, 0, (scratch + framed_floats(l) - at) * sizeof *at);
	return scratch;
}

static void conv_windows(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer;
	const size_t pitch = (size_t)(l->w_in + 2 * l->pad) * l->c_in, stride = (size_t)l->stride;
	const size_t in_map = (size_t)l->h_in * l->w_in * l->c_in, out_map = (size_t)l->h_out * l->w_out * l->c_out;
	const float *in = r->in;
	float *out = r->out;

	for (int i = 0; i < r->count; i++, in += in_map, out += out_map) {
		r->kernels->conv(&(struct ofa_panel_conv){
			.x = framed(l, in, r->scratch),
			.x_line = stride * pitch,
			.x_pixel = stride * l->c_in,
			.x_row = pitch,
			.rows = l->k,
			.taps = l->k * l->c_in,
			.w = r->weights->w,
			.bias = r->weights->b,
			.residual = r->residual ? r->residual + (size_t)i * out_map : NULL,
			.y = out,
			.y_line = (size_t)l->w_out * l->c_out,
			.y_pixel = (size_t)l->c_out,
			.y_channel = 1,
			.lines = l->h_out,
			.pixels = l->w_out,
			.c_out = l->c_out,
			.act = l->act,
		});
	}
}

static void conv(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer;

	if (l->k == 1 && l->stride == 1)
		matrix(r->kernels, r->in, r->count * l->h_out * l->w_out, l->c_in, r->weights->w, r->weights->b,
		       l->c_out, l->act, r->residual, r->out);
	else
		conv_windows(r);
}

static void depthwise(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer, *expand = r->expand;
	const int c_in = expand ? expand->c_in : l->c_in;
	const size_t in_map = (size_t)l->h_in * l->w_in * c_in, out_map = (size_t)l->h_out * l->w_out * l->c_out;
	const float *in = r->in;
	float *out = r->out;
	struct ofa_panel_conv conv;
	struct ofa_depthwise d;

	ofa_depthwise_forward(l->k, l->stride, l->h_in, l->w_in, l->c_out, &d);
	d.act = l->act;
	for (int i = 0; i < r->count; i++, in += in_map, out += out_map) {
		struct ofa_depthwise_map m = {
			.h = l->h_in,
			.w = l->w_in,
			.c = l->c_out,
			.pad = l->pad,
			.kk = l->k * l->k,
			.w_panels = r->weights->w,
			.bias = r->weights->b,
			.planes = r->scratch,
			.y = out,
			.sum = r->sums + (size_t)i * l->c_out,
		};

		if (expand) {
			conv = (struct ofa_panel_conv){
				.x = in,
				.x_line = (size_t)expand->w_in * c_in,
				.x_pixel = (size_t)c_in,
				.rows = 1,
				.taps = c_in,
				.w = r->expand_weights->w,
				.bias = r->expand_weights->b,
				.lines = expand->h_out,
				.pixels = expand->w_out,
				.c_out = expand->c_out,
				.act = expand->act,
			};
			m.expand = &conv;
		} else {
			m.x = in;
		}
		r->kernels->depthwise_map(&d, &m);
	}
}

/* Images together, so that the weights are read once. */
static void squeeze_excite(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer;
	const struct ofa_layer_weights *lw = r->weights;
	const int hw = l->h_in * l->w_in, c = l->c_in, hid = l->hidden;
	const size_t map = (size_t)hw * c, all = (size_t)r->count * c;
	float *gate = r->scratch, *hidden = gate + all, *mean = r->sums;

	if (!r->summed) {
		memset(mean, 0, all * sizeof *mean);
		for (int i = 0; i < r->count; i++)
			r->kernels->column_sum(r->out + (size_t)i * map, hw, c, mean + (size_t)i * c);
	}
	for (size_t i = 0; i < all; i++)
		mean[i] *= 1.0f / (float)hw;
	matrix(r->kernels, mean, r->count, c, lw->w, lw->b, hid, OFA_ACT_RELU, NULL, hidden);
	matrix(r->kernels, hidden, r->count, hid, lw->w2, lw->b2, c, OFA_ACT_HSIGMOID, NULL, gate);
	for (int i = 0; i < r->count; i++)
		r->kernels->scale_columns(r->out + (size_t)i * map, hw, c, gate + (size_t)i * c);
}

static void average(const struct ofa_layer_run *r)
{
	const int hw = r->layer->h_in * r->layer->w_in, c = r->layer->c_in;
	const float *in = r->in;
	float *out = r->out;

	for (int i = 0; i < r->count; i++, in += (size_t)hw * c, out += c) {
		memset(out, 0, (size_t)c * sizeof *out);
		r->kernels->column_sum(in, hw, c, out);
		for (int k = 0; k < c; k++)
			out[k] *= 1.0f / (float)hw;
	}
}

static void pool_windows(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer;
	const struct ofa_window p = ofa_layer_window(l);
	const float *in = r->in;
	float *out = r->out;

	for (int i = 0; i < r->count; i++) {
		if (l->op == OFA_OP_MAX_POOL)
			ofa_pool_max(r->kernels, &p, in, out);
		else
			ofa_pool_average(r->kernels, &p, in, out);
		in += (size_t)l->h_in * l->w_in * l->c_in;
		out += (size_t)l->h_out * l->w_out * l->c_out;
	}
}

void ofa_layer_run(const struct ofa_layer_run *r)
{
	const struct ofa_layer *l = r->layer;

	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_LINEAR:
		conv(r);
		break;
	case OFA_OP_DWCONV:
		depthwise(r);
		break;
	case OFA_OP_SE:
		squeeze_excite(r);
		break;
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
		pool_windows(r);
		break;
	case OFA_OP_ADD:
		r->kernels->sum_rows((const float *[]){r->in, r->residual}, 2,
				     r->count * l->h_out * l->w_out * l->c_out, l->act, r->out);
		break;
	default:
		average(r);
	}
}
