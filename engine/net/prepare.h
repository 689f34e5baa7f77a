/* From the supernet's stored tensors to the weights a kernel reads (kernel transforms and layout), and from layers to
 * the shapes it takes. */
#ifndef OFA_NET_PREPARE_H
#define OFA_NET_PREPARE_H

#include "net/plan.h"
#include "ops/im2col.h"
#include "ops/pool.h"

/* Floats of scratch that the depthwise functions below need. */
size_t ofa_depthwise_scratch(const struct ofa_layer *l);

/* The (k,k,c) kernel of a DWCONV layer: centre crop and transform matrices applied (spec 4.5). */
void ofa_depthwise_prepare(const struct ofa_layer *l, const float *const *data, float *scratch, float *wk);

/* The same as (c,k,k), which lies in the scratch or, untransformed, in data. */
const float *ofa_depthwise_rows(const struct ofa_layer *l, const float *const *data, float *scratch);

/* Its gradient: dwk (k,k,c) is carried back into grad[weight], grad[t75], grad[t53] (added). */
void ofa_depthwise_prepare_backward(const struct ofa_layer *l, const float *const *data, const float *dwk,
				    float *scratch, float *const *grad);

/* Dense conv: stored (out,in,k,k) -> (c_out, k, k, c_in) of the slice, or n of its outputs from `first` on; and the
 * gradient's way back (added). */
void ofa_conv_prepare_rows(const struct ofa_layer *l, const struct ofa_param *p, const float *w, int first, int n,
			   float *wk);
void ofa_conv_prepare(const struct ofa_layer *l, const struct ofa_param *p, const float *w, float *wk);
void ofa_conv_prepare_backward(const struct ofa_layer *l, const struct ofa_param *p, const float *dwk, float *grad);

/* The shapes of a CONV layer and of a windowed pool. */
struct ofa_conv ofa_layer_conv(const struct ofa_layer *l);
struct ofa_window ofa_layer_window(const struct ofa_layer *l);

#endif
