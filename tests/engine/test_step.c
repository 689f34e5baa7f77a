/* The pieces of an optimisation step: initialisation, loss, SGD, channel sorting. */
#include <math.h>
#include <string.h>

#include "net/subnet.h"
#include "shared.h"
#include "spaces.h"
#include "train/step.h"

/* A set of parameters for a space, initialised by seed. */
struct fixture {
	struct ofa_space space;
	struct ofa_params params;
	struct ofa_train_params *w;
};

static void fixture_init(struct fixture *f, uint64_t seed)
{
	struct ofa_error err = {0};

	load_space(tiny_json, &f->space);
	ASSERT_OK(ofa_params_init(&f->space, &f->params, &err), &err);
	ASSERT_OK(ofa_train_params_new(&f->space, &f->params, &f->w, &err), &err);
	ofa_train_params_init(f->w, seed);
}

static void fixture_release(struct fixture *f)
{
	ofa_train_params_free(f->w);
	ofa_params_release(&f->params);
}

static double spread(const float *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * x[i];
	return sqrt(sum / (double)n);
}

START_TEST(parameters_start_as_the_reference_does)
{
	struct fixture f, same;

	fixture_init(&f, 5);
	fixture_init(&same, 5);
	for (int i = 0; i < f.params.n; i++) {
		const struct ofa_param *p = &f.params.list[i];
		const float *x = f.w->data[i];
		ck_assert_int_eq(memcmp(x, same.w->data[i], p->elements * sizeof *x), 0);
		ck_assert_int_eq(f.w->grad[i] != NULL, ofa_param_trained(p));
		ck_assert_int_eq(f.w->momentum[i] != NULL, ofa_param_trained(p));
		if (p->role == OFA_PARAM_CONV && p->elements > 1000) {
			double want = sqrt(2.0 / (p->shape[0] * p->shape[2] * p->shape[3]));
			ck_assert_double_eq_tol(spread(x, p->elements) / want, 1, 0.1);
		}
		if (p->role == OFA_PARAM_TRANSFORM)
			for (int j = 0; j < p->shape[0] * p->shape[0]; j++)
				ck_assert_float_eq(x[j], j / p->shape[0] == j % p->shape[0] ? 1.0f : 0.0f);
		if (p->role == OFA_PARAM_LINEAR)
			ck_assert_double_eq_tol(spread(x, p->elements), 0.01, 0.001);
		if (p->role == OFA_PARAM_BIAS)
			ck_assert_double_eq(spread(x, p->elements), 0);
		if (p->role == OFA_PARAM_BN_GAMMA)
			ck_assert_double_eq(spread(x, p->elements), 1);
	}
	fixture_release(&f);
	fixture_release(&same);
}
END_TEST

enum { N = 3, CLASSES = 7 };

static void random_floats(float *x, int n, uint64_t seed, float scale)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, seed);
	for (int i = 0; i < n; i++)
		x[i] = scale * ofa_rng_normal(&rng);
}

/* The loss by its definition, in double. */
static double naive_loss(const float *x, const uint8_t *labels, const float *teacher, double smoothing, double kd)
{
	double sum = 0;

	for (int i = 0; i < N; i++) {
		double norm = 0, teacher_norm = 0;
		for (int c = 0; c < CLASSES; c++) {
			norm += exp((double)x[i * CLASSES + c]);
			teacher_norm += teacher ? exp((double)teacher[i * CLASSES + c]) : 0;
		}
		for (int c = 0; c < CLASSES; c++) {
			double log_p = x[i * CLASSES + c] - log(norm);
			sum -= ((c == labels[i]) * (1 - smoothing) + smoothing / CLASSES) * log_p;
			if (teacher)
				sum -= kd * exp((double)teacher[i * CLASSES + c]) / teacher_norm * log_p;
		}
	}
	return sum / N;
}

START_TEST(the_loss_and_its_gradient_match_the_definition)
{
	const uint8_t labels[N] = {0, 6, 3};
	float x[N * CLASSES], t[N * CLASSES], d[N * CLASSES], scratch[N * CLASSES];
	const float kds[] = {0, 1, 0.4f};

	random_floats(x, N * CLASSES, 1, 2);
	random_floats(t, N * CLASSES, 2, 3);
	for (size_t k = 0; k < OFA_ARRAY_LEN(kds); k++) {
		const float *teacher = kds[k] > 0 ? t : NULL;
		double loss = ofa_distillation_loss(x, labels, teacher, N, CLASSES, 0.1f, kds[k], d);
		ck_assert_double_eq_tol(loss, naive_loss(x, labels, teacher, 0.1f, kds[k]), 1e-6);
		for (int i = 0; i < N * CLASSES; i++) {
			const float h = 1e-2f, keep = x[i];
			x[i] = keep + h;
			double up = ofa_distillation_loss(x, labels, teacher, N, CLASSES, 0.1f, kds[k], scratch);
			x[i] = keep - h;
			double down = ofa_distillation_loss(x, labels, teacher, N, CLASSES, 0.1f, kds[k], scratch);
			x[i] = keep;
			ck_assert_double_eq_tol((up - down) / (2 * (double)h), (double)d[i], 2e-5);
		}
	}
}
END_TEST

