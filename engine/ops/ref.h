/* The naive oracle of every op: plain loops in the order of the definition, accumulating in double.  Slow on
 * purpose; tests compare the fast kernels against these for ever. */
#ifndef OFA_OPS_REF_H
#define OFA_OPS_REF_H

#include "ops/act.h"
#include "ops/int8.h"

float ofa_ref_act(float x, enum ofa_act act);
/* d act(x) / dx; 0 at the corners, as PyTorch's hardtanh has it. */
float ofa_ref_act_grad(float x, enum ofa_act act);

/* x (h,w,c_in), w (c_out,k,k,c_in), zero padding k/2 -> y (ho,wo,c_out), ho = (h-1)/stride + 1. */
void ofa_ref_conv(const float *x, int h, int w, int c_in, const float *weight, int c_out, int k, int stride, float *y);
/* Gradients of the above: dx (h,w,c_in) and dw (c_out,k,k,c_in), both written. */
void ofa_ref_conv_backward(const float *x, int h, int w, int c_in, const float *weight, int c_out, int k, int stride,
			   const float *dy, float *dx, float *dw);

/* x (h,w,c), w (k,k,c), zero padding k/2 -> y (ho,wo,c). */
void ofa_ref_depthwise(const float *x, int h, int w, int c, const float *weight, int k, int stride, float *y);
void ofa_ref_depthwise_backward(const float *x, int h, int w, int c, const float *weight, int k, int stride,
				const float *dy, float *dx, float *dw);

/* Windows of k x k: x (h,w,c) -> y (ho,wo,c); what lies outside the map does not count. */
void ofa_ref_max_pool(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *y);
void ofa_ref_average_pool(const float *x, int h, int w, int c, int k, int stride, int pad, int ho, int wo, float *y);

/* y = gamma * (x - mean)/sqrt(var + eps) + beta over rows x c with the rows' own mean and biased variance. */
void ofa_ref_batch_norm(const float *x, int rows, int c, const float *gamma, const float *beta, float eps, float *y);
void ofa_ref_batch_norm_backward(const float *x, int rows, int c, const float *gamma, float eps, const float *dy,
				 float *dx, float *dgamma, float *dbeta);

/* y = x * h_sigmoid(W2 relu(W1 mean(x) + b1) + b2); x (hw,c), W1 (hidden,c), W2 (c,hidden). */
void ofa_ref_se(const float *x, int hw, int c, int hidden, const float *w1, const float *b1, const float *w2,
		const float *b2, float *y);

/* As in ops/int8.h; sum must not be NULL. */
void ofa_ref_int8_sum_rows(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int c, int shift,
			   int16_t *sum, uint8_t *y);
/* One row of a dense layer before it is rounded, y (out) = max(0, scale * (x * weights) + bias). */
void ofa_ref_int8_dense(const struct ofa_int8_dense *d, const uint8_t *x, float *y);

#endif
