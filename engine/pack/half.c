#include "pack/half.h"

#include <string.h>

#include "pack/bytes.h"

#define SIGN 0x80000000u
#define SMALLEST_NORMAL 0x38800000u /* 2^-14 */
#define TOO_LARGE 0x477ff000u       /* 65520, halfway from the largest binary16 to 2^16 */
#define HALF 0x3f000000u            /* 0.5: one unit in its last place is 2^-24, the smallest binary16 */
#define BIAS ((127u - 15u) << 23)   /* of the exponents */
#define CHUNK 512

static uint32_t to_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static float from_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Both are computed, as a loop in vectors needs it; the compiler would rather branch around a float's addition. */
static uint32_t choose(bool first, uint32_t a, uint32_t b)
{
	const uint32_t mask = 0u - (uint32_t)first;

	return (a & mask) | (b & ~mask);
}

/* The magnitude of a float below TOO_LARGE. */
static uint32_t magnitude_to_half(uint32_t a)
{
	const uint32_t normal = (a - BIAS + 0xfffu + (a >> 13 & 1)) >> 13;
	const uint32_t subnormal = to_bits(from_bits(a) + 0.5f) - HALF;

	return choose(a < SMALLEST_NORMAL, subnormal, normal);
}

static uint32_t half_to_magnitude(uint32_t h)
{
	const uint32_t subnormal = to_bits(from_bits(SMALLEST_NORMAL + (h << 13)) - from_bits(SMALLEST_NORMAL));

	return choose(h < 0x400u, subnormal, (h << 13) + BIAS);
}

/* At most CHUNK numbers in memory of its own, which nothing else can alias: this runs in vectors. */
static uint32_t round_chunk(const float *restrict x, size_t n, uint16_t *restrict halves, float *restrict rounded)
{
	uint32_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		const uint32_t sign = to_bits(x[i]) & SIGN, a = to_bits(x[i]) & ~SIGN;
		const uint32_t h = magnitude_to_half(a);

		bad |= a >= TOO_LARGE;
		halves[i] = (uint16_t)(sign >> 16 | h);
		rounded[i] = from_bits(sign | half_to_magnitude(h));
	}
	return bad;
}

bool ofa_half_round(const float *x, size_t n, uint8_t *bytes, float *rounded)
{
	uint16_t halves[CHUNK];
	float to[CHUNK];
	uint32_t bad = 0;

	for (size_t i = 0; i < n; i += CHUNK) {
		const size_t m = n - i < CHUNK ? n - i : CHUNK;

		bad |= round_chunk(x + i, m, halves, to);
		memcpy(rounded + i, to, m * sizeof(*to));
		for (size_t j = 0; j < m; j++)
			ofa_put_u16(bytes + OFA_HALF_BYTES * (i + j), halves[j]);
	}
	return bad == 0;
}
