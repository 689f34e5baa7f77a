/* The int8 kernels, a template: int8_avx2.c and its like include it after choosing an instruction set, what vectors of
 * it do (int8_x86_vec.h), and OFA_INT8_TABLE and OFA_INT8_NAME, the table that is defined here. */
#ifndef OFA_DEVICE_INT8_VEC_H
#define OFA_DEVICE_INT8_VEC_H

#include "int8_lanes_vec.h"
#include "int8_dense_vec.h"
#include "int8_depthwise_vec.h"

static void mean(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, int8_t *y)
{
	const struct rescaling r = rescaling_for_all(a->first);
	const struct bounds bounds = bounds_of(a->out_zero, a->low, a->high);
	/* what all pixels' zero points add up to, modulo 2^32 as the sums are */
	const vec zeros = all_lanes((int32_t)(pixels * (uint32_t)a->in_zero));
	uint32_t c, p;

	for (c = 0; c < a->c_in; c += LANES) {
		const uint32_t n = a->c_in - c < LANES ? a->c_in - c : LANES;
		vec sum = all_lanes(0);

		for (p = 0; p < pixels; p++)
			sum += load_some(x + (size_t)p * a->c_in + c, n);
		store_some(y + c, hold(rescale(minus(sum, zeros), &r), &bounds), n);
	}
}

static void scale(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *gate, int8_t *x)
{
	const struct rescaling r = rescaling_for_all(a->result);
	const struct bounds bounds = bounds_of(a->out_zero, -128, 127);
	const vec in_zero = all_lanes(a->in_zero);
	const uint32_t c_in = a->c_in;
	uint32_t c, p;

	for (c = 0; c < a->c_in; c += LANES) {
		const uint32_t n = a->c_in - c < LANES ? a->c_in - c : LANES;
		const vec factor = load_some(gate + c, n) + 128;

		for (p = 0; p < pixels; p++) {
			int8_t *at = x + (size_t)p * c_in + c;
			const vec product = (load_some(at, n) - in_zero) * factor;

			store_some(at, hold(rescale(product, &r), &bounds), n);
		}
	}
}

static void add(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *added, int8_t *y)
{
	struct addition add;
	uint32_t i;

	addition_of(a, &add);
	for (i = 0; i < n; i += LANES)
		store_some(y + i, add_lanes(&add, load_some(x + i, n - i), load_some(added + i, n - i)), n - i);
}

static void max_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c, ky;
	int32_t first, end, at;

	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		ofa_device_taps(a, p, &first, &end);
		for (c = 0; c < a->c_out; c += LANES) {
			const uint32_t n = a->c_out - c < LANES ? a->c_out - c : LANES;
			vec most = all_lanes(-128);

			for (ky = 0; ky < a->k; ky++) {
				for (at = first; rows[ky] != NULL && at < end; at++) {
					const vec x = load_some(rows[ky] + (size_t)at * a->c_in + c, n);
					const vec above = (vec)(x > most);

					most = (x & above) | (most & ~above);
				}
			}
			store_some(y + c, most, n);
		}
	}
}

static void average_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c, ky, i;
	int32_t first, end, at;

	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		ofa_device_taps(a, p, &first, &end);
		for (c = 0; c < a->c_out; c += LANES) {
			const uint32_t n = a->c_out - c < LANES ? a->c_out - c : LANES;
			vec sum = all_lanes(0);
			int32_t count = 0, lanes[LANES];

			for (ky = 0; ky < a->k; ky++) {
				for (at = first; rows[ky] != NULL && at < end; at++, count++)
					sum += load_some(rows[ky] + (size_t)at * a->c_in + c, n);
			}
			memcpy(lanes, &sum, sizeof(lanes));
			for (i = 0; i < n; i++)
				y[c + i] = (int8_t)((lanes[i] + (lanes[i] < 0 ? -(count / 2) : count / 2)) / count);
		}
	}
}

const struct ofa_device_int8_kernels OFA_INT8_TABLE = {
	.name = OFA_INT8_NAME,
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
