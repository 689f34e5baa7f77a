/* Which weights meet which input pixels: the walks that the kernel `depthwise` is given. */
#ifndef OFA_OPS_DEPTHWISE_H
#define OFA_OPS_DEPTHWISE_H

#include "ops/kernels.h"

/* Forward of a k x k depthwise convolution with padding k/2 over planes of (h,w) pixels with a frame of k/2; y is
 * dense, (h_out,w_out,c) with h_out = (h-1)/stride + 1. */
void ofa_depthwise_forward(int k, int stride, int h, int w, int c, struct ofa_depthwise *d);

/* Backward to the input (h,w,c), dense, for its pixels whose padded coordinates are (py,px) modulo stride: the weights
 * (ky,kx) = (py,px) (mod stride) meet output pixel ((Y-ky)/stride, (X-kx)/stride).  The planes hold the gradient at the
 * output with a frame of k/2; y starts at d's first pixel, *first floats into the input. */
void ofa_depthwise_backward(int k, int stride, int py, int px, int h, int w, int c, struct ofa_depthwise *d,
			    size_t *first);

#endif
