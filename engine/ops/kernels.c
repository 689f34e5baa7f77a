/* Compiled once per instruction set; OFA_ISA names the set, OFA_VL is its vector length in floats.
 * Widths are multiples of 8 by the "make divisible" rule, so single channels are for exotic spaces. */
#include "ops/kernels.h"

#define INLINE inline __attribute__((always_inline))
#define EXPORT_(isa) ofa_kernels_##isa
#define EXPORT2(isa) EXPORT_(isa)
#define NAME_(isa) #isa
#define NAME2(isa) NAME_(isa)

/* The widths this set uses, widest first; half blocks serve channel counts that are 8 mod 16. */
#if OFA_VL == 16
#define BLOCKS(c, CALL)                                                                                                \
	int i = 0;                                                                                                     \
	for (; i + 16 <= (c); i += 16)                                                                                 \
		CALL(16);                                                                                              \
	for (; i + 8 <= (c); i += 8)                                                                                   \
		CALL(8);                                                                                               \
	for (; i < (c); i++)                                                                                           \
	CALL(1)
#define VN 16
#include "ops/kernels_vec.h"
#undef VN
#endif
#if OFA_VL >= 8
#define VN 8
#include "ops/kernels_vec.h"
#undef VN
#endif
#if OFA_VL == 8
#define BLOCKS(c, CALL)                                                                                                \
	int i = 0;                                                                                                     \
	for (; i + 8 <= (c); i += 8)                                                                                   \
		CALL(8);                                                                                               \
	for (; i < (c); i++)                                                                                           \
	CALL(1)
#endif
#if OFA_VL == 4
#define BLOCKS(c, CALL)                                                                                                \
	int i = 0;                                                                                                     \
	for (; i + 4 <= (c); i += 4)                                                                                   \
		CALL(4);                                                                                               \
	for (; i < (c); i++)                                                                                           \
	CALL(1)
#define VN 4
#include "ops/kernels_vec.h"
#undef VN
#endif
#define VN 1
#include "ops/kernels_vec.h"
#undef VN

static void bn_act(const float *x, const float *res, int h, int w, int c, const float *scale, const float *shift,
                   enum ofa_act act, float *y, size_t y_pitch)
{
#define CALL(n) bn_act_##n(x + i, res ? res + i : NULL, h, w, c, scale + i, shift + i, act, y + i, y_pitch)
	BLOCKS(c, CALL);
#undef CALL
}

static void moments(const float *x, int rows, int c, const float *origin, float *sum, float *square)
{
#define CALL(n) moments_##n(x + i, rows, c, origin + i, sum + i, square + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void column_sum(const float *x, int rows, int c, float *sum)
{
#define CALL(n) column_sum_##n(x + i, rows, c, sum + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void scale_columns(float *x, int rows, int c, const float *s)
{
#define CALL(n) scale_columns_##n(x + i, rows, c, s + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void scale_add_columns(float *d, int rows, int c, const float *s, const float *add)
{
#define CALL(n) scale_add_columns_##n(d + i, rows, c, s + i, add + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void sum_rows(const float *const *rows, int n, int c, enum ofa_act act, float *y)
{
#define CALL(w) sum_rows_##w(rows, n, i, act, y)
	BLOCKS(c, CALL);
#undef CALL
}

static void bias_act(float *x, int rows, int c, const float *bias, enum ofa_act act)
{
#define CALL(n) bias_act_##n(x + i, rows, c, bias ? bias + i : NULL, act)
	BLOCKS(c, CALL);
#undef CALL
}

static void take_better(const float *from, int n, float gain, int32_t index, float *best, int32_t *choice)
{
#define CALL(w) take_better_##w(from + i, gain, index, best + i, choice + i)
	BLOCKS(n, CALL);
#undef CALL
}

static void dot_columns(const float *a, const float *b, int rows, int c, float *out)
{
#define CALL(n) dot_columns_##n(a + i, b + i, rows, c, out + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void act_backward(const float *d, const float *res, const float *z, int rows, int c, const float *scale,
                         const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot)
{
#define CALL(n)                                                                                                        \
	act_backward_##n(d + i, res ? res + i : NULL, z + i, rows, c, scale + i, shift + i, mean + i, act, g + i,      \
	                 sum + i, dot + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void bn_backward(const float *g, const float *z, int h, int w, int c, const float *a, const float *b,
                        const float *k, float *dz, size_t x_step, size_t pitch)
{
#define CALL(n) bn_backward_##n(g + i, z + i, h, w, c, a + i, b + i, k + i, dz + i, x_step, pitch)
	BLOCKS(c, CALL);
#undef CALL
}

static void depthwise_row(const float *x, size_t x_step, const float *w, const struct ofa_tap *taps, int n_taps,
                          float *y, size_t y_step, int count, int c)
{
#define CALL(n) depthwise_row_##n(x + i, x_step, w + i, taps, n_taps, y + i, y_step, count)
	BLOCKS(c, CALL);
#undef CALL
}

static void depthwise_weight(const float *dz, int h, int w, const float *xp, size_t pitch, int stride, int k, int c,
                             float *dw)
{
#define CALL(n) depthwise_weight_##n(dz + i, h, w, xp + i, pitch, stride, k, c, dw + i)
	BLOCKS(c, CALL);
#undef CALL
}

extern const struct ofa_kernels EXPORT2(OFA_ISA);

const struct ofa_kernels EXPORT2(OFA_ISA) = {
	.isa = NAME2(OFA_ISA),
	.bn_act = bn_act,
	.moments = moments,
	.column_sum = column_sum,
	.scale_columns = scale_columns,
	.scale_add_columns = scale_add_columns,
	.sum_rows = sum_rows,
	.bias_act = bias_act,
	.take_better = take_better,
	.dot_columns = dot_columns,
	.act_backward = act_backward,
	.bn_backward = bn_backward,
	.depthwise_row = depthwise_row,
	.depthwise_weight = depthwise_weight,
};
