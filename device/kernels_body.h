/* The kernels, written once for every instruction set and both types of weights: kernels.c, kernels_avx2.c and
 * kernels_avx512.c include this after choosing them.  Everything is built from one tile: some neighbouring pixels of
 * one output row by some neighbouring vectors of output channels, held in registers while the weights stream by.
 * OFA_KERNEL_TABLE names the table that is defined here. */
#if !defined(OFA_DEVICE_KERNELS_BODY_H) && !defined(OFA_DEVICE_INT8_ONLY)
#define OFA_DEVICE_KERNELS_BODY_H

#include "kernels.h"
#include "weights.h"

#if OFA_EXPAND_CHANNELS % OFA_FMT_PANEL != 0 || OFA_EXPAND_CHANNELS + OFA_STEP - 1 > OFA_DEVICE_EXPAND_MOST
#error "a pair of operations takes whole panels, and no more of them than ofa_device_fuses() counts on"
#endif

/* A rectangle of output pixels whose windows are all clipped alike; a row of them if the kernel is dense. */
struct strip {
	const float *x;        /* first input of the first pixel's window */
	size_t x_pixel;        /* floats from one pixel's window to the next, */
	size_t x_line, y_line; /* from one pixel row to the next, in input and output, */
	size_t x_row;          /* from one window row to the next, */
	size_t x_tap;          /* and from one tap of a row to the next */
	const ofa_weight *w;   /* first panel, at the window's first tap */
	size_t w_row, w_panel; /* weights from one window row, one panel to the next */
	uint32_t rows, taps;   /* of the window that lie inside the image; taps count input channels if dense */
	const float *b;
	const float *residual; /* at the first pixel, or NULL */
	float *y;              /* at the first pixel */
	size_t y_pixel;        /* floats from one output pixel to the next */
	uint32_t c_out, act;
	uint32_t c_begin, c_end; /* of a dense strip: the outputs that are computed, from a multiple of a tile on */
};

/* The weights that one tap has for LANES neighbouring outputs, vector v of a tile. */
OFA_INLINE ofa_vec weights(const ofa_weight *w, size_t w_panel, const uint32_t v)
{
#if OFA_LANES > OFA_FMT_PANEL
	return join(w + 2 * v * w_panel, w + (2 * v + 1) * w_panel);
#else
	return widen(w + v / OFA_PANEL_VECS * w_panel + v % OFA_PANEL_VECS * OFA_LANES);
#endif
}

/* The same as finish() where only n channels of a pixel exist. */
OFA_NOINLINE static void finish_part(const float *sum, uint32_t n, const float *residual, uint32_t act, float *y)
{
	float from[OFA_STEP] = {0}, to[OFA_STEP];
	ofa_vec out[OFA_PANEL_VECS];
	uint32_t done, m, v;

	for (done = 0; done < n; done += m) {
		m = n - done < OFA_STEP ? n - done : OFA_STEP;
		if (residual != NULL)
			memcpy(from, residual + done, m * sizeof(float));
		for (v = 0; v < OFA_PANEL_VECS; v++)
			out[v] = load(sum + done + v * OFA_LANES) + load(from + v * OFA_LANES);
		activate(out, OFA_PANEL_VECS, act);
		for (v = 0; v < OFA_PANEL_VECS; v++)
			store(to + v * OFA_LANES, out[v]);
		memcpy(y + done, to, m * sizeof(float));
	}
}

/* Output pixels and vectors of channels that are worked on at once.  Constant at each call, so that the sums stay in
 * registers. */
struct tile_shape {
	uint32_t rows, cols, vecs;
};

