#include <string.h>

#include "cost/costs.h"

#define ALIGNMENT 64u

static uint32_t float_bytes(int h, int w, int c)
{
	return ((uint32_t)h * (uint32_t)w * (uint32_t)c * (uint32_t)sizeof(float) + ALIGNMENT - 1) / ALIGNMENT *
	       ALIGNMENT;
}

static uint32_t value_bytes(const struct ofa_value *v)
{
	return float_bytes(v->h, v->w, v->c);
}

static uint32_t scratch_bytes(const struct ofa_layer *l)
{
	return l->op == OFA_OP_SE ? float_bytes(1, 1, l->c_in + l->hidden) : 0;
}

static bool live_at(const struct ofa_value *v, int layer)
{
	return v->first_layer <= layer && layer <= v->last_layer;
}

uint64_t ofa_plan_peak_activation_int8(const struct ofa_plan *p)
{
	uint64_t peak = 0;

	for (int l = 0; l < p->n_layers; l++) {
		uint64_t live = 0;

		for (int i = 0; i < p->n_values; i++) {
			const struct ofa_value *v = &p->values[i];

			if (live_at(v, l))
				live += (uint64_t)v->h * (uint64_t)v->w * (uint64_t)v->c;
		}
		if (live > peak)
			peak = live;
	}
	return peak;
}

uint32_t ofa_layer_arena_bytes(const struct ofa_plan *p, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	uint32_t live = scratch_bytes(l);

	/* Besides its own values a layer finds alive only the input of its block: values are few and near. */
	for (int i = p->layers[p->units[l->unit].first_layer].in; i <= l->out; i++)
		if (live_at(&p->values[i], layer))
			live += value_bytes(&p->values[i]);
	return live;
}

/* The arena's two ends: how far each is filled by values that are still needed. */
struct ends {
	uint32_t filled[2];
};

static struct ends ends_at(const struct ofa_plan *p, const struct ofa_memory_plan *m, const uint8_t *side, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	struct ends e = {{0, 0}};

	for (int i = p->layers[p->units[l->unit].first_layer].in; i <= l->in; i++) {
		uint32_t offset = m->value_offset[i], size = value_bytes(&p->values[i]);
		uint32_t end = side[i] ? m->arena_bytes - offset : offset + size;

		if (live_at(&p->values[i], layer) && end > e.filled[side[i]])
			e.filled[side[i]] = end;
	}
	return e;
}

static uint32_t place(const struct ofa_memory_plan *m, const struct ends *e, int side, uint32_t size)
{
	return side ? m->arena_bytes - e->filled[1] - size : e->filled[0];
}

/* Every layer puts its result (SE its scratch) at the end of the arena opposite to its input, on what is
 * still needed there.  Besides, only the input of a residual block is kept: the depthwise result goes on
 * top of it, both end with the projection, whose result is at the other end.  So neither end ever has a
 * hole and together they need no more than the largest sum of live values. */
static int choose_side(const struct ofa_plan *p, const uint8_t *side, const struct ofa_layer *l)
{
	const struct ofa_unit *u = &p->units[l->unit];

	if (l->op == OFA_OP_DWCONV && u->residual)
		return side[p->layers[u->first_layer].in];
	return !side[l->in];
}

void ofa_memory_plan_init(const struct ofa_plan *p, struct ofa_memory_plan *ret)
{
	uint8_t side[OFA_PLAN_MAX_LAYERS + 1] = {0};

	memset(ret, 0, sizeof(*ret));
	for (int i = 0; i < p->n_layers; i++) {
		uint32_t bytes = ofa_layer_arena_bytes(p, i);

		if (bytes > ret->arena_bytes)
			ret->arena_bytes = bytes;
	}
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		struct ends e = ends_at(p, ret, side, i);
		int to = choose_side(p, side, l);

		if (l->op == OFA_OP_SE) {
			ret->scratch_offset[i] = place(ret, &e, to, scratch_bytes(l));
		} else {
			side[l->out] = (uint8_t)to;
			ret->value_offset[l->out] = place(ret, &e, to, value_bytes(&p->values[l->out]));
		}
	}
}
