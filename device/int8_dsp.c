/* The int8 kernels by the DSP extension of Cortex-M4, M7 and M33: two products at a time.  What a network spends its
 * time in is here, the rest is portable. */
#include "kernels_int8.h"

#ifdef OFA_DEVICE_DSP
#include "int8_arm.h"

/* Four numbers, at any address. */
INLINE uint32_t load_quad(const int8_t *p)
{
	uint32_t quad;

	memcpy(&quad, p, sizeof(quad));
	return quad;
}

/* The first n of four. */
static uint32_t load_part(const int8_t *p, uint32_t n)
{
	uint32_t quad = 0;

	while (n-- > 0)
		quad = quad << 8 | (uint8_t)p[n];
	return quad;
}

/* Numbers 0 and 2 of four, and 1 and 3, as int16 in halves. */
INLINE uint32_t even(uint32_t quad)
{
	uint32_t pair;

	__asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(quad));
	return pair;
}

INLINE uint32_t odd(uint32_t quad)
{
	uint32_t pair;

	__asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(quad));
	return pair;
}

/* The same, added to pairs. */
INLINE uint32_t add_even(uint32_t pair, uint32_t quad)
{
	uint32_t sum;

	__asm__("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(quad));
	return sum;
}

INLINE uint32_t add_odd(uint32_t pair, uint32_t quad)
{
	uint32_t sum;

	__asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(quad));
	return sum;
}

/* sum + a0 b0 + a1 b1, modulo 2^32 */
INLINE int32_t add_both(int32_t sum, uint32_t a, uint32_t b)
{
	__asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
}

INLINE int32_t add_low(int32_t sum, uint32_t a, uint32_t b)
{
	__asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
}

