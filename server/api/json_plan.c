#include <math.h>
#include "api/json_plan.h"
#include "cost/uniform.h"
#include "pack/pack.h"

static const char *const kinds[OFA_UNIT_COUNT] = {
	[OFA_UNIT_STEM] = "stem",
	[OFA_UNIT_BLOCK] = "block",
	[OFA_UNIT_HEAD_EXPAND] = "head_expand",
	[OFA_UNIT_POOL] = "pool",
	[OFA_UNIT_MIX] = "mix",
	[OFA_UNIT_CLASSIFIER] = "classifier",
	[OFA_UNIT_STEM_OUT] = "stem_out",
	[OFA_UNIT_MAX_POOL] = "max_pool",
};

static json_t *number_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *integer_or_null(bool known, int v)
{
	return known ? json_integer(v) : json_null();
}

/* Whole ratios are written as integers, as an arch has them. */
static json_t *ratio_or_null(bool known, float ratio)
{
	const double d = ofa_float_decimal(ratio);

	if (!known)
		return json_null();
	return d == floor(d) ? json_integer((json_int_t)d) : json_real(d);
}

/* Takes the reference to item; NULL when either is. */
static json_t *append(json_t *list, json_t *item)
{
	if (!list || json_array_append_new(list, item) == 0)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *stages_of(const struct ofa_space *s, const struct ofa_arch *a)
{
	json_t *list = json_array();

	for (int i = 0; list && i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];
		const int gene = ofa_block_gene_out(s, t->first_block);

		list = append(list, json_pack("{s:i, s:i, s:i}", "blocks", t->max_depth, "active",
					      ofa_arch_depth(s, a, i), "channels",
					      gene < 0 ? t->width : ofa_arch_width(s, a, gene)));
	}
	return list;
}

static json_t *unit_format(const struct plan_view *v, int index)
{
	const struct ofa_space *s = &v->network->net->space;
	const struct ofa_unit *u = &v->plan.units[index];
	const struct ofa_layer *first = &v->plan.layers[u->first_layer];
	const bool block = u->kind == OFA_UNIT_BLOCK, elastic = block && u->block > 0, mid = block && u->mid > 0;
	const int stage = elastic ? ofa_block_stage(s, u->block - 1) : 0;
	const struct ofa_latency_entry *row = v->rows[index];
	char key[OFA_LATENCY_KEY_MAX];

	ofa_unit_key(u, &v->plan, key);
	/* clang-format off */
	return json_pack(
		"{s:s, s:o, s:o, s:[i,i,i], s:[i,i,i], s:i, s:o, s:o, s:i, s:s, s:b, s:b, s:I, s:I, s:I, s:o, s:s,"
		" s:s*}",
		"kind", kinds[u->kind],
		"stage", integer_or_null(elastic, stage),
		"block", integer_or_null(elastic, u->block - 1 - s->stages[stage].first_block),
		"input", u->h_in, u->w_in, u->c_in,
		"output", u->h_out, u->w_out, u->c_out,
		"kernel", block ? u->k : first->k,
		"expand", ratio_or_null(mid, u->expand),
		"mid", integer_or_null(mid, u->mid),
		"stride", block ? u->stride : first->stride,
		"act", ofa_act_name(u->act),
		"se", u->se,
		"residual", u->residual,
		"macs", (json_int_t)ofa_unit_macs(&v->plan, index),
		"params", (json_int_t)ofa_unit_params(&v->plan, index),
		"storage_bytes", (json_int_t)ofa_pack_unit_bytes(&v->plan, index, v->precision),
		"latency_ms", number_or_null(row ? row->mean_ms : NAN),
		"latency_key", key,
		"latency_included_in", row ? row->included_in : NULL);
	/* clang-format on */
}

static json_t *units_of(const struct plan_view *v)
{
	json_t *list = json_array();

	for (int i = 0; list && i < v->plan.n_units; i++)
		list = append(list, unit_format(v, i));
	return list;
}

static json_t *memory_of(const struct plan_view *v)
{
	uint32_t held[OFA_PLAN_MAX_LAYERS];
	json_t *list = json_array();

	ofa_memory_trace(&v->plan, v->precision, held);
	for (int i = 0; list && i < v->plan.n_layers; i++)
		list = append(list, json_pack("{s:i, s:s, s:I}", "unit", v->plan.layers[i].unit, "op",
					      ofa_op_name(v->plan.layers[i].op), "bytes", (json_int_t)held[i]));
	return list;
}

/* What a package has beside its layers. */
static uint64_t overhead_bytes(const struct plan_view *v)
{
	uint64_t bytes = ofa_pack_size(v->network->net, &v->plan, v->precision);

	for (int i = 0; i < v->plan.n_units; i++)
		bytes -= ofa_pack_unit_bytes(&v->plan, i, v->precision);
	return bytes;
}

json_t *plan_format(const struct plan_view *v)
{
	const struct ofa_space *s = &v->network->net->space;
	const struct ofa_plan *p = &v->plan;
	struct ofa_memory_plan memory;

	ofa_memory_plan_init(p, v->precision, &memory);
	/* clang-format off */
	return json_pack(
		"{s:s, s:s, s:s?, s:o, s:i, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}",
		"network", v->network->net->name,
		"dtype", ofa_precision_name(v->precision),
		"profile", v->profile ? v->profile->profile.name : NULL,
		"arch", ofa_arch_format(s, &p->arch),
		"image_size", p->arch.image_size,
		"predicted_accuracy", number_or_null(v->predicted_accuracy),
		"latency_ms", number_or_null(v->latency_ms),
		"macs", (json_int_t)ofa_plan_macs(p),
		"params", (json_int_t)ofa_plan_params(p),
		"storage_bytes", (json_int_t)ofa_pack_size(v->network->net, p, v->precision),
		"overhead_bytes", (json_int_t)overhead_bytes(v),
		"peak_memory_bytes", (json_int_t)memory.arena_bytes,
		"stages", stages_of(s, &p->arch),
		"units", units_of(v),
		"memory", memory_of(v));
	/* clang-format on */
}
