/* What the activations of a float32 subnet are on calibration images. */
#ifndef OFA_QUANTISE_OBSERVE_H
#define OFA_QUANTISE_OBSERVE_H

#include "quantise/histogram.h"

/* Of one layer, as the affine members of struct ofa_quantised_layer. */
struct ofa_observed_layer {
	struct ofa_histogram out;
	struct ofa_histogram inner; /* SE: hidden units */
	struct ofa_histogram added; /* SE: means; the other layers have their value's own */
	const float *mean;          /* (c_in) of the input's channels */
	const float *mean_hidden;   /* (hidden), SE only */
};

struct ofa_observation {
	struct ofa_observed_layer *layers; /* of the plan */
	float *means;
};

/* Runs sub on `images` of the network's calibration images, spread evenly over all.  The result does not depend on the
 * number of threads.  Released by ofa_observation_release(). */
enum ofa_status ofa_observe(const struct ofa_supernet *net, const struct ofa_subnet *sub, int images,
			    struct ofa_pool *pool, struct ofa_observation *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_observation_release(struct ofa_observation *o);

#endif
