/* Post-training quantisation: a float32 subnet to int8, without training (doc/numerics.md says how, and what it costs
 * in accuracy), and the engine's own int8 inference. */
#ifndef OFA_QUANTISE_QUANTISE_H
#define OFA_QUANTISE_QUANTISE_H

#include "net/subnet.h"
#include "ofa_format.h"
#include "quantise/quantised.h"

/* How the range of an activation follows from what was seen of it. */
enum ofa_range_rule {
	OFA_RANGE_EXTREMES,   /* smallest to largest */
	OFA_RANGE_PERCENTILE, /* all but a share of the values */
	OFA_RANGE_MSE,        /* least mean squared error of the values after rounding and clamping */
	OFA_RANGE_RULES
};

struct ofa_quantise_options {
	enum ofa_range_rule range;
	double cut;  /* OFA_RANGE_PERCENTILE: share of the values left out at either end, 0 to 0.5 */
	int images;  /* calibration images that are looked at, at most all there are; 0: 64, of large ones fewer */
	bool equalise;     /* channels between layers scaled towards one range, after arXiv:1906.04721, section 4.1 */
	bool correct_bias; /* what rounding the weights adds to a channel on average goes off its bias, section 4.2 */
};
/* What doc/numerics.md chose. */
extern const struct ofa_quantise_options ofa_quantise_default;

/* sub, extracted from net with recalibrated statistics, in int8.  opt NULL: the default.  storage: the caller's memory
 * of ofa_quantised_bytes() at a multiple of 64 that outlives the result, or NULL.  Equal input gives equal bytes, for
 * any number of threads.  OFA_ERR_NOT_FOUND when the network carries no calibration images, OFA_ERR_INVALID for
 * options out of range, OFA_ERR_LIMIT for a layer with sums too long for the format. */
enum ofa_status ofa_quantise(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			     const struct ofa_quantise_options *opt, struct ofa_pool *pool, uint8_t *storage,
			     struct ofa_quantised **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_quantised_free(struct ofa_quantised *q);

/* One array of a layer, as the tensor table of a package has it: numbers of ofa_format.h. */
struct ofa_quantised_tensor {
	uint8_t type, role, layout;
	int rank;
	uint32_t dims[OFA_FMT_MAX_RANK];
	size_t bytes; /* without padding */
};
/* The arrays of one layer in their order; returns how many.  Follows from the plan alone, as does the next. */
int ofa_quantised_layer_tensors(const struct ofa_layer *l, struct ofa_quantised_tensor ret[OFA_FMT_MAX_OP_TENSORS]);
size_t ofa_quantised_bytes(const struct ofa_plan *plan);

/* Scale and zero point of the input and of the logits. */
struct ofa_affine ofa_quantised_input_affine(const struct ofa_quantised *q);
struct ofa_affine ofa_quantised_output_affine(const struct ofa_quantised *q);

/* 8-bit pixels (n,r,r,c) -> the network's input, same shape. */
void ofa_quantised_input(const struct ofa_quantised *q, const uint8_t *pixels, int n, int8_t *x);

/* x (n,r,r,c) int8 NHWC -> logits (n,classes) int8, bit for bit what the device runtime computes; images are divided
 * over the pool. */
enum ofa_status ofa_quantised_forward(const struct ofa_quantised *q, const int8_t *x, int n, struct ofa_pool *pool,
				      int8_t *logits, struct ofa_error *err) OFA_MUST_CHECK;

#endif
