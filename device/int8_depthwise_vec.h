/* Depthwise layers of the int8 kernels.  They are made of columns: some rows of a pixel's channels in the order in
 * which a dot product takes them, used by all windows that hold the pixel.  Part of the template int8_vec.h. */
#ifndef OFA_DEVICE_INT8_DEPTHWISE_VEC_H
#define OFA_DEVICE_INT8_DEPTHWISE_VEC_H

#define COLUMN_BYTES ((size_t)LANES * 4)
/* Quads, or whatever a column holds, that cover a window's side. */
#define COLUMN_PARTS(k) (((k) + COLUMN_ROWS - 1) / COLUMN_ROWS)
/* Outputs of a depthwise row whose columns are kept at a time, and how many of them are held in registers. */
#define CHUNK 28
#define GANG 7
#define MOST_COLUMNS ((CHUNK - 1) * OFA_FMT_MAX_STRIDE + OFA_FMT_MAX_KERNEL)

/* COLUMN_ROWS rows of the input, or of the weights, from a channel on. */
struct strips {
	const int8_t *row[OFA_FMT_MAX_KERNEL]; /* NULL: in the padding */
	uint32_t parts, pixels;                /* of a row */
	size_t c;                              /* from one pixel to the next */
	uint32_t n;                            /* channels */
};

/* A row that is walked along; one in the padding is the same everywhere. */
struct walk {
	const int8_t *x;
	size_t step;
};

OFA_INLINE struct walk walk_along(const struct strips *s, uint32_t row, uint32_t pixel, const int8_t *fill)
{
	const int8_t *x = row < OFA_FMT_MAX_KERNEL ? s->row[row] : NULL;
	const struct walk w = {x != NULL ? x + pixel * s->c : fill, x != NULL ? s->c : 0};

	return w;
}

/* Columns [from, from + n) of part i of the rows. */
OFA_INLINE void gather(const struct strips *s, uint32_t i, int32_t from, uint32_t n, const int8_t *fill,
		       const int raise, int8_t *to)
{
	for (; n > 0 && from < 0; n--, from++, to += COLUMN_BYTES)
		store_column(to, fill, fill, fill, fill, s->n, raise);
	if (n > 0 && from < (int32_t)s->pixels) {
		const uint32_t left = s->pixels - (uint32_t)from;
		struct walk a = walk_along(s, i * COLUMN_ROWS, (uint32_t)from, fill);
		struct walk b = walk_along(s, i * COLUMN_ROWS + 1, (uint32_t)from, fill);
		struct walk c = walk_along(s, i * COLUMN_ROWS + 2, (uint32_t)from, fill);
		struct walk d = walk_along(s, i * COLUMN_ROWS + 3, (uint32_t)from, fill);
		uint32_t inside = n < left ? n : left;

		n -= inside;
		for (;;) {
			store_column(to, a.x, b.x, c.x, d.x, s->n, raise);
			to += COLUMN_BYTES;
			if (--inside == 0)
				break;
			a.x += a.step;
			b.x += b.step;
			c.x += c.step;
			d.x += d.step;
		}
	}
	for (; n > 0; n--, to += COLUMN_BYTES)
		store_column(to, fill, fill, fill, fill, s->n, raise);
}

/* The sums of GANG neighbouring outputs. */
OFA_INLINE void gang(const struct ofa_device_int8_args *a, const struct quads *w, uint32_t parts, const int8_t *columns,
		     size_t apart, int32_t *to)
{
	struct sums sum[GANG];
	uint32_t i, kx, p;

	OFA_UNROLL
	for (p = 0; p < GANG; p++)
		memset(&sum[p], 0, sizeof(sum[p]));
	for (i = 0; i < parts; i++, columns += apart) {
		for (kx = 0; kx < a->k; kx++, w++) {
			OFA_UNROLL
			for (p = 0; p < GANG; p++)
				dot_column(&sum[p], w, columns + (p * a->stride + kx) * COLUMN_BYTES);
		}
	}
	OFA_UNROLL
	for (p = 0; p < GANG; p++) {
		const vec all = column_total(&sum[p]);

		memcpy(to + p * LANES, &all, sizeof(all));
	}
}

/* The weights of s->n channels from `o` on, as columns; their bias, less what raised inputs add. */
static vec depthwise_weights(const struct ofa_device_int8_args *a, uint32_t o, uint32_t n, struct quads *w)
{
	const int8_t none[LANES] = {0};
	struct strips s;
	vec too_much = {0};
	uint32_t i, kx;

	memset(&s, 0, sizeof(s));
	s.parts = COLUMN_PARTS(a->k);
	s.pixels = a->k;
	s.c = a->c_out;
	s.n = n;
	for (i = 0; i < a->k; i++)
		s.row[i] = a->w + (size_t)i * a->k * a->c_out + o;
	for (i = 0; i < s.parts; i++) {
		int8_t columns[OFA_FMT_MAX_KERNEL * COLUMN_BYTES];

		gather(&s, i, 0, a->k, none, 0, columns);
		for (kx = 0; kx < a->k; kx++, w++) {
			*w = load_column(columns + kx * COLUMN_BYTES);
			too_much = excess(too_much, w);
		}
	}
	return minus(load_words(a->b + o), too_much);
}

/* n channels from `o` on of one row. */
static void depthwise_lane(const struct ofa_device_int8_args *a, const int8_t *const *rows, uint32_t o, uint32_t n,
			   int8_t *y)
{
	struct quads w[COLUMN_PARTS(OFA_FMT_MAX_KERNEL) * OFA_FMT_MAX_KERNEL];
	int8_t columns[COLUMN_PARTS(OFA_FMT_MAX_KERNEL) * MOST_COLUMNS * COLUMN_BYTES], fill[LANES];
	int32_t sums[GANG * LANES];
	struct lane l = {sums, LANES, NULL, depthwise_weights(a, o, n, w), o, 0};
	struct strips s;
	uint32_t p, q, i, width;

	memset(&s, 0, sizeof(s));
	memset(fill, a->in_zero, sizeof(fill));
	s.parts = COLUMN_PARTS(a->k);
	s.pixels = a->w_in;
	s.c = a->c_in;
	s.n = n;
	for (i = 0; i < a->k; i++)
		s.row[i] = rows[i] != NULL ? rows[i] + o : NULL;
	for (p = 0; p < a->w_out; p += CHUNK) {
		const uint32_t chunk = a->w_out - p < CHUNK ? a->w_out - p : CHUNK;
		const int32_t from = (int32_t)(p * a->stride) - (int32_t)a->pad;

		width = ((chunk + GANG - 1) / GANG * GANG - 1) * a->stride + a->k;
		for (i = 0; i < s.parts; i++)
			gather(&s, i, from, width, fill, 1, columns + i * width * COLUMN_BYTES);
		for (q = 0; q < chunk; q += GANG) {
			gang(a, w, s.parts, columns + (size_t)q * a->stride * COLUMN_BYTES, width * COLUMN_BYTES, sums);
			l.pixels = chunk - q < GANG ? chunk - q : GANG;
			finish(a, &l, NULL, y + (size_t)(p + q) * a->c_out);
		}
	}
}

static void depthwise_row(const struct ofa_device_int8_args *a, const int8_t *const *rows, int8_t *y)
{
	uint32_t o;

	for (o = 0; o < a->c_out; o += LANES)
		depthwise_lane(a, rows, o, a->c_out - o < LANES ? a->c_out - o : LANES, y);
	if (a->table != NULL)
		look_up(a->table, y, (size_t)a->w_out * a->c_out);
}

#endif
