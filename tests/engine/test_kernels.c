/* Every fast kernel against its naive oracle, over one table of shapes, for each instruction set of this machine. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "ops/depthwise.h"
#include "ops/im2col.h"
#include "ops/kernels.h"
#include "ops/pool.h"
#include "ops/ref.h"
#include "tensor/gemm.h"

static const char *const isas[] = {"generic", "avx2", "avx512"};

/* Maps as the networks have them, and channel counts that need every block width and the single-channel tail. */
static const struct shape {
	int h, w, c, k, stride;
} shapes[] = {
	{28, 28, 8, 3, 1}, {28, 28, 48, 7, 2}, {14, 14, 72, 5, 1}, {14, 14, 24, 7, 1}, {13, 9, 40, 5, 2},
	{7, 7, 96, 3, 2},  {7, 7, 104, 7, 1},  {4, 4, 192, 7, 1},  {2, 2, 16, 7, 1},   {1, 1, 32, 5, 1},
	{5, 6, 11, 3, 1},  {6, 5, 3, 5, 2},    {10, 10, 1, 7, 2},  {3, 3, 25, 3, 2},   {17, 30, 17, 3, 1},
};

static float *random_floats(struct ofa_rng *r, size_t n)
{
	float *p = malloc((n ? n : 1) * sizeof *p);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = 2.0f * ofa_rng_normal(r);
	return p;
}

static void expect_close(const char *what, const struct shape *s, const char *isa, const float *got, const float *want,
			 size_t n)
{
	float scale = 1e-6f;

	for (size_t i = 0; i < n; i++)
		scale = fmaxf(scale, fabsf(want[i]));
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabsf(got[i] - want[i]) <= 2e-5f * scale,
			      "%s %s (%d,%d,%d) k%d s%d at %zu: %g, oracle %g", what, isa, s->h, s->w, s->c, s->k,
			      s->stride, i, (double)got[i], (double)want[i]);
}

/* A map as planes whose frame was zero before. */
static float *planes_of(const struct ofa_kernels *kn, const float *x, int h, int w, int c, int pad)
{
	float *p = calloc((size_t)(h + 2 * pad) * (w + 2 * pad) * c, sizeof *p);

	ck_assert_ptr_nonnull(p);
	kn->to_planes(x, h, w, c, NULL, NULL, OFA_ACT_NONE, p, pad);
	return p;
}

