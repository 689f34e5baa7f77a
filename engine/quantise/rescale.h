/* The integer arithmetic of doc/pack-format.md: multiplication by a real number in Q31, as gemmlowp and the TensorFlow
 * Lite int8 reference kernels round it (SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT). */
#ifndef OFA_QUANTISE_RESCALE_H
#define OFA_QUANTISE_RESCALE_H

#include "quantise/quantised.h"

#define OFA_MIN_SHIFT (-31)
#define OFA_MAX_SHIFT 30

/* The multiplier nearest to `factor`, finite and at least 0.  Below 2^-32 it is 0; what exceeds the format becomes the
 * largest that there is. */
struct ofa_rescale ofa_rescale_from(double factor);
double ofa_rescale_factor(struct ofa_rescale r);

/* x 2^up m 2^-31 2^-down, where up = max(shift, 0) and down = max(-shift, 0). */
static inline int32_t ofa_rescale_parts(int32_t x, int32_t m, int up, int down)
{
	const int64_t product = (int64_t)(int32_t)((uint32_t)x << up) * m;
	const int32_t high = (int32_t)((product + (1 << 30)) >> 31);
	const int32_t mask = (int32_t)((1u << down) - 1), rest = high & mask;

	return (high >> down) + (rest > (mask >> 1) + (high < 0));
}

static inline int32_t ofa_rescale_apply(int32_t x, struct ofa_rescale r)
{
	return ofa_rescale_parts(x, r.multiplier, r.shift > 0 ? r.shift : 0, r.shift < 0 ? -r.shift : 0);
}

static inline int32_t ofa_clamp(int32_t x, int32_t low, int32_t high)
{
	return x < low ? low : x > high ? high : x;
}

#endif
