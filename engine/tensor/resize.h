/* Separable image resampling: a triangle filter at half-pixel centres, widened when the image shrinks
 * (bilinear upwards, area-weighted downwards: the "antialiased bilinear" of Pillow). */
#ifndef OFA_TENSOR_RESIZE_H
#define OFA_TENSOR_RESIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFA_RESIZE_MAX_IN 512     /* pixels per side of the source */
#define OFA_RESIZE_MAX_OUT 1024   /* pixels per side of the result */
#define OFA_RESIZE_MAX_RATIO 2.0f /* a crop may be this much larger than its image */
#define OFA_RESIZE_MAX_TAPS (2 * (int)OFA_RESIZE_MAX_RATIO * OFA_RESIZE_MAX_IN + 3 * OFA_RESIZE_MAX_OUT)

/* For output pixel i: the sum over t < count[i] of weight[offset[i] + t] * in[start[i] + t]. */
struct ofa_resize_axis {
	int n;
	uint16_t start[OFA_RESIZE_MAX_OUT], count[OFA_RESIZE_MAX_OUT], offset[OFA_RESIZE_MAX_OUT];
	float weight[OFA_RESIZE_MAX_TAPS];
};

/* The part [lo, lo + side) of n_in pixels -> n_out pixels; `mirror` reverses the result.  Weights are
 * confined to the image and sum to 1; a pixel whose centre lies outside the image gets no tap (black).
 * Needs 1 <= n_in <= MAX_IN, 1 <= n_out <= MAX_OUT, 0 < side <= MAX_RATIO * n_in.  Cannot fail. */
void ofa_resize_axis_init(struct ofa_resize_axis *a, int n_in, float lo, float side, int n_out, bool mirror);

/* x (h,w,c) bytes -> y (rows->n, cols->n, c): y = gain[c] * resampled + bias[c].  c <= 4. */
void ofa_resize_image(const struct ofa_resize_axis *rows, const struct ofa_resize_axis *cols, const uint8_t *x, int w,
		      int c, const float *gain, const float *bias, float *y);

/* n whole float images (h,w,c) -> (r,r,c), by the same filter; a copy where h = w = r.  h and w at most MAX_IN. */
void ofa_resize_floats(const float *x, int n, int h, int w, int c, int r, float *y);

/* n whole images (h,w,c) -> (r,r,c), normalised: y = (pixel/255 - mean[c]) / std[c]. */
void ofa_resize_normalise(const uint8_t *x, int n, int h, int w, int c, int r, const float *mean, const float *std,
			  float *y);

#endif
