#include "train/backward.h"

#include <string.h>
#include "net/prepare.h"
#include "ops/depthwise.h"
#include "ops/im2col.h"
#include "tensor/gemm.h"

/* One parallel pass: layer li turns the gradient at its BN output into parameter gradients and into the gradient at
 * its producer's BN output. */
struct pass {
	struct ofa_backward *bw;
	struct ofa_batch *b;
	int li;
	const float *g_in;       /* of layer li */
	float *g_out;            /* of its producer; NULL when the producer is the network's input */
	const float *g_residual; /* waits for the producer's value, or NULL */
	const float *dlogits;
};

static float *grad_of(struct ofa_backward *bw, unsigned t, int param)
{
	return bw->acc[t] + bw->offset[param];
}

static int full_in(const struct ofa_batch *b, int param)
{
	return b->params->list[param].shape[1];
}

/* Through the gate of SE and its two products.  d (count,h,w,c): gradient at the gated value, becomes the gradient
 * before the gate; a (count,h,w,c): the value before the gate; tmp holds count*(2c + hidden) floats. */
static void se_backward(struct pass *ps, unsigned t, int se, int i0, int count, float *d, const float *a, float *tmp)
{
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[se];
	const struct ofa_batch_layer *bl = &b->layers[se];
	int c = l->c_in, hid = l->hidden, hw = l->h_in * l->w_in;
	float *dgate = tmp, *dmean = dgate + (size_t)count * c, *dhid = dmean + (size_t)count * c;
	const float *gi = bl->gate_in + (size_t)i0 * c, *hidden = bl->hidden + (size_t)i0 * hid;
	float *gb = grad_of(ps->bw, t, l->bias), *gb2 = grad_of(ps->bw, t, l->bias2);

	memset(dgate, 0, (size_t)count * c * sizeof *dgate);
	for (int i = 0; i < count; i++)
		b->kernels->dot_columns(d + (size_t)i * hw * c, a + (size_t)i * hw * c, hw, c, dgate + (size_t)i * c);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < c; j++) {
			float v = gi[i * c + j];
			float dv = v > -3.0f && v < 3.0f ? dgate[i * c + j] * (1.0f / 6.0f) : 0.0f;

			dgate[i * c + j] = dv;
			gb2[j] += dv;
		}
	}
	ofa_gemm_tn(c, hid, count, dgate, c, hidden, hid, 1.0f, grad_of(ps->bw, t, l->weight2), full_in(b, l->weight2));
	ofa_gemm_nn(count, hid, c, dgate, c, b->data[l->weight2], full_in(b, l->weight2), 0.0f, dhid, hid);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < hid; j++) {
			if (hidden[i * hid + j] <= 0.0f)
				dhid[i * hid + j] = 0.0f;
			gb[j] += dhid[i * hid + j];
		}
	}
	ofa_gemm_tn(hid, c, count, dhid, hid, bl->squeeze + (size_t)i0 * c, c, 1.0f, grad_of(ps->bw, t, l->weight),
		    full_in(b, l->weight));
	ofa_gemm_nn(count, c, hid, dhid, hid, b->data[l->weight], full_in(b, l->weight), 0.0f, dmean, c);
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < c; j++)
			dmean[i * c + j] *= 1.0f / (float)hw;
		b->kernels->scale_add_columns(d + (size_t)i * hw * c, hw, c, bl->gate + (size_t)(i0 + i) * c,
					      dmean + (size_t)i * c);
	}
}

