#include "internal.h"

/* What an operation uses of its quantisation record, beside input, output and bounds. */
enum {
	USES_ADDED = 1,
	USES_INNER = 2,
	USES_FIRST = 4,
	USES_SECOND = 8,
	USES_RESULT = 16,
	USES_ADDITION = USES_ADDED | USES_FIRST | USES_SECOND | USES_RESULT
};

static unsigned uses(const struct ofa_device_model *m, const struct ofa_device_op *op)
{
	switch (op->kind) {
	case OFA_FMT_SE:
		return USES_ADDED | USES_INNER | USES_FIRST | USES_RESULT;
	case OFA_FMT_GLOBAL_POOL:
		return USES_FIRST;
	case OFA_FMT_ADD:
		return USES_ADDITION;
	default:
		if (op->residual != OFA_FMT_NONE)
			return USES_INNER | USES_ADDITION;
		return ofa_device_looks_up(m, op) ? USES_INNER : 0;
	}
}

/* A scale and its zero point, which are 0 where they are not used. */
static int affine_is_sound(const uint8_t *record, uint32_t scale, uint32_t zero, int used)
{
	const uint32_t bits = ofa_device_u32(record + scale);

	return used ? ofa_device_positive(bits) : bits == 0 && record[zero] == 0;
}

static int rescale_is_sound(const uint8_t *record, uint32_t field, int used)
{
	return used ? ofa_device_is_multiplier(ofa_device_i32(record + field)) &&
			       ofa_device_is_shift(ofa_device_i32(record + field + 4))
		    : ofa_device_all_zero(record + field, 8);
}

/* Only ReLU and ReLU6 bound what would not be bounded by int8. */
static int bounds_are_sound(const uint8_t *record, const struct ofa_device_op *op)
{
	const int32_t low = ofa_device_i32(record + OFA_FMT_QUANT_LOW);
	const int32_t high = ofa_device_i32(record + OFA_FMT_QUANT_HIGH);

	if (op->act == OFA_FMT_ACT_RELU || op->act == OFA_FMT_ACT_RELU6)
		return low >= -128 && low <= high && high <= 127;
	return low == -128 && high == 127;
}

enum ofa_device_status ofa_device_check_quant(const struct ofa_device_model *m, uint32_t i,
					      const struct ofa_device_op *op, uint32_t *where)
{
	const uint32_t at = m->quant_offset + i * OFA_FMT_QUANT_BYTES;
	const uint8_t *r = m->data + at;
	const unsigned used = uses(m, op);

	if (!affine_is_sound(r, OFA_FMT_QUANT_IN_SCALE, OFA_FMT_QUANT_IN_ZERO, 1))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_IN_SCALE, where);
	if (!affine_is_sound(r, OFA_FMT_QUANT_OUT_SCALE, OFA_FMT_QUANT_OUT_ZERO, 1))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_OUT_SCALE, where);
	if (!affine_is_sound(r, OFA_FMT_QUANT_ADDED_SCALE, OFA_FMT_QUANT_ADDED_ZERO, (used & USES_ADDED) != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_ADDED_SCALE, where);
	if (!affine_is_sound(r, OFA_FMT_QUANT_INNER_SCALE, OFA_FMT_QUANT_INNER_ZERO, (used & USES_INNER) != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_INNER_SCALE, where);
	if (!rescale_is_sound(r, OFA_FMT_QUANT_FIRST, (used & USES_FIRST) != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_FIRST, where);
	if (!rescale_is_sound(r, OFA_FMT_QUANT_SECOND, (used & USES_SECOND) != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_SECOND, where);
	if (!rescale_is_sound(r, OFA_FMT_QUANT_RESULT, (used & USES_RESULT) != 0))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_RESULT, where);
	if (!bounds_are_sound(r, op))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_LOW, where);
	if ((op->kind == OFA_FMT_MAX_POOL || op->kind == OFA_FMT_AVERAGE_POOL) &&
	    (memcmp(r + OFA_FMT_QUANT_IN_SCALE, r + OFA_FMT_QUANT_OUT_SCALE, 4) != 0 ||
	     r[OFA_FMT_QUANT_IN_ZERO] != r[OFA_FMT_QUANT_OUT_ZERO]))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, at + OFA_FMT_QUANT_OUT_SCALE, where);
	if (!ofa_device_all_zero(r + OFA_FMT_QUANT_RESERVED, 12))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_QUANT_RESERVED, where);
	return OFA_DEVICE_OK;
}
