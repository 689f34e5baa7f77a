/* The float32 kernels: one function per operation kind, one table per instruction set and type of weights.
 * They cannot fail: shapes, ranges and aliasing were checked at load. */
#ifndef OFA_DEVICE_KERNELS_H
#define OFA_DEVICE_KERNELS_H

#include "cpu.h"
#include "internal.h"

/* Where one operation's arrays lie.  Weights, of the table's type, are in panels of 8 and readable up to the end of
 * their last panel; biases are readable up to the next multiple of 8. */
struct ofa_device_args {
	const float *x;        /* (h_in, w_in, c_in) */
	const void *w, *w2;    /* weight; SE: the second */
	const float *b, *b2;   /* bias */
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
 * kernels_avx512.c: x86-64 only.  Of each a second table, whose weights are binary16, that computes in float32 as well:
 * weights.h widens them on their way from memory. */
extern const struct ofa_device_kernels ofa_device_kernels_base, ofa_device_kernels_half;
#ifdef OFA_DEVICE_X86
extern const struct ofa_device_kernels ofa_device_kernels_avx2, ofa_device_kernels_half_avx2;
extern const struct ofa_device_kernels ofa_device_kernels_avx512, ofa_device_kernels_half_avx512;
#endif

/* choose_float.c: the best table for a processor that has no more than `cpu`; half: the one for binary16 weights. */
const struct ofa_device_kernels *ofa_device_kernels_for(uint32_t cpu, int half);

#endif