/* d (count,h,w,c): gradient at the producer's value -> gradient at its BN output, with its channel sums. */
static void to_producer(struct pass *ps, unsigned t, int i0, int count, const float *d)
{
	struct ofa_batch *b = ps->b;
	int p = b->producer[ps->li];
	const struct ofa_layer *l = &b->plan.layers[p];
	const struct ofa_batch_layer *bl = &b->layers[p];
	size_t map = (size_t)l->h_out * l->w_out * l->c_out, at = (size_t)i0 * map;
	const float *mean = bl->mean ? bl->mean : bl->shift; /* without BN the sums are not used */

	if (l->op == OFA_OP_POOL) {
		memcpy(ps->g_out + at, d, (size_t)count * map * sizeof *d);
		return;
	}
	b->kernels->act_backward(d, ps->g_residual ? ps->g_residual + at : NULL, bl->z + at,
				 count * l->h_out * l->w_out, l->c_out, bl->scale, bl->shift, mean, l->act,
				 ps->g_out + at, ps->bw->sum[t], ps->bw->dot[t]);
}

/* dz of images [i0, i0+count), dense. */
static void dense_dz(const struct pass *ps, int i0, int count, float *dz)
{
	const struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	size_t at = (size_t)i0 * l->h_out * l->w_out * l->c_out;

	b->kernels->bn_backward(ps->g_in + at, b->layers[ps->li].z + at, count * l->h_out * l->w_out, l->c_out,
				ps->bw->coef_a, ps->bw->coef_b, ps->bw->coef_k, dz);
}

static void pointwise_chunk(struct pass *ps, unsigned t, int i0, int count, float *scratch)
{
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	int rows = count * l->h_out * l->w_out,
	    se = ps->li > 0 && b->plan.layers[ps->li - 1].op == OFA_OP_SE ? ps->li - 1 : -1;
	size_t in_floats = (size_t)count * ofa_batch_input_floats(l, 0);
	float *dz = scratch, *d = dz + (size_t)rows * l->c_out, *a = d + in_floats, *gated = a + in_floats;
	const float *in = ofa_batch_input(b, ps->li, i0, count, a);

	dense_dz(ps, i0, count, dz);
	if (se >= 0) {
		int hw = l->h_in * l->w_in;

		memcpy(gated, in, in_floats * sizeof *gated);
		for (int i = 0; i < count; i++)
			b->kernels->scale_columns(gated + (size_t)i * hw * l->c_in, hw, l->c_in,
						  b->layers[se].gate + (size_t)(i0 + i) * l->c_in);
		in = gated;
	}
	ofa_gemm_tn(l->c_out, l->c_in, rows, dz, l->c_out, in, l->c_in, 1.0f, grad_of(ps->bw, t, l->weight),
		    full_in(b, l->weight));
	if (!ps->g_out)
		return;
	ofa_gemm_nn(rows, l->c_in, l->c_out, dz, l->c_out, b->data[l->weight], full_in(b, l->weight), 0.0f, d, l->c_in);
	if (se >= 0)
		se_backward(ps, t, se, i0, count, d, a, gated);
	to_producer(ps, t, i0, count, d);
}

/* Dense k x k: the stem.  It reads the network's input, so only its weights want a gradient. */
static void stem_chunk(struct pass *ps, unsigned t, int i0, int count, float *scratch)
{
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	size_t hw = (size_t)l->h_out * l->w_out, width = (size_t)l->k * l->k * l->c_in;
	float *dz = scratch, *col = dz + (size_t)count * hw * l->c_out;
	const float *in = ofa_batch_input(b, ps->li, i0, count, NULL);

	dense_dz(ps, i0, count, dz);
	for (int i = 0; i < count; i++)
		ofa_im2col(in + (size_t)i * ofa_batch_input_floats(l, 0), l->h_in, l->w_in, l->c_in, l->k, l->stride,
			   l->pad, l->h_out, l->w_out, col + (size_t)i * hw * width);
	ofa_gemm_tn(l->c_out, (int)width, (int)(count * hw), dz, l->c_out, col, (int)width, 1.0f, ps->bw->dwk[t],
		    (int)width);
}

