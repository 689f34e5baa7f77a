/* What a cloud of samples takes: processor time of drawing it and of its SHA-256, one thread; and how far its
 * accuracies are off.  On the network that ships and, where they are at hand, on the published MobileNetV3 predictor
 * and Note10 tables.
 *   bench/samples [N [REPEATS [NETWORK]]] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/sha256.h"
#include "predict/scorer.h"
#include "problem.h"
#include "search/samples.h"

#define MAX_REPEATS 100

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

static enum ofa_status run(const char *title, const struct ofa_search_problem *p, int n, int repeats,
			   struct ofa_error *err)
{
	const size_t bytes = (size_t)n * OFA_SAMPLE_COLUMNS * sizeof(float);
	double draw_ms[MAX_REPEATS], hash_ms[MAX_REPEATS];
	float *columns = malloc(bytes);
	enum ofa_status st = OFA_OK;

	if (!columns)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; !st && i < repeats; i++) {
		const struct ofa_samples_options opt = {.n = n, .seed = (uint64_t)i};
		uint8_t digest[OFA_SHA256_BYTES];

		draw_ms[i] = cpu_ms();
		st = ofa_samples_draw(p, &opt, columns, err);
		hash_ms[i] = cpu_ms();
		draw_ms[i] = hash_ms[i] - draw_ms[i];
		ofa_sha256(columns, bytes, digest);
		hash_ms[i] = cpu_ms() - hash_ms[i];
	}
	free(columns);
	if (st)
		return st;
	qsort(draw_ms, (size_t)repeats, sizeof(double), compare);
	qsort(hash_ms, (size_t)repeats, sizeof(double), compare);
	printf("%-24s  %7d  %9zu  %9.1f  %6.1f  %8.2f  %14.2g\n", title, n, bytes, draw_ms[repeats / 2],
	       draw_ms[(repeats * 95 + 99) / 100 - 1], hash_ms[repeats / 2], ofa_samples_error(p));
	return OFA_OK;
}

static enum ofa_status bench_released(int n, int repeats, struct ofa_error *err)
{
	struct bench_problem b;
	enum ofa_status st = bench_problem_released(&b, err);

	if (!st)
		st = run(b.name, b.problem, n, repeats, err);
	if (!st)
		st = ofa_search_problem_use(b.problem, OFA_SCORER_FLOAT, err);
	if (!st)
		st = run("the same, in floats", b.problem, n, repeats, err);
	bench_problem_release(&b);
	return st;
}

static enum ofa_status bench_network(const char *path, int n, int repeats, struct ofa_error *err)
{
	struct bench_problem b;
	enum ofa_status st = bench_problem_load(path, &b, err);

	if (!st)
		st = run(b.name, b.problem, n, repeats, err);
	bench_problem_release(&b);
	return st;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 50000, repeats = argc > 2 ? atoi(argv[2]) : 20;
	struct ofa_error err = {0};
	enum ofa_status st;

	if (repeats < 1 || repeats > MAX_REPEATS) {
		fprintf(stderr, "REPEATS must be 1 to %d\n", MAX_REPEATS);
		return 2;
	}
	printf("network                   samples      bytes  draw ms    p95  hash ms  accuracy error\n");
	st = bench_network(argc > 3 ? argv[3] : "models/fashion/fashion.safetensors", n, repeats, &err);
	if (!st && argc <= 3 && released_path("real/ofa_mbv3_w1.2_acc_predictor.pth"))
		st = bench_released(n, repeats, &err);
	if (st)
		fprintf(stderr, "bench/samples: %s: %s\n", err.field, err.message);
	return st ? 1 : 0;
}
