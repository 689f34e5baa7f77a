/* Search: tables against the plan, feasible ranges, limits of every kind, same seed same answer. */
#include <math.h>
#include <stdlib.h>

#include "search/front.h"
#include "search/knapsack.h"
#include "search_fixture.h"

/* Thousands of archs: every table equals the plan, and all lie in the ranges. */
static void check_tables(const struct fixture *f, int n)
{
	struct ofa_feasible range;
	struct ofa_rng rng;
	int checked = 0;

	ofa_search_feasible(f->problem, &range);
	ofa_rng_init(&rng, 21);
	for (int i = 0; i < n; i++) {
		double plan[OFA_RESOURCE_COUNT], table[OFA_RESOURCE_COUNT];
		struct ofa_arch a;

		ofa_arch_sample(&f->net.space, &rng, &a);
		if (ofa_problem_resolution(f->problem, a.image_size) < 0)
			continue;
		checked++;
		costs_by_plan(f, &a, plan);
		ofa_search_costs(f->problem, &a, table);
		for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
			if (!range.known[k])
				continue;
			ck_assert_msg(table[k] == plan[k], "%s: table %.17g, plan %.17g", ofa_resource_name(k),
				      table[k], plan[k]);
			ck_assert_double_ge(table[k], range.min[k]);
			ck_assert_double_le(table[k], range.max[k]);
		}
	}
	ck_assert_int_gt(checked, n / 20);
}

START_TEST(tables_equal_plan)
{
	struct fixture f;

	setup(&f, true);
	check_tables(&f, 4000);
	teardown(&f);
	setup(&f, false);
	check_tables(&f, 200);
	teardown(&f);
}
END_TEST

/* Widths that blocks read and write, a stem of no or one block: costs and ranges are the plan's there, too. */
static void setup_resnet(struct fixture *f)
{
	struct ofa_error err = {0};

	memset(f, 0, sizeof(*f));
	ASSERT_OK(ofa_space_preset("resnet50", 0.25, 10, &f->net.space, &err), &err);
	f->net.space.n_resolutions = 3;
	f->net.space.resolutions[0] = 64;
	f->net.space.resolutions[1] = 96;
	f->net.space.resolutions[2] = 128;
	setup_space(f, true);
}

START_TEST(tables_with_elastic_widths)
{
	struct fixture f;

	setup_resnet(&f);
	ck_assert_int_gt(f.net.space.n_width_genes, 0);
	check_tables(&f, 2000);
	teardown(&f);
}
END_TEST

/* The same problem for packages of another precision. */
static void rebind(struct fixture *f, enum ofa_precision precision)
{
	struct ofa_error err = {0};

	ofa_search_problem_free(f->problem);
	f->precision = precision;
	ASSERT_OK(ofa_search_problem_new(&f->net, &f->predictor, f->latency, f->precision, &f->problem, &err), &err);
}

START_TEST(tables_by_precision)
{
	struct ofa_feasible wide, narrow;
	struct ofa_error err = {0};
	struct fixture f;

	setup(&f, false);
	ofa_search_feasible(f.problem, &wide);
	rebind(&f, OFA_INT8);
	check_tables(&f, 2000);
	ofa_search_feasible(f.problem, &narrow);
	ck_assert_double_lt(narrow.max[OFA_PEAK_MEMORY_BYTES], wide.max[OFA_PEAK_MEMORY_BYTES] / 4);
	rebind(&f, OFA_FLOAT16);
	check_tables(&f, 500);
	teardown(&f);

	setup_resnet(&f);
	rebind(&f, OFA_INT8);
	check_tables(&f, 1000);
	teardown(&f);

	/* its stem runs in turns with the blocks after it */
	memset(&f, 0, sizeof(f));
	ASSERT_OK(ofa_space_preset("proxyless", 0.25, 10, &f.net.space, &err), &err);
	f.precision = OFA_INT8;
	setup_space(&f, false);
	check_tables(&f, 2000);
	teardown(&f);
}
END_TEST

