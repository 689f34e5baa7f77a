/* What the int8 kernels for Cortex-M share: windows put together, and the portable kernels for the rest. */
#ifndef OFA_DEVICE_INT8_ARM_H
#define OFA_DEVICE_INT8_ARM_H

#include "kernels_int8.h"

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define LANES (OFA_FMT_PANEL * OFA_FMT_QUAD)
/* Bytes of windows that are put together for a convolution with k > 1; larger ones are left to the portable kernel. */
#define COLUMN_BYTES 64

/* How long a pixel's window is, rows filled up to whole quads. */
static inline uint32_t column_bytes(const struct ofa_device_int8_args *a)
{
	return a->k * ((a->k * a->c_in + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD * OFA_FMT_QUAD);
}

/* A pixel's window as its weights lie. */
static inline void gather_column(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t pixel,
				 int8_t *column)
{
	const int32_t from = (int32_t)(pixel * a->stride) - (int32_t)a->pad;
	uint32_t ky, kx, c, n;

	for (ky = 0; ky < a->k; ky++) {
		for (kx = 0; kx < a->k; kx++) {
			const int32_t at = from + (int32_t)kx;
			const int inside = rows[ky] != NULL && at >= 0 && at < (int32_t)a->w_in;

			for (c = 0; c < a->c_in; c++)
				*column++ = inside ? rows[ky][(size_t)at * a->c_in + c] : (int8_t)a->in_zero;
		}
		for (n = a->k * a->c_in; n % OFA_FMT_QUAD != 0; n++)
			*column++ = (int8_t)a->in_zero;
	}
}

static inline void mean(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, int8_t *y)
{
	ofa_device_int8_portable.mean(a, pixels, x, y);
}

static inline void add(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *added,
		       int8_t *y)
{
	ofa_device_int8_portable.add(a, n, x, added, y);
}

static inline void max_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	ofa_device_int8_portable.max_pool_row(a, rows, y);
}

static inline void average_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	ofa_device_int8_portable.average_pool_row(a, rows, y);
}

#endif