/* Adds, activates and stores a tile.  A depthwise one has all its channels, and nothing is added to it. */
OFA_INLINE void finish(const int depthwise, ofa_vec *sum, const struct tile_shape n, const struct strip *s,
		       uint32_t line, uint32_t pixel, uint32_t channel)
{
	const size_t at = line * s->y_line + pixel * s->y_pixel + channel;
	const float *residual = !depthwise && s->residual != NULL ? s->residual + at : NULL;
	const uint32_t all = n.rows * n.cols * n.vecs, left = s->c_out - channel;
	float *y = s->y + at;
	uint32_t i;

#define AT(i) ((i) / n.vecs / n.cols * s->y_line + (i) / n.vecs % n.cols * s->y_pixel + (i) % n.vecs * OFA_LANES)
	if (!depthwise && left < n.vecs * OFA_LANES) {
		float out[OFA_MOST_SUMS * OFA_LANES];

		OFA_UNROLL
		for (i = 0; i < all; i++)
			store(out + i * OFA_LANES, sum[i]);
		for (i = 0; i < all; i += n.vecs)
			finish_part(out + i * OFA_LANES, left, residual != NULL ? residual + AT(i) : NULL, s->act,
				    y + AT(i));
		return;
	}
	if (residual != NULL) {
		OFA_UNROLL
		for (i = 0; i < all; i++)
			sum[i] += load(residual + AT(i));
	}
	activate(sum, all, s->act);
	OFA_UNROLL
	for (i = 0; i < all; i++)
		store(y + AT(i), sum[i]);
#undef AT
}

/* The sums of one tile.  Dense: each input of the window goes to every output; depthwise: each channel
 * to its own. */
OFA_INLINE void tile(const int depthwise, const struct tile_shape n, const struct strip *s, uint32_t line,
		     uint32_t pixel, uint32_t channel)
{
	ofa_vec sum[OFA_MOST_SUMS], wv[OFA_ROW_VECS];
	const float *x = s->x + line * s->x_line + pixel * s->x_pixel + (depthwise ? channel : 0);
	const ofa_weight *w = s->w + channel / OFA_FMT_PANEL * s->w_panel;
	uint32_t row, t, p, v;

	OFA_UNROLL
	for (p = 0; p < n.rows * n.cols * n.vecs; p++)
		sum[p] = load(s->b + channel + p % n.vecs * OFA_LANES);
	for (row = 0; row < s->rows; row++, x += s->x_row, w += s->w_row) {
		for (t = 0; t < s->taps; t++) {
			const ofa_weight *wt = w + (size_t)t * OFA_FMT_PANEL;
			const float *xt = x + t * s->x_tap;

			OFA_UNROLL
			for (v = 0; v < n.vecs; v++)
				wv[v] = weights(wt, s->w_panel, v);
			OFA_UNROLL
			for (p = 0; p < n.rows * n.cols; p++) {
				const float *xp = xt + p / n.cols * s->x_line + p % n.cols * s->x_pixel;

				OFA_UNROLL
				for (v = 0; v < n.vecs; v++)
					sum[p * n.vecs + v] +=
						(depthwise ? load(xp + v * OFA_LANES) : splat(*xp)) * wv[v];
			}
		}
	}
	finish(depthwise, sum, n, s, line, pixel, channel);
}

/* n.rows lines of `cols` pixels, cols >= n.cols: the last tile overlaps the one before when that is no multiple. */
OFA_INLINE void tiles(const int depthwise, const struct tile_shape n, const struct strip *s, uint32_t line,
		      uint32_t cols, uint32_t channel)
{
	uint32_t pixel;

	for (pixel = 0; pixel + n.cols <= cols; pixel += n.cols)
		tile(depthwise, n, s, line, pixel, channel);
	if (n.cols > 1 && pixel < cols)
		tile(depthwise, n, s, line, cols - n.cols, channel);
}

/* All channels of whole panels; an odd last panel of vectors that take two is computed with the one before. */
OFA_INLINE void channels(const int depthwise, const uint32_t n_rows, const uint32_t n_cols, const uint32_t vecs,
			 const struct strip *s, uint32_t line, uint32_t cols)
{
	const struct tile_shape wide = {n_rows, n_cols, vecs}, narrow = {n_rows, n_cols, OFA_PANEL_VECS};
	const uint32_t last = depthwise ? s->c_out : s->c_end + OFA_FMT_PANEL - 1;
	const uint32_t end = last / OFA_FMT_PANEL * OFA_FMT_PANEL;
	uint32_t c = depthwise ? 0 : s->c_begin;

	for (; c + vecs * OFA_LANES <= end; c += vecs * OFA_LANES)
		tiles(depthwise, wide, s, line, cols, c);
	for (; vecs > OFA_PANEL_VECS && c + OFA_STEP <= end; c += OFA_STEP)
		tiles(depthwise, narrow, s, line, cols, c);
	if (OFA_LANES > OFA_FMT_PANEL && c < end)
		tiles(depthwise, narrow, s, line, cols, end - OFA_STEP);
}