/* The answer is the same; what is told of it is what packages of the type promise. */
START_TEST(promises_by_precision)
{
	struct ofa_search_options opt = {.seed = 3, .evaluations = 600};
	struct ofa_search_result plain, int8, unknown;
	struct ofa_front_options front_options = {.metric = OFA_MACS, .points = 8, .evaluations = 2000};
	struct ofa_front front;
	struct ofa_error err = {0};
	struct fixture f;
	json_t *json, *points;

	setup(&f, false);
	ofa_limits_init(&opt.limits);
	ofa_limits_init(&front_options.limits);
	ASSERT_OK(ofa_search_run(f.problem, &opt, &plain, NULL, &err), &err);
	f.predictor.promises[OFA_INT8] =
		(struct ofa_promise){.model = OFA_PROMISE_LINE, .slope = 0.75, .offset = 0.0625};
	rebind(&f, OFA_INT8);
	ASSERT_OK(ofa_search_run(f.problem, &opt, &int8, NULL, &err), &err);
	ck_assert(ofa_arch_equal(&plain.arch, &int8.arch));
	ck_assert_double_eq(int8.predicted_accuracy, 0.75 * plain.predicted_accuracy + 0.0625);
	ASSERT_OK(ofa_front_run(f.problem, &front_options, &front, &err), &err);
	ASSERT_OK(ofa_front_answer(f.problem, &front, &opt, &int8, NULL, &err), &err);
	ck_assert(int8.warm);
	ck_assert_double_eq_tol(int8.predicted_accuracy, front.points[front.n - 1].predicted_accuracy, 0.05);
	ck_assert_double_ge(int8.predicted_accuracy, front.points[front.n - 1].predicted_accuracy);
	ofa_front_release(&front);

	rebind(&f, OFA_FLOAT16);
	ASSERT_OK(ofa_search_run(f.problem, &opt, &unknown, NULL, &err), &err);
	ck_assert(isnan(unknown.predicted_accuracy));
	ASSERT_OK(ofa_front_run(f.problem, &front_options, &front, &err), &err);
	json = ofa_front_format(f.problem, &front);
	points = json_object_get(json, "points");
	ck_assert_uint_gt(json_array_size(points), 1);
	ck_assert(json_is_null(json_object_get(json_array_get(points, 0), "predicted_accuracy")));
	json_decref(json);
	ofa_front_release(&front);
	teardown(&f);
}
END_TEST

/* Any mix of limits, from barely feasible to loose: the answer keeps them, and is the same the second time. */
START_TEST(any_limits)
{
	struct ofa_feasible range;
	struct fixture f;
	struct ofa_rng rng;
	int found = 0;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	ofa_rng_init(&rng, 8);
	for (int i = 0; i < 48; i++) {
		struct ofa_search_options opt = {.seed = (uint64_t)i, .evaluations = 600};
		struct ofa_search_result first, second;
		struct ofa_error err = {0};
		enum ofa_status st;

		ofa_limits_init(&opt.limits);
		for (int k = 0; k < OFA_RESOURCE_COUNT; k++)
			if (i & (1 << k))
				opt.limits.max[k] = range.min[k] + (range.max[k] - range.min[k]) *
									   (i < 16 ? 0.5 : ofa_rng_double(&rng));
		st = ofa_search_run(f.problem, &opt, &first, NULL, &err);
		ck_assert_msg(st == OFA_OK || (i >= 16 && st == OFA_ERR_INFEASIBLE), "%s: %s", err.field, err.message);
		ck_assert_int_eq(ofa_search_check(f.problem, &opt.limits, &err), st);
		if (st)
			continue;
		found++;
		check_result(&f, &opt.limits, &first);
		ck_assert_int_le(first.evaluations, 600);
		ASSERT_OK(ofa_search_run(f.problem, &opt, &second, NULL, &err), &err);
		ck_assert(ofa_arch_equal(&first.arch, &second.arch));
		ck_assert_int_eq(first.evaluations, second.evaluations);
	}
	ck_assert_int_gt(found, 40);
	teardown(&f);
}
END_TEST

START_TEST(limits_at_the_edge)
{
	struct ofa_feasible range, told;
	struct fixture f;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
		struct ofa_search_options opt = {.evaluations = 200};
		struct ofa_search_result r;
		struct ofa_error err = {0};
		char field[64];

		ofa_limits_init(&opt.limits);
		opt.limits.max[k] = range.min[k];
		ASSERT_OK(ofa_search_run(f.problem, &opt, &r, &told, &err), &err);
		ck_assert_double_eq(r.value[k], range.min[k]);
		opt.limits.max[k] = nextafter(range.min[k], 0);
		memset(&told, 0, sizeof(told));
		ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, &told, &err), OFA_ERR_INFEASIBLE);
		snprintf(field, sizeof(field), "/limits/%s", ofa_resource_name(k));
		ck_assert_str_eq(err.field, field);
		ck_assert_double_eq(told.min[k], range.min[k]);
		ck_assert_int_eq(ofa_search_check(f.problem, &opt.limits, &err), OFA_ERR_INFEASIBLE);
	}
	teardown(&f);
}
END_TEST

