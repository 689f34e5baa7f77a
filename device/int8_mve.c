/* The int8 kernels by MVE, the vectors of Cortex-M55 and M85. */
#include "kernels_int8.h"

#ifdef OFA_DEVICE_MVE
#include <arm_mve.h>
#include "int8_arm.h"

#define WIDE 16 /* numbers in a vector, and those that one instruction multiplies and adds up */
#define CHANNELS 8

/* Four quads of an output, which lie at the offsets `at`. */
INLINE int8x16_t gather_quads(const int8_t *w, uint32x4_t at)
{
	return vreinterpretq_s8_s32(vldrwq_gather_offset_s32((const int32_t *)(const void *)w, at));
}

/* The first of them, and zeros. */
INLINE int8x16_t gather_some(const int8_t *w, uint32x4_t at, mve_pred16_t some)
{
	return vreinterpretq_s8_s32(vldrwq_gather_offset_z_s32((const int32_t *)(const void *)w, at, some));
}

/* ofa_device_rescale(); rounding of negative numbers is corrected by one, as vrshl rounds ties upwards. */
INLINE int32x4_t rescale(int32x4_t x, int32x4_t multiplier, int32x4_t shift)
{
	const int32x4_t none = vdupq_n_s32(0), right = vminq_s32(shift, none);

	x = vqrdmulhq_s32(vshlq_s32(x, vmaxq_s32(shift, none)), multiplier);
	x = vqaddq_s32(x, vshrq_n_s32(vandq_s32(x, right), 31));
	return vrshlq_s32(x, right);
}

INLINE int32x4_t rescale_by(int32x4_t x, const struct ofa_device_rescale *r)
{
	return rescale(x, vdupq_n_s32(r->multiplier), vdupq_n_s32(r->shift));
}

INLINE int32x4_t clamp(int32x4_t x, int32_t low, int32_t high)
{
	return vminq_s32(vmaxq_s32(x, vdupq_n_s32(low)), vdupq_n_s32(high));
}

/* ofa_device_finish() of four sums. */
INLINE int32x4_t finish(const struct ofa_device_int8_args *a, int32x4_t sum, int32x4_t multiplier, int32x4_t shift)
{
	const int32x4_t q = clamp(vaddq_n_s32(rescale(sum, multiplier, shift), a->zero), a->low, a->high);

	if (a->table == NULL)
		return q;
	return vldrbq_gather_offset_s32(a->table, vreinterpretq_u32_s32(vaddq_n_s32(q, 128)));
}

/* ofa_device_finish_add() of four. */
INLINE int32x4_t finish_add(const struct ofa_device_int8_args *a, int32x4_t sum, int32x4_t multiplier, int32x4_t shift,
			    int32x4_t added)
{
	const int32x4_t q = clamp(vaddq_n_s32(rescale(sum, multiplier, shift), a->zero), -128, 127);
	const int32x4_t x = rescale_by(vshlq_n_s32(vsubq_n_s32(q, a->zero), 20), &a->first);
	const int32x4_t v = rescale_by(vshlq_n_s32(vsubq_n_s32(added, a->added_zero), 20), &a->second);

	return clamp(vaddq_n_s32(rescale_by(vaddq_s32(x, v), &a->result), a->out_zero), a->low, a->high);
}

