/* The int8 kernels, of every instruction set of this machine, against naive loops over one table of shapes: bit for
 * bit, and no byte beside the rows that are read and written. */
#include <string.h>

#include "base/rng.h"
#include "kernels_int8.h"
#include "runner.h"

/* What is tested on a processor that has `cpu`. */
static const struct {
	const struct ofa_device_int8_kernels *kernels;
	uint32_t cpu;
} tables[] = {
	{&ofa_device_int8_portable, 0},
#ifdef OFA_DEVICE_X86
	{&ofa_device_int8_avx2, OFA_CPU_AVX2},
	{&ofa_device_int8_avx512, OFA_CPU_AVX512_INT8},
#endif
#ifdef OFA_DEVICE_AVXVNNI
	{&ofa_device_int8_avxvnni, OFA_CPU_AVXVNNI},
#endif
};

struct shape {
	uint32_t kind, h, w, c_in, c_out, k, stride, pad, act;
	int adds;
};

enum { NONE = OFA_FMT_ACT_NONE, RELU = OFA_FMT_ACT_RELU, SWISH = OFA_FMT_ACT_HSWISH };

static const struct shape shapes[] = {
	/* dense: taps that are no multiple of 4, outputs off the panel, strides, paddings, one pixel */
	{OFA_FMT_CONV, 7, 7, 1, 8, 3, 1, 1, RELU, 0},
	{OFA_FMT_CONV, 9, 11, 3, 16, 3, 2, 1, SWISH, 0},
	{OFA_FMT_CONV, 5, 6, 4, 5, 3, 1, 1, NONE, 1},
	{OFA_FMT_CONV, 8, 5, 13, 11, 5, 2, 2, NONE, 0},
	{OFA_FMT_CONV, 6, 9, 7, 17, 7, 1, 3, RELU, 1},
	{OFA_FMT_CONV, 1, 1, 5, 9, 3, 1, 1, NONE, 0},
	{OFA_FMT_CONV, 3, 2, 2, 3, 7, 2, 6, NONE, 0},
	{OFA_FMT_CONV, 4, 4, 6, 8, 2, 2, 0, SWISH, 0},
	{OFA_FMT_CONV, 4, 5, 16, 24, 3, 1, 2, RELU, 0},
	{OFA_FMT_CONV, 5, 7, 9, 10, 1, 2, 0, NONE, 1},
	{OFA_FMT_CONV, 3, 40, 8, 8, 3, 1, 1, RELU, 0},
	{OFA_FMT_CONV, 3, 28, 1, 24, 3, 1, 1, SWISH, 0},
	{OFA_FMT_CONV, 7, 7, 64, 66, 3, 1, 1, RELU, 1},
	/* pointwise: each remainder of pixels, quads and panels; matrices */
	{OFA_FMT_CONV, 1, 1, 1, 1, 1, 1, 0, NONE, 0},
	{OFA_FMT_CONV, 1, 2, 3, 8, 1, 1, 0, RELU, 0},
	{OFA_FMT_CONV, 2, 3, 4, 9, 1, 1, 0, SWISH, 0},
	{OFA_FMT_CONV, 1, 5, 24, 16, 1, 1, 0, NONE, 1},
	{OFA_FMT_CONV, 3, 7, 31, 25, 1, 1, 0, NONE, 1},
	{OFA_FMT_CONV, 4, 13, 64, 40, 1, 1, 0, RELU, 0},
	{OFA_FMT_CONV, 2, 17, 66, 7, 1, 1, 0, RELU, 1},
	{OFA_FMT_CONV, 1, 28, 130, 72, 1, 1, 0, SWISH, 0},
	{OFA_FMT_CONV, 1, 4, 33, 72, 1, 1, 0, SWISH, 0},
	{OFA_FMT_CONV, 1, 3, 20, 136, 1, 1, 0, NONE, 0},
	{OFA_FMT_CONV, 1, 8, 24, 104, 1, 1, 0, SWISH, 0},
	{OFA_FMT_CONV, 1, 9, 3, 40, 1, 1, 0, NONE, 1},
	{OFA_FMT_CONV, 1, 10, 65, 16, 1, 1, 0, NONE, 0},
	{OFA_FMT_CONV, 1, 11, 40, 56, 1, 1, 0, RELU, 1},
	{OFA_FMT_CONV, 1, 12, 127, 15, 1, 1, 0, NONE, 0},
	{OFA_FMT_CONV, 2, 7, 96, 33, 1, 1, 0, NONE, 1},
	{OFA_FMT_CONV, 3, 29, 24, 72, 1, 1, 0, SWISH, 0},
	{OFA_FMT_LINEAR, 1, 1, 100, 10, 1, 1, 0, NONE, 0},
	{OFA_FMT_LINEAR, 1, 1, 37, 130, 1, 1, 0, SWISH, 0},
	{OFA_FMT_LINEAR, 1, 1, 1030, 33, 1, 1, 0, RELU, 0},
	/* depthwise: every kernel size, odd channels, rows shorter than the window */
	{OFA_FMT_DWCONV, 6, 6, 1, 1, 3, 1, 1, RELU, 0},
	{OFA_FMT_DWCONV, 7, 5, 3, 3, 1, 1, 0, NONE, 0},
	{OFA_FMT_DWCONV, 7, 5, 8, 8, 2, 1, 1, NONE, 0},
	{OFA_FMT_DWCONV, 9, 9, 16, 16, 3, 2, 1, SWISH, 0},
	{OFA_FMT_DWCONV, 5, 8, 17, 17, 4, 1, 2, NONE, 0},
	{OFA_FMT_DWCONV, 8, 10, 24, 24, 5, 1, 2, SWISH, 0},
	{OFA_FMT_DWCONV, 8, 7, 35, 35, 5, 2, 2, RELU, 0},
	{OFA_FMT_DWCONV, 4, 4, 40, 40, 6, 1, 3, NONE, 0},
	{OFA_FMT_DWCONV, 9, 9, 33, 33, 7, 1, 3, SWISH, 0},
	{OFA_FMT_DWCONV, 2, 2, 48, 48, 7, 2, 3, NONE, 0},
	{OFA_FMT_DWCONV, 1, 1, 12, 12, 7, 1, 3, RELU, 0},
	{OFA_FMT_DWCONV, 3, 30, 72, 72, 3, 1, 1, RELU, 0},
	{OFA_FMT_DWCONV, 4, 113, 15, 15, 7, 2, 3, SWISH, 0},
	{OFA_FMT_DWCONV, 3, 57, 31, 31, 5, 1, 2, NONE, 0},
	/* the rest */
	{OFA_FMT_GLOBAL_POOL, 1, 1, 5, 5, 1, 1, 0, NONE, 0},
	{OFA_FMT_GLOBAL_POOL, 7, 7, 33, 33, 1, 1, 0, NONE, 0},
	{OFA_FMT_GLOBAL_POOL, 28, 28, 16, 16, 1, 1, 0, NONE, 0},
	{OFA_FMT_SE, 3, 5, 1, 1, 1, 1, 0, NONE, 0},
	{OFA_FMT_SE, 4, 4, 40, 40, 1, 1, 0, NONE, 0},
	{OFA_FMT_SE, 2, 3, 67, 67, 1, 1, 0, NONE, 0},
	{OFA_FMT_ADD, 1, 1, 1, 1, 1, 1, 0, NONE, 1},
	{OFA_FMT_ADD, 3, 7, 9, 9, 1, 1, 0, RELU, 1},
	{OFA_FMT_ADD, 2, 9, 64, 64, 1, 1, 0, NONE, 1},
	{OFA_FMT_MAX_POOL, 9, 9, 10, 10, 3, 2, 1, NONE, 0},
	{OFA_FMT_MAX_POOL, 4, 3, 33, 33, 7, 1, 6, NONE, 0},
	{OFA_FMT_MAX_POOL, 5, 5, 64, 64, 2, 2, 0, NONE, 0},
	{OFA_FMT_AVERAGE_POOL, 7, 5, 12, 12, 2, 2, 0, NONE, 0},
	{OFA_FMT_AVERAGE_POOL, 4, 4, 65, 65, 2, 2, 0, NONE, 0},
	{OFA_FMT_AVERAGE_POOL, 3, 3, 7, 7, 1, 1, 0, NONE, 0},
};

