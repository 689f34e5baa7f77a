/* Where the values of an activation lie.  Bins are logarithmic, 32 to an octave, so that they need no range in advance
 * and counts from several threads add up. */
#ifndef OFA_QUANTISE_HISTOGRAM_H
#define OFA_QUANTISE_HISTOGRAM_H

#include <stdint.h>

#include "quantise/quantise.h"

#define OFA_HISTOGRAM_OCTAVES 48 /* 2^-24 to 2^24; what lies outside counts as the nearest bin */
#define OFA_HISTOGRAM_BINS (2 * 32 * OFA_HISTOGRAM_OCTAVES) /* the negative ones come last */

/* All zero: nothing seen. */
struct ofa_histogram {
	float low, high; /* extremes, zero included */
	uint32_t bins[OFA_HISTOGRAM_BINS];
};

/* Values must be finite. */
void ofa_histogram_add(struct ofa_histogram *h, const float *x, size_t n);
void ofa_histogram_merge(struct ofa_histogram *h, const struct ofa_histogram *from);

struct ofa_range {
	float low, high; /* low <= 0 <= high */
};
/* Below `floor` all values are alike (-INFINITY: none are); a range never reaches further down. */
struct ofa_range ofa_histogram_range(const struct ofa_histogram *h, const struct ofa_quantise_options *opt,
				     float floor);

#endif
