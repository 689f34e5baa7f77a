/* Kernel bodies for one block of VN channels; kernels.c includes this once per width it needs.
 * No include guard on purpose. */
#define KN_(name, n) name##_##n
#define KN2(name, n) KN_(name, n)
#define KN(name) KN2(name, VN)
#define V KN(vf)
#define VI KN(vi)

typedef float V __attribute__((vector_size(4 * VN), aligned(4), may_alias));
typedef int32_t VI __attribute__((vector_size(4 * VN), aligned(4), may_alias));

static INLINE V KN(ld)(const float *p)
{
	return *(const V *)p;
}

static INLINE void KN(st)(float *p, V v)
{
	*(V *)p = v;
}

static INLINE V KN(splat)(float f)
{
	return f - (V){0}; /* not a sum: 0 + -0 is not -0, so that one would be computed */
}

static INLINE V KN(pick)(VI mask, V a, V b)
{
	return (V)(((VI)a & mask) | ((VI)b & ~mask));
}

static INLINE V KN(max0)(V a)
{
	return (V)((VI)a & (VI)(a > KN(splat)(0.0f)));
}

static INLINE V KN(clip6)(V a)
{
	V six = KN(splat)(6.0f);

	a = KN(max0)(a);
	return KN(pick)((VI)(a > six), six, a);
}

static INLINE V KN(act)(V b, enum ofa_act act)
{
	switch (act) {
	case OFA_ACT_RELU:
		return KN(max0)(b);
	case OFA_ACT_RELU6:
		return KN(clip6)(b);
	case OFA_ACT_HSWISH:
		return b * KN(clip6)(b + 3.0f) * (1.0f / 6.0f);
	case OFA_ACT_HSIGMOID:
		return KN(clip6)(b + 3.0f) * (1.0f / 6.0f);
	default:
		return b;
	}
}

/* d * act'(b) */
static INLINE V KN(act_grad)(V d, V b, enum ofa_act act)
{
	V zero = {0}, three = KN(splat)(3.0f);
	VI inside;

	switch (act) {
	case OFA_ACT_RELU:
		return (V)((VI)d & (VI)(b > zero));
	case OFA_ACT_RELU6:
		return (V)((VI)d & (VI)(b > zero) & (VI)(b < 2.0f * three));
	case OFA_ACT_HSWISH:
		inside = (VI)(b > -three) & (VI)(b < three);
		return KN(pick)(inside, d * (b * (1.0f / 3.0f) + 0.5f), (V)((VI)d & (VI)(b >= three)));
	case OFA_ACT_HSIGMOID:
		inside = (VI)(b > -three) & (VI)(b < three);
		return (V)((VI)(d * (1.0f / 6.0f)) & inside);
	default:
		return d;
	}
}

/* What follows works on R neighbouring pixels of one vector's channels; R is a constant at every call. */

static INLINE void KN(bn_act)(const float *x, const float *res, size_t c, const float *scale, const float *shift,
                              enum ofa_act act, float *y, const int R)
{
	V s = KN(ld)(scale), b = KN(ld)(shift);

#pragma GCC unroll 4
	for (int r = 0; r < R; r++) {
		V v = KN(ld)(x + (size_t)r * c) * s + b;

		if (res)
			v += KN(ld)(res + (size_t)r * c);
		KN(st)(y + (size_t)r * c, KN(act)(v, act));
	}
}

static INLINE void KN(to_planes)(const float *x, const float *scale, const float *shift, enum ofa_act act, float *y)
{
	V v = KN(ld)(x);

	if (scale)
		v = v * KN(ld)(scale) + KN(ld)(shift);
	KN(st)(y, KN(act)(v, act));
}

static INLINE void KN(moments)(const float *x, size_t c, const float *origin, float *sum, float *square, const int R)
{
	V o = KN(ld)(origin), s = {0}, q = {0};

#pragma GCC unroll 4
	for (int r = 0; r < R; r++) {
		V v = KN(ld)(x + (size_t)r * c) - o;

		s += v;
		q += v * v;
	}
	KN(st)(sum, KN(ld)(sum) + s);
	KN(st)(square, KN(ld)(square) + q);
}

static INLINE void KN(column_sum)(const float *x, size_t c, float *sum, const int R)
{
	V s = {0};

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		s += KN(ld)(x + (size_t)r * c);
	KN(st)(sum, KN(ld)(sum) + s);
}

static INLINE void KN(scale_columns)(float *x, size_t c, const float *s, const int R)
{
	V v = KN(ld)(s);

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		KN(st)(x + (size_t)r * c, KN(ld)(x + (size_t)r * c) * v);
}

