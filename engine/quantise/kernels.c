/* Compiled once per instruction set, with OFA_ISA as its name. */
#include "quantise/kernels.h"

#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "quantise/rescale.h"

#define PANEL 8
#define QUAD 4
#define BLOCK 16           /* channels of a depthwise layer side by side, */
#define DEPTHWISE_PIXELS 4 /* and pixels: sums stay in registers */
#define NAME_(isa) ofa_quantised_##isa
#define NAME(isa) NAME_(isa)
#define TEXT_(isa) #isa
#define TEXT(isa) TEXT_(isa)
#define INLINE inline __attribute__((always_inline))

typedef int8_t I8x8 __attribute__((vector_size(8)));
typedef int8_t I8x16 __attribute__((vector_size(16)));
typedef int16_t I16x16 __attribute__((vector_size(32)));
typedef int32_t I32x8 __attribute__((vector_size(32)));
typedef uint32_t U32x8 __attribute__((vector_size(32)));
typedef int32_t I32x16 __attribute__((vector_size(64)));
typedef int64_t I64x8 __attribute__((vector_size(64)));

/* GCC 12 converts vectors of bytes in halves and quarters where the processor needs one instruction. */
static INLINE I16x16 load16(const int8_t *p)
{
	I8x16 v;

	memcpy(&v, p, sizeof(v));
#ifdef __AVX2__
	return (I16x16)_mm256_cvtepi8_epi16((__m128i)v);
#else
	return __builtin_convertvector(v, I16x16);
#endif
}

static INLINE I32x16 widened(I16x16 v)
{
#ifdef __AVX512F__
	return (I32x16)_mm512_cvtepi16_epi32((__m256i)v);
#else
	return __builtin_convertvector(v, I32x16);
#endif
}

static INLINE I32x8 load8(const int8_t *p)
{
	I8x8 v;

	memcpy(&v, p, sizeof(v));
	return __builtin_convertvector(v, I32x8);
}

