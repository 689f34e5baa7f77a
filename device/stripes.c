#include "group.h"
#include "place.h"

/* Who may overwrite what in the arena of an int8 package: the order in which its groups run is gone through row by row.
 * What lives from one group to another is looked for among the groups between, what lives inside one at every row that
 * is written. */

static uint64_t place_bytes(const struct place *p)
{
	return (uint64_t)p->h * p->w * p->c;
}

static uint64_t scratch_bytes(const struct ofa_device_op *op)
{
	return (uint64_t)op->c_in + op->hidden;
}

/* Of the rows that exist at a time. */
static uint64_t output_bytes(const struct ofa_device_op *op)
{
	return (uint64_t)(op->rows > 0 ? op->rows : op->h_out) * op->w_out * op->c_out;
}

static struct place added_to(const struct ofa_device_op *op)
{
	const struct place p = {op->residual, op->h_out, op->w_out, op->c_out};

	return p;
}

static int places_overlap(const struct place *a, const struct place *b)
{
	return ofa_device_overlap(a->offset, place_bytes(a), b->offset, place_bytes(b));
}

static int in_arena(const struct ofa_device_model *m, uint32_t offset, uint64_t bytes)
{
	return offset % OFA_FMT_INT8_ALIGN == 0 && offset <= m->arena_bytes && bytes <= m->arena_bytes - offset;
}

/* Whether a value is in its place when operation i, the first of a group, begins. */
static int is_available(const struct ofa_device_model *m, uint32_t i, const struct place *p)
{
	const struct place input = {m->input_offset, m->height, m->width, m->channels};
	const uint64_t bytes = place_bytes(p);

	while (i-- > 0) {
		struct ofa_device_op op;
		struct place out, in;

		ofa_device_op_decode(ofa_device_op_record(m, i), &op);
		out = place_output(&op);
		in = place_input(&op);
		if (op.scratch != OFA_FMT_NONE && ofa_device_overlap(op.scratch, scratch_bytes(&op), p->offset, bytes))
			return 0;
		if (ofa_device_overlap(out.offset, output_bytes(&op), p->offset, bytes))
			return op.rows == 0 && place_same(&out, p);
		if (op.origin != op.in && places_overlap(&in, p))
			return place_same(&in, p); /* was moved there */
	}
	return place_same(&input, p);
}

static enum ofa_device_status check_ranges(const struct ofa_device_model *m, const struct ofa_device_stage *s,
					   uint32_t at, uint32_t *where)
{
	const struct ofa_device_op *op = &s->op;
	const struct place added = added_to(op);

	/* a window that is added is the output of another stage */
	if (!in_arena(m, op->out, output_bytes(op)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_OUT, where);
	if (op->residual != OFA_FMT_NONE && s->adds == OFA_FMT_NONE && !in_arena(m, added.offset, place_bytes(&added)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_RESIDUAL, where);
	if (op->scratch != OFA_FMT_NONE && !in_arena(m, op->scratch, scratch_bytes(op)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_SCRATCH, where);
	return OFA_DEVICE_OK;
}

/* What the group finds in the arena, and the input's way to its place. */
static enum ofa_device_status check_inputs(const struct ofa_device_model *m, uint32_t first,
					   const struct ofa_device_group *g, uint32_t *where)
{
	const uint32_t at = OFA_FMT_HEADER_BYTES + first * OFA_FMT_OP_BYTES;
	const struct ofa_device_op *op = &g->stages[0].op;
	const struct place in = place_input(op), origin = {op->origin, op->h_in, op->w_in, op->c_in};
	uint32_t i;

	if (!in_arena(m, in.offset, place_bytes(&in)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_IN, where);
	if (!in_arena(m, origin.offset, place_bytes(&origin)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_FROM, where);
	if (!is_available(m, first, &origin))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_FROM, where);
	for (i = 0; i < g->n; i++) {
		const struct ofa_device_stage *s = &g->stages[i];
		const struct place added = added_to(&s->op);

		if (s->op.residual == OFA_FMT_NONE || s->adds != OFA_FMT_NONE || place_same(&added, &in))
			continue;
		if (!is_available(m, first, &added) || (op->origin != op->in && places_overlap(&added, &in)))
			return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW,
						 at + i * OFA_FMT_OP_BYTES + OFA_FMT_OP_RESIDUAL, where);
	}
	return OFA_DEVICE_OK;
}

/* Whether `bytes` at `offset` touch one of a stage's rows [from, next) that still exist. */
static int touches_rows(const struct ofa_device_stage *s, uint32_t from, uint32_t offset, uint32_t bytes)
{
	const uint32_t row = ofa_device_row_bytes(s->op.w_out, s->op.c_out);
	const uint32_t held = s->op.rows > 0 ? s->op.rows : s->op.h_out;
	uint32_t n, slot, before_wrap;

	if (s->next > held && from < s->next - held)
		from = s->next - held;
	if (from >= s->next)
		return 0;
	n = s->next - from;
	slot = from % held;
	before_wrap = n < held - slot ? n : held - slot;
	return ofa_device_overlap(s->op.out + slot * row, (uint64_t)before_wrap * row, offset, bytes) ||
	       ofa_device_overlap(s->op.out, (uint64_t)(n - before_wrap) * row, offset, bytes);
}

/* The same of rows [from, h) of a whole value. */
static int touches_rest(const struct place *p, uint32_t from, uint32_t offset, uint32_t bytes)
{
	const uint32_t row = ofa_device_row_bytes(p->w, p->c);

	return ofa_device_overlap(p->offset + from * row, (uint64_t)(p->h - from) * row, offset, bytes);
}

static uint32_t added_row(const struct ofa_device_group *g, const struct ofa_device_stage *s, uint32_t y)
{
	if (s->adds != OFA_FMT_NONE)
		return ofa_device_row(&g->stages[s->adds].op, y);
	return s->op.residual + y * ofa_device_row_bytes(s->op.w_out, s->op.c_out);
}

/* Whether the bytes that stage `writer` writes now are among what stage i is still to read. */
static int takes_from(const struct ofa_device_group *g, uint32_t i, uint32_t writer, uint32_t offset, uint32_t bytes)
{
	const struct ofa_device_stage *s = &g->stages[i];
	const struct place in = place_input(&s->op), added = added_to(&s->op);
	uint32_t from, end;

	if (s->next == s->op.h_out)
		return 0;
	ofa_device_rows_read(&s->op, s->next, &from, &end);
	if (from > s->op.h_in)
		from = s->op.h_in;
	if (i > 0 ? touches_rows(&g->stages[i - 1], from, offset, bytes) : touches_rest(&in, from, offset, bytes))
		return 1;
	if (s->op.residual == OFA_FMT_NONE)
		return 0;
	from = s->next;
	if (i == writer && added_row(g, s, from) == offset)
		from++; /* may be overwritten number by number */
	return s->adds != OFA_FMT_NONE ? touches_rows(&g->stages[s->adds], from, offset, bytes)
				       : touches_rest(&added, from, offset, bytes);
}

/* Row `next` of stage i. */
static enum ofa_device_status check_turn(const struct ofa_device_group *g, uint32_t i, uint32_t at, uint32_t *where)
{
	const struct ofa_device_stage *s = &g->stages[i], *last = &g->stages[g->n - 1];
	const uint32_t bytes = ofa_device_row_bytes(s->op.w_out, s->op.c_out);
	const uint32_t offset = ofa_device_row(&s->op, s->next);
	uint32_t j;

	if (s->adds != OFA_FMT_NONE && g->stages[s->adds].next <= s->next)
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_RESIDUAL, where);
	for (j = 0; j < g->n; j++) {
		if (takes_from(g, j, i, offset, bytes))
			return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_OUT, where);
	}
	if (touches_rows(last, 0, offset, bytes))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_OUT, where);
	return OFA_DEVICE_OK;
}

