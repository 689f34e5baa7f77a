/* Compiled once per instruction set; OFA_ISA names the set, OFA_VL is its vector length in floats.
 * Widths are multiples of 8 by the "make divisible" rule, so single channels are for exotic spaces. */
#include "ops/kernels.h"

#include <string.h>

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

/* Pixels to give to all blocks in turn, of so many left: a block reads part of a cache line, and the next block should
 * find the rest still in the first cache. */
static int tile(int left, int c)
{
	int rows = 2048 / (c > 0 ? c : 1);

	rows = rows > 8 ? rows : 8;
	return rows < left ? rows : left;
}

static void bn_act(const float *x, const float *res, int rows, int c, const float *scale, const float *shift,
                   enum ofa_act act, float *y)
{
	for (int n; rows > 0; rows -= n, x += (size_t)n * c, y += (size_t)n * c, res += res ? (size_t)n * c : 0) {
		n = tile(rows, c);
#define CALL(w) bn_act_##w(x + i, res ? res + i : NULL, n, c, scale + i, shift + i, act, y + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void to_planes(const float *x, int h, int w, int c, const float *scale, const float *shift, enum ofa_act act,
                      float *planes, int pad)
{
	size_t plane = (size_t)(h + 2 * pad) * (size_t)(w + 2 * pad);

	for (int y = 0; y < h; y++, x += (size_t)w * c) {
		size_t at = (size_t)(y + pad) * (size_t)(w + 2 * pad) + (size_t)pad;
#define CALL(n)                                                                                                        \
	to_planes_##n(x + i, w, c, scale ? scale + i : NULL, scale ? shift + i : NULL, act,                            \
	              planes + (size_t)i * plane + at * (n))
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void moments(const float *x, int rows, int c, const float *origin, float *sum, float *square)
{
	for (int n; rows > 0; rows -= n, x += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) moments_##w(x + i, n, c, origin + i, sum + i, square + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void column_sum(const float *x, int rows, int c, float *sum)
{
	for (int n; rows > 0; rows -= n, x += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) column_sum_##w(x + i, n, c, sum + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void scale_columns(float *x, int rows, int c, const float *s)
{
	for (int n; rows > 0; rows -= n, x += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) scale_columns_##w(x + i, n, c, s + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void scale_add_columns(float *d, int rows, int c, const float *s, const float *add)
{
	for (int n; rows > 0; rows -= n, d += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) scale_add_columns_##w(d + i, n, c, s + i, add + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void sum_rows(const float *const *rows, int n, int c, enum ofa_act act, float *y)
{
#define CALL(w) sum_rows_##w(rows, n, i, act, y)
	BLOCKS(c, CALL);
#undef CALL
}

static void bias_act(float *x, int rows, int c, const float *bias, enum ofa_act act)
{
	for (int n; rows > 0; rows -= n, x += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) bias_act_##w(x + i, n, c, bias ? bias + i : NULL, act)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void take_better(const float *from, int n, float gain, int32_t index, float *best, int32_t *choice)
{
#define CALL(w) take_better_##w(from + i, gain, index, best + i, choice + i)
	BLOCKS(n, CALL);
#undef CALL
}

static void dot_columns(const float *a, const float *b, int rows, int c, float *out)
{
	for (int n; rows > 0; rows -= n, a += (size_t)n * c, b += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) dot_columns_##w(a + i, b + i, n, c, out + i)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void act_backward(const float *d, const float *res, const float *z, int rows, int c, const float *scale,
                         const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot)
{
	for (int n; rows > 0; rows -= n) {
		n = tile(rows, c);
#define CALL(w)                                                                                                        \
	act_backward_##w(d + i, res ? res + i : NULL, z + i, n, c, scale + i, shift + i, mean + i, act, g + i,         \
	                 sum + i, dot + i)
		BLOCKS(c, CALL);
#undef CALL
		d += (size_t)n * c;
		z += (size_t)n * c;
		g += (size_t)n * c;
		res += res ? (size_t)n * c : 0;
	}
}

static void bn_backward(const float *g, const float *z, int rows, int c, const float *a, const float *b, const float *k,
                        float *dz)
{
	for (int n; rows > 0; rows -= n, g += (size_t)n * c, z += (size_t)n * c, dz += (size_t)n * c) {
		n = tile(rows, c);
#define CALL(w) bn_backward_##w(g + i, z + i, n, c, a + i, b + i, k + i, dz + i, (size_t)c)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void bn_backward_planes(const float *g, const float *z, int h, int w, int c, const float *a, const float *b,
                               const float *k, float *planes, int pad)
{
	size_t plane = (size_t)(h + 2 * pad) * (size_t)(w + 2 * pad);

	for (int y = 0; y < h; y++, g += (size_t)w * c, z += (size_t)w * c) {
		size_t at = (size_t)(y + pad) * (size_t)(w + 2 * pad) + (size_t)pad;
#define CALL(n) bn_backward_##n(g + i, z + i, w, c, a + i, b + i, k + i, planes + (size_t)i * plane + at * (n), n)
		BLOCKS(c, CALL);
#undef CALL
	}
}

static void depthwise(const struct ofa_depthwise *d, const float *planes, const float *w, int c, float *y)
{
#define CALL(n) depthwise_##n(d, planes + (size_t)i * d->plane, w + i, c, y + i)
	BLOCKS(c, CALL);
#undef CALL
}

static void depthwise_weight(const float *dz, int h, int w, const float *x, int h_in, int w_in, int stride, int k,
                             int c, float *dw)
{
	size_t dz_plane = (size_t)(h + k - 1) * (size_t)(w + k - 1);
	size_t x_plane = (size_t)(h_in + k - 1) * (size_t)(w_in + k - 1);

#define CALL(n)                                                                                                        \
	depthwise_weight_##n(dz + (size_t)i * dz_plane, h, w, x + (size_t)i * x_plane, w_in, stride, k, c, dw + i)
	BLOCKS(c, CALL);
#undef CALL
}

/* Each group of rows: how many inputs are live and where their weights are; their values, row after row. */
static void dense_pack(const float *x, int n, int in, float *packed, int32_t *live)
{
	for (int i = 0; i < n; i += OFA_DENSE_ROWS, live += in + 1, packed += (size_t)in * OFA_DENSE_ROWS) {
		const float *row[OFA_DENSE_ROWS];
		int m = 0;

		for (int r = 0; r < OFA_DENSE_ROWS; r++)
			row[r] = x + (size_t)(i + r < n ? i + r : n - 1) * (size_t)in;
		for (int k = 0; k < in; k++) {
			float *to = packed + (size_t)m * OFA_DENSE_ROWS;
			uint32_t any = 0;

#pragma GCC unroll 6
			for (int r = 0; r < OFA_DENSE_ROWS; r++) {
				uint32_t bits;

				memcpy(&bits, row[r] + k, sizeof bits);
				memcpy(to + r, &bits, sizeof bits);
				any |= bits << 1; /* without the sign */
			}
			live[1 + m] = k * OFA_PANEL;
			m += any != 0;
		}
		live[0] = m;
	}
}

static void dense(const float *x, int n, int in, const float *panels, const float *bias, int out, enum ofa_act act,
                  float *packed, int32_t *live, float *y)
{
	dense_pack(x, n, in, packed, live);
#define CALL2(w) dense_product_##w(packed, live, n, in, panels, bias, out, act, y)
#define CALL(w) CALL2(w)
	CALL(OFA_VL);
#undef CALL
#undef CALL2
}

extern const struct ofa_kernels EXPORT2(OFA_ISA);

const struct ofa_kernels EXPORT2(OFA_ISA) = {
	.isa = NAME2(OFA_ISA),
	.bn_act = bn_act,
	.to_planes = to_planes,
	.moments = moments,
	.column_sum = column_sum,
	.scale_columns = scale_columns,
	.scale_add_columns = scale_add_columns,
	.sum_rows = sum_rows,
	.bias_act = bias_act,
	.dense = dense,
	.take_better = take_better,
	.dot_columns = dot_columns,
	.act_backward = act_backward,
	.bn_backward = bn_backward,
	.bn_backward_planes = bn_backward_planes,
	.depthwise = depthwise,
	.depthwise_weight = depthwise_weight,
};