/* One layer: its numbers as a package has them, and the weights in (o, ky, kx, i) order. */
struct layer {
	struct shape s;
	uint32_t h_out;
	struct ofa_device_int8_args a;
	int8_t *w, *packed, *x, *added, *gate, *want;
	int32_t *b, *m, *shift;
	int8_t table[256];
};

/* Of 16 numbers about `ends` are the least or the largest. */
static int8_t *random_bytes(struct ofa_rng *rng, size_t n, int least, uint32_t ends)
{
	int8_t *p = malloc(n);

	for (size_t i = 0; i < n; i++)
		p[i] = (int8_t)(ofa_rng_below(rng, 16) < ends ? (ofa_rng_below(rng, 2) ? least : 127)
							    : least + (int)ofa_rng_below(rng, (uint32_t)(128 - least)));
	return p;
}

static int32_t random_multiplier(struct ofa_rng *rng)
{
	return ofa_rng_below(rng, 20) == 0 ? 0 : (int32_t)((1u << 30) + ofa_rng_below(rng, 1u << 30));
}

/* So that outputs are spread over int8, mostly; and extremes. */
static int32_t random_shift(struct ofa_rng *rng, int around)
{
	static const int32_t extremes[] = {-31, -30, -1, 0, 1, 30};

	if (ofa_rng_below(rng, 16) == 0)
		return extremes[ofa_rng_below(rng, OFA_ARRAY_LEN(extremes))];
	return around + (int32_t)ofa_rng_below(rng, 3);
}

