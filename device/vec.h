/* The vector that the kernels compute in, and what is done with one: OFA_LANES floats, a divisor of the panel width
 * or two panels.  A single lane is plain C, so one source serves every compiler and processor. */
#ifndef OFA_DEVICE_VEC_H
#define OFA_DEVICE_VEC_H

#include <stdint.h>
#include "ofa_format.h"

#if defined(OFA_KERNELS_AVX512)
#define OFA_LANES 16
#elif defined(OFA_KERNELS_AVX2)
#define OFA_LANES 8
#elif defined(__GNUC__) && !defined(OFA_DEVICE_PORTABLE) &&                                                            \
	(defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__))
#define OFA_LANES 4
#else
#define OFA_LANES 1
#endif

/* The tiles of outputs kept in registers, sized to the register file: pixels x vectors of a dense layer; rows x columns
 * x vectors (whole panels) of a depthwise one. */
#if OFA_LANES == 16
#define OFA_TILE_PIXELS 14
#define OFA_TILE_VECS 2
#define OFA_WINDOW_ROWS 2
#define OFA_WINDOW_COLS 4
#define OFA_WINDOW_VECS 2
#define OFA_KERNEL_NAME "avx512"
#elif OFA_LANES == 8
#define OFA_TILE_PIXELS 6
#define OFA_TILE_VECS 2
#define OFA_WINDOW_ROWS 2
#define OFA_WINDOW_COLS 3
#define OFA_WINDOW_VECS 2
#define OFA_KERNEL_NAME "avx2"
#elif OFA_LANES == 4
#define OFA_TILE_PIXELS 4
#if defined(__aarch64__)
#define OFA_TILE_VECS 4
#else
#define OFA_TILE_VECS 2
#endif
#define OFA_WINDOW_ROWS 2
#define OFA_WINDOW_COLS 2
#define OFA_WINDOW_VECS 2
#define OFA_KERNEL_NAME "simd128"
#else
#define OFA_TILE_PIXELS 2
#define OFA_TILE_VECS 8
#define OFA_WINDOW_ROWS 1
#define OFA_WINDOW_COLS 2
#define OFA_WINDOW_VECS 8
#define OFA_KERNEL_NAME "scalar"
#endif
/* Dense tiles where a row has fewer pixels than the usual ones. */
#define OFA_SHORT_PIXELS 4
#define OFA_SHORT_VECS (OFA_LANES == 16 ? 4 : OFA_TILE_VECS)
/* A single pixel takes more vectors at once, or it would wait for its own sums. */
#define OFA_ROW_VECS 8
#define OFA_MOST_SUMS (OFA_TILE_PIXELS * OFA_TILE_VECS > OFA_ROW_VECS ? OFA_TILE_PIXELS * OFA_TILE_VECS : OFA_ROW_VECS)
/* Outputs of a pointwise layer that go into a depthwise one at a time. */
#define OFA_EXPAND_CHANNELS 32
/* Inputs of a pointwise layer that are worked on at a time: 64 KiB. */
#define OFA_PIECE_FLOATS 16384

#if OFA_LANES > 1
typedef float ofa_vec __attribute__((vector_size(OFA_LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t ofa_mask __attribute__((vector_size(OFA_LANES * sizeof(int32_t))));
#else
typedef float ofa_vec;
#endif
/* The fewest vectors that are whole panels, and their channels. */
#define OFA_PANEL_VECS (OFA_LANES > OFA_FMT_PANEL ? 1 : OFA_FMT_PANEL / OFA_LANES)
#define OFA_STEP (OFA_PANEL_VECS * OFA_LANES)

#if defined(__GNUC__)
#define OFA_INLINE static inline __attribute__((always_inline))
#define OFA_NOINLINE __attribute__((noinline))
#else
#define OFA_INLINE static inline
#define OFA_NOINLINE
#endif

/* Before a loop whose bounds are constants once its function is inlined: sums in an array stay in registers only
 * when every index is known.  Not for processors without vectors, where code has to be small. */
#if OFA_LANES == 1
#define OFA_UNROLL
#elif defined(__clang__)
#define OFA_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define OFA_UNROLL _Pragma("GCC unroll 32")
#else
#define OFA_UNROLL
#endif

OFA_INLINE ofa_vec load(const float *p)
{
	return *(const ofa_vec *)p;
}

OFA_INLINE void store(float *p, ofa_vec v)
{
	*(ofa_vec *)p = v;
}

/* Not a sum: 0 + -0 is not -0, so that one would be computed. */
OFA_INLINE ofa_vec splat(float f)
{
#if OFA_LANES > 1
	const ofa_vec zero = {0};

	return f - zero;
#else
	return f;
#endif
}

/* y += x */
OFA_INLINE void add_to(float *restrict y, const float *restrict x, uint32_t n)
{
	uint32_t i;

	for (i = 0; i + OFA_LANES <= n; i += OFA_LANES)
		store(y + i, load(y + i) + load(x + i));
	for (; i < n; i++)
		y[i] += x[i];
}

/* y *= x */
OFA_INLINE void multiply_by(float *restrict y, const float *restrict x, uint32_t n)
{
	uint32_t i;

	for (i = 0; i + OFA_LANES <= n; i += OFA_LANES)
		store(y + i, load(y + i) * load(x + i));
	for (; i < n; i++)
		y[i] *= x[i];
}

OFA_INLINE ofa_vec relu(ofa_vec v)
{
#if OFA_LANES > 1
	return (ofa_vec)((ofa_mask)v & (ofa_mask)(v > 0.0f));
#else
	return v > 0.0f ? v : 0.0f;
#endif
}

OFA_INLINE ofa_vec relu6(ofa_vec v)
{
	v = relu(v);
#if OFA_LANES > 1
	const ofa_mask below = (ofa_mask)(v < 6.0f);

	return (ofa_vec)(((ofa_mask)v & below) | ((ofa_mask)splat(6.0f) & ~below));
#else
	return v < 6.0f ? v : 6.0f;
#endif
}

OFA_INLINE void activate(ofa_vec *v, const uint32_t n, uint32_t act)
{
	uint32_t i;

	switch (act) {
	case OFA_FMT_ACT_RELU:
		OFA_UNROLL
		for (i = 0; i < n; i++)
			v[i] = relu(v[i]);
		break;
	case OFA_FMT_ACT_RELU6:
		OFA_UNROLL
		for (i = 0; i < n; i++)
			v[i] = relu6(v[i]);
		break;
	case OFA_FMT_ACT_HSWISH:
		OFA_UNROLL
		for (i = 0; i < n; i++)
			v[i] = v[i] * relu6(v[i] + 3.0f) * (1.0f / 6.0f);
		break;
	case OFA_FMT_ACT_HSIGMOID:
		OFA_UNROLL
		for (i = 0; i < n; i++)
			v[i] = relu6(v[i] + 3.0f) * (1.0f / 6.0f);
		break;
	default:
		break;
	}
}

#endif
