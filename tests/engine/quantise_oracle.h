/* doc/pack-format.md, "int8", word for word: plain loops over one layer of one image, in 64 bits. */
#ifndef OFA_TESTS_QUANTISE_ORACLE_H
#define OFA_TESTS_QUANTISE_ORACLE_H

#include <math.h>

#include "quantise/quantised.h"
#include "runner.h"

static inline int64_t oracle_rescale(int64_t x, int64_t m, int64_t s)
{
	const int64_t product = (int64_t)(int32_t)(uint32_t)((uint64_t)x << (s > 0 ? s : 0)) * m;
	const int64_t high = (product + (product >= 0 ? 1ll << 30 : 1 - (1ll << 30))) / (1ll << 31);
	const int64_t divisor = 1ll << (s < 0 ? -s : 0);

	return (high >= 0 ? high + divisor / 2 : high - divisor / 2) / divisor;
}

static inline int64_t oracle_hold(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

/* Weight t of output o, of rows of `segments` segments of `width`. */
static inline int oracle_quad(const int8_t *w, int o, int segments, int width, int t)
{
	const int per_segment = (width + 3) / 4, Q = segments * per_segment;
	const int j = t / width * per_segment + t % width / 4, i = t % width % 4;

	return w[(((o / 8) * Q + j) * 8 + o % 8) * 4 + i];
}

static inline int8_t oracle_add(const struct ofa_quantised_layer *q, struct ofa_affine operand, int x, int v)
{
	const int64_t whole = 1 << 20;
	const int64_t a = oracle_rescale((x - operand.zero) * whole, q->first.multiplier, q->first.shift);
	const int64_t b = oracle_rescale((v - q->added.zero) * whole, q->second.multiplier, q->second.shift);

	return (int8_t)oracle_hold(oracle_rescale(a + b, q->result.multiplier, q->result.shift) + q->out.zero, q->low,
				   q->high);
}

/* The sum of output o at (y, x). */
static inline int64_t oracle_window(const struct ofa_layer *l, const struct ofa_quantised_layer *q, const int8_t *in,
				    int y, int x, int o)
{
	const int inputs = l->op == OFA_OP_DWCONV ? 1 : l->c_in;
	int64_t sum = q->b[o];

	for (int ky = 0; ky < l->k; ky++)
		for (int kx = 0; kx < l->k; kx++)
			for (int i = 0; i < inputs; i++) {
				const int iy = y * l->stride - l->pad + ky, ix = x * l->stride - l->pad + kx;
				const bool outside = iy < 0 || iy >= l->h_in || ix < 0 || ix >= l->w_in;
				const int c = inputs == 1 && l->op == OFA_OP_DWCONV ? o : i;
				const int v = outside ? q->in.zero : in[(iy * l->w_in + ix) * l->c_in + c];
				const int w = l->op == OFA_OP_DWCONV
						      ? q->w[(ky * l->k + kx) * l->c_in + o]
						      : oracle_quad(q->w, o, l->k, l->k * l->c_in,
								    (ky * l->k + kx) * l->c_in + i);

				sum += (int64_t)v * w;
			}
	return sum;
}

static inline int8_t oracle_product(const struct ofa_layer *l, const struct ofa_quantised_layer *q, const int8_t *in,
				    const int8_t *added, int y, int x, int o)
{
	const int64_t r = oracle_rescale(oracle_window(l, q, in, y, x, o), q->m[o], q->s[o]);

	if (added)
		return oracle_add(q, q->inner, (int)oracle_hold(r + q->inner.zero, -128, 127),
				  added[(y * l->w_out + x) * l->c_out + o]);
	if (q->table)
		return q->table[oracle_hold(r + q->inner.zero, q->low, q->high) + 128];
	return (int8_t)oracle_hold(r + q->out.zero, q->low, q->high);
}

static inline int8_t oracle_pool(const struct ofa_layer *l, const int8_t *in, int y, int x, int c)
{
	int most = -128, sum = 0, count = 0;

	for (int ky = 0; ky < l->k; ky++)
		for (int kx = 0; kx < l->k; kx++) {
			const int iy = y * l->stride - l->pad + ky, ix = x * l->stride - l->pad + kx;

			if (iy < 0 || iy >= l->h_in || ix < 0 || ix >= l->w_in)
				continue;
			most = in[(iy * l->w_in + ix) * l->c_in + c] > most ? in[(iy * l->w_in + ix) * l->c_in + c]
									     : most;
			sum += in[(iy * l->w_in + ix) * l->c_in + c];
			count++;
		}
	return (int8_t)(l->op == OFA_OP_MAX_POOL ? most : (int)lround((double)sum / count));
}

/* The rescaled sum of channel c over all pixels. */
static inline int64_t oracle_sum(const struct ofa_layer *l, const struct ofa_quantised_layer *q, const int8_t *in,
				 int c)
{
	int64_t sum = 0;

	for (int p = 0; p < l->h_in * l->w_in; p++)
		sum += in[p * l->c_in + c] - q->in.zero;
	return oracle_rescale(sum, q->first.multiplier, q->first.shift);
}

static inline void oracle_se(const struct ofa_layer *l, const struct ofa_quantised_layer *q, const int8_t *in,
			     int8_t *out)
{
	int m[4096], z[4096];

	ck_assert(l->c_in <= 4096 && l->hidden <= 4096);
	for (int c = 0; c < l->c_in; c++)
		m[c] = (int)oracle_hold(oracle_sum(l, q, in, c) + q->added.zero, -128, 127);
	for (int h = 0; h < l->hidden; h++) {
		int64_t sum = q->b[h];

		for (int c = 0; c < l->c_in; c++)
			sum += oracle_quad(q->w, h, 1, l->c_in, c) * m[c];
		z[h] = (int)oracle_hold(oracle_rescale(sum, q->m[h], q->s[h]) + q->inner.zero, q->inner.zero, 127);
	}
	for (int c = 0; c < l->c_in; c++) {
		int64_t sum = q->b2[c], g;

		for (int h = 0; h < l->hidden; h++)
			sum += oracle_quad(q->w2, c, 1, l->hidden, h) * z[h];
		g = oracle_hold(oracle_rescale(sum, q->m2[c], q->s2[c]) - 128, -128, 127);
		for (int p = 0; p < l->h_in * l->w_in; p++) {
			const int64_t x = (in[p * l->c_in + c] - q->in.zero) * (g + 128);

			out[p * l->c_in + c] = (int8_t)oracle_hold(
				oracle_rescale(x, q->result.multiplier, q->result.shift) + q->out.zero, -128, 127);
		}
	}
}

/* in (h,w,c) -> out, which does not alias it; added: the value to add, or NULL. */
static inline void oracle_layer(const struct ofa_layer *l, const struct ofa_quantised_layer *q, const int8_t *in,
				const int8_t *added, int8_t *out)
{
	if (l->op == OFA_OP_SE) {
		oracle_se(l, q, in, out);
		return;
	}
	for (int y = 0; y < l->h_out; y++)
		for (int x = 0; x < l->w_out; x++)
			for (int c = 0; c < l->c_out; c++) {
				int8_t *to = out + (y * l->w_out + x) * l->c_out + c;

				if (l->op == OFA_OP_MAX_POOL || l->op == OFA_OP_AVERAGE_POOL)
					*to = oracle_pool(l, in, y, x, c);
				else if (l->op == OFA_OP_POOL)
					*to = (int8_t)oracle_hold(oracle_sum(l, q, in, c) + q->out.zero, q->low,
								  q->high);
				else if (l->op == OFA_OP_ADD)
					*to = oracle_add(q, q->in, in[(y * l->w_out + x) * l->c_out + c],
							 added[(y * l->w_out + x) * l->c_out + c]);
				else
					*to = oracle_product(l, q, in, added, y, x, c);
			}
}

#endif
