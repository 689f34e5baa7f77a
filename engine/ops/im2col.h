/* Dense k x k convolution as a matrix product: patches of an NHWC map as rows. */
#ifndef OFA_OPS_IM2COL_H
#define OFA_OPS_IM2COL_H

/* x (h,w,c) -> col (ho*wo, k*k*c), zero outside; ho = (h + 2*pad - k)/stride + 1. */
void ofa_im2col(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *col);

#endif
