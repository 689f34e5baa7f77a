/* Predictors fitted to measured pairs, judged on a fifth of the archs that they were not fitted on, by batch and
 * resolution, over several seeds; then what a prediction costs.  On published MobileNetV3 w1.0 pairs where they are at
 * hand, or on a file of pairs of a network.
 *   bench/predictor [SEEDS [KIND [NETWORK PAIRS.csv]]]      KIND: pairwise (default) or mlp */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "import/pairs.h"
#include "predict/holdout.h"
#include "released.h"
#include "tensor/gemm.h"

#define MAX_SEEDS 20
#define MAX_LINES 1024
#define TIMED_ARCHS 4096
#define TIMED_ROUNDS 50

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Means over seeds; a line's mean square error is averaged. */
struct totals {
	int n;
	struct {
		struct ofa_holdout_line line;
		double square, tau;
		int seeds, taus;
	} lines[MAX_LINES];
};

static void add(struct totals *t, const struct ofa_holdout_line *line)
{
	int i = 0;

	while (i < t->n && (t->lines[i].line.batch != line->batch || t->lines[i].line.image_size != line->image_size))
		i++;
	if (i == MAX_LINES)
		return;
	if (i == t->n) {
		t->lines[t->n++].line = *line;
	} else {
		t->lines[i].line.n += line->n;
	}
	t->lines[i].square += line->rmse * line->rmse;
	t->lines[i].seeds++;
	if (isfinite(line->tau)) {
		t->lines[i].tau += line->tau;
		t->lines[i].taus++;
	}
}

static void print_totals(const struct totals *t, const struct ofa_pairs_file *file)
{
	printf("%-12s %10s %8s %12s %8s\n", "batch", "resolution", "unseen", "RMSE points", "tau");
	for (int i = 0; i < t->n; i++) {
		const struct ofa_holdout_line *l = &t->lines[i].line;
		char size[16] = "all";

		if (l->image_size)
			snprintf(size, sizeof(size), "%d", l->image_size);
		printf("%-12s %10s %8.1f %12.4f %8.3f\n", l->batch < 0 ? "all" : file->names[l->batch], size,
		       (double)l->n / t->lines[i].seeds, 100 * sqrt(t->lines[i].square / t->lines[i].seeds),
		       t->lines[i].taus ? t->lines[i].tau / t->lines[i].taus : NAN);
	}
}

static enum ofa_status judge(const struct ofa_space *s, const struct ofa_pairs_file *file,
			     enum ofa_predictor_kind kind, int seeds, struct ofa_error *err)
{
	static struct totals totals;
	struct ofa_holdout_options opt = {.kind = kind, .share = 0.2};
	double start = cpu_seconds();
	enum ofa_status st = OFA_OK;

	for (int seed = 1; !st && seed <= seeds; seed++) {
		struct ofa_holdout h;

		opt.seed = (uint64_t)seed;
		st = ofa_holdout_run(s, &file->pairs, &opt, &h, err);
		if (st)
			break;
		for (int i = 0; i < h.n_lines; i++)
			add(&totals, &h.lines[i]);
		ofa_holdout_release(&h);
	}
	if (!st) {
		print_totals(&totals, file);
		printf("%d pairs, %d splits, %.1f s of processor time each\n", file->pairs.n, seeds,
		       (cpu_seconds() - start) / seeds);
	}
	return st;
}

/* Processor time of one prediction, the median round. */
static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double time_predictions(const struct ofa_space *s, const struct ofa_predictor *p)
{
	static struct ofa_arch archs[TIMED_ARCHS];
	static float accuracy[TIMED_ARCHS];
	float *workspace = malloc(ofa_predictor_workspace(p, TIMED_ARCHS) * sizeof(*workspace));
	double seconds[TIMED_ROUNDS];
	struct ofa_rng rng;

	ofa_rng_init(&rng, 1);
	for (int i = 0; i < TIMED_ARCHS; i++) {
		ofa_arch_sample(s, &rng, &archs[i]);
		archs[i].image_size = p->resolutions[i % p->n_resolutions];
	}
	for (int i = 0; i < TIMED_ROUNDS; i++) {
		double start = cpu_seconds();

		ofa_predictor_predict(s, p, archs, TIMED_ARCHS, workspace, accuracy);
		seconds[i] = cpu_seconds() - start;
	}
	free(workspace);
	qsort(seconds, TIMED_ROUNDS, sizeof(seconds[0]), compare);
	return seconds[TIMED_ROUNDS / 2] / TIMED_ARCHS;
}

