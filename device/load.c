#include "internal.h"
#include "kernels.h"
#include "kernels_int8.h"

static int host_is_little_endian(void)
{
	const uint16_t one = 1;
	uint8_t first;

	memcpy(&first, &one, 1);
	return first == 1;
}

static enum ofa_device_status check_header(const uint8_t *h, size_t size, uint32_t *where)
{
	uint32_t n;

	if (size < OFA_FMT_HEADER_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_TRUNCATED, 0, where);
	if (memcmp(h + OFA_FMT_HEADER_MAGIC, OFA_FMT_MAGIC, 8) != 0)
		return ofa_device_refuse(OFA_DEVICE_ERR_MAGIC, OFA_FMT_HEADER_MAGIC, where);
	if (ofa_device_u16(h + OFA_FMT_HEADER_MAJOR) != OFA_FMT_MAJOR)
		return ofa_device_refuse(OFA_DEVICE_ERR_VERSION, OFA_FMT_HEADER_MAJOR, where);
	if (!ofa_device_all_zero(h + OFA_FMT_HEADER_FLAGS, 4))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, OFA_FMT_HEADER_FLAGS, where);
	if (!ofa_device_all_zero(h + OFA_FMT_HEADER_RESERVED, 2))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, OFA_FMT_HEADER_RESERVED, where);
	if (!ofa_device_all_zero(h + OFA_FMT_HEADER_RESERVED2, 8))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, OFA_FMT_HEADER_RESERVED2, where);

	n = ofa_device_u32(h + OFA_FMT_HEADER_SIZE);
	if (n < OFA_FMT_HEADER_BYTES || n > OFA_FMT_MAX_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, OFA_FMT_HEADER_SIZE, where);
	if (n > size)
		return ofa_device_refuse(OFA_DEVICE_ERR_TRUNCATED, OFA_FMT_HEADER_SIZE, where);
	n = ofa_device_u32(h + OFA_FMT_HEADER_ARENA);
	if (n == 0 || n > OFA_FMT_MAX_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, OFA_FMT_HEADER_ARENA, where);
	n = ofa_device_u16(h + OFA_FMT_HEADER_OPS);
	if (n == 0 || n > OFA_FMT_MAX_OPS)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, OFA_FMT_HEADER_OPS, where);
	if (ofa_device_u16(h + OFA_FMT_HEADER_TENSORS) > OFA_FMT_MAX_TENSORS)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, OFA_FMT_HEADER_TENSORS, where);
	n = ofa_device_u16(h + OFA_FMT_HEADER_QUANTS);
	if (n != 0 && n != ofa_device_u16(h + OFA_FMT_HEADER_OPS))
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, OFA_FMT_HEADER_QUANTS, where);
	return OFA_DEVICE_OK;
}

/* The first four sections are fixed by the counts; the other borders must be ordered multiples of 64
 * with room for what they hold. */
static enum ofa_device_status check_sections(const uint8_t *h, uint32_t *where)
{
	const uint32_t tensors = OFA_FMT_HEADER_BYTES + ofa_device_u16(h + OFA_FMT_HEADER_OPS) * OFA_FMT_OP_BYTES;
	const uint32_t quants = tensors + ofa_device_u16(h + OFA_FMT_HEADER_TENSORS) * OFA_FMT_TENSOR_BYTES;
	const uint32_t io = quants + ofa_device_u16(h + OFA_FMT_HEADER_QUANTS) * OFA_FMT_QUANT_BYTES;
	const uint32_t meta = ofa_device_u32(h + OFA_FMT_HEADER_META_OFFSET);
	const uint32_t data = ofa_device_u32(h + OFA_FMT_HEADER_DATA_OFFSET);
	const uint32_t size = ofa_device_u32(h + OFA_FMT_HEADER_SIZE);

	if (ofa_device_u32(h + OFA_FMT_HEADER_OP_OFFSET) != OFA_FMT_HEADER_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_OP_OFFSET, where);
	if (ofa_device_u32(h + OFA_FMT_HEADER_TENSOR_OFFSET) != tensors)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_TENSOR_OFFSET, where);
	if (ofa_device_u32(h + OFA_FMT_HEADER_QUANT_OFFSET) != quants)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_QUANT_OFFSET, where);
	if (ofa_device_u32(h + OFA_FMT_HEADER_IO_OFFSET) != io)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_IO_OFFSET, where);
	if (meta % OFA_FMT_ALIGN != 0 || meta < io + OFA_FMT_IO_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_META_OFFSET, where);
	if (data % OFA_FMT_ALIGN != 0 || data < meta)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_DATA_OFFSET, where);
	if (size % OFA_FMT_ALIGN != OFA_FMT_TRAILER_BYTES || size - OFA_FMT_TRAILER_BYTES < data)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_SIZE, where);
	return OFA_DEVICE_OK;
}

