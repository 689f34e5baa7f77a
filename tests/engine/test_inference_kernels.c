/* The kernels of inference on extracted weights against their naive oracles, over one table of shapes, for each
 * instruction set of this machine. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "ops/depthwise.h"
#include "ops/kernels.h"
#include "ops/ref.h"
#include "runner.h"

static const char *const isas[] = {"generic", "avx2", "avx512"};

/* A dense convolution c -> c_out of k x k; and a pointwise one c -> c_out before a depthwise one of k x k.  Maps and
 * widths of ImageNet networks, then tiles that are cut, overlap or are too large for the map. */
static const struct shape {
	int h, w, c, c_out, k, stride;
} shapes[] = {
	{56, 56, 32, 24, 3, 2},  {28, 28, 24, 72, 7, 1},  {14, 14, 72, 136, 5, 1}, {7, 7, 192, 64, 7, 1},
	{33, 33, 3, 24, 3, 2},   {14, 14, 40, 48, 3, 1},  {1, 1, 1152, 40, 1, 1},  {1, 1, 13, 1000, 1, 1},
	{20, 21, 300, 16, 1, 1}, {9, 8, 16, 32, 5, 2},    {13, 5, 8, 33, 3, 1},    {5, 6, 11, 9, 7, 2},
	{2, 2, 3, 7, 3, 1},      {15, 15, 17, 31, 3, 1},  {3, 40, 5, 8, 1, 1},     {6, 6, 1, 1, 5, 1},
};

static float *random_floats(struct ofa_rng *r, size_t n)
{
	float *p = malloc((n ? n : 1) * sizeof *p);

	ck_assert_ptr_nonnull(p);
	for (size_t i = 0; i < n; i++)
		p[i] = ofa_rng_normal(r);
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
			      "%s %s (%d,%d,%d) -> %d k%d s%d at %zu: %g, oracle %g", what, isa, s->h, s->w, s->c,
			      s->c_out, s->k, s->stride, i, (double)got[i], (double)want[i]);
}

static size_t panel_floats(int rows, int columns)
{
	return (size_t)(rows + OFA_WEIGHT_PANEL - 1) / OFA_WEIGHT_PANEL * OFA_WEIGHT_PANEL * (size_t)columns;
}

/* The bytes must not depend on the instruction set: packages are made of them. */
static float *panels_of(const struct ofa_kernels *kn, const float *w, int rows, int columns, const float *scale)
{
	const size_t n = panel_floats(rows, columns);
	float *panels = malloc(n * sizeof *panels);

	memset(panels, 0xff, n * sizeof *panels);
	kn->to_panels(w, (size_t)columns, rows, (size_t)columns, scale, panels);
	for (size_t i = 0; i < n; i++) {
		size_t row = i / ((size_t)columns * OFA_WEIGHT_PANEL) * OFA_WEIGHT_PANEL + i % OFA_WEIGHT_PANEL;
		size_t column = i / OFA_WEIGHT_PANEL % (size_t)columns;
		float want = row < (size_t)rows ? w[row * (size_t)columns + column] : 0.0f;

		if (scale && row < (size_t)rows)
			want *= scale[row];
		ck_assert_msg(memcmp(&panels[i], &want, sizeof want) == 0, "%s: panels of %dx%d at %zu: %g, not %g",
			      kn->isa, rows, columns, i, (double)panels[i], (double)want);
	}
	return panels;
}

static void check_panels(const struct ofa_kernels *kn, struct ofa_rng *rng)
{
	float *w = random_floats(rng, 40 * 40), *scale = random_floats(rng, 40);

	for (int rows = 1; rows <= 40; rows += 3) {
		for (int columns = 1; columns <= 40; columns++) {
			free(panels_of(kn, w, rows, columns, NULL));
			free(panels_of(kn, w, rows, columns, scale));
		}
	}
	free(w);
	free(scale);
}

/* A map with a frame of zeros. */
static float *framed(const float *x, int h, int w, int c, int pad)
{
	const size_t pitch = (size_t)(w + 2 * pad) * c;
	float *p = calloc((size_t)(h + 2 * pad) * pitch, sizeof *p);

	for (int y = 0; y < h; y++)
		memcpy(p + (size_t)(y + pad) * pitch + (size_t)pad * c, x + (size_t)y * w * c,
		       (size_t)w * c * sizeof *p);
	return p;
}

static void epilogue(float *y, size_t n, int c, const float *bias, const float *residual, enum ofa_act act)
{
	for (size_t i = 0; i < n; i++)
		y[i] = ofa_ref_act(y[i] + bias[i % c] + (residual ? residual[i] : 0), act);
}

