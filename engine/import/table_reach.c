#include "import/table_reach.h"

#include <stdlib.h>

struct shape {
	int size, channels;
};

static struct shape input_of(const struct ofa_table_row *row)
{
	return (struct shape){row->key.unit.h_in, row->key.unit.c_in};
}

static struct shape output_of(const struct ofa_table_row *row, enum ofa_table_dialect dialect)
{
	const struct ofa_unit *u = &row->key.unit;

	if (dialect == OFA_TABLE_MBCONV && u->kind == OFA_UNIT_HEAD_EXPAND)
		return (struct shape){1, u->c_out};
	return (struct shape){u->h_out, u->c_out};
}

static int compare_shapes(struct shape a, struct shape b)
{
	return a.size != b.size ? a.size - b.size : a.channels - b.channels;
}

/* qsort() hands over no context, so rows are sorted together with what decides. */
struct sortable {
	struct shape input;
	size_t row;
};

static int compare_sortable(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int order = compare_shapes(x->input, y->input);

	if (order)
		return order;
	return x->row < y->row ? -1 : x->row > y->row;
}

enum ofa_status ofa_table_reach_init(struct ofa_table_reach *r, const struct ofa_table_rows *rows,
				     enum ofa_table_dialect dialect, struct ofa_error *err)
{
	struct sortable *sorted = malloc(rows->n * sizeof(*sorted));

	*r = (struct ofa_table_reach){
		.rows = rows,
		.dialect = dialect,
		.by_input = malloc(rows->n * sizeof(*r->by_input)),
		.queued = calloc(rows->n, sizeof(*r->queued)),
		.steps = malloc(rows->n * sizeof(*r->steps)),
	};
	if (!sorted || !r->by_input || !r->queued || !r->steps) {
		free(sorted);
		ofa_table_reach_release(r);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	for (size_t i = 0; i < rows->n; i++)
		sorted[i] = (struct sortable){input_of(&rows->list[i]), i};
	qsort(sorted, rows->n, sizeof(*sorted), compare_sortable);
	for (size_t i = 0; i < rows->n; i++)
		r->by_input[i] = sorted[i].row;
	free(sorted);
	return OFA_OK;
}

void ofa_table_reach_release(struct ofa_table_reach *r)
{
	free(r->by_input);
	free(r->queued);
	free(r->steps);
	*r = (struct ofa_table_reach){0};
}

static const struct ofa_table_row *row_at(const struct ofa_table_reach *r, size_t position)
{
	return &r->rows->list[r->by_input[position]];
}

/* First position whose input is not below `s`; rows->n when there is none. */
static size_t first_position(const struct ofa_table_reach *r, struct shape s)
{
	size_t low = 0, high = r->rows->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (compare_shapes(input_of(row_at(r, mid)), s) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Every row with this input becomes a step, once. */
static void queue_rows(struct ofa_table_reach *r, struct shape s, int input_stride, int image_size)
{
	size_t first = first_position(r, s);

	if (first == r->rows->n || r->queued[first] == r->turn)
		return;
	r->queued[first] = r->turn;
	for (size_t i = first; i < r->rows->n && compare_shapes(input_of(row_at(r, i)), s) == 0; i++) {
		const struct ofa_table_row *row = row_at(r, i);
		const struct ofa_unit *u = &row->key.unit;
		int stride = u->kind == OFA_UNIT_BLOCK ? u->stride : (u->h_in + u->h_out - 1) / u->h_out;

		if (row->resolution == 0 || row->resolution == image_size)
			r->steps[r->n++] = (struct ofa_table_step){
				r->by_input[i], input_stride < image_size ? input_stride * stride : input_stride};
	}
}

void ofa_table_reach_from(struct ofa_table_reach *r, int image_size)
{
	r->turn++;
	r->n = 0;
	for (size_t i = 0; i < r->rows->n; i++) {
		const struct ofa_table_row *row = &r->rows->list[i];

		if (row->key.unit.kind == OFA_UNIT_STEM && row->key.unit.h_in == image_size)
			queue_rows(r, input_of(row), 1, image_size);
	}
	for (size_t i = 0; i < r->n; i++)
		queue_rows(r, output_of(&r->rows->list[r->steps[i].row], r->dialect), r->steps[i].output_stride,
			   image_size);
}