/* d(input) of one image from the planes of its dz; stride 2 goes by the parity of the input pixel. */
static void depthwise_input(const struct ofa_batch *b, const struct ofa_layer *l, const float *wk, const float *dz,
			    float *d)
{
	for (int i = 0; i < l->stride * l->stride; i++) {
		struct ofa_depthwise walk;
		size_t first;

		ofa_depthwise_backward(l->k, l->stride, i / l->stride, i % l->stride, l->h_in, l->w_in, l->c_out,
				       &walk, &first);
		b->kernels->depthwise(&walk, dz, wk, l->c_out, d + first);
	}
}

/* One image at a time: the frames of both planes stay zero. */
static void depthwise_chunk(struct pass *ps, unsigned t, int i0, int count, float *scratch)
{
	struct ofa_batch *b = ps->b;
	struct ofa_backward *bw = ps->bw;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	const struct ofa_batch_layer *bl = &b->layers[ps->li];
	size_t in_planes = ofa_batch_input_floats(l, l->pad), out_map = (size_t)l->h_out * l->w_out * l->c_out;
	size_t dz_planes = (size_t)(l->h_out + 2 * l->pad) * (l->w_out + 2 * l->pad) * l->c_out;
	float *dz = scratch, *in = dz + dz_planes, *d = in + in_planes;

	memset(dz, 0, (dz_planes + in_planes) * sizeof *dz);
	for (int i = i0; i < i0 + count; i++) {
		size_t at = (size_t)i * out_map;

		ofa_batch_input_planes(b, ps->li, i, in);
		b->kernels->bn_backward_planes(ps->g_in + at, bl->z + at, l->h_out, l->w_out, l->c_out, bw->coef_a,
					       bw->coef_b, bw->coef_k, dz, l->pad);
		b->kernels->depthwise_weight(dz, l->h_out, l->w_out, in, l->h_in, l->w_in, l->stride, l->k, l->c_out,
					     bw->dwk[t]);
		if (!ps->g_out)
			continue;
		depthwise_input(b, l, bl->wk, dz, d);
		to_producer(ps, t, i, 1, d);
	}
}

static void conv_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	size_t begin, end, c_prev = (size_t)l->c_in;
	int step;

	memset(ps->bw->sum[t], 0, c_prev * sizeof(float));
	memset(ps->bw->dot[t], 0, c_prev * sizeof(float));
	if (l->op == OFA_OP_DWCONV)
		memset(ps->bw->dwk[t], 0, (size_t)l->k * l->k * l->c_out * sizeof(float));
	else if (l->k > 1)
		memset(ps->bw->dwk[t], 0, (size_t)l->k * l->k * l->c_in * l->c_out * sizeof(float));
	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	/* Depthwise works image by image whatever their number. */
	step = ofa_batch_chunk(l->op == OFA_OP_DWCONV ? 1 : ofa_batch_backward_floats(l), (int)(end - begin));
	for (size_t i = begin; i < end; i += (size_t)step) {
		int count = end - i < (size_t)step ? (int)(end - i) : step;

		if (l->op == OFA_OP_DWCONV)
			depthwise_chunk(ps, t, (int)i, count, b->scratch[t]);
		else if (l->k > 1)
			stem_chunk(ps, t, (int)i, count, b->scratch[t]);
		else
			pointwise_chunk(ps, t, (int)i, count, b->scratch[t]);
	}
}

