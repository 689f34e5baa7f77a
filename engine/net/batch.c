#include "net/batch.h"

#include <math.h>
#include <string.h>
#include "net/batch_store.h"
#include "net/prepare.h"
#include "ops/depthwise.h"
#include "tensor/gemm.h"

int ofa_batch_chunk(size_t per_image, int n)
{
	size_t m = OFA_BATCH_CHUNK_FLOATS / (per_image ? per_image : 1);

	if (m < 1)
		m = 1;
	return m < (size_t)n ? (int)m : n;
}

size_t ofa_batch_input_floats(const struct ofa_layer *l, int pad)
{
	return (size_t)(l->h_in + 2 * pad) * (l->w_in + 2 * pad) * l->c_in;
}

const float *ofa_batch_input(struct ofa_batch *b, int li, int i0, int count, float *scratch)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	int p = b->producer[li];
	size_t map = ofa_batch_input_floats(l, 0);
	const float *kept = p < 0 ? b->x : b->layers[p].y;
	const struct ofa_batch_layer *bp = p < 0 ? NULL : &b->layers[p];

	if (kept)
		return kept + (size_t)i0 * map;
	b->kernels->bn_act(bp->z + (size_t)i0 * map, NULL, count * l->h_in * l->w_in, l->c_in, bp->scale, bp->shift,
			   b->plan.layers[p].act, scratch);
	return scratch;
}

void ofa_batch_input_planes(struct ofa_batch *b, int li, int i, float *planes)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	int p = b->producer[li];
	size_t at = (size_t)i * ofa_batch_input_floats(l, 0);
	const float *kept = p < 0 ? b->x : b->layers[p].y;
	const struct ofa_batch_layer *bp = p < 0 ? NULL : &b->layers[p];

	if (kept)
		b->kernels->to_planes(kept + at, l->h_in, l->w_in, l->c_in, NULL, NULL, OFA_ACT_NONE, planes, l->pad);
	else
		b->kernels->to_planes(bp->z + at, l->h_in, l->w_in, l->c_in, bp->scale, bp->shift,
				      b->plan.layers[p].act, planes, l->pad);
}

/* What the threads of one pass share. */
struct pass {
	struct ofa_batch *b;
	int li;
	float *logits;
};

/* A residual as it is added to the value of layer p.  A projection, which nothing else reads, is computed into `y`. */
static const float *added(struct ofa_batch *b, int p, size_t at, int rows, float *y)
{
	const struct ofa_layer *l = &b->plan.layers[p];
	int src = b->plan.values[l->residual].first_layer;
	const struct ofa_batch_layer *bs = src < 0 ? NULL : &b->layers[src];

	if (!bs)
		return b->x + at;
	if (bs->y)
		return bs->y + at;
	b->kernels->bn_act(bs->z + at, NULL, rows, l->c_out, bs->scale, bs->shift, b->plan.layers[src].act, y);
	return y;
}

/* A kept value is written by the first pass that reads it: before layer li reads its input. */
static void materialise(struct ofa_batch *b, int li, int i0, int count)
{
	int p = b->producer[li];
	const struct ofa_layer *l = p < 0 ? NULL : &b->plan.layers[p];
	struct ofa_batch_layer *bl = p < 0 ? NULL : &b->layers[p];
	const float *res = NULL;
	size_t at;
	int rows;

	if (p < 0 || !bl->y || l->op != OFA_OP_CONV || b->reader[p] != li)
		return;
	at = (size_t)i0 * l->h_out * l->w_out * l->c_out;
	rows = count * l->h_out * l->w_out;
	if (l->residual >= 0)
		res = added(b, p, at, rows, bl->y + at);
	b->kernels->bn_act(bl->z + at, res, rows, l->c_out, bl->scale, bl->shift, l->act, bl->y + at);
}

/* z (rows, out) = x (rows, in) times a matrix of the supernet, in place (keep) or in panels. */
static void multiply(const struct ofa_batch *b, const float *x, int rows, int in, int weight, const float *panels,
		     int out, float *z)
{
	const struct ofa_panel_conv product = ofa_panel_product(x, rows, in, panels, b->zeros, out, z);

	if (b->keep)
		ofa_gemm_nt(rows, out, in, x, in, b->data[weight], b->params->list[weight].shape[1], 0.0f, z, out);
	else
		b->kernels->conv(&product);
}

