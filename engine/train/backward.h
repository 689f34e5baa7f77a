/* Backward of ofa_batch_forward(): gradients of every parameter of the active slices. */
#ifndef OFA_TRAIN_BACKWARD_H
#define OFA_TRAIN_BACKWARD_H

#include "net/batch.h"
#include "train/step.h"

/* Gradient buffers and the threads' own accumulators; sized for the batch it belongs to. */
struct ofa_backward {
	float *g[3];    /* d(loss)/d(BN output) of the layer at hand, of its producer, of a waiting residual */
	size_t *offset; /* of each parameter in a thread's accumulator */
	size_t total;
	float *acc[OFA_MAX_THREADS];                        /* thread-local gradients, zero between calls */
	float *dwk[OFA_MAX_THREADS];                        /* of reordered kernels (depthwise, stem) */
	float *sum[OFA_MAX_THREADS], *dot[OFA_MAX_THREADS]; /* per channel: sum of g, of g*(z-mean) */
	float *coef_a, *coef_b, *coef_k;                    /* dz = g*a + z*b + k */
	float *storage;
};

enum ofa_status ofa_backward_init(struct ofa_backward *bw, const struct ofa_batch *b, int max_size,
				  struct ofa_error *err) OFA_MUST_CHECK;
void ofa_backward_release(struct ofa_backward *bw);

/* dlogits (n,classes), of this rank's images; their part of the gradients is added to w->grad. */
void ofa_backward_run(struct ofa_backward *bw, struct ofa_batch *b, struct ofa_train_params *w, const float *dlogits);

#endif
