#include "pack/layout.h"

#include <string.h>

#include "ops/kernels.h"
#include "pack/meta.h"
#include "pack/pack.h"

uint64_t ofa_pack_round(uint64_t bytes)
{
	return (bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

_Static_assert(OFA_WEIGHT_PANEL == OFA_FMT_PANEL, "the engine extracts weights in the panels of the format");

/* Of n numbers, one per output. */
static struct ofa_pack_tensor row(uint8_t type, uint8_t role, int n)
{
	return (struct ofa_pack_tensor){
		.type = type,
		.role = role,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {(uint32_t)n},
	};
}

static uint8_t bias_type(enum ofa_precision precision)
{
	return precision == OFA_INT8 ? OFA_FMT_INT32 : OFA_FMT_FLOAT32;
}

/* As weights are stored. */
static struct ofa_pack_tensor weights(enum ofa_precision precision, uint8_t role)
{
	static const uint8_t types[OFA_PRECISION_COUNT] = {
		[OFA_FLOAT32] = OFA_FMT_FLOAT32,
		[OFA_FLOAT16] = OFA_FMT_FLOAT16,
		[OFA_INT8] = OFA_FMT_INT8,
	};

	return (struct ofa_pack_tensor){
		.type = types[precision],
		.role = role,
		.layout = precision == OFA_INT8 ? OFA_FMT_QUADS : OFA_FMT_PANELS,
	};
}

static struct ofa_pack_tensor matrix(enum ofa_precision precision, uint8_t role, int n, int k)
{
	struct ofa_pack_tensor t = weights(precision, role);

	t.rank = 2;
	t.dims[0] = (uint32_t)n;
	t.dims[1] = (uint32_t)k;
	return t;
}

static struct ofa_pack_tensor dense_window(enum ofa_precision precision, const struct ofa_layer *l)
{
	struct ofa_pack_tensor t = weights(precision, OFA_FMT_WEIGHT);

	t.rank = 4;
	t.dims[0] = (uint32_t)l->c_out;
	t.dims[1] = t.dims[2] = (uint32_t)l->k;
	t.dims[3] = (uint32_t)l->c_in;
	return t;
}

/* int8 kernels go along a row of channels, the others along a panel's channels tap by tap. */
static struct ofa_pack_tensor depthwise_window(enum ofa_precision precision, const struct ofa_layer *l)
{
	const bool channels_last = precision == OFA_INT8;
	struct ofa_pack_tensor t = weights(precision, OFA_FMT_WEIGHT);

	t.rank = 3;
	t.dims[0] = t.dims[1] = t.dims[2] = (uint32_t)l->k;
	t.dims[channels_last ? 2 : 0] = (uint32_t)l->c_out;
	if (channels_last)
		t.layout = OFA_FMT_PLAIN;
	return t;
}

static bool has_table(const struct ofa_layer *l)
{
	return l->act == OFA_ACT_HSWISH || l->act == OFA_ACT_HSIGMOID;
}

/* Bias and, in int8, what follows it; returns how many. */
static int finish_tensors(const struct ofa_layer *l, enum ofa_precision precision, struct ofa_pack_tensor *ret)
{
	ret[0] = row(bias_type(precision), OFA_FMT_BIAS, l->c_out);
	if (precision != OFA_INT8)
		return 1;
	ret[1] = row(OFA_FMT_INT32, OFA_FMT_MULTIPLIER, l->c_out);
	ret[2] = row(OFA_FMT_INT32, OFA_FMT_SHIFT, l->c_out);
	if (!has_table(l))
		return 3;
	ret[3] = row(OFA_FMT_INT8, OFA_FMT_LOOKUP, OFA_FMT_LOOKUP_BYTES);
	return 4;
}

static int se_tensors(const struct ofa_layer *l, enum ofa_precision precision, struct ofa_pack_tensor *ret)
{
	ret[0] = matrix(precision, OFA_FMT_WEIGHT, l->hidden, l->c_in);
	ret[1] = row(bias_type(precision), OFA_FMT_BIAS, l->hidden);
	ret[2] = matrix(precision, OFA_FMT_WEIGHT2, l->c_in, l->hidden);
	ret[3] = row(bias_type(precision), OFA_FMT_BIAS2, l->c_in);
	if (precision != OFA_INT8)
		return 4;
	ret[4] = row(OFA_FMT_INT32, OFA_FMT_MULTIPLIER, l->hidden);
	ret[5] = row(OFA_FMT_INT32, OFA_FMT_SHIFT, l->hidden);
	ret[6] = row(OFA_FMT_INT32, OFA_FMT_MULTIPLIER2, l->c_in);
	ret[7] = row(OFA_FMT_INT32, OFA_FMT_SHIFT2, l->c_in);
	return 8;
}

int ofa_pack_layer_tensors(const struct ofa_layer *l, enum ofa_precision precision,
			   struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	switch (l->op) {
	case OFA_OP_CONV:
		ret[0] = dense_window(precision, l);
		return 1 + finish_tensors(l, precision, ret + 1);
	case OFA_OP_DWCONV:
		ret[0] = depthwise_window(precision, l);
		return 1 + finish_tensors(l, precision, ret + 1);
	case OFA_OP_LINEAR:
		ret[0] = matrix(precision, OFA_FMT_WEIGHT, l->c_out, l->c_in);
		return 1 + finish_tensors(l, precision, ret + 1);
	case OFA_OP_SE:
		return se_tensors(l, precision, ret);
	case OFA_OP_POOL:
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
	case OFA_OP_ADD:
	case OFA_OP_COUNT:
		break;
	}
	return 0;
}

static uint64_t round_to(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Numbers of a row of quads: a segment for each row of a window, or a single one. */
static uint64_t quad_row(const struct ofa_pack_tensor *t)
{
	return t->rank == 4 ? t->dims[1] * round_to((uint64_t)t->dims[2] * t->dims[3], OFA_FMT_QUAD)
			    : round_to(t->dims[1], OFA_FMT_QUAD);
}

uint64_t ofa_pack_tensor_bytes(const struct ofa_pack_tensor *t)
{
	static const uint8_t element[] = {
		[OFA_FMT_FLOAT32] = 4,
		[OFA_FMT_FLOAT16] = 2,
		[OFA_FMT_INT8] = 1,
		[OFA_FMT_INT32] = 4,
	};
	uint64_t n = t->layout == OFA_FMT_PLAIN ? t->dims[0] : round_to(t->dims[0], OFA_FMT_PANEL);

	if (t->layout == OFA_FMT_QUADS)
		return n * quad_row(t);
	for (int i = 1; i < t->rank; i++)
		n *= t->dims[i];
	return n * element[t->type];
}

uint64_t ofa_pack_layer_bytes(const struct ofa_layer *l, enum ofa_precision precision)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	int n = ofa_pack_layer_tensors(l, precision, tensors);
	uint64_t bytes = OFA_FMT_OP_BYTES + (uint64_t)n * OFA_FMT_TENSOR_BYTES;

	if (precision == OFA_INT8)
		bytes += OFA_FMT_QUANT_BYTES;
	for (int i = 0; i < n; i++)
		bytes += ofa_pack_round(ofa_pack_tensor_bytes(&tensors[i]));
	return bytes;
}

static uint64_t names_bytes(const struct ofa_supernet *net)
{
	uint64_t bytes = 0;

	for (int i = 0; net->classes && i < net->space.classes; i++)
		bytes += strlen(net->classes[i]) + 1;
	return bytes;
}

void ofa_pack_layout_init(const struct ofa_supernet *net, const struct ofa_plan *plan, enum ofa_precision precision,
			  struct ofa_pack_layout *ret)
{
	const uint64_t logit_bytes = precision == OFA_INT8 ? 1 : sizeof(float);
	const struct ofa_value *input = &plan->values[0];
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];

	memset(ret, 0, sizeof(*ret));
	ret->precision = precision;
	ret->ops = (uint32_t)plan->n_layers;
	ret->quants = precision == OFA_INT8 ? ret->ops : 0;
	for (int i = 0; i < plan->n_layers; i++) {
		int n = ofa_pack_layer_tensors(&plan->layers[i], precision, tensors);

		ret->tensors += (uint32_t)n;
		for (int j = 0; j < n; j++)
			ret->data_bytes += ofa_pack_round(ofa_pack_tensor_bytes(&tensors[j]));
	}
	ret->tensor_offset = OFA_FMT_HEADER_BYTES + (uint64_t)ret->ops * OFA_FMT_OP_BYTES;
	ret->quant_offset = ret->tensor_offset + (uint64_t)ret->tensors * OFA_FMT_TENSOR_BYTES;
	ret->io_offset = ret->quant_offset + (uint64_t)ret->quants * OFA_FMT_QUANT_BYTES;
	ret->names_offset = ret->io_offset + OFA_FMT_IO_BYTES;
	ret->names_bytes = names_bytes(net);
	ret->logits_offset = ofa_pack_round(ret->names_offset + ret->names_bytes);
	ret->pixels_offset = ofa_pack_round(ret->logits_offset + (uint64_t)plan->classes * logit_bytes);
	ret->meta_offset = ofa_pack_round(ret->pixels_offset + (uint64_t)input->h * input->w * input->c);
	ret->meta_bytes = ofa_pack_meta_bytes(net);
	ret->data_offset = ret->meta_offset + ret->meta_bytes;
	ret->size = ret->data_offset + ret->data_bytes + OFA_FMT_TRAILER_BYTES;
}

uint64_t ofa_pack_size(const struct ofa_supernet *net, const struct ofa_plan *plan, enum ofa_precision precision)
{
	struct ofa_pack_layout layout;

	ofa_pack_layout_init(net, plan, precision, &layout);
	return layout.size;
}
