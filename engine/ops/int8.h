/* Layers of a small MLP in 8-bit integers, for processors that multiply those several times faster than floats: the
 * search scores archs with them (predict/scorer.h).  One object per instruction set, chosen at run time; there is no
 * set for every processor, since without such instructions floats are as fast.
 *
 * Rows are archs.  Activations are unsigned bytes, rows of a pitch that is a multiple of OFA_INT8_IN; weights signed
 * bytes; sums are 32 bits and exact, so a row's result never depends on the rows beside it.  Arrays over rows have room
 * for OFA_INT8_ROOM(n) of them: kernels read and write whole tiles.
 *
 * All functions are void and cannot fail.  The naive oracles are in ref.h; tests/engine/test_int8.c compares them. */
#ifndef OFA_OPS_INT8_H
#define OFA_OPS_INT8_H

#include <stddef.h>
#include <stdint.h>

#define OFA_INT8_IN 64   /* widths of inputs are rounded up to this, */
#define OFA_INT8_OUT 32  /* those of outputs to this */
#define OFA_INT8_PANEL 16 /* outputs whose weights lie together */
#define OFA_INT8_ROWS 48 /* every tile height divides it */
#define OFA_INT8_ROOM(n) (((size_t)(n) + OFA_INT8_ROWS - 1) / OFA_INT8_ROWS * OFA_INT8_ROWS)

/* y = max(0, scale * (x * weights) + bias), over `in` inputs and `out` outputs, rounded up as above with zeros.  Inputs
 * from `used` on, a multiple of 4 within `in`, have no weights: a kernel may leave them out.  Everything borrowed,
 * 64-byte aligned. */
struct ofa_int8_dense {
	int in, out, used;
	const int8_t *weights; /* (out/PANEL, in/4, PANEL, 4) */
	const float *scale, *bias; /* (out) */
};

struct ofa_int8_kernels {
	const char *isa; /* "amx", "avx512vnni", "avxvnni" */

	/* sum[c] = the sum of n >= 1 rows less that of n_less; y[c] = min(255, max(0, sum >> shift)); c a multiple of
	 * OFA_INT8_OUT: a layer whose input is one-hot.  sum, which may be NULL, can be one of the rows next time.  The
	 * caller knows that the sums stay within 16 bits. */
	void (*sum_rows)(const int16_t *const *rows, int n, const int16_t *const *less, int n_less, int c, int shift,
	                 int16_t *sum, uint8_t *y);
	/* y (n, y_pitch) = min(255, round(dense(x))), x (n, d->in). */
	void (*dense)(const struct ofa_int8_dense *d, const uint8_t *x, int n, uint8_t *y, int y_pitch);
	/* y[n] = dense(x) * last (d->out) + last_bias: a hidden layer and the single output after it.  Scratch:
	 * partial, OFA_INT8_ROOM(n) * OFA_INT8_PANEL floats. */
	void (*dense_dot)(const struct ofa_int8_dense *d, const uint8_t *x, int n, const float *last, float last_bias,
	                  float *partial, float *y);
};

/* The best for this processor, or NULL. */
const struct ofa_int8_kernels *ofa_int8_kernels(void);
/* By name, or NULL when this build or processor lacks it. */
const struct ofa_int8_kernels *ofa_int8_kernels_named(const char *isa);

#endif