/* Squeeze, two small products, gate; x (count,h,w,c) is scaled in place. */
static void se_forward(struct ofa_batch *b, int se, int i0, int count, float *x)
{
	const struct ofa_layer *l = &b->plan.layers[se];
	struct ofa_batch_layer *bl = &b->layers[se];
	int c = l->c_in, hid = l->hidden, hw = l->h_in * l->w_in;
	float *sq = bl->squeeze + (size_t)i0 * c, *hidden = bl->hidden + (size_t)i0 * hid;
	float *gi = bl->gate_in + (size_t)i0 * c, *gate = bl->gate + (size_t)i0 * c;

	memset(sq, 0, (size_t)count * c * sizeof *sq);
	for (int i = 0; i < count; i++)
		b->kernels->column_sum(x + (size_t)i * hw * c, hw, c, sq + (size_t)i * c);
	for (int i = 0; i < count * c; i++)
		sq[i] *= 1.0f / (float)hw;
	multiply(b, sq, count, c, l->weight, bl->wk, hid, hidden);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < hid; j++) {
			float v = hidden[i * hid + j] + b->data[l->bias][j];

			hidden[i * hid + j] = v > 0.0f ? v : 0.0f;
		}
	}
	multiply(b, hidden, count, hid, l->weight2, bl->wk2, c, gi);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < c; j++) {
			float v = gi[i * c + j] + b->data[l->bias2][j], r = v + 3.0f;

			gi[i * c + j] = v;
			r = r < 0.0f ? 0.0f : r;
			gate[i * c + j] = (r > 6.0f ? 6.0f : r) * (1.0f / 6.0f);
		}
		b->kernels->scale_columns(x + (size_t)i * hw * c, hw, c, gate + (size_t)i * c);
	}
}

static bool after_se(const struct ofa_plan *plan, int li)
{
	return li > 0 && plan->layers[li - 1].op == OFA_OP_SE;
}

static void conv_chunk(struct ofa_batch *b, int li, int i0, int count, float *scratch)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	struct ofa_batch_layer *bl = &b->layers[li];
	size_t rows = (size_t)count * l->h_out * l->w_out, map = (size_t)l->h_out * l->w_out * l->c_out;
	float *z = bl->z + (size_t)i0 * map;
	const float *in = ofa_batch_input(b, li, i0, count, scratch);

	if (after_se(&b->plan, li))
		se_forward(b, li - 1, i0, count, scratch);
	if (l->k == 1) {
		multiply(b, in, (int)rows, l->c_in, l->weight, bl->wk, l->c_out, z);
		return;
	}
	struct ofa_conv c = ofa_layer_conv(l);
	float *col = scratch + (size_t)count * ofa_batch_input_floats(l, 0);

	if (b->keep)
		ofa_conv_run(&c, count, in, bl->wk, col, z);
	else
		ofa_conv_run_panels(b->kernels, &c, count, in, bl->wk, b->zeros, col, z);
}

/* One image at a time through the same planes, whose frames stay zero. */
static void depthwise_chunk(struct ofa_batch *b, int li, int i0, int count, float *planes)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	struct ofa_batch_layer *bl = &b->layers[li];
	size_t map = (size_t)l->h_out * l->w_out * l->c_out;
	struct ofa_depthwise d;

	ofa_depthwise_forward(l->k, l->stride, l->h_in, l->w_in, l->c_out, &d);
	memset(planes, 0, ofa_batch_input_floats(l, l->pad) * sizeof *planes);
	for (int i = i0; i < i0 + count; i++) {
		ofa_batch_input_planes(b, li, i, planes);
		b->kernels->depthwise(&d, planes, bl->wk, l->c_out, bl->z + (size_t)i * map);
	}
}

/* What a pass touches of one image: its output too, so that moments are taken while it is in the cache. */
static size_t chunk_floats(const struct ofa_layer *l)
{
	size_t out = (size_t)l->h_out * l->w_out * l->c_out;

	return l->op == OFA_OP_DWCONV ? out : out + ofa_batch_forward_floats(l);
}

/* Convolution and BN moments of one thread's images. */
static void conv_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	struct ofa_batch_layer *bl = &b->layers[ps->li];
	size_t begin, end, map = (size_t)l->h_out * l->w_out * l->c_out;
	int step;

	memset(b->stat_sum[t], 0, (size_t)l->c_out * sizeof(float));
	memset(b->stat_square[t], 0, (size_t)l->c_out * sizeof(float));
	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	step = ofa_batch_chunk(chunk_floats(l), (int)(end - begin));
	for (size_t i = begin; i < end; i += (size_t)step) {
		int count = end - i < (size_t)step ? (int)(end - i) : step;

		materialise(b, ps->li, (int)i, count);
		if (l->op == OFA_OP_DWCONV)
			depthwise_chunk(b, ps->li, (int)i, count, b->scratch[t]);
		else
			conv_chunk(b, ps->li, (int)i, count, b->scratch[t]);
		if (l->bn < 0)
			continue;
		if (i == begin)
			memcpy(b->stat_origin[t], bl->z + i * map, (size_t)l->c_out * sizeof(float));
		b->kernels->moments(bl->z + i * map, count * l->h_out * l->w_out, l->c_out, b->stat_origin[t],
				    b->stat_sum[t], b->stat_square[t]);
	}
}

