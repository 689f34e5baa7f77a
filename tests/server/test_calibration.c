/* The fit of measurements to predictions, against cases worked out by hand. */
#include <math.h>
#include <string.h>

#include "runner.h"
#include "service/question.h"

#define MAX 32

static size_t make(const double (*xy)[2], size_t n, struct calibration_point points[MAX])
{
	for (size_t i = 0; i < n; i++)
		points[i] = (struct calibration_point){
			.predicted_ms = xy[i][0], .measured_ms = xy[i][1], .devices = 1, .measurements = 1};
	return n;
}

static struct calibration fit(const double (*xy)[2], size_t n)
{
	struct calibration_point points[MAX];
	struct calibration c;
	struct ofa_error err = {0};

	ASSERT_OK(calibration_from(points, make(xy, n, points), &c, &err), &err);
	return c;
}

static void check(const struct calibration *c, enum calibration_fit kind, double scale, double offset)
{
	ck_assert_str_eq(calibration_fit_name(c->fit), calibration_fit_name(kind));
	ck_assert_msg(fabs(c->scale - scale) < 1e-12 && fabs(c->offset_ms - offset) < 1e-12, "%.9g %.9g", c->scale,
		      c->offset_ms);
}

START_TEST(test_none)
{
	struct calibration c = fit(NULL, 0);

	check(&c, CALIBRATION_NONE, 1, 0);
	ck_assert(calibration_apply(&c, 3.25) == 3.25);
	ck_assert(calibration_limit(&c, 3.25) == 3.25);
}
END_TEST

/* Few points, or points close together: the median of the ratios, and nothing else. */
START_TEST(test_scale)
{
	static const double one[][2] = {{2, 3}}, four[][2] = {{1, 2}, {2, 6}, {4, 4}, {8, 4}};
	static const double narrow[][2] = {{10, 12}, {11, 13.2}, {12, 14.4}, {13, 15.6}, {14, 700}};
	static const double slow[][2] = {{1, 50}}, fast[][2] = {{50, 1}};
	struct calibration c;

	c = fit(one, 1);
	check(&c, CALIBRATION_SCALE, 1.5, 0);
	/* ratios 2, 3, 1, 0.5: the mean of the middle two */
	c = fit(four, 4);
	check(&c, CALIBRATION_SCALE, 1.5, 0);
	c = fit(narrow, 5);
	check(&c, CALIBRATION_SCALE, 1.2, 0);
	c = fit(slow, 1);
	check(&c, CALIBRATION_SCALE, 10, 0);
	c = fit(fast, 1);
	check(&c, CALIBRATION_SCALE, 0.1, 0);
}
END_TEST

START_TEST(test_line)
{
	static const double exact[][2] = {{1, 2.5}, {2, 4}, {3, 5.5}, {4, 7}, {5, 8.5}};
	/* y = 1.5 x + 1, but for one that is absurd */
	static const double outlier[][2] = {{1, 2.5}, {2, 4}, {3, 900}, {4, 7}, {5, 8.5}, {6, 10}, {7, 11.5}};
	/* slopes of the 10 pairs, in order: 1.5 1.5 1.5 5/3 1.75 1.75 11/6 2 2 2, in the middle 1.75; the rests then
	 * are 3.25 3 2.75 3 3.25, in the middle 3.  Residuals .25 0 .25 0 .25; by the scale alone, 8/3, their median
	 * is 7/6. */
	static const double scattered[][2] = {{1, 5}, {2, 6.5}, {3, 8}, {4, 10}, {5, 12}};
	struct calibration c;

	c = fit(exact, 5);
	check(&c, CALIBRATION_LINE, 1.5, 1);
	c = fit(outlier, 7);
	check(&c, CALIBRATION_LINE, 1.5, 1);
	c = fit(scattered, 5);
	check(&c, CALIBRATION_LINE, 1.75, 3);
	ck_assert(calibration_apply(&c, 2) == 6.5);
}
END_TEST

/* An offset that explains nothing, or a slope that nothing has, gives way to the scale alone. */
START_TEST(test_no_line)
{
	static const double proportional[][2] = {{1, 2}, {2, 4}, {3, 6}, {4, 8}, {5, 10}};
	static const double falling[][2] = {{1, 5}, {2, 4}, {3, 3}, {4, 2}, {5, 1}};
	static const double steep[][2] = {{1, 1}, {2, 21}, {3, 41}, {4, 61}, {5, 81}};
	struct calibration c;

	c = fit(proportional, 5);
	check(&c, CALIBRATION_SCALE, 2, 0);
	c = fit(falling, 5);
	check(&c, CALIBRATION_SCALE, 1, 0); /* ratios 5, 2, 1, 0.5, 0.2 */
	c = fit(steep, 5);
	check(&c, CALIBRATION_SCALE, 10, 0); /* ratios 1, 10.5, 13.7, 15.25, 16.2 */
}
END_TEST

