/* A subnet taken out of the supernet: dense weights of its own, kernel transforms baked in, BN
 * folded.  This is what is packed and what the inference engine runs. */
#ifndef OFA_NET_SUBNET_H
#define OFA_NET_SUBNET_H

#include "base/comm.h"
#include "base/pool.h"
#include "net/plan.h"
#include "net/supernet.h"

/* BN statistics of one arch: mean[l], var[l] hold c_out floats for every plan layer l with BN, NULL elsewhere. */
struct ofa_bn_stats {
	float *mean[OFA_PLAN_MAX_LAYERS], *var[OFA_PLAN_MAX_LAYERS];
	float *storage; /* owned */
};
void ofa_bn_stats_release(struct ofa_bn_stats *st);

/* BN recalibration (spec 4.8): x (n,r,r,c) float32 NHWC normalised, in batches of `batch`; each BN
 * normalises with the batch's own statistics; count-weighted means of batch mean and biased variance.
 * Runs straight on the supernet's tensors.  Same result for any number of threads up to rounding, and of ranks, all of
 * which have x and run a part of each batch; comm NULL: this one alone.  Ranks agree upon the status. */
enum ofa_status ofa_calibrate(const struct ofa_supernet *net, const struct ofa_plan *plan, const float *x, int n,
			      int batch, struct ofa_comm *comm, struct ofa_pool *pool, struct ofa_bn_stats *ret,
			      struct ofa_error *err) OFA_MUST_CHECK;
/* The same on the network's own calibration images (OFA_ERR_NOT_FOUND when it has none): at most
 * max_images of them, batches of 64. */
enum ofa_status ofa_calibrate_builtin(const struct ofa_supernet *net, const struct ofa_plan *plan, int max_images,
				      struct ofa_pool *pool, struct ofa_bn_stats *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;

/* Weights of one layer, BN folded (bias always present for CONV, DWCONV and LINEAR, except where the plan has neither
 * BN nor bias: then it is all zero).  Matrices lie in panels (ops/kernels.h), rows by columns:
 *   CONV   w (c_out, k*k*c_in)      DWCONV w (c, k*k)      LINEAR w (c_out, c_in)     b (c_out)
 *   SE     w (hidden, c), b (hidden), w2 (c, hidden), b2 (c)  others none */
struct ofa_layer_weights {
	const float *w, *b, *w2, *b2;
};

/* The arrays follow each other in the order of layers and of w, b, w2, b2; each starts on 64 bytes and is padded with
 * zeros up to the next.  That is the data section of a package (doc/pack-format.md). */
struct ofa_subnet {
	struct ofa_plan plan;
	struct ofa_layer_weights weights[OFA_PLAN_MAX_LAYERS];
	float *storage;
	size_t storage_floats;
	bool borrowed; /* storage is the caller's */
};

/* stats NULL: the supernet's sliced running statistics (needs no image, far less accurate). */
enum ofa_status ofa_subnet_extract(const struct ofa_supernet *net, const struct ofa_plan *plan,
				   const struct ofa_bn_stats *stats, struct ofa_subnet **ret,
				   struct ofa_error *err) OFA_MUST_CHECK;
/* The same into memory of the caller's at a multiple of 64, ofa_subnet_floats() floats that outlive the subnet.  The
 * weights go straight from the mapped network into their place. */
enum ofa_status ofa_subnet_extract_into(const struct ofa_supernet *net, const struct ofa_plan *plan,
					const struct ofa_bn_stats *stats, float *storage, struct ofa_subnet **ret,
					struct ofa_error *err) OFA_MUST_CHECK;
size_t ofa_subnet_floats(const struct ofa_plan *plan);
/* One more of the same, with a storage of its own. */
enum ofa_status ofa_subnet_copy(const struct ofa_subnet *sub, struct ofa_subnet **ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void ofa_subnet_free(struct ofa_subnet *sub);

/* x (n,r,r,c) float32 NHWC -> logits (n,classes); images are divided over the pool. */
enum ofa_status ofa_subnet_forward(const struct ofa_subnet *sub, const float *x, int n, struct ofa_pool *pool,
				   float *logits, struct ofa_error *err) OFA_MUST_CHECK;

/* (n,c,h,w) -> (n,h,w,c) */
void ofa_nchw_to_nhwc(const float *x, int n, int c, int h, int w, float *y);

#endif
