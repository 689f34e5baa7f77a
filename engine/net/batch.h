/* Forward of one arch over a whole batch with batch-statistics BN, straight on the supernet's tensors: the first-k
 * channels of a tensor are a sub-matrix with a leading dimension, nothing is copied but kernels of a few KB.
 * BN recalibration and training both stand on it; with `keep`, everything that backward needs stays.  Training
 * multiplies by BLAS, which rounds as the processor's core has it; recalibration, whose statistics go into packages, by
 * the kernels of ops/kernels.h, whose sums are in one order everywhere (its logits, which nobody reads, aside).
 *
 * A layer's conv output z is written once; its value act(bn(z)) is recomputed where it is read, in scratch that fits
 * the cache, except at block boundaries (residual sources), whose value y is kept. */
#ifndef OFA_NET_BATCH_H
#define OFA_NET_BATCH_H

#include "base/comm.h"
#include "base/pool.h"
#include "net/plan.h"
#include "ops/kernels.h"

struct ofa_batch_layer {
	float *z;                   /* (n,h,w,c) before BN; NULL for SE, pools and ADD */
	float *y;                   /* value: block boundaries, pools, ADD; else NULL */
	/* keep: DWCONV (k,k,c); CONV k>1 (c_out,k,k,c_in); else NULL: read in place.  Without: all but those of DWCONV
	 * in panels (ops/kernels.h), SE's second matrix in wk2 */
	float *wk, *wk2;
	float *mean, *var, *invstd; /* of this batch, all ranks' parts, (c); var is biased; NULL without BN */
	float *scale, *shift;       /* value = act(z*scale + shift [+ residual]) */
	/* SE, per image: squeezed mean (n,c), hidden after ReLU (n,hidden), gate before and after h_sigmoid (n,c) */
	float *squeeze, *hidden, *gate_in, *gate;
};

struct ofa_batch {
	const struct ofa_space *space;
	const struct ofa_params *params;
	const struct ofa_kernels *kernels;
	struct ofa_pool *pool;
	struct ofa_comm *comm; /* its ranks hold a part of the batch each, some may have none; NULL after init: alone */
	bool keep;
	int max_batch;
	/* of the forward that ran last */
	const float *const *data;
	struct ofa_plan plan;
	const float *x;
	int n;
	size_t total; /* images of all ranks, from the first BN on */
	struct ofa_batch_layer layers[OFA_PLAN_MAX_LAYERS];
	int producer[OFA_PLAN_MAX_LAYERS]; /* layer whose value this one reads, -1: the network's input */
	int reader[OFA_PLAN_MAX_LAYERS];   /* first layer that reads this one's value, other than to add it; -1: none */
	/* storage */
	float *storage;
	size_t storage_floats;
	float *scratch[OFA_MAX_THREADS]; /* per thread, scratch_floats each, in one allocation */
	size_t scratch_floats, max_channels;
	float *zeros; /* max_channels of them */
	float *stat_sum[OFA_MAX_THREADS], *stat_square[OFA_MAX_THREADS], *stat_origin[OFA_MAX_THREADS];
	double *sums; /* 2 * max_channels + 1: a pair for every channel, over threads, then over ranks */
};

/* Room for every arch of the space at up to max_batch images of max_size pixels.  With keep false, z and y rotate
 * through a few buffers. */
enum ofa_status ofa_batch_init(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
			       int max_batch, int max_size, bool keep, struct ofa_pool *pool,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* The same for one plan only (recalibration). */
enum ofa_status ofa_batch_init_plan(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
				    int max_batch, const struct ofa_plan *plan, bool keep, struct ofa_pool *pool,
				    struct ofa_error *err) OFA_MUST_CHECK;
void ofa_batch_release(struct ofa_batch *b);

/* x (n,r,r,c) NHWC, borrowed until the next forward; logits (n,classes).  Cannot fail; n <= max_batch.  All ranks of
 * b->comm run the same plan. */
void ofa_batch_forward(struct ofa_batch *b, const float *const *data, const struct ofa_plan *plan, const float *x,
		       int n, float *logits);

/* The value that layer `li` reads, for images [i0, i0+count): a pointer into kept storage, or computed into scratch,
 * count * ofa_batch_input_floats(l, 0) floats. */
const float *ofa_batch_input(struct ofa_batch *b, int li, int i0, int count, float *scratch);
/* The same of image i as planes (ops/kernels.h), framed by the padding: ofa_batch_input_floats(l, l->pad) floats,
 * whose frames the caller cleared before. */
void ofa_batch_input_planes(struct ofa_batch *b, int li, int i, float *planes);
size_t ofa_batch_input_floats(const struct ofa_layer *l, int pad);

/* Floats of scratch for one image of a layer, which passes over several images ask for once each:
 * forward: the input; a depthwise layer takes one padded image whatever their number, a CONV of k > 1 besides
 * ofa_conv_floats() whatever their number.
 * backward: dz, d(input), the input, the gated input of SE or its gradients (2*c_in + hidden); k > 1: dz and patches;
 * depthwise, one image: dz, dz and input padded, d(input). */
size_t ofa_batch_forward_floats(const struct ofa_layer *l);
size_t ofa_batch_backward_floats(const struct ofa_layer *l);

/* Images per pass so that `per_image` floats of scratch for each stay within the cache, at least 1, at most n. */
int ofa_batch_chunk(size_t per_image, int n);

#endif
