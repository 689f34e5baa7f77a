/* The hot loops, compiled once per instruction set and chosen at run time.
 *
 * Everything is NHWC float32; c = channels, contiguous; `rows` are pixels.  Depthwise convolutions read planes: a
 * zero-framed map stored by blocks of channels, so that a block's pixels follow each other and stay in the first cache.
 * A block takes n channels, as many as the instruction set's vectors hold (narrower ones serve the tail); that of
 * channel i starts i * (h + 2 pad) * (w + 2 pad) floats into the planes and is (h + 2 pad, w + 2 pad, n).  Only the
 * kernels of one set understand each other's planes; whoever owns the memory clears it before (the frame stays zero).
 *
 * All functions are void and cannot fail: shapes were checked when the plan was made.  Each has its
 * naive oracle in ref.h, and tests/engine/test_kernels.c compares the two over one table of shapes. */
#ifndef OFA_OPS_KERNELS_H
#define OFA_OPS_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "ops/act.h"

#define OFA_MAX_TAPS 49
#define OFA_WEIGHT_PANEL 8 /* outputs whose weights lie together in a convolution, */
#define OFA_PANEL 16       /* and in a dense layer */
#define OFA_DENSE_ROWS 6
#define OFA_DENSE_GROUPS(n) (((size_t)(n) + OFA_DENSE_ROWS - 1) / OFA_DENSE_ROWS)
#define OFA_DENSE_PACKED(n, in) (OFA_DENSE_GROUPS(n) * OFA_DENSE_ROWS * (size_t)(in))
#define OFA_DENSE_LIVE(n, in) (OFA_DENSE_GROUPS(n) * ((size_t)(in) + 1))

/* One term of a depthwise sum: offset in pixels from the output pixel's place, and which of the k*k weights. */
struct ofa_tap {
	int32_t x, w;
};

/* A map of depthwise sums over planes: y[i*y_pitch + j*y_step], i < rows, j < count, is the sum over the taps of
 * w[tap.w] * the input pixel at origin + (i*pitch + j)*step + tap.x. */
struct ofa_depthwise {
	size_t plane;           /* pixels of the input's planes, frame included */
	int pitch;              /* pixels from one of its rows to the next */
	int origin, step;       /* in its pixels; step is 1 or 2 */
	int rows, count;        /* of the output */
	size_t y_step, y_pitch; /* floats */
	enum ofa_act act;       /* of the sums */
	int n_taps;
	struct ofa_tap taps[OFA_MAX_TAPS];
};

/* A dense convolution: output pixel j of line i has the window of `rows` rows of `taps` floats that begins at
 * x + i*x_line + j*x_pixel.  Everything that a window covers exists: the caller has framed x with zeros.  A pointwise
 * one has one line, one row, and taps = input channels. */
struct ofa_panel_conv {
	const float *x;
	size_t x_line, x_pixel, x_row; /* floats between lines and pixels of windows, and between a window's rows */
	int rows, taps;
	const float *w;        /* panels (c_out/OFA_WEIGHT_PANEL up, rows, taps, OFA_WEIGHT_PANEL) */
	const float *bias;     /* (c_out), readable up to a multiple of OFA_WEIGHT_PANEL */
	const float *residual; /* like y, or NULL; does not alias y */
	float *y;              /* act(sum + bias + residual) */
	size_t y_line, y_pixel, y_channel; /* floats between y's lines, pixels and channels; y_channel is 1 */
	int lines, pixels, c_out;
	enum ofa_act act;
};

/* The one that is a product: x (rows, in) times a matrix (out, in) in panels gives y (rows, out), with neither
 * activation nor residual.  Each sum is taken in the order of the inputs, so that sets of kernels that fuse
 * multiplication and addition (all but "generic") give the same bits. */
static inline struct ofa_panel_conv ofa_panel_product(const float *x, int rows, int in, const float *w,
						      const float *bias, int out, float *y)
{
	return (struct ofa_panel_conv){.x = x,
				       .x_pixel = (size_t)in,
				       .rows = 1,
				       .taps = in,
				       .w = w,
				       .bias = bias,
				       .y = y,
				       .y_pixel = (size_t)out,
				       .y_channel = 1,
				       .lines = 1,
				       .pixels = rows,
				       .c_out = out,
				       .act = OFA_ACT_NONE};
}

/* A depthwise convolution of a dense (h,w,c) map, or of the pointwise convolution `expand` of one, whose result then
 * never exists as a whole: some channels at a time go through planes that stay in the cache. */
