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

static INLINE void KN(bn_act_body)(const float *x, const float *res, int rows, size_t c, V scale, V shift,
                                   enum ofa_act act, float *y)
{
	for (int i = 0; i < rows; i++, x += c, y += c) {
		V v = KN(ld)(x) * scale + shift;

		if (res) {
			v += KN(ld)(res);
			res += c;
		}
		KN(st)(y, KN(act)(v, act));
	}
}

static void KN(bn_act)(const float *x, const float *res, int rows, int c, const float *scale, const float *shift,
                       enum ofa_act act, float *y)
{
	V s = KN(ld)(scale), b = KN(ld)(shift);

	if (res)
		KN(bn_act_body)(x, res, rows, c, s, b, act, y);
	else if (act == OFA_ACT_RELU)
		KN(bn_act_body)(x, NULL, rows, c, s, b, OFA_ACT_RELU, y);
	else if (act == OFA_ACT_HSWISH)
		KN(bn_act_body)(x, NULL, rows, c, s, b, OFA_ACT_HSWISH, y);
	else if (act == OFA_ACT_NONE)
		KN(bn_act_body)(x, NULL, rows, c, s, b, OFA_ACT_NONE, y);
	else
		KN(bn_act_body)(x, NULL, rows, c, s, b, act, y);
}

static INLINE void KN(to_planes_body)(const float *x, int w, size_t c, V scale, V shift, enum ofa_act act, float *y)
{
	for (int j = 0; j < w; j++, x += c)
		KN(st)(y + (size_t)j * VN, KN(act)(KN(ld)(x) * scale + shift, act));
}

/* One row of w pixels. */
static void KN(to_planes)(const float *x, int w, int c, const float *scale, const float *shift, enum ofa_act act,
                          float *y)
{
	V one = KN(splat)(1.0f), zero = {0}, s = scale ? KN(ld)(scale) : one, b = scale ? KN(ld)(shift) : zero;

	if (act == OFA_ACT_RELU)
		KN(to_planes_body)(x, w, c, s, b, OFA_ACT_RELU, y);
	else if (act == OFA_ACT_HSWISH)
		KN(to_planes_body)(x, w, c, s, b, OFA_ACT_HSWISH, y);
	else
		KN(to_planes_body)(x, w, c, s, b, act, y);
}

/* Reductions keep four partial sums: one would wait for the adder on every row. */
static void KN(moments)(const float *x, int rows, int c, const float *origin, float *sum, float *square)
{
	V o = KN(ld)(origin), s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, q0 = {0}, q1 = {0}, q2 = {0}, q3 = {0};
	int i = 0;

	for (; i + 4 <= rows; i += 4, x += 4 * (size_t)c) {
		V a = KN(ld)(x) - o, b = KN(ld)(x + c) - o;
		V d = KN(ld)(x + 2 * (size_t)c) - o, e = KN(ld)(x + 3 * (size_t)c) - o;

		s0 += a;
		s1 += b;
		s2 += d;
		s3 += e;
		q0 += a * a;
		q1 += b * b;
		q2 += d * d;
		q3 += e * e;
	}
	for (; i < rows; i++, x += c) {
		V a = KN(ld)(x) - o;

		s0 += a;
		q0 += a * a;
	}
	KN(st)(sum, KN(ld)(sum) + ((s0 + s1) + (s2 + s3)));
	KN(st)(square, KN(ld)(square) + ((q0 + q1) + (q2 + q3)));
}

static void KN(column_sum)(const float *x, int rows, int c, float *sum)
{
	V s0 = {0}, s1 = {0};
	int i = 0;

	for (; i + 2 <= rows; i += 2, x += 2 * (size_t)c) {
		s0 += KN(ld)(x);
		s1 += KN(ld)(x + c);
	}
	if (i < rows)
		s0 += KN(ld)(x);
	KN(st)(sum, KN(ld)(sum) + (s0 + s1));
}

static void KN(scale_columns)(float *x, int rows, int c, const float *s)
{
	V v = KN(ld)(s);

	for (int i = 0; i < rows; i++, x += c)
		KN(st)(x, KN(ld)(x) * v);
}

