#include "pack/stored.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "pack/half.h"
#include "quantise/quantise.h"

/* A subnet's arrays are constant to those that run it; this one is being made. */
static float *writable(struct ofa_subnet *to, const struct ofa_subnet *from, const float *array)
{
	return to->storage + (array - from->storage);
}

static bool store_tensor(const struct ofa_pack_tensor *t, const float *x, uint8_t *data, float *rounded)
{
	memset(data + t->bytes, 0, ofa_pack_round(t->bytes) - t->bytes);
	if (t->type == OFA_FMT_FLOAT16)
		return ofa_half_round(x, t->bytes / OFA_HALF_BYTES, data, rounded);
	memcpy(data, x, t->bytes);
	memmove(rounded, x, t->bytes);
	return true;
}

/* The weights in binary16 into data, and as float32 what they became into `rounded`. */
static enum ofa_status halve(const struct ofa_subnet *sub, uint8_t *data, struct ofa_subnet *rounded,
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
			data += ofa_pack_round(tensors[j].bytes);
		}
	}
	return OFA_OK;
}

static enum ofa_status to_int8(const struct ofa_supernet *net, const struct ofa_subnet *sub, struct ofa_pool *pool,
			       uint8_t *dest, struct ofa_pack_stored *s, struct ofa_error *err)
{
	struct ofa_quantised *q;
	enum ofa_status st = ofa_quantise(net, sub, NULL, pool, dest, &q, err);

	if (st != OFA_OK)
		return st;
	s->sub = NULL;
	s->quantised = s->own_quantised = q;
	return OFA_OK;
}

static enum ofa_status to_float16(const struct ofa_subnet *sub, struct ofa_subnet *rounded, uint8_t *dest,
				  struct ofa_pack_stored *s, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	if (!rounded) {
		st = ofa_subnet_copy(sub, &s->own_sub, err);
		rounded = s->own_sub;
	}
	if (st == OFA_OK)
		st = halve(sub, dest, rounded, err);
	s->sub = rounded;
	return st;
}

enum ofa_status ofa_pack_store(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			       const struct ofa_pack_layout *layout, struct ofa_pool *pool, struct ofa_subnet *rounded,
			       uint8_t *dest, struct ofa_pack_stored *ret, struct ofa_error *err)
{
	struct ofa_pack_stored s = {.plan = &sub->plan, .data = (const uint8_t *)sub->storage, .sub = sub};
	enum ofa_status st;

	if (layout->precision == OFA_FLOAT32) {
		*ret = s;
		return OFA_OK;
	}
	if (!dest)
		dest = s.own_data = ofa_large_alloc(layout->data_bytes);
	if (!dest)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %llu bytes of weights",
				(unsigned long long)layout->data_bytes);
	s.data = dest;
	st = layout->precision == OFA_INT8 ? to_int8(net, sub, pool, dest, &s, err)
					   : to_float16(sub, rounded, dest, &s, err);
	if (st == OFA_OK)
		*ret = s;
	else
		ofa_pack_stored_release(&s);
	return st;
}

void ofa_pack_stored_release(struct ofa_pack_stored *s)
{
	ofa_quantised_free(s->own_quantised);
	ofa_subnet_free(s->own_sub);
	free(s->own_data);
}
