#include "predict/covariance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor/gemm.h"
#include "tensor/solve.h"

void ofa_covariance_layout(int n_genes, int n_batches, struct ofa_covariance_layout *ret)
{
	ret->constant = 0;
	ret->offset = 1;
	ret->rho = 2;
	ret->single = 3;
	ret->pair = ret->single + n_genes;
	ret->noise = ret->pair + n_genes;
	ret->slope = ret->noise + n_batches;
	ret->own = ret->slope + n_batches;
	ret->n = ret->own + n_batches;
}

void ofa_covariance_values(const struct ofa_covariance_layout *at, const double *theta,
			   struct ofa_covariance_values *ret)
{
	ret->constant = exp(theta[at->constant]);
	ret->offset = exp(theta[at->offset]);
	ret->rho = 1 / (1 + exp(-theta[at->rho]));
	for (int g = 0; g < at->pair - at->single; g++) {
		ret->single[g] = exp(theta[at->single + g]);
		ret->pair[g] = exp(theta[at->pair + g]);
	}
	for (int b = 0; b < at->slope - at->noise; b++) {
		ret->noise[b] = exp(theta[at->noise + b]);
		ret->slope[b] = exp(theta[at->slope + b]);
		ret->own[b] = exp(theta[at->own + b]);
	}
}

/* Where an option lies among n: -1 to 1. */
static double level(int n, int o)
{
	return n > 1 ? 2.0 * o / (n - 1) - 1 : 0;
}

static double order(int n, int o, int p)
{
	return level(n, o) * level(n, p);
}

double ofa_covariance_z(int n, int o, int p, double rho)
{
	return (1 - rho) * (o == p) + rho * order(n, o, p);
}

enum ofa_status ofa_covariance_init(const struct ofa_genes *genes, int n_batches, int max_rows, int block,
				    struct ofa_covariance *ret, struct ofa_error *err)
{
	size_t n = (size_t)max_rows, f = (size_t)genes->n_features, b = (size_t)block;
	struct ofa_covariance c = {.genes = genes, .max_rows = max_rows, .block = block};

	ofa_covariance_layout(genes->n, n_batches, &c.at);
	c.hot = calloc(n * f, sizeof(double));
	c.left = calloc(b * f, sizeof(double));
	c.single = calloc(b * n, sizeof(double));
	c.paired = calloc(b * n, sizeof(double));
	c.matrix = calloc(n * n, sizeof(double));
	c.product = calloc(f * f, sizeof(double));
	c.alpha = calloc(n, sizeof(double));
	if (!c.hot || !c.left || !c.single || !c.paired || !c.matrix || !c.product || !c.alpha) {
		ofa_covariance_release(&c);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for a covariance of %d rows", max_rows);
	}
	*ret = c;
	return OFA_OK;
}

void ofa_covariance_release(struct ofa_covariance *c)
{
	free(c->hot);
	free(c->left);
	free(c->single);
	free(c->paired);
	free(c->matrix);
	free(c->product);
	free(c->alpha);
	memset(c, 0, sizeof(*c));
}

static void fill_hot(struct ofa_covariance *c, const struct ofa_covariance_row *rows, const int *index, int n)
{
	const size_t f = (size_t)c->genes->n_features;

	memset(c->hot, 0, (size_t)n * f * sizeof(double));
	for (int i = 0; i < n; i++)
		for (int g = 0; g < c->genes->n; g++)
			if (rows[index[i]].option[g] != OFA_GENE_SKIPPED)
				c->hot[(size_t)i * f + (size_t)(c->genes->list[g].at + rows[index[i]].option[g])] = 1;
}

/* left = the options of `count` rows from `first` on, each as its row of a matrix per gene: of b_g z, or of
 * a_g z - (b_g z)^2 / 2. */
static void fill_left(struct ofa_covariance *c, const struct ofa_covariance_values *v, bool paired,
		      const struct ofa_covariance_row *rows, const int *index, int first, int count)
{
	const size_t f = (size_t)c->genes->n_features;

	memset(c->left, 0, (size_t)count * f * sizeof(double));
	for (int i = 0; i < count; i++) {
		const struct ofa_covariance_row *row = &rows[index[first + i]];

		for (int g = 0; g < c->genes->n; g++) {
			const struct ofa_gene *gene = &c->genes->list[g];
			double *to = c->left + (size_t)i * f + (size_t)gene->at;

			for (int p = 0; row->option[g] != OFA_GENE_SKIPPED && p < gene->n; p++) {
				double z = ofa_covariance_z(gene->n, row->option[g], p, v->rho), bz = v->pair[g] * z;

				to[p] = paired ? bz : v->single[g] * z - 0.5 * bz * bz;
			}
		}
	}
}

/* The share of K that counts between two rows. */
static double share(const struct ofa_covariance_values *v, int b, int c)
{
	return v->slope[b] * v->slope[c] + (b == c ? v->own[b] : 0);
}

/* Sum over pairs of b_g z_g b_h z_h = (paired^2 - sum of (b_g z_g)^2) / 2. */
static double kernel(const struct ofa_covariance *c, const struct ofa_covariance_values *v, size_t at)
{
	return v->constant + c->single[at] + 0.5 * c->paired[at] * c->paired[at];
}

