/* The hot loops of int8 inference, compiled once per instruction set and chosen at run time.  Sums are exact, so the
 * results of all of them are equal.  All functions are void and cannot fail; everything is borrowed, nothing aliases
 * unless said. */
#ifndef OFA_QUANTISE_KERNELS_H
#define OFA_QUANTISE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "quantise/quantise.h"

#define OFA_INT8_SLACK 64 /* bytes that may be read behind an input */

/* sum[p] (pixels, outputs rounded up to 8) = bias + weights in quads times the window of pixel p: `rows` segments of
 * 4 quads bytes at x + p*x_pixel, x_row apart. */
struct ofa_int8_product {
	const int8_t *x;
	size_t x_pixel, x_row;
	int rows, quads;
	const int8_t *w;
	const int32_t *bias; /* (outputs) */
	int pixels, outputs;
	int32_t *sum;
};

/* sum (pixels, c) = bias + w (k,k,c) times the windows of neighbouring pixels, x_pixel apart; rows of x are x_row
 * apart. */
struct ofa_int8_depthwise {
	const int8_t *x;
	size_t x_pixel, x_row;
	int k, c;
	const int8_t *w;
	const int32_t *bias;
	int pixels;
	int32_t *sum;
};

/* y[p][c] = rescale(sum[p][c], m[c], s[c]) + zero, held in [low, high]; sum's rows are `pitch` apart. */
struct ofa_int8_rescale {
	const int32_t *sum;
	size_t pitch;
	int rows, c;
	const int32_t *m, *s;
	int32_t zero, low, high;
	int8_t *y;
};

struct ofa_quantised_kernels {
	const char *isa; /* "generic", "avx2", "avx512vnni" */
	void (*product)(const struct ofa_int8_product *p);
	void (*depthwise)(const struct ofa_int8_depthwise *d);
	void (*rescale)(const struct ofa_int8_rescale *r);
	/* x = the sum of x and v in int8, as `add` of doc/pack-format.md; operand: what x is; n values. */
	void (*add)(const struct ofa_quantised_layer *l, struct ofa_affine operand, const int8_t *v, size_t n,
		    int8_t *x);
	/* x[p][c] times gate[c], the last step of `se`. */
	void (*gate)(const struct ofa_quantised_layer *l, const int8_t *gate, int pixels, int c, int8_t *x);
};

/* The best for this processor. */
const struct ofa_quantised_kernels *ofa_quantised_kernels(void);
/* By name, or NULL when this build or processor lacks it; NULL name: the best. */
const struct ofa_quantised_kernels *ofa_quantised_kernels_named(const char *isa);

/* ofa_quantised_forward() by one of the sets. */
enum ofa_status ofa_quantised_forward_by(const struct ofa_quantised_kernels *kernels, const struct ofa_quantised *q,
					 const int8_t *x, int n, struct ofa_pool *pool, int8_t *logits,
					 struct ofa_error *err) OFA_MUST_CHECK;

#endif
