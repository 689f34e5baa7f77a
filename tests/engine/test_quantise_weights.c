/* The integer arithmetic of int8 and the weights that are made for it. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "quantise/rescale.h"
#include "quantise/weights.h"
#include "runner.h"

/* doc/pack-format.md in arithmetic that cannot wrap where sound numbers do not. */
static int32_t rescale_by_the_book(int32_t x, int32_t m, int32_t s)
{
	const __int128 product = (__int128)x * ((__int128)1 << (s > 0 ? s : 0)) * m;
	const __int128 nudge = product >= 0 ? (__int128)1 << 30 : 1 - ((__int128)1 << 30);
	const int64_t high = (int64_t)((product + nudge) / ((__int128)1 << 31));
	const long double scaled = ldexpl((long double)high, s < 0 ? s : 0);

	return (int32_t)roundl(scaled); /* away from zero in ties */
}

START_TEST(rescale_is_the_books)
{
	static const int32_t multipliers[] = {0, 1 << 30, (1 << 30) + 1, 1518500250, INT32_MAX - 1, INT32_MAX};
	static const int32_t edges[] = {0, 1, -1, 2, -2, 3, -3, 127, -128, 1 << 20, -(1 << 20), INT32_MAX, INT32_MIN};
	struct ofa_rng rng;

	ofa_rng_init(&rng, 1);
	for (size_t m = 0; m < OFA_ARRAY_LEN(multipliers); m++)
		for (int32_t s = OFA_MIN_SHIFT; s <= OFA_MAX_SHIFT; s++)
			for (int i = 0; i < 200; i++) {
				const int32_t any = (int32_t)ofa_rng_u64(&rng);
				const int32_t fit = any >> (s > 0 ? s : 0); /* the shift to the left stays exact */
				const int32_t x = i < (int)OFA_ARRAY_LEN(edges) && s <= 0 ? edges[i] : fit;

				ck_assert_int_eq(ofa_rescale_apply(x, (struct ofa_rescale){multipliers[m], s}),
						 rescale_by_the_book(x, multipliers[m], s));
			}
}
END_TEST

/* The first rounding takes ties upwards, the second away from zero; worked out by hand. */
START_TEST(rescale_rounds_ties_upwards_then_away_from_zero)
{
	const struct ofa_rescale half = {1 << 30, 0}, quarter = {1 << 30, -1};

	ck_assert_int_eq(ofa_rescale_apply(3, half), 2);    /* 1.5 */
	ck_assert_int_eq(ofa_rescale_apply(-3, half), -1);
	ck_assert_int_eq(ofa_rescale_apply(2, quarter), 1); /* 1 / 2 */
	ck_assert_int_eq(ofa_rescale_apply(-2, quarter), -1); /* -1 / 2 */
	ck_assert_int_eq(ofa_rescale_apply(1, quarter), 1); /* 0.25, but 0.5 is rounded first */
	ck_assert_int_eq(ofa_rescale_apply(5, (struct ofa_rescale){1 << 30, 3}), 20);
	/* a shift to the left wraps */
	ck_assert_int_eq(ofa_rescale_apply(1 << 30, (struct ofa_rescale){1 << 30, 2}), 0);
}
END_TEST

START_TEST(multipliers_are_nearest)
{
	const double factors[] = {1, 0.5, 0.75, 1.0 / 255, 1e-9, 3.999, 1024.3, 0.9999999999, 1e6, 2.5e-10};
	struct ofa_rescale r;

	for (size_t i = 0; i < OFA_ARRAY_LEN(factors); i++) {
		r = ofa_rescale_from(factors[i]);
		ck_assert_int_ge(r.multiplier, 1 << 30);
		ck_assert_double_le(fabs(ofa_rescale_factor(r) / factors[i] - 1), ldexp(1, -31));
	}
	r = ofa_rescale_from(0);
	ck_assert(r.multiplier == 0 && r.shift == 0);
	r = ofa_rescale_from(1e-30);
	ck_assert(r.multiplier == 0 && r.shift == 0);
	r = ofa_rescale_from(1e30);
	ck_assert(r.multiplier == INT32_MAX && r.shift == OFA_MAX_SHIFT);
}
END_TEST

