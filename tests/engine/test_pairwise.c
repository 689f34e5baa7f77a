/* The pairwise predictor: its collapsed tables, the likelihood's gradient, what a fit recovers, its file, the split. */
#include <math.h>
#include <string.h>

#include "predict/covariance.h"
#include "predict/holdout.h"
#include "spaces.h"
#include "tensor/gemm.h"
#include "tensor/solve.h"

static float *random_floats(struct ofa_rng *rng, size_t n, float scale)
{
	float *x = malloc(n * sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = scale * ofa_rng_normal(rng);
	return x;
}

/* A model of random values; all of `pair` is filled, of which only a part may count. */
static void random_model(const struct ofa_space *s, int n_resolutions, struct ofa_rng *rng, struct ofa_predictor *p)
{
	struct ofa_genes genes;
	struct ofa_error err = {0};
	float *single, *pair;

	*p = (struct ofa_predictor){.kind = OFA_PREDICTOR_PAIRWISE, .n_resolutions = n_resolutions};
	memcpy(p->resolutions, s->resolutions, (size_t)n_resolutions * sizeof(p->resolutions[0]));
	ofa_genes_init(s, n_resolutions, &genes);
	single = random_floats(rng, (size_t)genes.n_features, 0.02f);
	pair = random_floats(rng, (size_t)(genes.n_features * genes.n_features), 0.005f);
	p->pairwise.base = 0.7f;
	p->pairwise.single = single;
	p->pairwise.pair = pair;
	ASSERT_OK(ofa_predictor_bind(s, p, &err), &err);
	free(single);
	free(pair);
}

static void check_collapsed(const struct ofa_space *s)
{
	int n_resolutions = s->n_resolutions < 3 ? s->n_resolutions : 3;
	struct ofa_predictor p;
	struct ofa_rng rng;
	float workspace[1];

	ofa_rng_init(&rng, 7);
	random_model(s, n_resolutions, &rng, &p);
	ck_assert_uint_eq(ofa_predictor_workspace(&p, 64), 1);
	for (int i = 0; i < 2000; i++) {
		int r = (int)ofa_rng_below(&rng, (uint32_t)n_resolutions);
		struct ofa_arch a;
		float got;

		ofa_arch_sample(s, &rng, &a);
		if (i == 0)
			ofa_arch_smallest(s, &a);
		if (i == 1)
			ofa_arch_largest(s, &a);
		a.image_size = p.resolutions[r];
		ofa_predictor_predict(s, &p, &a, 1, workspace, &got);
		ck_assert_double_eq_tol((double)got, ofa_pairwise_value_by_genes(s, &p.pairwise, &a, r), 2e-5);
	}
	for (int o = 0; o < p.pairwise.n_options; o++)
		for (int q = 0; q < o; q++)
			ck_assert_float_eq(p.pairwise.together[o * p.pairwise.n_options + q],
					   p.pairwise.together[q * p.pairwise.n_options + o]);
	ofa_predictor_release(&p);
}

START_TEST(tables_equal_genes)
{
	static const struct {
		const char *family;
		double width;
	} presets[] = {{"mbv3", 1.0}, {"proxyless", 1.3}, {"resnet50", 1.0}};
	struct ofa_space s;

	load_space(tiny_json, &s);
	check_collapsed(&s);
	load_space(tiny_resnet_json, &s);
	check_collapsed(&s);
	for (size_t i = 0; i < OFA_ARRAY_LEN(presets); i++) {
		preset_space(presets[i].family, presets[i].width, 10, &s);
		check_collapsed(&s);
	}
}
END_TEST

START_TEST(genes_of_a_space)
{
	struct ofa_genes g;
	struct ofa_space s;
	struct ofa_arch a;
	int16_t option[OFA_MAX_GENES];

	load_space(tiny_json, &s);
	ofa_genes_init(&s, 3, &g);
	/* resolution, depths of three stages (one has a single one), kernels and expands of three stages each */
	ck_assert_int_eq(g.n, 1 + 3 + 10 + 10);
	ck_assert_int_eq(g.n_features, 3 + 3 * 3 + 20 + 20);
	ofa_arch_smallest(&s, &a);
	a.k[0] = 1;
	ofa_genes_read(&s, &g, &a, 2, option);
	ck_assert_int_eq(option[0], 2);
	ck_assert_int_eq(option[4], 1);
	ck_assert_int_eq(option[5], OFA_GENE_SKIPPED);
}
END_TEST

START_TEST(solver)
{
	enum { n = 5 };
	double m[n * n], l[n * n], inverse[n * n], x[n], y[n], det = 1;
	struct ofa_rng rng;

	ofa_rng_init(&rng, 2);
	for (int i = 0; i < n; i++) {
		x[i] = (double)ofa_rng_normal(&rng);
		for (int j = 0; j < n; j++)
			m[i * n + j] = m[j * n + i] = i == j ? 3 + i : (double)ofa_rng_float(&rng) - 0.5;
	}
	memcpy(l, m, sizeof(l));
	ck_assert(ofa_cholesky(n, l));
	memcpy(y, x, sizeof(y));
	ofa_cholesky_solve(n, l, y);
	for (int i = 0; i < n; i++) {
		double sum = 0;

		for (int j = 0; j < n; j++)
			sum += m[i * n + j] * y[j];
		ck_assert_double_eq_tol(sum, x[i], 1e-12);
		det *= l[i * n + i] * l[i * n + i];
	}
	ck_assert_double_eq_tol(ofa_cholesky_log_det(n, l), log(det), 1e-12);
	memcpy(inverse, l, sizeof(inverse));
	ofa_cholesky_invert(n, inverse);
	for (int i = 0; i < n; i++) {
		double sum = 0;

		for (int j = 0; j < n; j++)
			sum += inverse[i > j ? i * n + j : j * n + i] * x[j];
		ck_assert_double_eq_tol(sum, y[i], 1e-12);
	}
	m[n + 1] = -1;
	ck_assert(!ofa_cholesky(n, m));
}
END_TEST

/* Every derivative of the likelihood by central differences. */
START_TEST(gradient_by_finite_differences)
{
	enum { n = 40, batches = 3 };
	struct ofa_covariance_row rows[n];
	struct ofa_covariance c;
	struct ofa_genes genes;
	struct ofa_error err = {0};
	struct ofa_space s;
	struct ofa_rng rng;
	double theta[200], gradient[200], unused[200], value;
	int index[n];

	load_space(tiny_json, &s);
	ofa_genes_init(&s, 3, &genes);
	ofa_rng_init(&rng, 3);
	for (int i = 0; i < n; i++) {
		struct ofa_arch a;

		ofa_arch_sample(&s, &rng, &a);
		ofa_genes_read(&s, &genes, &a, (int)ofa_rng_below(&rng, 3), rows[i].option);
		rows[i].batch = (int)ofa_rng_below(&rng, batches);
		rows[i].y = (double)ofa_rng_normal(&rng);
		index[i] = n - 1 - i;
	}
	ASSERT_OK(ofa_covariance_init(&genes, batches, n, n, &c, &err), &err);
	ck_assert_int_le(c.at.n, (int)OFA_ARRAY_LEN(theta));
	for (int i = 0; i < c.at.n; i++)
		theta[i] = -1.5 + 0.3 * (double)ofa_rng_normal(&rng);
	ck_assert(ofa_covariance_likelihood(&c, theta, rows, index, n, &value, gradient));
	for (int i = 0; i < c.at.n; i++) {
		const double step = 1e-5, kept = theta[i];
		double up, down;

		theta[i] = kept + step;
		ck_assert(ofa_covariance_likelihood(&c, theta, rows, index, n, &up, unused));
		theta[i] = kept - step;
		ck_assert(ofa_covariance_likelihood(&c, theta, rows, index, n, &down, unused));
		theta[i] = kept;
		ck_assert_msg(fabs((up - down) / (2 * step) - gradient[i]) < 1e-5 * (1 + fabs(gradient[i])),
			      "parameter %d: %g, not %g", i, gradient[i], (up - down) / (2 * step));
	}
	ofa_covariance_release(&c);
}
END_TEST

/* Blocks of rows give the matrix that one block gives. */
START_TEST(blocks_do_not_matter)
{
	enum { n = 25 };
	struct ofa_covariance_row rows[n];
	struct ofa_covariance whole, parts;
	struct ofa_genes genes;
	struct ofa_error err = {0};
	struct ofa_space s;
	struct ofa_rng rng;
	double theta[200];
	int index[n];

	load_space(tiny_json, &s);
	ofa_genes_init(&s, 3, &genes);
	ofa_rng_init(&rng, 3);
	for (int i = 0; i < n; i++) {
		struct ofa_arch a;

		ofa_arch_sample(&s, &rng, &a);
		ofa_genes_read(&s, &genes, &a, 1, rows[i].option);
		rows[i].batch = 0;
		rows[i].y = i;
		index[i] = i;
	}
	ASSERT_OK(ofa_covariance_init(&genes, 1, n, n, &whole, &err), &err);
	ASSERT_OK(ofa_covariance_init(&genes, 1, n, 7, &parts, &err), &err);
	for (int i = 0; i < whole.at.n; i++)
		theta[i] = -2;
	ck_assert(ofa_covariance_solve(&whole, theta, rows, index, n));
	ck_assert(ofa_covariance_solve(&parts, theta, rows, index, n));
	for (int i = 0; i < n; i++)
		ck_assert_double_eq_tol(whole.alpha[i], parts.alpha[i], 1e-9 * fabs(whole.alpha[i]) + 1e-12);
	ofa_covariance_release(&whole);
	ofa_covariance_release(&parts);
}
END_TEST

enum { MADE_UP = 900 };

struct made_up {
	struct ofa_space space;
	struct ofa_predictor truth;
	struct ofa_arch archs[MADE_UP];
	float accuracy[MADE_UP];
	uint8_t batch[MADE_UP];
	struct ofa_pairs pairs;
};

/* Values of a random pairwise model; those of batch 1 are flatter, lower and noisier. */
static struct made_up *make_up(void)
{
	struct made_up *m = calloc(1, sizeof(*m));
	struct ofa_rng rng;
	float workspace[1];

	load_space(tiny_json, &m->space);
	ofa_rng_init(&rng, 13);
	random_model(&m->space, 3, &rng, &m->truth);
	for (int i = 0; i < MADE_UP; i++) {
		float y;

		ofa_arch_sample(&m->space, &rng, &m->archs[i]);
		ofa_predictor_predict(&m->space, &m->truth, &m->archs[i], 1, workspace, &y);
		m->batch[i] = i % 3 == 0;
		m->accuracy[i] = m->batch[i] ? 0.6f + 0.5f * (y - 0.7f) + 0.003f * ofa_rng_normal(&rng)
					     : y + 0.0005f * ofa_rng_normal(&rng);
		m->accuracy[i] = fminf(fmaxf(m->accuracy[i], 0), 1);
	}
	m->pairs = (struct ofa_pairs){MADE_UP, m->archs, m->accuracy, m->batch, 2};
	return m;
}

static void free_made_up(struct made_up *m)
{
	ofa_predictor_release(&m->truth);
	free(m);
}

START_TEST(fit_recovers)
{
	struct made_up *m = make_up();
	struct ofa_holdout_options opt = {.kind = OFA_PREDICTOR_PAIRWISE, .share = 0.2, .seed = 3};
	struct ofa_pairwise_options fit_opt = {.seed = 1};
	struct ofa_pairwise_batch batch[2];
	struct ofa_pairwise_fit *fit, *again;
	struct ofa_predictor p, q;
	struct ofa_holdout h;
	struct ofa_error err = {0};

	ASSERT_OK(ofa_holdout_run(&m->space, &m->pairs, &opt, &h, &err), &err);
	ck_assert_int_eq(h.n_fitted + h.n_unseen, MADE_UP);
	ck_assert_int_ge(h.n_unseen, MADE_UP / 5);
	ck_assert_int_eq(h.n_lines, 2 * 4 + 1);
	ck_assert_int_eq(h.lines[3].image_size, 0);
	ck_assert_int_eq(h.lines[8].batch, -1);
	printf("made-up pairs: RMSE %.5f and %.5f, tau %.3f and %.3f\n", h.lines[3].rmse, h.lines[7].rmse,
	       h.lines[3].tau, h.lines[7].tau);
	ck_assert_double_lt(h.lines[3].rmse, 0.008); /* batch 0: noise 0.0005 of a deviation of 0.07 */
	ck_assert_double_gt(h.lines[3].tau, 0.95);
	ck_assert_double_lt(h.lines[7].rmse, 0.006); /* batch 1: noise 0.003 */
	ASSERT_OK(ofa_pairwise_fit_new(&m->space, &m->pairs, &fit_opt, &fit, &err), &err);
	ofa_pairwise_fit_batch(fit, 0, &batch[0]);
	ofa_pairwise_fit_batch(fit, 1, &batch[1]);
	ck_assert_double_eq(batch[0].slope, 1);
	ck_assert_double_eq_tol(batch[1].slope, 0.5, 0.03);
	ck_assert_double_gt(batch[1].noise, 0.002); /* 0.003, and what so few pairs leave open */
	ck_assert_double_lt(batch[1].noise, 0.008);
	ck_assert_double_lt(batch[0].noise, batch[1].noise);
	ck_assert_double_lt(batch[1].own, 0.05);
	ASSERT_OK(ofa_pairwise_fit_predictor(fit, &m->space, 0, &p, &err), &err);
	ASSERT_OK(ofa_pairwise_fit_new(&m->space, &m->pairs, &fit_opt, &again, &err), &err);
	ASSERT_OK(ofa_pairwise_fit_predictor(again, &m->space, 0, &q, &err), &err);
	ck_assert_mem_eq(p.pairwise.single, q.pairwise.single, sizeof(float) * (size_t)p.pairwise.genes.n_features);
	ofa_pairwise_fit_free(fit);
	ofa_pairwise_fit_free(again);
	ofa_predictor_release(&p);
	ofa_predictor_release(&q);
	ofa_holdout_release(&h);
	free_made_up(m);
}
END_TEST

START_TEST(fit_refuses)
{
	struct made_up *m = make_up();
	struct ofa_pairwise_options opt = {.iterations = 1};
	struct ofa_holdout_options holdout = {.kind = OFA_PREDICTOR_PAIRWISE, .share = 0.2};
	struct ofa_pairwise_fit *fit = NULL;
	struct ofa_holdout h;
	struct ofa_pairs few = m->pairs;

	few.n = 7;
	ASSERT_FAILS(ofa_pairwise_fit_new(&m->space, &few, &opt, &fit, NULL), OFA_ERR_INVALID);
	ASSERT_FAILS(ofa_holdout_run(&m->space, &few, &holdout, &h, NULL), OFA_ERR_INVALID);
	m->batch[3] = 2;
	ASSERT_FAILS(ofa_pairwise_fit_new(&m->space, &m->pairs, &opt, &fit, NULL), OFA_ERR_INVALID);
	m->batch[3] = 0;
	m->accuracy[5] = NAN;
	ASSERT_FAILS(ofa_pairwise_fit_new(&m->space, &m->pairs, &opt, &fit, NULL), OFA_ERR_INVALID);
	ck_assert_ptr_null(fit);
	free_made_up(m);
}
END_TEST

/* Few pairs, all equal: nothing to learn, no harm. */
START_TEST(fit_of_equal_pairs)
{
	struct made_up *m = make_up();
	struct ofa_pairwise_options opt = {.seed = 1};
	struct ofa_pairwise_fit *fit;
	struct ofa_predictor p;
	struct ofa_error err = {0};
	float workspace[1], y;

	m->pairs.n = 8;
	m->pairs.batch = NULL;
	m->pairs.n_batches = 1;
	for (int i = 0; i < 8; i++) {
		m->archs[i] = m->archs[0];
		m->accuracy[i] = 0.5f;
	}
	ASSERT_OK(ofa_pairwise_fit_new(&m->space, &m->pairs, &opt, &fit, &err), &err);
	ASSERT_OK(ofa_pairwise_fit_predictor(fit, &m->space, 0, &p, &err), &err);
	ck_assert_int_eq(p.n_resolutions, 1);
	ofa_predictor_predict(&m->space, &p, m->archs, 1, workspace, &y);
	ck_assert_float_eq_tol(y, 0.5f, 1e-4f);
	ofa_pairwise_fit_free(fit);
	ofa_predictor_release(&p);
	free_made_up(m);
}
END_TEST

START_TEST(split_by_arch)
{
	struct made_up *m = make_up();
	bool unseen[MADE_UP], other[MADE_UP];
	struct ofa_error err = {0};
	int n = 0, same = 0;

	/* every third pair is the arch before it, at another resolution */
	for (int i = 1; i < MADE_UP; i += 3) {
		m->archs[i] = m->archs[i - 1];
		m->archs[i].image_size = m->archs[i].image_size == 15 ? 28 : 15;
	}
	ASSERT_OK(ofa_holdout_split(&m->pairs, 0.2, 1, unseen, &err), &err);
	ASSERT_OK(ofa_holdout_split(&m->pairs, 0.2, 2, other, &err), &err);
	for (int i = 0; i < MADE_UP; i++) {
		n += unseen[i];
		same += unseen[i] && other[i];
		if (i % 3 == 1)
			ck_assert(unseen[i] == unseen[i - 1]);
	}
	ck_assert_int_ge(n, MADE_UP / 5);
	ck_assert_int_le(n, MADE_UP / 5 + 4);
	ck_assert_int_lt(same, n / 2);
	free_made_up(m);
}
END_TEST

/* Writes a file of these tensors and reads the predictor back through a network. */
static enum ofa_status reload(struct ofa_supernet *net, const struct ofa_tensor *tensors, size_t n, json_t *predictor,
			      struct ofa_predictor *ret, struct ofa_error *err)
{
	const char *path = temporary_path("pairwise.safetensors");
	char *text = json_dumps(predictor, JSON_REAL_PRECISION(9));
	json_t *meta = json_pack("{s:s}", "ofa.predictor", text);
	enum ofa_status st;

	ASSERT_OK(ofa_safetensors_save(path, tensors, n, meta, err), err);
	ASSERT_OK(ofa_safetensors_open(path, &net->file, err), err);
	st = ofa_predictor_load(net, ret, err);
	ofa_safetensors_close(&net->file);
	unlink(path);
	json_decref(meta);
	free(text);
	return st;
}

START_TEST(file_round_trip)
{
	struct ofa_supernet net = {.name = "tiny"};
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	struct ofa_predictor p, q;
	struct ofa_error err = {0};
	struct ofa_rng rng;
	json_t *meta;
	size_t n;

	load_space(tiny_json, &net.space);
	ofa_rng_init(&rng, 4);
	random_model(&net.space, 3, &rng, &p);
	meta = ofa_predictor_metadata(&p);
	n = ofa_predictor_tensors(&p, tensors);
	ck_assert_uint_eq(n, 2);
	ASSERT_OK(reload(&net, tensors, n, meta, &q, &err), &err);
	ck_assert_int_eq(q.kind, OFA_PREDICTOR_PAIRWISE);
	for (int i = 0; i < 200; i++) {
		struct ofa_arch a;
		float workspace[1], x, y;

		ofa_arch_sample(&net.space, &rng, &a);
		ofa_predictor_predict(&net.space, &p, &a, 1, workspace, &x);
		ofa_predictor_predict(&net.space, &q, &a, 1, workspace, &y);
		ck_assert_float_eq(x, y);
	}
	ofa_predictor_release(&q);

	ASSERT_FAILS(reload(&net, tensors, 1, meta, &q, &err), OFA_ERR_MISMATCH);
	ck_assert_str_eq(err.field, "ofa.predictor.pair");
	err = (struct ofa_error){0};
	json_object_set_new(meta, "resolutions", json_pack("[i,i]", 15, 20));
	ASSERT_FAILS(reload(&net, tensors, n, meta, &q, &err), OFA_ERR_MISMATCH);
	ck_assert_str_eq(err.field, "ofa.predictor.single");
	json_object_set_new(meta, "resolutions", json_pack("[i,i,i]", 15, 20, 28));
	for (int i = 0; i < 3; i++) {
		((float *)(uintptr_t)tensors[1].data)[3] = (const float[]){NAN, -INFINITY, 2e6f}[i];
		ASSERT_FAILS(reload(&net, tensors, n, meta, &q, &(struct ofa_error){0}), OFA_ERR_INVALID);
	}
	json_object_set_new(meta, "kind", json_string("forest"));
	err = (struct ofa_error){0};
	ASSERT_FAILS(reload(&net, tensors, n, meta, &q, &err), OFA_ERR_UNSUPPORTED);
	ck_assert_msg(strstr(err.message, "forest") && strstr(err.message, "pairwise"), "%s", err.message);
	json_decref(meta);
	ofa_predictor_release(&p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {genes_of_a_space,
				      tables_equal_genes,
				      solver,
				      gradient_by_finite_differences,
				      blocks_do_not_matter,
				      fit_recovers,
				      fit_refuses,
				      fit_of_equal_pairs,
				      split_by_arch,
				      file_round_trip};

	ofa_blas_single_thread();
	return run_tests("pairwise", tests, OFA_ARRAY_LEN(tests));
}
