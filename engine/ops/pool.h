/* Pools over windows of one NHWC map. */
#ifndef OFA_OPS_POOL_H
#define OFA_OPS_POOL_H

#include "ops/kernels.h"

#define OFA_MAX_WINDOW 49

/* Windows of k x k, k at most 7; parts that lie outside the map do not count.  Each window must hold a pixel. */
struct ofa_window {
	int h, w, c, k, stride, pad, ho, wo;
};
/* x (h,w,c) -> y (ho,wo,c): largest of each window; its mean. */
void ofa_pool_max(const struct ofa_kernels *kn, const struct ofa_window *p, const float *x, float *y);
void ofa_pool_average(const struct ofa_kernels *kn, const struct ofa_window *p, const float *x, float *y);

#endif
