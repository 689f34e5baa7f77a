/* Milliseconds per image of packages, by the device runtime on one thread, from pixels to logits: the median of RUNS
 * runs, after as many that are not counted.  bench/device_onnx.mjs runs it in turns with onnxruntime.
 *   bench/device RUNS PACKAGE...
 * prints a line for each: milliseconds, bytes of arena, multiply-accumulates, kernels, path. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/file.h"
#include "ofa_device.h"

#define MOST_RUNS 100000
#define MOST_BYTES ((size_t)1 << 30)

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static double median_ms(const struct ofa_device_model *model, void *arena, float *logits, double *times, size_t runs)
{
	for (size_t i = 0; i < 2 * runs; i++) {
		const double begin = now_ms();

		ofa_device_put_pixels(model, model->pixels, arena);
		(void)ofa_device_run(model, arena, ofa_device_arena_bytes(model), NULL, logits);
		times[i % runs] = now_ms() - begin;
	}
	qsort(times, runs, sizeof(*times), by_size);
	return times[runs / 2];
}

static enum ofa_status bench_package(const char *path, size_t runs, struct ofa_error *err)
{
	double *times = calloc(runs, sizeof(*times));
	struct ofa_device_model model;
	uint8_t *package = NULL;
	float *logits = NULL;
	void *arena = NULL;
	size_t size;
	enum ofa_status st = ofa_file_read(path, MOST_BYTES, &package, &size, err);

	if (st == OFA_OK && ofa_device_load(package, size, &model, NULL) != OFA_DEVICE_OK)
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refuses %s", path);
	if (st == OFA_OK) {
		arena = ofa_large_alloc(ofa_device_arena_bytes(&model));
		logits = calloc(model.classes, sizeof(*logits));
		if (!arena || !logits || !times)
			st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for an arena");
		else if (ofa_device_self_test(&model, arena, ofa_device_arena_bytes(&model)) != OFA_DEVICE_OK)
			st = ofa_fail(err, OFA_ERR_MISMATCH, NULL, "%s fails its self-test", path);
	}
	if (st == OFA_OK)
		printf("%.6f %zu %llu %s %s\n", median_ms(&model, arena, logits, times, runs),
		       ofa_device_arena_bytes(&model), (unsigned long long)model.macs, ofa_device_kernel_name(&model),
		       path);
	free(times);
	free(package);
	free(logits);
	free(arena);
	return st;
}

int main(int argc, char **argv)
{
	const long runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	struct ofa_error err = {0};
	enum ofa_status st = OFA_OK;

	if (runs < 1 || runs > MOST_RUNS) {
		fprintf(stderr, "usage: bench/device RUNS PACKAGE...\n");
		return 2;
	}
	for (int i = 2; st == OFA_OK && i < argc; i++)
		st = bench_package(argv[i], (size_t)runs, &err);
	if (st != OFA_OK)
		fprintf(stderr, "bench/device: %s\n", err.message);
	return st == OFA_OK ? 0 : 1;
}
