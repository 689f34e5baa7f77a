#include "pack/head.h"

#include <stdlib.h>

#include "pack/bytes.h"
#include "pack/meta.h"
#include "pack/selftest.h"
#include "quantise/quantise.h"

_Static_assert((int)OFA_ACT_NONE == (int)OFA_FMT_ACT_NONE && (int)OFA_ACT_RELU == (int)OFA_FMT_ACT_RELU &&
		       (int)OFA_ACT_RELU6 == (int)OFA_FMT_ACT_RELU6 && (int)OFA_ACT_HSWISH == (int)OFA_FMT_ACT_HSWISH &&
		       (int)OFA_ACT_HSIGMOID == (int)OFA_FMT_ACT_HSIGMOID,
	       "activations are stored as the engine numbers them");

_Static_assert(OFA_NOWHERE == OFA_FMT_NONE, "an absent offset is stored as it is");

/* What the parts are made from, and the bytes they go to. */
struct head {
	const struct ofa_supernet *net;
	const struct ofa_plan *plan;
	const struct ofa_quantised *quantised; /* NULL but in int8 */
	const struct ofa_pack_layout *layout;
	struct ofa_memory_plan memory;
	uint8_t *bytes;
};

static uint8_t op_kind(enum ofa_op op)
{
	static const uint8_t kinds[OFA_OP_COUNT] = {
		[OFA_OP_CONV] = OFA_FMT_CONV,
		[OFA_OP_DWCONV] = OFA_FMT_DWCONV,
		[OFA_OP_SE] = OFA_FMT_SE,
		[OFA_OP_POOL] = OFA_FMT_GLOBAL_POOL,
		[OFA_OP_LINEAR] = OFA_FMT_LINEAR,
		[OFA_OP_MAX_POOL] = OFA_FMT_MAX_POOL,
		[OFA_OP_AVERAGE_POOL] = OFA_FMT_AVERAGE_POOL,
		[OFA_OP_ADD] = OFA_FMT_ADD,
	};

	return kinds[op];
}

/* The oldest version that has the type and every kind the plan uses. */
static uint32_t minor_version(const struct ofa_plan *plan, enum ofa_precision precision)
{
	if (precision != OFA_FLOAT32)
		return OFA_FMT_MINOR_TYPES;
	for (int i = 0; i < plan->n_layers; i++)
		if (op_kind(plan->layers[i].op) > OFA_FMT_LINEAR)
			return OFA_FMT_MINOR_POOLS;
	return OFA_FMT_MINOR;
}

static void write_header(struct head *p)
{
	const struct ofa_pack_layout *l = p->layout;
	uint8_t *h = p->bytes;

	memcpy(h + OFA_FMT_HEADER_MAGIC, OFA_FMT_MAGIC, 8);
	ofa_put_u16(h + OFA_FMT_HEADER_MAJOR, OFA_FMT_MAJOR);
	ofa_put_u16(h + OFA_FMT_HEADER_MINOR, minor_version(p->plan, l->precision));
	ofa_put_u32(h + OFA_FMT_HEADER_SIZE, l->size);
	ofa_put_u32(h + OFA_FMT_HEADER_ARENA, p->memory.arena_bytes);
	ofa_put_u16(h + OFA_FMT_HEADER_OPS, l->ops);
	ofa_put_u16(h + OFA_FMT_HEADER_TENSORS, l->tensors);
	ofa_put_u16(h + OFA_FMT_HEADER_QUANTS, l->quants);
	ofa_put_u32(h + OFA_FMT_HEADER_OP_OFFSET, OFA_FMT_HEADER_BYTES);
	ofa_put_u32(h + OFA_FMT_HEADER_TENSOR_OFFSET, l->tensor_offset);
	ofa_put_u32(h + OFA_FMT_HEADER_QUANT_OFFSET, l->quant_offset);
	ofa_put_u32(h + OFA_FMT_HEADER_IO_OFFSET, l->io_offset);
	ofa_put_u32(h + OFA_FMT_HEADER_META_OFFSET, l->meta_offset);
	ofa_put_u32(h + OFA_FMT_HEADER_DATA_OFFSET, l->data_offset);
}