/* y ends exactly at its last element, so that the sanitizer sees a store too far. */
static void check_conv(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	const int ho = (s->h - 1) / s->stride + 1, wo = (s->w - 1) / s->stride + 1, pad = s->k / 2;
	const int width = s->k * s->k * s->c;
	const size_t pitch = (size_t)(s->w + 2 * pad) * s->c, out = (size_t)ho * wo * s->c_out;
	float *x = random_floats(rng, (size_t)s->h * s->w * s->c), *w = random_floats(rng, (size_t)s->c_out * width);
	float *bias = random_floats(rng, (size_t)s->c_out + OFA_WEIGHT_PANEL), *residual = random_floats(rng, out);
	float *y = malloc(out * sizeof *y), *want = malloc(out * sizeof *want), one = 1.0f / sqrtf((float)width);
	float *frame = framed(x, s->h, s->w, s->c, pad), *panels;
	struct ofa_panel_conv c = {
		.x = frame,
		.x_line = s->stride * pitch,
		.x_pixel = (size_t)s->stride * s->c,
		.x_row = pitch,
		.rows = s->k,
		.taps = s->k * s->c,
		.bias = bias,
		.y = y,
		.y_line = (size_t)wo * s->c_out,
		.y_pixel = (size_t)s->c_out,
		.y_channel = 1,
		.lines = ho,
		.pixels = wo,
		.c_out = s->c_out,
	};

	for (int i = 0; i < s->c_out * width; i++)
		w[i] *= one; /* sums as large as their terms, whatever the width */
	c.w = panels = panels_of(kn, w, s->c_out, width, NULL);
	if (s->k == 1 && s->stride == 1) { /* as one line */
		c.pixels *= c.lines;
		c.lines = 1;
	}
	for (c.act = 0; c.act < OFA_ACT_COUNT; c.act++) {
		c.residual = c.act % 2 ? residual : NULL;
		memset(y, 0xff, out * sizeof *y);
		kn->conv(&c);
		ofa_ref_conv(x, s->h, s->w, s->c, w, s->c_out, s->k, s->stride, want);
		epilogue(want, out, s->c_out, bias, c.residual, c.act);
		expect_close("conv", s, kn->isa, y, want, out);
	}
	float *all[] = {x, w, bias, residual, y, want, frame, panels};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

/* The depthwise half: of a dense map, and of the convolution that makes it. */
static void check_map(const struct ofa_kernels *kn, const struct shape *s, const struct ofa_panel_conv *expand,
		      const float *mid, struct ofa_rng *rng)
{
	const int c = s->c_out, ho = (s->h - 1) / s->stride + 1, wo = (s->w - 1) / s->stride + 1, kk = s->k * s->k;
	const size_t out = (size_t)ho * wo * c;
	float *w = random_floats(rng, (size_t)c * kk), *rows = malloc((size_t)c * kk * sizeof *rows);
	float *bias = random_floats(rng, (size_t)c + OFA_WEIGHT_PANEL), *y = malloc(out * sizeof *y);
	float *want = malloc(out * sizeof *want), *sum = malloc((size_t)c * sizeof *sum);
	float *want_sum = calloc((size_t)c, sizeof *want_sum), *panels;
	float *planes = malloc(OFA_DEPTHWISE_SCRATCH(s->h, s->w, s->k / 2) * sizeof *planes);
	struct ofa_depthwise_map m = {.h = s->h, .w = s->w, .c = c, .pad = s->k / 2, .kk = kk, .bias = bias,
				      .planes = planes, .y = y, .sum = sum};
	struct ofa_depthwise d;

	for (int i = 0; i < c * kk; i++)
		rows[i % c * kk + i / c] = w[i];
	m.w_panels = panels = panels_of(kn, rows, c, kk, NULL);
	ofa_depthwise_forward(s->k, s->stride, s->h, s->w, c, &d);
	d.act = OFA_ACT_HSWISH;
	ofa_ref_depthwise(mid, s->h, s->w, c, w, s->k, s->stride, want);
	epilogue(want, out, c, bias, NULL, d.act);
	for (size_t i = 0; i < out; i++)
		want_sum[i % c] += want[i];
	for (int fused = 0; fused < (c % OFA_WEIGHT_PANEL == 0 ? 2 : 1); fused++) {
		m.x = fused ? NULL : mid;
		m.expand = fused ? expand : NULL;
		memset(planes, 0xff, OFA_DEPTHWISE_SCRATCH(s->h, s->w, s->k / 2) * sizeof *planes);
		kn->depthwise_map(&d, &m);
		expect_close(fused ? "expand and depthwise" : "depthwise_map", s, kn->isa, y, want, out);
		expect_close("depthwise_map's sums", s, kn->isa, sum, want_sum, (size_t)c);
	}
	float *all[] = {w, rows, bias, y, want, sum, want_sum, panels, planes};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

static void check_depthwise_map(const struct ofa_kernels *kn, const struct shape *s, struct ofa_rng *rng)
{
	const size_t n = (size_t)s->h * s->w * s->c_out;
	float *x = random_floats(rng, (size_t)s->h * s->w * s->c), *w = random_floats(rng, (size_t)s->c_out * s->c);
	float *bias = random_floats(rng, (size_t)s->c_out + OFA_WEIGHT_PANEL), *mid = malloc(n * sizeof *mid);
	float *panels = panels_of(kn, w, s->c_out, s->c, NULL);
	const struct ofa_panel_conv expand = {
		.x = x,
		.x_line = (size_t)s->w * s->c,
		.x_pixel = (size_t)s->c,
		.rows = 1,
		.taps = s->c,
		.w = panels,
		.bias = bias,
		.lines = s->h,
		.pixels = s->w,
		.c_out = s->c_out,
		.act = OFA_ACT_RELU,
	};

	ofa_ref_conv(x, s->h, s->w, s->c, w, s->c_out, 1, 1, mid);
	epilogue(mid, n, s->c_out, bias, NULL, OFA_ACT_RELU);
	check_map(kn, s, &expand, mid, rng);
	float *all[] = {x, w, bias, mid, panels};
	for (size_t i = 0; i < OFA_ARRAY_LEN(all); i++)
		free(all[i]);
}

static void check_isa(const struct ofa_kernels *kn)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 17);
	check_panels(kn, &rng);
	for (size_t i = 0; i < OFA_ARRAY_LEN(shapes); i++) {
		check_conv(kn, &shapes[i], &rng);
		check_depthwise_map(kn, &shapes[i], &rng);
	}
}

START_TEST(kernels_match_the_oracle)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(isas); i++) {
		const struct ofa_kernels *kn = ofa_kernels_named(isas[i]);

		if (kn)
			check_isa(kn);
		else
			printf("SKIP %s: this processor lacks it\n", isas[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {kernels_match_the_oracle};

	return run_tests("inference kernels", tests, OFA_ARRAY_LEN(tests));
}
