/* What the int8 kernels of int8_vec.h are made of, by WebAssembly's vectors of 128 bits: two of them make the eight
 * lanes of a panel.  Products are of 16 bits and added in pairs. */
#ifndef OFA_DEVICE_INT8_WASM_VEC_H
#define OFA_DEVICE_INT8_WASM_VEC_H

#include <wasm_simd128.h>
#include "vec.h"

/* As in int8_x86_vec.h. */
#define LANES 8
#define MOST_PIXELS 4
#define VECS(pixels) ((pixels) < 2 ? 2 : 1)
#define MOST_VECS 2
#define RAISED 0
#define COLUMN_ROWS 2

typedef int32_t vec __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4), may_alias));

/* Of a dense layer, each for two outputs; of a depthwise one, the first two for four channels each. */
struct sums {
	v128_t a[4];
};
struct quads {
	v128_t a[4];
};
struct halves {
	v128_t low, high;
};

OFA_INLINE struct halves halves_of(vec v)
{
	struct halves h;

	memcpy(&h, &v, sizeof(h));
	return h;
}

OFA_INLINE vec join_halves(v128_t low, v128_t high)
{
	const struct halves h = {low, high};
	vec v;

	memcpy(&v, &h, sizeof(v));
	return v;
}

OFA_INLINE struct quads load_quads(const int8_t *w, size_t next)
{
	const struct quads q = {{wasm_i16x8_load8x8(w), wasm_i16x8_load8x8(w + 8), wasm_i16x8_load8x8(w + 16),
				 wasm_i16x8_load8x8(w + 24)}};

	(void)next;
	return q;
}

OFA_INLINE void dot(struct sums *sum, const struct quads *w, const int8_t *x)
{
	const v128_t quad = wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(x));
	uint32_t i;

	OFA_UNROLL
	for (i = 0; i < 4; i++)
		sum->a[i] = wasm_i32x4_add(sum->a[i], wasm_i32x4_dot_i16x8(w->a[i], quad));
}

OFA_INLINE v128_t add_pairs(v128_t a, v128_t b)
{
	return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}

OFA_INLINE vec total(const struct sums *sum)
{
	return join_halves(add_pairs(sum->a[0], sum->a[1]), add_pairs(sum->a[2], sum->a[3]));
}

/* n bytes, or LANES if that is less, as 16 bits each; the others are 0. */
OFA_INLINE v128_t load_lanes(const int8_t *p, uint32_t n)
{
	int8_t part[LANES] = {0};

	if (n >= LANES)
		return wasm_i16x8_load8x8(p);
	memcpy(part, p, n);
	return wasm_i16x8_load8x8(part);
}

OFA_INLINE void store_column(int8_t *to, const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, uint32_t n,
			     const int raise)
{
	const v128_t v = load_lanes(a, n), w = load_lanes(b, n);

	(void)c;
	(void)d;
	(void)raise;
	wasm_v128_store(to, wasm_i16x8_shuffle(v, w, 0, 8, 1, 9, 2, 10, 3, 11));
	wasm_v128_store(to + 16, wasm_i16x8_shuffle(v, w, 4, 12, 5, 13, 6, 14, 7, 15));
}

OFA_INLINE struct quads load_column(const int8_t *p)
{
	const v128_t none = wasm_i32x4_const_splat(0);
	const struct quads q = {{wasm_v128_load(p), wasm_v128_load(p + 16), none, none}};

	return q;
}

OFA_INLINE void dot_column(struct sums *sum, const struct quads *w, const int8_t *x)
{
	sum->a[0] = wasm_i32x4_add(sum->a[0], wasm_i32x4_dot_i16x8(w->a[0], wasm_v128_load(x)));
	sum->a[1] = wasm_i32x4_add(sum->a[1], wasm_i32x4_dot_i16x8(w->a[1], wasm_v128_load(x + 16)));
}

