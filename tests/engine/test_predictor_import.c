/* Accuracy predictors from state dicts: layouts, resolutions, what is refused. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "import/predictor.h"
#include "spaces.h"

#define HIDDEN 24
#define MAX_TENSORS 8

/* A state dict of one hidden layer more than the first, made up: `fresh` weights stay inside PyTorch's initial range
 * but for the trained resolutions' columns, else they are larger than any initial one. */
struct dict {
	struct ofa_tensor t[MAX_TENSORS];
	char names[MAX_TENSORS][32];
	size_t n;
};

static const struct ofa_import_predictor_options as_it_says = {0};

static float *add(struct dict *d, const char *name, int rank, int64_t rows, int64_t columns)
{
	struct ofa_tensor *t = &d->t[d->n];
	float *data = calloc((size_t)(rows * columns), sizeof(float));

	ck_assert_uint_lt(d->n, MAX_TENSORS);
	snprintf(d->names[d->n], sizeof(d->names[d->n]), "%s", name);
	*t = (struct ofa_tensor){.name = d->names[d->n],
				 .dtype = OFA_F32,
				 .rank = rank,
				 .shape = {rows, columns},
				 .data = data,
				 .size = (size_t)(rows * columns) * sizeof(float)};
	d->n++;
	return data;
}

static void fill(float *x, size_t n, float bound, struct ofa_rng *rng)
{
	for (size_t i = 0; i < n; i++)
		x[i] = bound * (2 * ofa_rng_float(rng) - 1);
}

/* Features of width `in`; those from `first` on, `n` of them, are beyond the initial range. */
static void make_dict(struct dict *d, bool nas, const char *prefix, int in, int first, int n)
{
	static const char *const names[2][6] = {
		{"0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias"},
		{"layers.0.0.weight", "layers.0.0.bias", "layers.1.0.weight", "layers.1.0.bias", "layers.2.weight",
		 "base_acc"},
	};
	const int64_t rows[6] = {HIDDEN, HIDDEN, HIDDEN, HIDDEN, 1, 1}, columns[6] = {in, 1, HIDDEN, 1, HIDDEN, 1};
	struct ofa_rng rng;

	ofa_rng_init(&rng, 21);
	d->n = 0;
	for (int i = 0; i < 6; i++) {
		char name[32];
		float *x;

		snprintf(name, sizeof(name), "%s%s", prefix, names[nas][i]);
		x = add(d, name, i & 1 ? 1 : 2, rows[i], columns[i]);
		fill(x, (size_t)(rows[i] * columns[i]), 1 / sqrtf((float)columns[i]), &rng);
		for (int j = 0; i == 0 && j < HIDDEN; j++)
			for (int k = first; k < first + n; k++)
				x[j * in + k] *= 3;
	}
}

static void free_dict(struct dict *d)
{
	for (size_t i = 0; i < d->n; i++)
		free((void *)d->t[i].data);
	d->n = 0;
}

/* The dense product over the dict's own columns, for an arch whose resolution is in slot `slot`. */
static float predict_dense(const struct dict *d, bool nas, const struct ofa_space *s, const struct ofa_predictor *p,
			   const struct ofa_arch *a, int slot, int n_slots)
{
	struct ofa_predictor full = *p;
	float x[256] = {0}, h[2][HIDDEN], y = ((const float *)d->t[5].data)[0];
	int in = (int)d->t[0].shape[1];
	uint16_t active[OFA_PREDICTOR_MAX_ACTIVE];
	int n;

	full.n_resolutions = n_slots;
	for (int i = 0; i < n_slots; i++)
		full.resolutions[i] = i == slot ? a->image_size : 0;
	n = ofa_predictor_active(s, &full, a, active);
	for (int i = 0; i < n; i++)
		x[active[i]] = 1;
	for (int j = 0; j < HIDDEN; j++) {
		float sum = ((const float *)d->t[1].data)[j];

		for (int i = 0; i < in; i++)
			sum += x[i] * ((const float *)d->t[0].data)[j * in + i];
		h[0][j] = sum > 0 ? sum : 0;
	}
	for (int j = 0; j < HIDDEN; j++) {
		float sum = ((const float *)d->t[3].data)[j];

		for (int i = 0; i < HIDDEN; i++)
			sum += h[0][i] * ((const float *)d->t[2].data)[j * HIDDEN + i];
		h[1][j] = sum > 0 ? sum : 0;
	}
	for (int i = 0; i < HIDDEN; i++)
		y += h[1][i] * ((const float *)d->t[4].data)[i];
	ck_assert(nas || full.order == OFA_FEATURES_K_E_R);
	return y;
}

