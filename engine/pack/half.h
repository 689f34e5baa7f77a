/* IEEE 754 binary16: weights of a float16 package. */
#ifndef OFA_PACK_HALF_H
#define OFA_PACK_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFA_HALF_BYTES 2
#define OFA_HALF_MOST 65504.0f

/* n numbers, rounded to the nearest, ties to even, little-endian into bytes; what they became, into rounded, which may
 * be x.  False: a number is past OFA_HALF_MOST after rounding, infinite or none, and what was written is void. */
bool ofa_half_round(const float *x, size_t n, uint8_t *bytes, float *rounded);

#endif
