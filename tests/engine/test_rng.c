/* Random numbers: reference sequence, range, uniformity, independence of streams. */
#include <math.h>

#include "base/rng.h"
#include "runner.h"

START_TEST(matches_the_published_generator)
{
	/* xoshiro256** from the state {1,2,3,4}; first outputs of the authors' code. */
	static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
	struct ofa_rng r = {{1, 2, 3, 4}};

	for (size_t i = 0; i < OFA_ARRAY_LEN(expected); i++)
		ck_assert_uint_eq(ofa_rng_u64(&r), expected[i]);
}
END_TEST

START_TEST(seeding_matches_splitmix64)
{
	/* First outputs of splitmix64 from the seed 1234567, as published with the algorithm. */
	struct ofa_rng r;

	ofa_rng_init(&r, 1234567);
	ck_assert_uint_eq(r.s[0], 6457827717110365317u);
	ck_assert_uint_eq(r.s[1], 3203168211198807973u);
	ck_assert_uint_eq(r.s[2], 9817491932198370423u);
	ck_assert_uint_eq(r.s[3], 4593380528125082431u);
}
END_TEST

START_TEST(below_is_uniform)
{
	enum { N = 7, DRAWS = 70000 };
	int count[N] = {0};
	double chi2 = 0;
	struct ofa_rng r;

	ofa_rng_init(&r, 1);
	for (int i = 0; i < DRAWS; i++) {
		uint32_t x = ofa_rng_below(&r, N);

		ck_assert_uint_lt(x, N);
		count[x]++;
	}
	for (int i = 0; i < N; i++)
		chi2 += pow(count[i] - DRAWS / N, 2) / (DRAWS / N);
	ck_assert_double_lt(chi2, 22.46); /* 6 degrees of freedom, p = 0.001 */
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(ofa_rng_below(&r, 1), 0);
}
END_TEST

START_TEST(reals_stay_in_range)
{
	double sum = 0;
	struct ofa_rng r;

	ofa_rng_init(&r, 2);
	for (int i = 0; i < 100000; i++) {
		double d = ofa_rng_double(&r);
		float f = ofa_rng_float(&r);

		ck_assert(d >= 0 && d < 1);
		ck_assert(f >= 0 && f < 1);
		sum += d;
	}
	ck_assert_double_eq_tol(sum / 100000, 0.5, 0.005);
}
END_TEST

START_TEST(normal_has_its_moments)
{
	enum { N = 100000 };
	double sum = 0, squares = 0;
	struct ofa_rng r;

	ofa_rng_init(&r, 3);
	for (int i = 0; i < N; i++) {
		double x = (double)ofa_rng_normal(&r);

		ck_assert(isfinite(x));
		sum += x;
		squares += x * x;
	}
	ck_assert_double_eq_tol(sum / N, 0, 0.015);
	ck_assert_double_eq_tol(squares / N, 1, 0.02);
}
END_TEST

START_TEST(streams_differ_by_every_part)
{
	static const uint64_t parts[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {1, 2, 4},
					    {0, 0, 0}, {0, 0, 1}, {0, 1, 0}};
	uint64_t first[OFA_ARRAY_LEN(parts)];

	for (size_t i = 0; i < OFA_ARRAY_LEN(parts); i++) {
		struct ofa_rng r, again;

		ofa_rng_init3(&r, parts[i][0], parts[i][1], parts[i][2]);
		ofa_rng_init3(&again, parts[i][0], parts[i][1], parts[i][2]);
		first[i] = ofa_rng_u64(&r);
		ck_assert_uint_eq(first[i], ofa_rng_u64(&again));
		for (size_t j = 0; j < i; j++)
			ck_assert_uint_ne(first[i], first[j]);
	}
}
END_TEST

START_TEST(shuffle_is_a_permutation)
{
	enum { N = 1000 };
	uint32_t a[N];
	uint8_t seen[N] = {0};
	int fixed = 0;
	struct ofa_rng r;

	for (uint32_t i = 0; i < N; i++)
		a[i] = i;
	ofa_rng_init(&r, 4);
	ofa_rng_shuffle_u32(&r, a, N);
	for (uint32_t i = 0; i < N; i++) {
		ck_assert_uint_lt(a[i], N);
		ck_assert_int_eq(seen[a[i]]++, 0);
		fixed += a[i] == i;
	}
	ck_assert_int_lt(fixed, 10);
	ofa_rng_shuffle_u32(&r, a, 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		matches_the_published_generator,
		seeding_matches_splitmix64,
		below_is_uniform,
		reals_stay_in_range,
		normal_has_its_moments,
		streams_differ_by_every_part,
		shuffle_is_a_permutation,
	};

	return run_tests("rng", tests, OFA_ARRAY_LEN(tests));
}