/* Joins the threads' shifted moments of a channel (Chan, Golub, LeVeque 1979): mean, and sum of squares about it. */
static void join_threads(const struct ofa_batch *b, const struct ofa_layer *l, int c, double moments[2])
{
	unsigned threads = ofa_pool_size(b->pool);
	double n = 0, mean = 0, m2 = 0;

	for (unsigned t = 0; t < threads; t++) {
		size_t begin, end;
		double nt, mt, qt, delta;

		ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
		nt = (double)(end - begin) * l->h_out * l->w_out;
		if (nt == 0)
			continue;
		mt = b->stat_sum[t][c] / nt;
		qt = b->stat_square[t][c] - mt * b->stat_sum[t][c];
		mt += b->stat_origin[t][c];
		delta = mt - mean;
		m2 += qt + delta * delta * n * nt / (n + nt);
		mean += delta * nt / (n + nt);
		n += nt;
	}
	moments[0] = mean;
	moments[1] = m2;
}

/* The same over the ranks, by plain sums: what cancels in a double are bits that a float never had. */
static void join_ranks(struct ofa_batch *b, const struct ofa_layer *l)
{
	size_t channels = (size_t)l->c_out;
	double pixels = (double)l->h_out * l->w_out, n = pixels * b->n;

	b->total = (size_t)b->n;
	if (ofa_comm_size(b->comm) == 1)
		return;
	for (double *m = b->sums; m < b->sums + 2 * channels; m += 2) {
		m[1] += n * m[0] * m[0];
		m[0] *= n;
	}
	b->sums[2 * channels] = b->n;
	ofa_comm_sum_doubles(b->comm, b->sums, 2 * channels + 1);
	b->total = (size_t)b->sums[2 * channels];
	n = pixels * (double)b->total;
	for (double *m = b->sums; m < b->sums + 2 * channels; m += 2) {
		m[0] /= n;
		m[1] -= n * m[0] * m[0];
	}
}

/* Mean, biased variance, scale and shift of every channel over the whole batch. */
static void batch_statistics(struct ofa_batch *b, int li)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	struct ofa_batch_layer *bl = &b->layers[li];
	const float *gamma = b->data[l->bn], *beta = b->data[l->bn + 1];
	double n;

	for (int c = 0; c < l->c_out; c++)
		join_threads(b, l, c, &b->sums[2 * c]);
	join_ranks(b, l);
	n = (double)b->total * l->h_out * l->w_out;
	for (int c = 0; c < l->c_out; c++) {
		double mean = b->sums[2 * c], m2 = b->sums[2 * c + 1];

		bl->mean[c] = (float)mean;
		bl->var[c] = (float)(m2 > 0 ? m2 / n : 0);
		bl->invstd[c] = (float)(1.0 / sqrt((double)bl->var[c] + b->space->bn_eps));
		bl->scale[c] = gamma[c] * bl->invstd[c];
		bl->shift[c] = beta[c] - bl->mean[c] * bl->scale[c];
	}
}

static void pool_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	int hw = l->h_in * l->w_in;
	size_t begin, end;

	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	for (size_t i = begin; i < end; i++) {
		float *y = b->layers[ps->li].y + i * (size_t)l->c_out;
		const float *in;

		materialise(b, ps->li, (int)i, 1);
		in = ofa_batch_input(b, ps->li, (int)i, 1, b->scratch[t]);
		memset(y, 0, (size_t)l->c_out * sizeof *y);
		b->kernels->column_sum(in, hw, l->c_out, y);
		for (int c = 0; c < l->c_out; c++)
			y[c] *= 1.0f / (float)hw;
	}
}

static void window_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	const struct ofa_window w = ofa_layer_window(l);
	size_t begin, end, map = (size_t)l->h_out * l->w_out * l->c_out;

	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	for (size_t i = begin; i < end; i++) {
		const float *in;

		materialise(b, ps->li, (int)i, 1);
		in = ofa_batch_input(b, ps->li, (int)i, 1, b->scratch[t]);
		if (l->op == OFA_OP_MAX_POOL)
			ofa_pool_max(b->kernels, &w, in, b->layers[ps->li].y + i * map);
		else
			ofa_pool_average(b->kernels, &w, in, b->layers[ps->li].y + i * map);
	}
}

static void add_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	const struct ofa_batch_layer *bl = &b->layers[ps->li];
	size_t begin, end, map = (size_t)l->h_out * l->w_out * l->c_out;
	int rows = l->h_out * l->w_out;

	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	for (size_t i = begin; i < end; i++) {
		const float *in, *res;

		materialise(b, ps->li, (int)i, 1);
		in = ofa_batch_input(b, ps->li, (int)i, 1, b->scratch[t]);
		res = added(b, ps->li, i * map, rows, bl->y + i * map);
		b->kernels->bn_act(in, res, rows, l->c_out, bl->scale, bl->shift, l->act, bl->y + i * map);
	}
}

