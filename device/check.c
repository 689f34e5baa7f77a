#include "internal.h"

/* What each kind may have.  Kinds beyond the table are unknown to this version. */
struct kind_rule {
	unsigned known : 1;
	unsigned window : 1;    /* k, stride and padding are free */
	unsigned acts : 1;      /* may have an activation */
	unsigned adds : 1;      /* may add a value */
	unsigned must_add : 1;  /* and has to */
	unsigned tiles : 1;     /* windows lie side by side, the last ones may be cut: stride k, no padding */
	unsigned keeps_c : 1;   /* c_out == c_in */
	unsigned one_pixel : 1; /* input and output are 1 x 1 */
	unsigned n_tensors : 3;
};

static const struct kind_rule rules[] = {
	[OFA_FMT_CONV] = {.known = 1, .window = 1, .acts = 1, .adds = 1, .n_tensors = 2},
	[OFA_FMT_DWCONV] = {.known = 1, .window = 1, .acts = 1, .keeps_c = 1, .n_tensors = 2},
	[OFA_FMT_SE] = {.known = 1, .keeps_c = 1, .n_tensors = 4},
	[OFA_FMT_GLOBAL_POOL] = {.known = 1, .keeps_c = 1, .n_tensors = 0},
	[OFA_FMT_LINEAR] = {.known = 1, .acts = 1, .one_pixel = 1, .n_tensors = 2},
	[OFA_FMT_MAX_POOL] = {.known = 1, .window = 1, .keeps_c = 1, .n_tensors = 0},
	[OFA_FMT_AVERAGE_POOL] = {.known = 1, .window = 1, .tiles = 1, .keeps_c = 1, .n_tensors = 0},
	[OFA_FMT_ADD] = {.known = 1, .acts = 1, .adds = 1, .must_add = 1, .keeps_c = 1, .n_tensors = 0},
};

void ofa_device_op_decode(const uint8_t *r, struct ofa_device_op *op)
{
	op->kind = r[OFA_FMT_OP_KIND];
	op->act = r[OFA_FMT_OP_ACT];
	op->k = r[OFA_FMT_OP_KERNEL];
	op->stride = r[OFA_FMT_OP_STRIDE];
	op->pad = r[OFA_FMT_OP_PAD];
	op->n_tensors = r[OFA_FMT_OP_TENSORS];
	op->first_tensor = ofa_device_u16(r + OFA_FMT_OP_FIRST_TENSOR);
	op->h_in = ofa_device_u16(r + OFA_FMT_OP_H_IN);
	op->w_in = ofa_device_u16(r + OFA_FMT_OP_W_IN);
	op->h_out = ofa_device_u16(r + OFA_FMT_OP_H_OUT);
	op->w_out = ofa_device_u16(r + OFA_FMT_OP_W_OUT);
	op->c_in = ofa_device_u32(r + OFA_FMT_OP_C_IN);
	op->c_out = ofa_device_u32(r + OFA_FMT_OP_C_OUT);
	op->hidden = ofa_device_u32(r + OFA_FMT_OP_HIDDEN);
	op->in = ofa_device_u32(r + OFA_FMT_OP_IN);
	op->out = ofa_device_u32(r + OFA_FMT_OP_OUT);
	op->residual = ofa_device_u32(r + OFA_FMT_OP_RESIDUAL);
	op->scratch = ofa_device_u32(r + OFA_FMT_OP_SCRATCH);
	op->rows = ofa_device_u16(r + OFA_FMT_OP_ROWS);
	op->origin = ofa_device_u32(r + OFA_FMT_OP_FROM);
}

static int in_limits(const struct ofa_device_op *op)
{
	return op->h_in > 0 && op->h_in <= OFA_FMT_MAX_SIDE && op->w_in > 0 && op->w_in <= OFA_FMT_MAX_SIDE &&
	       op->h_out > 0 && op->h_out <= OFA_FMT_MAX_SIDE && op->w_out > 0 && op->w_out <= OFA_FMT_MAX_SIDE &&
	       op->c_in > 0 && op->c_in <= OFA_FMT_MAX_CHANNELS && op->c_out > 0 && op->c_out <= OFA_FMT_MAX_CHANNELS &&
	       op->hidden <= OFA_FMT_MAX_CHANNELS;
}