/* All lines of a strip that has at least n_rows; the last may overlap, too. */
OFA_INLINE void lines(const uint32_t n_rows, const uint32_t n_cols, const uint32_t vecs, const struct strip *s,
		      uint32_t rows, uint32_t cols)
{
	uint32_t line;

	for (line = 0; line + n_rows <= rows; line += n_rows)
		channels(1, n_rows, n_cols, vecs, s, line, cols);
	if (n_rows > 1 && line < rows)
		channels(1, n_rows, n_cols, vecs, s, rows - n_rows, cols);
}

/* Depthwise channels past the last whole panel, one by one: a vector load would leave the pixel. */
static void depthwise_rest(const struct strip *s, uint32_t rows, uint32_t cols)
{
	uint32_t i, c, row, t;

	for (i = 0; i < rows * cols; i++) {
		const size_t line = i / cols, pixel = i % cols;

		for (c = s->c_out / OFA_FMT_PANEL * OFA_FMT_PANEL; c < s->c_out; c++) {
			const float *x = s->x + line * s->x_line + pixel * s->x_pixel + c;
			const ofa_weight *w = s->w + c / OFA_FMT_PANEL * s->w_panel + c % OFA_FMT_PANEL;
			float sum[OFA_STEP] = {0};

			sum[0] = s->b[c];
			for (row = 0; row < s->rows; row++) {
				for (t = 0; t < s->taps; t++)
					sum[0] += x[row * s->x_row + t * s->x_tap] *
						  widen_one(w[row * s->w_row + t * OFA_FMT_PANEL]);
			}
			finish_part(sum, 1, NULL, s->act, s->y + line * s->y_line + pixel * s->y_pixel + c);
		}
	}
}

static void dense_strip(const struct strip *s, uint32_t n)
{
	if (n >= OFA_TILE_PIXELS)
		channels(0, 1, OFA_TILE_PIXELS, OFA_TILE_VECS, s, 0, n);
	else if (OFA_LANES > 1 && n >= OFA_SHORT_PIXELS)
		channels(0, 1, OFA_SHORT_PIXELS, OFA_SHORT_VECS, s, 0, n);
	else
		channels(0, 1, 1, OFA_ROW_VECS, s, 0, n);
}

/* Rows together read most of their inputs together, too: a square tile needs the outer caches less than a row. */
static void depthwise_strip(const struct strip *s, uint32_t rows, uint32_t cols)
{
	if (OFA_WINDOW_ROWS > 1 && rows >= OFA_WINDOW_ROWS && cols >= OFA_WINDOW_COLS)
		lines(OFA_WINDOW_ROWS, OFA_WINDOW_COLS, OFA_WINDOW_VECS, s, rows, cols);
	else if (cols >= OFA_WINDOW_COLS)
		lines(1, OFA_WINDOW_COLS, OFA_WINDOW_VECS, s, rows, cols);
	else if (OFA_WINDOW_ROWS > 1 && rows >= OFA_WINDOW_COLS)
		lines(OFA_WINDOW_COLS, 1, OFA_WINDOW_VECS, s, rows, cols);
	else
		lines(1, 1, OFA_ROW_VECS, s, rows, cols);
	if (s->c_out % OFA_FMT_PANEL != 0)
		depthwise_rest(s, rows, cols);
}

/* The taps [*first, *end) of a window of k at output position o that lie inside 0..in-1. */
static void clip(uint32_t o, const struct ofa_device_op *op, uint32_t in, uint32_t *first, uint32_t *end)
{
	const uint32_t start = o * op->stride; /* in padded coordinates */

	*first = start < op->pad ? op->pad - start : 0;
	*end = in + op->pad - start < op->k ? in + op->pad - start : op->k;
}

/* Part of an output side whose windows have the same taps [tap, tap_end). */
struct span {
	uint32_t at, n, tap, tap_end;
};

static struct span span_at(uint32_t o, const struct ofa_device_op *op, uint32_t in, uint32_t out)
{
	const uint32_t first = (op->pad + op->stride - 1) / op->stride;
	const uint32_t end = in + op->pad < op->k ? 0 : (in + op->pad - op->k) / op->stride + 1;
	struct span s = {o, 1, 0, op->k};

