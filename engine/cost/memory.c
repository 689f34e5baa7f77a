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

/* Values that are needed while a layer runs: at most three, and the one that is being placed. */
struct placed {
	int n;
	struct {
		uint32_t from_low, from_high; /* bytes before the value, bytes after it */
	} at[4];
};

static struct placed placed_at(const struct ofa_plan *p, const struct ofa_memory_plan *m, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	struct placed r = {0};

	for (int i = p->layers[p->units[l->unit].first_layer].in; i < p->n_values; i++) {
		if (p->values[i].first_layer >= layer || !live_at(&p->values[i], layer))
			continue;
		r.at[r.n].from_low = m->value_offset[i];
		r.at[r.n].from_high = m->arena_bytes - m->value_offset[i] - value_bytes(&p->values[i]);
		r.n++;
	}
	return r;
}

/* Offset nearest to one end of the arena, at least `reserve` bytes away from it, where size bytes are free. */
static uint32_t place(const struct ofa_memory_plan *m, const struct placed *r, int high, uint32_t reserve,
		      uint32_t size)
{
	uint32_t distance = reserve;
	bool moved;

	do {
		moved = false;
		for (int i = 0; i < r->n; i++) {
			uint32_t before = high ? r->at[i].from_high : r->at[i].from_low;
			uint32_t end = m->arena_bytes - (high ? r->at[i].from_low : r->at[i].from_high);

			if (distance < end && before < distance + size) {
				distance = end;
				moved = true;
			}
		}
	} while (moved);
	return high ? m->arena_bytes - distance - size : distance;
}

static bool has_projection(const struct ofa_unit *u)
{
	return u->bottleneck && !u->residual;
}

/* To which end of the arena a layer's result (SE's scratch) goes.  By default opposite to its input; so that neither
 * end gets a hole, and both together need no more than the largest sum of live values, there are exceptions:
 *   A residual block keeps its input.  The result of its middle layer goes on top of it, both end with the last layer,
 *   whose result is at the other end.
 *   A bottleneck that pools its input: the pooled input goes on top of the first layer's result, opposite to the input,
 *   which then ends; the projection takes the place of the input; the middle layer's result goes on top of it.
 *   A bottleneck that projects its input as it is: the middle layer's result lies at the end opposite to the input,
 *   the first layer's, made before, kept room for it there (reserve_bytes()), and the projection's goes on top of it;
 *   the result takes the place of the input. */
static int choose_side(const struct ofa_plan *p, const uint8_t *side, const struct ofa_layer *l)
{
	const struct ofa_unit *u = &p->units[l->unit];
	const int input = p->layers[u->first_layer].in;
	const bool first = l == &p->layers[u->first_layer], last = l->residual >= 0;
	const bool middle = l->op == OFA_OP_DWCONV || (l->op == OFA_OP_CONV && l->k > 1);

	if (u->residual && middle)
		return side[input];
	if (has_projection(u) && u->stride > 1)
		return first || last || l->op == OFA_OP_AVERAGE_POOL ? !side[input] : side[input];
	if (has_projection(u))
		return last ? side[input] : !side[input];
	return !side[l->in];
}

static uint32_t reserve_bytes(const struct ofa_plan *p, int layer)
{
	const struct ofa_unit *u = &p->units[p->layers[layer].unit];

	if (!has_projection(u) || u->stride > 1 || layer != u->first_layer)
		return 0;
	return value_bytes(&p->values[p->layers[layer + 1].out]);
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
		struct placed r = placed_at(p, ret, i);
		int to = choose_side(p, side, l);

		if (l->op == OFA_OP_SE) {
			ret->scratch_offset[i] = place(ret, &r, to, 0, scratch_bytes(l));
		} else {
			side[l->out] = (uint8_t)to;
			ret->value_offset[l->out] =
				place(ret, &r, to, reserve_bytes(p, i), value_bytes(&p->values[l->out]));
		}
	}
}
