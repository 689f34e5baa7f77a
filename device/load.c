#include "internal.h"
#include "kernels.h"

/* Offset of the section after one of `bytes` bytes at `offset`.  64 bits: sums of hostile 32-bit
 * numbers must not wrap. */
static uint64_t section_end(uint64_t offset, uint64_t bytes)
{
	return (offset + bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

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
	if (!ofa_device_all_zero(h + OFA_FMT_HEADER_QUANTS, 4)) /* and the reserved field beside it */
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, OFA_FMT_HEADER_QUANTS, where);
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
	return OFA_DEVICE_OK;
}

/* The first three sections are fixed by the counts; the other borders must be ordered multiples of 64
 * with room for what they hold. */
static enum ofa_device_status check_sections(const uint8_t *h, uint32_t *where)
{
	const uint32_t tensors = OFA_FMT_HEADER_BYTES + ofa_device_u16(h + OFA_FMT_HEADER_OPS) * OFA_FMT_OP_BYTES;
	const uint32_t io = tensors + ofa_device_u16(h + OFA_FMT_HEADER_TENSORS) * OFA_FMT_TENSOR_BYTES;
	const uint32_t meta = ofa_device_u32(h + OFA_FMT_HEADER_META_OFFSET);
	const uint32_t data = ofa_device_u32(h + OFA_FMT_HEADER_DATA_OFFSET);
	const uint32_t size = ofa_device_u32(h + OFA_FMT_HEADER_SIZE);

	if (ofa_device_u32(h + OFA_FMT_HEADER_OP_OFFSET) != OFA_FMT_HEADER_BYTES)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_OP_OFFSET, where);
	if (ofa_device_u32(h + OFA_FMT_HEADER_TENSOR_OFFSET) != tensors)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_TENSOR_OFFSET, where);
	if (ofa_device_u32(h + OFA_FMT_HEADER_QUANT_OFFSET) != io)
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

static int finite_float(float f)
{
	return f - f == 0.0f;
}

static enum ofa_device_status load_normalisation(struct ofa_device_model *m, uint32_t io, uint32_t *where)
{
	uint32_t c;

	for (c = 0; c < OFA_FMT_MAX_INPUT_CHANNELS; c++) {
		const uint32_t mean = io + OFA_FMT_IO_MEAN + 4 * c, std = io + OFA_FMT_IO_STD + 4 * c;

		m->mean[c] = ofa_device_f32(m->data + mean);
		m->std[c] = ofa_device_f32(m->data + std);
		if (c < m->channels) {
			if (!finite_float(m->mean[c]))
				return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, mean, where);
			if (!finite_float(m->std[c]) || !(m->std[c] > 0.0f))
				return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, std, where);
		} else {
			if (!ofa_device_all_zero(m->data + mean, 4))
				return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, mean, where);
			if (!ofa_device_all_zero(m->data + std, 4))
				return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, std, where);
		}
	}
	m->tolerance = ofa_device_f32(m->data + io + OFA_FMT_IO_TOLERANCE);
	if (!(m->tolerance >= 0.0f && m->tolerance <= 1.0f))
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_TOLERANCE, where);
	return OFA_DEVICE_OK;
}

static enum ofa_device_status check_names(const struct ofa_device_model *m, uint32_t *where)
{
	const uint8_t *names = m->data + m->names_offset;
	uint32_t i, n = 0;

	if (m->names_bytes == 0)
		return OFA_DEVICE_OK;
	for (i = 0; i < m->names_bytes; i++)
		n += names[i] == 0;
	if (n != m->classes || names[m->names_bytes - 1] != 0)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, m->names_offset, where);
	return OFA_DEVICE_OK;
}

/* A logit that is not finite would let every run pass the self-test. */
static enum ofa_device_status check_logits(const struct ofa_device_model *m, uint32_t *where)
{
	uint32_t i;