static void write_op(const struct head *p, int i, uint32_t first_tensor, uint32_t n_tensors, uint8_t *r)
{
	const struct ofa_layer *l = &p->plan->layers[i];
	const struct ofa_placement *place = &p->memory.layers[i];
	const bool fixed_act = l->op == OFA_OP_SE || l->op == OFA_OP_POOL;

	r[OFA_FMT_OP_KIND] = op_kind(l->op);
	r[OFA_FMT_OP_ACT] = fixed_act ? OFA_FMT_ACT_NONE : (uint8_t)l->act;
	r[OFA_FMT_OP_KERNEL] = (uint8_t)l->k;
	r[OFA_FMT_OP_STRIDE] = (uint8_t)l->stride;
	r[OFA_FMT_OP_PAD] = (uint8_t)l->pad;
	r[OFA_FMT_OP_TENSORS] = (uint8_t)n_tensors;
	ofa_put_u16(r + OFA_FMT_OP_FIRST_TENSOR, first_tensor);
	ofa_put_u16(r + OFA_FMT_OP_H_IN, (uint32_t)l->h_in);
	ofa_put_u16(r + OFA_FMT_OP_W_IN, (uint32_t)l->w_in);
	ofa_put_u16(r + OFA_FMT_OP_H_OUT, (uint32_t)l->h_out);
	ofa_put_u16(r + OFA_FMT_OP_W_OUT, (uint32_t)l->w_out);
	ofa_put_u32(r + OFA_FMT_OP_C_IN, (uint32_t)l->c_in);
	ofa_put_u32(r + OFA_FMT_OP_C_OUT, (uint32_t)l->c_out);
	ofa_put_u32(r + OFA_FMT_OP_HIDDEN, l->op == OFA_OP_SE ? (uint32_t)l->hidden : 0);
	ofa_put_u32(r + OFA_FMT_OP_IN, place->in);
	ofa_put_u32(r + OFA_FMT_OP_OUT, place->out);
	ofa_put_u32(r + OFA_FMT_OP_RESIDUAL, place->residual);
	ofa_put_u32(r + OFA_FMT_OP_SCRATCH, place->scratch);
	if (p->quantised) {
		ofa_put_u16(r + OFA_FMT_OP_ROWS, place->rows);
		ofa_put_u32(r + OFA_FMT_OP_FROM, place->origin);
	}
}

static void write_tensor(const struct ofa_pack_tensor *t, uint64_t offset, uint8_t *r)
{
	ofa_put_u32(r + OFA_FMT_TENSOR_OFFSET, offset);
	ofa_put_u32(r + OFA_FMT_TENSOR_SIZE, t->bytes);
	r[OFA_FMT_TENSOR_TYPE] = t->type;
	r[OFA_FMT_TENSOR_ROLE] = t->role;
	r[OFA_FMT_TENSOR_LAYOUT] = t->layout;
	r[OFA_FMT_TENSOR_RANK] = (uint8_t)t->rank;
	for (int i = 0; i < t->rank; i++)
		ofa_put_u32(r + OFA_FMT_TENSOR_DIMS + 4 * i, t->dims[i]);
}

static void write_tables(struct head *p)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	uint8_t *op = p->bytes + OFA_FMT_HEADER_BYTES, *record = p->bytes + p->layout->tensor_offset;
	uint64_t offset = p->layout->data_offset;
	uint32_t first = 0;

	for (int i = 0; i < p->plan->n_layers; i++, op += OFA_FMT_OP_BYTES) {
		int n = ofa_pack_layer_tensors(&p->plan->layers[i], p->layout->precision, tensors);

		write_op(p, i, first, (uint32_t)n, op);
		for (int j = 0; j < n; j++, record += OFA_FMT_TENSOR_BYTES) {
			write_tensor(&tensors[j], offset, record);
			offset += ofa_pack_round(tensors[j].bytes);
		}
		first += (uint32_t)n;
	}
}

static void put_rescale(uint8_t *r, struct ofa_rescale rescale)
{
	ofa_put_i32(r, rescale.multiplier);
	ofa_put_i32(r + 4, rescale.shift);
}

