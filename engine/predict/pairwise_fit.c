#include "predict/pairwise_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "predict/covariance.h"

/* Chosen on published MobileNetV3 pairs (doc/predictor.md): more iterations fit the subsets rather than the pairs. */
#define DEFAULT_ITERATIONS 60
#define DEFAULT_ROWS 512
#define LEARNING_RATE 0.15
#define MIN_PAIRS 8
#define MAX_ROWS 4096
#define MIN_SCALE 1e-6 /* of accuracies that are all equal */

/* Where the climb starts, for accuracies of variance 1. */
#define START_CONSTANT 0.2
#define START_OFFSET 0.02
#define START_RESOLUTION 0.75
#define START_SINGLE 0.01
#define START_PAIR 0.01
#define START_NOISE 2e-3
#define START_OWN 5e-3
#define START_RHO 1.0     /* a logit: rho 0.73 */
#define PRIOR_DEVIATION 2 /* of each logarithm about its start: holds what few pairs do not tell */
#define BOUND 12          /* of a logarithm about its start */

struct ofa_pairwise_fit {
	struct ofa_genes genes;
	struct ofa_covariance_layout at;
	int n, n_batches, n_resolutions;
	uint16_t resolutions[OFA_MAX_RESOLUTIONS];
	double mean, scale;
	struct ofa_covariance_row *rows;
	int *index;
	double *theta, *start; /* (at.n) */
	double *alpha;         /* (n) */
};

/* Adam's state. */
struct climb {
	struct ofa_covariance cov;
	double *gradient, *m, *v;
	int step, steps;
};

static enum ofa_status check(const struct ofa_pairs *p, const struct ofa_pairwise_options *opt, struct ofa_error *err)
{
	if (p->n < MIN_PAIRS || p->n > OFA_PAIRS_MAX)
		return ofa_fail(err, p->n < MIN_PAIRS ? OFA_ERR_INVALID : OFA_ERR_LIMIT, "pairs",
				"%d pairs; %d to %d are accepted", p->n, MIN_PAIRS, OFA_PAIRS_MAX);
	if (p->n_batches < 1 || p->n_batches > OFA_PAIRS_MAX_BATCHES)
		return ofa_fail(err, OFA_ERR_LIMIT, "batch", "%d batches; 1 to %d are accepted", p->n_batches,
				OFA_PAIRS_MAX_BATCHES);
	if (opt->iterations < 0 || opt->rows < 0 || opt->rows > MAX_ROWS)
		return ofa_fail(err, OFA_ERR_INVALID, "rows",
				"%d iterations on %d rows; at least 0 and at most %d rows are accepted",
				opt->iterations, opt->rows, MAX_ROWS);
	for (int i = 0; i < p->n; i++) {
		if (!(p->accuracy[i] >= 0 && p->accuracy[i] <= 1))
			return ofa_fail(err, OFA_ERR_INVALID, "accuracy",
					"pair %d has accuracy %g; 0 to 1 are accepted", i, (double)p->accuracy[i]);
		if (p->batch && p->batch[i] >= p->n_batches)
			return ofa_fail(err, OFA_ERR_INVALID, "batch", "pair %d is of batch %d of %d", i, p->batch[i],
					p->n_batches);
	}
	return OFA_OK;
}

static int resolution_index(const struct ofa_pairwise_fit *f, int image_size)
{
	int i = 0;

	while (f->resolutions[i] != image_size)
		i++;
	return i;
}

static void collect_resolutions(const struct ofa_space *s, const struct ofa_pairs *pairs, struct ofa_pairwise_fit *f)
{
	for (int r = 0; r < s->n_resolutions; r++) {
		for (int i = 0; i < pairs->n; i++) {
			if (pairs->archs[i].image_size == s->resolutions[r]) {
				f->resolutions[f->n_resolutions++] = s->resolutions[r];
				break;
			}
		}
	}
}

