/* Dense k x k convolution as a matrix product: patches of an NHWC map as rows. */
#ifndef OFA_OPS_IM2COL_H
#define OFA_OPS_IM2COL_H

#include <stddef.h>
#include "ops/kernels.h"

/* x (h,w,c) -> col (ho*wo, k*k*c), zero outside; ho = (h + 2*pad - k)/stride + 1. */
void ofa_im2col(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *col);

/* A convolution: x (n,h,w,c_in), weight (c_out,k,k,c_in) -> y (n,ho,wo,c_out), zero padding. */
struct ofa_conv {
	int h, w, c_in, k, stride, pad, ho, wo, c_out;
};
/* Takes the patches of some output pixels at a time, as many as stay in the cache until their product is taken.
 * col: ofa_conv_floats(c) floats of scratch, whatever n is. */
void ofa_conv_run(const struct ofa_conv *c, int n, const float *x, const float *weight, float *col, float *y);
size_t ofa_conv_floats(const struct ofa_conv *c);
/* The same with the weight in panels (c_out, k*k*c_in) of ops/kernels.h, by a set of kernels instead of BLAS.  zeros:
 * c_out of them, rounded up to whole panels. */
void ofa_conv_run_panels(const struct ofa_kernels *kernels, const struct ofa_conv *c, int n, const float *x,
			 const float *panels, const float *zeros, float *col, float *y);

#endif
