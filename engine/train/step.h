/* One optimisation step over a supernet's parameters: forward with batch statistics, loss, backward,
 * SGD.  All layers run straight on the supernet's tensors; the slice is the leading dimension. */
#ifndef OFA_TRAIN_STEP_H
#define OFA_TRAIN_STEP_H

#include "base/comm.h"
#include "base/pool.h"
#include "net/plan.h"

/* The mutable parameters of a network in training, with gradient and momentum beside each. */
struct ofa_train_params {
	const struct ofa_space *space;
	const struct ofa_params *params;  /* borrowed */
	float **data, **grad, **momentum; /* by parameter id; grad and momentum NULL for BN statistics */
	float *storage;
	size_t storage_floats;
	float *gradients; /* all of grad, in one piece */
	size_t gradient_floats;
};
enum ofa_status ofa_train_params_new(const struct ofa_space *s, const struct ofa_params *p,
				     struct ofa_train_params **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_train_params_free(struct ofa_train_params *t);
/* conv N(0, sqrt(2/(k^2*out))), depthwise out = channels; BN 1,0,0,1; transforms identity; classifier N(0, 0.01);
 * biases 0. */
void ofa_train_params_init(struct ofa_train_params *t, uint64_t seed);

/* Workspace and executor for batches of at most max_batch images of at most max_size pixels.  OFA_ERR_UNSUPPORTED for
 * other families than mbconv. */
struct ofa_trainer;
enum ofa_status ofa_trainer_new(const struct ofa_space *s, const struct ofa_params *p, int max_batch, int max_size,
				struct ofa_pool *pool, struct ofa_trainer **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_trainer_free(struct ofa_trainer *t);
/* From now on a batch is this rank's part of one that the ranks of `comm` (borrowed) hold together: BN is by the
 * statistics of the whole, forward and backward.  The ranks run the same plans in the same order. */
void ofa_trainer_share(struct ofa_trainer *t, struct ofa_comm *comm);

/* Forward with batch-statistics BN.  x (n,r,r,c) NHWC; logits (n,classes).  update_stats: running
 * mean and (unbiased) variance of the active prefix move by momentum 0.1, as PyTorch does. */
void ofa_trainer_forward(struct ofa_trainer *t, const struct ofa_train_params *w, const struct ofa_plan *plan,
			 const float *x, int n, bool update_stats, float *logits);
/* Backward of the forward that ran last; dlogits (n,classes); gradients are ADDED to w->grad. */
void ofa_trainer_backward(struct ofa_trainer *t, struct ofa_train_params *w, const float *dlogits);

/* loss = CE with label smoothing + kd * soft cross-entropy against softmax(teacher), means over the
 * batch; teacher may be NULL.  dlogits written. */
double ofa_distillation_loss(const float *logits, const uint8_t *labels, const float *teacher, int n, int classes,
			     float smoothing, float kd, float *dlogits);

void ofa_train_zero_grad(struct ofa_train_params *w);
/* Gradients of losses that are means over equal parts of a batch become those of the mean over the batch. */
void ofa_train_average_gradients(struct ofa_train_params *w, struct ofa_comm *comm);
/* Nesterov SGD as PyTorch: g += wd*p (decayed parameters only); m = mu*m + g; p -= lr*(g + mu*m).  A
 * parameter that no subnet of the step used still decays and coasts, as PyTorch does for zero gradients. */
void ofa_train_sgd(struct ofa_train_params *w, float lr, float momentum, float weight_decay, struct ofa_pool *pool);

/* Channel sorting before elastic width (spec 4.6): `bands` ascending expand ratios whose boundaries stay
 * in place (stage 0: none; stage 1: the already trained widths).  The full-width function is unchanged. */
enum ofa_status ofa_train_sort_channels(struct ofa_train_params *w, int n_bands, const float *bands,
					struct ofa_error *err) OFA_MUST_CHECK;

#endif
