/* The hot loops, compiled once per instruction set and chosen at run time.
 *
 * Everything is NHWC float32; c = channels, contiguous.  A "map" is h rows of w pixels; its pitch is the
 * distance between rows in floats, so a kernel can read or write the inside of a zero-padded map.
 * All functions are void and cannot fail: shapes were checked when the plan was made.  Each has its
 * naive oracle in ref.h, and tests/engine/test_kernels.c compares the two over one table of shapes. */
#ifndef OFA_OPS_KERNELS_H
#define OFA_OPS_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "ops/act.h"

/* One term of a depthwise sum: offsets in floats from the pixel's base and from the weights. */
struct ofa_tap {
	int32_t x, w;
};

struct ofa_kernels {
	const char *isa; /* "avx512", "avx2", "generic" */

	/* y = act(x * scale + shift [+ residual]); x, residual (h,w,c) with pitch w*c; residual may be NULL. */
	void (*bn_act)(const float *x, const float *residual, int h, int w, int c, const float *scale,
		       const float *shift, enum ofa_act act, float *y, size_t y_pitch);
	/* sum[c] += x - origin, square[c] += (x - origin)^2 over `rows` pixels. */
	void (*moments)(const float *x, int rows, int c, const float *origin, float *sum, float *square);
	/* sum[c] += x over rows. */
	void (*column_sum)(const float *x, int rows, int c, float *sum);
	/* x *= s[c] over rows. */
	void (*scale_columns)(float *x, int rows, int c, const float *s);
	/* d = d * s[c] + add[c] over rows. */
	void (*scale_add_columns)(float *d, int rows, int c, const float *s, const float *add);
	/* out[c] += a * b over rows. */
	void (*dot_columns)(const float *a, const float *b, int rows, int c, float *out);
	/* y[c] = act(the sum of n >= 1 rows): a layer whose input is one-hot. */
	void (*sum_rows)(const float *const *rows, int n, int c, enum ofa_act act, float *y);
	/* x = act(x + bias[c]) over rows; bias may be NULL. */
	void (*bias_act)(float *x, int rows, int c, const float *bias, enum ofa_act act);
	/* Where from[i] + gain > best[i], that becomes best[i] and index choice[i]; n entries, nothing aliases. */
	void (*take_better)(const float *from, int n, float gain, int32_t index, float *best, int32_t *choice);

	/* Backward through act and towards BN: with b = z*scale + shift,
	 * g = (d [+ residual]) * act'(b); g may alias d.  sum[c] += g, dot[c] += g * (z - mean). */
	void (*act_backward)(const float *d, const float *residual, const float *z, int rows, int c, const float *scale,
			     const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot);
	/* Backward through BN's statistics: dz = g*a[c] + z*b[c] + k[c], written with x_step floats between
	 * pixels and the given pitch (x_step = c: dense; 2c: dilated for stride 2). */
	void (*bn_backward)(const float *g, const float *z, int h, int w, int c, const float *a, const float *b,
			    const float *k, float *dz, size_t x_step, size_t pitch);

	/* One row of `count` pixels: y[i*y_step] = sum over taps of w[tap.w] * x[i*x_step + tap.x], per channel. */
	void (*depthwise_row)(const float *x, size_t x_step, const float *w, const struct ofa_tap *taps, int n_taps,
			      float *y, size_t y_step, int count, int c);
	/* dw (k,k,c) += sum over the output map of dz (h,w,c; dense) times the padded input xp it saw:
	 * xp has `pitch` floats a row; pixel (y,x) of the output starts at row y*stride, column x*stride. */
	void (*depthwise_weight)(const float *dz, int h, int w, const float *xp, size_t pitch, int stride, int k, int c,
				 float *dw);
};

/* The best for this processor. */
const struct ofa_kernels *ofa_kernels(void);
/* By name, or NULL when this build or processor lacks it; NULL name = ofa_kernels(). */
const struct ofa_kernels *ofa_kernels_named(const char *isa);

#endif