/* Three points in ten may be anything at all, be it all at the same side. */
START_TEST(test_liars)
{
	for (int side = 0; side < 2; side++) {
		double xy[10][2];
		struct calibration c;

		for (int i = 0; i < 10; i++) {
			xy[i][0] = 1 + i;
			xy[i][1] = 2 * xy[i][0] + 3;
		}
		xy[1][1] = xy[4][1] = side ? 1e6 : 1e-6;
		c = fit((const double(*)[2])xy, 10);
		ck_assert_msg(fabs(c.scale - 2) < 0.3 && fabs(c.offset_ms - 3) < 1.5, "%g %g", c.scale, c.offset_ms);
	}
}
END_TEST

/* Limits and latencies are each other's inverse, to the last bit on the safe side. */
START_TEST(test_limits)
{
	static const struct calibration some[] = {
		{CALIBRATION_SCALE, 0.3, 0},   {CALIBRATION_LINE, 1.7, 0.013},	{CALIBRATION_LINE, 1.1, -0.7},
		{CALIBRATION_LINE, 0.1, 2.25}, {CALIBRATION_LINE, 9.97, -4.003},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(some); i++)
		for (double limit = 1e-3; limit < 1e4; limit *= 1.0371) {
			double x = calibration_limit(&some[i], limit);

			ck_assert(x >= 0);
			if (x > 0) {
				ck_assert(calibration_apply(&some[i], x) <= limit);
				ck_assert(calibration_apply(&some[i], x * (1 + 1e-12)) > limit * (1 - 1e-11));
			} else {
				ck_assert(some[i].offset_ms >= limit);
			}
		}
	/* a negative offset makes no latency negative, nor absurdly small */
	ck_assert(calibration_apply(&some[2], 0.5) == 0.05);
}
END_TEST

START_TEST(test_judging)
{
	static const double xy[][2] = {{1, 2}, {2, 4}, {4, 5}};
	struct calibration_point points[MAX];
	const struct calibration twice = {CALIBRATION_SCALE, 2, 0};
	struct calibration_error before, after;
	size_t n = make(xy, 3, points);

	calibration_judge(points, n, NULL, &before);
	calibration_judge(points, n, &twice, &after);
	/* |1-2|/2, |2-4|/4, |4-5|/5 and 0, 0, 3/5 */
	ck_assert(fabs(before.mape - 0.4) < 1e-12 && before.median_abs_ms == 1);
	ck_assert(fabs(after.mape - 0.2) < 1e-12 && after.median_abs_ms == 0);
	/* sums of products of deviations: xx = 14/3, yy = 14/3, xy = 4 1/3 */
	ck_assert(fabs(calibration_correlation(points, 3) - 13.0 / 14) < 1e-12);
	ck_assert(isnan(calibration_correlation(points, 2)));
	points[1].predicted_ms = points[2].predicted_ms = 1;
	ck_assert(isnan(calibration_correlation(points, 3)));
}
END_TEST

/* Refusals speak of the limits as they were asked for, not as the table counts. */
START_TEST(test_refusals)
{
	const struct question q = {
		.calibrated = true,
		.calibration = {CALIBRATION_LINE, 2, 1},
		.limits.max = {[OFA_LATENCY_MS] = 5, [OFA_MACS] = 7e6, [OFA_PEAK_MEMORY_BYTES] = INFINITY,
			       [OFA_STORAGE_BYTES] = INFINITY},
	};
	struct ofa_feasible feasible = {
		.known[OFA_LATENCY_MS] = true, .min[OFA_LATENCY_MS] = 3, .max[OFA_LATENCY_MS] = 10};
	struct ofa_error err = {.status = OFA_ERR_INFEASIBLE, .field = "/limits/latency_ms", .message = "2"};

	ck_assert(question_table_limits(&q).max[OFA_LATENCY_MS] == 2);
	ck_assert(question_table_limits(&q).max[OFA_MACS] == 7e6);
	question_restate_feasible(&q, &feasible);
	ck_assert(feasible.min[OFA_LATENCY_MS] == 7 && feasible.max[OFA_LATENCY_MS] == 21);
	question_restate_error(&q, &feasible, &err);
	ck_assert_ptr_nonnull(strstr(err.message, "calibrated latency_ms of 5 or less; the smallest reaches 7, the "
						  "largest 21"));
	snprintf(err.field, sizeof(err.field), "/limits");
	question_restate_error(&q, &feasible, &err);
	ck_assert_msg(strstr(err.message, "latency_ms <= 5, macs <= 7000000") != NULL, "%s", err.message);
	snprintf(err.field, sizeof(err.field), "/limits/macs");
	snprintf(err.message, sizeof(err.message), "as it was");
	question_restate_error(&q, &feasible, &err);
	ck_assert_str_eq(err.message, "as it was");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_none,   test_scale,	test_line,   test_no_line,
				      test_liars, test_limits, test_judging, test_refusals};

	return run_tests("calibration", tests, OFA_ARRAY_LEN(tests));
}