START_TEST(large_logits_do_not_overflow)
{
	const uint8_t label = 1;
	const float x[3] = {1e4f, -1e4f, 0}, t[3] = {-1e4f, 1e4f, 0};
	float d[3];

	ck_assert_double_eq_tol(ofa_distillation_loss(x, &label, t, 1, 3, 0, 1, d), 4e4, 1);
	ck_assert_float_eq_tol(d[0], 2, 1e-6f);
	ck_assert_float_eq_tol(d[1], -2, 1e-6f);
	ck_assert_float_eq_tol(d[2], 0, 1e-6f);
}
END_TEST

START_TEST(sgd_is_pytorchs_nesterov)
{
	const double lr = 0.1, mu = 0.9, decay = 0.01;
	struct ofa_pool *pool;
	struct fixture f, one;

	fixture_init(&f, 3);
	fixture_init(&one, 3);
	ck_assert_int_eq(ofa_pool_new(3, &pool), OFA_OK);
	for (int i = 0; i < f.params.n; i++) {
		const struct ofa_param *param = &f.params.list[i];
		if (!ofa_param_trained(param))
			continue;
		random_floats(f.w->grad[i], (int)param->elements, (uint64_t)i, 1);
		random_floats(f.w->momentum[i], (int)param->elements, (uint64_t)i + 1000, 1);
		memcpy(one.w->grad[i], f.w->grad[i], param->elements * sizeof(float));
		memcpy(one.w->momentum[i], f.w->momentum[i], param->elements * sizeof(float));
	}
	ofa_train_sgd(f.w, (float)lr, (float)mu, (float)decay, pool);
	for (int i = 0; i < f.params.n; i++) {
		const struct ofa_param *param = &f.params.list[i];
		bool bn_or_bias = strstr(param->name, "bn") || strstr(param->name, "bias");
		for (size_t j = 0; j < param->elements; j++) {
			double p = one.w->data[i][j], want = p;
			if (ofa_param_trained(param)) {
				double g = one.w->grad[i][j] + (bn_or_bias ? 0 : decay * p);
				double m = mu * one.w->momentum[i][j] + g;
				want = p - lr * (g + mu * m);
				ck_assert_double_eq_tol((double)f.w->momentum[i][j], m, 1e-5);
			}
			ck_assert_double_eq_tol((double)f.w->data[i][j], want, 1e-5);
		}
	}
	ofa_train_sgd(one.w, (float)lr, (float)mu, (float)decay, NULL); /* threads change no bit */
	for (int i = 0; i < f.params.n; i++)
		ck_assert_int_eq(memcmp(f.w->data[i], one.w->data[i], f.params.list[i].elements * sizeof(float)), 0);
	ofa_train_zero_grad(f.w);
	for (int i = 0; i < f.params.n; i++)
		if (f.w->grad[i])
			ck_assert_double_eq(spread(f.w->grad[i], f.params.list[i].elements), 0);
	ofa_pool_free(pool);
	fixture_release(&f);
	fixture_release(&one);
}
END_TEST

/* Logits of the largest subnet on fixed noise, with the sliced running statistics. */
static void full_logits(struct fixture *f, const float *x, int n, float *logits)
{
	struct ofa_supernet net = {.space = f->space, .params = f->params, .data = (const float *const *)f->w->data};
	static struct ofa_plan plan;
	struct ofa_error err = {0};
	struct ofa_arch arch;
	struct ofa_subnet *sub;

	ofa_arch_largest(&f->space, &arch);
	ofa_plan_init(&f->space, &f->params, &arch, &plan);
	ASSERT_OK(ofa_subnet_extract(&net, &plan, NULL, &sub, &err), &err);
	ASSERT_OK(ofa_subnet_forward(sub, x, n, NULL, logits, &err), &err);
	ofa_subnet_free(sub);
}

static void randomise(struct fixture *f)
{
	for (int i = 0; i < f->params.n; i++) {
		const struct ofa_param *p = &f->params.list[i];
		random_floats(f->w->data[i], (int)p->elements, 77 + (uint64_t)i,
			      p->role == OFA_PARAM_CONV ? 0.3f : 0.5f);
		for (size_t j = 0; p->role == OFA_PARAM_BN_VAR && j < p->elements; j++)
			f->w->data[i][j] = 0.5f + fabsf(f->w->data[i][j]);
	}
}