static void standardise(const struct ofa_pairs *pairs, struct ofa_pairwise_fit *f)
{
	double square = 0;

	for (int i = 0; i < f->n; i++)
		f->mean += (double)pairs->accuracy[i] / f->n;
	for (int i = 0; i < f->n; i++)
		square += ((double)pairs->accuracy[i] - f->mean) * ((double)pairs->accuracy[i] - f->mean) / f->n;
	f->scale = fmax(sqrt(square), MIN_SCALE);
}

static void fill_rows(const struct ofa_space *s, const struct ofa_pairs *pairs, struct ofa_pairwise_fit *f)
{
	for (int i = 0; i < f->n; i++) {
		struct ofa_covariance_row *row = &f->rows[i];

		row->batch = pairs->batch ? pairs->batch[i] : 0;
		row->y = ((double)pairs->accuracy[i] - f->mean) / f->scale;
		ofa_genes_read(s, &f->genes, &pairs->archs[i], resolution_index(f, pairs->archs[i].image_size),
			       row->option);
		f->index[i] = i;
	}
}

static void fill_start(struct ofa_pairwise_fit *f)
{
	double *t = f->start;

	t[f->at.constant] = log(START_CONSTANT);
	t[f->at.offset] = log(START_OFFSET);
	t[f->at.rho] = START_RHO;
	for (int g = 0; g < f->genes.n; g++) {
		t[f->at.single + g] =
			log(f->genes.list[g].kind == OFA_GENE_RESOLUTION ? START_RESOLUTION : START_SINGLE);
		t[f->at.pair + g] = log(START_PAIR);
	}
	for (int b = 0; b < f->n_batches; b++) {
		t[f->at.noise + b] = log(START_NOISE);
		t[f->at.slope + b] = 0;
		t[f->at.own + b] = log(START_OWN);
	}
	memcpy(f->theta, f->start, (size_t)f->at.n * sizeof(double));
}

/* With one batch its slope is the scale of all the rest, and its own share is all. */
static bool is_fixed(const struct ofa_pairwise_fit *f, int i)
{
	return f->n_batches == 1 && (i == f->at.offset || i == f->at.slope || i == f->at.own);
}

static void climb_step(struct ofa_pairwise_fit *f, struct climb *c, int n)
{
	const double beta1 = 0.9, beta2 = 0.98, half = 0.5 * c->steps;
	double rate = LEARNING_RATE, correct1, correct2;

	if (c->step > half)
		rate *= 0.5 + 0.5 * cos(M_PI * (c->step - half) / half);
	c->step++;
	correct1 = 1 - pow(beta1, c->step);
	correct2 = 1 - pow(beta2, c->step);
	for (int i = 0; i < f->at.n; i++) {
		double off = f->theta[i] - f->start[i];
		double g = c->gradient[i] / n - off / (PRIOR_DEVIATION * PRIOR_DEVIATION) / f->n;

		if (is_fixed(f, i))
			continue;
		c->m[i] = beta1 * c->m[i] + (1 - beta1) * g;
		c->v[i] = beta2 * c->v[i] + (1 - beta2) * g * g;
		off += rate * (c->m[i] / correct1) / (sqrt(c->v[i] / correct2) + 1e-8);
		f->theta[i] = f->start[i] + fmin(fmax(off, -BOUND), BOUND);
	}
}

static enum ofa_status not_definite(struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_INVALID, "pairs",
			"cannot be fitted: their covariance is not positive definite in double precision");
}

static void shuffle(struct ofa_rng *rng, int *a, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)ofa_rng_below(rng, (uint32_t)i + 1), t = a[i];

		a[i] = a[j];
		a[j] = t;
	}
}

static enum ofa_status learn(struct ofa_pairwise_fit *f, struct climb *c, const struct ofa_pairwise_options *opt,
			     struct ofa_error *err)
{
	const int rows = c->cov.block;
	struct ofa_rng rng;
	int from = f->n;

	ofa_rng_init(&rng, opt->seed);
	for (int i = 0; i < c->steps; i++, from += rows) {
		double likelihood;

		if (from + rows > f->n) {
			shuffle(&rng, f->index, f->n);
			from = 0;
		}
		if (!ofa_covariance_likelihood(&c->cov, f->theta, f->rows, f->index + from, rows, &likelihood,
					       c->gradient))
			return not_definite(err);
		climb_step(f, c, rows);
		if (opt->progress)
			opt->progress(opt->ctx, i + 1, c->steps);
	}
	for (int i = 0; i < f->n; i++)
		f->index[i] = i;
	return OFA_OK;
}