/* Operations of int8 packages have as many multipliers and as many shifts as biases, and one table. */
static uint32_t n_tensors(const struct ofa_device_model *m, const struct ofa_device_op *op)
{
	const uint32_t n = rules[op->kind].n_tensors;

	return m->type == OFA_DEVICE_INT8 ? 2 * n + (uint32_t)ofa_device_looks_up(m, op) : n;
}

/* Parameters that the kind may or must have. */
static enum ofa_device_status check_kind(const struct ofa_device_model *m, const struct ofa_device_op *op, uint32_t at,
					 uint32_t *where)
{
	const struct kind_rule *rule;

	if (op->kind >= sizeof(rules) / sizeof(rules[0]) || !rules[op->kind].known)
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_KIND, where);
	rule = &rules[op->kind];
	if (op->act >= OFA_FMT_ACT_COUNT || (!rule->acts && op->act != OFA_FMT_ACT_NONE))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_ACT, where);
	if (op->k == 0 || op->k > (rule->window ? OFA_FMT_MAX_KERNEL : 1u))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_KERNEL, where);
	if (op->stride == 0 || op->stride > (rule->window ? OFA_FMT_MAX_STRIDE : 1u))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_STRIDE, where);
	if (rule->tiles && op->stride != op->k)
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_STRIDE, where);
	if (op->pad >= op->k || (rule->tiles && op->pad != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_PAD, where);
	if (op->n_tensors != n_tensors(m, op))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_TENSORS, where);
	if ((op->hidden != 0) != (op->kind == OFA_FMT_SE))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_HIDDEN, where);
	if ((op->scratch != OFA_FMT_NONE) != (op->kind == OFA_FMT_SE))
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_SCRATCH, where);
	if (op->residual != OFA_FMT_NONE ? !rule->adds : rule->must_add)
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_RESIDUAL, where);
	if (m->type == OFA_DEVICE_INT8 && op->residual != OFA_FMT_NONE && op->act > OFA_FMT_ACT_RELU6)
		return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_ACT, where);
	return OFA_DEVICE_OK;
}

/* floor((in + 2 pad - k) / stride) + 1, or 0 when the window does not fit; ceil(in / k) of tiles. */
static uint32_t output_side(const struct ofa_device_op *op, uint32_t in)
{
	if (op->kind == OFA_FMT_GLOBAL_POOL)
		return 1;
	if (rules[op->kind].tiles)
		return (in + op->k - 1) / op->k;
	return in + 2 * op->pad < op->k ? 0 : (in + 2 * op->pad - op->k) / op->stride + 1;
}

static enum ofa_device_status check_shape(const struct ofa_device_model *m, const struct ofa_device_op *op, uint32_t at,
					  uint32_t *where)
{
	const struct kind_rule *rule = &rules[op->kind];

	if (op->h_out != output_side(op, op->h_in))
		return ofa_device_refuse(OFA_DEVICE_ERR_SHAPE, at + OFA_FMT_OP_H_OUT, where);
	if (op->w_out != output_side(op, op->w_in))
		return ofa_device_refuse(OFA_DEVICE_ERR_SHAPE, at + OFA_FMT_OP_W_OUT, where);
	if (rule->one_pixel && (op->h_in != 1 || op->w_in != 1))
		return ofa_device_refuse(OFA_DEVICE_ERR_SHAPE, at + OFA_FMT_OP_H_IN, where);
	if (rule->keeps_c && op->c_out != op->c_in)
		return ofa_device_refuse(OFA_DEVICE_ERR_SHAPE, at + OFA_FMT_OP_C_OUT, where);
	if (m->type == OFA_DEVICE_INT8 && op->kind == OFA_FMT_CONV &&
	    op->c_in > OFA_FMT_MAX_INT8_TAPS / (op->k * op->k))
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, at + OFA_FMT_OP_C_IN, where);
	if (op->rows > op->h_out)
		return ofa_device_refuse(OFA_DEVICE_ERR_GROUP, at + OFA_FMT_OP_ROWS, where);
	return OFA_DEVICE_OK;
}