INLINE int32_t add_high(int32_t sum, uint32_t a, uint32_t b)
{
	__asm__("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
	return sum;
}

/* Sums of two pixels and two neighbouring outputs, whose weights are 4 bytes apart. */
struct tile {
	int32_t here_0, here_1, next_0, next_1;
};

INLINE void add_quad(struct tile *t, const int8_t *w, uint32_t here, uint32_t next)
{
	const uint32_t here_even = even(here), here_odd = odd(here), next_even = even(next), next_odd = odd(next);
	uint32_t quad = load_quad(w), w_even = even(quad), w_odd = odd(quad);

	t->here_0 = add_both(add_both(t->here_0, here_even, w_even), here_odd, w_odd);
	t->next_0 = add_both(add_both(t->next_0, next_even, w_even), next_odd, w_odd);
	quad = load_quad(w + OFA_FMT_QUAD);
	w_even = even(quad);
	w_odd = odd(quad);
	t->here_1 = add_both(add_both(t->here_1, here_even, w_even), here_odd, w_odd);
	t->next_1 = add_both(add_both(t->next_1, next_even, w_even), next_odd, w_odd);
}

/* n inputs of two pixels by the weights of two outputs.  A function of its own, which has just enough registers. */
static NOINLINE void add_inputs(struct tile *ret, const int8_t *w, const int8_t *x, const int8_t *next, uint32_t n)
{
	const int8_t *const end = x + n / OFA_FMT_QUAD * OFA_FMT_QUAD;
	struct tile t = *ret;

	for (; x != end; x += OFA_FMT_QUAD, next += OFA_FMT_QUAD, w += LANES)
		add_quad(&t, w, load_quad(x), load_quad(next));
	*ret = t;
}

static void add_rest(struct tile *t, const int8_t *w, const int8_t *x, const int8_t *next, uint32_t n)
{
	const uint32_t whole = n / OFA_FMT_QUAD;

	if (n % OFA_FMT_QUAD != 0)
		add_quad(t, w + whole * LANES, load_part(x + whole * OFA_FMT_QUAD, n % OFA_FMT_QUAD),
			 load_part(next + whole * OFA_FMT_QUAD, n % OFA_FMT_QUAD));
}

static NOINLINE void finish(const struct ofa_device_int8_args *a, int32_t sum, uint32_t output, const int8_t *added,
			    int8_t *y)
{
	y[output] = added != NULL ? ofa_device_finish_add(a, sum, output, added[output])
				  : ofa_device_finish(a, sum, output);
}

/* Two pixels, of which the second may be the first again, in all outputs. */
static void two_pixels(const struct ofa_device_int8_args *a, uint32_t n, const int8_t *x, const int8_t *next,
		       const int8_t *added, int8_t *y, size_t y_next)
{
	const size_t panel = (size_t)(n + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD * LANES;
	uint32_t o;

	for (o = 0; o < a->c_out; o += 2) {
		const int8_t *w = a->w + o / OFA_FMT_PANEL * panel + o % OFA_FMT_PANEL * OFA_FMT_QUAD;
		struct tile t = {a->b[o], a->b[o + 1], a->b[o], a->b[o + 1]};

		add_inputs(&t, w, x, next, n);
		add_rest(&t, w, x, next, n);
		finish(a, t.here_0, o, added, y);
		if (y_next != 0)
			finish(a, t.next_0, o, added != NULL ? added + y_next : NULL, y + y_next);
		if (o + 1 == a->c_out)
			break;
		finish(a, t.here_1, o + 1, added, y);
		if (y_next != 0)
			finish(a, t.next_1, o + 1, added != NULL ? added + y_next : NULL, y + y_next);
	}
}

static void pointwise(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, const int8_t *added,
		      int8_t *y)
{
	uint32_t p;

	for (p = 0; p < pixels; p += 2) {
		const size_t at = (size_t)p * a->c_out, next = p + 1 < pixels;

		two_pixels(a, a->c_in, x + (size_t)p * a->c_in, x + (p + next) * a->c_in,
			   added != NULL ? added + at : NULL, y + at, next * a->c_out);
	}
}

static void conv_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, const int8_t *added, int8_t *y)
{
	const uint32_t n = column_bytes(a);
	int8_t columns[2][COLUMN_BYTES];
	uint32_t p;

	if (n > COLUMN_BYTES) {
		ofa_device_int8_portable.conv_row(a, rows, added, y);
		return;
	}
	for (p = 0; p < a->w_out; p += 2) {
		const size_t at = (size_t)p * a->c_out, next = p + 1 < a->w_out;

		gather_column(a, rows, p, columns[0]);
		if (next)
			gather_column(a, rows, p + 1, columns[1]);
		two_pixels(a, n, columns[0], columns[next], added != NULL ? added + at : NULL, y + at, next * a->c_out);
	}
}

/* Four channels' sums. */
struct sums {
	int32_t s0, s1, s2, s3;
};

/* What the padding would add if all of a window lay in it: inputs are then taken less its value, and those that are
 * in the padding left out. */
static void add_padding(const struct ofa_device_int8_args *a, const int8_t *w, struct sums *s)
{
	const uint32_t zero = (uint32_t)a->in_zero & 0xffff;
	uint32_t n, w_even = 0, w_odd = 0;

	for (n = a->k * a->k; n > 0; n--, w += a->c_in) {
		const uint32_t quad = load_quad(w);

		w_even = add_even(w_even, quad);
		w_odd = add_odd(w_odd, quad);
	}
	s->s0 = add_low(s->s0, w_even, zero);
	s->s1 = add_low(s->s1, w_odd, zero);
	s->s2 = add_low(s->s2, w_even >> 16, zero);
	s->s3 = add_low(s->s3, w_odd >> 16, zero);
}

/* The taps [first, end) of each row of four channels' windows: a pixel's x lies `at` past the row's start at the first
 * of them. */
static NOINLINE void add_window(struct sums *ret, const int8_t *w, const int8_t *const *rows, size_t at, uint32_t taps,
				const struct ofa_device_int8_args *a, uint32_t less_zero)
{
	const size_t c_in = a->c_in;
	const int8_t *const *const rows_end = rows + a->k;
	struct sums s = *ret;

	for (; rows != rows_end; rows++, w += a->k * c_in) {
		const int8_t *x = *rows + at, *wt = w;
		uint32_t n;

		for (n = *rows != NULL ? taps : 0; n > 0; n--, x += c_in, wt += c_in) {
			const uint32_t x_quad = load_quad(x), w_quad = load_quad(wt);
			const uint32_t x_even = add_even(less_zero, x_quad), x_odd = add_odd(less_zero, x_quad);
			const uint32_t w_even = even(w_quad), w_odd = odd(w_quad);

			s.s0 = add_low(s.s0, x_even, w_even);
			s.s1 = add_low(s.s1, x_odd, w_odd);
			s.s2 = add_high(s.s2, x_even, w_even);
			s.s3 = add_high(s.s3, x_odd, w_odd);
		}
	}
	*ret = s;
}

/* Four channels of a row. */
static void depthwise_quad(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t c, int8_t *y)
{
	const uint32_t less = (uint32_t)-a->in_zero & 0xffff, less_zero = less | less << 16;
	const int8_t *w = a->w + c;
	struct sums all = {a->b[c], a->b[c + 1], a->b[c + 2], a->b[c + 3]};
	uint32_t p;

	add_padding(a, w, &all);
	for (p = 0; p < a->w_out; p++, y += a->c_out) {
		const int32_t from = (int32_t)(p * a->stride) - (int32_t)a->pad, left = (int32_t)a->w_in - from;
		const int32_t first = from < 0 ? -from : 0, end = left < (int32_t)a->k ? left : (int32_t)a->k;
		struct sums s = all;

		if (first < end)
			add_window(&s, w + (size_t)first * a->c_in, rows, (size_t)(from + first) * a->c_in + c,
				   (uint32_t)(end - first), a, less_zero);
		y[c] = ofa_device_finish(a, s.s0, c);
		y[c + 1] = ofa_device_finish(a, s.s1, c + 1);
		y[c + 2] = ofa_device_finish(a, s.s2, c + 2);
		y[c + 3] = ofa_device_finish(a, s.s3, c + 3);
	}
}

/* The same of a channel alone. */
static int8_t depthwise_one(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t pixel, uint32_t c)
{
	const int32_t from = (int32_t)(pixel * a->stride) - (int32_t)a->pad;
	int32_t sum = a->b[c];
	uint32_t ky, kx;

	for (ky = 0; ky < a->k; ky++) {
		for (kx = 0; kx < a->k; kx++) {
			const int32_t at = from + (int32_t)kx;
			const int inside = rows[ky] != NULL && at >= 0 && at < (int32_t)a->w_in;

			sum = ofa_device_plus(sum, a->w[(size_t)(ky * a->k + kx) * a->c_in + c] *
							   (inside ? rows[ky][(size_t)at * a->c_in + c]
								   : (int8_t)a->in_zero));
		}
	}
	return ofa_device_finish(a, sum, c);
}

static void depthwise_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t p, c;

	for (c = 0; c + OFA_FMT_QUAD <= a->c_in; c += OFA_FMT_QUAD)
		depthwise_quad(a, rows, c, y);
	for (; c < a->c_in; c++) {
		for (p = 0; p < a->w_out; p++)
			y[(size_t)p * a->c_out + c] = depthwise_one(a, rows, p, c);
	}
}

static void scale(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *gate, int8_t *x)
{
	ofa_device_int8_portable.scale(a, pixels, gate, x);
}

const struct ofa_device_int8_kernels ofa_device_int8_dsp = {
	.name = "dsp",
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
