/* The portable int8 kernels: plain loops of constant length, which compilers make vectors of. */
#include "kernels_int8.h"

#define LANES (OFA_FMT_PANEL * OFA_FMT_QUAD) /* weights of a quad of each output of a panel */
/* Channels that are worked on at once where each has its own sum. */
#define BLOCK 16

/* To the sums of a panel what one quad after the other adds. */
static void add_quads(int32_t *sums, const int8_t *w, const int8_t *x, uint32_t quads)
{
	int32_t local[OFA_FMT_PANEL]; /* which nothing else points to: the compiler keeps it in registers */
	uint32_t o;

	memcpy(local, sums, sizeof(local));
	for (; quads > 0; quads--, w += LANES, x += OFA_FMT_QUAD) {
		const int32_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];

		for (o = 0; o < OFA_FMT_PANEL; o++)
			local[o] += w[4 * o] * x0 + w[4 * o + 1] * x1 + w[4 * o + 2] * x2 + w[4 * o + 3] * x3;
	}
	memcpy(sums, local, sizeof(local));
}

/* What n numbers are in a row of weights' segment; those before `first` and from `end` on are `fill`. */
struct segment {
	const int8_t *x; /* where its first number is, or would be */
	uint32_t first, end;
	int8_t fill;
};

static void add_segment(int32_t *sums, const int8_t *w, const struct segment *s, uint32_t quads)
{
	/* those that lie in the input as a whole */
	const uint32_t from = (s->first + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD, end = s->end / OFA_FMT_QUAD;
	uint32_t j = 0, i;

	while (j < quads) {
		int8_t quad[OFA_FMT_QUAD];

		if (j >= from && j < end) {
			add_quads(sums, w + (size_t)j * LANES, s->x + (size_t)j * OFA_FMT_QUAD, end - j);
			j = end;
			continue;
		}
		for (i = 0; i < OFA_FMT_QUAD; i++) {
			const uint32_t at = j * OFA_FMT_QUAD + i;

			quad[i] = at >= s->first && at < s->end ? s->x[at] : s->fill;
		}
		add_quads(sums, w + (size_t)j * LANES, quad, 1);
		j++;
	}
}

/* Writes the outputs of a panel that exist. */
static void finish_panel(const struct ofa_device_int8_args *a, const int32_t *sums, uint32_t panel, const int8_t *added,
			 int8_t *y)
{
	const uint32_t o = panel * OFA_FMT_PANEL, left = a->c_out - o;
	const uint32_t n = left < OFA_FMT_PANEL ? left : OFA_FMT_PANEL;
	uint32_t i;

	for (i = 0; i < n; i++) {
		const int32_t sum = ofa_device_plus(a->b[o + i], sums[i]);

		y[o + i] = added != NULL ? ofa_device_finish_add(a, sum, o + i, added[o + i])
					 : ofa_device_finish(a, sum, o + i);
	}
}

static uint32_t quads_of(uint32_t n)
{
	return (n + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD;
}

static void pointwise(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, const int8_t *added,
		      int8_t *y)
{
	const uint32_t quads = quads_of(a->c_in), panels = (a->c_out + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL;
	const int8_t *w = a->w;
	uint32_t panel, p;

	for (panel = 0; panel < panels; panel++, w += (size_t)quads * LANES) {
		for (p = 0; p < pixels; p++) {
			const struct segment s = {x + (size_t)p * a->c_in, 0, a->c_in, 0};
			const size_t at = (size_t)p * a->c_out;
			int32_t sums[OFA_FMT_PANEL] = {0};

			add_segment(sums, w, &s, quads);
			finish_panel(a, sums, panel, added != NULL ? added + at : NULL, y + at);
		}
	}
}

/* The part of a window's row that lies in a row of the input. */
static struct segment segment_of(const struct ofa_device_int8_args *a, const int8_t *row, uint32_t pixel)
{
	const int32_t from = (int32_t)(pixel * a->stride) - (int32_t)a->pad;
	const int32_t left = (int32_t)a->w_in - from;
	struct segment s = {row, 0, 0, (int8_t)a->in_zero};

	if (row == NULL || left <= 0)
		return s;
	/* (uintptr_t): the window may begin before the row */
	s.x = (const int8_t *)((uintptr_t)row + (uintptr_t)((intptr_t)from * (intptr_t)a->c_in));
	s.first = from < 0 ? (uint32_t)-from * a->c_in : 0;
	s.end = (left < (int32_t)a->k ? (uint32_t)left : a->k) * a->c_in;
	return s;
}

static void conv_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, const int8_t *added, int8_t *y)
{
	const uint32_t quads = quads_of(a->k * a->c_in), panels = (a->c_out + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL;
	const int8_t *w = a->w;
	uint32_t panel, p, ky;

	for (panel = 0; panel < panels; panel++, w += (size_t)a->k * quads * LANES) {
		for (p = 0; p < a->w_out; p++) {
			const size_t at = (size_t)p * a->c_out;
			int32_t sums[OFA_FMT_PANEL] = {0};

			for (ky = 0; ky < a->k; ky++) {
				const struct segment s = segment_of(a, rows[ky], p);

				add_segment(sums, w + (size_t)ky * quads * LANES, &s, quads);
			}
			finish_panel(a, sums, panel, added != NULL ? added + at : NULL, y + at);
		}
	}
}

static void add_products(int32_t *sums, const int8_t *w, const int8_t *x, uint32_t n)
{
	uint32_t i;

	if (n == BLOCK) {
		for (i = 0; i < BLOCK; i++)
			sums[i] += (int16_t)(w[i] * x[i]);
	} else {
		for (i = 0; i < n; i++)
			sums[i] += (int16_t)(w[i] * x[i]);
	}
}

/* n neighbouring channels of one pixel of a depthwise convolution. */
static void depthwise_block(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t pixel, uint32_t c,
			    uint32_t n, int8_t *y)
{
	const int32_t from = (int32_t)(pixel * a->stride) - (int32_t)a->pad;
	int32_t sums[BLOCK] = {0};
	int8_t padding[BLOCK];
	uint32_t ky, kx, i;

	memset(padding, a->in_zero, sizeof(padding));
	for (ky = 0; ky < a->k; ky++) {
		for (kx = 0; kx < a->k; kx++) {
			const int32_t at = from + (int32_t)kx;
			const int8_t *x = padding;

			if (rows[ky] != NULL && at >= 0 && at < (int32_t)a->w_in)
				x = rows[ky] + (size_t)at * a->c_in + c;
			add_products(sums, a->w + (size_t)(ky * a->k + kx) * a->c_in + c, x, n);
		}
	}
	for (i = 0; i < n; i++)
		y[c + i] = ofa_device_finish(a, ofa_device_plus(a->b[c + i], sums[i]), c + i);
}

static void depthwise_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c;

	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		for (c = 0; c < a->c_in; c += BLOCK)
			depthwise_block(a, rows, p, c, a->c_in - c < BLOCK ? a->c_in - c : BLOCK, y);
	}
}

static void mean(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, int8_t *y)
{
	/* what all pixels' zero points add up to, modulo 2^32 as the sums are */
	const uint32_t zeros = pixels * (uint32_t)a->in_zero;
	uint32_t c, p, i;

	for (c = 0; c < a->c_in; c += BLOCK) {
		const uint32_t n = a->c_in - c < BLOCK ? a->c_in - c : BLOCK;
		uint32_t sums[BLOCK] = {0};

		for (p = 0; p < pixels; p++) {
			for (i = 0; i < n; i++)
				sums[i] += (uint32_t)x[(size_t)p * a->c_in + c + i];
		}
		for (i = 0; i < n; i++) {
			const int32_t q =
				ofa_device_rescale((int32_t)(sums[i] - zeros), a->first.multiplier, a->first.shift);

			y[c + i] = (int8_t)ofa_device_clamp(ofa_device_plus(q, a->out_zero), a->low, a->high);
		}
	}
}

static void scale(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *gate, int8_t *x)
{
	uint32_t p, c;

	for (p = 0; p < pixels; p++, x += a->c_in) {
		for (c = 0; c < a->c_in; c++) {
			const int32_t product = (x[c] - a->in_zero) * (gate[c] + 128);
			const int32_t q = ofa_device_rescale(product, a->result.multiplier, a->result.shift);

			x[c] = (int8_t)ofa_device_clamp(ofa_device_plus(q, a->out_zero), -128, 127);
		}
	}
}

static void add(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *added, int8_t *y)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		y[i] = ofa_device_add(a, x[i], added[i]);
}