/* One pixel of n inputs in four outputs, of which `outputs` exist.  A vector of weights is gathered from four quads. */
static NOINLINE void four_outputs(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *w,
				  uint32_t output, uint32_t outputs, const int8_t *added, int8_t *y)
{
	static const uint32_t quads[4] = {0, LANES, 2 * LANES, 3 * LANES};
	const uint32x4_t at = vld1q_u32(quads);
	const mve_pred16_t exist = vctp32q(outputs);
	int32_t s0 = a->b[output], s1 = a->b[output + 1], s2 = a->b[output + 2], s3 = a->b[output + 3];
	const int32x4_t m = vld1q_s32(a->m + output), s = vld1q_s32(a->s + output);
	int32x4_t sum = vdupq_n_s32(0);

	for (; n >= WIDE; n -= WIDE, x += WIDE, w += WIDE / OFA_FMT_QUAD * LANES) {
		const int8x16_t v = vld1q_s8(x);

		s0 = vmladavaq_s8(s0, v, gather_quads(w, at));
		s1 = vmladavaq_s8(s1, v, gather_quads(w + OFA_FMT_QUAD, at));
		s2 = vmladavaq_s8(s2, v, gather_quads(w + 2 * OFA_FMT_QUAD, at));
		s3 = vmladavaq_s8(s3, v, gather_quads(w + 3 * OFA_FMT_QUAD, at));
	}
	if (n > 0) {
		const int8x16_t v = vldrbq_z_s8(x, vctp8q(n));
		const mve_pred16_t some = vctp32q((n + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD);

		s0 = vmladavaq_s8(s0, v, gather_some(w, at, some));
		s1 = vmladavaq_s8(s1, v, gather_some(w + OFA_FMT_QUAD, at, some));
		s2 = vmladavaq_s8(s2, v, gather_some(w + 2 * OFA_FMT_QUAD, at, some));
		s3 = vmladavaq_s8(s3, v, gather_some(w + 3 * OFA_FMT_QUAD, at, some));
	}
	sum = vsetq_lane_s32(s0, sum, 0);
	sum = vsetq_lane_s32(s1, sum, 1);
	sum = vsetq_lane_s32(s2, sum, 2);
	sum = vsetq_lane_s32(s3, sum, 3);
	if (added != NULL)
		sum = finish_add(a, sum, m, s, vldrbq_z_s32(added + output, exist));
	else
		sum = finish(a, sum, m, s);
	vstrbq_p_s32(y + output, sum, exist);
}

static void one_pixel(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *added, int8_t *y)
{
	const size_t panel = (size_t)(n + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD * LANES;
	uint32_t o;

	for (o = 0; o < a->c_out; o += 4)
		four_outputs(a, n, x, a->w + o / OFA_FMT_PANEL * panel + o % OFA_FMT_PANEL * OFA_FMT_QUAD, o,
			     a->c_out - o < 4 ? a->c_out - o : 4, added, y);
}

static void pointwise(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, const int8_t *added,
		      int8_t *y)
{
	for (; pixels > 0; pixels--, x += a->c_in, y += a->c_out) {
		one_pixel(a, a->c_in, x, added, y);
		if (added != NULL)
			added += a->c_out;
	}
}

static void conv_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, const int8_t *added, int8_t *y)
{
	const uint32_t n = column_bytes(a);
	int8_t column[COLUMN_BYTES];
	uint32_t p;

	if (n > COLUMN_BYTES) {
		ofa_device_int8_portable.conv_row(a, rows, added, y);
		return;
	}
	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		gather_column(a, rows, p, column);
		one_pixel(a, n, column, added, y);
		if (added != NULL)
			added += a->c_out;
	}
}

/* Sums of eight channels: those of even ones, and of odd ones. */
struct sums {
	int32x4_t even, odd;
};

/* What the padding would add if all of a window lay in it: inputs are then taken less its value, and those that are in
 * the padding left out. */
INLINE struct sums all_padding(const struct ofa_device_int8_args *a, const int8_t *w, uint32_t c, mve_pred16_t exist)
{
	const int16x8_t zero = vdupq_n_s16((int16_t)a->in_zero);
	const int32x4x2_t bias = vld2q_s32(a->b + c);
	int16x8_t sum = vdupq_n_s16(0);
	struct sums s;
	uint32_t n;

	for (n = a->k * a->k; n > 0; n--, w += a->c_in)
		sum = vaddq_s16(sum, vldrbq_z_s16(w, exist));
	s.even = vaddq_s32(bias.val[0], vmullbq_int_s16(sum, zero));
	s.odd = vaddq_s32(bias.val[1], vmulltq_int_s16(sum, zero));
	return s;
}

