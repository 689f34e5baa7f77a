/* AVX-VNNI: 32 products of bytes in an instruction, 16 registers. */
#include <immintrin.h>
#include "ops/int8.h"

#define INLINE static inline __attribute__((always_inline))
#define ROWS 6 /* by one panel, two vectors: 12 sums, two vectors of weights and one of activations */

/* Written as an instruction because gcc 12 keeps each sum twice, before and after the intrinsic, and spills them. */
INLINE void dot(__m256i *sum, __m256i bytes, __m256i weights)
{
	__asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(*sum) : "x"(bytes), "x"(weights));
}

INLINE void product(const struct ofa_int8_dense *d, const uint8_t *x, int panel, __m256i sum[2 * ROWS])
{
	const size_t pitch = (size_t)d->in;
	const int8_t *p = d->weights + (size_t)panel * pitch * OFA_INT8_PANEL;

#pragma GCC unroll 12
	for (int r = 0; r < 2 * ROWS; r++)
		sum[r] = _mm256_setzero_si256();
	for (int i = 0; i < d->used; i += 4, p += 64, x += 4) {
		const __m256i low = _mm256_load_si256((const __m256i *)(const void *)p);
		const __m256i high = _mm256_load_si256((const __m256i *)(const void *)(p + 32));

#pragma GCC unroll 6
		for (int r = 0; r < ROWS; r++) {
			const int32_t *at = (const int32_t *)(const void *)(x + (size_t)r * pitch);
			__m256i a = _mm256_set1_epi32(*at);

			dot(&sum[2 * r], a, low);
			dot(&sum[2 * r + 1], a, high);
		}
	}
}

/* Half a panel of one row after its product. */
INLINE __m256 finish(__m256i sum, const float *scale, const float *bias)
{
	__m256 y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_load_ps(scale), _mm256_load_ps(bias));

	return _mm256_max_ps(y, _mm256_setzero_ps());
}

INLINE void store_bytes(__m256 y, uint8_t *to)
{
	__m256i v = _mm256_cvtps_epi32(_mm256_min_ps(y, _mm256_set1_ps(255)));
	__m128i words = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	_mm_storel_epi64((__m128i *)(void *)to, _mm_packus_epi16(words, words));
}

static void dense(const struct ofa_int8_dense *d, const uint8_t *x, int n, uint8_t *y, int y_pitch)
{
	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel++) {
		for (int i = 0; i < n; i += ROWS) {
			__m256i sum[2 * ROWS];

			product(d, x + (size_t)i * (size_t)d->in, panel, sum);
#pragma GCC unroll 12
			for (int r = 0; r < 2 * ROWS; r++) {
				int at = panel * OFA_INT8_PANEL + r % 2 * 8;

				store_bytes(finish(sum[r], d->scale + at, d->bias + at),
				            y + (size_t)(i + r / 2) * (size_t)y_pitch + at);
			}
		}
	}
}

static void sum_partial(int n, const float *partial, float last_bias, float *y)
{
	for (int i = 0; i < n; i++) {
		float sum = last_bias;

		for (int j = 0; j < OFA_INT8_PANEL; j++)
			sum += partial[i * OFA_INT8_PANEL + j];
		y[i] = sum;
	}
}

static void dense_dot(const struct ofa_int8_dense *d, const uint8_t *x, int n, const float *last, float last_bias,
                      float *partial, float *y)
{
	for (size_t i = 0; i < OFA_INT8_ROOM(n) * OFA_INT8_PANEL; i++)
		partial[i] = 0;
	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel++) {
		for (int i = 0; i < n; i += ROWS) {
			__m256i sum[2 * ROWS];

			product(d, x + (size_t)i * (size_t)d->in, panel, sum);
#pragma GCC unroll 12
			for (int r = 0; r < 2 * ROWS; r++) {
				int at = panel * OFA_INT8_PANEL + r % 2 * 8;
				float *to = partial + (i + r / 2) * OFA_INT8_PANEL + r % 2 * 8;
				__m256 v = finish(sum[r], d->scale + at, d->bias + at);

				_mm256_store_ps(to, _mm256_fmadd_ps(v, _mm256_load_ps(last + at), _mm256_load_ps(to)));
			}
		}
	}
	sum_partial(n, partial, last_bias, y);
}

static void sum_rows(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int c, int shift,
                     int16_t *sum, uint8_t *y)
{
	const __m128i by = _mm_cvtsi32_si128(shift);

	for (int at = 0; at < c; at += 32) {
		__m256i low = _mm256_setzero_si256(), high = low;

		for (int i = 0; i < n; i++) {
			const __m256i *row = (const __m256i *)(const void *)(rows[i] + at);

			low = _mm256_add_epi16(low, _mm256_load_si256(row));
			high = _mm256_add_epi16(high, _mm256_load_si256(row + 1));
		}
		for (int i = 0; i < n_less; i++) {
			const __m256i *row = (const __m256i *)(const void *)(less[i] + at);

			low = _mm256_sub_epi16(low, _mm256_load_si256(row));
			high = _mm256_sub_epi16(high, _mm256_load_si256(row + 1));
		}
		if (sum) {
			_mm256_store_si256((__m256i *)(void *)(sum + at), low);
			_mm256_store_si256((__m256i *)(void *)(sum + at + 16), high);
		}
		low = _mm256_packus_epi16(_mm256_sra_epi16(low, by), _mm256_sra_epi16(high, by));
		_mm256_store_si256((__m256i *)(void *)(y + at), _mm256_permute4x64_epi64(low, 0xD8));
	}
}

extern const struct ofa_int8_kernels ofa_int8_avxvnni;

const struct ofa_int8_kernels ofa_int8_avxvnni = {
	.isa = "avxvnni",
	.sum_rows = sum_rows,
	.dense = dense,
	.dense_dot = dense_dot,
};