/* Two limits that can each be met, but not both: the least latency needs more MACs than the least MACs. */
START_TEST(limits_that_exclude_each_other)
{
	struct ofa_search_options opt = {.evaluations = 200};
	struct ofa_search_result r;
	struct ofa_feasible range;
	struct ofa_error err = {0};
	struct fixture f;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	ofa_limits_init(&opt.limits);
	opt.limits.max[OFA_LATENCY_MS] = range.min[OFA_LATENCY_MS];
	opt.limits.max[OFA_MACS] = range.min[OFA_MACS];
	ASSERT_FAILS(ofa_search_check(f.problem, &opt.limits, &err), OFA_ERR_INFEASIBLE);
	ck_assert_str_eq(err.field, "/limits");
	err = (struct ofa_error){0};
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, NULL, &err), OFA_ERR_INFEASIBLE);
	ck_assert_str_eq(err.field, "/limits");
	ck_assert_ptr_nonnull(strstr(err.message, "macs"));
	ck_assert_ptr_nonnull(strstr(err.message, "latency_ms"));
	teardown(&f);
}
END_TEST

START_TEST(search_with_elastic_widths)
{
	struct ofa_feasible range;
	struct fixture f;

	setup_resnet(&f);
	ofa_search_feasible(f.problem, &range);
	for (int k = 0; k < 2 * OFA_RESOURCE_COUNT; k++) {
		struct ofa_search_options opt = {.seed = 4, .evaluations = 3000};
		struct ofa_search_result r;
		struct ofa_error err = {0};
		int at = k / 2;

		ofa_limits_init(&opt.limits);
		opt.limits.max[at] = range.min[at] + (range.max[at] - range.min[at]) * (k % 2) * 0.3;
		ASSERT_OK(ofa_search_run(f.problem, &opt, &r, NULL, &err), &err);
		check_result(&f, &opt.limits, &r);
	}
	teardown(&f);
}
END_TEST

START_TEST(limits_without_meaning)
{
	struct ofa_search_options opt = {.evaluations = 100};
	struct ofa_search_result r;
	struct ofa_error err = {0};
	struct ofa_feasible range;
	struct fixture f;
	json_t *json;

	setup(&f, false);
	ofa_limits_init(&opt.limits);
	opt.limits.max[OFA_LATENCY_MS] = 5;
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, &range, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/limits/latency_ms");
	json = ofa_feasible_format(&range);
	ck_assert_uint_eq(json_object_size(json), 3);
	ck_assert_ptr_null(json_object_get(json, "latency_ms"));
	json_decref(json);
	ofa_limits_init(&opt.limits);
	opt.limits.max[OFA_MACS] = NAN;
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, NULL, NULL), OFA_ERR_INVALID);
	ofa_limits_init(&opt.limits);
	opt.evaluations = -1;
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, NULL, NULL), OFA_ERR_INVALID);
	teardown(&f);
}
END_TEST

START_TEST(cancel_and_progress)
{
	atomic_bool cancel = true;
	struct ofa_search_options opt = {.cancel = &cancel};
	struct ofa_search_result r = {.evaluations = -7};
	struct fixture f;

	setup(&f, false);
	ofa_limits_init(&opt.limits);
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, NULL, NULL), OFA_ERR_CANCELLED);
	ck_assert_int_eq(r.evaluations, -7);
	teardown(&f);
}
END_TEST

