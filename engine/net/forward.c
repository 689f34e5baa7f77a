/* Inference on an extracted subnet.  Every thread takes its own images, a few at a time through all layers, so that
 * activations stay in its cache. */
#include "net/subnet.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "net/prepare.h"
#include "ops/depthwise.h"
#include "ops/kernels.h"

#define VALUE_BUFFERS 4 /* input, output and a residual live at once; one to spare */
#define CHUNK_FLOATS ((size_t)128 << 10)

struct job {
	const struct ofa_subnet *sub;
	const struct ofa_kernels *kernels;
	const float *x;
	float *logits;
	int n, chunk;
	size_t scratch_floats, sum_floats;
	bool expands[OFA_PLAN_MAX_LAYERS];      /* this layer is computed inside the next one */
	int buffer_of[OFA_PLAN_MAX_LAYERS + 1]; /* by value; -1: the input itself */
	size_t buffer_floats[VALUE_BUFFERS];
	atomic_bool out_of_memory;
};

/* One thread's memory. */
struct work {
	float *value[VALUE_BUFFERS], *scratch;
	float *sums; /* of each image's channels, after a depthwise layer */
};

static size_t round16(size_t n)
{
	return (n + 15) / 16 * 16;
}

static size_t value_floats(const struct ofa_value *v)
{
	return (size_t)v->h * v->w * v->c;
}

static size_t framed_floats(const struct ofa_layer *l)
{
	return (size_t)(l->h_in + 2 * l->pad) * (l->w_in + 2 * l->pad) * l->c_in;
}

/* For a chunk of `count` images. */
static size_t layer_scratch(const struct ofa_layer *l, int count)
{
	if (l->op == OFA_OP_DWCONV)
		return OFA_DEPTHWISE_SCRATCH(l->h_in, l->w_in, l->pad);
	if (l->op == OFA_OP_CONV && l->pad > 0)
		return framed_floats(l);
	return l->op == OFA_OP_SE ? (size_t)count * ((size_t)l->c_in + l->hidden) : 0;
}

/* A pointwise layer before a depthwise one, alone in reading it, and of a map wide enough to be computed line by
 * line. */
static bool expands(const struct job *j, const struct ofa_plan *p, int i)
{
	const struct ofa_layer *l = &p->layers[i], *next = l + 1;

	return i + 1 < p->n_layers && l->op == OFA_OP_CONV && l->k == 1 && l->stride == 1 && l->residual < 0 &&
	       l->c_out % OFA_WEIGHT_PANEL == 0 && l->w_out >= 2 * j->kernels->few_pixels &&
	       next->op == OFA_OP_DWCONV && next->in == l->out && p->values[l->out].last_layer == i + 1;
}

/* A value takes the first buffer whose value nobody reads any more; one that exists nowhere as a whole takes none. */
static void assign_buffers(struct job *j, const struct ofa_plan *p)
{
	int busy_until[VALUE_BUFFERS];

	memset(busy_until, -1, sizeof busy_until);
	j->buffer_of[0] = -1;
	for (int i = 0; i < p->n_layers; i++)
		j->expands[i] = expands(j, p, i);
	for (int v = 1; v < p->n_values; v++) {
		const struct ofa_value *value = &p->values[v];
		const size_t floats = round16(value_floats(value) * (size_t)j->chunk);

		for (int i = 0; i < VALUE_BUFFERS && !j->expands[value->first_layer]; i++) {
			if (busy_until[i] >= value->first_layer)
				continue;
			j->buffer_of[v] = i;
			busy_until[i] = value->last_layer + j->expands[value->last_layer];
			if (floats > j->buffer_floats[i])
				j->buffer_floats[i] = floats;
			break;
		}
	}
}