static INLINE void KN(scale_add_columns)(float *d, size_t c, const float *s, const float *add, const int R)
{
	V v = KN(ld)(s), a = KN(ld)(add);

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		KN(st)(d + (size_t)r * c, KN(ld)(d + (size_t)r * c) * v + a);
}

static INLINE void KN(bias_act)(float *x, size_t c, const float *bias, enum ofa_act act, const int R)
{
	V b = bias ? KN(ld)(bias) : (V){0};

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		KN(st)(x + (size_t)r * c, KN(act)(KN(ld)(x + (size_t)r * c) + b, act));
}

static INLINE void KN(dot_columns)(const float *a, const float *b, size_t c, float *out, const int R)
{
	V s = {0};

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		s += KN(ld)(a + (size_t)r * c) * KN(ld)(b + (size_t)r * c);
	KN(st)(out, KN(ld)(out) + s);
}

static INLINE void KN(act_backward)(const float *d, const float *res, const float *z, size_t c, const float *scale,
                                    const float *shift, const float *mean, enum ofa_act act, float *g, float *sum,
                                    float *dot, const int R)
{
	V s = KN(ld)(scale), b = KN(ld)(shift), m = KN(ld)(mean), total = {0}, product = {0};

#pragma GCC unroll 4
	for (int r = 0; r < R; r++) {
		V zr = KN(ld)(z + (size_t)r * c), dr = KN(ld)(d + (size_t)r * c);

		if (res)
			dr += KN(ld)(res + (size_t)r * c);
		dr = KN(act_grad)(dr, zr * s + b, act);
		KN(st)(g + (size_t)r * c, dr);
		total += dr;
		product += dr * (zr - m);
	}
	KN(st)(sum, KN(ld)(sum) + total);
	KN(st)(dot, KN(ld)(dot) + product);
}

static INLINE void KN(bn_backward)(const float *g, const float *z, size_t c, const float *a, const float *b,
                                   const float *k, float *dz, const int R)
{
	V va = KN(ld)(a), vb = KN(ld)(b), vk = KN(ld)(k);

#pragma GCC unroll 4
	for (int r = 0; r < R; r++)
		KN(st)(dz + (size_t)r * c, KN(ld)(g + (size_t)r * c) * va + KN(ld)(z + (size_t)r * c) * vb + vk);
}

static void KN(sum_rows)(const float *const *rows, int n, int at, enum ofa_act act, float *y)
{
	V s0 = KN(ld)(rows[0] + at), s1 = {0};
	int i = 1;

	for (; i + 2 <= n; i += 2) {
		s0 += KN(ld)(rows[i] + at);
		s1 += KN(ld)(rows[i + 1] + at);
	}
	if (i < n)
		s0 += KN(ld)(rows[i] + at);
	KN(st)(y + at, KN(act)(s0 + s1, act));
}

static void KN(max_rows)(const float *const *rows, int n, int at, float *y)
{
	V most = KN(ld)(rows[0] + at);

	for (int i = 1; i < n; i++) {
		V v = KN(ld)(rows[i] + at);

		most = KN(pick)((VI)(v > most), v, most);
	}
	KN(st)(y + at, most);
}

static INLINE void KN(take_better)(const float *from, float gain, int32_t index, float *best, int32_t *choice)
{
	V value = KN(ld)(from) + gain, old = KN(ld)(best);
	VI better = (VI)(value > old), was = *(const VI *)choice;

	KN(st)(best, KN(pick)(better, value, old));
	*(VI *)choice = (((VI){0} + index) & better) | (was & ~better);
}

/* All of a tile's sums; n is a constant at every call. */
static INLINE void KN(act_all)(V *v, const int n, enum ofa_act act)
{
#define ALL(A)                                                                                                         \
	case A:                                                                                                        \
		_Pragma("GCC unroll 28") for (int i = 0; i < n; i++) v[i] = KN(act)(v[i], A);                          \
		break
	switch (act) {
		ALL(OFA_ACT_RELU);
		ALL(OFA_ACT_RELU6);
		ALL(OFA_ACT_HSWISH);
		ALL(OFA_ACT_HSIGMOID);
	default:
		break;
	}
#undef ALL
}

#if VN >= 4
#include "ops/conv_vec.h"
#endif
#include "ops/depthwise_vec.h"
#if VN == 8
#include "ops/panels_vec.h"
#endif
#if VN == OFA_VL
#include "ops/dense_vec.h"
#endif

#undef V
#undef VI
#undef KN
#undef KN2
#undef KN_