static void check_predictions(const struct dict *d, bool nas, const struct ofa_space *s, const struct ofa_predictor *p,
			      const uint16_t *sizes, int n_slots)
{
	float *workspace = malloc(ofa_predictor_workspace(p, 1) * sizeof(float)), got;
	struct ofa_rng rng;
	struct ofa_arch a;

	ofa_rng_init(&rng, 5);
	for (int i = 0; i < 50; i++) {
		int slot = (int)ofa_rng_below(&rng, (uint32_t)n_slots);

		ofa_arch_sample(s, &rng, &a);
		a.image_size = sizes[slot];
		if (!ofa_predictor_has_resolution(p, a.image_size))
			continue;
		ofa_predictor_predict(s, p, &a, 1, workspace, &got);
		ck_assert_float_eq_tol(got, predict_dense(d, nas, s, p, &a, slot, n_slots), 1e-5f);
	}
	free(workspace);
}

START_TEST(tutorial_layout)
{
	static const uint16_t sizes[] = {112, 128, 144, 160, 176, 192, 208, 224};
	static const char *const prefixes[] = {"", "model.", "module."};
	struct ofa_error err = {0};
	struct ofa_predictor p;
	struct ofa_space s;
	struct dict d;

	preset_space("mbv3", 1.2, 10, &s);
	for (size_t i = 0; i < OFA_ARRAY_LEN(prefixes); i++) {
		make_dict(&d, false, prefixes[i], 128, 123, 5);
		ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), &err);
		ck_assert_int_eq(p.n_resolutions, 5);
		ck_assert_mem_eq(p.resolutions, sizes + 3, 5 * sizeof(sizes[0]));
		ck_assert_int_eq(p.n_features, 125);
		ck_assert_float_eq(p.base, 0);
		check_predictions(&d, false, &s, &p, sizes, 8);
		ofa_predictor_release(&p);
		free_dict(&d);
	}
}
END_TEST

START_TEST(nas_layout)
{
	static const uint16_t four[] = {128, 160, 192, 224}, one[] = {224};
	struct ofa_error err = {0};
	struct ofa_predictor p;
	struct ofa_space s;
	struct dict d;

	preset_space("mbv3", 1.0, 10, &s);
	make_dict(&d, true, "", 124, 0, 124);
	ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), &err);
	ck_assert_int_eq(p.order, OFA_FEATURES_R_K_E);
	ck_assert_int_eq(p.n_resolutions, 4);
	ck_assert_float_eq(p.base, ((const float *)d.t[5].data)[0]);
	check_predictions(&d, true, &s, &p, four, 4);
	ofa_predictor_release(&p);
	free_dict(&d);
	preset_space("proxyless", 1.3, 10, &s);
	make_dict(&d, true, "module.", 127, 0, 1);
	ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), &err);
	ck_assert_int_eq(p.n_features, 127);
	check_predictions(&d, true, &s, &p, one, 1);
	ofa_predictor_release(&p);
	free_dict(&d);
}
END_TEST

START_TEST(resolutions_can_be_told)
{
	static const struct ofa_import_predictor_options five = {5, {160, 176, 192, 208, 224}}, two = {2, {128, 224}},
							 other = {2, {130, 224}}, twice = {2, {224, 224}};
	struct ofa_error err = {0};
	struct ofa_predictor p;
	struct ofa_space s;
	struct dict d;

	preset_space("mbv3", 1.2, 10, &s);
	make_dict(&d, true, "", 125, 0, 5);
	ASSERT_FAILS(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), OFA_ERR_MISMATCH);
	ck_assert_msg(strstr(err.message, "125") && strstr(err.message, "120"), "%s", err.message);
	err = (struct ofa_error){0};
	ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &five, &p, &err), &err);
	check_predictions(&d, true, &s, &p, five.resolutions, 5);
	ofa_predictor_release(&p);
	free_dict(&d);
	/* a choice among the layout's: one that was not trained included */
	make_dict(&d, false, "", 128, 123, 5);
	ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &two, &p, &err), &err);
	ck_assert_int_eq(p.n_resolutions, 2);
	ck_assert(ofa_predictor_has_resolution(&p, 128) && !ofa_predictor_has_resolution(&p, 160));
	ofa_predictor_release(&p);
	ASSERT_FAILS(ofa_import_predictor(&s, d.t, d.n, &other, &p, NULL), OFA_ERR_MISMATCH);
	ASSERT_FAILS(ofa_import_predictor(&s, d.t, d.n, &twice, &p, NULL), OFA_ERR_INVALID);
	free_dict(&d);
}
END_TEST

