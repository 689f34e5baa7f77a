/* The weights of one matrix in int8. */
#ifndef OFA_QUANTISE_WEIGHTS_H
#define OFA_QUANTISE_WEIGHTS_H

#include "quantise/layout.h"

/* A matrix of `rows` outputs by segments times width inputs, in float panels (ops/kernels.h), and its bias; both count
 * times `gain`, after `plus` was added to the bias. */
struct ofa_weight_source {
	const float *w, *bias;
	int rows, segments, width;
	float gain, plus;
	bool depthwise; /* each row has an input of its own: stored (width, rows), not in quads */
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
