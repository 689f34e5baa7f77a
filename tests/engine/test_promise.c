/* What packages of another type promise: which model is chosen, what it tells, what is refused. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "predict/promise.h"
#include "runner.h"

#define N 200

/* Accuracies of 0.8 to 0.95 whose drop is constant + slope (x - 0.8), noise of the given standard deviation. */
static void draw(struct ofa_promise_sample *s, int n, double constant, double slope, double noise, uint64_t seed)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, seed);
	for (int i = 0; i < n; i++) {
		double x = 0.8 + 0.15 * ofa_rng_double(&rng), sum = 0;

		for (int j = 0; j < 12; j++)
			sum += ofa_rng_double(&rng);
		s[i] = (struct ofa_promise_sample){
			.predicted = (float)x,
			.float32 = (float)(x + 0.001),
			.measured = (float)(x + 0.001 - constant - slope * (x - 0.8) - noise * (sum - 6)),
			.group = i % 4,
		};
	}
}

START_TEST(a_constant_where_nothing_more_is_there)
{
	struct ofa_promise_sample s[N];
	struct ofa_promise_report r;
	struct ofa_error err = {0};
	struct ofa_promise p;
	int lines = 0;

	for (uint64_t seed = 0; seed < 20; seed++) {
		draw(s, N, 0.002, 0, 0.001, seed);
		ASSERT_OK(ofa_promise_fit(s, N, &p, &r, &err), &err);
		lines += p.model == OFA_PROMISE_LINE;
		ck_assert_double_eq_tol(r.mean_drop, 0.002, 0.0004);
		ck_assert_double_eq_tol(r.error[OFA_PROMISE_CONSTANT], 0.001, 0.0002);
		ck_assert_double_gt(r.error[OFA_PROMISE_NONE], r.error[OFA_PROMISE_CONSTANT]);
		ck_assert_double_gt(r.group_error, r.error[OFA_PROMISE_CONSTANT] * 0.95);
		ck_assert_double_ge(r.largest_drop, r.mean_drop);
		ck_assert_double_eq_tol(ofa_promise_apply(&p, 0.9), 0.898, 0.0005);
		ck_assert_double_eq_tol(r.accuracy_error, 0.0014, 0.0005);
	}
	ck_assert_int_le(lines, 4);
}
END_TEST

START_TEST(a_line_where_the_drop_depends)
{
	struct ofa_promise_sample s[N];
	struct ofa_promise_report r;
	struct ofa_error err = {0};
	struct ofa_promise p;

	draw(s, N, 0.004, -0.02, 0.0005, 1);
	ASSERT_OK(ofa_promise_fit(s, N, &p, &r, &err), &err);
	ck_assert_int_eq((int)p.model, OFA_PROMISE_LINE);
	ck_assert_double_eq_tol(p.slope, 1.02, 0.003);
	ck_assert_double_eq_tol(ofa_promise_apply(&p, 0.8), 0.796, 0.0003);
	ck_assert_double_eq_tol(ofa_promise_apply(&p, 0.95), 0.949, 0.0003);
	ck_assert_double_lt(r.error[OFA_PROMISE_LINE], r.error[OFA_PROMISE_CONSTANT]);
}
END_TEST

START_TEST(nothing_measured_nothing_promised)
{
	const struct ofa_promise none = {0}, high = {.model = OFA_PROMISE_CONSTANT, .slope = 1, .offset = 0.2};

	ck_assert(isnan(ofa_promise_apply(&none, 0.9)));
	ck_assert(isnan(ofa_promise_apply(&high, (double)NAN)));
	ck_assert_double_eq(ofa_promise_apply(&high, 0.9), 1);
}
END_TEST

START_TEST(refuses_to_fit)
{
	struct ofa_promise_sample s[N];
	struct ofa_promise_report r;
	struct ofa_error err = {0};
	struct ofa_promise p;

	draw(s, N, 0.002, 0, 0.001, 1);
	ASSERT_FAILS(ofa_promise_fit(s, OFA_PROMISE_LEAST_SAMPLES - 1, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "samples");
	err = (struct ofa_error){0};
	draw(s, N, 0, 1.5, 0.001, 1); /* what is better in float32 is worse in the type */
	ASSERT_FAILS(ofa_promise_fit(s, N, &p, &r, &err), OFA_ERR_INVALID);
}
END_TEST

START_TEST(equal_predictions)
{
	struct ofa_promise_sample s[N];
	struct ofa_promise_report r;
	struct ofa_error err = {0};
	struct ofa_promise p;

	draw(s, N, 0.002, 0, 0.001, 1);
	for (int i = 0; i < N; i++)
		s[i].predicted = 0.9f;
	ASSERT_OK(ofa_promise_fit(s, N, &p, &r, &err), &err);
	ck_assert_int_eq((int)p.model, OFA_PROMISE_CONSTANT);
}
END_TEST

START_TEST(stored_form)
{
	static const char *const refused[] = {
		"3",
		"{}",
		"{\"model\":\"cubic\",\"slope\":1,\"offset\":0}",
		"{\"model\":\"none\",\"slope\":1,\"offset\":0}",
		"{\"model\":\"line\",\"slope\":0,\"offset\":0}",
		"{\"model\":\"line\",\"slope\":-1,\"offset\":0}",
	};
	const struct ofa_promise p = {.model = OFA_PROMISE_LINE, .slope = 1.25, .offset = -0.5};
	struct ofa_promise q;
	struct ofa_error err = {0};
	json_t *json = ofa_promise_format(&p);

	ASSERT_OK(ofa_promise_parse(json, "x", &q, &err), &err);
	ck_assert_int_eq((int)q.model, (int)p.model);
	ck_assert_double_eq(q.slope, p.slope);
	ck_assert_double_eq(q.offset, p.offset);
	json_decref(json);
	for (size_t i = 0; i < OFA_ARRAY_LEN(refused); i++) {
		json = json_loads(refused[i], JSON_DECODE_ANY, NULL);
		err = (struct ofa_error){0};
		ASSERT_FAILS(ofa_promise_parse(json, "x", &q, &err), OFA_ERR_FORMAT);
		ck_assert_str_eq(err.field, "x");
		json_decref(json);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		a_constant_where_nothing_more_is_there,
		a_line_where_the_drop_depends,
		nothing_measured_nothing_promised,
		refuses_to_fit,
		equal_predictions,
		stored_form,
	};

	return run_tests("promise", tests, OFA_ARRAY_LEN(tests));
}
