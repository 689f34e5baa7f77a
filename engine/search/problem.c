#include "search/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pack/pack.h"
#include "tensor/gemm.h"

int ofa_problem_resolution(const struct ofa_search_problem *p, int image_size)
{
	for (int i = 0; i < p->n_resolutions; i++)
		if (p->resolutions[i] == image_size)
			return i;
	return -1;
}

/* The sizes that network, predictor and latency table all know. */
static enum ofa_status choose_resolutions(struct ofa_search_problem *p, struct ofa_error *err)
{
	const struct ofa_space *s = p->space;

	for (int i = 0; i < s->n_resolutions; i++) {
		int size = s->resolutions[i];

		if (ofa_predictor_has_resolution(p->predictor, size) &&
		    (!p->latency || ofa_latency_has(p->latency, size)))
			p->resolutions[p->n_resolutions++] = (uint16_t)size;
	}
	if (p->n_resolutions == 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, "resolutions",
				"network, predictor%s have no resolution in common",
				p->latency ? " and latency table" : "");
	return OFA_OK;
}

static enum ofa_status alloc_tables(struct ofa_search_problem *p, struct ofa_error *err)
{
	size_t stems, heads, cells;
	double *at;

	ofa_space_choices(p->space, &p->choices);
	p->options = p->choices.kernels * p->choices.expands;
	p->widths = p->choices.widths * p->choices.widths;
	for (int b = 0; b < p->space->n_blocks; b++) {
		p->gene_in[b] = (int8_t)ofa_block_gene_in(p->space, b);
		p->gene_out[b] = (int8_t)ofa_block_gene_out(p->space, b);
	}
	stems = (size_t)(p->n_resolutions * p->widths);
	heads = (size_t)(p->n_resolutions * p->choices.widths);
	cells = stems * (size_t)p->space->n_blocks * (size_t)p->options;
	at = p->storage = calloc(OFA_RESOURCE_COUNT * (stems + heads + cells), sizeof(double));
	if (!at)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (r == OFA_LATENCY_MS && !p->latency)
			continue;
		p->stem[r] = at;
		p->head[r] = at + stems;
		p->block[r] = at + stems + heads;
		at += stems + heads + cells;
	}
	return OFA_OK;
}

static double *stem_cell(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			 const struct ofa_arch *a)
{
	return &p->stem[r][resolution * p->widths + a->w[0] * p->choices.widths + a->w[1]];
}

static double *head_cell(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			 const struct ofa_arch *a)
{
	int last = p->space->n_width_genes - 1;

	return &p->head[r][resolution * p->choices.widths + (last < 0 ? 0 : a->w[last])];
}

static void unit_costs(const struct ofa_plan *plan, int unit, enum ofa_precision precision,
		       double cost[OFA_RESOURCE_COUNT])
{
	cost[OFA_MACS] = (double)ofa_unit_macs(plan, unit);
	cost[OFA_STORAGE_BYTES] = (double)ofa_pack_unit_bytes(plan, unit, precision);
	cost[OFA_PEAK_MEMORY_BYTES] = ofa_unit_arena_bytes(plan, unit, precision);
}

/* Adds a plan's units to the tables of what does not come from a latency table. */
static void read_plan(struct ofa_search_problem *p, int resolution, const struct ofa_plan *plan)
{
	static const enum ofa_resource known[] = {OFA_MACS, OFA_PEAK_MEMORY_BYTES, OFA_STORAGE_BYTES};
	const struct ofa_arch *a = &plan->arch;
	double rest = (double)ofa_pack_size(p->net, plan, p->precision);
	bool head = false;

	for (size_t k = 0; k < OFA_ARRAY_LEN(known); k++)
		*stem_cell(p, known[k], resolution, a) = *head_cell(p, known[k], resolution, a) = 0;
	for (int i = 0; i < plan->n_units; i++) {
		const struct ofa_unit *u = &plan->units[i];
		double cost[OFA_RESOURCE_COUNT];

		unit_costs(plan, i, p->precision, cost);
		rest -= cost[OFA_STORAGE_BYTES];
		head |= u->kind == OFA_UNIT_HEAD_EXPAND || u->kind == OFA_UNIT_POOL;
		for (size_t k = 0; k < OFA_ARRAY_LEN(known); k++) {
			enum ofa_resource r = known[k];
			double *to = head ? head_cell(p, r, resolution, a) : stem_cell(p, r, resolution, a);

			if (u->kind == OFA_UNIT_BLOCK && u->block > 0)
				ofa_problem_options_of(p, r, resolution, u->block - 1,
						       a)[ofa_problem_option(p, a, u->block - 1)] = cost[r];
			else
				*to = ofa_problem_join(r, *to, cost[r]);
		}
	}
	*stem_cell(p, OFA_STORAGE_BYTES, resolution, a) += rest; /* what a package has beside its layers */
}