static void linear_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	size_t begin, end;
	int step;

	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	step = ofa_batch_chunk((size_t)l->c_in, (int)(end - begin));
	for (size_t i = begin; i < end; i += (size_t)step) {
		int count = end - i < (size_t)step ? (int)(end - i) : step;
		const float *in = ofa_batch_input(b, ps->li, (int)i, count, b->scratch[t]);
		float *out = ps->logits + i * (size_t)l->c_out;

		for (int j = 0; j < count; j++)
			memcpy(out + (size_t)j * l->c_out, b->data[l->bias], (size_t)l->c_out * sizeof *out);
		ofa_gemm_nt(count, l->c_out, l->c_in, in, l->c_in, b->data[l->weight],
			    b->params->list[l->weight].shape[1], 1.0f, out, l->c_out);
	}
}

static void scale_by_one(struct ofa_batch_layer *bl, int c)
{
	for (int i = 0; i < c; i++) {
		bl->scale[i] = 1.0f;
		bl->shift[i] = 0.0f;
	}
}

/* A window's taps come before its channels, unlike in the stored weight: a panel at a time is put in order first. */
static void window_panels(struct ofa_batch *b, const struct ofa_layer *l, float *panels)
{
	const size_t width = (size_t)l->k * l->k * l->c_in;

	for (int i = 0; i < l->c_out; i += OFA_WEIGHT_PANEL) {
		int n = l->c_out - i < OFA_WEIGHT_PANEL ? l->c_out - i : OFA_WEIGHT_PANEL;

		ofa_conv_prepare_rows(l, &b->params->list[l->weight], b->data[l->weight], i, n, b->scratch[0]);
		b->kernels->to_panels(b->scratch[0], width, n, width, NULL, panels + (size_t)i * width);
	}
}

static void matrix_panels(struct ofa_batch *b, int param, int rows, int columns, float *panels)
{
	b->kernels->to_panels(b->data[param], (size_t)b->params->list[param].shape[1], rows, (size_t)columns, NULL,
			      panels);
}

/* The weights of a layer as its pass reads them. */
static void prepare(struct ofa_batch *b, const struct ofa_layer *l, struct ofa_batch_layer *bl)
{
	if (l->op == OFA_OP_DWCONV) {
		ofa_depthwise_prepare(l, b->data, b->scratch[0], bl->wk);
	} else if (b->keep) {
		if (l->op == OFA_OP_CONV && l->k > 1)
			ofa_conv_prepare(l, &b->params->list[l->weight], b->data[l->weight], bl->wk);
	} else if (l->op == OFA_OP_SE) {
		matrix_panels(b, l->weight, l->hidden, l->c_in, bl->wk);
		matrix_panels(b, l->weight2, l->c_in, l->hidden, bl->wk2);
	} else if (l->k > 1) {
		window_panels(b, l, bl->wk);
	} else {
		matrix_panels(b, l->weight, l->c_out, l->c_in, bl->wk);
	}
}

static void conv_layer(struct ofa_batch *b, struct pass *ps)
{
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	struct ofa_batch_layer *bl = &b->layers[ps->li];

	prepare(b, l, bl);
	ofa_pool_run(b->pool, conv_pass, ps);
	if (l->bn >= 0) {
		batch_statistics(b, ps->li);
		return;
	}
	scale_by_one(bl, l->c_out);
}

void ofa_batch_forward(struct ofa_batch *b, const float *const *data, const struct ofa_plan *plan, const float *x,
		       int n, float *logits)
{
	struct pass ps = {.b = b, .logits = logits};

	b->data = data;
	b->plan = *plan;
	b->x = x;
	b->n = n;
	ofa_batch_place(b, n);
	for (ps.li = 0; ps.li < plan->n_layers; ps.li++) {
		switch (plan->layers[ps.li].op) {
		case OFA_OP_CONV:
		case OFA_OP_DWCONV:
			conv_layer(b, &ps);
			break;
		case OFA_OP_POOL:
			ofa_pool_run(b->pool, pool_pass, &ps);
			break;
		case OFA_OP_LINEAR:
			ofa_pool_run(b->pool, linear_pass, &ps);
			break;
		case OFA_OP_MAX_POOL:
		case OFA_OP_AVERAGE_POOL:
			ofa_pool_run(b->pool, window_pass, &ps);
			break;
		case OFA_OP_ADD:
			scale_by_one(&b->layers[ps.li], plan->layers[ps.li].c_out);
			ofa_pool_run(b->pool, add_pass, &ps);
			break;
		default: /* SE runs inside the layer that reads it */
			prepare(b, &plan->layers[ps.li], &b->layers[ps.li]);
			break;
		}
	}
}