static struct ofa_device_rescale random_rescale(struct ofa_rng *rng, int around)
{
	const int32_t m = random_multiplier(rng);

	return (struct ofa_device_rescale){m, around + (int32_t)ofa_rng_below(rng, 2)};
}

static int halvings(uint32_t n)
{
	int count = 0;

	for (; n > 1; n /= 2)
		count++;
	return count;
}

static int random_zero(struct ofa_rng *rng)
{
	return (int)ofa_rng_below(rng, 256) - 128;
}

static bool is_dense(const struct shape *s)
{
	return s->kind == OFA_FMT_CONV || s->kind == OFA_FMT_LINEAR;
}

/* Weights (o, ky, kx, i) as the format lays them out; depthwise ones are (ky, kx, c) already. */
static int8_t *pack(const struct shape *s, const int8_t *w, struct ofa_rng *rng)
{
	const size_t segment = (size_t)s->k * s->c_in, quads = (segment + 3) / 4, row = s->k * quads;
	const size_t n = (s->c_out + 7) / 8 * row * 32;
	int8_t *p = calloc(n, 1);

	for (size_t o = 0; o < (s->c_out + 7) / 8 * 8; o++) {
		for (size_t t = 0; t < s->k * segment; t++) {
			const size_t j = t / segment * quads + t % segment / 4, i = t % segment % 4;
			const int8_t v = o < s->c_out ? w[o * s->k * segment + t] : (int8_t)ofa_rng_below(rng, 256);

			p[(((o / 8) * row + j) * 8 + o % 8) * 4 + i] = v;
		}
	}
	return p;
}

static void make_tensors(struct layer *l, struct ofa_rng *rng, uint32_t ends)
{
	const struct shape *s = &l->s;
	const size_t taps = (size_t)s->k * s->k * (is_dense(s) ? s->c_in : 1), padded = (s->c_out + 15) / 16 * 16;
	int around = -6;

	for (size_t n = taps; n > 1; n /= 4)
		around--;
	l->w = random_bytes(rng, taps * s->c_out, -127, ends);
	l->packed = is_dense(s) ? pack(s, l->w, rng) : NULL;
	l->b = calloc(padded, sizeof(*l->b));
	l->m = calloc(padded, sizeof(*l->m));
	l->shift = calloc(padded, sizeof(*l->shift));
	for (uint32_t o = 0; o < s->c_out; o++) {
		l->b[o] = (int32_t)ofa_rng_below(rng, 1 << 16) - (1 << 15);
		if (ofa_rng_below(rng, 32) == 0)
			l->b[o] = ofa_rng_below(rng, 2) ? INT32_MAX : INT32_MIN; /* sums wrap around */
		l->m[o] = random_multiplier(rng);
		l->shift[o] = random_shift(rng, around);
	}
}

