/* What the sets with 512-bit vectors share: everything but the products. */
#ifndef OFA_OPS_INT8_AVX512_H
#define OFA_OPS_INT8_AVX512_H

#include <immintrin.h>
#include "ops/int8.h"

#define INLINE static inline __attribute__((always_inline))

/* One panel of one row after its product. */
INLINE __m512 finish(__m512i sum, const float *scale, const float *bias)
{
	__m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_load_ps(scale), _mm512_load_ps(bias));

	return _mm512_max_ps(y, _mm512_setzero_ps());
}

INLINE void store_bytes(__m512 y, uint8_t *to)
{
	_mm_store_si128((__m128i *)(void *)to, _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(y)));
}

INLINE void add_partial(__m512 y, const float *last, float *partial)
{
	_mm512_store_ps(partial, _mm512_fmadd_ps(y, _mm512_load_ps(last), _mm512_load_ps(partial)));
}

static void clear_partial(int n, float *partial)
{
	for (size_t i = 0; i < OFA_INT8_ROOM(n); i++)
		_mm512_store_ps(partial + i * OFA_INT8_PANEL, _mm512_setzero_ps());
}

static void sum_partial(int n, const float *partial, float last_bias, float *y)
{
	for (int i = 0; i < n; i++)
		y[i] = _mm512_reduce_add_ps(_mm512_load_ps(partial + (size_t)i * OFA_INT8_PANEL)) + last_bias;
}

INLINE void store_sums(__m512i sum, __m128i shift, uint8_t *y)
{
	__m512i v = _mm512_max_epi16(_mm512_sra_epi16(sum, shift), _mm512_setzero_si512());

	_mm256_store_si256((__m256i *)(void *)y, _mm512_cvtusepi16_epi8(v));
}

/* WIDE vectors of 32 columns at a time. */
INLINE void sum_columns(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int at,
                        const int wide, __m128i shift, int16_t *to, uint8_t *y)
{
	__m512i sum[4];

	for (int j = 0; j < wide; j++)
		sum[j] = _mm512_load_si512(rows[0] + at + 32 * j);
	for (int i = 1; i < n; i++)
		for (int j = 0; j < wide; j++)
			sum[j] = _mm512_add_epi16(sum[j], _mm512_load_si512(rows[i] + at + 32 * j));
	for (int i = 0; i < n_less; i++)
		for (int j = 0; j < wide; j++)
			sum[j] = _mm512_sub_epi16(sum[j], _mm512_load_si512(less[i] + at + 32 * j));
	for (int j = 0; to && j < wide; j++)
		_mm512_store_si512(to + at + 32 * j, sum[j]);
	for (int j = 0; j < wide; j++)
		store_sums(sum[j], shift, y + at + 32 * j);
}

static void sum_rows(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int c, int shift,
                     int16_t *sum, uint8_t *y)
{
	const __m128i by = _mm_cvtsi32_si128(shift);
	int at = 0;

	for (; at + 128 <= c; at += 128)
		sum_columns(rows, n, less, n_less, at, 4, by, sum, y);
	for (; at < c; at += 32)
		sum_columns(rows, n, less, n_less, at, 1, by, sum, y);
}

#endif
