/* The weights of one matrix in int8. */
#ifndef OFA_QUANTISE_WEIGHTS_H
#define OFA_QUANTISE_WEIGHTS_H

#include "quantise/layout.h"

/* Rows of k x k windows of `channels` inputs, in float panels (ops/kernels.h), and their biases; both count times
 * `gain`, after `plus` was added to the bias. */
struct ofa_weight_source {
	const float *w, *bias;
	int rows, k, channels;
	float gain, plus;
	bool depthwise; /* each row has an input channel of its own: stored (k,k,rows), not in quads */
	/* What to expect of the inputs, or NULL: the mean of each channel, and the share of windows in which each of
	 * the k x k inputs lies inside the map.  A bias then takes back what rounding the weights adds to its sum. */
	const float *mean, *inside;
};
/* Where it goes: NULL-free arrays of ofa_quantised_layer_tensors(), zeroed. */
struct ofa_weight_target {
	int8_t *w;
	int32_t *bias, *multiplier, *shift;
};

/* The largest absolute value that a sum can have, whatever an input of scale `in` may be. */
double ofa_weights_bound(const struct ofa_weight_source *from, struct ofa_affine in);
/* Symmetric, per output, such that no sum can leave 31 bits; inputs are `in`, outputs have scale out_scale. */
void ofa_weights_quantise(const struct ofa_weight_source *from, struct ofa_affine in, float out_scale,
			  const struct ofa_weight_target *to);

#endif
