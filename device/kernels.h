/* The float32 kernels: one function per operation kind, one table per instruction set.
 * They cannot fail: shapes, ranges and aliasing were checked at load. */
#ifndef OFA_DEVICE_KERNELS_H
#define OFA_DEVICE_KERNELS_H

#include "internal.h"

/* Where one operation's arrays lie.  Weights are in panels of 8 and readable up to the end of their
 * last panel; biases are readable up to the next multiple of 8. */
struct ofa_device_args {
	const float *x;        /* (h_in, w_in, c_in) */
	const float *w, *b;    /* weight, bias */
	const float *w2, *b2;  /* SE: expand */
	const float *residual; /* shape of y, or NULL */
	float *scratch;        /* SE: c + hidden floats */
	float *y;              /* (h_out, w_out, c_out); aliases x for SE only */
};
typedef void ofa_device_kernel(const struct ofa_device_op *op, const struct ofa_device_args *args);

/* Both of a pair that ofa_device_fuses(): a pointwise layer whose y is the x of a depthwise one, and is overwritten by
 * some of its channels at a time. */
typedef void ofa_device_pair_kernel(const struct ofa_device_op *op, const struct ofa_device_args *args,
				    const struct ofa_device_op *next, const struct ofa_device_args *next_args);

struct ofa_device_kernels {
	const char *name;
	ofa_device_kernel *by_kind[OFA_FMT_KINDS];
	ofa_device_pair_kernel *expand;
};

/* kernels.c: with the vectors that every processor of the target has.  kernels_avx2.c and
 * kernels_avx512.c: x86-64 only. */
extern const struct ofa_device_kernels ofa_device_kernels_base;
#if defined(__x86_64__) && defined(__GNUC__) && !defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_HAVE_AVX2 1
#define OFA_DEVICE_HAVE_AVX512 1
extern const struct ofa_device_kernels ofa_device_kernels_avx2, ofa_device_kernels_avx512;
#endif

#endif