#ifdef OFA_DEVICE_INT8_ONLY
static enum ofa_device_status set_type(struct ofa_device_model *m, uint32_t *where)
{
	if (ofa_device_u16(m->data + OFA_FMT_HEADER_QUANTS) == 0)
		return ofa_device_refuse(OFA_DEVICE_ERR_TYPE, OFA_FMT_HEADER_QUANTS, where);
	m->type = OFA_DEVICE_INT8;
	m->int8_kernels = ofa_device_choose_int8();
	return OFA_DEVICE_OK;
}

static enum ofa_device_status check_dataflow(const struct ofa_device_model *m, uint32_t *where)
{
	return ofa_device_check_stripes(m, where);
}
#else
/* Which of the float types: ofa_device_check_ops() sees. */
static enum ofa_device_status set_type(struct ofa_device_model *m, uint32_t *where)
{
	(void)where;
	m->type = OFA_DEVICE_FLOAT32;
	if (ofa_device_u16(m->data + OFA_FMT_HEADER_QUANTS) > 0) {
		m->type = OFA_DEVICE_INT8;
		m->int8_kernels = ofa_device_choose_int8();
	}
	return OFA_DEVICE_OK;
}

static enum ofa_device_status check_dataflow(struct ofa_device_model *m, uint32_t *where)
{
	if (m->type == OFA_DEVICE_INT8)
		return ofa_device_check_stripes(m, where);
	m->kernels = ofa_device_kernels_for(ofa_device_cpu(), m->type == OFA_DEVICE_FLOAT16);
	return ofa_device_check_dataflow(m, where);
}
#endif

static enum ofa_device_status load(const uint8_t *data, size_t size, struct ofa_device_model *m, uint32_t *where)
{
	enum ofa_device_status status;
	uint32_t meta, data_offset;

	if (!host_is_little_endian())
		return ofa_device_refuse(OFA_DEVICE_ERR_HOST, 0, where);
	if ((uintptr_t)data % sizeof(float) != 0)
		return ofa_device_refuse(OFA_DEVICE_ERR_ALIGNMENT, 0, where);
	status = check_header(data, size, where);
	if (status == OFA_DEVICE_OK)
		status = check_sections(data, where);
	if (status != OFA_DEVICE_OK)
		return status;

	meta = ofa_device_u32(data + OFA_FMT_HEADER_META_OFFSET);
	data_offset = ofa_device_u32(data + OFA_FMT_HEADER_DATA_OFFSET);
	m->data = data;
	m->size = ofa_device_u32(data + OFA_FMT_HEADER_SIZE);
	m->arena_bytes = ofa_device_u32(data + OFA_FMT_HEADER_ARENA);
	m->n_ops = ofa_device_u16(data + OFA_FMT_HEADER_OPS);
	m->n_tensors = ofa_device_u16(data + OFA_FMT_HEADER_TENSORS);
	m->tensor_offset = ofa_device_u32(data + OFA_FMT_HEADER_TENSOR_OFFSET);
	m->quant_offset = ofa_device_u32(data + OFA_FMT_HEADER_QUANT_OFFSET);
	m->meta = (const char *)data + meta;
	m->meta_bytes = data_offset - meta;
	status = set_type(m, where);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_load_io(m, ofa_device_u32(data + OFA_FMT_HEADER_IO_OFFSET), meta, where);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_check_ops(m, data_offset, where);
	return status != OFA_DEVICE_OK ? status : check_dataflow(m, where);
}

enum ofa_device_status ofa_device_load(const void *data, size_t size, struct ofa_device_model *ret_model,
				       uint32_t *ret_where)
{
	struct ofa_device_model m;
	uint32_t where = 0;
	enum ofa_device_status status;

	memset(&m, 0, sizeof(m));
	status = load(data, size, &m, &where);
	if (status == OFA_DEVICE_OK)
		*ret_model = m;
	else if (ret_where != NULL)
		*ret_where = where;
	return status;
}

const char *ofa_device_class_name(const struct ofa_device_model *model, uint32_t class_index)
{
	const char *name = (const char *)model->data + model->names_offset;

	if (model->names_bytes == 0 || class_index >= model->classes)
		return NULL;
	while (class_index-- > 0)
		name += strlen(name) + 1;
	return name;
}

const char *ofa_device_kernel_name(const struct ofa_device_model *model)
{
#ifndef OFA_DEVICE_INT8_ONLY
	if (model->type != OFA_DEVICE_INT8)
		return model->kernels->name;
#endif
	return model->int8_kernels->name;
}
