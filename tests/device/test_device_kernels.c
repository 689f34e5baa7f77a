/* The fast kernels against naive loops over one table of shapes, for every instruction set of this
 * machine and for the portable build, with weights of both types. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernels.h"
#include "runner.h"

/* The portable kernels come from the same source with one lane. */
#define OFA_DEVICE_PORTABLE
#define OFA_KERNEL_TABLE portable_kernels
extern const struct ofa_device_kernels portable_kernels, portable_half_kernels;
#include "kernels_body.h"

/* What is tested on a processor that has `cpu`. */
static const struct {
	const struct ofa_device_kernels *float32, *float16;
	uint32_t cpu;
} tables[] = {
	{&ofa_device_kernels_base, &ofa_device_kernels_half, 0},
	{&portable_kernels, &portable_half_kernels, 0},
#ifdef OFA_DEVICE_X86
	{&ofa_device_kernels_avx2, &ofa_device_kernels_half_avx2, OFA_CPU_AVX2},
	{&ofa_device_kernels_avx512, &ofa_device_kernels_half_avx512, OFA_CPU_AVX512},
#endif
};

struct shape {
	uint32_t kind, h, w, c_in, c_out, k, stride, pad, act, hidden;
	int residual;
};

static const struct shape shapes[] = {
	/* pointwise: tiles whole and cut, panels whole and cut, pieces */
	{OFA_FMT_CONV, 1, 1, 16, 24, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 0},
	{OFA_FMT_CONV, 1, 1, 7, 37, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_CONV, 7, 7, 48, 40, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 1},
	{OFA_FMT_CONV, 28, 28, 8, 24, 1, 1, 0, OFA_FMT_ACT_RELU, 0, 0},
	{OFA_FMT_CONV, 3, 2, 5, 3, 1, 1, 0, OFA_FMT_ACT_RELU6, 0, 1},
	{OFA_FMT_CONV, 20, 21, 300, 9, 1, 1, 0, OFA_FMT_ACT_HSIGMOID, 0, 1},
	{OFA_FMT_CONV, 9, 9, 16, 16, 1, 2, 0, OFA_FMT_ACT_NONE, 0, 0},
	/* half of a vector of two panels left over; a single panel; tiles of an ImageNet network */
	{OFA_FMT_CONV, 15, 15, 24, 72, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 1},
	{OFA_FMT_CONV, 14, 14, 72, 136, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 1},
	{OFA_FMT_CONV, 7, 7, 64, 8, 1, 1, 0, OFA_FMT_ACT_RELU, 0, 0},
	{OFA_FMT_CONV, 29, 1, 24, 20, 1, 1, 0, OFA_FMT_ACT_RELU6, 0, 1},
	{OFA_FMT_CONV, 1, 1, 1152, 1536, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 0},
	/* dense windows, clipped on every side, wider than the image, odd padding */
	{OFA_FMT_CONV, 28, 28, 1, 8, 3, 1, 1, OFA_FMT_ACT_HSWISH, 0, 0},
	{OFA_FMT_CONV, 33, 31, 3, 24, 3, 2, 1, OFA_FMT_ACT_HSWISH, 0, 0},
	{OFA_FMT_CONV, 8, 8, 16, 13, 3, 1, 1, OFA_FMT_ACT_RELU, 0, 1},
	{OFA_FMT_CONV, 2, 2, 4, 8, 7, 2, 3, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_CONV, 1, 5, 3, 8, 5, 1, 2, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_CONV, 12, 12, 4, 8, 4, 2, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_CONV, 6, 6, 4, 8, 2, 2, 1, OFA_FMT_ACT_NONE, 0, 0},
	/* short rows, more outputs than are computed at a time, with a lone panel at the end */
	{OFA_FMT_CONV, 14, 14, 24, 136, 3, 1, 1, OFA_FMT_ACT_RELU, 0, 1},
	{OFA_FMT_CONV, 7, 7, 16, 300, 3, 1, 1, OFA_FMT_ACT_RELU, 0, 0},
	{OFA_FMT_CONV, 13, 9, 8, 269, 3, 2, 1, OFA_FMT_ACT_NONE, 0, 1},
	/* depthwise */
	{OFA_FMT_DWCONV, 14, 14, 48, 48, 3, 1, 1, OFA_FMT_ACT_RELU, 0, 0},
	{OFA_FMT_DWCONV, 15, 14, 40, 40, 5, 2, 2, OFA_FMT_ACT_HSWISH, 0, 0},
	{OFA_FMT_DWCONV, 28, 28, 24, 24, 7, 1, 3, OFA_FMT_ACT_RELU6, 0, 0},
	{OFA_FMT_DWCONV, 3, 3, 16, 16, 7, 1, 3, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_DWCONV, 9, 8, 13, 13, 5, 1, 2, OFA_FMT_ACT_HSIGMOID, 0, 0},
	{OFA_FMT_DWCONV, 1, 1, 3, 3, 3, 2, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_DWCONV, 28, 28, 72, 72, 7, 2, 3, OFA_FMT_ACT_RELU, 0, 0},
	{OFA_FMT_DWCONV, 14, 14, 136, 136, 7, 1, 3, OFA_FMT_ACT_HSWISH, 0, 0},
	{OFA_FMT_DWCONV, 9, 9, 12, 12, 3, 1, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_DWCONV, 9, 9, 20, 20, 3, 1, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_DWCONV, 7, 11, 24, 24, 3, 2, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_SE, 7, 7, 816, 816, 1, 1, 0, OFA_FMT_ACT_NONE, 208, 0},
	{OFA_FMT_SE, 7, 7, 32, 32, 1, 1, 0, OFA_FMT_ACT_NONE, 8, 0},
	{OFA_FMT_SE, 7, 7, 72, 72, 1, 1, 0, OFA_FMT_ACT_NONE, 24, 0},
	{OFA_FMT_SE, 3, 5, 11, 11, 1, 1, 0, OFA_FMT_ACT_NONE, 3, 0},
	{OFA_FMT_GLOBAL_POOL, 5, 7, 19, 19, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	/* pools: windows cut on every side, channels past the last vector, odd sides in tiles */
	{OFA_FMT_MAX_POOL, 12, 13, 40, 40, 3, 2, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_MAX_POOL, 5, 1, 19, 19, 3, 1, 1, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_MAX_POOL, 2, 2, 3, 3, 7, 2, 6, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_MAX_POOL, 9, 9, 64, 64, 2, 2, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_AVERAGE_POOL, 14, 14, 48, 48, 2, 2, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_AVERAGE_POOL, 7, 9, 21, 21, 2, 2, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_AVERAGE_POOL, 1, 3, 5, 5, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_ADD, 6, 7, 24, 24, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 1},
	{OFA_FMT_ADD, 3, 5, 7, 7, 1, 1, 0, OFA_FMT_ACT_RELU, 0, 1},
	{OFA_FMT_ADD, 1, 1, 2, 2, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 1},
	{OFA_FMT_LINEAR, 1, 1, 128, 10, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_LINEAR, 1, 1, 1536, 1000, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	{OFA_FMT_LINEAR, 1, 1, 33, 70, 1, 1, 0, OFA_FMT_ACT_RELU, 0, 0},
};

static float *random_floats(struct ofa_rng *rng, size_t n)
{
	float *p = malloc((n + OFA_FMT_PANEL) * sizeof(*p));

	for (size_t i = 0; i < n + OFA_FMT_PANEL; i++)
		p[i] = 2 * ofa_rng_float(rng) - 1;
	return p;
}

/* Weights of both types that stand for the same numbers, up to 1; subnormal binary16 numbers and zeros among them. */
struct weights {
	float *float32;
	uint16_t *float16;
};

static double half_value(uint16_t h)
{
	const int exponent = h >> 10 & 31, fraction = h & 1023;
	double v = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);

	if (exponent == 31)
		v = fraction == 0 ? (double)INFINITY : (double)NAN;
	return h >> 15 ? -v : v;
}

static struct weights random_weights(struct ofa_rng *rng, size_t n)
{
	struct weights w = {malloc(n * sizeof(*w.float32)), malloc(n * sizeof(*w.float16))};

	for (size_t i = 0; i < n; i++) {
		const int sign = (int)ofa_rng_below(rng, 2), fraction = (int)ofa_rng_below(rng, 1024);
		const int exponent = 14 - (int)ofa_rng_below(rng, ofa_rng_below(rng, 8) == 0 ? 15 : 3);

		w.float16[i] = (uint16_t)(sign << 15 | exponent << 10 | fraction);
		w.float32[i] = (float)half_value(w.float16[i]);
	}
	return w;
}

static void free_weights(struct weights w)
{
	free(w.float32);
	free(w.float16);
}

static size_t panel_floats(size_t n, size_t k)
{
	return (n + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL * OFA_FMT_PANEL * k;
}

/* Element (o, t) of a matrix in panels. */
static float element(const float *w, size_t k, size_t o, size_t t)
{
	return w[(o / OFA_FMT_PANEL * k + t) * OFA_FMT_PANEL + o % OFA_FMT_PANEL];
}

static double clamp6(double v)
{
	return v < 0 ? 0 : v > 6 ? 6 : v;
}

static double naive_act(double v, uint32_t act)
{
	switch (act) {
	case OFA_FMT_ACT_RELU:
		return v < 0 ? 0 : v;
	case OFA_FMT_ACT_RELU6:
		return clamp6(v);
	case OFA_FMT_ACT_HSWISH:
		return v * clamp6(v + 3) / 6;
	case OFA_FMT_ACT_HSIGMOID:
		return clamp6(v + 3) / 6;
	default:
		return v;
	}
}

/* One output of a convolution, dense or depthwise, before bias. */
static double naive_window(const struct ofa_device_op *op, const struct ofa_device_args *a, uint32_t oy, uint32_t ox,
			   uint32_t o)
{
	const uint32_t per_pixel = op->kind == OFA_FMT_DWCONV ? 1 : op->c_in;
	double sum = 0;

	for (uint32_t ky = 0; ky < op->k; ky++) {
		for (uint32_t kx = 0; kx < op->k; kx++) {
			const int64_t y = (int64_t)oy * op->stride + ky - op->pad,
				      x = (int64_t)ox * op->stride + kx - op->pad;

			if (y < 0 || x < 0 || y >= op->h_in || x >= op->w_in)
				continue;
			for (uint32_t i = 0; i < per_pixel; i++) {
				const uint32_t c = op->kind == OFA_FMT_DWCONV ? o : i;

				sum += (double)a->x[(y * op->w_in + x) * op->c_in + c] *
				       (double)element(a->w, (size_t)op->k * op->k * per_pixel, o,
						       (ky * op->k + kx) * per_pixel + i);
			}
		}
	}
	return sum;
}

static void naive_conv(const struct ofa_device_op *op, const struct ofa_device_args *a, double *y)
{
	for (uint32_t oy = 0; oy < op->h_out; oy++) {
		for (uint32_t ox = 0; ox < op->w_out; ox++) {
			for (uint32_t o = 0; o < op->c_out; o++) {
				const size_t at = (oy * op->w_out + ox) * op->c_out + o;
				double v = naive_window(op, a, oy, ox, o) + (double)a->b[o];

				y[at] = naive_act(a->residual ? v + (double)a->residual[at] : v, op->act);
			}
		}
	}
}

static double naive_mean(const struct ofa_device_op *op, const float *x, uint32_t c)
{
	double sum = 0;

	for (uint32_t p = 0; p < op->h_in * op->w_in; p++)
		sum += (double)x[p * op->c_in + c];
	return sum / (op->h_in * op->w_in);
}

static void naive_se(const struct ofa_device_op *op, const struct ofa_device_args *a, double *y)
{
	for (uint32_t o = 0; o < op->c_in; o++) {
		double gate = (double)a->b2[o];

		for (uint32_t h = 0; h < op->hidden; h++) {
			double z = (double)a->b[h];

			for (uint32_t c = 0; c < op->c_in; c++)
				z += naive_mean(op, a->x, c) * (double)element(a->w, op->c_in, h, c);
			gate += naive_act(z, OFA_FMT_ACT_RELU) * (double)element(a->w2, op->hidden, o, h);
		}
		for (uint32_t p = 0; p < op->h_in * op->w_in; p++)
			y[p * op->c_in + o] = (double)a->x[p * op->c_in + o] * naive_act(gate, OFA_FMT_ACT_HSIGMOID);
	}
}

/* The largest or the mean of the window's pixels inside the input. */
static double naive_pool(const struct ofa_device_op *op, const float *x, uint32_t oy, uint32_t ox, uint32_t c)
{
	double sum = 0, most = -INFINITY;
	int n = 0;

	for (uint32_t ky = 0; ky < op->k; ky++) {
		for (uint32_t kx = 0; kx < op->k; kx++) {
			const int64_t iy = (int64_t)oy * op->stride + ky - op->pad,
				      ix = (int64_t)ox * op->stride + kx - op->pad;

			if (iy < 0 || ix < 0 || iy >= op->h_in || ix >= op->w_in)
				continue;
			sum += (double)x[(iy * op->w_in + ix) * op->c_in + c];
			most = fmax(most, (double)x[(iy * op->w_in + ix) * op->c_in + c]);
			n++;
		}
	}
	return op->kind == OFA_FMT_MAX_POOL ? most : sum / n;
}

static void naive_pools(const struct ofa_device_op *op, const float *x, double *y)
{
	for (uint32_t oy = 0; oy < op->h_out; oy++)
		for (uint32_t ox = 0; ox < op->w_out; ox++)
			for (uint32_t c = 0; c < op->c_in; c++)
				*y++ = naive_pool(op, x, oy, ox, c);
}

static void naive(const struct ofa_device_op *op, const struct ofa_device_args *a, double *y)
{
	if (op->kind == OFA_FMT_SE) {
		naive_se(op, a, y);
	} else if (op->kind == OFA_FMT_GLOBAL_POOL) {
		for (uint32_t c = 0; c < op->c_in; c++)
			y[c] = naive_mean(op, a->x, c);
	} else if (op->kind == OFA_FMT_MAX_POOL || op->kind == OFA_FMT_AVERAGE_POOL) {
		naive_pools(op, a->x, y);
	} else if (op->kind == OFA_FMT_ADD) {
		for (size_t i = 0; i < (size_t)op->h_out * op->w_out * op->c_out; i++)
			y[i] = naive_act((double)a->x[i] + (double)a->residual[i], op->act);
	} else {
		naive_conv(op, a, y);
	}
}

/* The output has no byte to spare behind it: a store too far is found by the sanitizer or the guard. */
static void check_kernel(const struct ofa_device_kernels *k, const struct ofa_device_op *op, struct ofa_device_args a,
			 const double *want)
{
	const size_t n = (size_t)op->h_out * op->w_out * op->c_out, scratch = (size_t)op->c_in + op->hidden;
	const float guard = 12345.0f;
	/* single precision rounds a sum of many products more often */
	const double tolerance = op->c_in > 1024 ? 4e-5 : 1e-5;
	float *y = malloc((n + 1) * sizeof(*y)), *s = malloc(scratch * sizeof(*s));

	y[n] = guard;
	if (op->kind == OFA_FMT_SE) {
		memcpy(y, a.x, n * sizeof(*y));
		a.x = y;
	}
	a.y = y;
	a.scratch = s;
	k->by_kind[op->kind](op, &a);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabs((double)y[i] - want[i]) <= tolerance * (1 + fabs(want[i])),
			      "%s: kind %u, %ux%ux%u -> %u, k%u s%u, element %zu: %g, not %g", k->name, op->kind,
			      op->h_in, op->w_in, op->c_in, op->c_out, op->k, op->stride, i, (double)y[i], want[i]);
	ck_assert(y[n] == guard);
	free(y);
	free(s);
}

static uint32_t output_side(const struct shape *s, uint32_t in)
{
	if (s->kind == OFA_FMT_GLOBAL_POOL)
		return 1;
	if (s->kind == OFA_FMT_AVERAGE_POOL)
		return (in + s->k - 1) / s->k;
	return (in + 2 * s->pad - s->k) / s->stride + 1;
}

static struct ofa_device_op make_op(const struct shape *s)
{
	struct ofa_device_op op = {.kind = s->kind, .act = s->act, .k = s->k, .stride = s->stride, .pad = s->pad};

	op.h_in = s->h;
	op.w_in = s->w;
	op.c_in = s->c_in;
	op.c_out = s->c_out;
	op.hidden = s->hidden;
	op.h_out = output_side(s, s->h);
	op.w_out = output_side(s, s->w);
	return op;
}

static void check_shape(const struct shape *s, struct ofa_rng *rng)
{
	const struct ofa_device_op op = make_op(s);
	const int se = s->kind == OFA_FMT_SE;
	const size_t rows = se ? s->hidden : s->c_out, n = (size_t)op.h_out * op.w_out * op.c_out;
	const size_t k = se ? s->c_in : (size_t)s->k * s->k * (s->kind == OFA_FMT_DWCONV ? 1 : s->c_in);
	const struct weights w = random_weights(rng, panel_floats(rows, k));
	const struct weights w2 = random_weights(rng, panel_floats(s->c_in, s->hidden));
	float *x = random_floats(rng, (size_t)s->h * s->w * s->c_in), *b = random_floats(rng, rows);
	float *b2 = random_floats(rng, s->c_in), *residual = random_floats(rng, n);
	double *want = malloc(n * sizeof(*want));
	struct ofa_device_args a = {.b = b, .b2 = b2, .residual = s->residual ? residual : NULL};
	/* the input too ends exactly at its last element */
	float *tight = malloc((size_t)s->h * s->w * s->c_in * sizeof(*tight));

	memcpy(tight, x, (size_t)s->h * s->w * s->c_in * sizeof(*tight));
	a.x = tight;
	a.w = w.float32;
	a.w2 = w2.float32;
	naive(&op, &a, want);
	for (size_t i = 0; i < OFA_ARRAY_LEN(tables); i++) {
		if (tables[i].cpu & ~ofa_device_cpu())
			continue;
		a.w = w.float32;
		a.w2 = w2.float32;
		check_kernel(tables[i].float32, &op, a, want);
		a.w = w.float16;
		a.w2 = w2.float16;
		check_kernel(tables[i].float16, &op, a, want);
	}
	free(tight);
	free(want);
	free(x);
	free_weights(w);
	free(b);
	free_weights(w2);
	free(b2);
	free(residual);
}

/* Two layers, the second of the first's outputs: pointwise, depthwise. */
static const struct shape pairs[][2] = {
	{{OFA_FMT_CONV, 15, 14, 8, 48, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 0},
	 {OFA_FMT_DWCONV, 15, 14, 48, 48, 5, 2, 2, OFA_FMT_ACT_RELU, 0, 0}},
	{{OFA_FMT_CONV, 7, 7, 24, 72, 1, 1, 0, OFA_FMT_ACT_RELU, 0, 0},
	 {OFA_FMT_DWCONV, 7, 7, 72, 72, 7, 1, 3, OFA_FMT_ACT_NONE, 0, 0}},
	{{OFA_FMT_CONV, 28, 28, 9, 79, 1, 1, 0, OFA_FMT_ACT_RELU6, 0, 0},
	 {OFA_FMT_DWCONV, 28, 28, 79, 79, 3, 1, 1, OFA_FMT_ACT_HSWISH, 0, 0}},
	{{OFA_FMT_CONV, 9, 3, 5, 85, 1, 1, 0, OFA_FMT_ACT_NONE, 0, 0},
	 {OFA_FMT_DWCONV, 9, 3, 85, 85, 3, 2, 1, OFA_FMT_ACT_HSIGMOID, 0, 0}},
	{{OFA_FMT_CONV, 1, 1, 3, 104, 1, 1, 0, OFA_FMT_ACT_HSWISH, 0, 0},
	 {OFA_FMT_DWCONV, 1, 1, 104, 104, 3, 1, 1, OFA_FMT_ACT_NONE, 0, 0}},
};

struct pair {
	struct ofa_device_op op, next;
	struct ofa_device_args a, b;
	double *want;
};

/* Between the two there is room for the channels of a time, and not a byte more. */
static void check_pair_kernel(const struct ofa_device_kernels *k, const struct pair *p)
{
	const size_t pixels = (size_t)p->op.h_out * p->op.w_out;
	const size_t n = (size_t)p->next.h_out * p->next.w_out * p->next.c_out;
	float *between = malloc(pixels * OFA_DEVICE_EXPAND_MOST * sizeof(*between));
	float *y = malloc(n * sizeof(*y));
	struct ofa_device_args a = p->a, b = p->b;

	a.y = between;
	b.x = between;
	b.y = y;
	k->expand(&p->op, &a, &p->next, &b);
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(fabs((double)y[i] - p->want[i]) <= 1e-5 * (1 + fabs(p->want[i])),
			      "%s: %ux%ux%u -> %u, then k%u s%u, element %zu: %g, not %g", k->name, p->op.h_in,
			      p->op.w_in, p->op.c_in, p->op.c_out, p->next.k, p->next.stride, i, (double)y[i],
			      p->want[i]);
	free(between);
	free(y);
}

static void check_pair(const struct shape s[2], struct ofa_rng *rng)
{
	const size_t pixels = (size_t)s[0].h * s[0].w, between = pixels * s[0].c_out;
	struct pair p = {.op = make_op(&s[0]), .next = make_op(&s[1])};
	const struct weights w = random_weights(rng, panel_floats(s[0].c_out, s[0].c_in));
	const struct weights w2 = random_weights(rng, panel_floats(s[1].c_out, (size_t)s[1].k * s[1].k));
	float *x = random_floats(rng, pixels * s[0].c_in);
	float *b = random_floats(rng, s[0].c_out), *b2 = random_floats(rng, s[1].c_out);
	float *mid = random_floats(rng, between);
	double *want_mid = malloc(between * sizeof(*want_mid));

	p.a = (struct ofa_device_args){.x = x, .w = w.float32, .b = b};
	p.b = (struct ofa_device_args){.x = mid, .w = w2.float32, .b = b2};
	p.want = malloc((size_t)p.next.h_out * p.next.w_out * p.next.c_out * sizeof(*p.want));
	naive(&p.op, &p.a, want_mid);
	for (size_t i = 0; i < between; i++)
		mid[i] = (float)want_mid[i];
	naive(&p.next, &p.b, p.want);
	for (size_t i = 0; i < OFA_ARRAY_LEN(tables); i++) {
		if (tables[i].cpu & ~ofa_device_cpu())
			continue;
		p.a.w = w.float32;
		p.b.w = w2.float32;
		check_pair_kernel(tables[i].float32, &p);
		p.a.w = w.float16;
		p.b.w = w2.float16;
		check_pair_kernel(tables[i].float16, &p);
	}
	free(x);
	free_weights(w);
	free_weights(w2);
	free(b);
	free(b2);
	free(mid);
	free(want_mid);
	free(p.want);
}

START_TEST(what_the_processor_lacks_is_said)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(tables); i++)
		if (tables[i].cpu & ~ofa_device_cpu())
			printf("SKIP: this processor cannot run the kernels %s\n", tables[i].float32->name);
}
END_TEST

