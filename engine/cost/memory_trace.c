#include "cost/stripes.h"

/* Stripes: where each value ends in the arena, as long as it is alive. */
struct ends {
	const struct ofa_plan *p;
	const struct ofa_memory_plan *m;
	uint32_t of[OFA_PLAN_MAX_LAYERS + 1];
};

static uint32_t rows_bytes(const struct ofa_value *v, uint32_t rows)
{
	return (rows > 0 ? rows : (uint32_t)v->h) * (uint32_t)v->w * (uint32_t)v->c;
}

/* The layers from first to last run in turns.  Returns what they hold. */
static uint32_t group_bytes(struct ends *e, int first, int last)
{
	const struct ofa_layer *layers = e->p->layers;
	const int oldest = layers[e->p->units[layers[first].unit].first_layer].in;
	uint32_t most = 0;

	e->of[layers[first].in] = e->m->layers[first].in + rows_bytes(&e->p->values[layers[first].in], 0);
	for (int l = first; l <= last; l++) {
		const struct ofa_placement *at = &e->m->layers[l];

		e->of[layers[l].out] = at->out + rows_bytes(&e->p->values[layers[l].out], at->rows);
		if (at->scratch != OFA_NOWHERE)
			most = at->scratch + (uint32_t)(layers[l].c_in + layers[l].hidden);
	}
	/* besides its own values the input of its unit, which a later layer may add */
	for (int v = oldest; v <= layers[last].out; v++)
		if (e->p->values[v].last_layer >= first && e->of[v] > most)
			most = e->of[v];
	return (most + OFA_MEMORY_INT8_ALIGN - 1) / OFA_MEMORY_INT8_ALIGN * OFA_MEMORY_INT8_ALIGN;
}

static void trace_stripes(const struct ofa_plan *p, uint32_t *ret)
{
	struct ofa_memory_plan m;
	struct ends e = {.p = p, .m = &m};

	ofa_memory_plan_init(p, OFA_INT8, &m);
	for (int first = 0, last; first < p->n_layers; first = last + 1) {
		uint32_t bytes;

		last = first;
		while (m.layers[last].rows > 0)
			last++;
		bytes = group_bytes(&e, first, last);
		for (int l = first; l <= last; l++)
			ret[l] = bytes;
	}
}

void ofa_memory_trace(const struct ofa_plan *p, enum ofa_precision precision, uint32_t ret[OFA_PLAN_MAX_LAYERS])
{
	if (precision == OFA_INT8 && ofa_stripes_apply(p)) {
		trace_stripes(p, ret);
		return;
	}
	for (int l = 0; l < p->n_layers; l++)
		ret[l] = ofa_layer_alive_bytes(p, l, precision);
}