static void make_layer(struct layer *l, const struct shape *s, struct ofa_rng *rng, uint32_t ends)
{
	const size_t in = (size_t)s->h * s->w * s->c_in;

	memset(l, 0, sizeof(*l));
	l->s = *s;
	l->h_out = (s->h + 2 * s->pad - s->k) / s->stride + 1;
	l->a = (struct ofa_device_int8_args){
		.w_in = s->w,
		.c_in = s->c_in,
		.w_out = (s->w + 2 * s->pad - s->k) / s->stride + 1,
		.c_out = s->c_out,
		.k = s->k,
		.stride = s->stride,
		.pad = s->pad,
		.in_zero = random_zero(rng),
		.zero = random_zero(rng),
		.low = s->act == RELU ? -20 : -128,
		.high = s->act == RELU ? 90 : 127,
		.first = random_rescale(rng, s->adds ? -1 : -halvings(s->h * s->w)),
		.second = random_rescale(rng, -2),
		.result = random_rescale(rng, s->kind == OFA_FMT_SE ? -8 : -19),
		.added_zero = random_zero(rng),
		.out_zero = random_zero(rng),
	};
	if (s->kind == OFA_FMT_AVERAGE_POOL) {
		l->h_out = (s->h + s->k - 1) / s->k;
		l->a.w_out = (s->w + s->k - 1) / s->k;
	}
	if (s->kind == OFA_FMT_GLOBAL_POOL)
		l->h_out = l->a.w_out = 1;
	l->x = random_bytes(rng, in, -128, ends);
	l->gate = random_bytes(rng, s->c_in, -128, ends);
	l->added = random_bytes(rng, (size_t)l->h_out * l->a.w_out * s->c_out, -128, ends);
	l->want = malloc((size_t)l->h_out * l->a.w_out * s->c_out);
	if (is_dense(s) || s->kind == OFA_FMT_DWCONV)
		make_tensors(l, rng, ends);
	for (int i = 0; i < 256; i++)
		l->table[i] = (int8_t)random_zero(rng);
	l->a.w = is_dense(s) ? l->packed : l->w;
	l->a.b = l->b;
	l->a.m = l->m;
	l->a.s = l->shift;
	l->a.table = s->act == SWISH ? l->table : NULL;
}

static void free_layer(struct layer *l)
{
	free(l->w);
	free(l->packed);
	free(l->x);
	free(l->added);
	free(l->gate);
	free(l->want);
	free(l->b);
	free(l->m);
	free(l->shift);
}

/* The page's text, in 64 bits. */
static int64_t wrap(int64_t x)
{
	return (int64_t)(((uint64_t)x + (UINT64_C(1) << 31)) & UINT32_MAX) - (INT64_C(1) << 31);
}

static int64_t floor_shift(int64_t x, int n)
{
	const int64_t d = INT64_C(1) << n;

	return x >= 0 ? x / d : -((-x + d - 1) / d);
}

static int64_t rescale(int64_t x, struct ofa_device_rescale r)
{
	const int right = r.shift < 0 ? -r.shift : 0;
	const int64_t shifted = wrap((int64_t)((uint64_t)x << (r.shift > 0 ? r.shift : 0)));
	const int64_t h = floor_shift(shifted * r.multiplier + (1 << 30), 31), d = INT64_C(1) << right;
	const int64_t away = (2 * (h < 0 ? -h : h) + d) / (2 * d); /* ties away from zero */

	return h < 0 ? -away : away;
}

static int64_t hold(int64_t x, int64_t low, int64_t high)
{
	return x < low ? low : x > high ? high : x;
}

static int8_t naive_add(const struct layer *l, int64_t x, int64_t v)
{
	const struct ofa_device_int8_args *a = &l->a;
	const int64_t sum = wrap(rescale((x - a->zero) * (1 << 20), a->first) +
				 rescale((v - a->added_zero) * (1 << 20), a->second));

	return (int8_t)hold(wrap(rescale(sum, a->result) + a->out_zero), a->low, a->high);
}

