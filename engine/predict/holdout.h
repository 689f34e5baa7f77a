/* How well a predictor does on archs that it was not fitted on. */
#ifndef OFA_PREDICT_HOLDOUT_H
#define OFA_PREDICT_HOLDOUT_H

#include "predict/pairwise_fit.h"

/* unseen[i] = does pair i belong to the share that is set aside?  Archs are drawn by the seed until their pairs are at
 * least the share: all pairs of one arch, at whatever resolution and in whatever batch, stay together. */
enum ofa_status ofa_holdout_split(const struct ofa_pairs *pairs, double share, uint64_t seed, bool *unseen,
				  struct ofa_error *err) OFA_MUST_CHECK;

/* Unseen pairs of one batch and one resolution.  Those of a batch together have image_size 0, all together also
 * batch -1. */
struct ofa_holdout_line {
	int batch, image_size;
	int n;
	double rmse; /* accuracy in [0,1] */
	double tau;  /* Kendall's tau-b; NAN for fewer than two, or equal ones */
};

struct ofa_holdout {
	int n_fitted, n_unseen;
	int n_lines;
	struct ofa_holdout_line *lines; /* by batch; the resolutions ascending, then their sum; all at the end; owned */
};

struct ofa_holdout_options {
	enum ofa_predictor_kind kind;
	double share;  /* to set aside, of the pairs: above 0, below 1 */
	uint64_t seed; /* of the split and the fit */
	struct ofa_pairwise_options pairwise;  /* without its seed */
	struct ofa_predictor_fit_options mlp;  /* without its seed */
};

/* Splits, fits on the rest, and predicts what is set aside: a pairwise model for the batch of each pair, an MLP, which
 * knows nothing of batches, as it is.  OFA_ERR_INVALID: too few pairs on either side. */
enum ofa_status ofa_holdout_run(const struct ofa_space *s, const struct ofa_pairs *pairs,
				const struct ofa_holdout_options *opt, struct ofa_holdout *ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void ofa_holdout_release(struct ofa_holdout *h);

#endif