/* Rows first..first+count-1 of `single`, `paired` and the matrix, up to the diagonal at least. */
static void fill_rows(struct ofa_covariance *c, const struct ofa_covariance_values *v,
		      const struct ofa_covariance_row *rows, const int *index, int n, int first, int count)
{
	const int f = c->genes->n_features, end = first + count;

	fill_left(c, v, false, rows, index, first, count);
	ofa_gemm_nt_f64(count, end, f, c->left, f, c->hot, f, c->single, n);
	fill_left(c, v, true, rows, index, first, count);
	ofa_gemm_nt_f64(count, end, f, c->left, f, c->hot, f, c->paired, n);
	for (int i = first; i < end; i++) {
		int b = rows[index[i]].batch;
		double *to = c->matrix + (size_t)i * (size_t)n;

		for (int j = 0; j <= i; j++) {
			int q = rows[index[j]].batch;

			to[j] = share(v, b, q) * kernel(c, v, (size_t)(i - first) * (size_t)n + (size_t)j) +
				(b == q ? v->offset : 0);
		}
		to[i] += v->noise[b];
	}
}

static bool solve(struct ofa_covariance *c, const struct ofa_covariance_values *v,
		  const struct ofa_covariance_row *rows, const int *index, int n)
{
	fill_hot(c, rows, index, n);
	for (int first = 0; first < n; first += c->block)
		fill_rows(c, v, rows, index, n, first, n - first < c->block ? n - first : c->block);
	if (!ofa_cholesky(n, c->matrix))
		return false;
	for (int i = 0; i < n; i++)
		c->alpha[i] = rows[index[i]].y;
	ofa_cholesky_solve(n, c->matrix, c->alpha);
	return true;
}

bool ofa_covariance_solve(struct ofa_covariance *c, const double *theta, const struct ofa_covariance_row *rows,
			  const int *index, int n)
{
	struct ofa_covariance_values v;

	ofa_covariance_values(&c->at, theta, &v);
	return solve(c, &v, rows, index, n);
}

/* The likelihood's derivative by an entry of the matrix is (alpha alpha' - matrix^-1) / 2; off the diagonal an entry
 * stands for two.  What is independent of genes is added up here; `single` becomes the derivative by K, and `paired`
 * that by the sum of b_g z_g.  The matrix is its inverse already. */
static void gradient_by_batches(struct ofa_covariance *c, const struct ofa_covariance_values *v,
				const struct ofa_covariance_row *rows, const int *index, int n, double *gradient)
{
	const struct ofa_covariance_layout *at = &c->at;

	for (int i = 0; i < n; i++) {
		int b = rows[index[i]].batch;

		for (int j = 0; j < n; j++) {
			size_t ij = (size_t)i * (size_t)n + (size_t)j;
			int q = rows[index[j]].batch;
			double d, k = kernel(c, v, ij);

			if (j > i) {
				c->single[ij] = c->paired[ij] = 0;
				continue;
			}
			d = (c->alpha[i] * c->alpha[j] - c->matrix[ij]) * (i == j ? 0.5 : 1);
			gradient[at->slope + b] += d * k * v->slope[b] * v->slope[q];
			gradient[at->slope + q] += d * k * v->slope[b] * v->slope[q];
			if (b == q) {
				gradient[at->own + b] += d * k * v->own[b];
				gradient[at->offset] += d * v->offset;
			}
			if (i == j)
				gradient[at->noise + b] += d * v->noise[b];
			c->single[ij] = d * share(v, b, q);
			gradient[at->constant] += c->single[ij] * v->constant;
			c->paired[ij] *= c->single[ij];
		}
	}
}

/* product = hot' m' hot: m summed by the options of its rows and columns. */
static void sum_by_options(struct ofa_covariance *c, const double *m, int n)
{
	const int f = c->genes->n_features;

	ofa_gemm_tn_f64(n, f, n, m, n, c->hot, f, c->left, f);
	ofa_gemm_tn_f64(f, f, n, c->hot, f, c->left, f, c->product, f);
}

/* From the derivatives by K (paired: by the sum of b_g z_g) to those by a_g, b_g and rho.  K depends on b_g z_g as
 * paired - b_g z_g does. */
static void gradient_by_genes(struct ofa_covariance *c, const struct ofa_covariance_values *v, bool paired, int n,
			      double *gradient)
{
	const struct ofa_covariance_layout *at = &c->at;
	double by_rho = 0;

	sum_by_options(c, paired ? c->paired : c->single, n);
	for (int g = 0; g < c->genes->n; g++) {
		const struct ofa_gene *gene = &c->genes->list[g];
		const double a = v->single[g], b = v->pair[g];

		for (int o = 0; o < gene->n; o++) {
			for (int p = 0; p < gene->n; p++) {
				double s = c->product[(gene->at + o) * c->genes->n_features + gene->at + p];
				double z = ofa_covariance_z(gene->n, o, p, v->rho);
				double by_z = paired ? b * s : (a - b * b * z) * s;

				if (!paired)
					gradient[at->single + g] += a * z * s;
				gradient[at->pair + g] += paired ? b * z * s : -b * b * z * z * s;
				by_rho += by_z * (order(gene->n, o, p) - (o == p));
			}
		}
	}
	gradient[at->rho] += by_rho * v->rho * (1 - v->rho);
}

bool ofa_covariance_likelihood(struct ofa_covariance *c, const double *theta, const struct ofa_covariance_row *rows,
			       const int *index, int n, double *ret, double *gradient)
{
	struct ofa_covariance_values v;
	double fit = 0;

	ofa_covariance_values(&c->at, theta, &v);
	if (!solve(c, &v, rows, index, n))
		return false;
	for (int i = 0; i < n; i++)
		fit += c->alpha[i] * rows[index[i]].y;
	*ret = -0.5 * (fit + ofa_cholesky_log_det(n, c->matrix));
	memset(gradient, 0, (size_t)c->at.n * sizeof(double));
	ofa_cholesky_invert(n, c->matrix);
	gradient_by_batches(c, &v, rows, index, n, gradient);
	gradient_by_genes(c, &v, false, n, gradient);
	gradient_by_genes(c, &v, true, n, gradient);
	return true;
}
