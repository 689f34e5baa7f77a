/* What the runtime's files share among themselves.  Not installed. */
#ifndef OFA_DEVICE_INTERNAL_H
#define OFA_DEVICE_INTERNAL_H

#include <string.h>
#include "ofa_device.h"
#include "ofa_format.h"

static inline uint32_t ofa_device_u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t ofa_device_u32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline int32_t ofa_device_i32(const uint8_t *p)
{
	return (int32_t)ofa_device_u32(p);
}

static inline float ofa_device_f32(const uint8_t *p)
{
	const uint32_t bits = ofa_device_u32(p);
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Channels that a pair of operations is computed by, at most. */
#define OFA_DEVICE_EXPAND_MOST 48

/* An operation record, decoded. */
struct ofa_device_op {
	uint32_t kind, act, k, stride, pad;
	uint32_t n_tensors, first_tensor;
	uint32_t h_in, w_in, c_in, h_out, w_out, c_out, hidden;
	uint32_t in, out, residual, scratch; /* arena offsets, OFA_FMT_NONE if absent */
	uint32_t rows, origin;               /* int8 packages only, else 0 */
};
void ofa_device_op_decode(const uint8_t *record, struct ofa_device_op *ret_op);

/* Checks the I/O section at `io`, which ends where the metadata begins, and fills the model's fields of it. */
enum ofa_device_status ofa_device_load_io(struct ofa_device_model *model, uint32_t io, uint32_t meta,
					  uint32_t *ret_where);

/* Checks all operations and tensors against the format, the arena and each other; model's tables and
 * input are set.  Sets model->macs and, of a package without quantisation records, model->type. */
enum ofa_device_status ofa_device_check_ops(struct ofa_device_model *model, uint32_t data_offset, uint32_t *ret_where);
enum ofa_device_status ofa_device_check_dataflow(const struct ofa_device_model *model, uint32_t *ret_where);
/* The quantisation record of operation i of an int8 package. */
enum ofa_device_status ofa_device_check_quant(const struct ofa_device_model *model, uint32_t i,
					      const struct ofa_device_op *op, uint32_t *ret_where);
/* The same as ofa_device_check_dataflow() for an int8 package: groups, and who may overwrite what. */
enum ofa_device_status ofa_device_check_stripes(const struct ofa_device_model *model, uint32_t *ret_where);
/* Whether operation i of a checked model is a pointwise layer and i + 1 a depthwise one that alone reads its result, so
 * that both may be computed by some channels at a time, with the result's place to work in.  *ret_copy: the second
 * writes to where the first reads.  That input has to be moved first; there is room for it in the result's place, past
 * OFA_DEVICE_EXPAND_MOST of its channels. */
int ofa_device_fuses(const struct ofa_device_model *model, uint32_t i, const struct ofa_device_op *op,
		     const struct ofa_device_op *next, int *ret_copy);

/* The tensors of one operation; *data_end moves from the end of the data so far past them.  The weights' type of a
 * float package must be model->type. */
enum ofa_device_status ofa_device_check_tensors(const struct ofa_device_model *model, const struct ofa_device_op *op,
						uint32_t *data_end, uint32_t *ret_where);

static inline enum ofa_device_status ofa_device_refuse(enum ofa_device_status status, uint32_t offset,
						       uint32_t *ret_where)
{
	*ret_where = offset;
	return status;
}

static inline int ofa_device_all_zero(const uint8_t *p, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (p[i] != 0)
			return 0;
	}
	return 1;
}

/* On float numbers' bits, so that no processor has to have them. */
static inline int ofa_device_finite(uint32_t f32_bits)
{
	return (f32_bits & 0x7f800000u) != 0x7f800000u;
}

static inline int ofa_device_positive(uint32_t f32_bits)
{
	return f32_bits > 0 && f32_bits < 0x7f800000u;
}

/* Of int8 packages. */
static inline int ofa_device_is_multiplier(int32_t m)
{
	return m == 0 || m >= 1 << 30;
}

static inline int ofa_device_is_shift(int32_t s)
{
	return s >= OFA_FMT_MIN_SHIFT && s <= OFA_FMT_MAX_SHIFT;
}

/* Whether an operation has a look-up table; only those with weights do, and none that adds. */
static inline int ofa_device_looks_up(const struct ofa_device_model *model, const struct ofa_device_op *op)
{
	return model->type == OFA_DEVICE_INT8 && (op->act == OFA_FMT_ACT_HSWISH || op->act == OFA_FMT_ACT_HSIGMOID);
}

static inline int ofa_device_overlap(uint32_t a, uint64_t a_bytes, uint32_t b, uint64_t b_bytes)
{
	return a_bytes > 0 && b_bytes > 0 && a < b + b_bytes && b < a + a_bytes;
}

static inline const uint8_t *ofa_device_op_record(const struct ofa_device_model *model, uint32_t i)
{
	return model->data + OFA_FMT_HEADER_BYTES + (size_t)i * OFA_FMT_OP_BYTES;
}

static inline const uint8_t *ofa_device_quant_record(const struct ofa_device_model *model, uint32_t i)
{
	return model->data + model->quant_offset + (size_t)i * OFA_FMT_QUANT_BYTES;
}

/* Run the operations [i, end) of a checked model, those of an int8 one whole groups. */
void ofa_device_run_float(const struct ofa_device_model *model, uint32_t i, uint32_t end, void *arena);
void ofa_device_run_groups(const struct ofa_device_model *model, uint32_t i, uint32_t end, int8_t *arena);

#define OFA_DEVICE_SHA256_BYTES 32
void ofa_device_sha256(const uint8_t *p, size_t n, uint8_t out[OFA_DEVICE_SHA256_BYTES]);

#endif
