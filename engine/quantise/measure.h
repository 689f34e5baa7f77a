/* What int8 costs in accuracy: one arch on given images, in both types. */
#ifndef OFA_QUANTISE_MEASURE_H
#define OFA_QUANTISE_MEASURE_H

#include "quantise/quantise.h"

/* Images as a data set has them, of any size; borrowed. */
struct ofa_labelled_images {
	const uint8_t *images; /* (n,h,w,c) raw pixels */
	const uint8_t *labels; /* (n) */
	int n, h, w, c;        /* c: the network's */
};

struct ofa_int8_accuracy {
	double top1;    /* in [0,1] */
	double changed; /* share of images that float32 classifies otherwise: less noisy than a difference of top-1 */
};

/* The subnet as it is delivered: statistics recalibrated on all of the network's calibration images.  int8 sees pixels
 * rounded to 8 bits at the arch's image size, float32 as training does.  options: n_options ways to quantise, or NULL:
 * the default alone; ret_int8 has one entry for each. */
enum ofa_status ofa_quantise_compare(const struct ofa_supernet *net, const struct ofa_arch *arch,
				     const struct ofa_labelled_images *data,
				     const struct ofa_quantise_options *options, int n_options, struct ofa_pool *pool,
				     double *ret_float32, struct ofa_int8_accuracy *ret_int8,
				     struct ofa_error *err) OFA_MUST_CHECK;

/* Top-1 alone; n_options is at most OFA_MEASURE_MAX_OPTIONS. */
#define OFA_MEASURE_MAX_OPTIONS 32
enum ofa_status ofa_quantise_measure(const struct ofa_supernet *net, const struct ofa_arch *arch,
				     const struct ofa_labelled_images *data,
				     const struct ofa_quantise_options *options, int n_options, struct ofa_pool *pool,
				     double *ret_float32, double *ret_int8, struct ofa_error *err) OFA_MUST_CHECK;

#endif