static enum ofa_status climb_and_solve(struct ofa_pairwise_fit *f, const struct ofa_pairwise_options *opt,
				       struct ofa_error *err)
{
	int rows = opt->rows ? opt->rows : DEFAULT_ROWS;
	struct climb c = {.steps = opt->iterations ? opt->iterations : DEFAULT_ITERATIONS};
	enum ofa_status st = ofa_covariance_init(&f->genes, f->n_batches, f->n, rows < f->n ? rows : f->n, &c.cov, err);

	if (st)
		return st;
	c.gradient = calloc(3 * (size_t)f->at.n, sizeof(double));
	if (c.gradient) {
		c.m = c.gradient + f->at.n;
		c.v = c.m + f->at.n;
		st = learn(f, &c, opt, err);
	} else {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	if (!st && !ofa_covariance_solve(&c.cov, f->theta, f->rows, f->index, f->n))
		st = not_definite(err);
	if (!st)
		memcpy(f->alpha, c.cov.alpha, (size_t)f->n * sizeof(double));
	free(c.gradient);
	ofa_covariance_release(&c.cov);
	return st;
}

enum ofa_status ofa_pairwise_fit_new(const struct ofa_space *s, const struct ofa_pairs *pairs,
				     const struct ofa_pairwise_options *opt, struct ofa_pairwise_fit **ret,
				     struct ofa_error *err)
{
	enum ofa_status st = check(pairs, opt, err);
	struct ofa_pairwise_fit *f = st ? NULL : calloc(1, sizeof(*f));

