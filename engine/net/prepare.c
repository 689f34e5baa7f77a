#include "net/prepare.h"

#include <string.h>
#include "ops/kernels.h"
#include "tensor/gemm.h"

#define TRANSFORM_MAX 25
#define TRANSFORM_ROWS ((TRANSFORM_MAX + OFA_WEIGHT_PANEL - 1) / OFA_WEIGHT_PANEL * OFA_WEIGHT_PANEL)

/* Parts of the scratch: v, v' (c,25), u, u' (c,9), one stack of the stored size. */
struct parts {
	float *v, *vt, *u, *ut, *stack;
};

static struct parts split(float *scratch, int c)
{
	struct parts p;

	p.v = scratch;
	p.vt = p.v + 25 * (size_t)c;
	p.u = p.vt + 25 * (size_t)c;
	p.ut = p.u + 9 * (size_t)c;
	p.stack = p.ut + 9 * (size_t)c;
	return p;
}

size_t ofa_depthwise_scratch(const struct ofa_layer *l)
{
	return (size_t)l->c_out * (25 + 25 + 9 + 9 + (size_t)l->k_stored * l->k_stored);
}

static void crop(const float *w, int c, int from, int to, float *out)
{
	int o = (from - to) / 2;

	for (int i = 0; i < c; i++, w += from * from) {
		for (int y = 0; y < to; y++, out += to)
			memcpy(out, w + (y + o) * from + o, (size_t)to * sizeof *out);
	}
}

/* The transpose of crop: adds a (c,to,to) stack into the centres of (c,from,from). */
static void embed_add(const float *w, int c, int from, int to, float *out)
{
	int o = (from - to) / 2;

	for (int i = 0; i < c; i++, out += from * from) {
		for (int y = 0; y < to; y++, w += to) {
			for (int x = 0; x < to; x++)
				out[(y + o) * from + o + x] += w[x];
		}
	}
}

static void transpose(const float *a, int rows, int cols, float *out)
{
	for (int i = 0; i < rows; i++) {
		for (int j = 0; j < cols; j++)
			out[(size_t)j * rows + i] = a[(size_t)i * cols + j];
	}
}

/* y (c,n) = x (c,n) times the transposed (n,n) matrix t.  Not by BLAS: what is packed must not depend on which of its
 * kernels a processor gets. */
static void times(const float *x, int c, int n, const float *t, float *y)
{
	static const float zeros[TRANSFORM_ROWS];
	const struct ofa_kernels *kernels = ofa_kernels();
	float panels[TRANSFORM_ROWS * TRANSFORM_MAX];
	struct ofa_panel_conv product = ofa_panel_product(x, c, n, panels, zeros, n, y);

	kernels->to_panels(t, (size_t)n, n, (size_t)n, NULL, panels);
	kernels->conv(&product);
}

/* Fills v, v', u, u' as far as the layer uses them; returns the (c,k*k) kernel. */
static const float *transform(const struct ofa_layer *l, const float *const *data, const struct parts *p)
{
	const float *cur = data[l->weight];
	int c = l->c_out, k = l->k_stored;

	if (l->t75 >= 0) {
		crop(cur, c, k, 5, p->v);
		times(p->v, c, 25, data[l->t75], p->vt);
		cur = p->vt;
		k = 5;
	}
	if (l->t53 >= 0) {
		crop(cur, c, k, 3, p->u);
		times(p->u, c, 9, data[l->t53], p->ut);
		cur = p->ut;
	}
	return cur;
}

void ofa_depthwise_prepare(const struct ofa_layer *l, const float *const *data, float *scratch, float *wk)
{
	struct parts p = split(scratch, l->c_out);

	transpose(transform(l, data, &p), l->c_out, l->k * l->k, wk);
}

const float *ofa_depthwise_rows(const struct ofa_layer *l, const float *const *data, float *scratch)
{
	struct parts p = split(scratch, l->c_out);

	return transform(l, data, &p);
}

void ofa_depthwise_prepare_backward(const struct ofa_layer *l, const float *const *data, const float *dwk,
				    float *scratch, float *const *grad)
{
	struct parts p = split(scratch, l->c_out);
	int c = l->c_out, k = l->k;
	float *d = p.stack;

	transform(l, data, &p);
	transpose(dwk, k * k, c, d);
	if (l->t53 >= 0) {
		int from = l->t75 >= 0 ? 5 : l->k_stored;

		ofa_gemm_tn(9, 9, c, d, 9, p.u, 9, 1.0f, grad[l->t53], 9);
		ofa_gemm_nn(c, 9, 9, d, 9, data[l->t53], 9, 0.0f, p.ut, 9);
		if (l->t75 < 0) {
			embed_add(p.ut, c, from, 3, grad[l->weight]);
			return;
		}
		memset(d, 0, (size_t)c * 25 * sizeof *d);
		embed_add(p.ut, c, 5, 3, d);
	}
	if (l->t75 >= 0) {
		ofa_gemm_tn(25, 25, c, d, 25, p.v, 25, 1.0f, grad[l->t75], 25);
		ofa_gemm_nn(c, 25, 25, d, 25, data[l->t75], 25, 0.0f, p.vt, 25);
		embed_add(p.vt, c, l->k_stored, 5, grad[l->weight]);
		return;
	}
	embed_add(d, c, l->k_stored, k, grad[l->weight]);
}

void ofa_conv_prepare_rows(const struct ofa_layer *l, const struct ofa_param *p, const float *w, int first, int n,
			   float *wk)
{
	int kk = l->k * l->k, c_full = p->shape[1];

	for (int o = 0; o < n; o++) {
		const float *from = w + (size_t)(first + o) * c_full * kk;

		for (int c = 0; c < l->c_in; c++) {
			for (int i = 0; i < kk; i++)
				wk[((size_t)o * kk + i) * l->c_in + c] = from[(size_t)c * kk + i];
		}
	}
}

void ofa_conv_prepare(const struct ofa_layer *l, const struct ofa_param *p, const float *w, float *wk)
{
	ofa_conv_prepare_rows(l, p, w, 0, l->c_out, wk);
}

void ofa_conv_prepare_backward(const struct ofa_layer *l, const struct ofa_param *p, const float *dwk, float *grad)
{
	int kk = l->k * l->k, c_full = p->shape[1];

	for (int o = 0; o < l->c_out; o++) {
		for (int c = 0; c < l->c_in; c++) {
			for (int i = 0; i < kk; i++)
				grad[((size_t)o * c_full + c) * kk + i] += dwk[((size_t)o * kk + i) * l->c_in + c];
		}
	}
}

struct ofa_conv ofa_layer_conv(const struct ofa_layer *l)
{
	return (struct ofa_conv){.h = l->h_in,
				 .w = l->w_in,
				 .c_in = l->c_in,
				 .k = l->k,
				 .stride = l->stride,
				 .pad = l->pad,
				 .ho = l->h_out,
				 .wo = l->w_out,
				 .c_out = l->c_out};
}

struct ofa_window ofa_layer_window(const struct ofa_layer *l)
{
	return (struct ofa_window){.h = l->h_in,
				   .w = l->w_in,
				   .c = l->c_in,
				   .k = l->k,
				   .stride = l->stride,
				   .pad = l->pad,
				   .ho = l->h_out,
				   .wo = l->w_out};
}
