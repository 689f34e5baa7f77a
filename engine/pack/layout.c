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

static struct ofa_pack_tensor bias(uint8_t role, int n)
{
	return (struct ofa_pack_tensor){
		.role = role,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {(uint32_t)n},
	};
}

static struct ofa_pack_tensor matrix(uint8_t role, int n, int k)
{
	return (struct ofa_pack_tensor){
		.role = role,
		.layout = OFA_FMT_PANELS,
		.rank = 2,
		.dims = {(uint32_t)n, (uint32_t)k},
	};
}

static struct ofa_pack_tensor window(const struct ofa_layer *l)
{
	const bool depthwise = l->op == OFA_OP_DWCONV;

	return (struct ofa_pack_tensor){
		.role = OFA_FMT_WEIGHT,
		.layout = OFA_FMT_PANELS,
		.rank = depthwise ? 3 : 4,
		.dims = {(uint32_t)l->c_out, (uint32_t)l->k, (uint32_t)l->k, depthwise ? 0 : (uint32_t)l->c_in},
	};
}

int ofa_pack_layer_tensors(const struct ofa_layer *l, struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_DWCONV:
		ret[0] = window(l);
		ret[1] = bias(OFA_FMT_BIAS, l->c_out);
		return 2;
	case OFA_OP_LINEAR:
		ret[0] = matrix(OFA_FMT_WEIGHT, l->c_out, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, l->c_out);
		return 2;
	case OFA_OP_SE:
		ret[0] = matrix(OFA_FMT_WEIGHT, l->hidden, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, l->hidden);
		ret[2] = matrix(OFA_FMT_WEIGHT2, l->c_in, l->hidden);
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

uint64_t ofa_pack_tensor_bytes(const struct ofa_pack_tensor *t)
{
	const uint64_t panel = t->layout == OFA_FMT_PANELS ? OFA_FMT_PANEL : 1;
	uint64_t n = (t->dims[0] + panel - 1) / panel * panel;

	for (int i = 1; i < t->rank; i++)
		n *= t->dims[i];
	return n * sizeof(float);
}

uint64_t ofa_pack_layer_bytes(const struct ofa_layer *l)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	int n = ofa_pack_layer_tensors(l, tensors);
	uint64_t bytes = OFA_FMT_OP_BYTES + (uint64_t)n * OFA_FMT_TENSOR_BYTES;

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

void ofa_pack_layout_init(const struct ofa_supernet *net, const struct ofa_plan *plan, struct ofa_pack_layout *ret)
{
	const struct ofa_value *input = &plan->values[0];
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];

	memset(ret, 0, sizeof(*ret));
	ret->ops = (uint32_t)plan->n_layers;
	for (int i = 0; i < plan->n_layers; i++) {
		int n = ofa_pack_layer_tensors(&plan->layers[i], tensors);

		ret->tensors += (uint32_t)n;
		for (int j = 0; j < n; j++)
			ret->data_bytes += ofa_pack_round(ofa_pack_tensor_bytes(&tensors[j]));
	}
	ret->tensor_offset = OFA_FMT_HEADER_BYTES + (uint64_t)ret->ops * OFA_FMT_OP_BYTES;
	ret->io_offset = ret->tensor_offset + (uint64_t)ret->tensors * OFA_FMT_TENSOR_BYTES;
	ret->names_offset = ret->io_offset + OFA_FMT_IO_BYTES;
	ret->names_bytes = names_bytes(net);
	ret->logits_offset = ofa_pack_round(ret->names_offset + ret->names_bytes);
	ret->pixels_offset = ofa_pack_round(ret->logits_offset + (uint64_t)plan->classes * sizeof(float));
	ret->meta_offset = ofa_pack_round(ret->pixels_offset + (uint64_t)input->h * input->w * input->c);
	ret->meta_bytes = ofa_pack_meta_bytes(net);
	ret->data_offset = ret->meta_offset + ret->meta_bytes;
	ret->size = ret->data_offset + ret->data_bytes + OFA_FMT_TRAILER_BYTES;
}

uint64_t ofa_pack_size(const struct ofa_supernet *net, const struct ofa_plan *plan)
{
	struct ofa_pack_layout layout;

	ofa_pack_layout_init(net, plan, &layout);
	return layout.size;
}
