/* The accuracy predictor: features, the MLP and its gradient, fitting, figures of merit, files. */
#include <math.h>
#include <string.h>

#include "predict/mlp.h"
#include "released.h"
#include "shared.h"
#include "spaces.h"

START_TEST(feature_orders)
{
	struct ofa_predictor p = {.order = OFA_FEATURES_K_E_R, .n_resolutions = 2, .resolutions = {15, 28}};
	struct ofa_space s;
	struct ofa_arch a;
	uint16_t index[OFA_PREDICTOR_MAX_ACTIVE];
	float x[256];
	int n;

	load_space(tiny_json, &s);
	/* kernels: 4x2 + 2x2 + 4x2 + 4x1, expands: 4x2 + 2x2 + 4x1 + 4x2 */
	ck_assert_int_eq(ofa_predictor_feature_count(&s, 2), 24 + 24 + 2);
	p.n_features = 50;
	ofa_arch_smallest(&s, &a);
	a.image_size = 28;
	a.d[0] = 1;
	a.k[1] = 1;
	a.e[1] = 1;
	n = ofa_predictor_active(&s, &p, &a, index);
	ck_assert_int_eq(n, 2 * (2 + 2 + 1 + 1) + 1);
	ofa_predictor_features(&s, &p, &a, x);
	ck_assert_float_eq(x[0], 1);        /* block 0, kernel 3 */
	ck_assert_float_eq(x[3], 1);        /* block 1, kernel 5 */
	ck_assert_float_eq(x[4] + x[5], 0); /* block 2 is skipped */
	ck_assert_float_eq(x[24], 1);       /* block 0, first ratio */
	ck_assert_float_eq(x[27], 1);       /* block 1, second ratio */
	ck_assert_float_eq(x[49], 1);       /* the second resolution */
	p.order = OFA_FEATURES_R_K_E;
	ofa_predictor_features(&s, &p, &a, x);
	ck_assert_float_eq(x[1], 1);
	ck_assert_float_eq(x[2], 1);
	ck_assert_float_eq(x[5], 1);
	ck_assert_float_eq(x[2 + 27], 1);
}
END_TEST

