/* Milliseconds per image of the largest and smallest subnet of a MobileNetV3 w1.2 at 224 (random weights), by the
 * engine and by the device runtime, for several batches and threads; then batch norm recalibration of the largest.
 * PyTorch 1.13 took 30 and 12 ms for one image on one thread, and 189 ms per image at batch 16, on the machine where
 * the figures of the issue were measured.
 *   bench/run [RUNS [CALIBRATION_IMAGES]] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "imagenet.h"
#include "ofa_device.h"
#include "ops/kernels.h"
#include "pack/pack.h"
#include "tensor/gemm.h"

#define MOST_IMAGES 16
#define MOST_THREADS 2
#define PRODUCT 768

struct bench {
	struct ofa_supernet *net;
	struct ofa_plan *plan;
	struct ofa_subnet *sub;
	struct ofa_pool *pools[MOST_THREADS];
	struct ofa_device_model model;
	uint8_t *package;
	void *arenas[MOST_THREADS];
	float *x, *logits;
	int runs;
	/* of the step that is measured */
	struct ofa_pool *pool;
	int batch;
	double product_gflops;
};

struct product {
	float *a, *b, *c;
	const struct ofa_kernels *kernels;
};

static enum ofa_status blas_product(void *ctx, struct ofa_error *err)
{
	struct product *p = ctx;

	(void)err;
	ofa_gemm_nt(PRODUCT, PRODUCT, PRODUCT, p->a, PRODUCT, p->b, PRODUCT, 0.0f, p->c, PRODUCT);
	return OFA_OK;
}

static enum ofa_status panel_product(void *ctx, struct ofa_error *err)
{
	struct product *p = ctx;

	(void)err;
	p->kernels->conv(&(struct ofa_panel_conv){
		.x = p->a,
		.x_pixel = PRODUCT,
		.rows = 1,
		.taps = PRODUCT,
		.w = p->b,
		.bias = p->a,
		.y = p->c,
		.y_pixel = PRODUCT,
		.y_channel = 1,
		.lines = 1,
		.pixels = PRODUCT,
		.c_out = PRODUCT,
	});
	return OFA_OK;
}

/* The best that this machine does with a large product, for comparison; 0 when out of memory. */
static double measure_products(int runs)
{
	static const char *const isas[] = {"avx512", "avx2", "generic"};
	const size_t n = (size_t)PRODUCT * PRODUCT;
	struct product p = {.a = calloc(3 * n, sizeof(float))};
	const double flops = 2e-6 * (double)n * PRODUCT;
	double best = 0;
	struct bench_time t;

	if (!p.a)
		return 0;
	p.b = p.a + n;
	p.c = p.b + n;
	for (size_t i = 0; i < 2 * n; i++)
		p.a[i] = (float)(i % 17) - 8;
	if (bench_median(blas_product, &p, runs, &t, NULL) == OFA_OK) {
		best = flops / t.cpu_ms;
		printf("product of two %dx%d matrices, GFLOP/s of one thread: OpenBLAS %s %.0f", PRODUCT, PRODUCT,
		       ofa_blas_core_name(), best);
	}
	for (size_t i = 0; i < OFA_ARRAY_LEN(isas); i++) {
		p.kernels = ofa_kernels_named(isas[i]);
		if (!p.kernels || bench_median(panel_product, &p, runs, &t, NULL) != OFA_OK)
			continue;
		printf(", our %s %.0f", isas[i], flops / t.cpu_ms);
		best = flops / t.cpu_ms > best ? flops / t.cpu_ms : best;
	}
	printf("\n");
	free(p.a);
	return best;
}

static enum ofa_status run_engine(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	return ofa_subnet_forward(b->sub, b->x, b->batch, b->pool, b->logits, err);
}

static void device_part(void *ctx, unsigned t, unsigned threads)
{
	struct bench *b = ctx;
	const size_t pixels = (size_t)BENCH_SIZE * BENCH_SIZE * BENCH_CHANNELS;
	size_t begin, end;

	ofa_pool_part((size_t)b->batch, t, threads, &begin, &end);
	for (size_t i = begin; i < end; i++)
		(void)ofa_device_run(&b->model, b->arenas[t], ofa_device_arena_bytes(&b->model), b->x + i * pixels,
		                     b->logits + i * b->model.classes);
}

static enum ofa_status run_device(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	(void)err;
	ofa_pool_run(b->pool, device_part, b);
	return OFA_OK;
}

static enum ofa_status calibrate(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;
	struct ofa_bn_stats stats;
	enum ofa_status st = ofa_calibrate_builtin(b->net, b->plan, b->batch, b->pool, &stats, err);

	if (st == OFA_OK)
		ofa_bn_stats_release(&stats);
	return st;
}

static enum ofa_status step(struct bench *b, const char *what, bench_fn *fn, int batch, unsigned threads, int runs,
                            struct ofa_error *err)
{
	const double gflop = 2e-9 * (double)ofa_plan_macs(b->plan) * batch;
	struct bench_time t;
	enum ofa_status st;