static void max_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c, ky;
	int32_t first, end, at;

	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		ofa_device_taps(a, p, &first, &end);
		memset(y, -128, a->c_out);
		for (ky = 0; ky < a->k; ky++) {
			for (at = first; rows[ky] != NULL && at < end; at++) {
				const int8_t *x = rows[ky] + (size_t)at * a->c_in;

				for (c = 0; c < a->c_out; c++)
					y[c] = x[c] > y[c] ? x[c] : y[c];
			}
		}
	}
}

static void average_pool_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c, ky;
	int32_t first, end, at;

	for (p = 0; p < a->w_out; p++) {
		ofa_device_taps(a, p, &first, &end);
		for (c = 0; c < a->c_out; c++) {
			int32_t sum = 0, n = 0;

			for (ky = 0; ky < a->k; ky++) {
				for (at = first; rows[ky] != NULL && at < end; at++, n++)
					sum += rows[ky][(size_t)at * a->c_in + c];
			}
			*y++ = (int8_t)((sum + (sum < 0 ? -(n / 2) : n / 2)) / n);
		}
	}
}

const struct ofa_device_int8_kernels ofa_device_int8_portable = {
	.name = "portable",
	.conv_row = conv_row,
	.pointwise = pointwise,
	.depthwise_row = depthwise_row,
	.mean = mean,
	.scale = scale,
	.add = add,
	.max_pool_row = max_pool_row,
	.average_pool_row = average_pool_row,
};