/* The classifier. */
static void linear_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	float *gb = grad_of(ps->bw, t, l->bias);
	size_t begin, end;
	int step;

	memset(ps->bw->sum[t], 0, (size_t)l->c_in * sizeof(float));
	memset(ps->bw->dot[t], 0, (size_t)l->c_in * sizeof(float));
	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	step = ofa_batch_chunk(2 * (size_t)l->c_in, (int)(end - begin));
	for (size_t i = begin; i < end; i += (size_t)step) {
		int count = end - i < (size_t)step ? (int)(end - i) : step;
		float *d = b->scratch[t];
		const float *dl = ps->dlogits + i * (size_t)l->c_out;
		const float *in = ofa_batch_input(b, ps->li, (int)i, count, b->scratch[t] + (size_t)count * l->c_in);

		for (int j = 0; j < count; j++) {
			for (int c = 0; c < l->c_out; c++)
				gb[c] += dl[(size_t)j * l->c_out + c];
		}
		ofa_gemm_tn(l->c_out, l->c_in, count, dl, l->c_out, in, l->c_in, 1.0f, grad_of(ps->bw, t, l->weight),
			    full_in(b, l->weight));
		ofa_gemm_nn(count, l->c_in, l->c_out, dl, l->c_out, b->data[l->weight], full_in(b, l->weight), 0.0f, d,
			    l->c_in);
		to_producer(ps, t, (int)i, count, d);
	}
}

/* The mean's gradient: every pixel gets g / (h*w). */
static void pool_pass(void *ctx, unsigned t, unsigned threads)
{
	struct pass *ps = ctx;
	struct ofa_batch *b = ps->b;
	const struct ofa_layer *l = &b->plan.layers[ps->li];
	int hw = l->h_in * l->w_in, c = l->c_in;
	float *d = b->scratch[t];
	size_t begin, end;

	memset(ps->bw->sum[t], 0, (size_t)c * sizeof(float));
	memset(ps->bw->dot[t], 0, (size_t)c * sizeof(float));
	ofa_pool_part((size_t)b->n, t, threads, &begin, &end);
	for (size_t i = begin; i < end; i++) {
		const float *g = ps->g_in + i * (size_t)c;

		for (int j = 0; j < c; j++)
			d[j] = g[j] * (1.0f / (float)hw);
		for (int j = 1; j < hw; j++)
			memcpy(d + (size_t)j * c, d, (size_t)c * sizeof *d);
		to_producer(ps, t, (int)i, 1, d);
	}
}

static void no_bn_coefficients(struct ofa_backward *bw, int channels)
{
	for (int c = 0; c < channels; c++) {
		bw->coef_a[c] = 1.0f;
		bw->coef_b[c] = bw->coef_k[c] = 0.0f;
	}
}

/* The sums of g and of g*(z-mean) over the whole batch, into b->sums; this rank's part of BN's own gradients. */
static void bn_sums(struct ofa_backward *bw, struct ofa_batch *b, int li, float *const *grad)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	unsigned threads = ofa_pool_size(b->pool);

	for (int c = 0; c < l->c_out; c++) {
		double sum = 0, dot = 0;

		for (unsigned t = 0; t < threads; t++) {
			sum += bw->sum[t][c];
			dot += bw->dot[t][c];
		}
		grad[l->bn][c] += (float)(dot * b->layers[li].invstd[c]);
		grad[l->bn + 1][c] += (float)sum;
		b->sums[2 * c] = sum;
		b->sums[2 * c + 1] = dot;
	}
	ofa_comm_sum_doubles(b->comm, b->sums, 2 * (size_t)l->c_out);
}

/* BN's own gradients, and the coefficients that carry g to dz:
 * dz = scale * (g - sum(g)/N - xhat * sum(g*xhat)/N).  Without BN dz = g. */
static void bn_coefficients(struct ofa_backward *bw, struct ofa_batch *b, int li, float *const *grad)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	const struct ofa_batch_layer *bl = &b->layers[li];
	double n = (double)b->total * l->h_out * l->w_out;

	if (l->bn < 0) {
		no_bn_coefficients(bw, l->c_out);
		return;
	}
	bn_sums(bw, b, li, grad);
	for (int c = 0; c < l->c_out; c++) {
		double sum = b->sums[2 * c], dgamma = b->sums[2 * c + 1] * bl->invstd[c];
		double slope = -(double)bl->scale[c] * bl->invstd[c] * dgamma / n;

		bw->coef_a[c] = bl->scale[c];
		bw->coef_b[c] = (float)slope;
		bw->coef_k[c] = (float)(-(double)bl->scale[c] * sum / n - slope * bl->mean[c]);
	}
}

