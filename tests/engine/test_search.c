/* Search: tables against the plan, feasible ranges, limits of every kind, same seed same answer. */
#include <math.h>
#include <string.h>

#include "pack/pack.h"
#include "released.h"
#include "search/knapsack.h"
#include "search/problem.h"
#include "shared.h"
#include "spaces.h"

/* A network of shapes with a random predictor and, if asked for, a table that grows with the work. */
struct fixture {
	struct ofa_supernet net;
	struct ofa_predictor predictor;
	struct ofa_profile profile;
	struct ofa_latency_model *latency;
	struct ofa_search_problem *problem;
};

static void random_predictor(const struct ofa_space *s, struct ofa_predictor *ret)
{
	struct ofa_predictor p = {.n_layers = 2, .base = 0.5f};
	struct ofa_error err = {0};
	static float w0[32 * 512], w1[32], b0[32];
	struct ofa_rng rng;

	ofa_rng_init(&rng, 77);
	p.n_resolutions = s->n_resolutions;
	memcpy(p.resolutions, s->resolutions, sizeof(p.resolutions));
	p.width[0] = ofa_predictor_feature_count(s, s->n_resolutions);
	p.width[1] = 32;
	p.width[2] = 1;
	ck_assert_int_le(p.width[0], 512);
	for (int i = 0; i < 32 * p.width[0]; i++)
		w0[i] = ofa_rng_normal(&rng) * 0.2f;
	for (int i = 0; i < 32; i++) {
		w1[i] = ofa_rng_normal(&rng) * 0.02f;
		b0[i] = 0.1f;
	}
	p.w[0] = w0;
	p.w[1] = w1;
	p.b[0] = b0;
	ASSERT_OK(ofa_predictor_bind(s, &p, &err), &err);
	*ret = p;
}

/* Latency made of the unit's size, with a twist that keeps it from growing with the genes everywhere. */
static void made_up_table(const struct ofa_space *s, const struct ofa_params *params, struct ofa_profile *ret)
{
	json_t *entries = json_object(), *profile;
	struct ofa_error err = {0};

	for (int r = 0; r < s->n_resolutions; r++) {
		json_t *rows = json_object();
		struct ofa_key_list l;
		char name[8];

		ASSERT_OK(ofa_latency_keys(s, params, s->resolutions[r], &l, &err), &err);
		for (size_t i = 0; i < l.n; i++) {
			double ms = 0.01 * s->resolutions[r] + 0.003 * (double)((i * 7919) % 101);

			json_object_set_new(rows, l.keys[i], json_pack("{s:f}", "mean", ms));
		}
		snprintf(name, sizeof(name), "%d", s->resolutions[r]);
		json_object_set_new(entries, name, rows);
		ofa_key_list_release(&l);
	}
	profile =
		json_pack("{s:s, s:{s:s, s:o}}", "name", "made-up", "latency_table", "unit", "ms", "entries", entries);
	ASSERT_OK(ofa_profile_parse(profile, ret, &err), &err);
	json_decref(profile);
}

static void setup(struct fixture *f, bool with_latency)
{
	struct ofa_error err = {0};

	memset(f, 0, sizeof(*f));
	snprintf(f->net.name, sizeof(f->net.name), "tiny");
	load_space(tiny_json, &f->net.space);
	ASSERT_OK(ofa_params_init(&f->net.space, &f->net.params, &err), &err);
	random_predictor(&f->net.space, &f->predictor);
	if (with_latency) {
		made_up_table(&f->net.space, &f->net.params, &f->profile);
		ASSERT_OK(ofa_latency_model_new(&f->net.space, &f->net.params, &f->profile.table, &f->latency, &err),
			  &err);
	}
	ASSERT_OK(ofa_search_problem_new(&f->net, &f->predictor, f->latency, &f->problem, &err), &err);
}

static void teardown(struct fixture *f)
{
	ofa_search_problem_free(f->problem);
	ofa_latency_model_free(f->latency);
	ofa_profile_release(&f->profile);
	ofa_predictor_release(&f->predictor);
	ofa_params_release(&f->net.params);
}