static int8_t naive_finish(const struct layer *l, int64_t sum, uint32_t o, int64_t added)
{
	const struct ofa_device_rescale r = {l->m[o], l->shift[o]};
	const int64_t q = wrap(rescale(wrap(sum), r) + l->a.zero);

	if (l->s.adds)
		return naive_add(l, hold(q, -128, 127), added);
	return l->s.act == SWISH ? l->table[hold(q, l->a.low, l->a.high) + 128] : (int8_t)hold(q, l->a.low, l->a.high);
}

/* Input at a place that may be in the padding. */
static int64_t input_at(const struct layer *l, int64_t y, int64_t x, uint32_t c, bool *ret_inside)
{
	*ret_inside = y >= 0 && y < l->s.h && x >= 0 && x < l->s.w;
	return *ret_inside ? l->x[((size_t)y * l->s.w + (size_t)x) * l->s.c_in + c] : l->a.in_zero;
}

static int8_t naive_window(const struct layer *l, uint32_t y, uint32_t x, uint32_t o)
{
	const struct shape *s = &l->s;
	const bool dense = is_dense(s);
	const size_t at = ((size_t)y * l->a.w_out + x) * s->c_out + o;
	int64_t sum = 0, largest = -128, count = 0;
	bool inside;

	for (uint32_t ky = 0; ky < s->k; ky++) {
		for (uint32_t kx = 0; kx < s->k; kx++) {
			for (uint32_t c = dense ? 0 : o; c < (dense ? s->c_in : o + 1); c++) {
				const int64_t v = input_at(l, (int64_t)y * s->stride + ky - s->pad,
							   (int64_t)x * s->stride + kx - s->pad, c, &inside);
				const size_t tap = (size_t)ky * s->k + kx;

				if (dense)
					sum += v * l->w[(o * (size_t)s->k * s->k + tap) * s->c_in + c];
				else if (s->kind == OFA_FMT_DWCONV)
					sum += v * l->w[tap * s->c_out + o];
				else if (inside)
					sum += v;
				count += inside;
				largest = inside && v > largest ? v : largest;
			}
		}
	}
	if (s->kind == OFA_FMT_MAX_POOL)
		return (int8_t)largest;
	if (s->kind == OFA_FMT_AVERAGE_POOL)
		return (int8_t)((sum < 0 ? -1 : 1) * ((2 * (sum < 0 ? -sum : sum) + count) / (2 * count)));
	return naive_finish(l, l->b[o] + sum, o, l->added[at]);
}

static void naive(struct layer *l)
{
	const struct shape *s = &l->s;
	const size_t pixels = (size_t)s->h * s->w;

	for (size_t i = 0; i < (size_t)l->h_out * l->a.w_out * s->c_out; i++) {
		const uint32_t o = (uint32_t)(i % s->c_out), pixel = (uint32_t)(i / s->c_out);
		int64_t sum = 0;

		switch (s->kind) {
		case OFA_FMT_GLOBAL_POOL:
			for (size_t p = 0; p < pixels; p++)
				sum += l->x[p * s->c_in + o] - l->a.in_zero;
			l->want[i] = (int8_t)hold(wrap(rescale(sum, l->a.first) + l->a.out_zero), l->a.low, l->a.high);
			break;
		case OFA_FMT_SE:
			sum = (l->x[i] - l->a.in_zero) * (l->gate[o] + 128);
			l->want[i] = (int8_t)hold(wrap(rescale(sum, l->a.result) + l->a.out_zero), -128, 127);
			break;
		case OFA_FMT_ADD:
			l->want[i] = naive_add(l, l->x[i], l->added[i]);
			break;
		default:
			l->want[i] = naive_window(l, pixel / l->a.w_out, pixel % l->a.w_out, o);
		}
	}
}

/* Memory that ends with its last byte, and begins at any address. */
static int8_t *copy_of(const int8_t *p, size_t n)
{
	return memcpy(malloc(n), p, n);
}

