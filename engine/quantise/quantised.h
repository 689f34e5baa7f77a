/* A subnet in int8: every number that a package holds of it, in the arithmetic of doc/pack-format.md ("int8"),
 * which is that of the TensorFlow Lite int8 specification (tensorflow.org/lite/performance/quantization_spec). */
#ifndef OFA_QUANTISE_QUANTISED_H
#define OFA_QUANTISE_QUANTISED_H

#include "net/plan.h"

/* Real number = scale (q - zero). */
struct ofa_affine {
	float scale;
	int zero; /* -128..127 */
};

/* Multiplication by multiplier 2^(shift - 31). */
struct ofa_rescale {
	int32_t multiplier; /* 0, or 2^30 .. 2^31 - 1 */
	int32_t shift;      /* -31..30 */
};

/* One layer.  Which fields an operation uses, and for what: the tables of doc/pack-format.md; the others are 0 or NULL.
 * Arrays lie in the layouts of a package. */
struct ofa_quantised_layer {
	struct ofa_affine in, out;
	struct ofa_affine added; /* the value to add; SE: the mean */
	struct ofa_affine inner; /* before a table or an addition; SE: hidden */
	int32_t low, high;
	struct ofa_rescale first, second, result;
	const int8_t *w, *w2;           /* quads in panels of 8; DWCONV (k,k,c) */
	const int32_t *b, *b2;          /* folded: less the input's zero point times the channel's weights */
	const int32_t *m, *s, *m2, *s2; /* multipliers and shifts of w's and of w2's outputs */
	const int8_t *table;            /* 256, by q + 128 */
};

/* The arrays follow each other in the order of layers and, in each, of the package's tensors; each starts on 64
 * bytes and is padded with zeros up to the next.  That is the data section of a package. */
struct ofa_quantised {
	struct ofa_plan plan;
	struct ofa_quantised_layer layers[OFA_PLAN_MAX_LAYERS];
	int32_t gain[4], offset[4]; /* pixels to input, Q16 */
	uint8_t *storage;
	size_t storage_bytes;
	bool borrowed; /* storage is the caller's */
};

#endif