	if (o == first && first < end)
		s.n = (end < out ? end : out) - first;
	else
		clip(o, op, in, &s.tap, &s.tap_end);
	return s;
}

/* Depthwise: x holds the channels [c_begin, c_end) alone. */
static void window_strip(const int depthwise, const struct ofa_device_op *op, const struct ofa_device_args *a,
			 const struct span *v, const struct span *h, uint32_t c_begin, uint32_t c_end)
{
	const size_t y = ((size_t)v->at * op->w_out + h->at) * op->c_out;
	const uint32_t per_pixel = depthwise ? 1 : op->c_in; /* taps per pixel of the window */
	const uint32_t c_x = depthwise ? c_end - c_begin : op->c_in, first = depthwise ? c_begin : 0;
	struct strip s;

	s.x = a->x +
	      ((size_t)(v->at * op->stride + v->tap - op->pad) * op->w_in + (h->at * op->stride + h->tap - op->pad)) *
		      c_x;
	s.x_pixel = (size_t)op->stride * c_x;
	s.x_row = (size_t)op->w_in * c_x;
	s.x_line = s.x_row * op->stride;
	s.y_line = (size_t)op->w_out * op->c_out;
	s.x_tap = depthwise ? c_x : 1;
	s.w_row = (size_t)op->k * per_pixel * OFA_FMT_PANEL;
	s.w_panel = s.w_row * op->k;
	s.w = (const ofa_weight *)a->w + first / OFA_FMT_PANEL * s.w_panel +
	      (size_t)(v->tap * op->k + h->tap) * per_pixel * OFA_FMT_PANEL;
	s.rows = v->tap_end - v->tap;
	s.taps = (h->tap_end - h->tap) * per_pixel;
	s.b = a->b + first;
	s.residual = a->residual != NULL ? a->residual + y : NULL;
	s.y = a->y + y + first;
	s.y_pixel = op->c_out;
	s.c_out = depthwise ? c_x : op->c_out;
	s.act = op->act;
	s.c_begin = c_begin;
	s.c_end = c_end;
	if (depthwise)
		depthwise_strip(&s, v->n, h->n);
	else
		dense_strip(&s, h->n);
}

/* The output is a rectangle of whole windows in a frame of single rows and columns whose windows are clipped.  Dense
 * layers go row by row. */
static void windows(const int depthwise, const struct ofa_device_op *op, const struct ofa_device_args *a,
		    uint32_t c_begin, uint32_t c_end)
{
	uint32_t oy, ox;
	struct span v, h;

	for (oy = 0; oy < op->h_out; oy += v.n) {
		v = span_at(oy, op, op->h_in, op->h_out);
		if (!depthwise)
			v.n = 1;
		for (ox = 0; ox < op->w_out; ox += h.n) {
			h = span_at(ox, op, op->w_in, op->w_out);
			window_strip(depthwise, op, a, &v, &h, c_begin, c_end);
		}
	}
}

/* Some outputs after the others, so that their weights stay in a cache while the windows pass over them. */
static void dense_windows(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	const uint32_t group = OFA_ROW_VECS * OFA_LANES;
	uint32_t c;

	for (c = 0; c < op->c_out; c += group)
		windows(0, op, a, c, op->c_out - c < group ? op->c_out : c + group);
}

/* A pointwise layer does not care for rows: all pixels are one strip, cut so that the inputs of a piece
 * stay in the nearest caches while the panels pass over them. */
static void pointwise(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	const uint32_t piece = (OFA_PIECE_FLOATS / op->c_in / OFA_TILE_PIXELS + 1) * OFA_TILE_PIXELS;
	uint32_t left = op->h_out * op->w_out;
	struct strip s;

	memset(&s, 0, sizeof(s));
	s.x = a->x;
	s.x_pixel = op->c_in;
	s.x_tap = 1;
	s.w = a->w;
	s.w_panel = (size_t)op->c_in * OFA_FMT_PANEL;
	s.rows = 1;
	s.taps = op->c_in;
	s.b = a->b;
	s.residual = a->residual;
	s.y = a->y;
	s.y_pixel = s.c_out = s.c_end = op->c_out;
	s.act = op->act;
	while (left > 0) {
		const uint32_t n = left < piece + OFA_TILE_PIXELS ? left : piece;

		dense_strip(&s, n);
		s.x += (size_t)n * op->c_in;
		s.y += (size_t)n * op->c_out;
		if (s.residual != NULL)
			s.residual += (size_t)n * op->c_out;
		left -= n;
	}
}