static void run_row(const struct ofa_device_int8_kernels *k, const struct layer *l, uint32_t y, int8_t *out)
{
	const struct shape *s = &l->s;
	const size_t row = (size_t)s->w * s->c_in, n = (size_t)l->a.w_out * s->c_out;
	int8_t *copies[OFA_FMT_MAX_KERNEL], *added = copy_of(l->added + y * n, n);
	const int8_t *rows[OFA_FMT_MAX_KERNEL];

	for (uint32_t i = 0; i < s->k; i++) {
		const int64_t at = (int64_t)y * s->stride + i - s->pad;

		rows[i] = copies[i] = at >= 0 && at < s->h ? copy_of(l->x + (size_t)at * row, row) : NULL;
	}
	if (s->kind == OFA_FMT_CONV)
		k->conv_row(&l->a, rows, s->adds ? added : NULL, out);
	else if (s->kind == OFA_FMT_DWCONV)
		k->depthwise_row(&l->a, rows, out);
	else if (s->kind == OFA_FMT_MAX_POOL)
		k->max_pool_row(&l->a, rows, out);
	else if (s->kind == OFA_FMT_AVERAGE_POOL)
		k->average_pool_row(&l->a, rows, out);
	else
		k->add(&l->a, (uint32_t)n, rows[0], added, out);
	for (uint32_t i = 0; i < s->k; i++)
		free(copies[i]);
	free(added);
}

static void check_bytes(const struct ofa_device_int8_kernels *k, const int8_t *got, const int8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(got[i] == want[i], "%s: number %zu is %d, not %d", k->name, i, got[i], want[i]);
}

static void check_rows(const struct ofa_device_int8_kernels *k, const struct layer *l)
{
	const size_t n = (size_t)l->a.w_out * l->s.c_out;
	int8_t *out = malloc(n);

	for (uint32_t y = 0; y < l->h_out; y++) {
		run_row(k, l, y, out);
		check_bytes(k, out, l->want + y * n, n);
	}
	free(out);
}

/* All at once, and with the sum in the place of what is added. */
static void check_whole(const struct ofa_device_int8_kernels *k, const struct layer *l)
{
	const struct shape *s = &l->s;
	const uint32_t pixels = s->h * s->w;
	const size_t n = (size_t)l->h_out * l->a.w_out * s->c_out;
	int8_t *x = copy_of(l->x, (size_t)pixels * s->c_in), *added = copy_of(l->added, n), *out = malloc(n);

	if (s->kind == OFA_FMT_GLOBAL_POOL) {
		k->mean(&l->a, pixels, x, out);
	} else if (s->kind == OFA_FMT_SE) {
		k->scale(&l->a, pixels, l->gate, x);
		memcpy(out, x, n);
	} else if (s->kind == OFA_FMT_ADD) {
		k->add(&l->a, (uint32_t)n, x, added, added);
		memcpy(out, added, n);
	} else {
		k->pointwise(&l->a, pixels, x, s->adds ? added : NULL, out);
		check_bytes(k, out, l->want, n);
		if (s->adds) {
			k->pointwise(&l->a, pixels, x, added, added);
			memcpy(out, added, n);
		}
	}
	check_bytes(k, out, l->want, n);
	free(x);
	free(added);
	free(out);
}

START_TEST(kernels_match_the_oracle)
{
	const struct shape *s = &shapes[_i];
	const bool pointwise = is_dense(s) && s->k == 1 && s->stride == 1;
	struct ofa_rng rng;

	ofa_rng_init(&rng, (uint64_t)_i + 1);
	for (int round = 0; round < 4; round++) {
		struct layer l;

		make_layer(&l, s, &rng, round < 3 ? 1 : 15);
		naive(&l);
		for (size_t t = 0; t < OFA_ARRAY_LEN(tables); t++) {
			if (tables[t].cpu & ~ofa_device_cpu())
				continue;
			if (pointwise || s->kind == OFA_FMT_GLOBAL_POOL || s->kind == OFA_FMT_SE ||
			    s->kind == OFA_FMT_ADD)
				check_whole(tables[t].kernels, &l);
			if (s->kind != OFA_FMT_LINEAR && s->kind != OFA_FMT_GLOBAL_POOL && s->kind != OFA_FMT_SE)
				check_rows(tables[t].kernels, &l);
		}
		free_layer(&l);
	}
}
END_TEST

