/* Weights as they are stored, and widened as they are loaded: float32, or IEEE 754 binary16 where OFA_HALF_WEIGHTS is
 * defined.  Every binary16 number is a binary32 number, so that all ways agree. */
#ifndef OFA_DEVICE_WEIGHTS_H
#define OFA_DEVICE_WEIGHTS_H

#include <string.h>
#include "vec.h"
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifdef OFA_HALF_WEIGHTS
typedef uint16_t ofa_weight;

/* Exponent and fraction move to their places, and the bias grows from 15 to 127; infinities and NaNs keep the largest
 * exponent.  A subnormal is read as if it had a leading one, which is then subtracted: exact, and no operand of
 * it is a subnormal binary32 number, which some vector units take for zero. */
OFA_INLINE float widen_one(ofa_weight h)
{
	const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h & 0x7c00;
	const uint32_t least = 113u << 23; /* 2^-14, the smallest normal number */
	uint32_t bits = ((uint32_t)(h & 0x7fff) << 13) + (112u << 23);
	float f, lead;

	if (exponent == 0)
		bits += 1u << 23;
	else if (exponent == 0x7c00)
		bits += 112u << 23;
	memcpy(&f, &bits, sizeof(f));
	if (exponent == 0) {
		memcpy(&lead, &least, sizeof(lead));
		f -= lead;
	}
	memcpy(&bits, &f, sizeof(bits));
	bits |= sign;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

#if OFA_LANES == 16
/* Two panels' parts side by side. */
OFA_INLINE ofa_vec join(const ofa_weight *p, const ofa_weight *q)
{
	const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)p);
	const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)q);

	return (ofa_vec)_mm512_cvtph_ps(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1));
}
#elif OFA_LANES == 8
OFA_INLINE ofa_vec widen(const ofa_weight *p)
{
	return (ofa_vec)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
#elif OFA_LANES == 4 && defined(__aarch64__)
OFA_INLINE ofa_vec widen(const ofa_weight *p)
{
	return (ofa_vec)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
#elif OFA_LANES == 4
/* As widen_one(). */
OFA_INLINE ofa_vec widen(const ofa_weight *p)
{
	const ofa_mask h = {p[0], p[1], p[2], p[3]};
	const ofa_mask exponent = h & 0x7c00;
	const ofa_mask subnormal = (ofa_mask)(exponent == 0), special = (ofa_mask)(exponent == 0x7c00);
	ofa_mask bits = ((h & 0x7fff) << 13) + (112 << 23);
	const ofa_mask least = subnormal & (113 << 23);

	bits += (subnormal & (1 << 23)) + (special & (112 << 23));
	bits = (ofa_mask)((ofa_vec)bits - (ofa_vec)least);
	return (ofa_vec)(bits | (h & 0x8000) << 16);
}
#else
OFA_INLINE ofa_vec widen(const ofa_weight *p)
{
	return widen_one(*p);
}
#endif
#else
typedef float ofa_weight;

OFA_INLINE float widen_one(ofa_weight w)
{
	return w;
}

OFA_INLINE ofa_vec widen(const ofa_weight *p)
{
	return load(p);
}

#if OFA_LANES > OFA_FMT_PANEL
/* Two panels' parts side by side. */
OFA_INLINE ofa_vec join(const ofa_weight *p, const ofa_weight *q)
{
	return (ofa_vec)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(q), 1);
}
#endif
#endif

#endif
