#include "base/sha256_ni.h"

#include <immintrin.h>

/* Rounds are unrolled and states kept in registers only where everything is inlined. */
#define INLINE static inline __attribute__((always_inline))

/* FIPS 180-4, 4.2.2 */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The words as the instructions want them, A in the highest place, and 16 words of the schedule. */
struct state {
	__m128i abef, cdgh, w[4];
};

INLINE void load(struct state *s, const struct ofa_sha256_lane *lane)
{
	const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)lane->h), 0xB1);
	const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(lane->h + 4)), 0x1B);

	s->abef = _mm_alignr_epi8(badc, hgfe, 8);
	s->cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
}

INLINE void store(const struct state *s, struct ofa_sha256_lane *lane)
{
	const __m128i feba = _mm_shuffle_epi32(s->abef, 0x1B), dchg = _mm_shuffle_epi32(s->cdgh, 0xB1);

	_mm_storeu_si128((__m128i *)(void *)lane->h, _mm_blend_epi16(feba, dchg, 0xF0));
	_mm_storeu_si128((__m128i *)(void *)(lane->h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* Four rounds, i = 0..15, and before them the four words of the schedule they use. */
INLINE void rounds(struct state *s, const uint8_t *block, int i)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(round_constants + 4 * i));
	__m128i *w = s->w, *now = &w[i % 4], sum;
	const __m128i last = w[(i + 3) % 4];

	if (i < 4)
		*now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i)), swap);
	else
		*now = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(*now, w[(i + 1) % 4]),
							  _mm_alignr_epi8(last, w[(i + 2) % 4], 4)),
					    last);
	sum = _mm_add_epi32(*now, k);
	s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, sum);
	s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* n, a constant wherever this is inlined, is 1 or 2. */
INLINE void compress(struct ofa_sha256_lane *const *lanes, int n, size_t blocks)
{
	struct state s[2], before[2];

	for (int l = 0; l < n; l++)
		load(&s[l], lanes[l]);
	for (; blocks > 0; blocks--) {
		before[0] = s[0];
		if (n == 2)
			before[1] = s[1];
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			rounds(&s[0], lanes[0]->at, i);
			if (n == 2)
				rounds(&s[1], lanes[1]->at, i);
		}
		for (int l = 0; l < n; l++) {
			s[l].abef = _mm_add_epi32(s[l].abef, before[l].abef);
			s[l].cdgh = _mm_add_epi32(s[l].cdgh, before[l].cdgh);
			lanes[l]->at += OFA_SHA256_BLOCK;
		}
	}
	for (int l = 0; l < n; l++)
		store(&s[l], lanes[l]);
}

void ofa_sha256_ni(struct ofa_sha256_lane *lane, size_t blocks)
{
	compress(&lane, 1, blocks);
}

void ofa_sha256_ni_pair(struct ofa_sha256_lane *const lanes[2], size_t blocks)
{
	compress(lanes, 2, blocks);
}
