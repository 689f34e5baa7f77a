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
	const int8_t *row[COLUMN_PARTS(OFA_FMT_MAX_KERNEL) * COLUMN_ROWS]; /* NULL: not there */
	uint32_t parts, pixels; /* of a row */
	size_t c;               /* from one pixel to the next */
	uint32_t n;             /* channels */
};

/* Column `at` of all parts, at `to` and each further one `apart` bytes after the one before. */
OFA_INLINE void gather(const struct strips *s, int32_t at, const int8_t *fill, const int raise, int8_t *to,
		       size_t apart)
{
	const int inside = at >= 0 && at < (int32_t)s->pixels;
	int8_t part[COLUMN_ROWS][LANES];
	uint32_t i, j;

	for (i = 0; i < s->parts; i++) {
		const int8_t *rows[COLUMN_ROWS];

		OFA_UNROLL
		for (j = 0; j < COLUMN_ROWS; j++) {
			const int8_t *row = s->row[i * COLUMN_ROWS + j];

			rows[j] = inside && row != NULL ? row + (size_t)at * s->c : fill;
			if (s->n < LANES)
				rows[j] = memcpy(part[j], rows[j], s->n);
		}
		store_column(to + i * apart, rows, raise);
	}
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
	for (kx = 0; kx < a->k; kx++) {
		int8_t column[COLUMN_PARTS(OFA_FMT_MAX_KERNEL) * COLUMN_BYTES];

		gather(&s, (int32_t)kx, none, 0, column, COLUMN_BYTES);
		for (i = 0; i < s.parts; i++) {
			w[i * a->k + kx] = load_column(column + i * COLUMN_BYTES);
			too_much = excess(too_much, &w[i * a->k + kx]);
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
		for (i = 0; i < width; i++)
			gather(&s, from + (int32_t)i, fill, 1, columns + i * COLUMN_BYTES, width * COLUMN_BYTES);
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