struct ofa_depthwise_map {
	int h, w, c, pad, kk;
	const float *x;                      /* (h,w,c); NULL: */
	const struct ofa_panel_conv *expand; /* lines h, pixels w, c_out c in whole panels; no residual, y unused */
	const float *w_panels;               /* panels (c/OFA_WEIGHT_PANEL up, kk, OFA_WEIGHT_PANEL) */
	const float *bias;                   /* (c), readable as that of ofa_panel_conv */
	float *planes;                       /* scratch, OFA_DEPTHWISE_SCRATCH(h, w, pad) floats */
	float *y;                            /* (h_out,w_out,c) */
	float *sum;                          /* (c) written: the sums of y's channels */
};
#define OFA_DEPTHWISE_SCRATCH(h, w, pad) ((size_t)((h) + 2 * (pad)) * (size_t)((w) + 2 * (pad)) * 32)

struct ofa_kernels {
	const char *isa; /* "avx512", "avx2", "generic" */

	/* y = act(x * scale + shift [+ residual]); residual may be NULL, y may be x. */
	void (*bn_act)(const float *x, const float *residual, int rows, int c, const float *scale, const float *shift,
		       enum ofa_act act, float *y);
	/* The same from a dense (h,w,c) map into planes with a frame of pad; scale and shift NULL: act(x). */
	void (*to_planes)(const float *x, int h, int w, int c, const float *scale, const float *shift, enum ofa_act act,
			  float *planes, int pad);
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
	/* y[c] = the largest of n >= 1 rows. */
	void (*max_rows)(const float *const *rows, int n, int c, float *y);
	/* y (n,out) = act(bias + x (n,in) * weights), for rows that are zero in much the same places, as neighbours of
	 * one arch are after a ReLU: inputs that are zero in OFA_DENSE_ROWS rows cost nothing.  out is a multiple of
	 * OFA_PANEL; the weights lie in panels (out/OFA_PANEL, in, OFA_PANEL).  A row's result does not depend on the
	 * other rows.  Scratch: packed and live, OFA_DENSE_PACKED and OFA_DENSE_LIVE(n, in) entries. */
	void (*dense)(const float *x, int n, int in, const float *panels, const float *bias, int out, enum ofa_act act,
		      float *packed, int32_t *live, float *y);
	/* x = act(x + bias[c]) over rows; bias may be NULL. */
	void (*bias_act)(float *x, int rows, int c, const float *bias, enum ofa_act act);
	/* Where from[i] + gain > best[i], that becomes best[i] and index choice[i]; n entries, nothing aliases. */
	void (*take_better)(const float *from, int n, float gain, int32_t index, float *best, int32_t *choice);

	void (*conv)(const struct ofa_panel_conv *c);
	int few_pixels; /* lines shorter than this make `conv` slow */
	/* rows x k of a matrix whose rows are `stride` floats apart, row r times scale[r] (NULL: 1), into panels
	 * (rows/OFA_WEIGHT_PANEL up, k, OFA_WEIGHT_PANEL); missing rows of the last panel become zero. */
	void (*to_panels)(const float *from, size_t stride, int rows, size_t k, const float *scale, float *panels);

	/* Backward through act and towards BN: with b = z*scale + shift,
	 * g = (d [+ residual]) * act'(b); g may alias d.  sum[c] += g, dot[c] += g * (z - mean). */
	void (*act_backward)(const float *d, const float *residual, const float *z, int rows, int c, const float *scale,
			     const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot);
	/* Backward through BN's statistics: dz = g*a[c] + z*b[c] + k[c]; and the same from dense (h,w,c) maps into
	 * planes. */
	void (*bn_backward)(const float *g, const float *z, int rows, int c, const float *a, const float *b,
			    const float *k, float *dz);
	void (*bn_backward_planes)(const float *g, const float *z, int h, int w, int c, const float *a, const float *b,
				   const float *k, float *planes, int pad);

	/* A map of depthwise sums (ops/depthwise.h says which); w (k,k,c), y dense or strided, as d says; d's
	 * activation is none. */
	void (*depthwise)(const struct ofa_depthwise *d, const float *planes, const float *w, int c, float *y);
	/* d: the walk over the map's planes, with its activation. */
	void (*depthwise_map)(const struct ofa_depthwise *d, const struct ofa_depthwise_map *m);
	/* dw (k,k,c) += sum over the output map (h,w) of dz times the input it saw; both are planes with a frame of
	 * k/2, of (h,w) and of (h_in,w_in) pixels. */
	void (*depthwise_weight)(const float *dz, int h, int w, const float *x, int h_in, int w_in, int stride, int k,
				 int c, float *dw);
};

/* The best for this processor. */
const struct ofa_kernels *ofa_kernels(void);
/* By name, or NULL when this build or processor lacks it; NULL name = ofa_kernels(). */
const struct ofa_kernels *ofa_kernels_named(const char *isa);

#endif
