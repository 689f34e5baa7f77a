/* AVX-512 with VNNI: 64 products of bytes in an instruction. */
#include "ops/int8_avx512_vec.h"

#define ROWS 12 /* by two panels: 24 sums, two vectors of weights and one of activations stay in 32 registers */

/* Written as an instruction because gcc 12 keeps each sum twice, before and after the intrinsic, and spills them. */
INLINE void dot(__m512i *sum, __m512i bytes, __m512i weights)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(bytes), "v"(weights));
}

/* Two panels of so many rows, at most ROWS. */
INLINE void product(const struct ofa_int8_dense *d, const uint8_t *x, int panel, const int rows, __m512i *sum)
{
	const size_t pitch = (size_t)d->in;
	const int8_t *p = d->weights + (size_t)panel * pitch * OFA_INT8_PANEL, *q = p + pitch * OFA_INT8_PANEL;

#pragma GCC unroll 24
	for (int r = 0; r < 2 * rows; r++)
		sum[r] = _mm512_setzero_si512();
	for (int i = 0; i < d->used; i += 4, p += 64, q += 64, x += 4) {
		const __m512i wp = _mm512_load_si512(p), wq = _mm512_load_si512(q);

#pragma GCC unroll 12
		for (int r = 0; r < rows; r++) {
			const int32_t *at = (const int32_t *)(const void *)(x + (size_t)r * pitch);
			__m512i a = _mm512_set1_epi32(*at);

			dot(&sum[2 * r], a, wp);
			dot(&sum[2 * r + 1], a, wq);
		}
	}
}

INLINE void dense_tile(const struct ofa_int8_dense *d, const uint8_t *x, int panel, const int rows, uint8_t *y,
		       size_t pitch)
{
	__m512i sum[2 * ROWS];

	product(d, x, panel, rows, sum);
#pragma GCC unroll 24
	for (int r = 0; r < 2 * rows; r++) {
		const int at = (panel + r % 2) * OFA_INT8_PANEL;

		store_bytes(finish(sum[r], d->scale + at, d->bias + at), y + (size_t)(r / 2) * pitch + at);
	}
}

INLINE void dot_tile(const struct ofa_int8_dense *d, const uint8_t *x, int panel, const int rows, const float *last,
		     float *partial)
{
	__m512i sum[2 * ROWS];

	product(d, x, panel, rows, sum);
#pragma GCC unroll 24
	for (int r = 0; r < 2 * rows; r++) {
		const int at = (panel + r % 2) * OFA_INT8_PANEL;

		add_partial(finish(sum[r], d->scale + at, d->bias + at), last + at,
			    partial + (size_t)(r / 2) * OFA_INT8_PANEL);
	}
}

/* The last tile is as high as need be, in steps of four rows: a search's lists are short. */
static void dense(const struct ofa_int8_dense *d, const uint8_t *x, int n, uint8_t *y, int y_pitch)
{
	const size_t pitch = (size_t)y_pitch;

	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel += 2) {
		for (int i = 0; i < n; i += ROWS) {
			const uint8_t *from = x + (size_t)i * (size_t)d->in;
			uint8_t *to = y + (size_t)i * pitch;

			if (n - i > 8)
				dense_tile(d, from, panel, ROWS, to, pitch);
			else if (n - i > 4)
				dense_tile(d, from, panel, 8, to, pitch);
			else
				dense_tile(d, from, panel, 4, to, pitch);
		}
	}
}

static void dense_dot(const struct ofa_int8_dense *d, const uint8_t *x, int n, const float *last, float last_bias,
                      float *partial, float *y)
{
	clear_partial(n, partial);
	for (int panel = 0; panel < d->out / OFA_INT8_PANEL; panel += 2) {
		for (int i = 0; i < n; i += ROWS) {
			const uint8_t *from = x + (size_t)i * (size_t)d->in;
			float *to = partial + (size_t)i * OFA_INT8_PANEL;

			if (n - i > 8)
				dot_tile(d, from, panel, ROWS, last, to);
			else if (n - i > 4)
				dot_tile(d, from, panel, 8, last, to);
			else
				dot_tile(d, from, panel, 4, last, to);
		}
	}
	sum_partial(n, partial, last_bias, y);
}

extern const struct ofa_int8_kernels ofa_int8_avx512vnni;

const struct ofa_int8_kernels ofa_int8_avx512vnni = {
	.isa = "avx512vnni",
	.sum_rows = sum_rows,
	.dense = dense,
	.dense_dot = dense_dot,
};
