/* Fitting a pairwise model to measured (arch, accuracy) pairs, as a Gaussian process (Rasmussen and Williams, 2006)
 * whose posterior mean is exactly such a model.
 *
 * Covariance of two measurements i, j of batches b, c:
 *
 *	(slope_b slope_c + [b = c] own_b) K(i, j) + [b = c] offset + [i = j] noise_b
 *	K(i, j) = constant + sum over genes of a_g z_g + sum over pairs of genes of b_g z_g b_h z_h
 *	z_g     = (1 - rho) [equal options] + rho u u'       (0 where a block is skipped)
 *
 * u is where an option lies among its gene's, -1 to 1: neighbouring kernels or ratios do alike.  Rows measured
 * together (a batch: one calibration, one team, one supernet) share an offset and a slope, have a noise of their own,
 * and may differ in single and pair terms by a share own_b.  All of these are learned: the marginal likelihood of
 * random subsets of the rows is climbed by its gradient (Adam).  Then all rows are fitted at once.
 *
 * Time: iterations x rows^3 (subset), then n^3/3 operations; memory 8 n^2 bytes. */
#ifndef OFA_PREDICT_PAIRWISE_FIT_H
#define OFA_PREDICT_PAIRWISE_FIT_H

#include "predict/predictor.h"

#define OFA_PAIRS_MAX 16384
#define OFA_PAIRS_MAX_BATCHES 32

/* Measured pairs; arrays are borrowed. */
struct ofa_pairs {
	int n;
	const struct ofa_arch *archs; /* canonical */
	const float *accuracy;        /* in [0,1] */
	const uint8_t *batch;         /* below n_batches; NULL: all are of one */
	int n_batches;                /* at least 1 */
};

struct ofa_pairwise_options {
	int iterations; /* of the climb; 0: 60 */
	int rows;       /* of a subset; 0: 512 */
	uint64_t seed;  /* of the subsets */
	void (*progress)(void *ctx, int iteration, int iterations);
	void *ctx;
};

/* What was learned about one batch; accuracies in [0,1]. */
struct ofa_pairwise_batch {
	double slope;  /* relative to that of the batch of most rows */
	double noise;  /* standard deviation of one measurement */
	double own;    /* share of the variance of genes and pairs that is the batch's own */
};

/* The fit keeps pointers to nothing.  At least 8 pairs, at most OFA_PAIRS_MAX.  Deterministic for a seed. */
struct ofa_pairwise_fit;
enum ofa_status ofa_pairwise_fit_new(const struct ofa_space *s, const struct ofa_pairs *pairs,
				     const struct ofa_pairwise_options *opt, struct ofa_pairwise_fit **ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pairwise_fit_free(struct ofa_pairwise_fit *f);

/* The predictor of what would be measured in this batch (one without rows: of the average one). */
enum ofa_status ofa_pairwise_fit_predictor(const struct ofa_pairwise_fit *f, const struct ofa_space *s, int batch,
					   struct ofa_predictor *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pairwise_fit_batch(const struct ofa_pairwise_fit *f, int batch, struct ofa_pairwise_batch *ret);

#endif
