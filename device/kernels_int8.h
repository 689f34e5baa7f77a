/* The int8 kernels: how the executor and they divide the work.  One table per instruction set; int8.c has the portable
 * one, which is what the others must equal bit for bit.  The arithmetic is that of doc/pack-format.md ("int8").
 *
 * A kernel makes one row of an output, or some pixels of it, from rows of int8 in (w, c) order.  It cannot fail:
 * shapes, ranges and aliasing were checked at load.  It reads nothing past the ends of the rows it is given and writes
 * nothing past its output; it uses no float, no static data that changes and no memory but a small stack.
 * What it is given may come from a hostile package: sums wrap around, multipliers are 0 to 2^31 - 1, shifts -31 to 30,
 * weights anything.  Rows have no alignment, weights and tables 64 bytes in memory if the package has, else 4. */
#ifndef OFA_DEVICE_KERNELS_INT8_H
#define OFA_DEVICE_KERNELS_INT8_H

#include "cpu.h"
#include "internal.h"

struct ofa_device_rescale {
	int32_t multiplier, shift;
};

/* An operation's numbers.  Which of them a kernel uses: see there. */
struct ofa_device_int8_args {
	uint32_t w_in, c_in, w_out, c_out;
	uint32_t k, stride, pad;
	const int8_t *w;          /* quads in panels of 8, to the end of the last panel; depthwise: (k, k, c) */
	const int32_t *b, *m, *s; /* folded bias, multiplier, shift of each output; readable up to the next multiple
				   * of 16, where they are 0 */
	const int8_t *table;      /* 256, by q + 128; NULL: none */
	int32_t in_zero;          /* what the padding holds */
	int32_t zero;             /* what a sum of products gets added after its rescale; the zero point of the first
				   * operand of an addition */
	int32_t low, high;        /* bounds of what a table is looked up for, else of the output */
	/* of an addition; `first` also of the sum of a mean, `result` also of the product of SE */
	struct ofa_device_rescale first, second, result;
	int32_t added_zero, out_zero;
};

struct ofa_device_int8_kernels {
	const char *name;

	/* One row of a convolution: w_out pixels of c_out.  rows: k of them, each (w_in, c_in), NULL where in the
	 * padding.  added: the row to add, or NULL; it may be y, else y overlaps nothing that is read.
	 *	a = b + sum w x;  q = rescale(a, m, s) + zero
	 *	without `added`: y = table[clamp(q) + 128], or clamp(q) where there is no table;
	 *	with it: y = ofa_device_add(sat(q), added) */
	void (*conv_row)(const struct ofa_device_int8_args *args, const int8_t *const *rows, const int8_t *added,
			 int8_t *y);

	/* The same where k = 1, stride 1, no padding: any number of pixels, x (pixels, c_in), y (pixels, c_out).
	 * w_in and w_out are not used.  Matrices are that with one pixel. */
	void (*pointwise)(const struct ofa_device_int8_args *args, uint32_t pixels, const int8_t *x,
			  const int8_t *added, int8_t *y);

	/* One row of a depthwise convolution, c_in = c_out; adds nothing. */
	void (*depthwise_row)(const struct ofa_device_int8_args *args, const int8_t *const *rows, int8_t *y);

	/* Mean over pixels, x (pixels, c_in), y (c_in):
	 *	y = clamp(rescale(sum of (x - in_zero), first) + out_zero) */
	void (*mean)(const struct ofa_device_int8_args *args, uint32_t pixels, const int8_t *x, int8_t *y);

	/* In place, x (pixels, c_in), gate (c_in):
	 *	x = sat(rescale((x - in_zero) (gate + 128), result) + out_zero) */
	void (*scale)(const struct ofa_device_int8_args *args, uint32_t pixels, const int8_t *gate, int8_t *x);

	/* n numbers: y = ofa_device_add(x, added); `added` may be y. */
	void (*add)(const struct ofa_device_int8_args *args, uint32_t n, const int8_t *x, const int8_t *added,
		    int8_t *y);

	/* One row of a pool, c_in = c_out.  rows: k, NULL where in the padding or past the input's edge; what is
	 * there, and left and right of the row, does not count.  At least one pixel of each window exists. */
	void (*max_pool_row)(const struct ofa_device_int8_args *args, const int8_t *const *rows, int8_t *y);
	void (*average_pool_row)(const struct ofa_device_int8_args *args, const int8_t *const *rows, int8_t *y);
};

