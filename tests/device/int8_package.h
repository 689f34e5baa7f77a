/* Small int8 packages from a list of operations, written by hand: what no writer of ours would make.  Their tensors and
 * records are sound, of random numbers; the operations say what is to be found out. */
#ifndef OFA_TESTS_INT8_PACKAGE_H
#define OFA_TESTS_INT8_PACKAGE_H

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "internal.h"

struct int8_package {
	struct ofa_device_op ops[64]; /* tensors' counts and indices are set by the writer */
	uint32_t n_ops;
	uint32_t h, w, c, input; /* of the network's input; its place */
	uint32_t arena_bytes;
	uint64_t seed; /* of every number; the same for the same shapes, wherever values lie */
};

/* A package that is being written. */
struct int8_writer {
	uint8_t *data, *op, *tensor, *quant;
	uint32_t end; /* of the tensors so far */
	struct ofa_rng rng;
};

static inline void int8_put(uint8_t *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline uint32_t int8_round_up(uint32_t n, uint32_t multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}

/* What the numbers of a tensor are: bytes of any value, small int32, multipliers, or shifts around `middle`. */
enum int8_content { INT8_BYTES, INT8_BIASES, INT8_MULTIPLIERS, INT8_SHIFTS };

static inline uint32_t int8_number(struct int8_writer *w, enum int8_content content, int middle)
{
	const uint32_t any = (uint32_t)ofa_rng_u64(&w->rng);

	switch (content) {
	case INT8_BIASES:
		return (any & 0x3fff) - 0x2000;
	case INT8_MULTIPLIERS:
		return (any >> 2) + (1u << 30);
	case INT8_SHIFTS:
		return (uint32_t)middle - any % 2;
	default:
		return any % 255 - 127;
	}
}

static inline void int8_tensor(struct int8_writer *w, uint32_t role, uint32_t layout, uint32_t rank,
			       const uint32_t *dims, uint32_t bytes, enum int8_content content, int middle)
{
	const int each = content == INT8_BYTES ? 1 : 4;

	int8_put(w->tensor + OFA_FMT_TENSOR_OFFSET, w->end, 4);
	int8_put(w->tensor + OFA_FMT_TENSOR_SIZE, bytes, 4);
	w->tensor[OFA_FMT_TENSOR_TYPE] = content == INT8_BYTES ? OFA_FMT_INT8 : OFA_FMT_INT32;
	w->tensor[OFA_FMT_TENSOR_ROLE] = (uint8_t)role;
	w->tensor[OFA_FMT_TENSOR_LAYOUT] = (uint8_t)layout;
	w->tensor[OFA_FMT_TENSOR_RANK] = (uint8_t)rank;
	for (uint32_t i = 0; i < rank; i++)
		int8_put(w->tensor + OFA_FMT_TENSOR_DIMS + 4 * i, dims[i], 4);
	for (uint32_t i = 0; i < bytes; i += (uint32_t)each)
		int8_put(w->data + w->end + i, int8_number(w, content, middle), each);
	w->end = int8_round_up(w->end + bytes, OFA_FMT_ALIGN);
	w->tensor += OFA_FMT_TENSOR_BYTES;
}

static inline void int8_vector(struct int8_writer *w, uint32_t role, uint32_t n, enum int8_content content, int middle)
{
	int8_tensor(w, role, OFA_FMT_PLAIN, 1, &n, n * (content == INT8_BYTES ? 1 : 4), content, middle);
}

/* A shift that spreads sums of so many products over int8. */
static inline int int8_middle(uint32_t products)
{
	int middle = -6;

	for (; products > 1; products /= 4)
		middle--;
	return middle;
}

static inline uint32_t int8_quads(uint32_t n, uint32_t segments, uint32_t segment)
{
	return int8_round_up(n, OFA_FMT_PANEL) * segments * int8_round_up(segment, OFA_FMT_QUAD);
}

static inline void int8_matrix(struct int8_writer *w, uint32_t role, uint32_t n, uint32_t inputs)
{
	const uint32_t dims[] = {n, inputs};

	int8_tensor(w, role, OFA_FMT_QUADS, 2, dims, int8_quads(n, 1, inputs), INT8_BYTES, 0);
}

static inline void int8_se(struct int8_writer *w, const struct ofa_device_op *op)
{
	int8_matrix(w, OFA_FMT_WEIGHT, op->hidden, op->c_in);
	int8_vector(w, OFA_FMT_BIAS, op->hidden, INT8_BIASES, 0);
	int8_matrix(w, OFA_FMT_WEIGHT2, op->c_in, op->hidden);
	int8_vector(w, OFA_FMT_BIAS2, op->c_in, INT8_BIASES, 0);
	int8_vector(w, OFA_FMT_MULTIPLIER, op->hidden, INT8_MULTIPLIERS, 0);
	int8_vector(w, OFA_FMT_SHIFT, op->hidden, INT8_SHIFTS, int8_middle(op->c_in));
	int8_vector(w, OFA_FMT_MULTIPLIER2, op->c_in, INT8_MULTIPLIERS, 0);
	int8_vector(w, OFA_FMT_SHIFT2, op->c_in, INT8_SHIFTS, int8_middle(op->hidden));
}

/* Of the operation; returns how many. */
static inline uint32_t int8_tensors(struct int8_writer *w, const struct ofa_device_op *op)
{
	const uint8_t *first = w->tensor;
	const uint32_t conv[] = {op->c_out, op->k, op->k, op->c_in}, taps[] = {op->k, op->k, op->c_in};
	uint32_t products = op->k * op->k * op->c_in;

	switch (op->kind) {
	case OFA_FMT_SE:
		int8_se(w, op);
		return 8;
	case OFA_FMT_CONV:
		int8_tensor(w, OFA_FMT_WEIGHT, OFA_FMT_QUADS, 4, conv, int8_quads(op->c_out, op->k, op->k * op->c_in),
			    INT8_BYTES, 0);
		break;
	case OFA_FMT_DWCONV:
		int8_tensor(w, OFA_FMT_WEIGHT, OFA_FMT_PLAIN, 3, taps, products, INT8_BYTES, 0);
		products = op->k * op->k;
		break;
	case OFA_FMT_LINEAR:
		int8_matrix(w, OFA_FMT_WEIGHT, op->c_out, op->c_in);
		break;
	default:
		return 0;
	}
	int8_vector(w, OFA_FMT_BIAS, op->c_out, INT8_BIASES, 0);
	int8_vector(w, OFA_FMT_MULTIPLIER, op->c_out, INT8_MULTIPLIERS, 0);
	int8_vector(w, OFA_FMT_SHIFT, op->c_out, INT8_SHIFTS, int8_middle(products));
	if (op->act >= OFA_FMT_ACT_HSWISH)
		int8_vector(w, OFA_FMT_LOOKUP, OFA_FMT_LOOKUP_BYTES, INT8_BYTES, 0);
	return (uint32_t)(w->tensor - first) / OFA_FMT_TENSOR_BYTES;
}

static inline void int8_rescale(struct int8_writer *w, uint32_t field, int shift)
{
	int8_put(w->quant + field, int8_number(w, INT8_MULTIPLIERS, 0), 4);
	int8_put(w->quant + field + 4, (uint32_t)shift, 4);
}

/* Zero points follow from the operation's seed; every scale is 1. */
static inline void int8_record(struct int8_writer *w, const struct ofa_device_op *op)
{
	const int se = op->kind == OFA_FMT_SE, adds = op->residual != OFA_FMT_NONE;
	const int pool = op->kind == OFA_FMT_MAX_POOL || op->kind == OFA_FMT_AVERAGE_POOL;
	const int relu = op->act == OFA_FMT_ACT_RELU || op->act == OFA_FMT_ACT_RELU6;
	const int inner = se || op->act >= OFA_FMT_ACT_HSWISH || (adds && op->kind != OFA_FMT_ADD);
	const uint32_t one = 0x3f800000, zeros = (uint32_t)ofa_rng_u64(&w->rng);

	int8_put(w->quant + OFA_FMT_QUANT_IN_SCALE, one, 4);
	int8_put(w->quant + OFA_FMT_QUANT_OUT_SCALE, one, 4);
	int8_put(w->quant + OFA_FMT_QUANT_ADDED_SCALE, se || adds ? one : 0, 4);
	int8_put(w->quant + OFA_FMT_QUANT_INNER_SCALE, inner ? one : 0, 4);
	int8_put(w->quant + OFA_FMT_QUANT_IN_ZERO, pool ? 0 : zeros, 1);
	int8_put(w->quant + OFA_FMT_QUANT_OUT_ZERO, pool ? 0 : zeros >> 8, 1);
	int8_put(w->quant + OFA_FMT_QUANT_ADDED_ZERO, se || adds ? zeros >> 16 : 0, 1);
	int8_put(w->quant + OFA_FMT_QUANT_INNER_ZERO, inner ? zeros >> 24 : 0, 1);
	int8_put(w->quant + OFA_FMT_QUANT_LOW, (uint32_t)(relu ? -60 : -128), 4);
	int8_put(w->quant + OFA_FMT_QUANT_HIGH, relu ? 100 : 127, 4);
	if (se || adds || op->kind == OFA_FMT_GLOBAL_POOL)
		int8_rescale(w, OFA_FMT_QUANT_FIRST, adds ? -1 : -2);
	if (adds)
		int8_rescale(w, OFA_FMT_QUANT_SECOND, -1);
	if (se || adds)
		int8_rescale(w, OFA_FMT_QUANT_RESULT, adds ? -19 : -8);
}

static inline void int8_op(struct int8_writer *w, const struct ofa_device_op *op, uint32_t n_tensors, uint32_t first)
{
	const struct {
		uint32_t field, value;
		int bytes;
	} fields[] = {
		{OFA_FMT_OP_KIND, op->kind, 1},
		{OFA_FMT_OP_ACT, op->act, 1},
		{OFA_FMT_OP_KERNEL, op->k, 1},
		{OFA_FMT_OP_STRIDE, op->stride, 1},
		{OFA_FMT_OP_PAD, op->pad, 1},
		{OFA_FMT_OP_TENSORS, n_tensors, 1},
		{OFA_FMT_OP_FIRST_TENSOR, first, 2},
		{OFA_FMT_OP_H_IN, op->h_in, 2},
		{OFA_FMT_OP_W_IN, op->w_in, 2},
		{OFA_FMT_OP_H_OUT, op->h_out, 2},
		{OFA_FMT_OP_W_OUT, op->w_out, 2},
		{OFA_FMT_OP_C_IN, op->c_in, 4},
		{OFA_FMT_OP_C_OUT, op->c_out, 4},
		{OFA_FMT_OP_HIDDEN, op->hidden, 4},
		{OFA_FMT_OP_IN, op->in, 4},
		{OFA_FMT_OP_OUT, op->out, 4},
		{OFA_FMT_OP_RESIDUAL, op->residual, 4},
		{OFA_FMT_OP_SCRATCH, op->scratch, 4},
		{OFA_FMT_OP_ROWS, op->rows, 2},
		{OFA_FMT_OP_FROM, op->origin, 4},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		int8_put(w->op + fields[i].field, fields[i].value, fields[i].bytes);
}

static inline void int8_header(const struct int8_writer *w, const struct int8_package *p, uint32_t n_tensors,
			       uint32_t io, uint32_t meta)
{
	const uint32_t tensors = OFA_FMT_HEADER_BYTES + p->n_ops * OFA_FMT_OP_BYTES;
	uint8_t *h = w->data;

	memcpy(h, OFA_FMT_MAGIC, 8);
	int8_put(h + OFA_FMT_HEADER_MAJOR, OFA_FMT_MAJOR, 2);
	int8_put(h + OFA_FMT_HEADER_MINOR, OFA_FMT_MINOR_TYPES, 2);
	int8_put(h + OFA_FMT_HEADER_SIZE, w->end + OFA_FMT_TRAILER_BYTES, 4);
	int8_put(h + OFA_FMT_HEADER_ARENA, p->arena_bytes, 4);
	int8_put(h + OFA_FMT_HEADER_OPS, p->n_ops, 2);
	int8_put(h + OFA_FMT_HEADER_TENSORS, n_tensors, 2);
	int8_put(h + OFA_FMT_HEADER_QUANTS, p->n_ops, 2);
	int8_put(h + OFA_FMT_HEADER_OP_OFFSET, OFA_FMT_HEADER_BYTES, 4);
	int8_put(h + OFA_FMT_HEADER_TENSOR_OFFSET, tensors, 4);
	int8_put(h + OFA_FMT_HEADER_QUANT_OFFSET, tensors + n_tensors * OFA_FMT_TENSOR_BYTES, 4);
	int8_put(h + OFA_FMT_HEADER_IO_OFFSET, io, 4);
	int8_put(h + OFA_FMT_HEADER_META_OFFSET, meta, 4);
	int8_put(h + OFA_FMT_HEADER_DATA_OFFSET, meta, 4);
}

/* Returns the offset of the metadata, of which there is none. */
static inline uint32_t int8_io(struct int8_writer *w, const struct int8_package *p, uint32_t at)
{
	const uint32_t classes = p->ops[p->n_ops - 1].c_out, names = at + OFA_FMT_IO_BYTES;
	const uint32_t pixels = names + int8_round_up(classes, OFA_FMT_ALIGN);
	uint8_t *io = w->data + at;

	int8_put(io + OFA_FMT_IO_HEIGHT, p->h, 2);
	int8_put(io + OFA_FMT_IO_WIDTH, p->w, 2);
	int8_put(io + OFA_FMT_IO_CHANNELS, p->c, 2);
	int8_put(io + OFA_FMT_IO_CLASSES, classes, 4);
	int8_put(io + OFA_FMT_IO_INPUT, p->input, 4);
	for (uint32_t c = 0; c < p->c; c++) {
		int8_put(io + OFA_FMT_IO_STD + 4 * c, 0x3f800000, 4);
		int8_put(io + OFA_FMT_IO_GAIN + 4 * c, 1 << 16, 4);
		int8_put(io + OFA_FMT_IO_OFFSET + 4 * c, (uint32_t) - (128 << 16), 4);
	}
	int8_put(io + OFA_FMT_IO_IN_SCALE, 0x3f800000, 4);
	int8_put(io + OFA_FMT_IO_OUT_SCALE, 0x3f800000, 4);
	int8_put(io + OFA_FMT_IO_NAMES_OFFSET, names, 4);
	int8_put(io + OFA_FMT_IO_LOGITS_OFFSET, names, 4);
	int8_put(io + OFA_FMT_IO_PIXELS_OFFSET, pixels, 4);
	for (uint32_t i = 0; i < p->h * p->w * p->c; i++)
		w->data[pixels + i] = (uint8_t)ofa_rng_u64(&w->rng);
	return pixels + int8_round_up(p->h * p->w * p->c, OFA_FMT_ALIGN);
}

/* Malloc'ed, at most `most` bytes of shapes that were made to fit; without digests. */
static inline uint8_t *int8_package_new(const struct int8_package *p, uint32_t most, size_t *ret_size)
{
	struct int8_writer w = {.data = calloc(most, 1)};
	uint32_t n_tensors = 0, n, io;
	uint8_t *first_tensor;

	ofa_rng_init(&w.rng, p->seed);
	/* room for as many tensors as there may be; moved together afterwards would be more work */
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct ofa_device_op *op = &p->ops[i];
		const int weighs = op->kind == OFA_FMT_CONV || op->kind == OFA_FMT_DWCONV || op->kind == OFA_FMT_LINEAR;

		n_tensors += op->kind == OFA_FMT_SE ? 8 : weighs ? 4 + (op->act >= OFA_FMT_ACT_HSWISH) : 0;
	}
	w.op = w.data + OFA_FMT_HEADER_BYTES;
	first_tensor = w.tensor = w.op + p->n_ops * OFA_FMT_OP_BYTES;
	w.quant = w.tensor + n_tensors * OFA_FMT_TENSOR_BYTES;
	io = (uint32_t)(w.quant - w.data) + p->n_ops * OFA_FMT_QUANT_BYTES;
	w.end = int8_io(&w, p, io);
	int8_header(&w, p, n_tensors, io, w.end);
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const uint32_t first = (uint32_t)(w.tensor - first_tensor) / OFA_FMT_TENSOR_BYTES;

		n = int8_tensors(&w, &p->ops[i]);
		int8_record(&w, &p->ops[i]);
		int8_op(&w, &p->ops[i], n, first);
		w.op += OFA_FMT_OP_BYTES;
		w.quant += OFA_FMT_QUANT_BYTES;
	}
	int8_put(w.data + OFA_FMT_HEADER_SIZE, w.end + OFA_FMT_TRAILER_BYTES, 4);
	*ret_size = w.end + OFA_FMT_TRAILER_BYTES;
	return w.data;
}

#endif
