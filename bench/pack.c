/* What a package of the largest subnet of a MobileNetV3 w1.2 at 224 (random weights) costs, and what its parts do,
 * beside copying the same bytes and taking one SHA-256 of them; what the other types cost.  PyTorch 1.13 took 120 ms to
 * extract and save that subnet on the machine where the figures of the issue were measured.
 *   bench/pack [RUNS] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "imagenet.h"
#include "pack/pack.h"

#define IMAGES 64 /* that int8 looks at */

struct bench {
	struct ofa_supernet *net;      /* without calibration images: nothing is recalibrated, */
	struct ofa_supernet *pictured; /* and with them */
	enum ofa_precision precision;
	struct ofa_plan *plan;
	struct ofa_pool *pool; /* of the step that is measured */
	uint64_t size; /* of the float32 package */
	uint8_t *dest, *from;
	float *x, *logits;
	struct ofa_subnet *sub;
	int runs;
	double memcpy_ms;
};

static struct ofa_pack_info info(const struct bench *b)
{
	return (struct ofa_pack_info){.predicted_accuracy = NAN, .latency_ms = NAN, .precision = b->precision};
}

static enum ofa_status copy(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	(void)err;
	memcpy(b->dest, b->from, b->size);
	return OFA_OK;
}

static enum ofa_status digest(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;
	uint8_t out[OFA_SHA256_BYTES];

	(void)err;
	ofa_sha256(b->from, b->size, out);
	return OFA_OK;
}

static enum ofa_status bare(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	const struct ofa_pack_info i = info(b);

	return ofa_pack_into(b->net, b->plan, NULL, &i, false, b->pool, b->dest, err);
}

static enum ofa_status whole(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	const struct ofa_pack_info i = info(b);

	return ofa_pack_into(b->precision == OFA_INT8 ? b->pictured : b->net, b->plan, NULL, &i, true, b->pool, b->dest,
			     err);
}

/* Of the package that was written last. */
static enum ofa_status check(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;
	struct ofa_package_summary summary;
	enum ofa_status st = ofa_package_read(b->dest, b->size, &summary, err);

	if (st == OFA_OK)
		ofa_package_summary_release(&summary);
	return st;
}

static enum ofa_status forward(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;

	return ofa_subnet_forward(b->sub, b->x, 1, NULL, b->logits, err);
}

static enum ofa_status deliver(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;
	const struct ofa_pack_info i = info(b);
	uint8_t *data;
	size_t size;
	enum ofa_status st = ofa_pack_build(b->net, &b->plan->arch, &i, NULL, &data, &size, NULL, err);

	if (st == OFA_OK)
		free(data);
	return st;
}

static enum ofa_status fill(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	uint8_t **at = ctx;

	(void)err;
	memcpy(*at, data, size);
	*at += size;
	return OFA_OK;
}

static enum ofa_status stream(void *ctx, struct ofa_error *err)
{
	struct bench *b = ctx;
	const struct ofa_pack_info i = info(b);
	struct ofa_packer *packer;
	uint8_t *at = b->dest;
	enum ofa_status st = ofa_packer_new(b->net, b->sub, &i, &packer, err);

	if (st != OFA_OK)
		return st;
	st = ofa_packer_write(packer, &(struct ofa_sink){.write = fill, .ctx = &at}, err);
	ofa_packer_free(packer);
	return st;
}

static enum ofa_status step(struct bench *b, const char *what, bench_fn *fn, unsigned threads,
                            enum ofa_precision precision, struct ofa_error *err)
{
	const double bytes = (double)ofa_pack_size(b->net, b->plan, precision);
	struct bench_time t;
	enum ofa_status st = ofa_pool_new(threads, &b->pool);

