/* The covariance of measured pairs (predict/pairwise_fit.h), and the gradient of their likelihood. */
#ifndef OFA_PREDICT_COVARIANCE_H
#define OFA_PREDICT_COVARIANCE_H

#include "predict/pairwise_fit.h"

/* What is learned is one vector: logarithms, but for rho's logit.  Where each part of it begins: */
struct ofa_covariance_layout {
	int constant, offset, rho; /* one each */
	int single, pair;          /* a_g and b_g: one per gene */
	int noise, slope, own;     /* one per batch */
	int n;
};
void ofa_covariance_layout(int n_genes, int n_batches, struct ofa_covariance_layout *ret);

/* The same by name. */
struct ofa_covariance_values {
	double constant, offset, rho;
	double single[OFA_MAX_GENES], pair[OFA_MAX_GENES];
	double noise[OFA_PAIRS_MAX_BATCHES], slope[OFA_PAIRS_MAX_BATCHES], own[OFA_PAIRS_MAX_BATCHES];
};
void ofa_covariance_values(const struct ofa_covariance_layout *at, const double *theta,
			   struct ofa_covariance_values *ret);

/* z of options o and p among n. */
double ofa_covariance_z(int n, int o, int p, double rho);

struct ofa_covariance_row {
	int batch;
	double y;                       /* standardised accuracy */
	int16_t option[OFA_MAX_GENES];
};

/* Work space for matrices of at most max_rows rows, made `block` rows at a time. */
struct ofa_covariance {
	const struct ofa_genes *genes; /* borrowed */
	struct ofa_covariance_layout at;
	int max_rows, block;
	double *hot;             /* (max_rows, features): one-hot options */
	double *left;            /* (block, features): hot times one matrix per gene */
	double *single, *paired; /* (block, max_rows): sums of a_g z_g - (b_g z_g)^2 / 2, and of b_g z_g */
	double *matrix;          /* (max_rows, max_rows) */
	double *product;         /* (features, features) */
	double *alpha;           /* (max_rows): matrix^-1 y */
};
enum ofa_status ofa_covariance_init(const struct ofa_genes *genes, int n_batches, int max_rows, int block,
				    struct ofa_covariance *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_covariance_release(struct ofa_covariance *c);

/* The lower triangle of `matrix` becomes the Cholesky factor of the covariance of rows[index[0..n-1]], and alpha what
 * it says.  False when the covariance is not positive definite. */
bool ofa_covariance_solve(struct ofa_covariance *c, const double *theta, const struct ofa_covariance_row *rows,
			  const int *index, int n);
/* The logarithm of the likelihood of n <= block rows, without its constant, and its gradient by theta. */
bool ofa_covariance_likelihood(struct ofa_covariance *c, const double *theta, const struct ofa_covariance_row *rows,
			       const int *index, int n, double *ret, double *gradient);

#endif