static void costs_by_plan(const struct fixture *f, const struct ofa_arch *a, double value[OFA_RESOURCE_COUNT])
{
	static struct ofa_memory_plan memory;
	static struct ofa_plan plan;

	ofa_plan_init(&f->net.space, &f->net.params, a, &plan);
	ofa_memory_plan_init(&plan, &memory);
	value[OFA_LATENCY_MS] = f->latency ? ofa_latency_ms(f->latency, a) : NAN;
	value[OFA_MACS] = (double)ofa_plan_macs(&plan);
	value[OFA_PEAK_MEMORY_BYTES] = memory.arena_bytes;
	value[OFA_STORAGE_BYTES] = (double)ofa_pack_size(&f->net, &plan);
}

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

static void check_result(const struct fixture *f, const struct ofa_limits *l, const struct ofa_search_result *r)
{
	struct ofa_arch canonical = r->arch;
	double plan[OFA_RESOURCE_COUNT];

	ofa_arch_canonical(&f->net.space, &canonical);
	ck_assert(ofa_arch_equal(&canonical, &r->arch));
	costs_by_plan(f, &r->arch, plan);
	for (int k = 0; k < OFA_RESOURCE_COUNT; k++) {
		ck_assert(isnan(plan[k]) ? isnan(r->value[k]) : plan[k] == r->value[k]);
		if (!isinf(l->max[k]))
			ck_assert_msg(plan[k] <= l->max[k], "%s %.17g over %.17g", ofa_resource_name(k), plan[k],
				      l->max[k]);
	}
}

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
	ASSERT_FAILS(ofa_search_run(f.problem, &opt, &r, NULL, &err), OFA_ERR_INFEASIBLE);
	ck_assert_str_eq(err.field, "/limits");
	ck_assert_ptr_nonnull(strstr(err.message, "macs"));
	ck_assert_ptr_nonnull(strstr(err.message, "latency_ms"));
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
						 .depths = {1, 2},
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
	for (int capacity = 0; capacity < 170; capacity += 3) {
		float best = -INFINITY;
		struct ofa_arch a = {0};

		for (int code = 0; code < 4 * 256; code++) {
			int depth[2] = {1 + (code & 1), 1 + (code >> 1 & 1)}, weight = 0;
			float gain = k.depth_gain[0][depth[0] - 1] + k.depth_gain[1][depth[1] - 1];

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

/* The published predictor and tables: never far from the best known, at a tenth of the reference's budget. */
START_TEST(released_quality)
{
	static const struct {
		double limit, best_known, gap;
	} known[] = {{12, 0.76965, 0.001},
		     {15, 0.78800, 0.004},
		     {20, 0.80790, 0.004},
		     {30, 0.83187, 0.006},
		     {50, 0.85154, 0.012}};
	struct ofa_error err = {0};
	struct ofa_feasible range;
	struct fixture f;

	if (!shared_available())
		return;
	memset(&f, 0, sizeof(f));
	ASSERT_OK(released_network(&f.net, &err), &err);
	ASSERT_OK(released_profile(&f.profile, &err), &err);
	ASSERT_OK(released_predictor(&f.net.space, &f.predictor, &err), &err);
	ASSERT_OK(ofa_latency_model_new(&f.net.space, &f.net.params, &f.profile.table, &f.latency, &err), &err);
	ASSERT_OK(ofa_search_problem_new(&f.net, &f.predictor, f.latency, &f.problem, &err), &err);
	check_tables(&f, 4000);
	ofa_search_feasible(f.problem, &range);
	ck_assert_double_eq_tol(range.min[OFA_LATENCY_MS], 9.890, 1e-3);
	ck_assert_double_eq_tol(range.max[OFA_LATENCY_MS], 92.398, 1e-3);
	ck_assert_double_eq(range.max[OFA_MACS], 843101040);
	for (size_t i = 0; i < OFA_ARRAY_LEN(known); i++) {
		struct ofa_search_options opt = {.seed = 1, .evaluations = 5000};
		struct ofa_search_result r;

		ofa_limits_init(&opt.limits);
		opt.limits.max[OFA_LATENCY_MS] = known[i].limit;
		ASSERT_OK(ofa_search_run(f.problem, &opt, &r, NULL, &err), &err);
		check_result(&f, &opt.limits, &r);
		ck_assert_double_ge(r.predicted_accuracy, known[i].best_known - known[i].gap);
	}
	teardown(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		tables_equal_plan,      any_limits,          limits_at_the_edge,  limits_that_exclude_each_other,
		limits_without_meaning, cancel_and_progress, knapsack_is_optimal, finds_the_optimum,
		released_quality,
	};

	return run_tests("search", tests, OFA_ARRAY_LEN(tests));
}
