/* Fronts and what is answered from them. */
#include <math.h>

#include "search/front.h"
#include "search_fixture.h"

/* Fronts over every resource: ascending, none dominated, exact, the same again, and no worse than a search. */
static void check_front(const struct fixture *f, const struct ofa_front_options *opt, const struct ofa_front *front)
{
	for (size_t i = 0; i < front->n; i++) {
		const struct ofa_front_point *p = &front->points[i];
		double plan[OFA_RESOURCE_COUNT];

		costs_by_plan(f, &p->arch, plan);
		for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
			ck_assert(isnan(plan[k]) ? isnan(p->value[k]) : plan[k] == p->value[k]);
			ck_assert(isinf(opt->limits.max[k]) || plan[k] <= opt->limits.max[k]);
		}
		if (i == 0)
			continue;
		ck_assert_double_gt(p->value[opt->metric], p[-1].value[opt->metric]);
		ck_assert_double_gt(p->predicted_accuracy, p[-1].predicted_accuracy);
	}
}

START_TEST(fronts)
{
	struct ofa_feasible range;
	struct fixture f;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
		struct ofa_front_options opt = {.metric = (enum ofa_resource)k, .points = 20, .seed = 2};
		struct ofa_search_options search = {.seed = 9};
		struct ofa_search_result cold;
		struct ofa_front front, again;
		struct ofa_error err = {0};
		double best = 0;

		ofa_limits_init(&opt.limits);
		opt.limits.max[(k + 1) % OFA_RESOURCE_COUNT] = range.max[(k + 1) % OFA_RESOURCE_COUNT] * 0.8;
		ASSERT_OK(ofa_front_run(f.problem, &opt, &front, &err), &err);
		ck_assert_uint_gt(front.n, k == OFA_PEAK_MEMORY_BYTES ? 0 : 3);
		check_front(&f, &opt, &front);
		ASSERT_OK(ofa_front_run(f.problem, &opt, &again, &err), &err);
		ck_assert_uint_eq(front.n, again.n);
		for (size_t i = 0; i < front.n; i++)
			ck_assert(ofa_arch_equal(&front.points[i].arch, &again.points[i].arch));
		ofa_front_release(&again);
		search.limits = opt.limits;
		search.limits.max[k] = (range.min[k] + range.max[k]) / 2;
		ASSERT_OK(ofa_search_run(f.problem, &search, &cold, NULL, &err), &err);
		for (size_t i = 0; i < front.n && front.points[i].value[k] <= search.limits.max[k]; i++)
			best = front.points[i].predicted_accuracy;
		ck_assert_double_ge(best, cold.predicted_accuracy - 0.01);
		ofa_front_release(&front);
	}
	teardown(&f);
}
END_TEST

START_TEST(fronts_without_meaning)
{
	struct ofa_front_options opt = {.metric = OFA_LATENCY_MS};
	struct ofa_error err = {0};
	struct ofa_front front;
	struct fixture f;

	setup(&f, false);
	ofa_limits_init(&opt.limits);
	ASSERT_FAILS(ofa_front_run(f.problem, &opt, &front, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/metric");
	opt.metric = OFA_MACS;
	opt.points = OFA_FRONT_MAX_POINTS + 1;
	ASSERT_FAILS(ofa_front_run(f.problem, &opt, &front, NULL), OFA_ERR_INVALID);
	opt.points = 4;
	opt.max = 1;
	ASSERT_FAILS(ofa_front_run(f.problem, &opt, &front, NULL), OFA_ERR_INVALID);
	opt.max = 0;
	opt.min = NAN;
	ASSERT_FAILS(ofa_front_run(f.problem, &opt, &front, NULL), OFA_ERR_INVALID);
	opt.min = 0;
	opt.limits.max[OFA_MACS] = 1;
	ASSERT_FAILS(ofa_front_run(f.problem, &opt, &front, NULL), OFA_ERR_INFEASIBLE);
	teardown(&f);
}
END_TEST

/* From a kept front: never worse than a search, limits kept; what the front does not know is searched. */
START_TEST(warm_answers)
{
	struct ofa_front_options opt = {.metric = OFA_LATENCY_MS, .points = 200, .evaluations = 100000};
	struct ofa_feasible range;
	struct ofa_error err = {0};
	struct ofa_front front;
	struct fixture f;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	ofa_limits_init(&opt.limits);
	ASSERT_OK(ofa_front_run(f.problem, &opt, &front, &err), &err);
	for (int i = 0; i < 40; i++) {
		struct ofa_search_options ask = {.seed = (uint64_t)i, .evaluations = 3000};
		struct ofa_search_result warm, cold;

		ofa_limits_init(&ask.limits);
		ask.limits.max[OFA_LATENCY_MS] = range.min[OFA_LATENCY_MS] +
						 (range.max[OFA_LATENCY_MS] - range.min[OFA_LATENCY_MS]) * i / 37;
		ASSERT_OK(ofa_front_answer(f.problem, &front, &ask, &warm, NULL, &err), &err);
		ck_assert(warm.warm);
		check_result(&f, &ask.limits, &warm);
		ASSERT_OK(ofa_search_run(f.problem, &ask, &cold, NULL, &err), &err);
		ck_assert(!cold.warm);
		ck_assert_double_ge(warm.predicted_accuracy, cold.predicted_accuracy);
		ask.limits.max[OFA_PEAK_MEMORY_BYTES] = range.min[OFA_PEAK_MEMORY_BYTES];
		ASSERT_OK(ofa_front_answer(f.problem, &front, &ask, &warm, NULL, &err), &err);
		check_result(&f, &ask.limits, &warm);
	}
	ofa_front_release(&front);
	teardown(&f);
}
END_TEST

/* The front of 64 limits against the best known. */
START_TEST(front_of_the_released_predictor)
{
	struct ofa_front_options opt = {.metric = OFA_LATENCY_MS, .min = 12, .max = 75, .seed = 1};
	struct released_front known;
	struct ofa_error err = {0};
	struct ofa_front front;
	struct fixture f;
	int exceeding;
	double gap;

	if (!shared_available())
		return;
	setup_released(&f);
	ASSERT_OK(released_front(&known, &err), &err);
	ofa_limits_init(&opt.limits);
	ASSERT_OK(ofa_front_run(f.problem, &opt, &front, &err), &err);
	check_front(&f, &opt, &front);
	gap = released_front_gap(&known, &front, 0.001, &exceeding);
	printf("front: mean gap %.5f, %d of %d limits above .001\n", gap, exceeding, known.n);
	ck_assert_double_lt(gap, 0.0005);
	ck_assert_int_lt(exceeding, known.n / 5);
	ofa_front_release(&front);
	teardown(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {fronts, fronts_without_meaning, warm_answers, front_of_the_released_predictor};

	return run_tests("front", tests, OFA_ARRAY_LEN(tests));
}