	for (i = 0; i < m->classes; i++) {
		if (!finite_float(m->logits[i]))
			return ofa_device_refuse(OFA_DEVICE_ERR_INPUT,
						 (uint32_t)((const uint8_t *)&m->logits[i] - m->data), where);
	}
	return OFA_DEVICE_OK;
}

/* Names, logits and pixels follow the record in this order and end where the metadata begins. */
static enum ofa_device_status load_io_arrays(struct ofa_device_model *m, uint32_t io, uint32_t meta, uint32_t *where)
{
	const uint8_t *r = m->data + io;
	const uint64_t names = (uint64_t)io + OFA_FMT_IO_BYTES;
	enum ofa_device_status status;
	uint64_t logits, pixels;

	m->names_bytes = ofa_device_u32(r + OFA_FMT_IO_NAMES_SIZE);
	m->names_offset = ofa_device_u32(r + OFA_FMT_IO_NAMES_OFFSET);
	logits = section_end(names, m->names_bytes);
	pixels = section_end(logits, (uint64_t)m->classes * sizeof(float));
	if (m->names_offset != names)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_NAMES_OFFSET, where);
	if (ofa_device_u32(r + OFA_FMT_IO_LOGITS_OFFSET) != logits)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_LOGITS_OFFSET, where);
	if (ofa_device_u32(r + OFA_FMT_IO_PIXELS_OFFSET) != pixels)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_PIXELS_OFFSET, where);
	if (section_end(pixels, (uint64_t)m->height * m->width * m->channels) != meta)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_META_OFFSET, where);
	m->logits = (const float *)(const void *)(m->data + logits);
	m->pixels = m->data + pixels;
	status = check_logits(m, where);
	return status != OFA_DEVICE_OK ? status : check_names(m, where);
}

static enum ofa_device_status load_io(struct ofa_device_model *m, uint32_t io, uint32_t meta, uint32_t *where)
{
	const uint8_t *r = m->data + io;
	enum ofa_device_status status;

	m->height = ofa_device_u16(r + OFA_FMT_IO_HEIGHT);
	m->width = ofa_device_u16(r + OFA_FMT_IO_WIDTH);
	m->channels = ofa_device_u16(r + OFA_FMT_IO_CHANNELS);
	m->classes = ofa_device_u32(r + OFA_FMT_IO_CLASSES);
	m->input_offset = ofa_device_u32(r + OFA_FMT_IO_INPUT);
	if (m->height == 0 || m->height > OFA_FMT_MAX_SIDE)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, io + OFA_FMT_IO_HEIGHT, where);
	if (m->width == 0 || m->width > OFA_FMT_MAX_SIDE)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, io + OFA_FMT_IO_WIDTH, where);
	if (m->channels == 0 || m->channels > OFA_FMT_MAX_INPUT_CHANNELS)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, io + OFA_FMT_IO_CHANNELS, where);
	if (m->classes == 0 || m->classes > OFA_FMT_MAX_CHANNELS)
		return ofa_device_refuse(OFA_DEVICE_ERR_LIMIT, io + OFA_FMT_IO_CLASSES, where);
	if (!ofa_device_all_zero(r + OFA_FMT_IO_RESERVED, 2))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + OFA_FMT_IO_RESERVED, where);
	if (!ofa_device_all_zero(r + OFA_FMT_IO_IN_SCALE, OFA_FMT_IO_BYTES - OFA_FMT_IO_IN_SCALE))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + OFA_FMT_IO_IN_SCALE, where);
	status = load_normalisation(m, io, where);
	return status != OFA_DEVICE_OK ? status : load_io_arrays(m, io, meta, where);
}

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
	m->meta = (const char *)data + meta;
	m->meta_bytes = data_offset - meta;
	m->kernels = ofa_device_kernels_for(ofa_device_cpu(), 0);
	status = load_io(m, ofa_device_u32(data + OFA_FMT_HEADER_IO_OFFSET), meta, where);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_check_ops(m, data_offset, where);
	if (status == OFA_DEVICE_OK)
		status = ofa_device_check_dataflow(m, where);
	return status;
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
	return model->kernels->name;
}