static void fill_plan_tables(struct ofa_search_problem *p, struct ofa_plan *plan)
{
	for (int r = 0; r < p->n_resolutions; r++) {
		for (int i = 0; i < ofa_uniform_count(p->space); i++) {
			struct ofa_arch a;

			ofa_arch_uniform(p->space, p->resolutions[r], i, &a);
			ofa_plan_init(p->space, &p->net->params, &a, plan);
			read_plan(p, r, plan);
		}
	}
}

static void fill_latency(struct ofa_search_problem *p)
{
	const struct ofa_choices *c = &p->choices;

	for (int r = 0; r < p->n_resolutions; r++) {
		const int size = p->resolutions[r];

		for (int w = 0; w < p->widths; w++)
			p->stem[OFA_LATENCY_MS][r * p->widths + w] =
				ofa_latency_stem_ms(p->latency, size, w / c->widths, w % c->widths);
		for (int w = 0; w < c->widths; w++)
			p->head[OFA_LATENCY_MS][r * c->widths + w] = ofa_latency_head_ms(p->latency, size, w);
		for (int i = 0; i < p->space->n_blocks * p->widths; i++) {
			int block = i / p->widths, in = i % p->widths / c->widths, out = i % c->widths;
			double *row = ofa_problem_options(p, OFA_LATENCY_MS, r, block, in, out);

			for (int o = 0; o < p->options; o++)
				row[o] = ofa_latency_block_ms(p->latency, size, block, in, out, o / c->expands,
							      o % c->expands);
		}
	}
}

enum ofa_status ofa_search_problem_new(const struct ofa_supernet *net, const struct ofa_predictor *predictor,
				       const struct ofa_latency_model *latency, enum ofa_precision precision,
				       struct ofa_search_problem **ret, struct ofa_error *err)
{
	struct ofa_search_problem *p = calloc(1, sizeof(*p));
	struct ofa_plan *plan = malloc(sizeof(*plan));
	enum ofa_status st = OFA_OK;

	if (!p || !plan) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		goto out;
	}
	ofa_blas_single_thread();
	p->net = net;
	p->space = &net->space;
	p->predictor = predictor;
	p->latency = latency;
	p->precision = precision;
	st = choose_resolutions(p, err);
	if (!st)
		st = ofa_scorer_new(&net->space, predictor, NULL, &p->scorer, err);
	if (!st)
		st = alloc_tables(p, err);
	if (st)
		goto out;
	fill_plan_tables(p, plan);
	if (latency)
		fill_latency(p);
	ofa_problem_feasible(p);
	*ret = p;
	p = NULL;
out:
	free(plan);
	ofa_search_problem_free(p);
	return st;
}

void ofa_search_problem_free(struct ofa_search_problem *p)
{
	if (!p)
		return;
	ofa_scorer_free(p->scorer);
	free(p->storage);
	free(p);
}

enum ofa_status ofa_search_problem_use(struct ofa_search_problem *p, const char *set, struct ofa_error *err)
{
	struct ofa_scorer *scorer;
	enum ofa_status st = ofa_scorer_new(p->space, p->predictor, set, &scorer, err);

	if (st)
		return st;
	ofa_scorer_free(p->scorer);
	p->scorer = scorer;
	return OFA_OK;
}

double ofa_problem_fixed(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			 const struct ofa_arch *a)
{
	return ofa_problem_join(r, *stem_cell(p, r, resolution, a), *head_cell(p, r, resolution, a));
}

double ofa_problem_cost(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			const struct ofa_arch *a)
{
	const struct ofa_space *s = p->space;
	double total = ofa_problem_fixed(p, r, resolution, a);

	for (int i = 0; i < s->n_stages; i++) {
		int first = s->stages[i].first_block, end = first + s->stages[i].depths[a->d[i]];

		for (int b = first; b < end; b++) {
			const double *row = ofa_problem_options_of(p, r, resolution, b, a);

			total = ofa_problem_join(r, total, row[ofa_problem_option(p, a, b)]);
		}
	}
	return total;
}

double ofa_problem_blocks(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			  const struct ofa_arch *a, int stage, int first, int end)
{
	const struct ofa_stage *st = &p->space->stages[stage];
	const int after = st->first_block + st->depths[a->d[stage]];
	double total = 0;

	for (int b = first; b < end && b < after; b++)
		total += ofa_problem_options_of(p, r, resolution, b, a)[ofa_problem_option(p, a, b)];
	return total;
}

bool ofa_problem_within(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]) && ofa_problem_cost(p, r, resolution, a) > l->max[r])
			return false;
	return true;
}

void ofa_search_costs(const struct ofa_search_problem *p, const struct ofa_arch *a, double value[OFA_RESOURCE_COUNT])
{
	int resolution = ofa_problem_resolution(p, a->image_size);

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		value[r] = resolution >= 0 && p->block[r] ? ofa_problem_cost(p, r, resolution, a) : NAN;
}
