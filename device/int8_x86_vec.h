/* What the int8 kernels of int8_vec.h are made of, by AVX2, AVX-VNNI or AVX-512 with VNNI and VBMI. */
#ifndef OFA_DEVICE_INT8_X86_VEC_H
#define OFA_DEVICE_INT8_X86_VEC_H

#include <immintrin.h>
#include "vec.h"

/* Outputs side by side; pixels whose sums are held in registers at once, by how many vectors of outputs; the registers
 * that a vector of sums takes; inputs that one lane takes at once. */
#if defined(OFA_INT8_AVX512)
#define LANES 16
#define MOST_PIXELS 14
#define VECS(pixels) ((pixels) < 7 ? 4 : 2)
#define MOST_VECS 4
typedef __m512i reg;
#else
#define LANES 8
#define MOST_PIXELS 6
#if defined(OFA_INT8_VNNI)
#define VECS(pixels) ((pixels) < 3 ? 4 : 2)
#define MOST_VECS 4
#else
#define VECS(pixels) ((pixels) < 3 ? 2 : 1)
#define MOST_VECS 2
#endif
typedef __m256i reg;
#endif

typedef int32_t vec __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));

/* Shifts by lanes: what shift_left() and shift_right() take for a shift by n, n in [0, 31], is n itself. */
OFA_INLINE vec left_shift(vec n)
{
	return n;
}

OFA_INLINE vec right_shift(vec n)
{
	return n;
}

OFA_INLINE vec shift_left(vec x, vec by)
{
	return x << by;
}

OFA_INLINE vec shift_right(vec x, vec by)
{
	return x >> by;
}

/* The n lowest bits. */
OFA_INLINE vec low_bits(vec n)
{
	const vec zero = {0};

	return ~(~zero << n);
}

#if defined(OFA_INT8_AVX512) || defined(OFA_INT8_VNNI)
/* One factor of the dot product has no sign.  Dense layers raise weights by 128, and take 128 times the sum of the
 * inputs off again; depthwise ones raise inputs. */
#define RAISED 128
#define COLUMN_ROWS 4
struct sums {
	reg a;
};
struct quads {
	reg a;
};
#else
#define RAISED 0
#define COLUMN_ROWS 2
struct sums {
	reg a, b;
};
struct quads {
	reg a, b;
};
#endif

#if defined(OFA_INT8_AVX512)

/* A quad of each of LANES outputs; `next`: the panel beside. */
OFA_INLINE struct quads load_quads(const int8_t *w, size_t next)
{
	const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)w);
	const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(w + next));
	const struct quads q = {
		_mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1), _mm512_set1_epi8(-128))};

	return q;
}

/* sum += w x for the same quad of inputs. */
OFA_INLINE void dot(struct sums *sum, const struct quads *w, const int8_t *x)
{
	int32_t quad;

	memcpy(&quad, x, sizeof(quad));
	sum->a = _mm512_dpbusd_epi32(sum->a, w->a, _mm512_set1_epi32(quad));
}

OFA_INLINE vec total(const struct sums *sum)
{
	return (vec)sum->a;
}

OFA_INLINE vec high_half(vec x, vec m)
{
	const reg half = _mm512_set1_epi64(1 << 30);
	const reg even = _mm512_add_epi64(_mm512_mul_epi32((reg)x, (reg)m), half);
	const reg odd = _mm512_add_epi64(
		_mm512_mul_epi32(_mm512_srli_epi64((reg)x, 32), _mm512_srli_epi64((reg)m, 32)), half);

	return (vec)_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}

OFA_INLINE vec clamp(vec x, vec low, vec high)
{
	return (vec)_mm512_min_epi32(_mm512_max_epi32((reg)x, (reg)low), (reg)high);
}

/* The first n lanes, n > 0; more than there are: all. */
OFA_INLINE __mmask16 first_lanes(uint32_t n)
{
	return (__mmask16)(n >= LANES ? 0xffff : (1u << n) - 1);
}

/* n bytes, or LANES if that is less; the other lanes are 0. */
OFA_INLINE vec load_some(const int8_t *p, uint32_t n)
{
	return (vec)_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(first_lanes(n), p));
}

OFA_INLINE void store_some(int8_t *p, vec v, uint32_t n)
{
	_mm_mask_storeu_epi8(p, first_lanes(n), _mm512_cvtepi32_epi8((reg)v));
}

/* y = table[y + 128] */
OFA_INLINE void look_up(const int8_t *table, int8_t *y, size_t n)
{
	reg part[4];
	size_t i;

	for (i = 0; i < 4; i++)
		part[i] = _mm512_loadu_si512(table + 64 * i);
	for (i = 0; i < n; i += 64) {
		const __mmask64 some = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
		const reg at = _mm512_maskz_loadu_epi8(some, y + i);
		const reg below = _mm512_permutex2var_epi8(part[0], at, part[1]);
		const reg above = _mm512_permutex2var_epi8(part[2], at, part[3]);

		_mm512_mask_storeu_epi8(y + i, some, _mm512_mask_blend_epi8(_mm512_movepi8_mask(at), above, below));
	}
}