/* Operations that see all of their input at once. */
static enum ofa_device_status check_whole(const struct ofa_device_op *op, uint32_t at, uint32_t *where)
{
	const struct place in = place_input(op), out = place_output(op);

	if (op->kind == OFA_FMT_SE && op->origin != op->in)
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_FROM, where);
	if (op->kind == OFA_FMT_SE ? !place_same(&in, &out) : places_overlap(&in, &out))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_OUT, where);
	if (op->scratch != OFA_FMT_NONE &&
	    ofa_device_overlap(op->scratch, scratch_bytes(op), in.offset, place_bytes(&in)))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_SCRATCH, where);
	return OFA_DEVICE_OK;
}

static int sees_all(const struct ofa_device_op *op)
{
	return op->kind == OFA_FMT_SE || op->kind == OFA_FMT_GLOBAL_POOL || op->kind == OFA_FMT_LINEAR;
}

/* The group that begins with operation `first`; *ret_n: how many it has. */
static enum ofa_device_status check_group(const struct ofa_device_model *m, uint32_t first, uint32_t *ret_n,
					  uint32_t *where)
{
	const uint32_t at = OFA_FMT_HEADER_BYTES + first * OFA_FMT_OP_BYTES;
	enum ofa_device_status status;
	struct ofa_device_group g;
	uint32_t i;

	status = ofa_device_group_init(m, first, &g);
	if (status != OFA_DEVICE_OK)
		return ofa_device_refuse(status, at + OFA_FMT_OP_ROWS, where);
	*ret_n = g.n;
	for (i = 0; i < g.n; i++) {
		status = check_ranges(m, &g.stages[i], at + i * OFA_FMT_OP_BYTES, where);
		if (status != OFA_DEVICE_OK)
			return status;
	}
	status = check_inputs(m, first, &g, where);
	if (status != OFA_DEVICE_OK)
		return status;
	if (sees_all(&g.stages[0].op))
		return check_whole(&g.stages[0].op, at, where);
	while (g.stages[g.n - 1].next < g.stages[g.n - 1].op.h_out) {
		i = ofa_device_group_turn(&g);
		status = check_turn(&g, i, at + i * OFA_FMT_OP_BYTES, where);
		if (status != OFA_DEVICE_OK)
			return status;
		g.stages[i].next++;
	}
	return OFA_DEVICE_OK;
}

enum ofa_device_status ofa_device_check_stripes(const struct ofa_device_model *m, uint32_t *where)
{
	const uint32_t io = ofa_device_u32(m->data + OFA_FMT_HEADER_IO_OFFSET);
	enum ofa_device_status status;
	uint32_t i, n = 0;

	if (!in_arena(m, m->input_offset, (uint64_t)m->height * m->width * m->channels))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, io + OFA_FMT_IO_INPUT, where);
	for (i = 0; i < m->n_ops; i += n) {
		status = check_group(m, i, &n, where);
		if (status != OFA_DEVICE_OK)
			return status;
	}
	return OFA_DEVICE_OK;
}
