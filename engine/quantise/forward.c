/* int8 inference, layer by layer on whole tensors.  Every thread takes its own images, one at a time. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "quantise/kernels.h"
#include "quantise/layout.h"
#include "quantise/rescale.h"

#define MOST_PIXELS 64

struct job {
	const struct ofa_quantised *q;
	const struct ofa_quantised_kernels *kernels;
	const int8_t *x;
	int8_t *logits;
	int n;
	size_t value_at[OFA_PLAN_MAX_LAYERS + 1], frame_at, gates_at, sums_at, bytes;
	atomic_bool out_of_memory;
};

/* One thread's memory. */
struct work {
	int8_t *values; /* each at value_at */
	int8_t *frame;  /* an input with what windows reach into around it */
	int8_t *gates;  /* SE: means, hidden units, gates */
	int32_t *sums;  /* of a row of the output, or of all channels */
};

static size_t map_bytes(const struct ofa_value *v)
{
	return (size_t)v->h * (size_t)v->w * (size_t)v->c;
}

static size_t round64(size_t n)
{
	return (n + 63) / 64 * 64;
}

static size_t panels(int n)
{
	return ((size_t)n + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL * OFA_FMT_PANEL;
}

/* The input with a frame of its zero point. */
static const int8_t *framed(const struct ofa_layer *l, int zero, const int8_t *in, int8_t *frame)
{
	const size_t row = (size_t)l->w_in * (size_t)l->c_in, side = (size_t)l->pad * (size_t)l->c_in;
	const size_t pitch = row + 2 * side;

	if (l->pad == 0)
		return in;
	memset(frame, zero, (size_t)(l->h_in + 2 * l->pad) * pitch);
	for (int y = 0; y < l->h_in; y++)
		memcpy(frame + (size_t)(y + l->pad) * pitch + side, in + (size_t)y * row, row);
	return frame;
}

static void look_up(const int8_t *table, size_t n, int8_t *x)
{
	for (size_t i = 0; i < n; i++)
		x[i] = table[x[i] + 128];
}

/* The sums of `pixels` neighbouring outputs whose windows begin at x. */
static void sum_windows(const struct job *j, const struct ofa_layer *l, const struct ofa_quantised_layer *ql,
			const int8_t *x, int pixels, int32_t *sums)
{
	const size_t pixel = (size_t)l->c_in, row = (size_t)(l->w_in + 2 * l->pad) * pixel;

	if (l->op == OFA_OP_DWCONV)
		j->kernels->depthwise(&(struct ofa_int8_depthwise){
			.x = x,
			.x_pixel = (size_t)l->stride * pixel,
			.x_row = row,
			.k = l->k,
			.c = l->c_in,
			.w = ql->w,
			.bias = ql->b,
			.pixels = pixels,
			.sum = sums,
		});
	else
		j->kernels->product(&(struct ofa_int8_product){
			.x = x,
			.x_pixel = (size_t)l->stride * pixel,
			.x_row = row,
			.rows = l->k,
			.quads = (int)(ofa_quads_width(l->k * l->c_in) / OFA_FMT_QUAD),
			.w = ql->w,
			.bias = ql->b,
			.pixels = pixels,
			.outputs = l->c_out,
			.sum = sums,
		});
}

/* Neighbouring outputs whose windows begin at x; added: the values to add to them, or NULL. */
static void run_windows(const struct job *j, int layer, const int8_t *x, const int8_t *added, int pixels,
			int32_t *sums, int8_t *out)
{
	const struct ofa_layer *l = &j->q->plan.layers[layer];
	const struct ofa_quantised_layer *ql = &j->q->layers[layer];
	const size_t n = (size_t)pixels * (size_t)l->c_out;

	sum_windows(j, l, ql, x, pixels, sums);
	j->kernels->rescale(&(struct ofa_int8_rescale){
		.sum = sums,
		.pitch = l->op == OFA_OP_DWCONV ? (size_t)l->c_out : panels(l->c_out),
		.rows = pixels,
		.c = l->c_out,
		.m = ql->m,
		.s = ql->s,
		.zero = ql->table || added ? ql->inner.zero : ql->out.zero,
		.low = added ? -128 : ql->low,
		.high = added ? 127 : ql->high,
		.y = out,
	});
	if (added)
		j->kernels->add(ql, ql->inner, added, n, out);
	if (ql->table)
		look_up(ql->table, n, out);
}

/* Pixels that are computed together: a row, or as many as fit, where windows are single pixels side by side. */
static int run_length(const struct ofa_layer *l)
{
	return l->k == 1 && l->stride == 1 && l->w_out < MOST_PIXELS ? MOST_PIXELS : l->w_out;
}

static void run_product(const struct job *j, const struct work *w, int i, const int8_t *in, const int8_t *added,
			int8_t *out)
{
	const struct ofa_layer *l = &j->q->plan.layers[i];
	const size_t pitch = (size_t)(l->w_in + 2 * l->pad) * (size_t)l->c_in;
	const int8_t *x = framed(l, j->q->layers[i].in.zero, in, w->frame);
	const int all = l->h_out * l->w_out, run = run_length(l);

	for (int p = 0; p < all; p += run) {
		const size_t at = (size_t)p * (size_t)l->c_out;
		const int8_t *from = l->k == 1 && l->stride == 1
					     ? x + (size_t)p * (size_t)l->c_in
					     : x + (size_t)(p / l->w_out) * (size_t)l->stride * pitch;

		run_windows(j, i, from, added ? added + at : NULL, all - p < run ? all - p : run, w->sums, out + at);
	}
}

/* The mean over all pixels of each channel. */
static void mean(const struct ofa_layer *l, const struct ofa_quantised_layer *ql, const int8_t *x,
		 struct ofa_affine out, int32_t low, int32_t high, int32_t *sums, int8_t *y)
{
	const int pixels = l->h_in * l->w_in, c = l->c_in;

	memset(sums, 0, (size_t)c * sizeof(*sums));
	for (int p = 0; p < pixels; p++, x += c)
		for (int i = 0; i < c; i++)
			sums[i] += x[i] - ql->in.zero;
	for (int i = 0; i < c; i++)
		y[i] = (int8_t)ofa_clamp(ofa_rescale_apply(sums[i], ql->first) + out.zero, low, high);
}

static void squeeze_excite(const struct job *j, const struct work *w, int i, int8_t *x)
{
	const struct ofa_layer *l = &j->q->plan.layers[i];
	const struct ofa_quantised_layer *ql = &j->q->layers[i];
	int8_t *means = w->gates, *hidden = means + round64((size_t)l->c_in) + OFA_INT8_SLACK;
	int8_t *gates = hidden + round64((size_t)l->hidden) + OFA_INT8_SLACK;
	struct ofa_int8_product product = {
		.x = means,
		.rows = 1,
		.quads = (int)(ofa_quads_width(l->c_in) / OFA_FMT_QUAD),
		.w = ql->w,
		.bias = ql->b,
		.pixels = 1,
		.outputs = l->hidden,
		.sum = w->sums,
	};
	struct ofa_int8_rescale rescale = {
		.sum = w->sums,
		.rows = 1,
		.c = l->hidden,
		.m = ql->m,
		.s = ql->s,
		.zero = ql->inner.zero,
		.low = ql->inner.zero, /* ReLU */
		.high = 127,
		.y = hidden,
	};

	mean(l, ql, x, ql->added, -128, 127, w->sums, means);
	j->kernels->product(&product);
	j->kernels->rescale(&rescale);
	product.x = hidden;
	product.quads = (int)(ofa_quads_width(l->hidden) / OFA_FMT_QUAD);
	product.w = ql->w2;
	product.bias = ql->b2;
	product.outputs = rescale.c = l->c_in;
	rescale.m = ql->m2;
	rescale.s = ql->s2;
	rescale.zero = rescale.low = -128;
	rescale.y = gates;
	j->kernels->product(&product);
	j->kernels->rescale(&rescale);
	j->kernels->gate(ql, gates, l->h_in * l->w_in, l->c_in, x);
}

/* One channel of one window, cut to what lies inside the input. */
static int8_t pool_window(const struct ofa_layer *l, const int8_t *in, int y, int x, int c)
{
	const int y0 = y * l->stride - l->pad, x0 = x * l->stride - l->pad;
	int count = 0, sum = 0, most = -128;

	for (int iy = y0 < 0 ? 0 : y0; iy < y0 + l->k && iy < l->h_in; iy++)
		for (int ix = x0 < 0 ? 0 : x0; ix < x0 + l->k && ix < l->w_in; ix++) {
			const int v = in[((size_t)iy * (size_t)l->w_in + (size_t)ix) * (size_t)l->c_in + (size_t)c];

			most = v > most ? v : most;
			sum += v;
			count++;
		}
	if (l->op == OFA_OP_MAX_POOL)
		return (int8_t)most;
	return (int8_t)((sum < 0 ? sum - count / 2 : sum + count / 2) / count);
}

static void pool_windows(const struct ofa_layer *l, const int8_t *in, int8_t *out)
{
	for (int y = 0; y < l->h_out; y++)
		for (int x = 0; x < l->w_out; x++)
			for (int c = 0; c < l->c_out; c++)
				*out++ = pool_window(l, in, y, x, c);
}

static void run_layer(const struct job *j, const struct work *w, int i)
{
	const struct ofa_layer *l = &j->q->plan.layers[i];
	const struct ofa_quantised_layer *ql = &j->q->layers[i];
	const int8_t *in = w->values + j->value_at[l->in];
	const int8_t *added = l->residual < 0 ? NULL : w->values + j->value_at[l->residual];
	int8_t *out = w->values + j->value_at[l->out];
	const size_t bytes = map_bytes(&j->q->plan.values[l->out]);

	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_DWCONV:
	case OFA_OP_LINEAR:
		run_product(j, w, i, in, added, out);
		break;
	case OFA_OP_SE:
		squeeze_excite(j, w, i, out);
		break;
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
		pool_windows(l, in, out);
		break;
	case OFA_OP_ADD:
		memcpy(out, in, bytes);
		j->kernels->add(ql, ql->in, added, bytes, out);
		break;
	default:
		mean(l, ql, in, ql->out, ql->low, ql->high, w->sums, out);
	}
}

