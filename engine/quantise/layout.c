/* Which arrays an int8 layer has, and where they lie. */
#include <string.h>

#include "quantise/layout.h"

_Static_assert(OFA_FMT_ALIGN == 64, "storage is aligned as the data of a package");

static struct ofa_quantised_tensor vector(uint8_t role, int n)
{
	return (struct ofa_quantised_tensor){
		.type = OFA_FMT_INT32,
		.role = role,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {(uint32_t)n},
		.bytes = (size_t)n * sizeof(int32_t),
	};
}

/* Rows of `segments` times `width` weights each. */
static size_t quads_bytes(int rows, int segments, int width)
{
	return (size_t)(rows + OFA_FMT_PANEL - 1) / OFA_FMT_PANEL * OFA_FMT_PANEL * (size_t)segments *
	       ofa_quads_width(width);
}

static struct ofa_quantised_tensor matrix(uint8_t role, int rows, int columns)
{
	return (struct ofa_quantised_tensor){
		.type = OFA_FMT_INT8,
		.role = role,
		.layout = OFA_FMT_QUADS,
		.rank = 2,
		.dims = {(uint32_t)rows, (uint32_t)columns},
		.bytes = quads_bytes(rows, 1, columns),
	};
}

static struct ofa_quantised_tensor windows(const struct ofa_layer *l)
{
	const uint32_t k = (uint32_t)l->k;

	return (struct ofa_quantised_tensor){
		.type = OFA_FMT_INT8,
		.role = OFA_FMT_WEIGHT,
		.layout = OFA_FMT_QUADS,
		.rank = 4,
		.dims = {(uint32_t)l->c_out, k, k, (uint32_t)l->c_in},
		.bytes = quads_bytes(l->c_out, l->k, l->k * l->c_in),
	};
}

static struct ofa_quantised_tensor depthwise(const struct ofa_layer *l)
{
	const uint32_t k = (uint32_t)l->k;

	return (struct ofa_quantised_tensor){
		.type = OFA_FMT_INT8,
		.role = OFA_FMT_WEIGHT,
		.layout = OFA_FMT_PLAIN,
		.rank = 3,
		.dims = {k, k, (uint32_t)l->c_out},
		.bytes = (size_t)k * k * (size_t)l->c_out,
	};
}

static struct ofa_quantised_tensor lookup(void)
{
	return (struct ofa_quantised_tensor){
		.type = OFA_FMT_INT8,
		.role = OFA_FMT_LOOKUP,
		.layout = OFA_FMT_PLAIN,
		.rank = 1,
		.dims = {OFA_FMT_LOOKUP_BYTES},
		.bytes = OFA_FMT_LOOKUP_BYTES,
	};
}

int ofa_quantised_layer_tensors(const struct ofa_layer *l, struct ofa_quantised_tensor ret[OFA_FMT_MAX_OP_TENSORS])
{
	int n = 0;

	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_DWCONV:
	case OFA_OP_LINEAR:
		ret[n++] = l->op == OFA_OP_CONV     ? windows(l)
			   : l->op == OFA_OP_DWCONV ? depthwise(l)
						    : matrix(OFA_FMT_WEIGHT, l->c_out, l->c_in);
		ret[n++] = vector(OFA_FMT_BIAS, l->c_out);
		ret[n++] = vector(OFA_FMT_MULTIPLIER, l->c_out);
		ret[n++] = vector(OFA_FMT_SHIFT, l->c_out);
		if (ofa_layer_looks_up(l))
			ret[n++] = lookup();
		break;
	case OFA_OP_SE:
		ret[n++] = matrix(OFA_FMT_WEIGHT, l->hidden, l->c_in);
		ret[n++] = vector(OFA_FMT_BIAS, l->hidden);
		ret[n++] = matrix(OFA_FMT_WEIGHT2, l->c_in, l->hidden);
		ret[n++] = vector(OFA_FMT_BIAS2, l->c_in);
		ret[n++] = vector(OFA_FMT_MULTIPLIER, l->hidden);
		ret[n++] = vector(OFA_FMT_SHIFT, l->hidden);
		ret[n++] = vector(OFA_FMT_MULTIPLIER2, l->c_in);
		ret[n++] = vector(OFA_FMT_SHIFT2, l->c_in);
		break;
	default:
		break;
	}
	return n;
}

static size_t padded(size_t bytes)
{
	return (bytes + OFA_FMT_ALIGN - 1) / OFA_FMT_ALIGN * OFA_FMT_ALIGN;
}

size_t ofa_quantised_bytes(const struct ofa_plan *plan)
{
	struct ofa_quantised_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	size_t bytes = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		const int n = ofa_quantised_layer_tensors(&plan->layers[i], tensors);

		for (int t = 0; t < n; t++)
			bytes += padded(tensors[t].bytes);
	}
	return bytes;
}

size_t ofa_quantised_place(const struct ofa_layer *l, uint8_t *at, struct ofa_quantised_arrays *ret)
{
	struct ofa_quantised_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	const int n = ofa_quantised_layer_tensors(l, tensors);
	uint8_t *next = at;

	memset(ret, 0, sizeof(*ret));
	for (int t = 0; t < n; t++) {
		ret->of_role[tensors[t].role] = next;
		next += padded(tensors[t].bytes);
	}
	return (size_t)(next - at);
}

size_t ofa_quad_index(int o, int segment, int i, int segments, int width)
{
	const size_t quads = ofa_quads_width(width) / OFA_FMT_QUAD;
	const size_t quad = (size_t)segment * quads + (size_t)i / OFA_FMT_QUAD;

	return (((size_t)o / OFA_FMT_PANEL * (size_t)segments * quads + quad) * OFA_FMT_PANEL +
		(size_t)o % OFA_FMT_PANEL) * OFA_FMT_QUAD + (size_t)i % OFA_FMT_QUAD;
}