static INLINE I32x8 load32x8(const int32_t *p)
{
	I32x8 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static INLINE void store8(int8_t *p, I32x8 v)
{
	const I8x8 bytes = __builtin_convertvector(v, I8x8);

	memcpy(p, &bytes, sizeof(bytes));
}

#ifdef __AVX512VNNI__
#include "quantise/product_vec.h"
#else
/* Eight outputs of one pixel. */
static INLINE void panel_sums(const struct ofa_int8_product *p, const int8_t *x, const int8_t *w, int32_t sum[PANEL])
{
	for (int row = 0; row < p->rows; row++) {
		const int8_t *at = x + (size_t)row * p->x_row;

		for (int j = 0; j < p->quads; j++, at += QUAD, w += PANEL * QUAD)
			for (int o = 0; o < PANEL; o++)
				sum[o] += at[0] * w[QUAD * o] + at[1] * w[QUAD * o + 1] + at[2] * w[QUAD * o + 2] +
					  at[3] * w[QUAD * o + 3];
	}
}

static void product(const struct ofa_int8_product *p)
{
	const size_t pitch = ((size_t)p->outputs + PANEL - 1) / PANEL * PANEL;
	const size_t panel_bytes = (size_t)p->rows * (size_t)p->quads * PANEL * QUAD;

	for (size_t o = 0; o < pitch; o += PANEL) {
		const int8_t *w = p->w + o / PANEL * panel_bytes;
		const size_t left = (size_t)p->outputs - o;
		int32_t bias[PANEL] = {0};

		memcpy(bias, p->bias + o, (left < PANEL ? left : PANEL) * sizeof(*bias));
		for (int i = 0; i < p->pixels; i++) {
			int32_t sum[PANEL];

			memcpy(sum, bias, sizeof(sum));
			panel_sums(p, p->x + (size_t)i * p->x_pixel, w, sum);
			memcpy(p->sum + (size_t)i * pitch + o, sum, sizeof(sum));
		}
	}
}
#endif

/* A block of 16 channels of n neighbouring pixels; n is a constant at every call.  Two products of int8 fit into 16
 * bits. */
static INLINE void depthwise_block(const struct ofa_int8_depthwise *d, int pixel, int channel, const int n)
{
	const int taps = d->k * d->k;
	const size_t c = (size_t)d->c;
	const int8_t *x = d->x + (size_t)pixel * d->x_pixel + channel, *w = d->w + channel;
	int32_t *to = d->sum + (size_t)pixel * c + channel;
	I32x16 sum[DEPTHWISE_PIXELS];

#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
		memcpy(&sum[i], d->bias + channel, sizeof(sum[i]));
	for (int t = 0; t + 1 < taps; t += 2, w += 2 * c) {
		const int8_t *x0 = x + (size_t)(t / d->k) * d->x_row + (size_t)(t % d->k) * c;
		const int8_t *x1 = x + (size_t)((t + 1) / d->k) * d->x_row + (size_t)((t + 1) % d->k) * c;
		const I16x16 w0 = load16(w), w1 = load16(w + c);

#pragma GCC unroll 4
		for (int i = 0; i < n; i++, x0 += d->x_pixel, x1 += d->x_pixel)
			sum[i] += widened(load16(x0) * w0 + load16(x1) * w1);
	}
	if (taps % 2) {
		const int8_t *last = x + (size_t)(d->k - 1) * (d->x_row + c);
		const I16x16 w0 = load16(w);

#pragma GCC unroll 4
		for (int i = 0; i < n; i++, last += d->x_pixel)
			sum[i] += widened(load16(last) * w0);
	}
#pragma GCC unroll 4
	for (int i = 0; i < n; i++)
		memcpy(to + (size_t)i * c, &sum[i], sizeof(sum[i]));
}

static INLINE void depthwise_channel(const struct ofa_int8_depthwise *d, int pixel, int channel)
{
	const int8_t *x = d->x + (size_t)pixel * d->x_pixel + channel, *w = d->w + channel;
	int32_t sum = d->bias[channel];

	for (int y = 0; y < d->k; y++)
		for (int i = 0; i < d->k; i++, w += d->c)
			sum += x[(size_t)y * d->x_row + (size_t)i * (size_t)d->c] * *w;
	d->sum[(size_t)pixel * (size_t)d->c + channel] = sum;
}

/* Of the last block, as many channels as fill it are computed again. */
static void depthwise(const struct ofa_int8_depthwise *d)
{
	for (int c = 0; c < d->c; c += BLOCK) {
		const int channel = c + BLOCK <= d->c ? c : d->c - BLOCK;
		int i = 0;

		if (channel < 0)
			break;
		for (; i + DEPTHWISE_PIXELS <= d->pixels; i += DEPTHWISE_PIXELS)
			depthwise_block(d, i, channel, DEPTHWISE_PIXELS);
		for (; i < d->pixels; i++)
			depthwise_block(d, i, channel, 1);
	}
	for (int i = 0; i < d->pixels && d->c < BLOCK; i++)
		for (int c = 0; c < d->c; c++)
			depthwise_channel(d, i, c);
}

/* Eight numbers by ofa_rescale_parts(). */
static INLINE I32x8 rescale8(I32x8 x, I32x8 m, I32x8 up, I32x8 down)
{
	const I32x8 shifted = (I32x8)((U32x8)x << (U32x8)up), zero = {0};
	const I64x8 product = __builtin_convertvector(shifted, I64x8) * __builtin_convertvector(m, I64x8);
	const I32x8 high = __builtin_convertvector((product + (1 << 30)) >> 31, I32x8);
	const I32x8 mask = (I32x8)(((U32x8)zero + 1) << (U32x8)down) - 1, rest = high & mask;

	/* true is -1 */
	return (high >> down) - (rest > (mask >> 1) - (high < zero));
}

/* What `shift` shifts to the left (sign 1) or to the right (-1). */
static INLINE I32x8 shifts(I32x8 shift, int sign)
{
	const I32x8 s = shift * sign;

	return s & (s > 0);
}

static INLINE I32x8 hold(I32x8 x, int32_t low, int32_t high)
{
	const I32x8 zero = {0}, l = zero + low, h = zero + high;

	x = (x & (x >= l)) | (l & (x < l));
	return (x & (x <= h)) | (h & (x > h));
}

static void rescale(const struct ofa_int8_rescale *r)
{
	const int32_t zero = r->zero, low = r->low, high = r->high;
	const int c = r->c, rows = r->rows;

	for (int p = 0; p < rows; p++) {
		const int32_t *sum = r->sum + (size_t)p * r->pitch;
		int8_t *y = r->y + (size_t)p * (size_t)c;
		int i = 0;

		for (; i + 8 <= c; i += 8) {
			const I32x8 s = load32x8(r->s + i);
			const I32x8 v = rescale8(load32x8(sum + i), load32x8(r->m + i), shifts(s, 1), shifts(s, -1));

			store8(y + i, hold(v + zero, low, high));
		}
		for (; i < c; i++) {
			const struct ofa_rescale by = {r->m[i], r->s[i]};

			y[i] = (int8_t)ofa_clamp(ofa_rescale_apply(sum[i], by) + zero, low, high);
		}
	}
}

/* One multiplier for all. */
static INLINE I32x8 rescale_all(I32x8 x, struct ofa_rescale r)
{
	const I32x8 zero = {0};

	return rescale8(x, zero + r.multiplier, shifts(zero + r.shift, 1), shifts(zero + r.shift, -1));
}

/* Eight values, of which at least one counts. */
static INLINE void add8(const struct ofa_quantised_layer *l, struct ofa_affine operand, const int8_t *v, int8_t *x)
{
	const I32x8 a = rescale_all((load8(x) - operand.zero) * (1 << 20), l->first);
	const I32x8 b = rescale_all((load8(v) - l->added.zero) * (1 << 20), l->second);

	store8(x, hold(rescale_all(a + b, l->result) + l->out.zero, l->low, l->high));
}

static void add(const struct ofa_quantised_layer *l, struct ofa_affine operand, const int8_t *v, size_t n, int8_t *x)
{
	const struct ofa_quantised_layer here = *l; /* x, being bytes, might be part of the other one */
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		add8(&here, operand, v + i, x + i);
	if (i < n) {
		int8_t rest_x[8] = {0}, rest_v[8] = {0};

		memcpy(rest_x, x + i, n - i);
		memcpy(rest_v, v + i, n - i);
		add8(&here, operand, rest_v, rest_x);
		memcpy(x + i, rest_x, n - i);
	}
}

static void gate(const struct ofa_quantised_layer *l, const int8_t *gates, int pixels, int c, int8_t *x)
{
	const struct ofa_rescale result = l->result;
	const int32_t in = l->in.zero, out = l->out.zero;

	for (int p = 0; p < pixels; p++, x += c) {
		int i = 0;

		for (; i + 8 <= c; i += 8) {
			const I32x8 product = (load8(x + i) - in) * (load8(gates + i) + 128);

			store8(x + i, hold(rescale_all(product, result) + out, -128, 127));
		}
		for (; i < c; i++)
			x[i] = (int8_t)ofa_clamp(ofa_rescale_apply((x[i] - in) * (gates[i] + 128), result) + out, -128,
						 127);
	}
}

const struct ofa_quantised_kernels NAME(OFA_ISA) = {
	.isa = TEXT(OFA_ISA),
	.product = product,
	.depthwise = depthwise,
	.rescale = rescale,
	.add = add,
	.gate = gate,
};
