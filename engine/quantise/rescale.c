#include "quantise/rescale.h"

#include <math.h>

struct ofa_rescale ofa_rescale_from(double factor)
{
	int shift;
	double fraction = frexp(factor, &shift);
	int64_t multiplier = llround(ldexp(fraction, 31));

	if (multiplier == (int64_t)1 << 31) {
		multiplier /= 2;
		shift++;
	}
	if (multiplier == 0 || shift < OFA_MIN_SHIFT)
		return (struct ofa_rescale){0, 0};
	if (shift > OFA_MAX_SHIFT)
		return (struct ofa_rescale){INT32_MAX, OFA_MAX_SHIFT};
	return (struct ofa_rescale){(int32_t)multiplier, shift};
}

double ofa_rescale_factor(struct ofa_rescale r)
{
	return ldexp(r.multiplier, r.shift - 31);
}