/* Numbers at the borders of the rule, and many others. */
START_TEST(rescale_is_the_format_s)
{
	static const int32_t xs[] = {0, 1, -1, 2, -2, 3, -3, INT32_MAX, INT32_MIN, 1 << 30, -(1 << 30), 12345, -54321};
	static const int32_t ms[] = {0, 1 << 30, (1 << 30) + 1, INT32_MAX, 1518500250};
	struct ofa_rng rng;

	for (size_t i = 0; i < OFA_ARRAY_LEN(xs); i++)
		for (size_t j = 0; j < OFA_ARRAY_LEN(ms); j++)
			for (int s = OFA_FMT_MIN_SHIFT; s <= OFA_FMT_MAX_SHIFT; s++)
				ck_assert_int_eq(ofa_device_rescale(xs[i], ms[j], s),
						 rescale(xs[i], (struct ofa_device_rescale){ms[j], s}));
	ofa_rng_init(&rng, 7);
	for (int i = 0; i < 1000000; i++) {
		const int32_t x = (int32_t)ofa_rng_u64(&rng) >> ofa_rng_below(&rng, 32), m = random_multiplier(&rng);
		const int32_t s = (int32_t)ofa_rng_below(&rng, 62) - 31;

		ck_assert_int_eq(ofa_device_rescale(x, m, s), rescale(x, (struct ofa_device_rescale){m, s}));
	}
}
END_TEST

/* The same by the kernels' own ways: a mean over one pixel of zeros, whose zero point is less the sum.  What comes out
 * is brought to 0 and 1, since a clamp would hide it. */
START_TEST(kernels_rescale_as_the_format)
{
	static const int8_t zeros[40];
	int8_t got[40];
	struct ofa_rng rng;

	ofa_rng_init(&rng, 8);
	for (int i = 0; i < 20000; i++) {
		const int32_t zero = (int32_t)ofa_rng_u64(&rng) >> ofa_rng_below(&rng, 32);
		const struct ofa_device_rescale r = {random_multiplier(&rng), (int32_t)ofa_rng_below(&rng, 62) - 31};
		const int64_t want = rescale(wrap(-(int64_t)zero), r);
		struct ofa_device_int8_args a = {.c_in = 40, .in_zero = zero, .low = -128, .high = 127, .first = r};

		for (size_t t = 0; t < OFA_ARRAY_LEN(tables); t++) {
			if (tables[t].cpu & ~ofa_device_cpu())
				continue;
			for (int8_t shown = 0; shown < 2; shown++) {
				a.out_zero = (int32_t)wrap(shown - want);
				tables[t].kernels->mean(&a, 1, zeros, got);
				for (int c = 1; c < 40; c++)
					got[0] |= got[c] ^ shown;
				ck_assert_msg(got[0] == shown, "%s: %d by %d, %d is not %d", tables[t].kernels->name,
					      (int)wrap(-(int64_t)zero), r.multiplier, r.shift, (int)want);
			}
		}
	}
}
END_TEST

START_TEST(the_best_is_chosen)
{
	size_t best = 0;

	for (size_t t = 0; t < OFA_ARRAY_LEN(tables); t++) {
		if (tables[t].cpu & ~ofa_device_cpu())
			printf("SKIP: this processor cannot run the kernels %s\n", tables[t].kernels->name);
		else if (tables[t].cpu > tables[best].cpu)
			best = t;
	}
	ck_assert_ptr_eq(ofa_device_choose_int8(), tables[best].kernels);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("int8 kernels");
	TCase *tcase = tcase_create("int8 kernels");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, kernels_match_the_oracle, 0, (int)OFA_ARRAY_LEN(shapes));
	tcase_add_test(tcase, rescale_is_the_format_s);
	tcase_add_test(tcase, kernels_rescale_as_the_format);
	tcase_add_test(tcase, the_best_is_chosen);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
