/* Rounding to binary16 against its definition. */
#include "base/rng.h"
#include "half_value.h"
#include "pack/half.h"
#include "runner.h"

static void check_half(float x)
{
	uint8_t bytes[2];
	float rounded;

	ck_assert_msg(ofa_half_round(&x, 1, bytes, &rounded), "%a", (double)x);
	ck_assert_msg((double)rounded == nearest_half((double)x), "%a became %a, not %a", (double)x, (double)rounded,
		      nearest_half((double)x));
	ck_assert_msg(half_value(bytes) == (double)rounded, "%a is stored as %a", (double)rounded, half_value(bytes));
	ck_assert(signbit(rounded) == signbit(x));
}

START_TEST(halves_are_the_nearest)
{
	struct ofa_rng rng;

	for (int h = 0; h < 0x7bff; h++) { /* every number, what lies halfway to the next, and beside that */
		const uint8_t bytes[2] = {(uint8_t)h, (uint8_t)(h >> 8)};
		const uint8_t next[2] = {(uint8_t)(h + 1), (uint8_t)((h + 1) >> 8)};
		const float x = (float)half_value(bytes), middle = (float)((half_value(bytes) + half_value(next)) / 2);

		check_half(x);
		check_half(-x);
		check_half(middle);
		check_half(nextafterf(middle, 0));
		check_half(nextafterf(middle, 1e9f));
	}
	ofa_rng_init(&rng, 3);
	for (int i = 0; i < 100000; i++)
		check_half(ldexpf(ofa_rng_normal(&rng), ofa_rng_below(&rng, 40) - 30));
	check_half(OFA_HALF_MOST);
	check_half(nextafterf(65520, 0));
}
END_TEST

START_TEST(halves_end)
{
	static const float bad[] = {65520, -65520, 1e30f, INFINITY, -INFINITY, NAN};

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		float x[9] = {0}, rounded[9];
		uint8_t bytes[sizeof(x) / 2];

		x[i] = bad[i];
		ck_assert_msg(!ofa_half_round(x, 9, bytes, rounded), "%g", (double)bad[i]);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {halves_are_the_nearest, halves_end};

	return run_tests("binary16", tests, OFA_ARRAY_LEN(tests));
}
