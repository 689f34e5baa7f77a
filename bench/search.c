/* Search quality and time, one thread: for each limit the predicted accuracy, its gap to the best known, the
 * evaluations and the milliseconds of processor time; cold, the same in floats, answered from a kept front, and the
 * front itself.  On the published MobileNetV3 predictor and Note10 tables where they are at hand, else cold only on the
 * network that ships, under MAC limits.
 *   bench/search [EVALUATIONS [SEEDS [NETWORK]]] */
#include <stdio.h>
#include <stdlib.h>

#include <time.h>

#include "problem.h"
#include "predict/scorer.h"
#include "search/front.h"

#define MAX_SEEDS 100
#define FIRST_SEED 20001 /* doc/search.md has other seeds, too, which no constant was chosen on */
#define N_LIMITS 8

static const double note10_ms[N_LIMITS] = {12, 15, 20, 25, 30, 35, 40, 50};
/* Best of searches with millions of evaluations; source: the README beside the tables. */
static const double best_known[N_LIMITS] = {0.7696515, 0.7879995, 0.8079035, 0.8222250,
                                            0.8318710, 0.8379100, 0.8426805, 0.8515425};

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Other programs on the machine do not count. */
static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* front: answers come from it, or NULL.  Returns the median gap through ret_gap, which may be NULL. */
static enum ofa_status run_limit(const struct ofa_search_problem *p, const struct ofa_front *front,
                                 enum ofa_resource r, double limit, double known, int evaluations, int seeds,
                                 double *ret_gap, struct ofa_error *err)
{
	double accuracy[MAX_SEEDS], ms[MAX_SEEDS], used = 0;
	struct ofa_search_options opt = {.evaluations = evaluations};

	ofa_limits_init(&opt.limits);
	opt.limits.max[r] = limit;
	for (int i = 0; i < seeds; i++) {
		struct ofa_search_result result;
		enum ofa_status st;

		opt.seed = (uint64_t)(FIRST_SEED + i);
		ms[i] = cpu_ms();
		st = front ? ofa_front_answer(p, front, &opt, &result, NULL, err)
			   : ofa_search_run(p, &opt, &result, NULL, err);
		if (st)
			return st;
		accuracy[i] = result.predicted_accuracy;
		ms[i] = cpu_ms() - ms[i];
		used += result.evaluations;
	}
	qsort(accuracy, (size_t)seeds, sizeof(double), compare);
	qsort(ms, (size_t)seeds, sizeof(double), compare);
	printf("%12.5g  %8.5f  %8.5f", limit, accuracy[seeds / 2], accuracy[0]);
	if (known > 0)
		printf("  %10.5f  %9.5f", known - accuracy[seeds / 2], known - accuracy[0]);
	printf("  %11.0f  %9.2f  %6.2f\n", used / seeds, ms[seeds / 2], ms[(seeds * 95 + 99) / 100 - 1]);
	if (ret_gap)
		*ret_gap = known - accuracy[seeds / 2];
	return OFA_OK;
}

static enum ofa_status table(const char *title, const struct ofa_search_problem *p, const struct ofa_front *front,
                             int evaluations, int seeds, struct ofa_error *err)
{
	double gap, mean = 0;
	enum ofa_status st = OFA_OK;

	printf("%s\n  latency ms    median     worst  gap median  gap worst  evaluations  ms median  ms p95\n", title);
	for (int i = 0; !st && i < N_LIMITS; i++) {
		st = run_limit(p, front, OFA_LATENCY_MS, note10_ms[i], best_known[i], evaluations, seeds, &gap, err);
		mean += gap / N_LIMITS;
	}
	if (!st)
		printf("  mean of the medians' gaps: %.5f\n", mean);
	return st;
}

static enum ofa_status bench_front(const struct ofa_search_problem *p, int seeds, struct ofa_error *err)
{
	double ms[MAX_SEEDS], gap[MAX_SEEDS], within = 0;
	struct released_front known;
	enum ofa_status st = released_front(&known, err);