START_TEST(decayed_weights)
{
	struct ofa_error err = {0};
	struct ofa_predictor p;
	struct ofa_space s;
	struct dict d;
	float *w;

	preset_space("mbv3", 1.2, 10, &s);
	make_dict(&d, true, "", 128, 0, 0);
	w = (float *)(uintptr_t)d.t[0].data;
	for (int i = 0; i < HIDDEN * 128; i++)
		w[i] *= i % 128 == 2 ? 1e-40f : 1e-2f; /* the third resolution has decayed to nothing */
	w[128 + 7] = -FLT_MIN / 4;
	ASSERT_OK(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), &err);
	ck_assert_int_eq(p.n_resolutions, 7);
	ck_assert(!ofa_predictor_has_resolution(&p, 160));
	ck_assert_float_eq(p.w[0][127 + 6], 0); /* without the dropped column; denormal before */
	ofa_predictor_release(&p);
	for (int i = 0; i < HIDDEN * 128; i++)
		w[i] = 0;
	ASSERT_FAILS(ofa_import_predictor(&s, d.t, d.n, &as_it_says, &p, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "resolutions");
	free_dict(&d);
}
END_TEST

/* Each damage to a good state dict, and what it is called. */
static void refused(const struct ofa_space *s, struct dict *d, enum ofa_status expected, const char *field,
		    const char *words)
{
	struct ofa_error err = {0};
	struct ofa_predictor p;

	ASSERT_FAILS(ofa_import_predictor(s, d->t, d->n, &as_it_says, &p, &err), expected);
	ck_assert_str_eq(err.field, field);
	ck_assert_msg(strstr(err.message, words), "%s", err.message);
}

START_TEST(refusals)
{
	struct ofa_space s, tiny;
	struct dict d, good;

	preset_space("mbv3", 1.2, 10, &s);
	load_space(tiny_json, &tiny);
	make_dict(&good, true, "", 124, 0, 4);
	d = good;
	refused(&tiny, &d, OFA_ERR_MISMATCH, "resolutions", "76");
	d.n = 0;
	refused(&s, &d, OFA_ERR_NOT_FOUND, "predictor", "no accuracy predictor");
	d = good;
	d.t[2].shape[1]++;
	refused(&s, &d, OFA_ERR_MISMATCH, "layers.1.0.weight", "24 outputs");
	d = good;
	d.t[0].dtype = OFA_F16;
	refused(&s, &d, OFA_ERR_UNSUPPORTED, "layers.0.0.weight", "F16");
	d = good;
	d.t[1].shape[0] = 3;
	refused(&s, &d, OFA_ERR_MISMATCH, "layers.0.0.bias", "3 elements");
	d = good;
	d.t[0].rank = 4;
	refused(&s, &d, OFA_ERR_MISMATCH, "layers.0.0.weight", "4 dimensions");
	d = good;
	d.t[0].shape[0] = (int64_t)1 << 40;
	refused(&s, &d, OFA_ERR_MISMATCH, "layers.0.0.weight", "4096");
	d = good;
	d.t[5].shape[0] = 2;
	refused(&s, &d, OFA_ERR_MISMATCH, "base_acc", "one is needed");
	d = good;
	d.t[4].name = "layers.3.weight"; /* the last layer is missing */
	refused(&s, &d, OFA_ERR_MISMATCH, "predictor", "must have one");
	d = good;
	d.t[0].shape[1] = 82;
	refused(&s, &d, OFA_ERR_MISMATCH, "predictor", "82 features");
	d = good;
	((float *)(uintptr_t)d.t[3].data)[2] = INFINITY;
	refused(&s, &d, OFA_ERR_INVALID, "ofa.predictor", "not finite");
	free_dict(&good);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {tutorial_layout, nas_layout, resolutions_can_be_told, decayed_weights, refusals};

	return run_tests("predictor import", tests, OFA_ARRAY_LEN(tests));
}
