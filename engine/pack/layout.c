#include "pack/layout.h"

#include <string.h>

#include "pack/meta.h"
#include "pack/pack.h"

uint64_t ofa_pack_round(uint64_t bytes)
{
	return (bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

static struct ofa_pack_tensor bias(uint8_t role, int array, int n)
{
	return (struct ofa_pack_tensor){
		.role = role,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {(uint32_t)n},
		.n = (size_t)n,
		.k = 1,
		.o_stride = 1,
		.array = array,
	};
}

static struct ofa_pack_tensor matrix(uint8_t role, int array, int n, int k)
{
	return (struct ofa_pack_tensor){
		.role = role,
		.layout = OFA_FMT_PANELS,
		.rank = 2,
		.dims = {(uint32_t)n, (uint32_t)k},
		.n = (size_t)n,
		.k = (size_t)k,
		.o_stride = (size_t)k,
		.t_stride = 1,
		.array = array,
	};
}

/* Like a matrix, under the dimensions of a window. */
static struct ofa_pack_tensor dense(const struct ofa_layer *l)
{
	struct ofa_pack_tensor t = matrix(OFA_FMT_WEIGHT, 0, l->c_out, l->k * l->k * l->c_in);

	t.rank = 4;
	t.dims[1] = t.dims[2] = (uint32_t)l->k;
	t.dims[3] = (uint32_t)l->c_in;
	return t;
}

/* The engine keeps depthwise weights as (k, k, c). */
static struct ofa_pack_tensor depthwise(const struct ofa_layer *l)
{
	struct ofa_pack_tensor t = matrix(OFA_FMT_WEIGHT, 0, l->c_out, l->k * l->k);

	t.rank = 3;
	t.dims[1] = t.dims[2] = (uint32_t)l->k;
	t.o_stride = 1;
	t.t_stride = (size_t)l->c_out;
	return t;
}

int ofa_pack_layer_tensors(const struct ofa_layer *l, struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	switch (l->op) {
	case OFA_OP_CONV:
		ret[0] = dense(l);
		ret[1] = bias(OFA_FMT_BIAS, 1, l->c_out);
		return 2;
	case OFA_OP_DWCONV:
		ret[0] = depthwise(l);
		ret[1] = bias(OFA_FMT_BIAS, 1, l->c_out);
		return 2;
	case OFA_OP_LINEAR:
		ret[0] = matrix(OFA_FMT_WEIGHT, 0, l->c_out, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, 1, l->c_out);
		return 2;
	case OFA_OP_SE:
		ret[0] = matrix(OFA_FMT_WEIGHT, 0, l->hidden, l->c_in);
		ret[1] = bias(OFA_FMT_BIAS, 1, l->hidden);
		ret[2] = matrix(OFA_FMT_WEIGHT2, 2, l->c_in, l->hidden);
		ret[3] = bias(OFA_FMT_BIAS2, 3, l->c_in);
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

	return (t->n + panel - 1) / panel * panel * t->k * sizeof(float);
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
	uint64_t data = 0;

	memset(ret, 0, sizeof(*ret));
	ret->ops = (uint32_t)plan->n_layers;
	for (int i = 0; i < plan->n_layers; i++) {
		int n = ofa_pack_layer_tensors(&plan->layers[i], tensors);

		ret->tensors += (uint32_t)n;
		for (int j = 0; j < n; j++)
			data += ofa_pack_round(ofa_pack_tensor_bytes(&tensors[j]));
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
	ret->size = ret->data_offset + data + OFA_FMT_TRAILER_BYTES;
}

uint64_t ofa_pack_size(const struct ofa_supernet *net, const struct ofa_plan *plan)
{
	struct ofa_pack_layout layout;

	ofa_pack_layout_init(net, plan, &layout);
	return layout.size;
}