/* What was found, given, is told the same: by every set, with and without a table, in each type. */
START_TEST(given_as_found)
{
	struct ofa_search_options opt = {.seed = 3, .evaluations = 600};
	struct ofa_search_result found, given;
	struct ofa_error err = {0};
	struct fixture f;

	ofa_limits_init(&opt.limits);
	for (int i = 0; i < 4; i++) {
		setup(&f, i != 1);
		f.predictor.promises[OFA_INT8] =
			(struct ofa_promise){.model = OFA_PROMISE_LINE, .slope = 0.75, .offset = 0.0625};
		if (i == 2)
			rebind(&f, OFA_INT8);
		if (i == 3)
			ASSERT_OK(ofa_search_problem_use(f.problem, "float32", &err), &err);
		ASSERT_OK(ofa_search_run(f.problem, &opt, &found, NULL, &err), &err);
		ASSERT_OK(ofa_search_given(f.problem, &found.arch, &given, &err), &err);
		ck_assert(ofa_arch_equal(&found.arch, &given.arch));
		ck_assert_double_eq(found.predicted_accuracy, given.predicted_accuracy);
		for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
			ck_assert(found.value[r] == given.value[r] ||
				  (isnan(found.value[r]) && isnan(given.value[r])));
		ck_assert_int_eq(given.evaluations, 0);
		ck_assert_int_eq((int)given.stop, OFA_STOP_GIVEN);
		ck_assert(!given.warm);
		given.arch.image_size += 1;
		ASSERT_FAILS(ofa_search_given(f.problem, &given.arch, &found, &err), OFA_ERR_INVALID);
		ck_assert_str_eq(err.field, "/image_size");
		err = (struct ofa_error){0};
		teardown(&f);
	}
}
END_TEST

/* All capacities at once against trying every combination. */
START_TEST(knapsack_is_optimal)
{
	static struct ofa_knapsack k;
	static struct ofa_space s;
	struct ofa_rng rng;

	s.n_stages = 2;
	s.n_blocks = 4;
	for (int i = 0; i < 2; i++)
		s.stages[i] = (struct ofa_stage){.first_block = 2 * i,
						 .max_depth = 2,
						 .n_depths = 2,
						 .depths = {(uint8_t)(i ? 1 : 0), 2},
						 .n_kernels = 2,
						 .n_expands = 2};
	ofa_rng_init(&rng, 2);
	for (int b = 0; b < 4; b++) {
		k.n_items[b] = 4;
		for (int i = 0; i < 4; i++)
			k.items[b][i] = (struct ofa_knapsack_item){(uint8_t)(i / 2), (uint8_t)(i % 2),
								   (int)ofa_rng_below(&rng, 40), ofa_rng_float(&rng)};
		k.depth_gain[b / 2][b % 2] = ofa_rng_float(&rng) - 0.5f;
	}
	ofa_knapsack_solve(&s, &k);
	for (int capacity = 0; capacity < OFA_BINS; capacity += 3) {
		float best = -INFINITY;
		struct ofa_arch a = {0};

		for (int code = 0; code < 4 * 256; code++) {
			int d[2] = {code & 1, code >> 1 & 1}, weight = 0;
			int depth[2] = {s.stages[0].depths[d[0]], s.stages[1].depths[d[1]]};
			float gain = k.depth_gain[0][d[0]] + k.depth_gain[1][d[1]];

			for (int b = 0; b < 4; b++) {
				const struct ofa_knapsack_item *item = &k.items[b][code >> (2 + 2 * b) & 3];

				if (b % 2 >= depth[b / 2])
					continue;
				weight += item->weight;
				gain += item->gain;
			}
			if (weight <= capacity && gain > best)
				best = gain;
		}
		ck_assert_int_eq(ofa_knapsack_read(&s, &k, capacity, &a), isfinite(best));
		if (isfinite(best))
			ck_assert_float_eq_tol(k.total[capacity], best, 1e-5f);
	}
}
END_TEST

/* A space small enough to look at every subnet: the search finds the best one. */
START_TEST(finds_the_optimum)
{
	struct ofa_error err = {0};
	struct ofa_feasible range;
	struct fixture f;

	setup(&f, true);
	ofa_search_feasible(f.problem, &range);
	for (int part = 1; part <= 3; part++) {
		struct ofa_search_options opt = {.seed = 3};
		struct ofa_search_result r;
		struct ofa_rng rng;
		float *workspace;
		double best = 0;

		ofa_limits_init(&opt.limits);
		opt.limits.max[OFA_MACS] =
			range.min[OFA_MACS] + 0.2 * part * (range.max[OFA_MACS] - range.min[OFA_MACS]);
		ASSERT_OK(ofa_search_run(f.problem, &opt, &r, NULL, &err), &err);
		ofa_rng_init(&rng, 5);
		workspace = malloc(ofa_predictor_workspace(&f.predictor, 1) * sizeof *workspace);
		ck_assert_ptr_nonnull(workspace);
		for (int i = 0; i < 20000; i++) {
			struct ofa_arch a;
			float accuracy;

			ofa_arch_sample(&f.net.space, &rng, &a);
			if (!ofa_problem_within(f.problem, &opt.limits, ofa_problem_resolution(f.problem, a.image_size),
						&a))
				continue;
			ofa_predictor_predict(&f.net.space, &f.predictor, &a, 1, workspace, &accuracy);
			best = fmax(best, (double)accuracy);
		}
		free(workspace);
		ck_assert_double_ge(r.predicted_accuracy, best);
	}
	teardown(&f);
}
END_TEST

