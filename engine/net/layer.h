/* One layer of an extracted subnet on a few images: what inference and whoever looks into it share. */
#ifndef OFA_NET_LAYER_H
#define OFA_NET_LAYER_H

#include "net/subnet.h"
#include "ops/kernels.h"

/* Everything borrowed; tensors of `count` images (n,h,w,c). */
struct ofa_layer_run {
	const struct ofa_kernels *kernels;
	const struct ofa_layer *layer;
	const struct ofa_layer_weights *weights;
	/* DWCONV: the pointwise layer before, when it is computed inside this one (`in` is its input then), or NULL */
	const struct ofa_layer *expand;
	const struct ofa_layer_weights *expand_weights;
	const float *in, *residual; /* NULL unless the layer adds */
	float *out;                 /* SE works in place: it is the input */
	int count;
	float *scratch; /* ofa_layer_scratch() floats; after SE: gates (count,c), hidden units (count,hidden) */
	float *sums;    /* (count, c_out): DWCONV leaves its channels' sums here, SE its means */
	bool summed;    /* SE: sums hold those of its input */
};

/* Cannot fail: shapes were checked when the plan was made. */
void ofa_layer_run(const struct ofa_layer_run *r);
size_t ofa_layer_scratch(const struct ofa_layer *l, int count);

#endif
