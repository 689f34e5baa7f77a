#include "internal.h"

/* What one tensor of an operation must be. */
struct wanted {
	uint32_t role, layout, rank;
	uint32_t dims[OFA_FMT_MAX_RANK];
};

static void want_weight(struct wanted *w, uint32_t role, uint32_t rank, const uint32_t *dims)
{
	memset(w, 0, sizeof(*w));
	w->role = role;
	w->layout = OFA_FMT_PANELS;
	w->rank = rank;
	memcpy(w->dims, dims, rank * sizeof(dims[0]));
}

static void want_bias(struct wanted *w, uint32_t role, uint32_t n)
{
	memset(w, 0, sizeof(*w));
	w->role = role;
	w->layout = OFA_FMT_PLAIN;
	w->rank = 1;
	w->dims[0] = n;
}

static void want_all(const struct ofa_device_op *op, struct wanted w[OFA_FMT_MAX_OP_TENSORS])
{
	const uint32_t conv[] = {op->c_out, op->k, op->k, op->c_in}, depthwise[] = {op->c_out, op->k, op->k};
	const uint32_t linear[] = {op->c_out, op->c_in}, reduce[] = {op->hidden, op->c_in},
		       expand[] = {op->c_in, op->hidden};

	switch (op->kind) {
	case OFA_FMT_CONV:
		want_weight(&w[0], OFA_FMT_WEIGHT, 4, conv);
		want_bias(&w[1], OFA_FMT_BIAS, op->c_out);
		break;
	case OFA_FMT_DWCONV:
		want_weight(&w[0], OFA_FMT_WEIGHT, 3, depthwise);
		want_bias(&w[1], OFA_FMT_BIAS, op->c_out);
		break;
	case OFA_FMT_LINEAR:
		want_weight(&w[0], OFA_FMT_WEIGHT, 2, linear);
		want_bias(&w[1], OFA_FMT_BIAS, op->c_out);
		break;
	case OFA_FMT_SE:
		want_weight(&w[0], OFA_FMT_WEIGHT, 2, reduce);
		want_bias(&w[1], OFA_FMT_BIAS, op->hidden);
		want_weight(&w[2], OFA_FMT_WEIGHT2, 2, expand);
		want_bias(&w[3], OFA_FMT_BIAS2, op->c_in);
		break;
	default: /* no tensors */
		break;
	}
}

/* Bytes of float32 data.  At most 65536^2 * 49 * 4: no overflow in 64 bits. */
static uint64_t wanted_bytes(const struct wanted *w)
{
	const uint32_t panel = w->layout == OFA_FMT_PANELS ? OFA_FMT_PANEL : 1;
	uint64_t n = ((uint64_t)w->dims[0] + panel - 1) / panel * panel;
	uint32_t i;

	for (i = 1; i < w->rank; i++)
		n *= w->dims[i];
	return n * sizeof(float);
}

static enum ofa_device_status check_tensor(const struct ofa_device_model *m, uint32_t at, const struct wanted *w,
					   uint32_t *data_end, uint32_t *where)
{
	const uint8_t *r = m->data + at;
	const uint32_t room = m->size - OFA_FMT_TRAILER_BYTES - *data_end;
	const uint64_t bytes = wanted_bytes(w);
	uint32_t i;

	if (!ofa_device_all_zero(r + OFA_FMT_TENSOR_RESERVED, 4))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_TENSOR_RESERVED, where);
	if (!ofa_device_all_zero(r + OFA_FMT_TENSOR_RESERVED2, 16))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, at + OFA_FMT_TENSOR_RESERVED2, where);
	if (r[OFA_FMT_TENSOR_TYPE] != OFA_FMT_FLOAT32)
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
	*data_end += (uint32_t)((bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN);
	return OFA_DEVICE_OK;
}

enum ofa_device_status ofa_device_check_tensors(const struct ofa_device_model *m, const struct ofa_device_op *op,
						uint32_t *data_end, uint32_t *where)
{
	struct wanted wanted[OFA_FMT_MAX_OP_TENSORS];
	uint32_t i;

	want_all(op, wanted);
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
