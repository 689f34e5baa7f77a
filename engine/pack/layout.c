#include "pack/layout.h"

#include <string.h>

#include "ops/kernels.h"
#include "pack/meta.h"
#include "pack/pack.h"
#include "quantise/quantise.h"

uint64_t ofa_pack_round(uint64_t bytes)
{
	return (bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

_Static_assert(OFA_WEIGHT_PANEL == OFA_FMT_PANEL, "the engine extracts weights in the panels of the format");

static struct ofa_pack_tensor bias(uint8_t role, int n)
{
	return (struct ofa_pack_tensor){
		.type = OFA_FMT_FLOAT32,
		.role = role,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {(uint32_t)n},
		.bytes = (uint64_t)n * sizeof(float),
	};
}

/* Outputs by their inputs: sets type, layout and length of a tensor whose other fields are set. */
static struct ofa_pack_tensor panels(enum ofa_precision precision, struct ofa_pack_tensor t)
{
	const bool half = precision == OFA_FLOAT16;

	t.type = half ? OFA_FMT_FLOAT16 : OFA_FMT_FLOAT32;
	t.layout = OFA_FMT_PANELS;
	t.bytes = (t.dims[0] + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL * OFA_FMT_PANEL * (half ? 2u : 4u);
	for (int i = 1; i < t.rank; i++)
		t.bytes *= t.dims[i];
	return t;
}

static struct ofa_pack_tensor matrix(enum ofa_precision precision, uint8_t role, int n, int k)
{
	return panels(precision, (struct ofa_pack_tensor){
					 .role = role,
					 .rank = 2,
					 .dims = {(uint32_t)n, (uint32_t)k},
				 });
}

static struct ofa_pack_tensor window(enum ofa_precision precision, const struct ofa_layer *l)
{
	const bool depthwise = l->op == OFA_OP_DWCONV;
	const uint32_t k = (uint32_t)l->k;

	return panels(precision, (struct ofa_pack_tensor){
					 .role = OFA_FMT_WEIGHT,
					 .rank = depthwise ? 3 : 4,
					 .dims = {(uint32_t)l->c_out, k, k, depthwise ? 0 : (uint32_t)l->c_in},
				 });
}

static int int8_tensors(const struct ofa_layer *l, struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	struct ofa_quantised_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	const int n = ofa_quantised_layer_tensors(l, tensors);

	for (int i = 0; i < n; i++) {
		const struct ofa_quantised_tensor *t = &tensors[i];

		ret[i] = (struct ofa_pack_tensor){
			.type = t->type, .role = t->role, .layout = t->layout, .rank = t->rank, .bytes = t->bytes};
		memcpy(ret[i].dims, t->dims, sizeof(t->dims));
	}
	return n;
}

int ofa_pack_layer_tensors(const struct ofa_layer *l, enum ofa_precision precision,
			   struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	if (precision == OFA_INT8)
		return int8_tensors(l, ret);
	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_DWCONV:
		ret[0] = window(precision, l);
		ret[1] = bias(OFA_FMT_BIAS, l->c_out);
		return 2;
	case OFA_OP_LINEAR:
		ret[0] = matrix(precision, OFA_FMT_WEIGHT, l->c_out, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, l->c_out);
		return 2;
	case OFA_OP_SE:
		ret[0] = matrix(precision, OFA_FMT_WEIGHT, l->hidden, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, l->hidden);
		ret[2] = matrix(precision, OFA_FMT_WEIGHT2, l->c_in, l->hidden);
		ret[3] = bias(OFA_FMT_BIAS2, l->c_in);
		return 4;
	case OFA_OP_POOL:
	case OFA_OP_MAX_POOL:
	case OFA_OP_AVERAGE_POOL:
	case OFA_OP_ADD:
	case OFA_OP_COUNT:
		break;
	}
	return 0;
}

uint64_t ofa_pack_layer_bytes(const struct ofa_layer *l, enum ofa_precision precision)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	int n = ofa_pack_layer_tensors(l, precision, tensors);
	uint64_t bytes = OFA_FMT_OP_BYTES + (uint64_t)n * OFA_FMT_TENSOR_BYTES;

	if (precision == OFA_INT8)
		bytes += OFA_FMT_QUANT_BYTES;
	for (int i = 0; i < n; i++)
		bytes += ofa_pack_round(tensors[i].bytes);
	return bytes;
}

uint64_t ofa_pack_unit_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision)
{
	const struct ofa_unit *u = &p->units[unit];
	uint64_t bytes = 0;

	for (int i = u->first_layer; i < u->first_layer + u->n_layers; i++)
		bytes += ofa_pack_layer_bytes(&p->layers[i], precision);
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
			ret->data_bytes += ofa_pack_round(tensors[j].bytes);
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