	if (st)
		return st;
	if (!f)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	f->n = pairs->n;
	f->n_batches = pairs->n_batches;
	collect_resolutions(s, pairs, f);
	ofa_genes_init(s, f->n_resolutions, &f->genes);
	ofa_covariance_layout(f->genes.n, f->n_batches, &f->at);
	f->rows = calloc((size_t)f->n, sizeof(*f->rows));
	f->index = calloc((size_t)f->n, sizeof(*f->index));
	f->alpha = calloc((size_t)f->n, sizeof(double));
	f->theta = calloc((size_t)f->at.n, sizeof(double));
	f->start = calloc((size_t)f->at.n, sizeof(double));
	if (f->rows && f->index && f->alpha && f->theta && f->start) {
		standardise(pairs, f);
		fill_rows(s, pairs, f);
		fill_start(f);
		st = climb_and_solve(f, opt, err);
	} else {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	if (st)
		ofa_pairwise_fit_free(f);
	else
		*ret = f;
	return st;
}

void ofa_pairwise_fit_free(struct ofa_pairwise_fit *f)
{
	if (!f)
		return;
	free(f->rows);
	free(f->index);
	free(f->alpha);
	free(f->theta);
	free(f->start);
	free(f);
}

/* What each measurement adds to the mean of batch `batch`, times its covariance without offset. */
static double weight(const struct ofa_pairwise_fit *f, const struct ofa_covariance_values *v, int batch, int i)
{
	int b = f->rows[i].batch;

	return f->alpha[i] * (v->slope[batch] * v->slope[b] + (b == batch ? v->own[batch] : 0));
}

/* single[f] and pair[f][g] = sums of the weights of the measurements with option f (and g); returns the constant. */
static double sum_weights(const struct ofa_pairwise_fit *f, const struct ofa_covariance_values *v, int batch,
			  double *single, double *pair)
{
	double constant = 0;

	for (int i = 0; i < f->n; i++) {
		const int16_t *option = f->rows[i].option;
		double w = weight(f, v, batch, i);

		constant += v->constant * w + (f->rows[i].batch == batch ? v->offset * f->alpha[i] : 0);
		for (int g = 0; g < f->genes.n; g++) {
			int at = f->genes.list[g].at + option[g];

			if (option[g] == OFA_GENE_SKIPPED)
				continue;
			single[at] += w;
			for (int h = g + 1; h < f->genes.n; h++)
				if (option[h] != OFA_GENE_SKIPPED)
					pair[at * f->genes.n_features + f->genes.list[h].at + option[h]] += w;
		}
	}
	return constant;
}

/* The values of options (o, p) of genes g and h: the sums of all options, each as far as it resembles. */
static double spread_pair(const struct ofa_pairwise_fit *f, const struct ofa_covariance_values *v, const double *pair,
			  const struct ofa_gene *g, const struct ofa_gene *h, int o, int p)
{
	double sum = 0;

	for (int i = 0; i < g->n; i++)
		for (int j = 0; j < h->n; j++)
			sum += ofa_covariance_z(g->n, o, i, v->rho) * ofa_covariance_z(h->n, p, j, v->rho) *
			       pair[(g->at + i) * f->genes.n_features + h->at + j];
	return sum;
}

static void spread(const struct ofa_pairwise_fit *f, const struct ofa_covariance_values *v, const double *single,
		   const double *pair, float *to_single, float *to_pair)
{
	for (int a = 0; a < f->genes.n; a++) {
		const struct ofa_gene *g = &f->genes.list[a];

		for (int o = 0; o < g->n; o++) {
			double sum = 0;

			for (int i = 0; i < g->n; i++)
				sum += ofa_covariance_z(g->n, o, i, v->rho) * single[g->at + i];
			to_single[g->at + o] = (float)(f->scale * v->single[a] * sum);
			for (int b = a + 1; b < f->genes.n; b++) {
				const struct ofa_gene *h = &f->genes.list[b];

				for (int p = 0; p < h->n; p++)
					to_pair[(g->at + o) * f->genes.n_features + h->at + p] =
						(float)(f->scale * v->pair[a] * v->pair[b] *
							spread_pair(f, v, pair, g, h, o, p));
			}
		}
	}
}

enum ofa_status ofa_pairwise_fit_predictor(const struct ofa_pairwise_fit *f, const struct ofa_space *s, int batch,
					   struct ofa_predictor *ret, struct ofa_error *err)
{
	struct ofa_predictor p = {.kind = OFA_PREDICTOR_PAIRWISE, .n_resolutions = f->n_resolutions};
	const size_t n = (size_t)f->genes.n_features;
	double *sums = calloc(n * (n + 1), sizeof(double));
	float *values = calloc(n * (n + 1), sizeof(float));
	struct ofa_covariance_values v;
	enum ofa_status st;

	if (sums && values) {
		ofa_covariance_values(&f->at, f->theta, &v);
		memcpy(p.resolutions, f->resolutions, sizeof(p.resolutions));
		p.pairwise.base = (float)(f->mean + f->scale * sum_weights(f, &v, batch, sums, sums + n));
		spread(f, &v, sums, sums + n, values, values + n);
		p.pairwise.single = values;
		p.pairwise.pair = values + n;
		st = ofa_predictor_bind(s, &p, err);
	} else {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	free(sums);
	free(values);
	if (!st)
		*ret = p;
	return st;
}

/* The batch of most rows. */
static int reference(const struct ofa_pairwise_fit *f)
{
	int count[OFA_PAIRS_MAX_BATCHES] = {0}, best = 0;

	for (int i = 0; i < f->n; i++)
		count[f->rows[i].batch]++;
	for (int b = 0; b < f->n_batches; b++)
		if (count[b] > count[best])
			best = b;
	return best;
}

void ofa_pairwise_fit_batch(const struct ofa_pairwise_fit *f, int batch, struct ofa_pairwise_batch *ret)
{
	struct ofa_covariance_values v;

	ofa_covariance_values(&f->at, f->theta, &v);
	ret->slope = v.slope[batch] / v.slope[reference(f)];
	ret->noise = f->scale * sqrt(v.noise[batch]);
	ret->own = f->n_batches == 1 ? 0 : v.own[batch] / (v.own[batch] + v.slope[batch] * v.slope[batch]);
}