static void check_depthwise(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	int ho = (s->h - 1) / s->stride + 1, wo = (s->w - 1) / s->stride + 1, pad = s->k / 2, c = s->c;
	size_t in = (size_t)s->h * s->w * c, out = (size_t)ho * wo * c, kk = (size_t)s->k * s->k * c;
	float *x = random_floats(rng, in), *w = random_floats(rng, kk), *dy = random_floats(rng, out);
	float *y = random_floats(rng, out), *want = random_floats(rng, out);
	float *dx = random_floats(rng, in), *want_dx = random_floats(rng, in);
	float *dw = calloc(kk, sizeof *dw), *want_dw = random_floats(rng, kk);
	float *xp = planes_of(kn, x, s->h, s->w, c, pad), *dyp = planes_of(kn, dy, ho, wo, c, pad);
	struct ofa_depthwise d;

	ofa_depthwise_forward(s->k, s->stride, s->h, s->w, c, &d);
	kn->depthwise(&d, xp, w, c, y);
	ofa_ref_depthwise(x, s->h, s->w, c, w, s->k, s->stride, want);
	expect_close("depthwise", s, kn->isa, y, want, out);

	ofa_ref_depthwise_backward(x, s->h, s->w, c, w, s->k, s->stride, dy, want_dx, want_dw);
	kn->depthwise_weight(dyp, ho, wo, xp, s->h, s->w, s->stride, s->k, c, dw);
	expect_close("depthwise_weight", s, kn->isa, dw, want_dw, kk);
	for (int py = 0; py < s->stride; py++) {
		for (int px = 0; px < s->stride; px++) {
			size_t first;

			ofa_depthwise_backward(s->k, s->stride, py, px, s->h, s->w, c, &d, &first);
			kn->depthwise(&d, dyp, w, c, dx + first);
		}
	}
	expect_close("depthwise backward", s, kn->isa, dx, want_dx, in);
	float *all[] = {x, w, dy, y, want, dx, want_dx, dw, want_dw, xp, dyp};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* The inside of planes as a dense map: one tap whose weight is 1. */
static void from_planes(const struct ofa_kernels *kn, const float *planes, int h, int w, int c, int pad, float *y)
{
	struct ofa_depthwise d;
	float *ones = malloc((size_t)c * sizeof *ones);

	ck_assert_ptr_nonnull(ones);
	for (int i = 0; i < c; i++)
		ones[i] = 1.0f;
	ofa_depthwise_forward(1, 1, h, w, c, &d);
	d.pitch = w + 2 * pad;
	d.plane = (size_t)(h + 2 * pad) * (size_t)d.pitch;
	d.origin = pad * d.pitch + pad;
	kn->depthwise(&d, planes, ones, c, y);
	free(ones);
}

static void check_activations(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	int c = s->c, rows = s->h * s->w;
	size_t n = (size_t)rows * c;
	float *x = random_floats(rng, n), *res = random_floats(rng, n), *d = random_floats(rng, n);
	float *scale = random_floats(rng, (size_t)c), *shift = random_floats(rng, (size_t)c),
	      *mean = random_floats(rng, (size_t)c);
	float *y = random_floats(rng, n), *want = random_floats(rng, n);
	float *planes = calloc((size_t)(s->h + 4) * (s->w + 4) * c, sizeof *planes);
	float *sum = calloc((size_t)c, sizeof *sum), *dot = calloc((size_t)c, sizeof *dot);
	float *want_sum = calloc((size_t)c, sizeof *sum), *want_dot = calloc((size_t)c, sizeof *dot);

	for (enum ofa_act act = 0; act < OFA_ACT_COUNT; act++) {
		for (size_t i = 0; i < n; i++)
			want[i] = ofa_ref_act(x[i] * scale[i % c] + shift[i % c] + res[i], act);
		kn->bn_act(x, res, rows, c, scale, shift, act, y);
		expect_close("bn_act residual", s, kn->isa, y, want, n);
		for (size_t i = 0; i < n; i++)
			want[i] = ofa_ref_act(x[i] * scale[i % c] + shift[i % c], act);
		kn->bn_act(x, NULL, rows, c, scale, shift, act, y);
		expect_close("bn_act", s, kn->isa, y, want, n);
		kn->to_planes(x, s->h, s->w, c, scale, shift, act, planes, 2);
		from_planes(kn, planes, s->h, s->w, c, 2, y);
		expect_close("to_planes", s, kn->isa, y, want, n);

		for (int with_res = 0; with_res < 2; with_res++) {
			memset(sum, 0, (size_t)c * sizeof *sum);
			memset(dot, 0, (size_t)c * sizeof *dot);
			memset(want_sum, 0, (size_t)c * sizeof *sum);
			memset(want_dot, 0, (size_t)c * sizeof *dot);
			for (size_t i = 0; i < n; i++) {
				float b = x[i] * scale[i % c] + shift[i % c];

				want[i] = (d[i] + (with_res ? res[i] : 0)) * ofa_ref_act_grad(b, act);
				want_sum[i % c] += want[i];
				want_dot[i % c] += want[i] * (x[i] - mean[i % c]);
			}
			kn->act_backward(d, with_res ? res : NULL, x, rows, c, scale, shift, mean, act, y, sum, dot);
			expect_close("act_backward", s, kn->isa, y, want, n);
			expect_close("act_backward sum", s, kn->isa, sum, want_sum, (size_t)c);
			expect_close("act_backward dot", s, kn->isa, dot, want_dot, (size_t)c);
		}
	}
	float *all[] = {x, res, d, scale, shift, mean, y, want, planes, sum, dot, want_sum, want_dot};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

static void check_columns(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	int c = s->c, rows = s->h * s->w;
	size_t n = (size_t)rows * c;
	float *x = random_floats(rng, n), *g = random_floats(rng, n), *a = random_floats(rng, (size_t)c);
	float *b = random_floats(rng, (size_t)c), *k = random_floats(rng, (size_t)c);
	float *y = malloc(n * sizeof *y), *want = malloc(n * sizeof *want);
	float *s1 = calloc((size_t)c, sizeof *s1), *s2 = calloc((size_t)c, sizeof *s2);
	float *w1 = calloc((size_t)c, sizeof *w1), *w2 = calloc((size_t)c, sizeof *w2);
	float *planes = calloc((size_t)(s->h + 2) * (s->w + 2) * c, sizeof *planes);

	for (size_t i = 0; i < n; i++) {
		w1[i % c] += x[i] - a[i % c];
		w2[i % c] += (x[i] - a[i % c]) * (x[i] - a[i % c]);
	}
	kn->moments(x, rows, c, a, s1, s2);
	expect_close("moments sum", s, kn->isa, s1, w1, (size_t)c);
	expect_close("moments square", s, kn->isa, s2, w2, (size_t)c);

	memset(s1, 0, (size_t)c * sizeof *s1);
	memset(w1, 0, (size_t)c * sizeof *w1);
	for (size_t i = 0; i < n; i++)
		w1[i % c] += x[i];
	kn->column_sum(x, rows, c, s1);
	expect_close("column_sum", s, kn->isa, s1, w1, (size_t)c);

	memset(s2, 0, (size_t)c * sizeof *s2);
	memset(w2, 0, (size_t)c * sizeof *w2);
	for (size_t i = 0; i < n; i++)
		w2[i % c] += x[i] * g[i];
	kn->dot_columns(x, g, rows, c, s2);
	expect_close("dot_columns", s, kn->isa, s2, w2, (size_t)c);

	for (size_t i = 0; i < n; i++)
		want[i] = g[i] * a[i % c] + x[i] * b[i % c] + k[i % c];
	kn->bn_backward(g, x, rows, c, a, b, k, y);
	expect_close("bn_backward", s, kn->isa, y, want, n);
	kn->bn_backward_planes(g, x, s->h, s->w, c, a, b, k, planes, 1);
	from_planes(kn, planes, s->h, s->w, c, 1, y);
	expect_close("bn_backward_planes", s, kn->isa, y, want, n);

	for (size_t i = 0; i < n; i++)
		want[i] = x[i] * a[i % c];
	memcpy(y, x, n * sizeof *y);
	kn->scale_columns(y, rows, c, a);
	expect_close("scale_columns", s, kn->isa, y, want, n);
	for (size_t i = 0; i < n; i++)
		want[i] = x[i] * a[i % c] + b[i % c];
	memcpy(y, x, n * sizeof *y);
	kn->scale_add_columns(y, rows, c, a, b);
	expect_close("scale_add_columns", s, kn->isa, y, want, n);

	for (size_t i = 0; i < n; i++)
		want[i] = fmaxf(x[i] + b[i % c], 0);
	memcpy(y, x, n * sizeof *y);
	kn->bias_act(y, rows, c, b, OFA_ACT_RELU);
	expect_close("bias_act", s, kn->isa, y, want, n);
	memcpy(y, x, n * sizeof *y);
	kn->bias_act(y, rows, c, NULL, OFA_ACT_NONE);
	expect_close("bias_act without bias", s, kn->isa, y, x, n);

	for (int m = 1; m <= 6 && m <= rows; m++) {
		const float *picked[6];
		memset(w1, 0, (size_t)c * sizeof *w1);
		for (int i = 0; i < m; i++)
			picked[i] = x + (size_t)(i * 5 % rows) * c;
		for (int i = 0; i < m * c; i++)
			w1[i % c] += picked[i / c][i % c];
		kn->sum_rows(picked, m, c, OFA_ACT_NONE, s1);
		expect_close("sum_rows", s, kn->isa, s1, w1, (size_t)c);
	}
	float *all[] = {x, g, a, b, k, y, want, s1, s2, w1, w2, planes};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* Entries that nothing reaches, equal ones and every tail. */
static void check_take_better(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	size_t n = (size_t)(s->h * s->w + s->c);
	float *from = random_floats(rng, n), *best = random_floats(rng, n), *want = malloc(n * sizeof *want);
	int32_t *choice = malloc(n * sizeof *choice), *chosen = malloc(n * sizeof *chosen);

	for (size_t i = 0; i < n; i++) {
		if (i % 5 == 1)
			from[i] = -INFINITY;
		if (i % 7 == 2)
			best[i] = -INFINITY;
		if (i % 5 == 3)
			best[i] = from[i] + 0.25f;
		choice[i] = -(int32_t)i;
		want[i] = from[i] + 0.25f > best[i] ? from[i] + 0.25f : best[i];
		chosen[i] = from[i] + 0.25f > best[i] ? 9 : choice[i];
	}
	kn->take_better(from, (int)n, 0.25f, 9, best, choice);
	ck_assert_mem_eq(best, want, n * sizeof *want);
	ck_assert_mem_eq(choice, chosen, n * sizeof *chosen);
	free(from);
	free(best);
	free(want);
	free(choice);
	free(chosen);
}

/* Rows of every number up to three groups; whole columns of zeros, single ones, and rows without any. */
static void check_dense(const struct ofa_kernels *kn, struct ofa_rng *rng)
{
	const struct shape s = {.h = 1, .w = 1, .c = 1, .k = 1, .stride = 1};
	enum { OUT_MAX = 80, IN = 37 };
	float *x = random_floats(rng, 18 * IN), *w = random_floats(rng, IN * OUT_MAX), *b = random_floats(rng, OUT_MAX);
	float *y = malloc(18 * OUT_MAX * sizeof *y), *want = malloc(18 * OUT_MAX * sizeof *want);
	float *packed = malloc(OFA_DENSE_PACKED(18, IN) * sizeof *packed);
	int32_t *live = malloc(OFA_DENSE_LIVE(18, IN) * sizeof *live);

	for (int i = 0; i < 18 * IN; i++)
		if (i % IN % 3 == 0 || i % 5 == 0 || i / IN == 7 || i / IN >= 12)
			x[i] = 0;
	for (int n = 1; n <= 18; n++) {
		int out = OFA_PANEL * (1 + n % 5);

		for (int i = 0; i < n * out; i++) {
			double sum = (double)b[i % out];

			for (int k = 0; k < IN; k++)
				sum += (double)x[i / out * IN + k] *
				       (double)w[(i % out / OFA_PANEL * IN + k) * OFA_PANEL + i % out % OFA_PANEL];
			want[i] = ofa_ref_act((float)sum, OFA_ACT_RELU);
		}
		kn->dense(x, n, IN, w, b, out, OFA_ACT_RELU, packed, live, y);
		expect_close("dense", &s, kn->isa, y, want, (size_t)(n * out));
		kn->dense(x + (n - 1) * IN, 1, IN, w, b, out, OFA_ACT_RELU, packed, live, want);
		ck_assert_mem_eq(want, y + (n - 1) * out, (size_t)out * sizeof *y); /* whatever the company */
	}
	float *all[] = {x, w, b, y, want, packed};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
	free(live);
}

/* BN of a whole batch, forward and backward, from the kernels it is made of. */
static void check_batch_norm(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	int c = s->c, rows = s->h * s->w + 3;
	size_t n = (size_t)rows * c, cs = (size_t)c;
	float *x = random_floats(rng, n), *dy = random_floats(rng, n), *gamma = random_floats(rng, cs),
	      *beta = random_floats(rng, cs);
	float *y = malloc(n * sizeof *y), *want = malloc(n * sizeof *want), *col = calloc(8 * cs, sizeof *col);
	float *sum = col, *square = col + cs, *scale = col + 2 * cs, *shift = col + 3 * cs, *mean = col + 4 * cs;
	float *a = col + 5 * cs, *b = col + 6 * cs, *k = col + 7 * cs;
	float *dgamma = malloc(cs * sizeof *dgamma), *dbeta = malloc(cs * sizeof *dbeta);

	kn->moments(x, rows, c, x, sum, square);
	for (int i = 0; i < c; i++) {
		float m = sum[i] / (float)rows, var = square[i] / (float)rows - m * m;

		mean[i] = m + x[i];
		scale[i] = gamma[i] / sqrtf(var + 1e-3f);
		shift[i] = beta[i] - mean[i] * scale[i];
	}
	kn->bn_act(x, NULL, rows, c, scale, shift, OFA_ACT_NONE, y);
	ofa_ref_batch_norm(x, rows, c, gamma, beta, 1e-3f, want);
	expect_close("batch norm", s, kn->isa, y, want, n);

	memset(col, 0, 2 * cs * sizeof *col);
	kn->act_backward(dy, NULL, x, rows, c, scale, shift, mean, OFA_ACT_NONE, y, sum, square);
	for (int i = 0; i < c; i++) {
		float invstd = scale[i] / gamma[i];

		square[i] *= invstd;
		a[i] = scale[i];
		b[i] = -scale[i] * invstd * square[i] / (float)rows;
		k[i] = -scale[i] * sum[i] / (float)rows - b[i] * mean[i];
	}
	ofa_ref_batch_norm_backward(x, rows, c, gamma, 1e-3f, dy, want, dgamma, dbeta);
	expect_close("batch norm d(gamma)", s, kn->isa, square, dgamma, cs);
	expect_close("batch norm d(beta)", s, kn->isa, sum, dbeta, cs);
	kn->bn_backward(dy, x, rows, c, a, b, k, y);
	expect_close("batch norm d(input)", s, kn->isa, y, want, n);
	float *all[] = {x, dy, gamma, beta, y, want, col, dgamma, dbeta};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* Two images at once, the same one: tiles go on from one to the other. */
static void check_tiled_conv(const struct shape *s, const float *x, const float *w, int c_out, const float *want)
{
	struct ofa_conv c = {.h = s->h, .w = s->w, .c_in = s->c, .k = s->k, .stride = s->stride, .pad = s->k / 2};
	size_t in = (size_t)s->h * s->w * s->c, out;
	float *twice = malloc(2 * in * sizeof *twice), *col, *y;

	c.ho = (s->h - 1) / s->stride + 1;
	c.wo = (s->w - 1) / s->stride + 1;
	c.c_out = c_out;
	out = (size_t)c.ho * c.wo * c_out;
	col = malloc(ofa_conv_floats(&c) * sizeof *col);
	y = malloc(2 * out * sizeof *y);
	memcpy(twice, x, in * sizeof *x);
	memcpy(twice + in, x, in * sizeof *x);
	ofa_conv_run(&c, 2, twice, w, col, y);
	expect_close("conv by tiles", s, "blas", y, want, out);
	expect_close("conv by tiles, second image", s, "blas", y + out, want, out);
	free(twice);
	free(col);
	free(y);
}

/* Dense convolution and its gradients as matrix products, as forward and backward use them. */
static void check_conv(const struct shape *s, struct ofa_rng *rng)
{
	int c_out = 12, ho = (s->h - 1) / s->stride + 1, wo = (s->w - 1) / s->stride + 1, width = s->k * s->k * s->c;
	size_t in = (size_t)s->h * s->w * s->c, out = (size_t)ho * wo * c_out, weights = (size_t)c_out * width;
	float *x = random_floats(rng, in), *w = random_floats(rng, weights), *dy = random_floats(rng, out);
	float *y = malloc(out * sizeof *y), *want = malloc(out * sizeof *want), *dx = malloc(in * sizeof *dx);
	float *dw = malloc(weights * sizeof *dw), *want_dw = malloc(weights * sizeof *want_dw);
	float *col = malloc((size_t)ho * wo * width * sizeof *col);

	ofa_im2col(x, s->h, s->w, s->c, s->k, s->stride, s->k / 2, ho, wo, col);
	ofa_gemm_nt(ho * wo, c_out, width, col, width, w, width, 0.0f, y, c_out);
	ofa_ref_conv(x, s->h, s->w, s->c, w, c_out, s->k, s->stride, want);
	expect_close("conv", s, "blas", y, want, out);
	check_tiled_conv(s, x, w, c_out, want);
	ofa_gemm_tn(c_out, width, ho * wo, dy, c_out, col, width, 0.0f, dw, width);
	ofa_ref_conv_backward(x, s->h, s->w, s->c, w, c_out, s->k, s->stride, dy, dx, want_dw);
	expect_close("conv d(weight)", s, "blas", dw, want_dw, weights);
	float *all[] = {x, w, dy, y, want, dx, dw, want_dw, col};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

START_TEST(products_match_the_oracle)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 8);
	for (size_t i = 0; i < OFA_ARRAY_LEN(shapes); i++)
		check_conv(&shapes[i], &rng);
}
END_TEST

static void check_pools(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	size_t in = (size_t)s->h * s->w * s->c;
	float *x = random_floats(rng, in), *y = random_floats(rng, in), *want = random_floats(rng, in);

	for (int stride = 1; stride <= 3; stride++) {
		struct ofa_window p = {.h = s->h, .w = s->w, .c = s->c, .k = 3, .stride = stride, .pad = 1};
		size_t out;

		p.ho = (s->h - 1) / stride + 1;
		p.wo = (s->w - 1) / stride + 1;
		out = (size_t)p.ho * p.wo * s->c;
		ofa_pool_max(kn, &p, x, y);
		ofa_ref_max_pool(x, s->h, s->w, s->c, 3, stride, 1, p.ho, p.wo, want);
		expect_close("max pool", s, kn->isa, y, want, out);
		p.k = stride; /* the last windows are cut where the map is no multiple */
		p.pad = 0;
		ofa_pool_average(kn, &p, x, y);
		ofa_ref_average_pool(x, s->h, s->w, s->c, stride, stride, 0, p.ho, p.wo, want);
		expect_close("average pool", s, kn->isa, y, want, out);
	}
	free(x);
	free(y);
	free(want);
}

START_TEST(kernels_match_the_oracle)
{
	const struct ofa_kernels *kn = ofa_kernels_named(isas[_i]);
	struct ofa_rng rng;

	if (!kn) {
		printf("SKIP %s: this processor lacks it\n", isas[_i]);
		return;
	}
	ofa_rng_init(&rng, 7);
	check_dense(kn, &rng);
	for (size_t i = 0; i < OFA_ARRAY_LEN(shapes); i++) {
		check_depthwise(kn, &shapes[i], &rng);
		check_activations(kn, &shapes[i], &rng);
		check_columns(kn, &shapes[i], &rng);
		check_batch_norm(kn, &shapes[i], &rng);
		check_take_better(kn, &shapes[i], &rng);
		check_pools(kn, &shapes[i], &rng);
	}
}
END_TEST

START_TEST(dispatch_picks_an_available_set)
{
	ck_assert_ptr_nonnull(ofa_kernels());
	ck_assert_ptr_eq(ofa_kernels(), ofa_kernels_named(ofa_kernels()->isa));
	ck_assert_ptr_null(ofa_kernels_named("no such set"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernels");
	TCase *tc = tcase_create("oracle");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, kernels_match_the_oracle, 0, (int)OFA_ARRAY_LEN(isas));
	tcase_add_test(tc, products_match_the_oracle);
	tcase_add_test(tc, dispatch_picks_an_available_set);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
