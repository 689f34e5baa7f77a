/* Compiled once per instruction set; OFA_ISA names the set, OFA_VL is its vector length in floats.
 * Widths are multiples of 8 by the "make divisible" rule, so single channels are for exotic spaces. */
#include "ops/kernels.h"

#include <stdbool.h>
#include <string.h>

/* A tile of a convolution: pixels (many; few for narrow maps) by two vectors of outputs, as registers allow. */
#if OFA_VL == 16
#define OFA_CONV_ROWS 14
#define OFA_CONV_FEW 7
#elif OFA_VL == 8
#define OFA_CONV_ROWS 6
#define OFA_CONV_FEW 3
#else
#define OFA_CONV_ROWS 4
#define OFA_CONV_FEW 2
#endif
#define OFA_CONV_SUMS (2 * OFA_CONV_ROWS)
#define OFA_CONV_PIECE 16384 /* inputs of a pointwise layer that are worked on at a time, in floats */

#define CONV_GROUP_(vl) conv_group_##vl
#define CONV_GROUP2(vl) CONV_GROUP_(vl)
#define CONV_GROUP CONV_GROUP2(OFA_VL)
#define INLINE inline __attribute__((always_inline))
#define EXPORT_(isa) ofa_kernels_##isa
#define EXPORT2(isa) EXPORT_(isa)
#define NAME_(isa) #isa
#define NAME2(isa) NAME_(isa)

#define DENSE_FEW 4 /* rows of the smaller tile of a dense layer */

/* Rows that go together when so many are left; 7 and 8 are two small tiles, which costs less than 6 and the rest. */
static inline int dense_rows(int left)
{
	if (left == 2 * DENSE_FEW - 1 || left == 2 * DENSE_FEW)
		return DENSE_FEW;
	return left < OFA_DENSE_ROWS ? left : OFA_DENSE_ROWS;
}

/* The widths this set uses, widest first; half blocks serve channel counts that are 8 mod 16. */
#if OFA_VL >= 8
#define VN 8
#include "ops/kernels_vec.h"
#undef VN
#endif
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

/* Memory is read in its own order, all channels of R pixels at a time: BODY(R) takes the next R of them, then MOVE(R)
 * steps over them.  Sums take MOST = 64 so that few additions of small to large ones round. */
#define BY_PIXELS(rows, MOST, BODY, MOVE)                                                                              \
	for (int left_ = (rows); left_ > 0;) {                                                                         \
		if (left_ >= (MOST)) {                                                                                 \
			BODY(MOST);                                                                                    \
			MOVE(MOST);                                                                                    \
			left_ -= (MOST);                                                                               \
		} else if ((MOST) > 4 && left_ >= 4) {                                                                 \
			BODY(4);                                                                                       \
			MOVE(4);                                                                                       \
			left_ -= 4;                                                                                    \
		} else {                                                                                               \
			BODY(1);                                                                                       \
			MOVE(1);                                                                                       \
			left_ -= 1;                                                                                    \
		}                                                                                                      \
	}