extern const struct ofa_device_int8_kernels ofa_device_int8_portable; /* int8.c */
#ifdef OFA_DEVICE_X86
extern const struct ofa_device_int8_kernels ofa_device_int8_avx2, ofa_device_int8_avx512;
#endif
#ifdef OFA_DEVICE_AVXVNNI
extern const struct ofa_device_int8_kernels ofa_device_int8_avxvnni;
#endif
#if defined(__wasm_simd128__) && !defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_SIMD128 1
extern const struct ofa_device_int8_kernels ofa_device_int8_simd128; /* int8_simd128.c */
#endif
/* Of Cortex-M: int8_mve.c, M55 and M85; int8_dsp.c, M4, M7 and M33. */
#if defined(__ARM_FEATURE_MVE) && !defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_MVE 1
extern const struct ofa_device_int8_kernels ofa_device_int8_mve;
#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && \
	!defined(OFA_DEVICE_PORTABLE)
#define OFA_DEVICE_DSP 1
extern const struct ofa_device_int8_kernels ofa_device_int8_dsp;
#endif

/* choose_int8.c: the fastest for this processor. */
const struct ofa_device_int8_kernels *ofa_device_choose_int8(void);

/* x multiplier / 2^31 2^shift, rounded twice; doc/pack-format.md says how.  Shifts to the right of negative numbers are
 * arithmetic, as every compiler for a two's complement processor makes them. */
static inline int32_t ofa_device_rescale(int32_t x, int32_t multiplier, int32_t shift)
{
	const int32_t shifted = (int32_t)((uint32_t)x << (shift > 0 ? shift : 0));
	const int32_t right = shift > 0 ? 0 : -shift;
	const int32_t high = (int32_t)(((int64_t)shifted * multiplier + (1 << 30)) >> 31);
	const int32_t mask = (int32_t)((UINT32_C(1) << right) - 1);

	return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

static inline int32_t ofa_device_clamp(int32_t x, int32_t low, int32_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* Sum that wraps around. */
static inline int32_t ofa_device_plus(int32_t a, int32_t b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The taps [*ret_first, *ret_end) of output pixel p's window that lie in a row of the input. */
static inline void ofa_device_taps(const struct ofa_device_int8_args *a, uint32_t p, int32_t *ret_first,
				   int32_t *ret_end)
{
	const int32_t from = (int32_t)(p * a->stride) - (int32_t)a->pad, to = from + (int32_t)a->k;

	*ret_first = from < 0 ? 0 : from;
	*ret_end = to < (int32_t)a->w_in ? to : (int32_t)a->w_in;
}

/* The rule of `add`. */
static inline int8_t ofa_device_add(const struct ofa_device_int8_args *args, int32_t x, int32_t added)
{
	const int32_t a = ofa_device_rescale((x - args->zero) * (1 << 20), args->first.multiplier, args->first.shift);
	const int32_t b = ofa_device_rescale((added - args->added_zero) * (1 << 20), args->second.multiplier,
					     args->second.shift);
	const int32_t sum = ofa_device_rescale(ofa_device_plus(a, b), args->result.multiplier, args->result.shift);

	return (int8_t)ofa_device_clamp(ofa_device_plus(sum, args->out_zero), args->low, args->high);
}

/* What a sum of products becomes where nothing is added. */
static inline int8_t ofa_device_finish(const struct ofa_device_int8_args *args, int32_t sum, uint32_t output)
{
	const int32_t x = ofa_device_plus(ofa_device_rescale(sum, args->m[output], args->s[output]), args->zero);
	const int32_t q = ofa_device_clamp(x, args->low, args->high);

	return args->table != NULL ? args->table[q + 128] : (int8_t)q;
}

/* The same where a value is added. */
static inline int8_t ofa_device_finish_add(const struct ofa_device_int8_args *args, int32_t sum, uint32_t output,
					   int32_t added)
{
	const int32_t x = ofa_device_plus(ofa_device_rescale(sum, args->m[output], args->s[output]), args->zero);

	return ofa_device_add(args, ofa_device_clamp(x, -128, 127), added);
}

#endif