static float *random_floats(struct ofa_rng *rng, size_t n)
{
	float *x = malloc(n * sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = ofa_rng_normal(rng) * 0.3f;
	return x;
}

/* The row sums and the batch against the plain product over dense features. */
static void check_against_dense(const struct ofa_space *s, enum ofa_feature_order order, int n_layers)
{
	struct ofa_predictor p = {.order = order, .n_resolutions = 3, .n_layers = n_layers, .base = 0.25f};
	float *w[4], *b[4], accuracy[300], y[2][64];
	struct ofa_arch archs[300];
	struct ofa_error err = {0};
	struct ofa_rng rng;
	float *workspace;

	ofa_rng_init(&rng, 3);
	memcpy(p.resolutions, s->resolutions, 3 * sizeof(p.resolutions[0]));
	p.width[0] = ofa_predictor_feature_count(s, 3);
	for (int l = 0; l < n_layers; l++) {
		p.width[l + 1] = l + 1 < n_layers ? 33 + l : 1;
		p.w[l] = w[l] = random_floats(&rng, (size_t)(p.width[l] * p.width[l + 1]));
		p.b[l] = b[l] = random_floats(&rng, (size_t)p.width[l + 1]);
	}
	p.b[n_layers - 1] = NULL;
	ASSERT_OK(ofa_predictor_bind(s, &p, &err), &err);
	for (int i = 0; i < 300; i++)
		ofa_arch_sample(s, &rng, &archs[i]);
	workspace = malloc(ofa_predictor_workspace(&p, 300) * sizeof(float));
	ofa_predictor_predict(s, &p, archs, 300, workspace, accuracy);
	for (int i = 0; i < 300; i++) {
		float x[256], *in = x;

		ofa_predictor_features(s, &p, &archs[i], x);
		for (int l = 0; l < n_layers; l++) {
			for (int o = 0; o < p.width[l + 1]; o++) {
				float sum = l < n_layers - 1 ? b[l][o] : 0;

				for (int j = 0; j < p.width[l]; j++)
					sum += w[l][o * p.width[l] + j] * in[j];
				y[l & 1][o] = l < n_layers - 1 && sum < 0 ? 0 : sum;
			}
			in = y[l & 1];
		}
		ck_assert_float_eq_tol(accuracy[i], in[0] + 0.25f, 1e-4f);
	}
	free(workspace);
	ofa_predictor_release(&p);
	for (int l = 0; l < n_layers; l++) {
		free(w[l]);
		free(b[l]);
	}
}

START_TEST(predict_equals_dense)
{
	struct ofa_space s;

	load_space(tiny_resnet_json, &s);
	check_against_dense(&s, OFA_FEATURES_K_E_R, 3);
	check_against_dense(&s, OFA_FEATURES_R_K_E, 3);
	load_space(tiny_json, &s);
	check_against_dense(&s, OFA_FEATURES_K_E_R, 3);
	check_against_dense(&s, OFA_FEATURES_R_K_E, 4);
	check_against_dense(&s, OFA_FEATURES_K_E_R, 2);
}
END_TEST

START_TEST(refuses_what_does_not_fit)
{
	struct ofa_predictor p = {.n_resolutions = 3, .resolutions = {15, 20, 28}, .n_layers = 1, .width = {128, 1}};
	float w[128] = {0};
	struct ofa_error err = {0};
	struct ofa_space s;

	load_space(tiny_json, &s);
	p.w[0] = w;
	ASSERT_FAILS(ofa_predictor_bind(&s, &p, &err), OFA_ERR_MISMATCH);
	ck_assert_msg(strstr(err.message, "128") && strstr(err.message, "51"), "%s", err.message);
	p.width[0] = 51;
	w[50] = NAN;
	ASSERT_FAILS(ofa_predictor_bind(&s, &p, NULL), OFA_ERR_INVALID);
}
END_TEST

START_TEST(gradient_by_finite_differences)
{
	static const int hidden[] = {7, 5};
	enum { n = 9, inputs = 6 };
	struct ofa_mlp m;
	struct ofa_rng rng;
	float *params, *grad, *x, *target, *workspace, *unused;

	ofa_mlp_init(&m, inputs, 2, hidden);
	ofa_rng_init(&rng, 11);
	params = random_floats(&rng, m.n_params);
	x = random_floats(&rng, n * inputs);
	target = random_floats(&rng, n);
	grad = malloc(m.n_params * sizeof(float));
	unused = malloc(m.n_params * sizeof(float));
	workspace = malloc(ofa_mlp_workspace(&m, n) * sizeof(float));
	ofa_mlp_gradient(&m, params, x, target, n, workspace, grad);
	for (size_t i = 0; i < m.n_params; i++) {
		const float step = 1e-2f, kept = params[i];
		double up, down;

		params[i] = kept + step;
		up = ofa_mlp_gradient(&m, params, x, target, n, workspace, unused);
		params[i] = kept - step;
		down = ofa_mlp_gradient(&m, params, x, target, n, workspace, unused);
		params[i] = kept;
		ck_assert_msg(fabs((up - down) / (2 * (double)step) - (double)grad[i]) < 2e-3,
			      "parameter %zu: %g, not %g", i, (double)grad[i], (up - down) / (2 * (double)step));
	}
	free(params);
	free(grad);
	free(unused);
	free(x);
	free(target);
	free(workspace);
}
END_TEST

/* A made-up accuracy with interactions that an MLP can learn. */
static float made_up(const struct ofa_space *s, const struct ofa_arch *a)
{
	double sum = 0.002 * a->image_size;

	for (int b = 0; b < s->n_blocks; b++)
		if (ofa_arch_active(s, a, b))
			sum += 0.01 * (b % 3) + 0.01 * a->k[b] + 0.02 * a->e[b] +
			       (b ? 0.01 * a->e[b] * a->e[b - 1] : 0);
	return (float)(0.7 + 0.2 * tanh(sum - 0.3));
}

START_TEST(fit_learns_and_repeats)
{
	enum { n = 600, unseen = 200 };
	static struct ofa_arch archs[n + unseen];
	static float accuracy[n + unseen], predicted[unseen];
	struct ofa_predictor_fit_options opt = {.seed = 5, .epochs = 60};
	struct ofa_predictor p, q;
	struct ofa_error err = {0};
	struct ofa_space s;
	struct ofa_rng rng;
	float *workspace;

	load_space(tiny_json, &s);
	ofa_rng_init(&rng, 4);
	for (int i = 0; i < n + unseen; i++) {
		ofa_arch_sample(&s, &rng, &archs[i]);
		accuracy[i] = made_up(&s, &archs[i]);
	}
	ASSERT_OK(ofa_predictor_fit(&s, archs, accuracy, n, &opt, &p, &err), &err);
	ASSERT_OK(ofa_predictor_fit(&s, archs, accuracy, n, &opt, &q, &err), &err);
	for (int l = 0; l < p.n_layers; l++)
		ck_assert_mem_eq(p.w[l], q.w[l], sizeof(float) * (size_t)(p.width[l] * p.width[l + 1]));
	workspace = malloc(ofa_predictor_workspace(&p, unseen) * sizeof(float));
	ofa_predictor_predict(&s, &p, archs + n, unseen, workspace, predicted);
	ck_assert_double_gt(ofa_kendall_tau(predicted, accuracy + n, unseen), 0.85);
	ck_assert_double_lt(ofa_rmse(predicted, accuracy + n, unseen), 0.01);
	free(workspace);
	ofa_predictor_release(&p);
	ofa_predictor_release(&q);
	ASSERT_FAILS(ofa_predictor_fit(&s, archs, accuracy, 3, &opt, &p, &err), OFA_ERR_INVALID);
	accuracy[7] = 71;
	err = (struct ofa_error){0};
	ASSERT_FAILS(ofa_predictor_fit(&s, archs, accuracy, n, &opt, &p, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "accuracy");
}
END_TEST

static double tau_by_pairs(const float *a, const float *b, int n)
{
	double score = 0, ties_a = 0, ties_b = 0, all = n * (n - 1) / 2.0;

	for (int i = 0; i < n; i++) {
		for (int j = 0; j < i; j++) {
			int x = (a[i] > a[j]) - (a[i] < a[j]), y = (b[i] > b[j]) - (b[i] < b[j]);

			score += x * y;
			ties_a += x == 0;
			ties_b += y == 0;
		}
	}
	return score / sqrt((all - ties_a) * (all - ties_b));
}

START_TEST(figures_of_merit)
{
	static const float a[] = {1, 2, 3, 4}, b[] = {1, 2, 4, 3}, same[] = {2, 2, 2, 2};
	struct ofa_rng rng;
	float x[97], y[97];

	ck_assert_double_eq_tol(ofa_rmse(a, b, 4), sqrt(0.5), 1e-12);
	ck_assert_double_eq_tol(ofa_kendall_tau(a, b, 4), 4.0 / 6, 1e-12);
	ck_assert(isnan(ofa_kendall_tau(a, same, 4)));
	ofa_rng_init(&rng, 9);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 97; i++) {
			x[i] = (float)ofa_rng_below(&rng, 30);
			y[i] = (float)ofa_rng_below(&rng, 10) + 0.2f * x[i];
		}
		ck_assert_double_eq_tol(ofa_kendall_tau(x, y, 97), tau_by_pairs(x, y, 97), 1e-12);
	}
}
END_TEST