	b->pool = b->pools[threads - 1];
	b->batch = batch;
	st = bench_median(fn, b, runs, &t, err);
	if (st == OFA_OK)
		printf("%-26s %6d %8u %10.2f %10.2f %9.0f %8.0f %%\n", what, batch, threads, t.wall_ms / batch,
		       t.cpu_ms / batch, gflop / t.cpu_ms * 1e3, 100 * gflop / t.cpu_ms * 1e3 / b->product_gflops);
	return st;
}

static enum ofa_status open_subnet(struct bench *b, bool largest, struct ofa_error *err)
{
	const struct ofa_pack_info info = {.predicted_accuracy = NAN, .latency_ms = NAN};
	enum ofa_status st = bench_plan(b->net, largest, &b->plan, err);
	uint64_t size;

	if (st == OFA_OK)
		st = ofa_subnet_extract(b->net, b->plan, NULL, &b->sub, err);
	if (st != OFA_OK)
		return st;
	size = ofa_pack_size(b->net, b->plan, OFA_FLOAT32);
	b->package = ofa_large_alloc(size);
	b->logits = malloc((size_t)MOST_IMAGES * b->plan->classes * sizeof *b->logits);
	if (!b->package || !b->logits)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a package");
	st = ofa_pack_into(b->net, b->plan, NULL, &info, true, NULL, b->package, err);
	if (st == OFA_OK && ofa_device_load(b->package, size, &b->model, NULL) != OFA_DEVICE_OK)
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refuses the package");
	for (int i = 0; st == OFA_OK && i < MOST_THREADS; i++) {
		b->arenas[i] = ofa_large_alloc(ofa_device_arena_bytes(&b->model));
		if (!b->arenas[i])
			st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for an arena");
	}
	return st;
}

static void close_subnet(struct bench *b)
{
	for (int i = 0; i < MOST_THREADS; i++) {
		free(b->arenas[i]);
		b->arenas[i] = NULL;
	}
	free(b->package);
	free(b->logits);
	ofa_subnet_free(b->sub);
	free(b->plan);
	b->package = NULL;
	b->logits = NULL;
	b->sub = NULL;
	b->plan = NULL;
}

static enum ofa_status run_subnet(struct bench *b, bool largest, int calibration, struct ofa_error *err)
{
	const char *names[] = {largest ? "largest, engine" : "smallest, engine",
	                       largest ? "largest, device" : "smallest, device"};
	char device[64];
	enum ofa_status st = open_subnet(b, largest, err);

	for (unsigned threads = 1; threads <= MOST_THREADS; threads++)
		for (int batch = (int)threads; st == OFA_OK && batch <= MOST_IMAGES; batch *= 2)
			st = step(b, names[0], run_engine, batch, threads, b->runs, err);
	for (unsigned threads = 1; st == OFA_OK && threads <= MOST_THREADS; threads++) {
		snprintf(device, sizeof device, "%s %s", names[1], ofa_device_kernel_name(&b->model));
		st = step(b, device, run_device, (int)threads, threads, b->runs, err);
	}
	for (unsigned threads = 1; st == OFA_OK && largest && calibration > 0 && threads <= MOST_THREADS; threads++)
		st = step(b, "largest, recalibration", calibrate, calibration, threads, 1, err);
	close_subnet(b);
	return st;
}

int main(int argc, char **argv)
{
	const size_t floats = (size_t)MOST_IMAGES * BENCH_SIZE * BENCH_SIZE * BENCH_CHANNELS;
	struct bench b = {.runs = argc > 1 ? atoi(argv[1]) : 15, .x = malloc(floats * sizeof(float))};
	int calibration = argc > 2 ? atoi(argv[2]) : 256;
	struct ofa_error err = {0};
	enum ofa_status st = b.x ? bench_network(calibration > 0 ? calibration : 0, &b.net, &err) : OFA_ERR_NOMEM;

	for (size_t i = 0; st == OFA_OK && i < floats; i++)
		b.x[i] = (float)(i * 37 % 255) / 128 - 1;
	for (unsigned i = 0; st == OFA_OK && i < MOST_THREADS; i++)
		st = ofa_pool_new(i + 1, &b.pools[i]);
	if (st == OFA_OK) {
		b.product_gflops = measure_products(b.runs);
		printf("%-26s %6s %8s %10s %10s %9s %10s   (medians of %d runs)\n", "", "images", "threads",
		       "wall ms/im", "cpu ms/im", "GFLOP/s", "of product", b.runs);
		st = run_subnet(&b, true, calibration, &err);
	}
	if (st == OFA_OK)
		st = run_subnet(&b, false, 0, &err);
	for (unsigned i = 0; i < MOST_THREADS; i++)
		ofa_pool_free(b.pools[i]);
	ofa_supernet_free(b.net);
	free(b.x);
	if (st != OFA_OK)
		fprintf(stderr, "bench/run: %s\n", err.message);
	return st == OFA_OK ? 0 : 1;
}
