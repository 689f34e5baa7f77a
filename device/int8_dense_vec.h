/* Dense layers of the int8 kernels.  They are made of tiles: some neighbouring pixels of one output row by some
 * neighbouring vectors of outputs, held in registers while the weights stream by.  Part of the template int8_vec.h. */
#ifndef OFA_DEVICE_INT8_DENSE_VEC_H
#define OFA_DEVICE_INT8_DENSE_VEC_H

#define QUAD_BYTES (OFA_FMT_PANEL * OFA_FMT_QUAD) /* of a panel */
#define MOST_SUMS 28

/* A run of quads of inputs of a tile's pixels. */
struct part {
	const int8_t *x;    /* of the first pixel */
	size_t pixel, quad; /* bytes to the next pixel and to the next quad */
	uint32_t n;
};

/* All inputs of a tile: those of a row of the window lie side by side in memory, but for the padding, which is one quad
 * over and over, and for quads that are only partly there, which are put together. */
struct inputs {
	struct part part[OFA_FMT_MAX_KERNEL * 5];
	uint32_t n, n_words;
	int8_t words[OFA_FMT_MAX_KERNEL * 2][MOST_PIXELS][OFA_FMT_QUAD];
	int8_t fill[OFA_FMT_QUAD];
};

static void add_part(struct inputs *in, const int8_t *x, size_t pixel, size_t quad, uint32_t n)
{
	const struct part part = {x, pixel, quad, n};

	in->part[in->n++] = part;
}

/* A row of the window: number i of it is x[i] where first <= i < end, else the padding. */
static void add_row(struct inputs *in, const int8_t *x, size_t pixel, uint32_t pixels, uint32_t first, uint32_t end,
		    uint32_t quads)
{
	uint32_t at, n, p, i;

	for (at = 0; at < quads * OFA_FMT_QUAD; at += n * OFA_FMT_QUAD) {
		if (at >= first && at + OFA_FMT_QUAD <= end) {
			n = (end - at) / OFA_FMT_QUAD;
			add_part(in, x + at, pixel, OFA_FMT_QUAD, n);
		} else if (at >= end || at + OFA_FMT_QUAD <= first) {
			n = at >= end ? quads - at / OFA_FMT_QUAD : (first - at) / OFA_FMT_QUAD;
			add_part(in, in->fill, 0, 0, n);
		} else {
			n = 1;
			for (p = 0; p < pixels; p++) {
				for (i = at; i < at + OFA_FMT_QUAD; i++)
					in->words[in->n_words][p][i - at] =
						i >= first && i < end ? x[p * pixel + i] : in->fill[0];
			}
			add_part(in, in->words[in->n_words++][0], OFA_FMT_QUAD, OFA_FMT_QUAD, 1);
		}
	}
}

static void start_inputs(struct inputs *in, int32_t fill)
{
	in->n = in->n_words = 0;
	memset(in->fill, fill, sizeof(in->fill));
}

/* RAISED times the sum of each pixel's inputs. */
static void take(const struct inputs *in, uint32_t pixels, int32_t *taken)
{
	uint32_t p, i;

	for (p = 0; p < pixels; p++) {
		uint32_t sum = 0;

		for (i = 0; RAISED != 0 && i < in->n; i++) {
			const struct part *part = &in->part[i];

			if (part->quad == 0)
				sum += (uint32_t)in->fill[0] * OFA_FMT_QUAD * part->n;
			else
				sum += (uint32_t)sum_bytes(part->x + p * part->pixel, (size_t)part->n * OFA_FMT_QUAD);
		}
		taken[p] = (int32_t)(sum * RAISED);
	}
}

/* The weights of a tile's outputs. */
struct streams {
	const int8_t *w;  /* of the first */
	size_t vec, next; /* from one vector of outputs to the next, from its first panel to its second */
	size_t last_next; /* the same of the last vector */
};

OFA_INLINE void tile(const uint32_t pixels, const uint32_t vecs, const struct inputs *in, const struct streams *s,
		     int32_t *to)
{
	struct sums sum[MOST_SUMS];
	struct quads w[MOST_VECS];
	const int8_t *from = s->w;
	uint32_t i, t, p, v;

	OFA_UNROLL
	for (p = 0; p < pixels * vecs; p++)
		memset(&sum[p], 0, sizeof(sum[p]));
	for (i = 0; i < in->n; i++) {
		const struct part part = in->part[i];
		const int8_t *x = part.x;

		for (t = 0; t < part.n; t++, x += part.quad, from += QUAD_BYTES) {
			OFA_UNROLL
			for (v = 0; v < vecs; v++)
				w[v] = load_quads(from + v * s->vec, v + 1 < vecs ? s->next : s->last_next);
			OFA_UNROLL
			for (p = 0; p < pixels; p++) {
				OFA_UNROLL
				for (v = 0; v < vecs; v++)
					dot(&sum[p * vecs + v], &w[v], x + p * part.pixel);
			}
		}
	}
	OFA_UNROLL
	for (p = 0; p < pixels * vecs; p++) {
		const vec all = total(&sum[p]);

		memcpy(to + p * LANES, &all, sizeof(all));
	}
}

/* Of as many vectors as there are tiles of, at most `vecs`; returns how many. */
OFA_INLINE uint32_t widest_tile(const uint32_t pixels, uint32_t vecs, const struct inputs *in, const struct streams *s,
				int32_t *to)
{
	if (VECS(pixels) >= 4 && vecs >= 4) {
		tile(pixels, VECS(pixels) < 4 ? 1 : 4, in, s, to);
		return 4;
	}
	if (VECS(pixels) >= 2 && vecs >= 2) {
		tile(pixels, VECS(pixels) < 2 ? 1 : 2, in, s, to);
		return 2;
	}
	tile(pixels, 1, in, s, to);
	return 1;
}