static void KN(scale_add_columns)(float *d, int rows, int c, const float *s, const float *add)
{
	V v = KN(ld)(s), a = KN(ld)(add);

	for (int i = 0; i < rows; i++, d += c)
		KN(st)(d, KN(ld)(d) * v + a);
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

static void KN(bias_act)(float *x, int rows, int c, const float *bias, enum ofa_act act)
{
	V b = bias ? KN(ld)(bias) : (V){0};

	for (int i = 0; i < rows; i++, x += c)
		KN(st)(x, KN(act)(KN(ld)(x) + b, act));
}

static INLINE void KN(take_better)(const float *from, float gain, int32_t index, float *best, int32_t *choice)
{
	V value = KN(ld)(from) + gain, old = KN(ld)(best);
	VI better = (VI)(value > old), was = *(const VI *)choice;

	KN(st)(best, KN(pick)(better, value, old));
	*(VI *)choice = (((VI){0} + index) & better) | (was & ~better);
}

static void KN(dot_columns)(const float *a, const float *b, int rows, int c, float *out)
{
	V s0 = {0}, s1 = {0};
	int i = 0;

	for (; i + 2 <= rows; i += 2, a += 2 * (size_t)c, b += 2 * (size_t)c) {
		s0 += KN(ld)(a) * KN(ld)(b);
		s1 += KN(ld)(a + c) * KN(ld)(b + c);
	}
	if (i < rows)
		s0 += KN(ld)(a) * KN(ld)(b);
	KN(st)(out, KN(ld)(out) + (s0 + s1));
}

static INLINE void KN(act_backward_body)(const float *d, const float *res, const float *z, int rows, size_t c, V scale,
                                         V shift, V mean, enum ofa_act act, float *g, float *sum, float *dot)
{
	V s0 = {0}, s1 = {0}, t0 = {0}, t1 = {0};
	int i;

	for (i = 0; i + 2 <= rows; i += 2) {
		V za = KN(ld)(z), zb = KN(ld)(z + c), da = KN(ld)(d), db = KN(ld)(d + c);

		if (res) {
			da += KN(ld)(res);
			db += KN(ld)(res + c);
			res += 2 * c;
		}
		da = KN(act_grad)(da, za * scale + shift, act);
		db = KN(act_grad)(db, zb * scale + shift, act);
		KN(st)(g, da);
		KN(st)(g + c, db);
		s0 += da;
		s1 += db;
		t0 += da * (za - mean);
		t1 += db * (zb - mean);
		d += 2 * c;
		z += 2 * c;
		g += 2 * c;
	}
	if (i < rows) {
		V za = KN(ld)(z), da = KN(ld)(d);

		if (res)
			da += KN(ld)(res);
		da = KN(act_grad)(da, za * scale + shift, act);
		KN(st)(g, da);
		s0 += da;
		t0 += da * (za - mean);
	}
	KN(st)(sum, KN(ld)(sum) + (s0 + s1));
	KN(st)(dot, KN(ld)(dot) + (t0 + t1));
}

static void KN(act_backward)(const float *d, const float *res, const float *z, int rows, int c, const float *scale,
                             const float *shift, const float *mean, enum ofa_act act, float *g, float *sum, float *dot)
{
	V s = KN(ld)(scale), b = KN(ld)(shift), m = KN(ld)(mean);

	if (res)
		KN(act_backward_body)(d, res, z, rows, c, s, b, m, act, g, sum, dot);
	else if (act == OFA_ACT_RELU)
		KN(act_backward_body)(d, NULL, z, rows, c, s, b, m, OFA_ACT_RELU, g, sum, dot);
	else if (act == OFA_ACT_HSWISH)
		KN(act_backward_body)(d, NULL, z, rows, c, s, b, m, OFA_ACT_HSWISH, g, sum, dot);
	else if (act == OFA_ACT_NONE)
		KN(act_backward_body)(d, NULL, z, rows, c, s, b, m, OFA_ACT_NONE, g, sum, dot);
	else
		KN(act_backward_body)(d, NULL, z, rows, c, s, b, m, act, g, sum, dot);
}

/* dz is written with step floats between pixels. */
static INLINE void KN(bn_backward)(const float *g, const float *z, int rows, int c, const float *a, const float *b,
                                   const float *k, float *dz, size_t step)
{
	V va = KN(ld)(a), vb = KN(ld)(b), vk = KN(ld)(k);

	for (int i = 0; i < rows; i++, g += c, z += c, dz += step)
		KN(st)(dz, KN(ld)(g) * va + KN(ld)(z) * vb + vk);
}

#include "ops/depthwise_vec.h"
#if VN == OFA_VL
#include "ops/dense_vec.h"
#endif

#undef V
#undef VI
#undef KN
#undef KN2
#undef KN_
