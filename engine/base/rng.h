/* Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
 * The same seed gives the same sequence on every machine. */
#ifndef OFA_BASE_RNG_H
#define OFA_BASE_RNG_H

#include <stdint.h>

struct ofa_rng {
	uint64_t s[4];
};

void ofa_rng_init(struct ofa_rng *r, uint64_t seed);
/* A stream of its own for (seed, a, b), e.g. (seed, epoch, step): order of use does not matter. */
void ofa_rng_init3(struct ofa_rng *r, uint64_t seed, uint64_t a, uint64_t b);
uint64_t ofa_rng_u64(struct ofa_rng *r);
uint32_t ofa_rng_below(struct ofa_rng *r, uint32_t n); /* uniform in [0,n), n > 0, without bias */
double ofa_rng_double(struct ofa_rng *r);              /* uniform in [0,1) */
float ofa_rng_float(struct ofa_rng *r);                /* uniform in [0,1) */
float ofa_rng_normal(struct ofa_rng *r);               /* N(0,1) by Box-Muller */
void ofa_rng_shuffle_u32(struct ofa_rng *r, uint32_t *a, uint32_t n); /* Fisher-Yates */

#endif