static void run_thread(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	const struct ofa_plan *p = &j->q->plan;
	const size_t pixels = map_bytes(&p->values[0]), classes = (size_t)p->classes;
	const int8_t *result;
	size_t begin, end;
	struct work w;

	ofa_pool_part((size_t)j->n, t, threads, &begin, &end);
	if (begin == end)
		return;
	w.values = ofa_large_alloc(j->bytes);
	if (!w.values) {
		atomic_store(&j->out_of_memory, true);
		return;
	}
	memset(w.values, 0, j->bytes); /* what lies between values is read, and meets weights of 0 */
	w.frame = w.values + j->frame_at;
	w.gates = w.values + j->gates_at;
	w.sums = (int32_t *)(w.values + j->sums_at);
	result = w.values + j->value_at[p->layers[p->n_layers - 1].out];
	for (size_t i = begin; i < end; i++) {
		memcpy(w.values + j->value_at[0], j->x + i * pixels, pixels);
		for (int l = 0; l < p->n_layers; l++)
			run_layer(j, &w, l);
		memcpy(j->logits + i * classes, result, classes);
	}
	free(w.values);
}

/* Every value has a place of its own. */
static void lay_out(struct job *j)
{
	const struct ofa_plan *p = &j->q->plan;
	size_t at = 0, frame = 0, gates = 0, sums = 0;

	for (int v = 0; v < p->n_values; v++) {
		j->value_at[v] = at;
		at += round64(map_bytes(&p->values[v])) + OFA_INT8_SLACK;
	}
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		const size_t framed = (size_t)(l->h_in + 2 * l->pad) * (size_t)(l->w_in + 2 * l->pad) * (size_t)l->c_in;
		const size_t gate = 2 * round64((size_t)l->c_in) + round64((size_t)l->hidden) + 3 * OFA_INT8_SLACK;
		const size_t row = (size_t)run_length(l) * panels(l->c_out), means = panels(l->c_in);
		const size_t sum = row > means ? row : means;

		frame = l->pad > 0 && framed > frame ? framed : frame;
		gates = l->op == OFA_OP_SE && gate > gates ? gate : gates;
		sums = sum > sums ? sum : sums;
	}
	j->frame_at = at;
	j->gates_at = j->frame_at + round64(frame) + OFA_INT8_SLACK;
	j->sums_at = j->gates_at + round64(gates);
	j->bytes = j->sums_at + sums * sizeof(int32_t);
}