static void merge_kernels(struct ofa_backward *bw, struct ofa_batch *b, int li, float *const *grad)
{
	const struct ofa_layer *l = &b->plan.layers[li];
	size_t n = (size_t)l->k * l->k * l->c_out * (l->op == OFA_OP_DWCONV ? 1 : l->c_in);

	for (unsigned t = 1; t < ofa_pool_size(b->pool); t++) {
		for (size_t i = 0; i < n; i++)
			bw->dwk[0][i] += bw->dwk[t][i];
	}
	if (l->op == OFA_OP_DWCONV)
		ofa_depthwise_prepare_backward(l, b->data, bw->dwk[0], b->scratch[0], grad);
	else
		ofa_conv_prepare_backward(l, &b->params->list[l->weight], bw->dwk[0], grad[l->weight]);
}

struct reduction {
	struct ofa_backward *bw;
	struct ofa_batch *b;
	struct ofa_train_params *w;
};

/* Adds the threads' accumulators to the gradients, in thread order, and leaves them zero. */
static void reduce_pass(void *ctx, unsigned t, unsigned threads)
{
	struct reduction *r = ctx;

	for (int p = 0; p < r->b->params->n; p++) {
		size_t begin, end;

		if (!r->w->grad[p])
			continue;
		ofa_pool_part(r->b->params->list[p].elements, t, threads, &begin, &end);
		for (unsigned from = 0; from < threads; from++) {
			float *a = grad_of(r->bw, from, p);

			for (size_t i = begin; i < end; i++)
				r->w->grad[p][i] += a[i];
			memset(a + begin, 0, (end - begin) * sizeof *a);
		}
	}
}

/* The residual that ends at project layer li starts at this layer's value; -2 = no residual. */
static int residual_source(const struct ofa_batch *b, int li)
{
	const struct ofa_layer *l = &b->plan.layers[li];

	return l->residual >= 0 ? b->plan.values[l->residual].first_layer : -2;
}

void ofa_backward_run(struct ofa_backward *bw, struct ofa_batch *b, struct ofa_train_params *w, const float *dlogits)
{
	struct pass ps = {.bw = bw, .b = b, .dlogits = dlogits};
	struct reduction r = {.bw = bw, .b = b, .w = w};
	int cur = 0, held = -1, held_for = -2;

	for (int li = b->plan.n_layers - 1; li >= 0; li--) {
		const struct ofa_layer *l = &b->plan.layers[li];
		int p = b->producer[li], next;

		if (l->op == OFA_OP_SE)
			continue;
		/* A waiting residual gradient is turned into its source's in place. */
		next = held >= 0 && p == held_for ? held : cur == 0 ? 1 : 0;
		if (next == held && p != held_for)
			next = 3 - cur - held;
		if (l->op == OFA_OP_CONV && residual_source(b, li) >= 0) {
			held = cur;
			held_for = residual_source(b, li);
			next = cur == 2 ? 0 : cur + 1;
		}
		ps.li = li;
		ps.g_in = bw->g[cur];
		ps.g_out = p >= 0 ? bw->g[next] : NULL;
		ps.g_residual = held >= 0 && p == held_for ? bw->g[held] : NULL;
		switch (l->op) {
		case OFA_OP_LINEAR:
			ofa_pool_run(b->pool, linear_pass, &ps);
			break;
		case OFA_OP_POOL:
			ofa_pool_run(b->pool, pool_pass, &ps);
			break;
		default:
			bn_coefficients(bw, b, li, w->grad);
			ofa_pool_run(b->pool, conv_pass, &ps);
			if (l->k > 1)
				merge_kernels(bw, b, li, w->grad);
		}
		if (ps.g_residual)
			held = -1, held_for = -2;
		cur = next;
	}
	ofa_pool_run(b->pool, reduce_pass, &r);
}
