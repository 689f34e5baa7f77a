/* Arithmetic of the int8 kernels by lanes: what a sum of products becomes.  Part of the template int8_vec.h. */
#ifndef OFA_DEVICE_INT8_LANES_VEC_H
#define OFA_DEVICE_INT8_LANES_VEC_H

#include "kernels_int8.h"

OFA_INLINE vec load_words(const int32_t *p)
{
	return *(const vec *)p;
}

OFA_INLINE vec all_lanes(int32_t x)
{
	const vec zero = {0};

	return x + zero;
}

/* Sums and differences that wrap around. */
typedef uint32_t wrapping __attribute__((vector_size(LANES * sizeof(uint32_t))));

OFA_INLINE vec plus(vec a, vec b)
{
	return (vec)((wrapping)a + (wrapping)b);
}

OFA_INLINE vec minus(vec a, vec b)
{
	return (vec)((wrapping)a - (wrapping)b);
}

/* ofa_device_rescale() by lanes; left and right: as shift_left() and shift_right() take them. */
struct rescaling {
	vec m, left, right, mask, half;
};

OFA_INLINE struct rescaling rescaling_of(vec m, vec s)
{
	const vec zero = {0}, right = -s & (vec)(s < zero);
	struct rescaling r;

	r.m = m;
	r.left = left_shift(s & (vec)(s > zero));
	r.right = right_shift(right);
	r.mask = low_bits(right);
	r.half = r.mask >> 1;
	return r;
}

OFA_INLINE struct rescaling rescaling_for_all(struct ofa_device_rescale r)
{
	return rescaling_of(all_lanes(r.multiplier), all_lanes(r.shift));
}

OFA_INLINE vec rescale(vec x, const struct rescaling *r)
{
	const vec high = high_half(shift_left(x, r->left), r->m);
	const vec least = r->half - (high >> 31);

	return shift_right(high, r->right) - (vec)((high & r->mask) > least);
}

/* What a rescaled number gets added, and what it is held in. */
struct bounds {
	vec zero, low, high;
};

OFA_INLINE struct bounds bounds_of(int32_t zero, int32_t low, int32_t high)
{
	const struct bounds b = {all_lanes(zero), all_lanes(low), all_lanes(high)};

	return b;
}

OFA_INLINE vec hold(vec x, const struct bounds *b)
{
	return clamp(plus(x, b->zero), b->low, b->high);
}

/* ofa_device_add() by lanes. */
struct addition {
	struct rescaling first, second, result;
	struct bounds bounds;
	vec zero, added_zero;
};

OFA_INLINE void addition_of(const struct ofa_device_int8_args *a, struct addition *ret)
{
	ret->first = rescaling_for_all(a->first);
	ret->second = rescaling_for_all(a->second);
	ret->result = rescaling_for_all(a->result);
	ret->bounds = bounds_of(a->out_zero, a->low, a->high);
	ret->zero = all_lanes(a->zero);
	ret->added_zero = all_lanes(a->added_zero);
}

OFA_INLINE vec add_lanes(const struct addition *add, vec x, vec added)
{
	const vec first = rescale((x - add->zero) * (1 << 20), &add->first);
	const vec second = rescale((added - add->added_zero) * (1 << 20), &add->second);

	return hold(rescale(plus(first, second), &add->result), &add->bounds);
}

/* The sums of LANES outputs from `o` on, of some pixels. */
struct lane {
	const int32_t *sums;  /* of the first pixel */
	size_t next;          /* from one pixel's sums to the next's */
	const int32_t *taken; /* what each pixel's sums are too large by, or NULL */
	vec bias;
	uint32_t o, pixels;
};

OFA_INLINE vec lane_sum(const struct lane *l, uint32_t p)
{
	const vec sum = plus(load_words(l->sums + p * l->next), l->bias);

	if (l->taken != NULL)
		return minus(sum, all_lanes(l->taken[p]));
	return sum;
}

/* Adds, rescales, clamps and stores them: all but the table. */
static void finish(const struct ofa_device_int8_args *a, const struct lane *lane, const int8_t *added, int8_t *y)
{
	/* copies: a store of int8 could change what pointers lead to */
	const struct lane l = *lane;
	const struct rescaling r = rescaling_of(load_words(a->m + l.o), load_words(a->s + l.o));
	const struct bounds bounds =
		added != NULL ? bounds_of(a->zero, -128, 127) : bounds_of(a->zero, a->low, a->high);
	const uint32_t c_out = a->c_out, n = c_out - l.o < LANES ? c_out - l.o : LANES;
	struct addition add;
	uint32_t p;

	y += l.o;
	if (added == NULL) {
		for (p = 0; p < l.pixels; p++, y += c_out)
			store_some(y, hold(rescale(lane_sum(&l, p), &r), &bounds), n);
		return;
	}
	addition_of(a, &add);
	added += l.o;
	for (p = 0; p < l.pixels; p++, y += c_out, added += c_out) {
		const vec q = hold(rescale(lane_sum(&l, p), &r), &bounds);

		store_some(y, add_lanes(&add, q, load_some(added, n)), n);
	}
}

#endif