static int compare(const void *x, const void *y)
{
	const double *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

/* The published predictor and tables, a few seeds: the median is near the best known. */
START_TEST(released_quality)
{
	static const struct {
		double limit, best_known, gap;
	} known[] = {{12, 0.76965, 0.0003},   {15, 0.78800, 0.0007}, {20, 0.80790, 0.0005}, {25, 0.82222, 0.0013},
		     {30, 0.83187, 0.0020},   {35, 0.83791, 0.0025}, {40, 0.84268, 0.0010}, {50, 0.85154, 0.0025}};
	struct ofa_error err = {0};
	struct ofa_feasible range;
	struct fixture f;

	if (!shared_available())
		return;
	setup_released(&f);
	check_tables(&f, 4000);
	ofa_search_feasible(f.problem, &range);
	ck_assert_double_eq_tol(range.min[OFA_LATENCY_MS], 9.890, 1e-3);
	ck_assert_double_eq_tol(range.max[OFA_LATENCY_MS], 92.398, 1e-3);
	ck_assert_double_eq(range.max[OFA_MACS], 843101040);
	for (size_t i = 0; i < OFA_ARRAY_LEN(known); i++) {
		double accuracy[5];

		for (int seed = 0; seed < 5; seed++) {
			struct ofa_search_options opt = {.seed = (uint64_t)seed, .evaluations = 22000};
			struct ofa_search_result r;

			ofa_limits_init(&opt.limits);
			opt.limits.max[OFA_LATENCY_MS] = known[i].limit;
			ASSERT_OK(ofa_search_run(f.problem, &opt, &r, NULL, &err), &err);
			check_result(&f, &opt.limits, &r);
			accuracy[seed] = r.predicted_accuracy;
		}
		qsort(accuracy, 5, sizeof(double), compare);
		ck_assert_msg(accuracy[2] >= known[i].best_known - known[i].gap, "%g ms: %.5f, best known %.5f",
			      known[i].limit, accuracy[2], known[i].best_known);
	}
	teardown(&f);
}
END_TEST

/* Every way of scoring finds good subnets, and what is reported is the predictor's own. */
START_TEST(released_by_every_set)
{
	static const char *const sets[] = {"float32", "avxvnni", "avx512vnni", "amx"};
	struct ofa_error err = {0};
	float *workspace;
	struct fixture f;

	if (!shared_available())
		return;
	setup_released(&f);
	workspace = malloc(ofa_predictor_workspace(&f.predictor, 1) * sizeof *workspace);
	ck_assert_ptr_nonnull(workspace);
	ck_assert_int_eq(ofa_search_problem_use(f.problem, "no such set", NULL), OFA_ERR_NOT_FOUND);
	for (size_t i = 0; i < OFA_ARRAY_LEN(sets); i++) {
		struct ofa_search_options opt = {.seed = 1, .evaluations = 8000};
		struct ofa_search_result r;
		float accuracy;

		if (ofa_search_problem_use(f.problem, sets[i], NULL)) {
			printf("SKIP %s: this processor lacks it\n", sets[i]);
			continue;
		}
		ofa_limits_init(&opt.limits);
		opt.limits.max[OFA_LATENCY_MS] = 20;
		ASSERT_OK(ofa_search_run(f.problem, &opt, &r, NULL, &err), &err);
		ofa_predictor_predict(&f.net.space, &f.predictor, &r.arch, 1, workspace, &accuracy);
		ck_assert(r.predicted_accuracy == (double)accuracy);
		ck_assert_double_ge(r.predicted_accuracy, 0.8079 - 0.002);
	}
	free(workspace);
	teardown(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		tables_equal_plan,
		tables_with_elastic_widths,
		tables_by_precision,
		promises_by_precision,
		any_limits,
		limits_at_the_edge,
		limits_that_exclude_each_other,
		search_with_elastic_widths,
		limits_without_meaning,
		cancel_and_progress,
		given_as_found,
		knapsack_is_optimal,
		finds_the_optimum,
		released_quality,
		released_by_every_set,
	};

	return run_tests("search", tests, OFA_ARRAY_LEN(tests));
}