	b->precision = precision;
	if (st == OFA_OK)
		st = bench_median(fn, b, b->runs, &t, err);
	ofa_pool_free(b->pool);
	if (st != OFA_OK)
		return st;
	if (fn == copy)
		b->memcpy_ms = t.wall_ms;
	printf("%-48s %8.2f %8.2f %7.2f %8.2f\n", what, t.wall_ms, t.cpu_ms, bytes / t.wall_ms * 1e-6,
	       t.wall_ms / b->memcpy_ms);
	return OFA_OK;
}

static enum ofa_status setup(struct bench *b, struct ofa_error *err)
{
	const size_t pixels = (size_t)BENCH_SIZE * BENCH_SIZE * BENCH_CHANNELS;
	enum ofa_status st = bench_network(0, &b->net, err);

	if (st == OFA_OK)
		st = bench_network(IMAGES, &b->pictured, err);
	if (st == OFA_OK)
		st = bench_plan(b->net, true, &b->plan, err);
	if (st == OFA_OK)
		st = ofa_subnet_extract(b->net, b->plan, NULL, &b->sub, err);
	if (st != OFA_OK)
		return st;
	b->size = ofa_pack_size(b->net, b->plan, OFA_FLOAT32);
	b->dest = ofa_large_alloc(b->size);
	b->from = ofa_large_alloc(b->size);
	b->x = calloc(pixels, sizeof *b->x);
	b->logits = calloc((size_t)b->plan->classes, sizeof *b->logits);
	if (!b->dest || !b->from || !b->x || !b->logits)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the benchmark");
	memset(b->from, 1, b->size);
	return OFA_OK;
}

static void release(struct bench *b)
{
	ofa_subnet_free(b->sub);
	ofa_supernet_free(b->net);
	ofa_supernet_free(b->pictured);
	free(b->plan);
	free(b->dest);
	free(b->from);
	free(b->x);
	free(b->logits);
}

int main(int argc, char **argv)
{
	struct bench b = {.runs = argc > 1 ? atoi(argv[1]) : 15};
	struct ofa_error err = {0};
	struct rusage usage;
	const struct {
		const char *what;
		bench_fn *fn;
		unsigned threads;
		enum ofa_precision precision;
	} steps[] = {
		{"memcpy of the same bytes", copy, 1, OFA_FLOAT32},
		{"one SHA-256 of the same bytes", digest, 1, OFA_FLOAT32},
		{"one run of the subnet (the self-test's logits)", forward, 1, OFA_FLOAT32},
		{"package without self-test and digests", bare, 1, OFA_FLOAT32},
		{"package, 1 thread", whole, 1, OFA_FLOAT32},
		{"package, 2 threads", whole, 2, OFA_FLOAT32},
		{"reading it: all digests, the file's own", check, 1, OFA_FLOAT32},
		{"through a sink, from an extracted subnet", stream, 1, OFA_FLOAT32},
		{"delivery: fresh memory, package, device self-test", deliver, 1, OFA_FLOAT32},
		{"float16: package, 2 threads", whole, 2, OFA_FLOAT16},
		{"int8: package, 1 thread; 64 images of 224 seen", whole, 1, OFA_INT8},
		{"int8: package, 2 threads", whole, 2, OFA_INT8},
	};
	enum ofa_status st = setup(&b, &err);

	if (st == OFA_OK)
		printf("package of the largest subnet: %llu bytes; medians of %d runs into memory that is in place\n"
		       "%-48s %8s %8s %7s %8s\n",
		       (unsigned long long)b.size, b.runs, "", "wall ms", "cpu ms", "GB/s", "x memcpy");
	for (size_t i = 0; st == OFA_OK && i < OFA_ARRAY_LEN(steps); i++)
		st = step(&b, steps[i].what, steps[i].fn, steps[i].threads, steps[i].precision, &err);
	release(&b);
	if (st != OFA_OK) {
		fprintf(stderr, "bench/pack: %s\n", err.message);
		return 1;
	}
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		printf("peak resident memory of this program: %ld MB (network mapped, subnet, two buffers)\n",
		       usage.ru_maxrss / 1024);
	return 0;
}
