#include "pack/stored.h"

#include <string.h>

#include "pack/half.h"

/* A subnet's arrays are constant to those that run it; this one is being made. */
static float *writable(struct ofa_subnet *to, const struct ofa_subnet *from, const float *array)
{
	return to->storage + (array - from->storage);
}

static bool store_tensor(const struct ofa_pack_tensor *t, const float *x, uint8_t *data, float *rounded)
{
	const uint64_t bytes = ofa_pack_tensor_bytes(t);

	memset(data + bytes, 0, ofa_pack_round(bytes) - bytes);
	if (t->type == OFA_FMT_FLOAT16)
		return ofa_half_round(x, bytes / OFA_HALF_BYTES, data, rounded);
	memcpy(data, x, bytes);
	memmove(rounded, x, bytes);
	return true;
}

enum ofa_status ofa_pack_halve(const struct ofa_subnet *sub, uint8_t *data, struct ofa_subnet *rounded,
			       struct ofa_error *err)
{
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	char field[32];

	for (int i = 0; i < sub->plan.n_layers; i++) {
		const struct ofa_layer_weights *w = &sub->weights[i];
		const float *const arrays[] = {w->w, w->b, w->w2, w->b2};
		const int n = ofa_pack_layer_tensors(&sub->plan.layers[i], OFA_FLOAT16, tensors);

		for (int j = 0; j < n; j++) {
			if (!store_tensor(&tensors[j], arrays[j], data, writable(rounded, sub, arrays[j]))) {
				snprintf(field, sizeof(field), "layer %d", i);
				return ofa_fail(err, OFA_ERR_LIMIT, field,
						"%s: a weight is larger than %.0f, the largest float16; the types "
						"float32 and int8 hold it",
						ofa_op_name(sub->plan.layers[i].op), (double)OFA_HALF_MOST);
			}
			data += ofa_pack_round(ofa_pack_tensor_bytes(&tensors[j]));
		}
	}
	return OFA_OK;
}