/* Writes a predictor as a file of its own tensors and reads it back through a network. */
static enum ofa_status reload(struct ofa_supernet *net, const struct ofa_predictor *p, const char *metadata,
			      struct ofa_predictor *ret, struct ofa_error *err)
{
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	size_t n = ofa_predictor_tensors(p, tensors);
	const char *path = temporary_path("predictor.safetensors");
	json_t *json = ofa_predictor_metadata(p), *meta;
	char *text = json_dumps(json, JSON_REAL_PRECISION(9));
	enum ofa_status st;

	meta = json_pack("{s:s}", "ofa.predictor", metadata ? metadata : text);
	ASSERT_OK(ofa_safetensors_save(path, tensors, n, meta, err), err);
	ASSERT_OK(ofa_safetensors_open(path, &net->file, err), err);
	st = ofa_predictor_load(net, ret, err);
	ofa_safetensors_close(&net->file);
	unlink(path);
	json_decref(meta);
	json_decref(json);
	free(text);
	return st;
}

START_TEST(file_round_trip)
{
	static const char *const bad[] = {"[",
					  "{}",
					  "{\"order\":\"e_k_r\"}",
					  "{\"order\":\"k_e_r\",\"resolutions\":[20,15]}",
					  "{\"order\":\"k_e_r\",\"resolutions\":[15,20,28],\"widths\":[51]}",
					  "{\"order\":\"k_e_r\",\"resolutions\":[15,20,28],\"widths\":[51,0,1]}",
					  "{\"order\":\"k_e_r\",\"resolutions\":[15,20,28],\"widths\":[51,9,1]}"};
	static struct ofa_arch archs[64];
	static float accuracy[64];
	struct ofa_predictor_fit_options opt = {.epochs = 3, .n_hidden = 1, .hidden = {8}};
	struct ofa_supernet net = {.name = "tiny"};
	struct ofa_predictor p, q;
	struct ofa_error err = {0};
	struct ofa_rng rng;

	load_space(tiny_json, &net.space);
	ofa_rng_init(&rng, 4);
	for (int i = 0; i < 64; i++) {
		ofa_arch_sample(&net.space, &rng, &archs[i]);
		accuracy[i] = made_up(&net.space, &archs[i]);
	}
	ASSERT_OK(ofa_predictor_fit(&net.space, archs, accuracy, 64, &opt, &p, &err), &err);
	ASSERT_OK(reload(&net, &p, NULL, &q, &err), &err);
	ck_assert_int_eq(p.n_resolutions, q.n_resolutions);
	ck_assert_int_eq(q.n_layers, 2);
	ck_assert(ofa_predictor_has_resolution(&q, 28) && !ofa_predictor_has_resolution(&q, 24));
	ck_assert_mem_eq(p.w[0], q.w[0], sizeof(float) * (size_t)(p.width[0] * p.width[1]));
	ofa_predictor_release(&q);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		enum ofa_status st;

		err = (struct ofa_error){0};
		st = reload(&net, &p, bad[i], &q, &err);
		ck_assert_msg(st == OFA_ERR_FORMAT || st == OFA_ERR_MISMATCH, "%s: %s", bad[i], ofa_status_name(st));
		ck_assert_msg(strncmp(err.field, "ofa.predictor", 13) == 0, "%s", err.field);
	}
	ofa_predictor_release(&p);
}
END_TEST