static uint32_t any_tile(uint32_t pixels, uint32_t vecs, const struct inputs *in, const struct streams *s, int32_t *to)
{
	switch (pixels) {
#define CASE(n)                                                                                                        \
	case n:                                                                                                        \
		return widest_tile(n, vecs, in, s, to);
#if MOST_PIXELS == 14
		CASE(14)
		CASE(13)
		CASE(12)
		CASE(11)
		CASE(10)
		CASE(9)
		CASE(8)
		CASE(7)
#endif
#if MOST_PIXELS >= 6
		CASE(6)
		CASE(5)
#endif
		CASE(4)
		CASE(3)
		CASE(2)
#undef CASE
	default:
		return widest_tile(1, vecs, in, s, to);
	}
}

/* All outputs of a tile's pixels. */
static void dense(const struct ofa_device_int8_args *a, const struct inputs *in, uint32_t pixels, uint32_t quads,
		  const int8_t *added, int8_t *y)
{
	const size_t panel = (size_t)quads * QUAD_BYTES;
	int32_t sums[MOST_SUMS * LANES], taken[MOST_PIXELS];
	struct streams s = {a->w, panel * (LANES / OFA_FMT_PANEL), LANES > OFA_FMT_PANEL ? panel : 0, 0};
	uint32_t o, n, v;

	take(in, pixels, taken);
	for (o = 0; o < a->c_out; o += n * LANES, s.w += n * s.vec) {
		n = (a->c_out - o + LANES - 1) / LANES;
		/* how many there will be: */
		n = n >= 4 && VECS(pixels) >= 4 ? 4 : n >= 2 && VECS(pixels) >= 2 ? 2 : 1;
		s.last_next = o + (n - 1) * LANES + OFA_FMT_PANEL < a->c_out ? s.next : 0;
		n = any_tile(pixels, n, in, &s, sums);
		for (v = 0; v < n; v++) {
			const struct lane l = {sums + v * LANES, (size_t)n * LANES,
					       RAISED != 0 ? taken : NULL, load_words(a->b + o + v * LANES),
					       o + v * LANES, pixels};

			finish(a, &l, added, y);
		}
	}
	if (added == NULL && a->table != NULL)
		look_up(a->table, y, (size_t)pixels * a->c_out);
}

static uint32_t quads_of(uint32_t n)
{
	return (n + OFA_FMT_QUAD - 1) / OFA_FMT_QUAD;
}

/* So many of n pixels that all tiles are about equally large. */
static uint32_t tile_pixels(uint32_t n)
{
	const uint32_t tiles = (n + MOST_PIXELS - 1) / MOST_PIXELS;

	return (n + tiles - 1) / tiles;
}

static void pointwise(const struct ofa_device_int8_args *a, uint32_t pixels, const int8_t *x, const int8_t *added,
		      int8_t *y)
{
	const uint32_t quads = quads_of(a->c_in);
	struct inputs in;
	uint32_t n;

	for (; pixels > 0; pixels -= n) {
		n = tile_pixels(pixels);
		start_inputs(&in, 0);
		add_row(&in, x, a->c_in, n, 0, a->c_in, quads);
		dense(a, &in, n, quads, added, y);
		x += (size_t)n * a->c_in;
		y += (size_t)n * a->c_out;
		if (added != NULL)
			added += (size_t)n * a->c_out;
	}
}

/* The pixels [p, p + n), n = 1 or all of their windows inside the row. */
static void window_tile(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t p, uint32_t n,
			const int8_t *added, int8_t *y)
{
	const int32_t from = (int32_t)(p * a->stride) - (int32_t)a->pad, left = (int32_t)a->w_in - from;
	const uint32_t quads = quads_of(a->k * a->c_in);
	const uint32_t first = from < 0 ? (uint32_t)-from * a->c_in : 0;
	const uint32_t end = left <= 0 ? 0 : (left < (int32_t)a->k ? (uint32_t)left : a->k) * a->c_in;
	struct inputs in;
	uint32_t ky;

	start_inputs(&in, a->in_zero);
	for (ky = 0; ky < a->k; ky++) {
		/* (uintptr_t): the window may begin before the row */
		const intptr_t at = (intptr_t)from * (intptr_t)a->c_in;
		const int8_t *x = (const int8_t *)((uintptr_t)rows[ky] + (uintptr_t)at);

		if (rows[ky] == NULL || first >= end)
			add_row(&in, NULL, 0, n, 0, 0, quads);
		else
			add_row(&in, x, (size_t)a->stride * a->c_in, n, first, end, quads);
	}
	dense(a, &in, n, a->k * quads, added != NULL ? added + (size_t)p * a->c_out : NULL, y + (size_t)p * a->c_out);
}

static void conv_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, const int8_t *added, int8_t *y)
{
	const uint32_t first = (a->pad + a->stride - 1) / a->stride;
	const uint32_t whole = a->w_in + a->pad < a->k ? 0 : (a->w_in + a->pad - a->k) / a->stride + 1;
	const uint32_t end = whole < a->w_out ? whole : a->w_out;
	uint32_t p, n;

	for (p = 0; p < a->w_out; p += n) {
		n = p >= first && p < end ? tile_pixels(end - p) : 1;
		window_tile(a, rows, p, n, added, y);
	}
}

#endif