OFA_INLINE vec excess(vec so_far, const struct quads *w)
{
	(void)w;
	return so_far;
}

OFA_INLINE vec column_total(const struct sums *sum)
{
	return join_halves(sum->a[0], sum->a[1]);
}

OFA_INLINE int32_t sum_bytes(const int8_t *x, size_t n)
{
	(void)x;
	(void)n;
	return 0;
}

/* Lanes cannot be shifted by different numbers; they are multiplied by powers of two.  2^n, n in [0, 31]: made as a
 * float of that exponent. */
OFA_INLINE v128_t power(v128_t n)
{
	return wasm_u32x4_trunc_sat_f32x4(wasm_i32x4_shl(wasm_i32x4_add(n, wasm_i32x4_const_splat(127)), 23));
}

OFA_INLINE vec left_shift(vec n)
{
	const struct halves h = halves_of(n);

	return join_halves(power(h.low), power(h.high));
}

OFA_INLINE vec shift_left(vec x, vec by)
{
	const struct halves a = halves_of(x), b = halves_of(by);

	return join_halves(wasm_i32x4_mul(a.low, b.low), wasm_i32x4_mul(a.high, b.high));
}

/* Bits [31, 63) of the products, and of what is added to them. */
OFA_INLINE v128_t upper_bits(v128_t x, v128_t y, v128_t added)
{
	const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(x, y), added);
	const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(x, y), added);

	return wasm_i32x4_shuffle(wasm_u64x2_shr(low, 31), wasm_u64x2_shr(high, 31), 0, 2, 4, 6);
}

OFA_INLINE vec high_half(vec x, vec m)
{
	const struct halves a = halves_of(x), b = halves_of(m);
	const v128_t half = wasm_i64x2_const_splat(1 << 30);

	return join_halves(upper_bits(a.low, b.low, half), upper_bits(a.high, b.high, half));
}

/* 2^(31 - n); that of 0 is negative. */
OFA_INLINE vec right_shift(vec n)
{
	return left_shift(31 - n);
}

OFA_INLINE vec low_bits(vec n)
{
	return left_shift(n) - 1;
}

OFA_INLINE v128_t shift_half_right(v128_t x, v128_t by)
{
	const v128_t none = wasm_i32x4_const_splat(0);

	return wasm_v128_bitselect(x, upper_bits(x, by, none), wasm_i32x4_lt(by, none));
}

OFA_INLINE vec shift_right(vec x, vec by)
{
	const struct halves a = halves_of(x), b = halves_of(by);

	return join_halves(shift_half_right(a.low, b.low), shift_half_right(a.high, b.high));
}

OFA_INLINE v128_t clamp_half(v128_t x, v128_t low, v128_t high)
{
	return wasm_i32x4_min(wasm_i32x4_max(x, low), high);
}

OFA_INLINE vec clamp(vec x, vec low, vec high)
{
	const struct halves v = halves_of(x), l = halves_of(low), h = halves_of(high);

	return join_halves(clamp_half(v.low, l.low, h.low), clamp_half(v.high, l.high, h.high));
}

OFA_INLINE vec load_some(const int8_t *p, uint32_t n)
{
	const v128_t v = load_lanes(p, n);

	return join_halves(wasm_i32x4_extend_low_i16x8(v), wasm_i32x4_extend_high_i16x8(v));
}

OFA_INLINE void store_some(int8_t *p, vec v, uint32_t n)
{
	const struct halves h = halves_of(v);
	const v128_t words = wasm_i16x8_narrow_i32x4(h.low, h.high), bytes = wasm_i8x16_narrow_i16x8(words, words);
	int8_t part[16];

	if (n >= LANES) {
		wasm_v128_store64_lane(p, bytes, 0);
		return;
	}
	wasm_v128_store(part, bytes);
	memcpy(p, part, n);
}

OFA_INLINE void look_up(const int8_t *table, int8_t *y, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		y[i] = table[y[i] + 128];
}

#endif
