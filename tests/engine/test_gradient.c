/* Gradients of whole networks by finite differences: along a random direction of every parameter tensor, the change of
 * the loss must equal the analytic slope.  Spaces are small but use every feature: SE, residuals, both strides, all
 * kernel transforms, a head with and without the mixing layer. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/batch.h"
#include "train/backward.h"

#define STEP 2e-3
#define IMAGES 6

static const struct fixture {
	const char *space;
	int size;
	bool largest;
} fixtures[] = {
	{"{\"family\":\"mbconv\",\"name\":\"a\",\"input_channels\":3,\"classes\":5,\"bn_eps\":1e-3,\"resolutions\":[12]"
	 ","
	 "\"stem\":{\"width\":8,\"stride\":1,\"act\":\"h_swish\"},"
	 "\"first\":{\"width\":8,\"kernel\":3,\"act\":\"h_swish\",\"se\":false,\"residual\":true},"
	 "\"kernels\":[3,5,7],\"expands\":[2,3],\"depths\":[1,2,3],\"stages\":["
	 "{\"width\":16,\"stride\":2,\"act\":\"h_swish\",\"se\":true},"
	 "{\"width\":24,\"stride\":1,\"act\":\"h_swish\",\"se\":false}],"
	 "\"head\":{\"expand_width\":32,\"expand_act\":\"h_swish\",\"mix_width\":24,\"mix_act\":\"h_swish\"}}",
	 12, true},
	{"{\"family\":\"mbconv\",\"name\":\"b\",\"input_channels\":1,\"classes\":3,\"bn_eps\":1e-3,\"resolutions\":[9],"
	 "\"stem\":{\"width\":8,\"stride\":2,\"act\":\"none\"},\"first\":null,"
	 "\"kernels\":[3,5,7],\"expands\":[2,4],\"depths\":[1,2],\"stages\":["
	 "{\"width\":8,\"stride\":1,\"act\":\"h_swish\",\"se\":true},"
	 "{\"width\":16,\"stride\":2,\"act\":\"none\",\"se\":false}],"
	 "\"head\":{\"expand_width\":16,\"expand_act\":\"h_swish\",\"mix_width\":0,\"mix_act\":\"none\"}}",
	 9, false},
};

static struct ofa_error err;

static void must(enum ofa_status st)
{
	ck_assert_msg(st == OFA_OK, "%s: %s", err.field, err.message);
}

struct session {
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_pool *pool;
	struct ofa_train_params *w;
	struct ofa_trainer *trainer;
	struct ofa_plan plan;
	float *x, logits[IMAGES * 8], teacher[IMAGES * 8], dlogits[IMAGES * 8];
	uint8_t labels[IMAGES];
};

static double loss_now(struct session *s)
{
	ofa_trainer_forward(s->trainer, s->w, &s->plan, s->x, IMAGES, false, s->logits);
	return ofa_distillation_loss(s->logits, s->labels, s->teacher, IMAGES, s->space.classes, 0.1f, 1.0f,
				     s->dlogits);
}

static void session_open(struct session *s, const struct fixture *f, uint64_t seed)
{
	json_t *j = json_loads(f->space, 0, NULL);
	struct ofa_rng rng;
	struct ofa_arch a;
	size_t pixels;

	must(ofa_space_parse(j, &s->space, &err));
	json_decref(j);
	must(ofa_params_init(&s->space, &s->params, &err));
	must(ofa_pool_new(2, &s->pool));
	must(ofa_train_params_new(&s->space, &s->params, &s->w, &err));
	must(ofa_trainer_new(&s->space, &s->params, IMAGES, f->size, s->pool, &s->trainer, &err));
	ofa_train_params_init(s->w, seed);
	ofa_rng_init(&rng, seed);
	/* away from the symmetric start: every parameter, transforms and BN included, gets a value of its own */
	for (int i = 0; i < s->params.n; i++) {
		for (size_t k = 0; ofa_param_trained(&s->params.list[i]) && k < s->params.list[i].elements; k++)
			s->w->data[i][k] += 0.1f * ofa_rng_normal(&rng);
	}
	pixels = (size_t)IMAGES * f->size * f->size * s->space.input_channels;
	s->x = malloc(pixels * sizeof *s->x);
	for (size_t i = 0; i < pixels; i++)
		s->x[i] = ofa_rng_normal(&rng);
	for (int i = 0; i < IMAGES; i++)
		s->labels[i] = (uint8_t)ofa_rng_below(&rng, (uint32_t)s->space.classes);
	for (int i = 0; i < IMAGES * s->space.classes; i++)
		s->teacher[i] = ofa_rng_normal(&rng);
	if (f->largest)
		ofa_arch_largest(&s->space, &a);
	else
		ofa_arch_sample(&s->space, &rng, &a);
	ofa_plan_init(&s->space, &s->params, &a, &s->plan);
}

static void session_close(struct session *s)
{
	ofa_trainer_free(s->trainer);
	ofa_train_params_free(s->w);
	ofa_pool_free(s->pool);
	ofa_params_release(&s->params);
	free(s->x);
}

static double loss_along(struct session *s, int param, const float *start, const float *direction, double step)
{
	for (size_t i = 0; i < s->params.list[param].elements; i++)
		s->w->data[param][i] = (float)(start[i] + step * direction[i]);
	return loss_now(s);
}