enum ofa_status ofa_quantised_forward_by(const struct ofa_quantised_kernels *kernels, const struct ofa_quantised *q,
					 const int8_t *x, int n, struct ofa_pool *pool, int8_t *logits,
					 struct ofa_error *err)
{
	struct job j = {.q = q, .kernels = kernels, .x = x, .logits = logits, .n = n};

	lay_out(&j);
	ofa_pool_run(pool, run_thread, &j);
	if (atomic_load(&j.out_of_memory))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to run an int8 subnet");
	return OFA_OK;
}

enum ofa_status ofa_quantised_forward(const struct ofa_quantised *q, const int8_t *x, int n, struct ofa_pool *pool,
				      int8_t *logits, struct ofa_error *err)
{
	return ofa_quantised_forward_by(ofa_quantised_kernels(), q, x, n, pool, logits, err);
}

void ofa_quantised_input(const struct ofa_quantised *q, const uint8_t *pixels, int n, int8_t *x)
{
	const struct ofa_value *in = &q->plan.values[0];
	const size_t count = (size_t)n * (size_t)in->h * (size_t)in->w * (size_t)in->c;

	for (size_t i = 0; i < count; i++) {
		const size_t c = i % (size_t)in->c;

		x[i] = (int8_t)ofa_clamp((q->gain[c] * pixels[i] + q->offset[c]) >> 16, -128, 127);
	}
}