static void write_quants(struct head *p)
{
	uint8_t *r = p->bytes + p->layout->quant_offset;

	for (int i = 0; i < p->plan->n_layers; i++, r += OFA_FMT_QUANT_BYTES) {
		const struct ofa_quantised_layer *q = &p->quantised->layers[i];

		ofa_put_f32(r + OFA_FMT_QUANT_IN_SCALE, q->in.scale);
		ofa_put_f32(r + OFA_FMT_QUANT_OUT_SCALE, q->out.scale);
		ofa_put_f32(r + OFA_FMT_QUANT_ADDED_SCALE, q->added.scale);
		ofa_put_f32(r + OFA_FMT_QUANT_INNER_SCALE, q->inner.scale);
		r[OFA_FMT_QUANT_IN_ZERO] = (uint8_t)q->in.zero;
		r[OFA_FMT_QUANT_OUT_ZERO] = (uint8_t)q->out.zero;
		r[OFA_FMT_QUANT_ADDED_ZERO] = (uint8_t)q->added.zero;
		r[OFA_FMT_QUANT_INNER_ZERO] = (uint8_t)q->inner.zero;
		ofa_put_i32(r + OFA_FMT_QUANT_LOW, q->low);
		ofa_put_i32(r + OFA_FMT_QUANT_HIGH, q->high);
		put_rescale(r + OFA_FMT_QUANT_FIRST, q->first);
		put_rescale(r + OFA_FMT_QUANT_SECOND, q->second);
		put_rescale(r + OFA_FMT_QUANT_RESULT, q->result);
	}
}

static void write_int8_io(const struct head *p, uint8_t *io)
{
	const struct ofa_quantised *q = p->quantised;
	const struct ofa_affine in = ofa_quantised_input_affine(q), out = ofa_quantised_output_affine(q);

	ofa_put_f32(io + OFA_FMT_IO_IN_SCALE, in.scale);
	ofa_put_i32(io + OFA_FMT_IO_IN_ZERO, in.zero);
	ofa_put_f32(io + OFA_FMT_IO_OUT_SCALE, out.scale);
	ofa_put_i32(io + OFA_FMT_IO_OUT_ZERO, out.zero);
	for (int c = 0; c < p->plan->values[0].c; c++) {
		ofa_put_i32(io + OFA_FMT_IO_GAIN + 4 * c, q->gain[c]);
		ofa_put_i32(io + OFA_FMT_IO_OFFSET + 4 * c, q->offset[c]);
	}
}

static void write_io(struct head *p)
{
	const struct ofa_plan *plan = p->plan;
	const struct ofa_value *input = &plan->values[0];
	uint8_t *io = p->bytes + p->layout->io_offset, *names = p->bytes + p->layout->names_offset;

	ofa_put_u16(io + OFA_FMT_IO_HEIGHT, (uint32_t)input->h);
	ofa_put_u16(io + OFA_FMT_IO_WIDTH, (uint32_t)input->w);
	ofa_put_u16(io + OFA_FMT_IO_CHANNELS, (uint32_t)input->c);
	ofa_put_u32(io + OFA_FMT_IO_CLASSES, (uint32_t)plan->classes);
	ofa_put_u32(io + OFA_FMT_IO_INPUT, p->memory.input);
	ofa_put_floats(io + OFA_FMT_IO_MEAN, p->net->mean, (size_t)input->c);
	ofa_put_floats(io + OFA_FMT_IO_STD, p->net->std, (size_t)input->c);
	if (p->quantised)
		write_int8_io(p, io);
	else
		ofa_put_f32(io + OFA_FMT_IO_TOLERANCE, OFA_PACK_TOLERANCE);
	ofa_put_u32(io + OFA_FMT_IO_PIXELS_OFFSET, p->layout->pixels_offset);
	ofa_put_u32(io + OFA_FMT_IO_LOGITS_OFFSET, p->layout->logits_offset);
	ofa_put_u32(io + OFA_FMT_IO_NAMES_OFFSET, p->layout->names_offset);
	ofa_put_u32(io + OFA_FMT_IO_NAMES_SIZE, p->layout->names_bytes);
	for (int i = 0; p->net->classes && i < plan->classes; i++) {
		size_t n = strlen(p->net->classes[i]) + 1;

		memcpy(names, p->net->classes[i], n);
		names += n;
	}
}

enum ofa_status ofa_pack_head_write(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				    const struct ofa_pack_layout *layout, const struct ofa_pack_info *info,
				    uint8_t *bytes, struct ofa_error *err)
{
	struct head h = {
		.net = net,
		.plan = stored->plan,
		.quantised = stored->quantised,
		.layout = layout,
		.bytes = bytes,
	};

	ofa_memory_plan_init(h.plan, layout->precision, &h.memory);
	write_header(&h);
	write_tables(&h);
	if (h.quantised)
		write_quants(&h);
	write_io(&h);
	return ofa_pack_meta_write(net, h.plan, info, layout->size, h.memory.arena_bytes,
				   (char *)bytes + layout->meta_offset, layout->meta_bytes, err);
}