/* Layers of a single panel are left to vectors of that width. */
OFA_INLINE int left_to_narrow(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
#if OFA_LANES > OFA_FMT_PANEL
	const int narrow = op->c_out < OFA_STEP || (op->kind == OFA_FMT_SE && op->hidden <= OFA_FMT_PANEL);

	if (narrow)
		OFA_NARROW_TABLE.by_kind[op->kind](op, a);
	return narrow;
#else
	(void)op;
	(void)a;
	return 0;
#endif
}

static void conv(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	if (left_to_narrow(op, a))
		return;
	if (op->k == 1 && op->stride == 1)
		pointwise(op, a);
	else
		dense_windows(op, a);
}

static void depthwise(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	if (left_to_narrow(op, a))
		return;
	windows(1, op, a, 0, op->c_out);
}

/* Some channels of the pointwise layer are computed into `x` of the depthwise one, which works them off while they are
 * in a cache.  The last take what would be less than a vector of two panels. */
static void expand(const struct ofa_device_op *op, const struct ofa_device_args *a, const struct ofa_device_op *next,
		   const struct ofa_device_args *b)
{
	struct ofa_device_op part = *op;
	struct ofa_device_args from = *a;
	uint32_t c, end;

	for (c = 0; c < op->c_out; c = end) {
		end = op->c_out - c < OFA_EXPAND_CHANNELS + OFA_STEP ? op->c_out : c + OFA_EXPAND_CHANNELS;
		part.c_out = end - c;
		from.w = (const ofa_weight *)a->w + (size_t)c * op->c_in;
		from.b = a->b + c;
		pointwise(&part, &from);
		windows(1, next, b, c, end);
	}
}

static void channel_means(const float *restrict x, uint32_t pixels, uint32_t c, float *restrict mean)
{
	const float scale = 1.0f / (float)pixels;
	uint32_t p, j;

	memset(mean, 0, c * sizeof(float));
	for (p = 0; p < pixels; p++, x += c)
		add_to(mean, x, c);
	for (j = 0; j < c; j++)
		mean[j] *= scale;
}

static void global_pool(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	channel_means(a->x, op->h_in * op->w_in, op->c_in, a->y);
}

OFA_INLINE ofa_vec larger(ofa_vec a, ofa_vec b)
{
#if OFA_LANES > 1
	const ofa_mask above = (ofa_mask)(a > b);

	return (ofa_vec)(((ofa_mask)a & above) | ((ofa_mask)b & ~above));
#else
	return a > b ? a : b;
#endif
}

/* LANES neighbouring channels of one window of rows x taps pixels: their largest or their mean. */
OFA_INLINE ofa_vec pool_vec(const int average, const float *x, uint32_t rows, uint32_t taps, size_t row, size_t c)
{
	const float scale = 1.0f / (float)(rows * taps);
	ofa_vec v = load(x);
	uint32_t i, j;

	for (i = 0; i < rows; i++) {
		for (j = 0; j < taps; j++) {
			const ofa_vec next = load(x + i * row + j * c);

			if (!average)
				v = larger(v, next);
			else if (i + j > 0)
				v += next;
		}
	}
	if (average)
		v *= scale;
	return v;
}

/* All channels of one window; those past the last whole vector go through a copy of the window. */
OFA_INLINE void pool_pixel(const int average, const float *x, uint32_t rows, uint32_t taps, size_t row, uint32_t c,
			   float *y)
{
	float part[OFA_FMT_MAX_KERNEL * OFA_FMT_MAX_KERNEL * OFA_LANES] = {0}, out[OFA_LANES];
	uint32_t done, i, j;

	for (done = 0; done + OFA_LANES <= c; done += OFA_LANES)
		store(y + done, pool_vec(average, x + done, rows, taps, row, c));
	if (done == c)
		return;
	for (i = 0; i < rows; i++) {
		for (j = 0; j < taps; j++)
			memcpy(part + (i * taps + j) * OFA_LANES, x + i * row + (size_t)j * c + done,
			       (c - done) * sizeof(float));
	}
	store(out, pool_vec(average, part, rows, taps, (size_t)taps * OFA_LANES, OFA_LANES));
	memcpy(y + done, out, (c - done) * sizeof(float));
}