/* Each of the 65,536 as the only weight of an output, infinities and NaNs, too. */
START_TEST(every_half_is_widened)
{
	static uint16_t w[65536];
	static float y[65536], zero[65536];
	const struct ofa_device_op op = {
		.kind = OFA_FMT_LINEAR, .k = 1, .stride = 1, .h_in = 1, .w_in = 1, .h_out = 1, .w_out = 1,
		.c_in = 1, .c_out = 65536};
	const float one = 1;
	const struct ofa_device_args a = {.x = &one, .w = w, .b = zero, .y = y};

	for (uint32_t i = 0; i < 65536; i++)
		w[i] = (uint16_t)i;
	for (size_t t = 0; t < OFA_ARRAY_LEN(tables); t++) {
		if (tables[t].cpu & ~ofa_device_cpu())
			continue;
		tables[t].float16->by_kind[OFA_FMT_LINEAR](&op, &a);
		for (uint32_t i = 0; i < 65536; i++) {
			const double want = half_value((uint16_t)i);

			ck_assert_msg(isnan(want) ? isnan(y[i]) : (double)y[i] == want, "%s: %04x is %g, not %g",
				      tables[t].float16->name, i, (double)y[i], want);
		}
	}
}
END_TEST

START_TEST(pairs_match_the_oracle)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 7);
	for (size_t i = 0; i < OFA_ARRAY_LEN(pairs); i++)
		check_pair(pairs[i], &rng);
}
END_TEST

START_TEST(kernels_match_the_oracle)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 99);
	for (size_t i = 0; i < OFA_ARRAY_LEN(shapes); i++)
		check_shape(&shapes[i], &rng);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {what_the_processor_lacks_is_said, every_half_is_widened,
				       kernels_match_the_oracle, pairs_match_the_oracle};

	return run_tests("device kernels", tests, OFA_ARRAY_LEN(tests));
}
