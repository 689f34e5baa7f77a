#include "cost/stripes.h"

#include <string.h>

/* A layer-by-layer arena: what is needed at one time never shares a byte. */
struct layout {
	uint32_t element, align; /* bytes of a number; of an offset */
	uint32_t value_offset[OFA_PLAN_MAX_LAYERS + 1];
	uint32_t scratch_offset[OFA_PLAN_MAX_LAYERS]; /* by layer; meaningful for SE only */
	uint32_t arena_bytes;
};

static struct layout layout_for(enum ofa_precision precision)
{
	const bool int8 = precision == OFA_INT8;

	return (struct layout){.element = int8 ? 1 : (uint32_t)sizeof(float),
			       .align = int8 ? OFA_MEMORY_INT8_ALIGN : OFA_MEMORY_FLOAT_ALIGN};
}

static uint32_t bytes_of(const struct layout *m, int h, int w, int c)
{
	return ((uint32_t)h * (uint32_t)w * (uint32_t)c * m->element + m->align - 1) / m->align * m->align;
}

static uint32_t value_bytes(const struct layout *m, const struct ofa_value *v)
{
	return bytes_of(m, v->h, v->w, v->c);
}

static uint32_t scratch_bytes(const struct layout *m, const struct ofa_layer *l)
{
	return l->op == OFA_OP_SE ? bytes_of(m, 1, 1, l->c_in + l->hidden) : 0;
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

/* Depends on nothing but the shapes of the layer's own unit. */
static uint32_t layer_bytes(const struct layout *m, const struct ofa_plan *p, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	uint32_t live = scratch_bytes(m, l);

	/* Besides its own values a layer finds alive only the input of its block: values are few and near. */
	for (int i = p->layers[p->units[l->unit].first_layer].in; i <= l->out; i++)
		if (live_at(&p->values[i], layer))
			live += value_bytes(m, &p->values[i]);
	return live;
}

uint32_t ofa_layer_alive_bytes(const struct ofa_plan *p, int layer, enum ofa_precision precision)
{
	const struct layout m = layout_for(precision);

	return layer_bytes(&m, p, layer);
}

uint32_t ofa_unit_layers_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision)
{
	const struct layout m = layout_for(precision);
	const struct ofa_unit *u = &p->units[unit];
	uint32_t most = 0;

	for (int l = u->first_layer; l < u->first_layer + u->n_layers; l++) {
		const uint32_t bytes = layer_bytes(&m, p, l);

		if (bytes > most)
			most = bytes;
	}
	return most;
}

uint32_t ofa_plan_layers_bytes(const struct ofa_plan *p, enum ofa_precision precision)
{
	uint32_t most = 0;

	for (int i = 0; i < p->n_units; i++) {
		const uint32_t bytes = ofa_unit_layers_bytes(p, i, precision);

		if (bytes > most)
			most = bytes;
	}
	return most;
}

uint32_t ofa_unit_arena_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision)
{
	struct ofa_placement layers[OFA_PLAN_MAX_LAYERS];

	if (precision == OFA_INT8 && ofa_stripes_apply(p))
		return ofa_stripes_place(p, unit, layers);
	return ofa_unit_layers_bytes(p, unit, precision);
}

/* Values that are needed while a layer runs: at most three, and the one that is being placed. */
struct placed {
	int n;
	struct {
		uint32_t from_low, from_high; /* bytes before the value, bytes after it */
	} at[4];
};

static struct placed placed_at(const struct ofa_plan *p, const struct layout *m, int layer)
{
	const struct ofa_layer *l = &p->layers[layer];
	struct placed r = {0};

	for (int i = p->layers[p->units[l->unit].first_layer].in; i < p->n_values; i++) {
		if (p->values[i].first_layer >= layer || !live_at(&p->values[i], layer))
			continue;
		r.at[r.n].from_low = m->value_offset[i];
		r.at[r.n].from_high = m->arena_bytes - m->value_offset[i] - value_bytes(m, &p->values[i]);
		r.n++;
	}
	return r;
}

/* Offset nearest to one end of the arena, at least `reserve` bytes away from it, where size bytes are free. */
static uint32_t place(const struct layout *m, const struct placed *r, int high, uint32_t reserve,
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

static uint32_t reserve_bytes(const struct layout *m, const struct ofa_plan *p, int layer)
{
	const struct ofa_unit *u = &p->units[p->layers[layer].unit];

	if (!has_projection(u) || u->stride > 1 || layer != u->first_layer)
		return 0;
	return value_bytes(m, &p->values[p->layers[layer + 1].out]);
}

static void lay_out(const struct ofa_plan *p, struct layout *m)
{
	uint8_t side[OFA_PLAN_MAX_LAYERS + 1] = {0};

	for (int i = 0; i < p->n_layers; i++) {
		uint32_t bytes = layer_bytes(m, p, i);

		if (bytes > m->arena_bytes)
			m->arena_bytes = bytes;
	}
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		struct placed r = placed_at(p, m, i);
		int to = choose_side(p, side, l);

		if (l->op == OFA_OP_SE) {
			m->scratch_offset[i] = place(m, &r, to, 0, scratch_bytes(m, l));
		} else {
			side[l->out] = (uint8_t)to;
			m->value_offset[l->out] =
				place(m, &r, to, reserve_bytes(m, p, i), value_bytes(m, &p->values[l->out]));
		}
	}
}

static void plan_by_layers(const struct ofa_plan *p, enum ofa_precision precision, struct ofa_memory_plan *ret)
{
	struct layout m = layout_for(precision);

	lay_out(p, &m);
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];

		ret->layers[i] = (struct ofa_placement){
			.in = m.value_offset[l->in],
			.out = m.value_offset[l->out],
			.residual = l->residual >= 0 ? m.value_offset[l->residual] : OFA_NOWHERE,
			.scratch = l->op == OFA_OP_SE ? m.scratch_offset[i] : OFA_NOWHERE,
			.origin = m.value_offset[l->in],
		};
	}
	ret->input = m.value_offset[0];
	ret->arena_bytes = m.arena_bytes;
}

/* Between units a single value is alive, so each unit may move it to where it wants it. */
static void plan_by_stripes(const struct ofa_plan *p, struct ofa_memory_plan *ret)
{
	for (int i = 0; i < p->n_units; i++) {
		const uint32_t bytes = ofa_stripes_place(p, i, ret->layers);
		struct ofa_placement *first = &ret->layers[ofa_stripes_first_layer(p, i)];

		if (bytes > ret->arena_bytes)
			ret->arena_bytes = bytes;
		if (bytes > 0 && first > ret->layers)
			first->origin = first[-1].out;
	}
	ret->input = ret->layers[0].in;
}

void ofa_memory_plan_init(const struct ofa_plan *p, enum ofa_precision precision, struct ofa_memory_plan *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (precision == OFA_INT8 && ofa_stripes_apply(p))
		plan_by_stripes(p, ret);
	else
		plan_by_layers(p, precision, ret);
}