static enum ofa_status time_kinds(const struct ofa_space *s, const struct ofa_pairs_file *file, struct ofa_error *err)
{
	struct ofa_pairwise_options quick = {.iterations = 1};
	struct ofa_predictor_fit_options wide = {.n_hidden = 3, .hidden = {400, 400, 400}, .epochs = 1};
	struct ofa_pairwise_fit *fit = NULL;
	struct ofa_predictor pairwise = {0}, mlp = {0};
	enum ofa_status st = ofa_pairwise_fit_new(s, &file->pairs, &quick, &fit, err);

	if (!st)
		st = ofa_pairwise_fit_predictor(fit, s, 0, &pairwise, err);
	if (!st)
		st = ofa_predictor_fit(s, file->pairs.archs, file->pairs.accuracy, file->pairs.n, &wide, &mlp, err);
	if (!st)
		printf("one prediction: pairwise %.3f us, MLP of three layers of 400 units %.2f us\n",
		       1e6 * time_predictions(s, &pairwise), 1e6 * time_predictions(s, &mlp));
	ofa_predictor_release(&pairwise);
	ofa_predictor_release(&mlp);
	ofa_pairwise_fit_free(fit);
	return st;
}

/* The released ResNet50 predictor, most of whose weights are denormal in its file, and one of its shape with weights
 * that are not. */
static enum ofa_status time_released(struct ofa_error *err)
{
	enum { SAMPLES = 256 };
	struct ofa_predictor_fit_options wide = {.n_hidden = 3, .hidden = {400, 400, 400}, .epochs = 1};
	struct ofa_predictor released = {0}, random = {0};
	struct ofa_arch archs[SAMPLES];
	float accuracy[SAMPLES];
	struct ofa_space space;
	struct ofa_rng rng;
	enum ofa_status st = ofa_space_preset("resnet50", 1.0, 1000, &space, err);

	if (!st)
		st = released_resnet_predictor(&space, &released, err);
	ofa_rng_init(&rng, 1);
	for (int i = 0; !st && i < SAMPLES; i++) {
		ofa_arch_sample(&space, &rng, &archs[i]);
		archs[i].image_size = released.resolutions[i % released.n_resolutions];
		accuracy[i] = 0.7f + 0.1f * ofa_rng_float(&rng);
	}
	if (!st)
		st = ofa_predictor_fit(&space, archs, accuracy, SAMPLES, &wide, &random, err);
	if (!st)
		printf("one prediction: released ResNet50 MLP %.2f us, the same shape with random weights %.2f us\n",
		       1e6 * time_predictions(&space, &released), 1e6 * time_predictions(&space, &random));
	ofa_predictor_release(&released);
	ofa_predictor_release(&random);
	return st;
}

int main(int argc, char **argv)
{
	int seeds = argc > 1 ? atoi(argv[1]) : 3;
	enum ofa_predictor_kind kind = argc > 2 && strcmp(argv[2], "mlp") == 0 ? OFA_PREDICTOR_MLP
									       : OFA_PREDICTOR_PAIRWISE;
	const char *path = argc > 4 ? argv[4] : released_path("real/ofa_mbv3_w1.0_arch_acc.csv");
	struct ofa_supernet *net = NULL;
	struct ofa_pairs_file file = {0};
	struct ofa_space space;
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	if (seeds < 1 || seeds > MAX_SEEDS || argc == 4 || !path) {
		fprintf(stderr, "usage: bench/predictor [SEEDS of 1 to %d [KIND [NETWORK PAIRS.csv]]]\n", MAX_SEEDS);
		return 2;
	}
	ofa_blas_single_thread();
	if (argc > 4)
		st = ofa_supernet_load(argv[3], &net, &err);
	else
		st = ofa_space_preset("mbv3", 1.0, 1000, &space, &err);
	if (!st && net)
		space = net->space;
	if (!st)
		st = ofa_pairs_load(&space, path, &file, &err);
	if (!st)
		st = judge(&space, &file, kind, seeds, &err);
	if (!st)
		st = time_kinds(&space, &file, &err);
	if (!st && released_path("real/ofa_resnet50_acc_predictor.pth"))
		st = time_released(&err);
	if (st)
		fprintf(stderr, "bench/predictor: %s: %s\n", err.field, err.message);
	ofa_pairs_file_release(&file);
	ofa_supernet_free(net);
	return st ? 1 : 0;
}