/* doc/pack-format.md: ((o div 8) Q + j) 8 + (o mod 8)) 4 + i. */
START_TEST(quads_lie_as_the_format_says)
{
	/* 3 segments of 5 weights: two quads each, Q = 6 */
	ck_assert_uint_eq(ofa_quad_index(0, 0, 0, 3, 5), 0);
	ck_assert_uint_eq(ofa_quad_index(0, 0, 4, 3, 5), 32);
	ck_assert_uint_eq(ofa_quad_index(3, 0, 1, 3, 5), 13);
	ck_assert_uint_eq(ofa_quad_index(0, 2, 0, 3, 5), 4 * 32);
	ck_assert_uint_eq(ofa_quad_index(10, 1, 4, 3, 5), ((6 + 3) * 8 + 2) * 4);
}
END_TEST

/* Three outputs of two inputs in panels of eight, quantised. */
struct small_matrix {
	float w[2 * 8], bias[3];
	int8_t q[8 * 4];
	int32_t b[3], m[3], s[3];
};

static void quantise_small(struct small_matrix *t, struct ofa_affine in, float out_scale, const float *mean)
{
	static const float inside[] = {1.0f};

	memset(t->q, 0, sizeof(t->q));
	ofa_weights_quantise(
		&(struct ofa_weight_source){
			.w = t->w,
			.bias = t->bias,
			.rows = 3,
			.k = 1,
			.channels = 2,
			.gain = 1.0f,
			.mean = mean,
			.inside = inside,
		},
		in, out_scale, &(struct ofa_weight_target){.w = t->q, .bias = t->b, .multiplier = t->m, .shift = t->s});
}

/* Worked out by hand. */
START_TEST(weights_and_biases_are_as_by_hand)
{
	const struct ofa_affine in = {.scale = 0.5f, .zero = 10};
	const float mean[] = {0, 100};
	/* outputs 0, 1, 2: (1, 0.3), (-0.5, 2), (0, 0) */
	struct small_matrix t = {.w = {1, -0.5f, 0, 0, 0, 0, 0, 0, 0.3f, 2, 0}, .bias = {0.25f, -1, 3}};

	quantise_small(&t, in, 0.25f, NULL);
	ck_assert_int_eq(t.q[0], 127); /* steps of 1 / 127 */
	ck_assert_int_eq(t.q[1], 38);  /* 38.1 */
	ck_assert_int_eq(t.q[4], -32); /* steps of 2 / 127: -31.75 */
	ck_assert_int_eq(t.q[5], 127);
	ck_assert_int_eq(t.q[2] | t.q[3] | t.q[6] | t.q[7] | t.q[8] | t.q[9], 0);
	/* 0.25 / (0.5 / 127) = 63.5, away from zero, less 10 (127 + 38) */
	ck_assert_int_eq(t.b[0], 64 - 1650);
	/* -1 / (0.5 2 / 127) = -127, less 10 (127 - 32) */
	ck_assert_int_eq(t.b[1], -127 - 950);
	ck_assert_double_eq_tol(ofa_rescale_factor((struct ofa_rescale){t.m[0], t.s[0]}), 0.5 / 127 / 0.25, 1e-9);
	/* no weights: the bias alone */
	ck_assert_double_eq_tol(t.b[2] * ofa_rescale_factor((struct ofa_rescale){t.m[2], t.s[2]}), 3 / 0.25, 1e-6);
	/* 0.3 became 38 / 127: at an input of 100 on average the sum lacks 0.0787, or 20 steps of 0.5 / 127 */
	quantise_small(&t, in, 0.25f, mean);
	ck_assert_int_eq(t.b[0], 64 + 20 - 1650);
}
END_TEST

START_TEST(no_sum_leaves_31_bits)
{
	struct small_matrix t = {.w = {1e-6f, 1e6f, 0, 0, 0, 0, 0, 0, 1e-6f, -1e6f}, .bias = {1e9f, 1, -1e30f}};
	const struct ofa_affine in = {.scale = 1e-3f, .zero = -128};

	quantise_small(&t, in, 1.0f, NULL);
	for (int o = 0; o < 3; o++) {
		const int64_t most = 255 * (abs(t.q[o * 4]) + abs(t.q[o * 4 + 1]));
		const int64_t true_bias = t.b[o] + (int64_t)in.zero * (t.q[o * 4] + t.q[o * 4 + 1]);

		ck_assert_int_le(llabs(true_bias) + most, (1 << 30) + 256);
	}
	ck_assert_double_eq_tol(t.b[0] * ofa_rescale_factor((struct ofa_rescale){t.m[0], t.s[0]}), 1e9, 1e3);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {rescale_is_the_books,
				      rescale_rounds_ties_upwards_then_away_from_zero,
				      multipliers_are_nearest,
				      quads_lie_as_the_format_says,
				      weights_and_biases_are_as_by_hand,
				      no_sum_leaves_31_bits};

	return run_tests("quantised weights", tests, OFA_ARRAY_LEN(tests));
}
