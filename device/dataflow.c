#include "place.h"

#ifndef OFA_DEVICE_INT8_ONLY
/* Nothing of the arena is read before it was written: each value that an operation reads must be what
 * the last writer of that place left there, whole and in the same shape. */

static uint64_t place_bytes(const struct place *p)
{
	return (uint64_t)p->h * p->w * p->c * sizeof(float);
}

static int in_arena(const struct ofa_device_model *m, uint32_t offset, uint64_t bytes)
{
	return offset % OFA_FMT_ALIGN == 0 && offset <= m->arena_bytes && bytes <= m->arena_bytes - offset;
}

static uint64_t scratch_bytes(const struct ofa_device_op *op)
{
	return ((uint64_t)op->c_in + op->hidden) * sizeof(float);
}

static int is_available(const struct ofa_device_model *m, uint32_t i, const struct place *p)
{
	const struct place input = {m->input_offset, m->height, m->width, m->channels};
	const uint64_t bytes = place_bytes(p);

	while (i-- > 0) {
		struct ofa_device_op op;
		struct place out;

		ofa_device_op_decode(ofa_device_op_record(m, i), &op);
		out = place_output(&op);
		if (op.scratch != OFA_FMT_NONE && ofa_device_overlap(op.scratch, scratch_bytes(&op), p->offset, bytes))
			return 0;
		if (ofa_device_overlap(out.offset, place_bytes(&out), p->offset, bytes))
			return place_same(&out, p);
	}
	return place_same(&input, p);
}

/* Whether no operation from i on reads what is in a place now.  What was overwritten in part cannot be read any more:
 * the model would have been refused. */
static int is_dead(const struct ofa_device_model *m, uint32_t i, const struct place *p)
{
	const uint64_t bytes = place_bytes(p);

	for (; i < m->n_ops; i++) {
		struct ofa_device_op op;
		struct place in, out;

		ofa_device_op_decode(ofa_device_op_record(m, i), &op);
		in = place_input(&op);
		out = place_output(&op);
		if (ofa_device_overlap(in.offset, place_bytes(&in), p->offset, bytes) ||
		    (op.residual != OFA_FMT_NONE &&
		     ofa_device_overlap(op.residual, place_bytes(&out), p->offset, bytes)))
			return 0;
		if (ofa_device_overlap(out.offset, place_bytes(&out), p->offset, bytes))
			return 1;
	}
	return 1;
}

int ofa_device_fuses(const struct ofa_device_model *m, uint32_t i, const struct ofa_device_op *op,
		     const struct ofa_device_op *next, int *ret_copy)
{
	const struct place in = place_input(op), between = place_output(op);
	const struct place read = place_input(next), out = place_output(next);

	if (op->kind != OFA_FMT_CONV || op->k != 1 || op->stride != 1 || op->pad != 0 || op->residual != OFA_FMT_NONE ||
	    next->kind != OFA_FMT_DWCONV || !place_same(&between, &read))
		return 0;
	*ret_copy = ofa_device_overlap(in.offset, place_bytes(&in), out.offset, place_bytes(&out));
	return op->c_out >= OFA_DEVICE_EXPAND_MOST + (*ret_copy ? op->c_in : 0) && is_dead(m, i + 2, &between);
}

static enum ofa_device_status check_ranges(const struct ofa_device_model *m, const struct ofa_device_op *op,
					   uint32_t at, uint32_t *where)
{
	const struct place in = place_input(op), out = place_output(op);

	if (!in_arena(m, in.offset, place_bytes(&in)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_IN, where);
	if (!in_arena(m, out.offset, place_bytes(&out)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_OUT, where);
	if (op->residual != OFA_FMT_NONE && !in_arena(m, op->residual, place_bytes(&out)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_RESIDUAL, where);
	if (op->scratch != OFA_FMT_NONE && !in_arena(m, op->scratch, scratch_bytes(op)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, at + OFA_FMT_OP_SCRATCH, where);
	return OFA_DEVICE_OK;
}

static enum ofa_device_status check_op(const struct ofa_device_model *m, uint32_t i, uint32_t *where)
{
	const uint32_t at = OFA_FMT_HEADER_BYTES + i * OFA_FMT_OP_BYTES;
	struct place in, out, added;
	struct ofa_device_op op;
	enum ofa_device_status status;

	ofa_device_op_decode(m->data + at, &op);
	status = check_ranges(m, &op, at, where);
	if (status != OFA_DEVICE_OK)
		return status;
	in = place_input(&op);
	out = place_output(&op);
	added = out;
	added.offset = op.residual;

	if (op.kind == OFA_FMT_SE ? !place_same(&in, &out)
				  : ofa_device_overlap(in.offset, place_bytes(&in), out.offset, place_bytes(&out)))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_OUT, where);
	if (op.scratch != OFA_FMT_NONE &&
	    ofa_device_overlap(op.scratch, scratch_bytes(&op), in.offset, place_bytes(&in)))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_SCRATCH, where);
	if (!is_available(m, i, &in))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_IN, where);
	if (op.residual != OFA_FMT_NONE &&
	    (ofa_device_overlap(added.offset, place_bytes(&added), out.offset, place_bytes(&out)) ||
	     !is_available(m, i, &added)))
		return ofa_device_refuse(OFA_DEVICE_ERR_DATAFLOW, at + OFA_FMT_OP_RESIDUAL, where);
	return OFA_DEVICE_OK;
}

enum ofa_device_status ofa_device_check_dataflow(const struct ofa_device_model *m, uint32_t *where)
{
	const uint32_t io = ofa_device_u32(m->data + OFA_FMT_HEADER_IO_OFFSET);
	uint32_t i;

	if (!in_arena(m, m->input_offset, (uint64_t)m->height * m->width * m->channels * sizeof(float)))
		return ofa_device_refuse(OFA_DEVICE_ERR_ARENA_RANGE, io + OFA_FMT_IO_INPUT, where);
	for (i = 0; i < m->n_ops; i++) {
		const enum ofa_device_status status = check_op(m, i, where);

		if (status != OFA_DEVICE_OK)
			return status;
	}
	return OFA_DEVICE_OK;
}
#endif
