/* Clouds of samples: each is the arch that the seed draws, at what plan and predictor say of it. */
#include <math.h>
#include <stdlib.h>

#include "predict/scorer.h"
#include "search/samples.h"
#include "search_fixture.h"

static float *draw(const struct fixture *f, int n, uint64_t seed)
{
	const struct ofa_samples_options opt = {.n = n, .seed = seed};
	float *columns = malloc((size_t)n * OFA_SAMPLE_COLUMNS * sizeof(float));
	struct ofa_error err = {0};

	ck_assert_ptr_nonnull(columns);
	ASSERT_OK(ofa_samples_draw(f->problem, &opt, columns, &err), &err);
	return columns;
}

/* By another way: archs drawn one by one, costs off the plan, accuracy by the predictor itself.  The scorer's error has
 * a tail that a normal distribution has not. */
static void check_rows(const struct fixture *f, const float *columns, int n, uint64_t seed)
{
	const double error = ofa_samples_error(f->problem) + 1e-6;
	float *workspace = malloc(ofa_predictor_workspace(&f->predictor, 1) * sizeof(float));
	struct ofa_space space = f->net.space;
	struct ofa_rng rng;
	double squares = 0;

	space.n_resolutions = 0;
	for (int r = 0; r < f->net.space.n_resolutions; r++)
		if (ofa_problem_resolution(f->problem, f->net.space.resolutions[r]) >= 0)
			space.resolutions[space.n_resolutions++] = f->net.space.resolutions[r];
	ofa_rng_init(&rng, seed);
	for (int i = 0; i < n; i++) {
		double plan[OFA_RESOURCE_COUNT], promised;
		struct ofa_arch a;
		float accuracy;

		ofa_arch_sample(&space, &rng, &a);
		costs_by_plan(f, &a, plan);
		for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
			float told = columns[ofa_sample_column((enum ofa_resource)r) * n + i];

			ck_assert(isnan(plan[r]) ? isnan(told) : told == (float)plan[r]);
		}
		ck_assert(columns[OFA_SAMPLE_IMAGE_SIZE * n + i] == (float)a.image_size);
		ofa_predictor_predict(&f->net.space, &f->predictor, &a, 1, workspace, &accuracy);
		promised = ofa_predictor_promise(&f->predictor, f->precision, (double)accuracy);
		if (isnan(promised)) {
			ck_assert(isnan(columns[i]));
			continue;
		}
		ck_assert_double_eq_tol((double)columns[i], promised, 15 * error);
		squares += ((double)columns[i] - promised) * ((double)columns[i] - promised) / n;
	}
	ck_assert_double_le(sqrt(squares), 1.5 * error);
	free(workspace);
}

/* Whole batches and parts of one. */
START_TEST(rows)
{
	const int counts[] = {1, 7, 960, 961, 3000};
	struct fixture f;

	for (int timed = 0; timed < 2; timed++) {
		setup(&f, timed);
		for (size_t i = 0; i < OFA_ARRAY_LEN(counts); i++) {
			float *columns = draw(&f, counts[i], 40 + i);

			check_rows(&f, columns, counts[i], 40 + i);
			free(columns);
		}
		teardown(&f);
	}
}
END_TEST

/* What packages of a type promise, and nothing where nothing was measured. */
START_TEST(types)
{
	for (int precision = 0; precision < OFA_PRECISION_COUNT; precision++) {
		struct ofa_error err = {0};
		struct fixture f;
		float *columns;

		setup(&f, true);
		f.precision = (enum ofa_precision)precision;
		f.predictor.promises[OFA_INT8] =
			(struct ofa_promise){.model = OFA_PROMISE_LINE, .slope = 0.9, .offset = 0.01};
		ofa_search_problem_free(f.problem);
		ASSERT_OK(ofa_search_problem_new(&f.net, &f.predictor, f.latency, f.precision, &f.problem, &err), &err);
		columns = draw(&f, 500, 3);
		check_rows(&f, columns, 500, 3);
		ck_assert_int_eq(isnan(columns[0]), precision == OFA_FLOAT16);
		free(columns);
		teardown(&f);
	}
}
END_TEST

/* A seed's first rows are the same however many are drawn; another seed draws others. */
START_TEST(seeds)
{
	struct fixture f;
	float *few, *many, *other;

	setup(&f, true);
	few = draw(&f, 500, 8);
	many = draw(&f, 2000, 8);
	other = draw(&f, 500, 9);
	for (int c = 0; c < OFA_SAMPLE_COLUMNS; c++)
		ck_assert_mem_eq(few + c * 500, many + c * 2000, 500 * sizeof(float));
	ck_assert_mem_ne(few, other, 500 * sizeof(float));
	free(few);
	free(many);
	free(other);
	teardown(&f);
}
END_TEST

START_TEST(refused)
{
	struct ofa_samples_options opt = {.n = 0};
	float columns[OFA_SAMPLE_COLUMNS];
	atomic_bool stop = true;
	struct ofa_error err = {0};
	struct fixture f;

	setup(&f, false);
	ASSERT_FAILS(ofa_samples_draw(f.problem, &opt, columns, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/n");
	opt.n = -1;
	ASSERT_FAILS(ofa_samples_draw(f.problem, &opt, columns, NULL), OFA_ERR_INVALID);
	opt.n = OFA_SAMPLES_MAX + 1;
	ASSERT_FAILS(ofa_samples_draw(f.problem, &opt, columns, NULL), OFA_ERR_INVALID);
	opt.n = 1;
	opt.cancel = &stop;
	ASSERT_FAILS(ofa_samples_draw(f.problem, &opt, columns, NULL), OFA_ERR_CANCELLED);
	teardown(&f);
}
END_TEST

/* Predictor and tables know four of the network's resolutions, and scores are in 8 bits where the processor can. */
START_TEST(released)
{
	struct ofa_error err = {0};
	struct fixture f;
	float *columns;

	if (!shared_available())
		return;
	setup_released(&f);
	columns = draw(&f, 5000, 1);
	check_rows(&f, columns, 5000, 1);
	free(columns);
	ASSERT_OK(ofa_search_problem_use(f.problem, OFA_SCORER_FLOAT, &err), &err);
	columns = draw(&f, 5000, 1);
	ck_assert(ofa_samples_error(f.problem) == 0);
	check_rows(&f, columns, 5000, 1);
	free(columns);
	teardown(&f);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {rows, types, seeds, refused, released};

	return run_tests("samples", tests, OFA_ARRAY_LEN(tests));
}