/* The taps of a pixel's windows that lie in the image: x is `at` past the start of each row at the first of them. */
INLINE struct sums add_window(struct sums s, const struct ofa_device_int8_args *a, const int8_t *const *rows, size_t at,
			      const int8_t *w, uint32_t taps, mve_pred16_t exist)
{
	const int16_t zero = (int16_t)a->in_zero;
	const size_t c_in = a->c_in;
	uint32_t ky, n;

	for (ky = 0; ky < a->k; ky++, w += a->k * c_in) {
		const int8_t *x = rows[ky] + at, *wt = w;

		for (n = rows[ky] != NULL ? taps : 0; n > 0; n--, x += c_in, wt += c_in) {
			const int16x8_t v = vsubq_n_s16(vldrbq_z_s16(x, exist), zero), t = vldrbq_z_s16(wt, exist);

			s.even = vaddq_s32(s.even, vmullbq_int_s16(v, t));
			s.odd = vaddq_s32(s.odd, vmulltq_int_s16(v, t));
		}
	}
	return s;
}

/* Eight channels of a row, of which `channels` exist. */
static void depthwise_channels(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t c,
			       uint32_t channels, int8_t *y)
{
	static const uint32_t apart[4] = {0, 2, 4, 6};
	const uint32x4_t to = vld1q_u32(apart);
	const mve_pred16_t exist = vctp16q(channels);
	const mve_pred16_t even_exist = vctp32q((channels + 1) / 2), odd_exist = vctp32q(channels / 2);
	const int32x4x2_t m = vld2q_s32(a->m + c), shift = vld2q_s32(a->s + c);
	const struct sums padding = all_padding(a, a->w + c, c, exist);
	uint32_t p;

	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		const int32_t from = (int32_t)(p * a->stride) - (int32_t)a->pad, left = (int32_t)a->w_in - from;
		const int32_t first = from < 0 ? -from : 0, end = left < (int32_t)a->k ? left : (int32_t)a->k;
		struct sums s = padding;

		if (first < end)
			s = add_window(s, a, rows, (size_t)(from + first) * a->c_in + c,
				       a->w + (size_t)first * a->c_in + c, (uint32_t)(end - first), exist);
		vstrbq_scatter_offset_p_s32(y + c, to, finish(a, s.even, m.val[0], shift.val[0]), even_exist);
		vstrbq_scatter_offset_p_s32(y + c + 1, to, finish(a, s.odd, m.val[1], shift.val[1]), odd_exist);
	}
}

static void depthwise_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t c;

	for (c = 0; c < a->c_in; c += CHANNELS)
		depthwise_channels(a, rows, c, a->c_in - c < CHANNELS ? a->c_in - c : CHANNELS, y);
}

static void scale(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *gate, int8_t *x)
{
	uint32_t c;

	for (; pixels > 0; pixels--, x += a->c_in) {
		for (c = 0; c < a->c_in; c += 4) {
			const mve_pred16_t exist = vctp32q(a->c_in - c);
			const int32x4_t v = vsubq_n_s32(vldrbq_z_s32(x + c, exist), a->in_zero);
			const int32x4_t g = vaddq_n_s32(vldrbq_z_s32(gate + c, exist), 128);
			const int32x4_t q = rescale_by(vmulq_s32(v, g), &a->result);

			vstrbq_p_s32(x + c, clamp(vaddq_n_s32(q, a->out_zero), -128, 127), exist);
		}
	}
}

const struct ofa_device_int8_kernels ofa_device_int8_mve = {
	.name = "mve",
	.conv_row = conv_row,
	.pointwise = pointwise,
	.depthwise_row = depthwise_row,
	.mean = mean,
	.scale = scale,
	.add = add,
	.max_pool_row = max_pool_row,
	.average_pool_row = average_pool_row,
};

#endif