static void check_param(struct session *s, int param, double gradient_scale, struct ofa_rng *rng)
{
	size_t n = s->params.list[param].elements;
	float *start = malloc(n * sizeof *start), *dir = malloc(n * sizeof *dir);
	double norm = 0, analytic = 0, numeric;

	memcpy(start, s->w->data[param], n * sizeof *start);
	for (size_t i = 0; i < n; i++) {
		dir[i] = ofa_rng_normal(rng) + 3.0f * s->w->grad[param][i] / (float)gradient_scale;
		norm += (double)dir[i] * dir[i];
	}
	for (size_t i = 0; i < n; i++) {
		dir[i] /= (float)sqrt(norm);
		analytic += (double)dir[i] * s->w->grad[param][i];
	}
	numeric = (8 * (loss_along(s, param, start, dir, STEP) - loss_along(s, param, start, dir, -STEP)) -
		   (loss_along(s, param, start, dir, 2 * STEP) - loss_along(s, param, start, dir, -2 * STEP))) /
		  (12 * STEP);
	memcpy(s->w->data[param], start, n * sizeof *start);
	ck_assert_msg(fabs(numeric - analytic) <= 2e-2 * fabs(analytic) + 2e-3 * gradient_scale,
		      "%s: slope %g, finite difference %g", s->params.list[param].name, analytic, numeric);
	free(start);
	free(dir);
}

START_TEST(finite_differences)
{
	struct session s = {0};
	struct ofa_rng rng;
	double scale = 0;
	int touched = 0;

	session_open(&s, &fixtures[_i % 2], (uint64_t)_i + 1);
	ofa_rng_init(&rng, 99);
	ofa_train_zero_grad(s.w);
	loss_now(&s);
	ofa_trainer_backward(s.trainer, s.w, s.dlogits);
	for (int i = 0; i < s.params.n; i++) {
		double sum = 0;

		for (size_t k = 0; s.w->grad[i] && k < s.params.list[i].elements; k++)
			sum += (double)s.w->grad[i][k] * s.w->grad[i][k];
		scale = fmax(scale, sqrt(sum));
		touched += sum > 0;
	}
	ck_assert_int_gt(touched, 20);
	for (int i = 0; i < s.params.n; i++) {
		if (s.w->grad[i])
			check_param(&s, i, scale, &rng);
	}
	session_close(&s);
}
END_TEST

START_TEST(threads_and_repetition_agree)
{
	struct session s = {0};
	double first, second;
	float *grad;
	int id;

	session_open(&s, &fixtures[0], 5);
	id = s.params.blocks[0].depthwise;
	ofa_train_zero_grad(s.w);
	first = loss_now(&s);
	ofa_trainer_backward(s.trainer, s.w, s.dlogits);
	grad = malloc(s.params.list[id].elements * sizeof *grad);
	memcpy(grad, s.w->grad[id], s.params.list[id].elements * sizeof *grad);
	ofa_train_zero_grad(s.w);
	second = loss_now(&s);
	ofa_trainer_backward(s.trainer, s.w, s.dlogits);
	ck_assert(first == second);
	ck_assert_mem_eq(grad, s.w->grad[id], s.params.list[id].elements * sizeof *grad);
	free(grad);
	session_close(&s);
}
END_TEST

/* One channel of 2 x 2 pixels has more hidden units in SE than pixels: a full pass of such images must stay within
 * the thread's scratch, behind which the moments of the forward pass lie. */
START_TEST(backward_stays_within_scratch)
{
	enum { MANY = 3000 };
	static const struct fixture narrow = {
		"{\"family\":\"mbconv\",\"name\":\"c\",\"input_channels\":1,\"classes\":2,\"bn_eps\":1e-3,"
		"\"resolutions\":[2],\"stem\":{\"width\":1,\"stride\":1,\"act\":\"relu\"},"
		"\"first\":{\"width\":8,\"kernel\":7,\"act\":\"relu\",\"se\":true,\"residual\":false},"
		"\"kernels\":[3],\"expands\":[1],\"depths\":[1],\"stages\":["
		"{\"width\":8,\"stride\":2,\"act\":\"relu\",\"se\":true}],"
		"\"head\":{\"expand_width\":8,\"expand_act\":\"relu\",\"mix_width\":0,\"mix_act\":\"none\"}}",
		2, true};
	static float x[MANY * 4], logits[MANY * 2];
	struct session s = {0};
	struct ofa_backward bw;
	struct ofa_batch b;
	float before[3 * 16];

	session_open(&s, &narrow, 3);
	must(ofa_batch_init(&b, &s.space, &s.params, MANY, narrow.size, true, NULL, &err));
	must(ofa_backward_init(&bw, &b, narrow.size, &err));
	ck_assert_uint_eq(b.max_channels, 16);
	ofa_batch_forward(&b, (const float *const *)s.w->data, &s.plan, x, MANY, logits);
	memset(b.stat_sum[0], 0x55, sizeof before);
	memcpy(before, b.stat_sum[0], sizeof before);
	ofa_backward_run(&bw, &b, s.w, logits);
	ck_assert_mem_eq(before, b.stat_sum[0], sizeof before);
	ofa_backward_release(&bw);
	ofa_batch_release(&b);
	session_close(&s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gradient");
	TCase *tc = tcase_create("network");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, finite_differences, 0, 6);
	tcase_add_test(tc, threads_and_repetition_agree);
	tcase_add_test(tc, backward_stays_within_scratch);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
