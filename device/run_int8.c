#include "group.h"
#include "kernels_int8.h"

/* Runs groups row by row.  On the stack: the decoded operations of one group, about 800 bytes. */

static const uint8_t *tensor_data(const struct ofa_device_model *model, const struct ofa_device_op *op, uint32_t i)
{
	struct ofa_device_tensor t;

	ofa_device_tensor(model, op->first_tensor + i, &t);
	return t.data;
}

static const int8_t *tensor_int8(const struct ofa_device_model *model, const struct ofa_device_op *op, uint32_t i)
{
	return (const int8_t *)tensor_data(model, op, i);
}

static const int32_t *tensor_int32(const struct ofa_device_model *model, const struct ofa_device_op *op, uint32_t i)
{
	return (const int32_t *)(const void *)tensor_data(model, op, i);
}

static struct ofa_device_rescale rescale_of(const uint8_t *record)
{
	const struct ofa_device_rescale r = {ofa_device_i32(record), ofa_device_i32(record + 4)};

	return r;
}

static int32_t zero_of(const uint8_t *record)
{
	return (int8_t)*record;
}

/* Everything but tensors and `zero`. */
static void decode_record(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_op *op,
			  struct ofa_device_int8_args *a)
{
	const uint8_t *r = ofa_device_quant_record(model, i);

	memset(a, 0, sizeof(*a));
	a->w_in = op->w_in;
	a->c_in = op->c_in;
	a->w_out = op->w_out;
	a->c_out = op->c_out;
	a->k = op->k;
	a->stride = op->stride;
	a->pad = op->pad;
	a->in_zero = zero_of(r + OFA_FMT_QUANT_IN_ZERO);
	a->low = ofa_device_i32(r + OFA_FMT_QUANT_LOW);
	a->high = ofa_device_i32(r + OFA_FMT_QUANT_HIGH);
	a->first = rescale_of(r + OFA_FMT_QUANT_FIRST);
	a->second = rescale_of(r + OFA_FMT_QUANT_SECOND);
	a->result = rescale_of(r + OFA_FMT_QUANT_RESULT);
	a->added_zero = zero_of(r + OFA_FMT_QUANT_ADDED_ZERO);
	a->out_zero = zero_of(r + OFA_FMT_QUANT_OUT_ZERO);
}

/* Of all kinds but SE. */
static void decode_args(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_op *op,
			struct ofa_device_int8_args *a)
{
	const uint8_t *r = ofa_device_quant_record(model, i);
	const int looks_up = ofa_device_looks_up(model, op);

	decode_record(model, i, op, a);
	if (op->kind == OFA_FMT_ADD)
		a->zero = a->in_zero;
	else if (looks_up || op->residual != OFA_FMT_NONE)
		a->zero = zero_of(r + OFA_FMT_QUANT_INNER_ZERO);
	else
		a->zero = a->out_zero;
	if (op->n_tensors == 0)
		return;
	a->w = tensor_int8(model, op, 0);
	a->b = tensor_int32(model, op, 1);
	a->m = tensor_int32(model, op, 2);
	a->s = tensor_int32(model, op, 3);
	if (looks_up)
		a->table = tensor_int8(model, op, 4);
}

/* One of SE's two matrices: n outputs of as many inputs as there are. */
static void decode_matrix(const struct ofa_device_model *model, const struct ofa_device_op *op, uint32_t weight,
			  uint32_t multiplier, uint32_t c_in, uint32_t c_out, struct ofa_device_int8_args *a)
{
	memset(a, 0, sizeof(*a));
	a->w_in = a->w_out = a->k = a->stride = 1;
	a->c_in = c_in;
	a->c_out = c_out;
	a->w = tensor_int8(model, op, weight);
	a->b = tensor_int32(model, op, weight + 1);
	a->m = tensor_int32(model, op, multiplier);
	a->s = tensor_int32(model, op, multiplier + 1);
	a->high = 127;
}

/* Scratch: the mean, and later the gate in its place; then the hidden units. */
static void run_se(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_op *op, int8_t *arena)
{
	const struct ofa_device_int8_kernels *kernels = model->int8_kernels;
	const uint8_t *r = ofa_device_quant_record(model, i);
	const uint32_t pixels = op->h_in * op->w_in;
	int8_t *x = arena + op->in, *gate = arena + op->scratch, *hidden = gate + op->c_in;
	struct ofa_device_int8_args a;

	decode_record(model, i, op, &a);
	a.out_zero = zero_of(r + OFA_FMT_QUANT_ADDED_ZERO); /* of the mean */
	kernels->mean(&a, pixels, x, gate);

	decode_matrix(model, op, 0, 4, op->c_in, op->hidden, &a);
	a.zero = a.low = zero_of(r + OFA_FMT_QUANT_INNER_ZERO);
	kernels->pointwise(&a, 1, gate, NULL, hidden);

	decode_matrix(model, op, 2, 6, op->hidden, op->c_in, &a);
	a.zero = a.low = -128;
	kernels->pointwise(&a, 1, hidden, NULL, gate);

	decode_record(model, i, op, &a);
	kernels->scale(&a, pixels, gate, x);
}

