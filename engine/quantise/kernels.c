/* Compiled once per instruction set, with OFA_ISA as its name. */
#include "quantise/kernels.h"

#include <string.h>

#include "quantise/rescale.h"

#define PANEL 8
#define QUAD 4
#define NAME_(isa) ofa_quantised_##isa
#define NAME(isa) NAME_(isa)
#define TEXT_(isa) #isa
#define TEXT(isa) TEXT_(isa)
#define INLINE inline __attribute__((always_inline))

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

/* n neighbouring channels of one pixel; two products of int8 fit into 16 bits. */
static INLINE void depthwise_block(const struct ofa_int8_depthwise *d, const int8_t *x, int c, const int n,
				   int32_t *to)
{
	const int taps = d->k * d->k;
	int32_t sum[64];

	memcpy(sum, d->bias + c, (size_t)n * sizeof(*sum));
	for (int t = 0; t < taps; t += 2) {
		const int t1 = t + 1 < taps ? t + 1 : t;
		const int8_t *x0 = x + (size_t)(t / d->k) * d->x_row + (size_t)(t % d->k) * (size_t)d->c + c;
		const int8_t *x1 = x + (size_t)(t1 / d->k) * d->x_row + (size_t)(t1 % d->k) * (size_t)d->c + c;
		const int8_t *w0 = d->w + (size_t)t * (size_t)d->c + c, *w1 = d->w + (size_t)t1 * (size_t)d->c + c;
		const int16_t second = t1 > t;

		for (int i = 0; i < n; i++)
			sum[i] += (int16_t)(x0[i] * w0[i] + (int16_t)(x1[i] * w1[i]) * second);
	}
	memcpy(to, sum, (size_t)n * sizeof(*sum));
}

static void depthwise(const struct ofa_int8_depthwise *d)
{
	for (int i = 0; i < d->pixels; i++) {
		const int8_t *x = d->x + (size_t)i * d->x_pixel;
		int32_t *sum = d->sum + (size_t)i * (size_t)d->c;
		int c = 0;

		for (; c + 32 <= d->c; c += 32)
			depthwise_block(d, x, c, 32, sum + c);
		for (; c + 8 <= d->c; c += 8)
			depthwise_block(d, x, c, 8, sum + c);
		for (; c < d->c; c++)
			depthwise_block(d, x, c, 1, sum + c);
	}
}

static void rescale(const struct ofa_int8_rescale *r)
{
	const int32_t zero = r->zero, low = r->low, high = r->high;

	for (int p = 0; p < r->rows; p++) {
		const int32_t *restrict sum = r->sum + (size_t)p * r->pitch;
		const int32_t *restrict m = r->m, *restrict s = r->s;
		int8_t *restrict y = r->y + (size_t)p * (size_t)r->c;

		for (int c = 0; c < r->c; c++) {
			const int up = s[c] > 0 ? s[c] : 0, down = s[c] < 0 ? -s[c] : 0;

			y[c] = (int8_t)ofa_clamp(ofa_rescale_parts(sum[c], m[c], up, down) + zero, low, high);
		}
	}
}

static void add(const struct ofa_quantised_layer *l, struct ofa_affine operand, const int8_t *v, size_t n, int8_t *x)
{
	const struct ofa_rescale first = l->first, second = l->second, result = l->result;
	const int32_t zero = l->out.zero, low = l->low, high = l->high;

	for (size_t i = 0; i < n; i++) {
		const int32_t a = ofa_rescale_apply((x[i] - operand.zero) * (1 << 20), first);
		const int32_t b = ofa_rescale_apply((v[i] - l->added.zero) * (1 << 20), second);

		x[i] = (int8_t)ofa_clamp(ofa_rescale_apply(a + b, result) + zero, low, high);
	}
}

static void gate(const struct ofa_quantised_layer *l, const int8_t *gates, int pixels, int c, int8_t *x)
{
	const struct ofa_rescale result = l->result;
	const int32_t in = l->in.zero, out = l->out.zero;

	for (int p = 0; p < pixels; p++, x += c)
		for (int i = 0; i < c; i++) {
			const int32_t product = (x[i] - in) * (gates[i] + 128);

			x[i] = (int8_t)ofa_clamp(ofa_rescale_apply(product, result) + out, -128, 127);
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