static INLINE void bn_act_by(const float *x, const float *res, int rows, int c, const float *scale, const float *shift,
                             const enum ofa_act act, float *y)
{
	const size_t cs = (size_t)c;

#define ONE(w) bn_act_##w(x + i, res ? res + i : NULL, cs, scale + i, shift + i, act, y + i, R_)
#define BODY(r)                                                                                                        \
	{                                                                                                              \
		enum { R_ = r };                                                                                       \
		BLOCKS(c, ONE);                                                                                        \
	}
#define MOVE(r) (x += r * cs, y += r * cs, res = res ? res + r * cs : NULL)
	BY_PIXELS(rows, 4, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void bn_act(const float *x, const float *res, int rows, int c, const float *scale, const float *shift,
                   enum ofa_act act, float *y)
{
	if (res)
		bn_act_by(x, res, rows, c, scale, shift, act, y);
	else if (act == OFA_ACT_RELU)
		bn_act_by(x, NULL, rows, c, scale, shift, OFA_ACT_RELU, y);
	else if (act == OFA_ACT_HSWISH)
		bn_act_by(x, NULL, rows, c, scale, shift, OFA_ACT_HSWISH, y);
	else if (act == OFA_ACT_NONE)
		bn_act_by(x, NULL, rows, c, scale, shift, OFA_ACT_NONE, y);
	else
		bn_act_by(x, NULL, rows, c, scale, shift, act, y);
}

static INLINE void to_planes_by(const float *x, int h, int w, int c, const float *scale, const float *shift,
                                const enum ofa_act act, float *planes, int pad)
{
	const size_t plane = (size_t)(h + 2 * pad) * (size_t)(w + 2 * pad);

	for (int y = 0; y < h; y++) {
		size_t at = (size_t)(y + pad) * (size_t)(w + 2 * pad) + (size_t)pad;

		for (int j = 0; j < w; j++, at++, x += c) {
#define ONE(n)                                                                                                         \
	to_planes_##n(x + i, scale ? scale + i : NULL, shift + i, act, planes + (size_t)i * plane + at * (n))
			BLOCKS(c, ONE);
#undef ONE
		}
	}
}

static void to_planes(const float *x, int h, int w, int c, const float *scale, const float *shift, enum ofa_act act,
                      float *planes, int pad)
{
	if (!scale)
		to_planes_by(x, h, w, c, NULL, x, act, planes, pad); /* the shift is not read */
	else if (act == OFA_ACT_RELU)
		to_planes_by(x, h, w, c, scale, shift, OFA_ACT_RELU, planes, pad);
	else if (act == OFA_ACT_HSWISH)
		to_planes_by(x, h, w, c, scale, shift, OFA_ACT_HSWISH, planes, pad);
	else
		to_planes_by(x, h, w, c, scale, shift, act, planes, pad);
}

static void moments(const float *x, int rows, int c, const float *origin, float *sum, float *square)
{
	const size_t cs = (size_t)c;

#define ONE(w) moments_##w(x + i, cs, origin + i, sum + i, square + i, R_)
#define MOVE(r) (x += r * cs)
	BY_PIXELS(rows, 64, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void column_sum(const float *x, int rows, int c, float *sum)
{
	const size_t cs = (size_t)c;

#define ONE(w) column_sum_##w(x + i, cs, sum + i, R_)
#define MOVE(r) (x += r * cs)
	BY_PIXELS(rows, 64, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void scale_columns(float *x, int rows, int c, const float *s)
{
	const size_t cs = (size_t)c;

#define ONE(w) scale_columns_##w(x + i, cs, s + i, R_)
#define MOVE(r) (x += r * cs)
	BY_PIXELS(rows, 4, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void scale_add_columns(float *d, int rows, int c, const float *s, const float *add)
{
	const size_t cs = (size_t)c;

#define ONE(w) scale_add_columns_##w(d + i, cs, s + i, add + i, R_)
#define MOVE(r) (d += r * cs)
	BY_PIXELS(rows, 4, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void bias_act(float *x, int rows, int c, const float *bias, enum ofa_act act)
{
	const size_t cs = (size_t)c;

#define ONE(w) bias_act_##w(x + i, cs, bias ? bias + i : NULL, act, R_)
#define MOVE(r) (x += r * cs)
	BY_PIXELS(rows, 4, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void dot_columns(const float *a, const float *b, int rows, int c, float *out)
{
	const size_t cs = (size_t)c;

#define ONE(w) dot_columns_##w(a + i, b + i, cs, out + i, R_)
#define MOVE(r) (a += r * cs, b += r * cs)
	BY_PIXELS(rows, 64, BODY, MOVE)
#undef ONE
#undef MOVE
}

static INLINE void act_backward_by(const float *d, const float *res, const float *z, int rows, int c,
                                   const float *scale, const float *shift, const float *mean, const enum ofa_act act,
                                   float *g, float *sum, float *dot)
{
	const size_t cs = (size_t)c;

#define ONE(w)                                                                                                         \
	act_backward_##w(d + i, res ? res + i : NULL, z + i, cs, scale + i, shift + i, mean + i, act, g + i, sum + i,  \
	                 dot + i, R_)
#define MOVE(r) (d += r * cs, z += r * cs, g += r * cs, res = res ? res + r * cs : NULL)
	BY_PIXELS(rows, 64, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void act_backward(const float *d, const float *res, const float *z, int rows, int c, const float *scale,
                         const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot)
{
	if (res)
		act_backward_by(d, res, z, rows, c, scale, shift, mean, act, g, sum, dot);
	else if (act == OFA_ACT_RELU)
		act_backward_by(d, NULL, z, rows, c, scale, shift, mean, OFA_ACT_RELU, g, sum, dot);
	else if (act == OFA_ACT_HSWISH)
		act_backward_by(d, NULL, z, rows, c, scale, shift, mean, OFA_ACT_HSWISH, g, sum, dot);
	else if (act == OFA_ACT_NONE)
		act_backward_by(d, NULL, z, rows, c, scale, shift, mean, OFA_ACT_NONE, g, sum, dot);
	else
		act_backward_by(d, NULL, z, rows, c, scale, shift, mean, act, g, sum, dot);
}

static void bn_backward(const float *g, const float *z, int rows, int c, const float *a, const float *b, const float *k,
                        float *dz)
{
	const size_t cs = (size_t)c;

#define ONE(w) bn_backward_##w(g + i, z + i, cs, a + i, b + i, k + i, dz + i, R_)
#define MOVE(r) (g += r * cs, z += r * cs, dz += r * cs)
	BY_PIXELS(rows, 4, BODY, MOVE)
#undef ONE
#undef MOVE
}

static void bn_backward_planes(const float *g, const float *z, int h, int w, int c, const float *a, const float *b,
                               const float *k, float *planes, int pad)
{
	const size_t plane = (size_t)(h + 2 * pad) * (size_t)(w + 2 * pad);

	for (int y = 0; y < h; y++) {
		size_t at = (size_t)(y + pad) * (size_t)(w + 2 * pad) + (size_t)pad;

		for (int j = 0; j < w; j++, at++, g += c, z += c) {
#define ONE(n) bn_backward_##n(g + i, z + i, 0, a + i, b + i, k + i, planes + (size_t)i * plane + at * (n), 1)
			BLOCKS(c, ONE);
#undef ONE
		}
	}
}

static void sum_rows(const float *const *rows, int n, int c, enum ofa_act act, float *y)
{
#define CALL(w) sum_rows_##w(rows, n, i, act, y)
	BLOCKS(c, CALL);
#undef CALL
}

static void max_rows(const float *const *rows, int n, int c, float *y)
{
#define CALL(w) max_rows_##w(rows, n, i, y)
	BLOCKS(c, CALL);
#undef CALL
}

static void take_better(const float *from, int n, float gain, int32_t index, float *best, int32_t *choice)
{
#define CALL(w) take_better_##w(from + i, gain, index, best + i, choice + i)
	BLOCKS(n, CALL);
#undef CALL
}

static void depthwise(const struct ofa_depthwise *d, const float *planes, const float *w, int c, float *y)
{
#define CALL(n) depthwise_##n(d, planes + (size_t)i * d->plane, w + i, c, y + i)
	BLOCKS(c, CALL);
#undef CALL
}

/* Some outputs from o on for pixels [first, end) of every line; returns how many. */
static int conv_outputs(const struct ofa_panel_conv *c, int first, int end, int o)
{
	const int left = c->c_out - o;

#if OFA_VL >= OFA_WEIGHT_PANEL
	if (left >= 2 * OFA_VL) {
		CONV_GROUP(c, first, end, o, 2);
		return 2 * OFA_VL;
	}
	if (left >= OFA_VL) {
		CONV_GROUP(c, first, end, o, 1);
		return OFA_VL;
	}
	conv_group_8(c, first, end, o, 1);
#else
	(void)left;
	CONV_GROUP(c, first, end, o, 2);
#endif
	return OFA_WEIGHT_PANEL;
}

static void conv(const struct ofa_panel_conv *c)
{
	const bool pointwise = c->lines == 1 && c->rows == 1;
	const int piece = pointwise ? (OFA_CONV_PIECE / c->taps / OFA_CONV_ROWS + 1) * OFA_CONV_ROWS : c->pixels;

	for (int first = 0, n; first < c->pixels; first += n) {
		const int left = c->pixels - first, end = left < piece + OFA_CONV_ROWS ? c->pixels : first + piece;

		n = end - first;
		for (int o = 0; o < c->c_out;)
			o += conv_outputs(c, first, end, o);
	}
}

/* A row's right end and the next one's left end lie together. */
static void clear_block(int h, int w, int n, float *block, int pad)
{
	const size_t pitch = (size_t)(w + 2 * pad) * (size_t)n, ends = 2 * (size_t)(pad * n);
	const size_t edge = (size_t)pad * pitch + (size_t)(pad * n);

	memset(block, 0, edge * sizeof *block);
	block += edge + (size_t)w * (size_t)n;
	for (int y = 1; y < h; y++, block += pitch)
		memset(block, 0, ends * sizeof *block);
	memset(block, 0, edge * sizeof *block);
}

/* Vectors of channels that pass through planes together, and their width. */
static void map_block(int left, int *vectors, int *width)
{
	*width = left < OFA_WEIGHT_PANEL ? 1 : left >= OFA_VL ? OFA_VL : OFA_WEIGHT_PANEL;
	*vectors = *width == OFA_VL && left >= 2 * OFA_VL ? 2 : 1;
}

static void block_to_planes(const struct ofa_depthwise_map *m, int first, int vectors, int width, size_t plane)
{
	const size_t pitch = (size_t)(m->w + 2 * m->pad);

	for (int y = 0; y < m->h; y++) {
		const float *from = m->x + (size_t)y * (size_t)m->w * (size_t)m->c + first;
		float *to = m->planes + ((size_t)(y + m->pad) * pitch + (size_t)m->pad) * (size_t)width;

		for (int x = 0; x < m->w; x++, from += m->c, to += width) {
			for (int v = 0; v < vectors; v++)
				memcpy(to + (size_t)v * plane, from + v * width, (size_t)width * sizeof *to);
		}
	}
}

static void expand_to_planes(const struct ofa_depthwise_map *m, int first, int width, size_t plane)
{
	const size_t pitch = (size_t)(m->w + 2 * m->pad) * (size_t)width;
	struct ofa_panel_conv c = *m->expand;

	c.w += (size_t)first * (size_t)c.taps;
	c.bias += first;
	c.c_out -= first;
	c.y = m->planes + (size_t)m->pad * (pitch + (size_t)width);
	c.y_line = pitch;
	c.y_pixel = (size_t)width;
	c.y_channel = plane / (size_t)width;
	(void)conv_outputs(&c, 0, c.pixels, 0);
}

static void depthwise_block(const struct ofa_depthwise *d, const struct ofa_depthwise_map *m, int i, int width,
                            const float *planes)
{
	const size_t panel = (size_t)m->kk * OFA_WEIGHT_PANEL;
	const float *w = m->w_panels + (size_t)(i / OFA_WEIGHT_PANEL) * panel + i % OFA_WEIGHT_PANEL;

#define CASE(n)                                                                                                        \
	case n:                                                                                                        \
		depthwise_panels_##n(d, planes, w, panel, m->bias + i, m->y + i, m->sum + i);                          \
		break
	switch (width) {
#if OFA_VL == 16
		CASE(16);
#endif
#if OFA_VL >= 8
		CASE(8);
#else
		CASE(4);
#endif
		CASE(1);
	}
#undef CASE
}

static void depthwise_map(const struct ofa_depthwise *d, const struct ofa_depthwise_map *m)
{
	int cleared = 0;

	for (int i = 0, vectors, width; i < m->c; i += vectors * width) {
		size_t plane;

		map_block(m->c - i, &vectors, &width);
		plane = d->plane * (size_t)width;
		for (int v = 0; v < vectors && cleared != width; v++)
			clear_block(m->h, m->w, width, m->planes + (size_t)v * plane, m->pad);
		cleared = width;
		if (m->expand)
			expand_to_planes(m, i, width, plane);
		else
			block_to_planes(m, i, vectors, width, plane);
		for (int v = 0; v < vectors; v++)
			depthwise_block(d, m, i + v * width, width, m->planes + (size_t)v * plane);
	}
}

/* One panel, element by element. */
static void panel_rest(const float *from, size_t stride, int rows, size_t first, size_t k, const float *scale,
                       float *panel)
{
	for (size_t t = first; t < k; t++) {
		float *to = panel + t * OFA_WEIGHT_PANEL;

		for (int i = 0; i < rows; i++)
			to[i] = from[(size_t)i * stride + t] * (scale ? scale[i] : 1.0f);
		for (int i = rows; i < OFA_WEIGHT_PANEL; i++)
			to[i] = 0.0f;
	}
}

static void to_panels(const float *from, size_t stride, int rows, size_t k, const float *scale, float *panels)
{
	for (int i = 0; i < rows; i += OFA_WEIGHT_PANEL, panels += k * OFA_WEIGHT_PANEL) {
		const float *s = scale ? scale + i : NULL, *row = from + (size_t)i * stride;
		const int n = rows - i < OFA_WEIGHT_PANEL ? rows - i : OFA_WEIGHT_PANEL;
		size_t done = 0;

#if OFA_VL >= 8
		if (n == OFA_WEIGHT_PANEL) {
			done = k / 8 * 8;
			panel_8(row, stride, done, s, panels);
		}
#endif
		panel_rest(row, stride, n, done, k, s, panels);
	}
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
	for (int i = 0, rows; i < n; i += rows, live += in + 1, packed += (size_t)in * OFA_DENSE_ROWS) {
		const float *row[OFA_DENSE_ROWS];
		int m = 0;

		rows = dense_rows(n - i);
		for (int r = 0; r < OFA_DENSE_ROWS; r++)
			row[r] = x + (size_t)(i + (r < rows ? r : 0)) * (size_t)in;
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
	.max_rows = max_rows,
	.bias_act = bias_act,
	.dense = dense,
	.take_better = take_better,
	.conv = conv,
	.to_panels = to_panels,
	.few_pixels = OFA_CONV_FEW,
	.depthwise_map = depthwise_map,
	.dot_columns = dot_columns,
	.act_backward = act_backward,
	.bn_backward = bn_backward,
	.bn_backward_planes = bn_backward_planes,
	.depthwise = depthwise,
	.depthwise_weight = depthwise_weight,
};
