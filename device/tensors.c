#include "internal.h"

/* What one tensor of an operation must be. */
struct wanted {
	uint32_t type, role, layout, rank;
	uint32_t dims[OFA_FMT_MAX_RANK];
};

static struct wanted *want(struct wanted *w, uint32_t type, uint32_t role, uint32_t layout, uint32_t rank,
			   const uint32_t *dims)
{
	memset(w, 0, sizeof(*w));
	w->type = type;
	w->role = role;
	w->layout = layout;
	w->rank = rank;
	memcpy(w->dims, dims, rank * sizeof(dims[0]));
	return w + 1;
}

static struct wanted *want_pair(struct wanted *w, uint32_t type, const uint32_t roles[2], uint32_t n)
{
	w = want(w, type, roles[0], OFA_FMT_PLAIN, 1, &n);
	return roles[1] == 0 ? w : want(w, type, roles[1], OFA_FMT_PLAIN, 1, &n);
}

static void want_all(const struct ofa_device_model *m, const struct ofa_device_op *op, struct wanted *w)
{
	static const uint32_t bias[] = {OFA_FMT_BIAS, 0}, bias2[] = {OFA_FMT_BIAS2, 0};
	static const uint32_t rescale[] = {OFA_FMT_MULTIPLIER, OFA_FMT_SHIFT};
	static const uint32_t rescale2[] = {OFA_FMT_MULTIPLIER2, OFA_FMT_SHIFT2};
	static const uint32_t lookup[] = {OFA_FMT_LOOKUP, 0};
	const uint32_t conv[] = {op->c_out, op->k, op->k, op->c_in}, depthwise[] = {op->c_out, op->k, op->k};
	const uint32_t taps[] = {op->k, op->k, op->c_out}, linear[] = {op->c_out, op->c_in};
	const uint32_t reduce[] = {op->hidden, op->c_in}, expand[] = {op->c_in, op->hidden};
	const int int8 = m->type == OFA_DEVICE_INT8;
	const uint32_t weights = m->type, biases = int8 ? OFA_FMT_INT32 : OFA_FMT_FLOAT32;
	const uint32_t panels = int8 ? OFA_FMT_QUADS : OFA_FMT_PANELS;

	switch (op->kind) {
	case OFA_FMT_CONV:
		w = want(w, weights, OFA_FMT_WEIGHT, panels, 4, conv);
		break;
	case OFA_FMT_DWCONV:
		w = want(w, weights, OFA_FMT_WEIGHT, int8 ? OFA_FMT_PLAIN : OFA_FMT_PANELS, 3, int8 ? taps : depthwise);
		break;
	case OFA_FMT_LINEAR:
		w = want(w, weights, OFA_FMT_WEIGHT, panels, 2, linear);
		break;
	case OFA_FMT_SE:
		w = want(w, weights, OFA_FMT_WEIGHT, panels, 2, reduce);
		w = want_pair(w, biases, bias, op->hidden);
		w = want(w, weights, OFA_FMT_WEIGHT2, panels, 2, expand);
		w = want_pair(w, biases, bias2, op->c_in);
		if (int8) {
			w = want_pair(w, OFA_FMT_INT32, rescale, op->hidden);
			want_pair(w, OFA_FMT_INT32, rescale2, op->c_in);
		}
		return;
	default: /* no tensors */
		return;
	}
	w = want_pair(w, biases, bias, op->c_out);
	if (int8)
		w = want_pair(w, OFA_FMT_INT32, rescale, op->c_out);
	if (ofa_device_looks_up(m, op))
		want_pair(w, OFA_FMT_INT8, lookup, OFA_FMT_LOOKUP_BYTES);
}