static int is_pointwise(const struct ofa_device_op *op)
{
	return op->kind == OFA_FMT_CONV && op->k == 1 && op->stride == 1 && op->pad == 0;
}

/* What sees all of its input at once, or may: a layer of pixels that are computed each from its own, whose output has
 * a place of its own.  Returns 0 if the operation has to be run row by row. */
static int run_whole(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_op *op, int8_t *arena)
{
	const struct ofa_device_int8_kernels *kernels = model->int8_kernels;
	const uint32_t pixels = op->h_in * op->w_in;
	const int8_t *x = arena + op->in, *added = op->residual != OFA_FMT_NONE ? arena + op->residual : NULL;
	const uint64_t out_bytes = (uint64_t)op->h_out * op->w_out * op->c_out;
	struct ofa_device_int8_args a;

	switch (op->kind) {
	case OFA_FMT_SE:
		run_se(model, i, op, arena);
		return 1;
	case OFA_FMT_GLOBAL_POOL:
		decode_args(model, i, op, &a);
		model->int8_kernels->mean(&a, pixels, x, arena + op->out);
		return 1;
	case OFA_FMT_LINEAR:
		break;
	default:
		if (!is_pointwise(op) || ofa_device_overlap(op->in, (uint64_t)pixels * op->c_in, op->out, out_bytes) ||
		    (added != NULL && op->residual != op->out &&
		     ofa_device_overlap(op->residual, out_bytes, op->out, out_bytes)))
			return 0;
	}
	decode_args(model, i, op, &a);
	kernels->pointwise(&a, pixels, x, added, arena + op->out);
	return 1;
}

/* Pointers to the k rows that row y is computed from; NULL where there is none. */
static void find_rows(const struct ofa_device_group *g, uint32_t stage, const int8_t *arena, const int8_t **rows)
{
	const struct ofa_device_op *op = &g->stages[stage].op;
	const uint32_t row_bytes = ofa_device_row_bytes(op->w_in, op->c_in);
	uint32_t k, y = g->stages[stage].next * op->stride - op->pad; /* may wrap around, and come back */

	for (k = 0; k < op->k; k++, y++) {
		if (y >= op->h_in)
			rows[k] = NULL;
		else if (stage > 0)
			rows[k] = arena + ofa_device_row(&g->stages[stage - 1].op, y);
		else
			rows[k] = arena + op->in + (size_t)y * row_bytes;
	}
}

/* Row `next` of operation i, which is `stage` of its group. */
static void run_row(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_group *g, uint32_t stage,
		    int8_t *arena)
{
	const struct ofa_device_int8_kernels *kernels = model->int8_kernels;
	const struct ofa_device_stage *s = &g->stages[stage];
	const struct ofa_device_op *op = &s->op;
	const int8_t *rows[OFA_FMT_MAX_KERNEL], *added = NULL;
	int8_t *y = arena + ofa_device_row(op, s->next);
	struct ofa_device_int8_args a;

	decode_args(model, i, op, &a);
	find_rows(g, stage, arena, rows);
	if (s->adds != OFA_FMT_NONE)
		added = arena + ofa_device_row(&g->stages[s->adds].op, s->next);
	else if (op->residual != OFA_FMT_NONE)
		added = arena + op->residual + (size_t)s->next * ofa_device_row_bytes(op->w_out, op->c_out);

	if (is_pointwise(op))
		kernels->pointwise(&a, op->w_out, rows[0], added, y);
	else if (op->kind == OFA_FMT_CONV)
		kernels->conv_row(&a, rows, added, y);
	else if (op->kind == OFA_FMT_DWCONV)
		kernels->depthwise_row(&a, rows, y);
	else if (op->kind == OFA_FMT_MAX_POOL)
		kernels->max_pool_row(&a, rows, y);
	else if (op->kind == OFA_FMT_AVERAGE_POOL)
		kernels->average_pool_row(&a, rows, y);
	else
		kernels->add(&a, ofa_device_row_bytes(op->w_out, op->c_out), rows[0], added, y);
}

/* The group that begins with operation i; returns how many it has. */
static uint32_t run_group(const struct ofa_device_model *model, uint32_t i, int8_t *arena)
{
	struct ofa_device_group g;
	const struct ofa_device_op *first = &g.stages[0].op;
	struct ofa_device_stage *last;
	uint32_t stage;

	ofa_device_group_init(model, i, &g);
	last = &g.stages[g.n - 1];
	if (first->origin != first->in)
		memmove(arena + first->in, arena + first->origin,
			(size_t)first->h_in * ofa_device_row_bytes(first->w_in, first->c_in));
	if (g.n == 1 && run_whole(model, i, first, arena))
		return 1;
	while (last->next < last->op.h_out) {
		stage = ofa_device_group_turn(&g);
		run_row(model, i + stage, &g, stage, arena);
		g.stages[stage].next++;
	}
	return g.n;
}

void ofa_device_run_groups(const struct ofa_device_model *model, uint32_t i, uint32_t end, int8_t *arena)
{
	while (i < end)
		i += run_group(model, i, arena);
}
