/* Images per second of one elastic training step: four random subnets plus the teacher, batch 128, 28x28, two threads:
 * the network the issue states (1.1 M parameters, 21 MMACs).  PyTorch 1.13 on two cores of the machine this was
 * written on: 61 to 93 images/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cost/costs.h"
#include "train/step.h"

#define BATCH 128
#define SIZE 28
#define SUBNETS 4
#define RUNS 9
#define BASELINE_LOW 61.0
#define BASELINE_HIGH 93.0

static const char space_json[] =
	"{\"family\":\"mbconv\",\"name\":\"bench\",\"input_channels\":1,\"classes\":10,\"bn_eps\":1e-5,\"resolutions\":"
	"[28],"
	"\"stem\":{\"width\":8,\"stride\":1,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":8,\"kernel\":3,\"act\":\"relu\",\"se\":false,\"residual\":true},"
	"\"kernels\":[3,5,7],\"expands\":[3,4,6],\"depths\":[2,3,4],\"stages\":["
	"{\"width\":16,\"stride\":2,\"act\":\"relu\",\"se\":false},{\"width\":24,\"stride\":2,\"act\":\"relu\",\"se\":"
	"true},"
	"{\"width\":32,\"stride\":1,\"act\":\"h_swish\",\"se\":false},{\"width\":48,\"stride\":2,\"act\":\"h_swish\","
	"\"se\":true},"
	"{\"width\":64,\"stride\":1,\"act\":\"h_swish\",\"se\":true}],"
	"\"head\":{\"expand_width\":384,\"expand_act\":\"h_swish\",\"mix_width\":128,\"mix_act\":\"h_swish\"}}";

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct bench {
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_pool *pool;
	struct ofa_train_params *w;
	struct ofa_trainer *trainer;
	struct ofa_rng rng;
	float x[BATCH * SIZE * SIZE], logits[BATCH * 10], teacher[BATCH * 10], dlogits[BATCH * 10];
	uint8_t labels[BATCH];
};

static void step(struct bench *b)
{
	struct ofa_arch a;
	struct ofa_plan plan;

	ofa_train_zero_grad(b->w);
	ofa_arch_largest(&b->space, &a);
	ofa_plan_init(&b->space, &b->params, &a, &plan);
	ofa_trainer_forward(b->trainer, b->w, &plan, b->x, BATCH, false, b->teacher);
	for (int i = 0; i < SUBNETS; i++) {
		ofa_arch_sample(&b->space, &b->rng, &a);
		ofa_plan_init(&b->space, &b->params, &a, &plan);
		ofa_trainer_forward(b->trainer, b->w, &plan, b->x, BATCH, true, b->logits);
		ofa_distillation_loss(b->logits, b->labels, b->teacher, BATCH, 10, 0.1f, 1.0f, b->dlogits);
		ofa_trainer_backward(b->trainer, b->w, b->dlogits);
	}
	ofa_train_sgd(b->w, 0.01f, 0.9f, 3e-5f, b->pool);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static enum ofa_status setup(struct bench *b, unsigned threads, struct ofa_error *err)
{
	json_t *j = json_loads(space_json, JSON_REJECT_DUPLICATES, NULL);
	enum ofa_status st = ofa_space_parse(j, &b->space, err);

	json_decref(j);
	if (st == OFA_OK)
		st = ofa_params_init(&b->space, &b->params, err);
	if (st == OFA_OK)
		st = ofa_pool_new(threads, &b->pool);
	if (st == OFA_OK)
		st = ofa_train_params_new(&b->space, &b->params, &b->w, err);
	if (st == OFA_OK)
		st = ofa_trainer_new(&b->space, &b->params, BATCH, SIZE, b->pool, &b->trainer, err);
	if (st != OFA_OK)
		return st;
	ofa_train_params_init(b->w, 1);
	ofa_rng_init(&b->rng, 1);
	for (size_t i = 0; i < OFA_ARRAY_LEN(b->x); i++)
		b->x[i] = ofa_rng_normal(&b->rng);
	for (int i = 0; i < BATCH; i++)
		b->labels[i] = (uint8_t)ofa_rng_below(&b->rng, 10);
	return OFA_OK;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 2;
	struct bench *b = calloc(1, sizeof *b);
	struct ofa_error err = {0};
	struct ofa_arch a;
	struct ofa_plan plan;
	double rate[RUNS];

	if (!b || setup(b, threads, &err) != OFA_OK) {
		fprintf(stderr, "bench/train: %s\n", err.message);
		return 1;
	}
	ofa_arch_largest(&b->space, &a);
	ofa_plan_init(&b->space, &b->params, &a, &plan);
	printf("largest subnet: %.2f MMACs, %.2f M parameters; batch %d, %d subnets + teacher, %u threads\n",
	       (double)ofa_plan_macs(&plan) * 1e-6, (double)ofa_plan_params(&plan) * 1e-6, BATCH, SUBNETS, threads);
	step(b);
	for (int i = 0; i < RUNS; i++) {
		double t = now();

		step(b);
		rate[i] = BATCH / (now() - t);
	}
	qsort(rate, RUNS, sizeof *rate, by_value);
	printf("%10s %10s %10s   (%d steps after one warm-up)\n", "min", "median", "max", RUNS);
	printf("%10.0f %10.0f %10.0f   images/s\n", rate[0], rate[RUNS / 2], rate[RUNS - 1]);
	printf("ratio of the median to PyTorch 1.13 (%.0f to %.0f images/s): %.1f to %.1f\n", BASELINE_LOW,
	       BASELINE_HIGH, rate[RUNS / 2] / BASELINE_HIGH, rate[RUNS / 2] / BASELINE_LOW);
	ofa_trainer_free(b->trainer);
	ofa_train_params_free(b->w);
	ofa_pool_free(b->pool);
	ofa_params_release(&b->params);
	free(b);
	return 0;
}