START_TEST(sorting_keeps_the_full_network)
{
	enum { IMAGES = 2 };
	struct fixture f;
	struct ofa_error err = {0};
	const float bands[] = {2.5f};
	float x[IMAGES * 28 * 28], before[IMAGES * 10], after[IMAGES * 10];

	fixture_init(&f, 1);
	randomise(&f);
	random_floats(x, IMAGES * 28 * 28, 9, 1);
	full_logits(&f, x, IMAGES, before);
	for (int n_bands = 1; n_bands >= 0; n_bands--) {
		int id = f.params.blocks[0].project, mid = f.params.list[id].shape[1],
		    rows = f.params.list[id].shape[0];
		int bound = n_bands ? ofa_mid_channels(8, 2.5f) : mid;
		ASSERT_OK(ofa_train_sort_channels(f.w, n_bands, bands, &err), &err);
		full_logits(&f, x, IMAGES, after);
		for (int i = 0; i < IMAGES * 10; i++)
			ck_assert_float_eq_tol(after[i], before[i], 1e-3f * (1 + fabsf(before[i])));
		float last = INFINITY;
		for (int c = 0; c < mid; c++) {
			float sum = 0;
			for (int o = 0; o < rows; o++)
				sum += fabsf(f.w->data[id][o * mid + c]);
			ck_assert(sum <= last || c == bound);
			last = sum;
		}
	}
	ASSERT_FAILS(ofa_train_sort_channels(f.w, OFA_MAX_CHOICES + 1, bands, &err), OFA_ERR_INVALID);
	fixture_release(&f);
}
END_TEST

/* The reference network's tensors as trainable parameters. */
static void load_golden(const char *name, struct fixture *f)
{
	struct ofa_supernet *net;
	struct ofa_error err = {0};

	preset_space("mbv3", 0.25, 10, &f->space);
	ASSERT_OK(ofa_params_init(&f->space, &f->params, &err), &err);
	ASSERT_OK(ofa_train_params_new(&f->space, &f->params, &f->w, &err), &err);
	ASSERT_OK(ofa_supernet_load_as(shared_path(name), &f->space, &net, &err), &err);
	for (int i = 0; i < f->params.n; i++)
		memcpy(f->w->data[i], net->data[i], f->params.list[i].elements * sizeof(float));
	ofa_supernet_free(net);
}

static void check_equal(const struct fixture *a, const struct fixture *b)
{
	for (int i = 0; i < a->params.n; i++)
		ck_assert_msg(!memcmp(a->w->data[i], b->w->data[i], a->params.list[i].elements * sizeof(float)),
			      "%s differs", a->params.list[i].name);
}

START_TEST(stage_0_equals_the_reference)
{
	struct fixture f, golden;
	struct ofa_error err = {0};

	if (!shared_available())
		return;
	load_golden("golden/mbv3_w0.25.safetensors", &f);
	load_golden("golden/mbv3_w0.25.sorted_stage0.safetensors", &golden);
	ASSERT_OK(ofa_train_sort_channels(f.w, 0, NULL, &err), &err);
	check_equal(&f, &golden);
	fixture_release(&f);
	fixture_release(&golden);
}
END_TEST

/* The reference keeps bands apart by adding -2e5 to float32 importances, which rounds those of the second
 * band to 1/64: channels closer than that stand in whatever order its sort left them.  So: the reference's
 * order is descending at that precision, and sorting it exactly gives our result in every tensor, which it
 * could not if any channel had left its band or any tensor had been permuted otherwise. */
START_TEST(stage_1_equals_the_reference_up_to_its_rounding)
{
	const float bands[] = {4};
	struct fixture f, golden;
	struct ofa_error err = {0};

	if (!shared_available())
		return;
	load_golden("golden/mbv3_w0.25.safetensors", &f);
	load_golden("golden/mbv3_w0.25.sorted_stage1.safetensors", &golden);
	for (int b = 0; b < f.space.n_blocks; b++) {
		int id = f.params.blocks[b].project, rows = f.params.list[id].shape[0],
		    mid = f.params.list[id].shape[1];
		int bound = ofa_mid_channels(f.params.list[f.params.blocks[b].expand].shape[1], 4);
		double last = INFINITY;
		for (int c = 0; c < mid; c++) {
			double sum = 0;
			for (int o = 0; o < rows; o++)
				sum += fabs((double)golden.w->data[id][o * mid + c]);
			ck_assert(c == bound || sum <= last + (c < bound ? 1e-6 : 1.0 / 64));
			last = sum;
		}
	}
	ASSERT_OK(ofa_train_sort_channels(f.w, 1, bands, &err), &err);
	ASSERT_OK(ofa_train_sort_channels(golden.w, 1, bands, &err), &err);
	check_equal(&f, &golden);
	fixture_release(&f);
	fixture_release(&golden);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		parameters_start_as_the_reference_does,
		the_loss_and_its_gradient_match_the_definition,
		large_logits_do_not_overflow,
		sgd_is_pytorchs_nesterov,
		sorting_keeps_the_full_network,
		stage_0_equals_the_reference,
		stage_1_equals_the_reference_up_to_its_rounding,
	};

	return run_tests("step", tests, OFA_ARRAY_LEN(tests));
}