static uint64_t round_up(uint64_t n, uint32_t multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

/* Bytes of data.  At most 65536^2 * 49 * 4 + 65536 * 7 * 3: no overflow in 64 bits. */
static uint64_t wanted_bytes(const struct wanted *w)
{
	static const uint8_t sizes[] = {
		[OFA_FMT_FLOAT32] = 4, [OFA_FMT_FLOAT16] = 2, [OFA_FMT_INT8] = 1, [OFA_FMT_INT32] = 4};
	uint64_t row = 1, segments = 1;
	uint32_t i;

	if (w->layout == OFA_FMT_QUADS && w->rank == 4)
		segments = w->dims[1];
	for (i = segments > 1 ? 2 : 1; i < w->rank; i++)
		row *= w->dims[i];
	if (w->layout == OFA_FMT_QUADS)
		row = segments * round_up(row, OFA_FMT_QUAD);
	return (w->layout == OFA_FMT_PLAIN ? w->dims[0] : round_up(w->dims[0], OFA_FMT_PANEL)) * row * sizes[w->type];
}

/* Every number of a tensor of multipliers or shifts; other roles have no rule. */
static enum ofa_device_status check_numbers(const struct ofa_device_model *m, const struct wanted *w, uint32_t data,
					    uint32_t *where)
{
	const int multipliers = w->role == OFA_FMT_MULTIPLIER || w->role == OFA_FMT_MULTIPLIER2;
	uint32_t i;

	if (!multipliers && w->role != OFA_FMT_SHIFT && w->role != OFA_FMT_SHIFT2)
		return OFA_DEVICE_OK;
	for (i = 0; i < w->dims[0]; i++, data += 4) {
		const int32_t n = ofa_device_i32(m->data + data);

		if (multipliers ? !ofa_device_is_multiplier(n) : !ofa_device_is_shift(n))
			return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, data, where);
	}
	return OFA_DEVICE_OK;
}

static enum ofa_device_status check_tensor(const struct ofa_device_model *m, uint32_t at, const struct wanted *w,
					   uint32_t *data_end, uint32_t *where)
{
	const uint8_t *r = m->data + at;
	const uint32_t room = m->size - OFA_FMT_TRAILER_BYTES - *data_end;
	const uint64_t bytes = wanted_bytes(w);
	uint32_t i, next;

	if (!ofa_device_all_zero(r + OFA_FMT_TENSOR_RESERVED, 4))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_TENSOR_RESERVED, where);
	if (!ofa_device_all_zero(r + OFA_FMT_TENSOR_RESERVED2, 16))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_TENSOR_RESERVED2, where);
	if (r[OFA_FMT_TENSOR_TYPE] != w->type)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_TYPE, where);
	if (r[OFA_FMT_TENSOR_ROLE] != w->role)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_ROLE, where);
	if (r[OFA_FMT_TENSOR_LAYOUT] != w->layout)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_LAYOUT, where);
	if (r[OFA_FMT_TENSOR_RANK] != w->rank)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_RANK, where);
	for (i = 0; i < OFA_FMT_MAX_RANK; i++) {
		if (ofa_device_u32(r + OFA_FMT_TENSOR_DIMS + 4 * i) != w->dims[i])
			return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_DIMS + 4 * i, where);
	}
	if (ofa_device_u32(r + OFA_FMT_TENSOR_OFFSET) != *data_end)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_OFFSET, where);
	/* the data section is a multiple of 64, so data that fits leaves room for its padding */
	if (ofa_device_u32(r + OFA_FMT_TENSOR_SIZE) != bytes || bytes > room)
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at + OFA_FMT_TENSOR_SIZE, where);
	next = *data_end + (uint32_t)round_up(bytes, OFA_FMT_ALIGN);
	at = *data_end + (uint32_t)bytes;
	/* kernels read biases and the like up to there */
	if (!ofa_device_all_zero(m->data + at, next - at))
		return ofa_device_refuse(OFA_DEVICE_ERR_TENSOR, at, where);
	at = *data_end;
	*data_end = next;
	return check_numbers(m, w, at, where);
}

enum ofa_device_status ofa_device_check_tensors(const struct ofa_device_model *m, const struct ofa_device_op *op,
						uint32_t *data_end, uint32_t *where)
{
	struct wanted wanted[OFA_FMT_MAX_OP_TENSORS];
	uint32_t i;

	want_all(m, op, wanted);
	for (i = 0; i < op->n_tensors; i++) {
		const uint32_t at = m->tensor_offset + (op->first_tensor + i) * OFA_FMT_TENSOR_BYTES;
		const enum ofa_device_status status = check_tensor(m, at, &wanted[i], data_end, where);

		if (status != OFA_DEVICE_OK)
			return status;
	}
	return OFA_DEVICE_OK;
}

void ofa_device_tensor(const struct ofa_device_model *model, uint32_t index, struct ofa_device_tensor *ret_tensor)
{
	const uint8_t *record = model->data + model->tensor_offset + (size_t)index * OFA_FMT_TENSOR_BYTES;

	ret_tensor->data = model->data + ofa_device_u32(record + OFA_FMT_TENSOR_OFFSET);
	ret_tensor->size = ofa_device_u32(record + OFA_FMT_TENSOR_SIZE);
	ret_tensor->hash = record + OFA_FMT_TENSOR_HASH;
}