START_TEST(released_values)
{
	struct ofa_error err = {0};
	struct ofa_supernet net;
	struct ofa_predictor p;
	float workspace[4096];
	json_t *json, *item;
	size_t i;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_predictor(&net.space, &p, &err), &err);
	ck_assert_int_eq(p.n_features, 125); /* 128 without three untrained resolutions */
	ck_assert_int_eq(p.resolutions[0], 160);
	ck_assert_uint_le(ofa_predictor_workspace(&p, 1), OFA_ARRAY_LEN(workspace));
	json = json_load_file(shared_path("golden/mbv3_w1.2.predictions.json"), 0, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "cases")), 300);
	json_array_foreach(json_object_get(json, "cases"), i, item)
	{
		double expected = json_number_value(json_object_get(item, "predicted_accuracy"));
		struct ofa_arch a;
		float accuracy;

		ASSERT_OK(ofa_arch_parse(&net.space, json_object_get(item, "arch"), &a, &err), &err);
		ofa_predictor_predict(&net.space, &p, &a, 1, workspace, &accuracy);
		ck_assert_double_eq_tol((double)accuracy, expected, 1e-5);
	}
	json_decref(json);
	ofa_predictor_release(&p);
	released_network_free(&net);
}
END_TEST

static int compare_indices(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The features that are 1 and the prediction of each published case. */
START_TEST(released_resnet_values)
{
	struct ofa_error err = {0};
	struct ofa_predictor p;
	struct ofa_space s;
	float workspace[4096];
	json_t *json, *item;
	size_t i;

	if (!shared_available())
		return;
	preset_space("resnet50", 1.0, 1000, &s);
	ASSERT_OK(released_resnet_predictor(&s, &p, &err), &err);
	ck_assert_int_eq(p.n_features, 82);
	ck_assert_int_eq(p.n_resolutions, 8);
	for (int l = 0; l < p.n_layers; l++)
		for (int j = 0; j < p.width[l] * p.width[l + 1]; j++)
			ck_assert_msg(fpclassify(p.w[l][j]) != FP_SUBNORMAL, "layer %d weight %d is denormal", l, j);
	json = json_load_file(shared_path("golden/resnet50.predictions.json"), 0, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "cases")), 100);
	json_array_foreach(json_object_get(json, "cases"), i, item)
	{
		const json_t *features = json_object_get(item, "feature");
		uint16_t index[OFA_PREDICTOR_MAX_ACTIVE];
		struct ofa_arch a;
		float accuracy;
		int n;

		ASSERT_OK(ofa_arch_parse(&s, json_object_get(item, "arch"), &a, &err), &err);
		n = ofa_predictor_active(&s, &p, &a, index);
		qsort(index, (size_t)n, sizeof(index[0]), compare_indices);
		ck_assert_uint_eq((size_t)n, json_array_size(features));
		for (int j = 0; j < n; j++)
			ck_assert_int_eq(index[j], json_integer_value(json_array_get(features, (size_t)j)));
		ofa_predictor_predict(&s, &p, &a, 1, workspace, &accuracy);
		ck_assert_double_eq_tol((double)accuracy,
					json_number_value(json_object_get(item, "predicted_accuracy")), 1e-5);
	}
	json_decref(json);
	ofa_predictor_release(&p);
}
END_TEST