OFA_INLINE void pool(const int average, const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	const size_t row = (size_t)op->w_in * op->c_in;
	float *y = a->y;
	uint32_t oy, ox, ky, ky_end, kx, kx_end;

	for (oy = 0; oy < op->h_out; oy++) {
		clip(oy, op, op->h_in, &ky, &ky_end);
		for (ox = 0; ox < op->w_out; ox++, y += op->c_out) {
			clip(ox, op, op->w_in, &kx, &kx_end);
			pool_pixel(average,
				   a->x + (oy * op->stride + ky - op->pad) * row +
					   (size_t)(ox * op->stride + kx - op->pad) * op->c_in,
				   ky_end - ky, kx_end - kx, row, op->c_in, y);
		}
	}
}

static void max_pool(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	pool(0, op, a);
}

static void average_pool(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	pool(1, op, a);
}

static void add(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	const size_t n = (size_t)op->h_out * op->w_out * op->c_out;
	float x[OFA_LANES] = {0}, residual[OFA_LANES] = {0};
	ofa_vec v;
	size_t i;

	for (i = 0; i + OFA_LANES <= n; i += OFA_LANES) {
		v = load(a->x + i) + load(a->residual + i);
		activate(&v, 1, op->act);
		store(a->y + i, v);
	}
	memcpy(x, a->x + i, (n - i) * sizeof(float));
	memcpy(residual, a->residual + i, (n - i) * sizeof(float));
	v = load(x) + load(residual);
	activate(&v, 1, op->act);
	store(x, v);
	memcpy(a->y + i, x, (n - i) * sizeof(float));
}

/* y (n_out) = act(w x + b) for one pixel. */
static void one_pixel(const float *x, uint32_t n_in, const ofa_weight *w, const float *b, uint32_t n_out, uint32_t act,
		      float *y)
{
	struct strip s;

	memset(&s, 0, sizeof(s));
	s.x = x;
	s.x_tap = 1;
	s.w = w;
	s.w_panel = (size_t)n_in * OFA_FMT_PANEL;
	s.rows = 1;
	s.taps = n_in;
	s.b = b;
	s.y = y;
	s.y_pixel = s.c_out = s.c_end = n_out;
	s.act = act;
	dense_strip(&s, 1);
}

/* The gates take the place of the means: those are not needed once the hidden units are known. */
static void squeeze_excite(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	const uint32_t pixels = op->h_in * op->w_in, c = op->c_in;
	float *gate = a->scratch, *hidden = a->scratch + c, *y = a->y;
	uint32_t p;

	if (left_to_narrow(op, a))
		return;
	channel_means(a->y, pixels, c, gate);
	one_pixel(gate, c, a->w, a->b, op->hidden, OFA_FMT_ACT_RELU, hidden);
	one_pixel(hidden, op->hidden, a->w2, a->b2, c, OFA_FMT_ACT_HSIGMOID, gate);
	for (p = 0; p < pixels; p++, y += c)
		multiply_by(y, gate, c);
}

static void linear(const struct ofa_device_op *op, const struct ofa_device_args *a)
{
	if (left_to_narrow(op, a))
		return;
	one_pixel(a->x, op->c_in, a->w, a->b, op->c_out, op->act, a->y);
}

const struct ofa_device_kernels OFA_KERNEL_TABLE = {
	.name = OFA_KERNEL_NAME,
	.by_kind =
		{
			[OFA_FMT_CONV] = conv,
			[OFA_FMT_DWCONV] = depthwise,
			[OFA_FMT_SE] = squeeze_excite,
			[OFA_FMT_GLOBAL_POOL] = global_pool,
			[OFA_FMT_LINEAR] = linear,
			[OFA_FMT_MAX_POOL] = max_pool,
			[OFA_FMT_AVERAGE_POOL] = average_pool,
			[OFA_FMT_ADD] = add,
		},
	.expand = expand,
};

#endif