/* A column: n neighbouring bytes of each of COLUMN_ROWS rows, the first of a to d, side by side. */
OFA_INLINE void store_column(int8_t *to, const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, uint32_t n,
			     const int raise)
{
	const reg order = _mm512_set_epi8(
		63, 47, 31, 15, 62, 46, 30, 14, 61, 45, 29, 13, 60, 44, 28, 12, 59, 43, 27, 11, 58, 42, 26, 10, 57, 41,
		25, 9, 56, 40, 24, 8, 55, 39, 23, 7, 54, 38, 22, 6, 53, 37, 21, 5, 52, 36, 20, 4, 51, 35, 19, 3, 50, 34,
		18, 2, 49, 33, 17, 1, 48, 32, 16, 0);
	const __mmask16 lanes = first_lanes(n);
	reg v = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(lanes, a));

	v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(lanes, b), 1);
	v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(lanes, c), 2);
	v = _mm512_inserti32x4(v, _mm_maskz_loadu_epi8(lanes, d), 3);
	v = _mm512_permutexvar_epi8(order, v);
	_mm512_storeu_si512(to, raise ? _mm512_xor_si512(v, _mm512_set1_epi8(-128)) : v);
}

OFA_INLINE struct quads load_column(const int8_t *p)
{
	const struct quads q = {_mm512_loadu_si512(p)};

	return q;
}

/* sum += w x, lane by lane; x has been raised. */
OFA_INLINE void dot_column(struct sums *sum, const struct quads *w, const int8_t *x)
{
	sum->a = _mm512_dpbusd_epi32(sum->a, _mm512_loadu_si512(x), w->a);
}

/* What that is too much in each lane. */
OFA_INLINE vec excess(vec so_far, const struct quads *w)
{
	return (vec)_mm512_dpbusd_epi32((reg)so_far, _mm512_set1_epi8(-128), w->a);
}

OFA_INLINE vec column_total(const struct sums *sum)
{
	return (vec)sum->a;
}

/* Sum of n bytes. */
OFA_INLINE int32_t sum_bytes(const int8_t *x, size_t n)
{
	reg sum = _mm512_setzero_si512();
	size_t i;

	for (i = 0; i < n; i += 64) {
		const __mmask64 some = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;

		sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), _mm512_maskz_loadu_epi8(some, x + i));
	}
	return _mm512_reduce_add_epi32(sum);
}

#else /* 256 bits */

/* n bytes, or LANES if that is less; the others are 0. */
OFA_INLINE __m128i load_lanes(const int8_t *p, uint32_t n)
{
	int8_t part[LANES] = {0};

	if (n >= LANES)
		return _mm_loadl_epi64((const __m128i *)(const void *)p);
	memcpy(part, p, n);
	return _mm_loadl_epi64((const __m128i *)(const void *)part);
}

#if defined(OFA_INT8_VNNI)

OFA_INLINE struct quads load_quads(const int8_t *w, size_t next)
{
	const struct quads q = {
		_mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)w), _mm256_set1_epi8(-128))};

	(void)next;
	return q;
}

OFA_INLINE void dot(struct sums *sum, const struct quads *w, const int8_t *x)
{
	int32_t quad;

	memcpy(&quad, x, sizeof(quad));
	sum->a = _mm256_dpbusd_avx_epi32(sum->a, w->a, _mm256_set1_epi32(quad));
}

OFA_INLINE vec total(const struct sums *sum)
{
	return (vec)sum->a;
}

OFA_INLINE void store_column(int8_t *to, const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, uint32_t n,
			     const int raise)
{
	const __m128i ab = _mm_unpacklo_epi8(load_lanes(a, n), load_lanes(b, n));
	const __m128i cd = _mm_unpacklo_epi8(load_lanes(c, n), load_lanes(d, n));

	const reg v = _mm256_set_m128i(_mm_unpackhi_epi16(ab, cd), _mm_unpacklo_epi16(ab, cd));

	_mm256_storeu_si256((__m256i *)(void *)to, raise ? _mm256_xor_si256(v, _mm256_set1_epi8(-128)) : v);
}

OFA_INLINE struct quads load_column(const int8_t *p)
{
	const struct quads q = {_mm256_loadu_si256((const __m256i *)(const void *)p)};

	return q;
}

OFA_INLINE void dot_column(struct sums *sum, const struct quads *w, const int8_t *x)
{
	sum->a = _mm256_dpbusd_avx_epi32(sum->a, _mm256_loadu_si256((const __m256i *)(const void *)x), w->a);
}

OFA_INLINE vec excess(vec so_far, const struct quads *w)
{
	return (vec)_mm256_dpbusd_avx_epi32((reg)so_far, _mm256_set1_epi8(-128), w->a);
}

OFA_INLINE vec column_total(const struct sums *sum)
{
	return (vec)sum->a;
}

