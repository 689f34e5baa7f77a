#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9E3779B97F4A7C15u);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void ofa_rng_init(struct ofa_rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&seed);
}

void ofa_rng_init3(struct ofa_rng *r, uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t h = splitmix64(&seed);

	/* Hashing between the parts keeps (a, b) and (b, a) apart. */
	h ^= a;
	h = splitmix64(&h);
	h ^= b;
	h = splitmix64(&h);
	ofa_rng_init(r, h);
}

uint64_t ofa_rng_u64(struct ofa_rng *r)
{
	uint64_t *s = r->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/* Multiply-shift with rejection of the short interval (Lemire, arXiv:1805.10941). */
uint32_t ofa_rng_below(struct ofa_rng *r, uint32_t n)
{
	uint64_t m = (ofa_rng_u64(r) >> 32) * n;

	if ((uint32_t)m < n) {
		uint32_t threshold = (0u - n) % n;

		while ((uint32_t)m < threshold)
			m = (ofa_rng_u64(r) >> 32) * n;
	}
	return (uint32_t)(m >> 32);
}

double ofa_rng_double(struct ofa_rng *r)
{
	return (double)(ofa_rng_u64(r) >> 11) * 0x1p-53;
}

float ofa_rng_float(struct ofa_rng *r)
{
	return (float)(ofa_rng_u64(r) >> 40) * 0x1p-24f;
}

float ofa_rng_normal(struct ofa_rng *r)
{
	double u = 1.0 - ofa_rng_double(r); /* (0,1]: the logarithm stays finite */
	double v = ofa_rng_double(r);

	return (float)(sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v));
}

void ofa_rng_shuffle_u32(struct ofa_rng *r, uint32_t *a, uint32_t n)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = ofa_rng_below(r, i);
		uint32_t t = a[i - 1];

		a[i - 1] = a[j];
		a[j] = t;
	}
}