	for (int i = 0; !st && i < seeds; i++) {
		struct ofa_front_options opt = {
			.metric = OFA_LATENCY_MS, .min = 12, .max = 75, .seed = (uint64_t)(FIRST_SEED + i)};
		struct ofa_front front;
		int exceeding;

		ofa_limits_init(&opt.limits);
		ms[i] = cpu_ms();
		st = ofa_front_run(p, &opt, &front, err);
		if (st)
			return st;
		ms[i] = cpu_ms() - ms[i];
		gap[i] = released_front_gap(&known, &front, 0.001, &exceeding);
		within += 100.0 * (known.n - exceeding) / known.n / seeds;
		ofa_front_release(&front);
	}
	if (st)
		return st;
	qsort(ms, (size_t)seeds, sizeof(double), compare);
	qsort(gap, (size_t)seeds, sizeof(double), compare);
	printf("front of 64 limits, 12 to 75 ms, %d evaluations: %.0f ms median, %.0f p95\n"
	       "  mean gap to the best known %.5f (median seed), %.5f (worst); %.0f %% of the limits within .001\n",
	       OFA_FRONT_DEFAULT_EVALUATIONS, ms[seeds / 2], ms[(seeds * 95 + 99) / 100 - 1], gap[seeds / 2],
	       gap[seeds - 1], within);
	return OFA_OK;
}

static enum ofa_status bench_warm(const struct ofa_search_problem *p, int seeds, struct ofa_error *err)
{
	struct ofa_front_options opt = {
		.metric = OFA_LATENCY_MS,
		.points = OFA_FRONT_KEPT_POINTS,
		.evaluations = OFA_FRONT_KEPT_EVALUATIONS,
	};
	struct ofa_front front;
	double ms = cpu_ms();
	enum ofa_status st;

	ofa_limits_init(&opt.limits);
	st = ofa_front_run(p, &opt, &front, err);
	if (st)
		return st;
	printf("kept front: %d limits, %d evaluations, %.2f s\n", opt.points, opt.evaluations, (cpu_ms() - ms) / 1e3);
	st = table("warm", p, &front, 0, seeds, err);
	ofa_front_release(&front);
	return st;
}

static enum ofa_status bench_released(int evaluations, int seeds, struct ofa_error *err)
{
	struct bench_problem b;
	enum ofa_status st = bench_problem_released(&b, err);

	printf("MobileNetV3 w1.2, published predictor, Note10 tables, %d seeds\n", seeds);
	if (!st)
		st = table("cold", b.problem, NULL, evaluations, seeds, err);
	if (!st)
		st = bench_front(b.problem, seeds, err);
	if (!st)
		st = bench_warm(b.problem, seeds, err);
	if (!st)
		st = ofa_search_problem_use(b.problem, OFA_SCORER_FLOAT, err);
	if (!st)
		st = table("cold, scored in floats", b.problem, NULL, evaluations, seeds, err);
	bench_problem_release(&b);
	return st;
}

static enum ofa_status bench_network(const char *path, int evaluations, int seeds, struct ofa_error *err)
{
	struct bench_problem b;
	struct ofa_feasible range = {0};
	enum ofa_status st = bench_problem_load(path, &b, err);

	if (!st)
		ofa_search_feasible(b.problem, &range);
	printf("%s, its own predictor, %d seeds\n", path, seeds);
	printf("        macs    median     worst  evaluations  ms median  ms p95\n");
	for (int i = 1; !st && i <= N_LIMITS; i++) {
		double limit = range.min[OFA_MACS] + (range.max[OFA_MACS] - range.min[OFA_MACS]) * i / N_LIMITS;

		st = run_limit(b.problem, NULL, OFA_MACS, limit, 0, evaluations, seeds, NULL, err);
	}
	bench_problem_release(&b);
	return st;
}

int main(int argc, char **argv)
{
	int evaluations = argc > 1 ? atoi(argv[1]) : 0, seeds = argc > 2 ? atoi(argv[2]) : 20;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (seeds < 1 || seeds > MAX_SEEDS) {
		fprintf(stderr, "SEEDS must be 1 to %d\n", MAX_SEEDS);
		return 2;
	}
	if (argc <= 3 && released_path("real/ofa_mbv3_w1.2_acc_predictor.pth"))
		st = bench_released(evaluations, seeds, &err);
	else
		st = bench_network(argc > 3 ? argv[3] : "models/fashion/fashion.safetensors", evaluations, seeds, &err);
	if (st)
		fprintf(stderr, "bench/search: %s: %s\n", err.field, err.message);
	return st ? 1 : 0;
}