/* x (rows, c_in) times a matrix in panels. */
static void matrix(const struct job *j, const float *x, int rows, int c_in, const float *w, const float *b, int c_out,
		   enum ofa_act act, const float *res, float *y)
{
	j->kernels->conv(&(struct ofa_panel_conv){
		.x = x,
		.x_pixel = (size_t)c_in,
		.rows = 1,
		.taps = c_in,
		.w = w,
		.bias = b,
		.residual = res,
		.y = y,
		.y_pixel = (size_t)c_out,
		.y_channel = 1,
		.lines = 1,
		.pixels = rows,
		.c_out = c_out,
		.act = act,
	});
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

static void conv_windows(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw,
			 const float *in, const float *res, float *out, int count, float *scratch)
{
	const size_t pitch = (size_t)(l->w_in + 2 * l->pad) * l->c_in, stride = (size_t)l->stride;
	const size_t in_map = (size_t)l->h_in * l->w_in * l->c_in, out_map = (size_t)l->h_out * l->w_out * l->c_out;

	for (int i = 0; i < count; i++, in += in_map, out += out_map) {
		j->kernels->conv(&(struct ofa_panel_conv){
			.x = framed(l, in, scratch),
			.x_line = stride * pitch,
			.x_pixel = stride * l->c_in,
			.x_row = pitch,
			.rows = l->k,
			.taps = l->k * l->c_in,
			.w = lw->w,
			.bias = lw->b,
			.residual = res ? res + (size_t)i * out_map : NULL,
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

static void conv(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw, const float *in,
		 const float *res, float *out, int count, float *scratch)
{
	if (l->k == 1 && l->stride == 1)
		matrix(j, in, count * l->h_out * l->w_out, l->c_in, lw->w, lw->b, l->c_out, l->act, res, out);
	else
		conv_windows(j, l, lw, in, res, out, count, scratch);
}

/* expand: the layer before, if it is computed inside this one; `in` is its input then. */
static void depthwise(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw,
		      const struct ofa_layer *expand, const float *in, float *out, int count, struct work *work)
{
	const int c_in = expand ? expand->c_in : l->c_in;
	const size_t in_map = (size_t)l->h_in * l->w_in * c_in, out_map = (size_t)l->h_out * l->w_out * l->c_out;
	struct ofa_panel_conv conv;
	struct ofa_depthwise d;

	ofa_depthwise_forward(l->k, l->stride, l->h_in, l->w_in, l->c_out, &d);
	d.act = l->act;
	for (int i = 0; i < count; i++, in += in_map, out += out_map) {
		struct ofa_depthwise_map m = {
			.h = l->h_in,
			.w = l->w_in,
			.c = l->c_out,
			.pad = l->pad,
			.kk = l->k * l->k,
			.w_panels = lw->w,
			.bias = lw->b,
			.planes = work->scratch,
			.y = out,
			.sum = work->sums + (size_t)i * l->c_out,
		};

		if (expand) {
			conv = (struct ofa_panel_conv){
				.x = in,
				.x_line = (size_t)expand->w_in * c_in,
				.x_pixel = (size_t)c_in,
				.rows = 1,
				.taps = c_in,
				.w = lw[-1].w,
				.bias = lw[-1].b,
				.lines = expand->h_out,
				.pixels = expand->w_out,
				.c_out = expand->c_out,
				.act = expand->act,
			};
			m.expand = &conv;
		} else {
			m.x = in;
		}
		j->kernels->depthwise_map(&d, &m);
	}
}

/* Images together, so that the weights are read once.  The sums are those of the depthwise layer before. */
static void squeeze_excite(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw, float *x,
			   int count, struct work *work)
{
	const int hw = l->h_in * l->w_in, c = l->c_in, hid = l->hidden;
	const size_t map = (size_t)hw * c, all = (size_t)count * c;
	float *gate = work->scratch, *hidden = gate + all, *mean = work->sums;

	if (l[-1].op != OFA_OP_DWCONV) {
		memset(mean, 0, all * sizeof *mean);
		for (int i = 0; i < count; i++)
			j->kernels->column_sum(x + (size_t)i * map, hw, c, mean + (size_t)i * c);
	}
	for (size_t i = 0; i < all; i++)
		mean[i] *= 1.0f / (float)hw;
	matrix(j, mean, count, c, lw->w, lw->b, hid, OFA_ACT_RELU, NULL, hidden);
	matrix(j, hidden, count, hid, lw->w2, lw->b2, c, OFA_ACT_HSIGMOID, NULL, gate);
	for (int i = 0; i < count; i++)
		j->kernels->scale_columns(x + (size_t)i * map, hw, c, gate + (size_t)i * c);
}

static void average(const struct job *j, const struct ofa_layer *l, const float *in, float *out, int count)
{
	int hw = l->h_in * l->w_in, c = l->c_in;

	for (int i = 0; i < count; i++, in += (size_t)hw * c, out += c) {
		memset(out, 0, (size_t)c * sizeof *out);
		j->kernels->column_sum(in, hw, c, out);
		for (int k = 0; k < c; k++)
			out[k] *= 1.0f / (float)hw;
	}
}

static void pool_windows(const struct job *j, const struct ofa_layer *l, const float *in, float *out, int count)
{
	const struct ofa_window p = ofa_layer_window(l);

	for (int i = 0; i < count; i++) {
		if (l->op == OFA_OP_MAX_POOL)
			ofa_pool_max(j->kernels, &p, in, out);
		else
			ofa_pool_average(j->kernels, &p, in, out);
		in += (size_t)l->h_in * l->w_in * l->c_in;
		out += (size_t)l->h_out * l->w_out * l->c_out;
	}
}

static void run_chunk(const struct job *j, struct work *w, int first, int count)
{
	const struct ofa_plan *p = &j->sub->plan;
	const float *x = j->x + (size_t)first * value_floats(&p->values[0]);

	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i], *expand = i > 0 && j->expands[i - 1] ? l - 1 : NULL;
		const struct ofa_layer_weights *lw = &j->sub->weights[i];
		const int read = expand ? expand->in : l->in;
		const float *in = j->buffer_of[read] < 0 ? x : w->value[j->buffer_of[read]];
		float *out =
			i == p->n_layers - 1 ? j->logits + (size_t)first * p->classes : w->value[j->buffer_of[l->out]];
		const float *res = l->residual < 0                 ? NULL
				   : j->buffer_of[l->residual] < 0 ? x
								   : w->value[j->buffer_of[l->residual]];

		if (j->expands[i])
			continue;
		switch (l->op) {
		case OFA_OP_CONV:
		case OFA_OP_LINEAR:
			conv(j, l, lw, in, res, out, count, w->scratch);
			break;
		case OFA_OP_DWCONV:
			depthwise(j, l, lw, expand, in, out, count, w);
			break;
		case OFA_OP_SE:
			squeeze_excite(j, l, lw, out, count, w);
			break;
		case OFA_OP_MAX_POOL:
		case OFA_OP_AVERAGE_POOL:
			pool_windows(j, l, in, out, count);
			break;
		case OFA_OP_ADD:
			j->kernels->sum_rows((const float *[]){in, res}, 2, count * l->h_out * l->w_out * l->c_out,
					     l->act, out);
			break;
		default:
			average(j, l, in, out, count);
		}
	}
}

static void run_thread(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	struct work w;
	size_t begin, end, total = j->scratch_floats + j->sum_floats;
	float *mem;

	ofa_pool_part((size_t)j->n, t, threads, &begin, &end);
	if (begin == end)
		return;
	for (int i = 0; i < VALUE_BUFFERS; i++)
		total += j->buffer_floats[i];
	mem = ofa_large_alloc(total * sizeof *mem);
	if (!mem) {
		atomic_store(&j->out_of_memory, true);
		return;
	}
	w.scratch = mem;
	w.sums = w.scratch + j->scratch_floats;
	w.value[0] = w.sums + j->sum_floats;
	for (int i = 1; i < VALUE_BUFFERS; i++)
		w.value[i] = w.value[i - 1] + j->buffer_floats[i - 1];
	for (size_t i = begin; i < end; i += (size_t)j->chunk)
		run_chunk(j, &w, (int)i, end - i < (size_t)j->chunk ? (int)(end - i) : j->chunk);
	free(mem);
}

enum ofa_status ofa_subnet_forward(const struct ofa_subnet *sub, const float *x, int n, struct ofa_pool *pool,
				   float *logits, struct ofa_error *err)
{
	const struct ofa_plan *p = &sub->plan;
	struct job j = {.sub = sub, .kernels = ofa_kernels(), .x = x, .logits = logits, .n = n};
	size_t map = 1;

	for (int i = 1; i < p->n_values; i++)
		map = value_floats(&p->values[i]) > map ? value_floats(&p->values[i]) : map;
	j.chunk = (int)(CHUNK_FLOATS / (2 * map));
	j.chunk = j.chunk < 1 ? 1 : j.chunk > n ? n : j.chunk;
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		size_t scratch = round16(layer_scratch(l, j.chunk)), sums = round16((size_t)j.chunk * l->c_out);

		j.scratch_floats = scratch > j.scratch_floats ? scratch : j.scratch_floats;
		j.sum_floats = sums > j.sum_floats ? sums : j.sum_floats;
	}
	assign_buffers(&j, p);
	ofa_pool_run(pool, run_thread, &j);
	if (atomic_load(&j.out_of_memory))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to run a subnet");
	return OFA_OK;
}
