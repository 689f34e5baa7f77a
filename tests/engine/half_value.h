/* binary16 from its definition, slowly. */
#ifndef OFA_TESTS_HALF_VALUE_H
#define OFA_TESTS_HALF_VALUE_H

#include <math.h>
#include <stdint.h>

/* The binary16 nearest to x, ties to even, from the definition. */
static inline double nearest_half(double x)
{
	int exponent;
	double unit;

	frexp(x, &exponent);
	unit = ldexp(1, (exponent - 1 > -14 ? exponent - 1 : -14) - 10);
	return nearbyint(x / unit) * unit;
}

static inline double half_value(const uint8_t *bytes)
{
	const int h = bytes[0] | bytes[1] << 8, exponent = h >> 10 & 31, mantissa = h & 1023;
	const double x = exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);

	return h & 0x8000 ? -x : x;
}

#endif