/* The once-for-all tutorial's subnet and the ends of the space at two resolutions (spec 5). */
START_TEST(released_corners)
{
	static const double corners[][2] = {{0.77739, 0.83593}, {0.75312, 0.80750}};
	struct ofa_error err = {0};
	struct ofa_supernet net;
	struct ofa_predictor p;
	struct ofa_arch a;
	float workspace[4096], accuracy;
	json_t *json;

	if (!shared_available())
		return;
	ASSERT_OK(released_network(&net, &err), &err);
	ASSERT_OK(released_predictor(&net.space, &p, &err), &err);
	json = json_load_file(shared_path("real/golden_ofa_tutorial.json"), 0, NULL);
	json_object_set(json, "image_size", json_object_get(json, "r"));
	for (const char *const *other = (const char *const[]){"source", "supernet", "device", "constraint_ms", "r",
							       "published", "recomputed", "note", NULL};
	     *other; other++)
		json_object_del(json, *other);
	ASSERT_OK(ofa_arch_parse(&net.space, json, &a, &err), &err);
	ofa_predictor_predict(&net.space, &p, &a, 1, workspace, &accuracy);
	ck_assert_double_eq_tol((double)accuracy, 0.8171285, 1e-5);
	for (int i = 0; i < 2; i++) {
		for (int largest = 0; largest < 2; largest++) {
			(largest ? ofa_arch_largest : ofa_arch_smallest)(&net.space, &a);
			a.image_size = i ? 160 : 224;
			ofa_predictor_predict(&net.space, &p, &a, 1, workspace, &accuracy);
			ck_assert_double_eq_tol((double)accuracy, corners[i][largest], 1e-5);
		}
	}
	json_decref(json);
	ofa_predictor_release(&p);
	released_network_free(&net);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {feature_orders,
				      predict_equals_dense,
				      refuses_what_does_not_fit,
				      figures_of_merit,
				      gradient_by_finite_differences,
				      fit_learns_and_repeats,
				      file_round_trip,
				      released_values,
				      released_corners,
				      released_resnet_values};

	return run_tests("predict", tests, OFA_ARRAY_LEN(tests));
}