/* Multiply-accumulates: windows count whole, padding included. */
static uint64_t op_macs(const struct ofa_device_op *op)
{
	const uint64_t pixels = (uint64_t)op->h_out * op->w_out, taps = (uint64_t)op->k * op->k;

	switch (op->kind) {
	case OFA_FMT_CONV:
	case OFA_FMT_LINEAR:
		return pixels * taps * op->c_in * op->c_out;
	case OFA_FMT_DWCONV:
		return pixels * taps * op->c_out;
	case OFA_FMT_SE:
		return 2 * (uint64_t)op->c_in * op->hidden;
	default:
		return 0;
	}
}

static int reserved_are_zero(const struct ofa_device_model *m, uint32_t op)
{
	const uint8_t *r = m->data + op;

	if (m->type != OFA_DEVICE_INT8)
		return ofa_device_all_zero(r + OFA_FMT_OP_ROWS, OFA_FMT_OP_BYTES - OFA_FMT_OP_ROWS);
	return ofa_device_all_zero(r + OFA_FMT_OP_RESERVED, OFA_FMT_OP_FROM - OFA_FMT_OP_RESERVED) &&
	       ofa_device_all_zero(r + OFA_FMT_OP_RESERVED2, OFA_FMT_OP_BYTES - OFA_FMT_OP_RESERVED2);
}

static enum ofa_device_status check_op(const struct ofa_device_model *m, const struct ofa_device_op *op, uint32_t at,
				       uint32_t *where)
{
	enum ofa_device_status status;

	if (!reserved_are_zero(m, at))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_OP_ROWS, where);
	if (!in_limits(op))
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, at, where);
	status = check_kind(m, op, at, where);
	return status != OFA_DEVICE_OK ? status : check_shape(m, op, at, where);
}

/* A float package has the type of its first tensor, a weight, which those of all others must have, too. */
static enum ofa_device_type float_type(const struct ofa_device_model *m)
{
	const uint8_t *first = m->data + m->tensor_offset;

	return m->n_tensors > 0 && first[OFA_FMT_TENSOR_TYPE] == OFA_FMT_FLOAT16 ? OFA_DEVICE_FLOAT16
										 : OFA_DEVICE_FLOAT32;
}

enum ofa_device_status ofa_device_check_ops(struct ofa_device_model *m, uint32_t data_offset, uint32_t *where)
{
	uint32_t i, at = OFA_FMT_HEADER_BYTES, data_end = data_offset, n = 0;
	enum ofa_device_status status;
	struct ofa_device_op op;

	if (m->type != OFA_DEVICE_INT8)
		m->type = float_type(m);
	for (i = 0; i < m->n_ops; i++, at += OFA_FMT_OP_BYTES) {
		ofa_device_op_decode(m->data + at, &op);
		status = check_op(m, &op, at, where);
		if (status != OFA_DEVICE_OK)
			return status;
		if (op.first_tensor != n || op.n_tensors > m->n_tensors - n)
			return ofa_device_refuse(OFA_DEVICE_ERR_OP, at + OFA_FMT_OP_FIRST_TENSOR, where);
		n += op.n_tensors;
		status = ofa_device_check_tensors(m, &op, &data_end, where);
		if (status == OFA_DEVICE_OK && m->type == OFA_DEVICE_INT8)
			status = ofa_device_check_quant(m, i, &op, where);
		if (status != OFA_DEVICE_OK)
			return status;
		m->macs += op_macs(&op);
	}
	if (n != m->n_tensors)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, OFA_FMT_HEADER_TENSORS, where);
	if (data_end != m->size - OFA_FMT_TRAILER_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_SIZE, where);
	if (op.h_out != 1 || op.w_out != 1 || op.c_out != m->classes)
		return ofa_device_refuse(OFA_DEVICE_ERR_OUTPUT, at - OFA_FMT_OP_BYTES, where);
	return OFA_DEVICE_OK;
}
