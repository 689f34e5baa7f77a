#include "imagenet.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "train/step.h"

static double clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

enum ofa_status bench_median(bench_fn *fn, void *ctx, int runs, struct bench_time *ret, struct ofa_error *err)
{
	double wall[BENCH_MAX_RUNS], cpu[BENCH_MAX_RUNS];

	runs = runs < 1 ? 1 : runs > BENCH_MAX_RUNS ? BENCH_MAX_RUNS : runs;
	for (int i = -1; i < runs; i++) {
		double w = clock_ms(CLOCK_MONOTONIC), c = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
		enum ofa_status st = fn(ctx, err);

		if (st != OFA_OK)
			return st;
		if (i < 0)
			continue;
		wall[i] = clock_ms(CLOCK_MONOTONIC) - w;
		cpu[i] = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - c;
	}
	qsort(wall, (size_t)runs, sizeof *wall, compare);
	qsort(cpu, (size_t)runs, sizeof *cpu, compare);
	*ret = (struct bench_time){.wall_ms = wall[runs / 2], .cpu_ms = cpu[runs / 2]};
	return OFA_OK;
}

static enum ofa_status save(const char *path, const struct ofa_train_params *weights, int images, struct ofa_error *err)
{
	static const float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
	const size_t n = (size_t)images * BENCH_SIZE * BENCH_SIZE * BENCH_CHANNELS;
	uint8_t *pixels = malloc(n + 1);
	struct ofa_rng rng;
	enum ofa_status st;

	if (!pixels)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d images", images);
	ofa_rng_init(&rng, 2);
	for (size_t i = 0; i < n; i++)
		pixels[i] = (uint8_t)ofa_rng_below(&rng, 256);
	st = ofa_supernet_save(path,
	                       &(struct ofa_supernet_parts){
		                       .name = weights->space->name,
		                       .space = weights->space,
		                       .params = weights->params,
		                       .data = (const float *const *)weights->data,
		                       .mean = mean,
		                       .std = std,
		                       .calibration = images ? pixels : NULL,
		                       .n_calibration = images,
		                       .calibration_h = BENCH_SIZE,
		                       .calibration_w = BENCH_SIZE,
	                       },
	                       err);
	free(pixels);
	return st;
}

enum ofa_status bench_network(int calibration_images, struct ofa_supernet **ret, struct ofa_error *err)
{
	const char *dir = getenv("TMPDIR");
	struct ofa_train_params *weights = NULL;
	struct ofa_params params;
	struct ofa_space space;
	char path[512];
	enum ofa_status st = ofa_space_preset("mbv3", 1.2, 1000, &space, err);

	snprintf(path, sizeof path, "%s/ofa-bench-%ld.safetensors", dir ? dir : "/tmp", (long)getpid());
	if (st == OFA_OK)
		st = ofa_params_init(&space, &params, err);
	if (st != OFA_OK)
		return st;
	st = ofa_train_params_new(&space, &params, &weights, err);
	if (st == OFA_OK) {
		ofa_train_params_init(weights, 1);
		st = save(path, weights, calibration_images, err);
	}
	if (st == OFA_OK)
		st = ofa_supernet_load(path, ret, err);
	unlink(path);
	ofa_train_params_free(weights);
	ofa_params_release(&params);
	return st;
}

enum ofa_status bench_plan(const struct ofa_supernet *net, bool largest, struct ofa_plan **ret, struct ofa_error *err)
{
	struct ofa_plan *plan = malloc(sizeof *plan);
	struct ofa_arch arch;

	if (!plan)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan");
	if (largest)
		ofa_arch_largest(&net->space, &arch);
	else
		ofa_arch_smallest(&net->space, &arch);
	arch.image_size = BENCH_SIZE;
	ofa_plan_init(&net->space, &net->params, &arch, plan);
	*ret = plan;
	return OFA_OK;
}