OFA_INLINE int32_t sum_bytes(const int8_t *x, size_t n)
{
	const reg ones = _mm256_set1_epi8(1);
	reg sum = _mm256_setzero_si256();
	int32_t lanes[LANES], all = 0;
	size_t i;

	for (i = 0; i + 32 <= n; i += 32)
		sum = _mm256_dpbusd_avx_epi32(sum, ones, _mm256_loadu_si256((const __m256i *)(const void *)(x + i)));
	for (; i < n; i++)
		all += x[i];
	_mm256_storeu_si256((__m256i *)(void *)lanes, sum);
	for (i = 0; i < LANES; i++)
		all += lanes[i];
	return all;
}

#else /* 16-bit products, added in pairs */

OFA_INLINE struct quads load_quads(const int8_t *w, size_t next)
{
	const struct quads q = {
		_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)w)),
		_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(w + 16)))};

	(void)next;
	return q;
}

OFA_INLINE void dot(struct sums *sum, const struct quads *w, const int8_t *x)
{
	int32_t quad;
	reg v;

	memcpy(&quad, x, sizeof(quad));
	v = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(quad)));
	sum->a = _mm256_add_epi32(sum->a, _mm256_madd_epi16(w->a, v));
	sum->b = _mm256_add_epi32(sum->b, _mm256_madd_epi16(w->b, v));
}

OFA_INLINE vec total(const struct sums *sum)
{
	return (vec)_mm256_permute4x64_epi64(_mm256_hadd_epi32(sum->a, sum->b), 0xd8);
}

/* 16 bits each. */
OFA_INLINE void store_column(int8_t *to, const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, uint32_t n,
			     const int raise)
{
	const __m128i v = _mm_cvtepi8_epi16(load_lanes(a, n)), w = _mm_cvtepi8_epi16(load_lanes(b, n));

	(void)c;
	(void)d;
	(void)raise;
	_mm256_storeu_si256((__m256i *)(void *)to,
			    _mm256_set_m128i(_mm_unpackhi_epi16(v, w), _mm_unpacklo_epi16(v, w)));
}

OFA_INLINE struct quads load_column(const int8_t *p)
{
	const reg v = _mm256_loadu_si256((const __m256i *)(const void *)p);
	const struct quads q = {v, v};

	return q;
}

OFA_INLINE void dot_column(struct sums *sum, const struct quads *w, const int8_t *x)
{
	sum->a = _mm256_add_epi32(
		sum->a, _mm256_madd_epi16(w->a, _mm256_loadu_si256((const __m256i *)(const void *)x)));
}

OFA_INLINE vec excess(vec so_far, const struct quads *w)
{
	(void)w;
	return so_far;
}

OFA_INLINE vec column_total(const struct sums *sum)
{
	return (vec)sum->a;
}

OFA_INLINE int32_t sum_bytes(const int8_t *x, size_t n)
{
	(void)x;
	(void)n;
	return 0;
}

#endif

OFA_INLINE vec high_half(vec x, vec m)
{
	const reg half = _mm256_set1_epi64x(1 << 30);
	const reg even = _mm256_add_epi64(_mm256_mul_epi32((reg)x, (reg)m), half);
	const reg odd = _mm256_add_epi64(
		_mm256_mul_epi32(_mm256_srli_epi64((reg)x, 32), _mm256_srli_epi64((reg)m, 32)), half);

	return (vec)_mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
}

OFA_INLINE vec clamp(vec x, vec low, vec high)
{
	return (vec)_mm256_min_epi32(_mm256_max_epi32((reg)x, (reg)low), (reg)high);
}

OFA_INLINE vec load_some(const int8_t *p, uint32_t n)
{
	return (vec)_mm256_cvtepi8_epi32(load_lanes(p, n));
}

OFA_INLINE void store_some(int8_t *p, vec v, uint32_t n)
{
	const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128((reg)v), _mm256_extracti128_si256((reg)v, 1));
	const __m128i bytes = _mm_packs_epi16(words, words);

	if (n >= LANES) {
		_mm_storel_epi64((__m128i *)(void *)p, bytes);
	} else {
		int8_t part[16];

		_mm_storeu_si128((__m128i *)(void *)part, bytes);
		memcpy(p, part, n);
	}
}

/* Sixteenths of the table one after the other: what is not in one gets an index past 127, for which a shuffle
 * yields 0. */
OFA_INLINE void look_up(const int8_t *table, int8_t *y, size_t n)
{
	size_t i;
	int part;

	for (i = 0; i + 32 <= n; i += 32) {
		const reg raised = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)(y + i)),
						    _mm256_set1_epi8(-128));
		reg v = _mm256_setzero_si256();

		for (part = 0; part < 16; part++) {
			const reg at = _mm256_adds_epu8(_mm256_xor_si256(raised, _mm256_set1_epi8((char)(part << 4))),
							_mm256_set1_epi8(0x70));

			v = _mm256_or_si256(
				v, _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(
							       (const __m128i *)(const void *)(table + 16 * part))),
						       at));
		}
		_mm256_storeu_si256((__m256i *)(void *)(y + i), v);
	}
	for (; i < n; i++)
		y[i] = table[y[i] + 128];
}

#endif

#endif
