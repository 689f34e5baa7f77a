#include "internal.h"

/* The I/O section.  Numbers that a run in integers has no use for are checked and copied by their bits. */

enum { MAX_GAIN = 1 << 22, MAX_OFFSET = 1 << 30 };

/* Offset of what follows `bytes` bytes at `offset`.  64 bits: sums of hostile 32-bit numbers must not wrap. */
static uint64_t end_of(uint64_t offset, uint64_t bytes)
{
	return (offset + bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

static enum ofa_device_status load_normalisation(struct ofa_device_model *m, uint32_t io, uint32_t *where)
{
	const uint8_t *r = m->data + io;
	uint32_t c, tolerance;

	for (c = 0; c < OFA_FMT_MAX_INPUT_CHANNELS; c++) {
		const uint32_t mean = OFA_FMT_IO_MEAN + 4 * c, std = OFA_FMT_IO_STD + 4 * c;

		memcpy(&m->mean[c], r + mean, 4);
		memcpy(&m->std[c], r + std, 4);
		if (c < m->channels) {
			if (!ofa_device_finite(ofa_device_u32(r + mean)))
				return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + mean, where);
			if (!ofa_device_positive(ofa_device_u32(r + std)))
				return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + std, where);
		} else {
			if (!ofa_device_all_zero(r + mean, 4))
				return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + mean, where);
			if (!ofa_device_all_zero(r + std, 4))
				return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + std, where);
		}
	}
	memcpy(&m->tolerance, r + OFA_FMT_IO_TOLERANCE, 4);
	tolerance = ofa_device_u32(r + OFA_FMT_IO_TOLERANCE);
	if (tolerance > (m->type == OFA_DEVICE_INT8 ? 0 : 0x3f800000u)) /* the bits of 1.0 */
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_TOLERANCE, where);
	return OFA_DEVICE_OK;
}

static int within(int32_t n, int32_t least, int32_t most)
{
	return n >= least && n <= most;
}

/* Scales, zero points and how pixels become int8. */
static enum ofa_device_status load_quantisation(struct ofa_device_model *m, uint32_t io, uint32_t *where)
{
	const uint8_t *r = m->data + io;
	uint32_t c;

	if (m->type != OFA_DEVICE_INT8) {
		if (!ofa_device_all_zero(r + OFA_FMT_IO_IN_SCALE, OFA_FMT_IO_RESERVED2 - OFA_FMT_IO_IN_SCALE))
			return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + OFA_FMT_IO_IN_SCALE, where);
		return OFA_DEVICE_OK;
	}
	memcpy(&m->in_scale, r + OFA_FMT_IO_IN_SCALE, 4);
	memcpy(&m->out_scale, r + OFA_FMT_IO_OUT_SCALE, 4);
	m->in_zero = ofa_device_i32(r + OFA_FMT_IO_IN_ZERO);
	m->out_zero = ofa_device_i32(r + OFA_FMT_IO_OUT_ZERO);
	if (!ofa_device_positive(ofa_device_u32(r + OFA_FMT_IO_IN_SCALE)))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + OFA_FMT_IO_IN_SCALE, where);
	if (!within(m->in_zero, -128, 127))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + OFA_FMT_IO_IN_ZERO, where);
	if (!ofa_device_positive(ofa_device_u32(r + OFA_FMT_IO_OUT_SCALE)))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + OFA_FMT_IO_OUT_SCALE, where);
	if (!within(m->out_zero, -128, 127))
		return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + OFA_FMT_IO_OUT_ZERO, where);
	for (c = 0; c < OFA_FMT_MAX_INPUT_CHANNELS; c++) {
		const uint32_t gain = OFA_FMT_IO_GAIN + 4 * c, offset = OFA_FMT_IO_OFFSET + 4 * c;

		m->gain[c] = ofa_device_i32(r + gain);
		m->offset[c] = ofa_device_i32(r + offset);
		if (c >= m->channels && (m->gain[c] != 0 || m->offset[c] != 0))
			return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + gain, where);
		if (!within(m->gain[c], -MAX_GAIN, MAX_GAIN))
			return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + gain, where);
		if (!within(m->offset[c], -MAX_OFFSET, MAX_OFFSET))
			return ofa_device_refuse(OFA_DEVICE_ERR_QUANT, io + offset, where);
	}
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
static enum ofa_device_status load_logits(struct ofa_device_model *m, uint32_t at, uint32_t *where)
{
	uint32_t i;

	if (m->type == OFA_DEVICE_INT8) {
		m->logits_int8 = (const int8_t *)(m->data + at);
		return OFA_DEVICE_OK;
	}
	m->logits = (const float *)(const void *)(m->data + at);
	for (i = 0; i < m->classes; i++, at += 4) {
		if (!ofa_device_finite(ofa_device_u32(m->data + at)))
			return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, at, where);
	}
	return OFA_DEVICE_OK;
}

/* Names, logits and pixels follow the record in this order and end where the metadata begins. */
static enum ofa_device_status load_arrays(struct ofa_device_model *m, uint32_t io, uint32_t meta, uint32_t *where)
{
	const uint8_t *r = m->data + io;
	const uint64_t names = (uint64_t)io + OFA_FMT_IO_BYTES;
	enum ofa_device_status status;
	uint64_t logits, pixels;

	m->names_bytes = ofa_device_u32(r + OFA_FMT_IO_NAMES_SIZE);
	m->names_offset = ofa_device_u32(r + OFA_FMT_IO_NAMES_OFFSET);
	logits = end_of(names, m->names_bytes);
	pixels = end_of(logits, m->type == OFA_DEVICE_INT8 ? m->classes : (uint64_t)m->classes * 4);
	if (m->names_offset != names)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_NAMES_OFFSET, where);
	if (ofa_device_u32(r + OFA_FMT_IO_LOGITS_OFFSET) != logits)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_LOGITS_OFFSET, where);
	if (ofa_device_u32(r + OFA_FMT_IO_PIXELS_OFFSET) != pixels)
		return ofa_device_refuse(OFA_DEVICE_ERR_INPUT, io + OFA_FMT_IO_PIXELS_OFFSET, where);
	if (end_of(pixels, (uint64_t)m->height * m->width * m->channels) != meta)
		return ofa_device_refuse(OFA_DEVICE_ERR_SECTION, OFA_FMT_HEADER_META_OFFSET, where);
	m->pixels = m->data + pixels;
	status = load_logits(m, (uint32_t)logits, where);
	return status != OFA_DEVICE_OK ? status : check_names(m, where);
}

enum ofa_device_status ofa_device_load_io(struct ofa_device_model *m, uint32_t io, uint32_t meta, uint32_t *where)
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
	if (!ofa_device_all_zero(r + OFA_FMT_IO_RESERVED2, OFA_FMT_IO_BYTES - OFA_FMT_IO_RESERVED2))
		return ofa_device_refuse(OFA_DEVICE_ERR_RESERVED, io + OFA_FMT_IO_RESERVED2, where);
	status = load_normalisation(m, io, where);
	if (status == OFA_DEVICE_OK)
		status = load_quantisation(m, io, where);
	return status != OFA_DEVICE_OK ? status : load_arrays(m, io, meta, where);
}
