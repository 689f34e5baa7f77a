#include "search/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cost/uniform.h"
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
	size_t rows = (size_t)p->n_resolutions, cells;
	struct ofa_choices choices;
	double *at;

	ofa_space_choices(p->space, &choices);
	p->kernels = choices.kernels;
	p->expands = choices.expands;
	p->options = p->kernels * p->expands;
	cells = rows * (size_t)p->space->n_blocks * (size_t)p->options;
	at = p->storage = calloc(OFA_RESOURCE_COUNT * (rows + cells), sizeof(double));
	if (!at)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (r == OFA_LATENCY_MS && !p->latency)
			continue;
		p->fixed[r] = at;
		p->block[r] = at + rows;
		at += rows + cells;
	}
	return OFA_OK;
}

static double *cell(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int block, int option)
{
	return &p->block[r][((size_t)resolution * (size_t)p->space->n_blocks + (size_t)block) * (size_t)p->options +
			    (size_t)option];
}

static double round64(double bytes)
{
	return ceil(bytes / 64) * 64;
}

/* Bytes that must lie in the arena side by side while a layer runs. */
static double live_bytes(const struct ofa_plan *plan, int layer)
{
	const struct ofa_layer *l = &plan->layers[layer];
	double bytes = l->op == OFA_OP_SE ? round64(4.0 * (l->c_in + l->hidden)) : 0;

	for (int v = 0; v < plan->n_values; v++) {
		const struct ofa_value *value = &plan->values[v];

		if (value->first_layer <= layer && layer <= value->last_layer)
			bytes += round64(4.0 * value->h * value->w * value->c);
	}
	return bytes;
}

/* Adds a plan's units to the tables of MACs and live bytes at one resolution. */
static void read_plan(struct ofa_search_problem *p, int resolution, const struct ofa_plan *plan)
{
	double fixed_macs = 0, fixed_live = 0;

	for (int i = 0; i < plan->n_units; i++) {
		const struct ofa_unit *u = &plan->units[i];
		double macs = 0, live = 0;

		for (int l = u->first_layer; l < u->first_layer + u->n_layers; l++) {
			macs += (double)ofa_layer_macs(&plan->layers[l]);
			live = fmax(live, live_bytes(plan, l));
		}
		if (u->kind == OFA_UNIT_BLOCK && u->block > 0) {
			int block = u->block - 1, option = ofa_problem_option(p, &plan->arch, block);

			*cell(p, OFA_MACS, resolution, block, option) = macs;
			*cell(p, OFA_PEAK_MEMORY_BYTES, resolution, block, option) = live;
		} else {
			fixed_macs += macs;
			fixed_live = fmax(fixed_live, live);
		}
	}
	p->fixed[OFA_MACS][resolution] = fixed_macs;
	p->fixed[OFA_PEAK_MEMORY_BYTES][resolution] = fixed_live;
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
	for (int r = 0; r < p->n_resolutions; r++) {
		p->fixed[OFA_LATENCY_MS][r] = ofa_latency_stem_ms(p->latency, p->resolutions[r], 0, 0) +
					      ofa_latency_head_ms(p->latency, p->resolutions[r], 0);
		for (int b = 0; b < p->space->n_blocks; b++)
			for (int option = 0; option < p->options; option++)
				*cell(p, OFA_LATENCY_MS, r, b, option) =
					ofa_latency_block_ms(p->latency, p->resolutions[r], b, 0, 0,
							     option / p->expands, option % p->expands);
	}
}

static double pack_size(const struct ofa_search_problem *p, const struct ofa_arch *a, struct ofa_plan *plan)
{
	ofa_plan_init(p->space, &p->net->params, a, plan);
	return (double)ofa_pack_size(p->net, plan);
}

/* Package bytes of each block's options, by difference to the smallest option; an optional block's presence
 * is the difference between two depths, put on the first block of those that come together. */
static void fill_stage_storage(struct ofa_search_problem *p, int stage, struct ofa_plan *plan)
{
	const struct ofa_stage *st = &p->space->stages[stage];
	struct ofa_arch a;
	double full, with, without;

	ofa_arch_uniform(p->space, p->resolutions[0], 0, &a);
	full = with = pack_size(p, &a, plan);
	for (int d = st->n_depths - 1; d > 0; d--, with = without) {
		a.d[stage] = (uint8_t)(d - 1);
		without = pack_size(p, &a, plan);
		for (int option = 0; option < p->options; option++)
			*cell(p, OFA_STORAGE_BYTES, 0, st->first_block + st->depths[d - 1], option) = with - without;
	}
	a.d[stage] = (uint8_t)(st->n_depths - 1);
	for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
		for (int option = 1; option < p->options; option++) {
			a.k[b] = (uint8_t)(option / p->expands);
			a.e[b] = (uint8_t)(option % p->expands);
			if (a.k[b] < st->n_kernels && a.e[b] < st->n_expands)
				*cell(p, OFA_STORAGE_BYTES, 0, b, option) += pack_size(p, &a, plan) - full;
		}
		a.k[b] = a.e[b] = 0;
	}
}

/* Weights do not depend on the resolution, the rest of a package does. */
static void fill_storage(struct ofa_search_problem *p, struct ofa_plan *plan)
{
	const size_t row = (size_t)p->space->n_blocks * (size_t)p->options;

	for (int i = 0; i < p->space->n_stages; i++)
		fill_stage_storage(p, i, plan);
	for (int r = 0; r < p->n_resolutions; r++) {
		struct ofa_arch smallest = {.image_size = p->resolutions[r]};

		if (r > 0)
			memcpy(p->block[OFA_STORAGE_BYTES] + (size_t)r * row, p->block[OFA_STORAGE_BYTES],
			       row * sizeof(double));
		p->fixed[OFA_STORAGE_BYTES][r] = 0;
		p->fixed[OFA_STORAGE_BYTES][r] =
			pack_size(p, &smallest, plan) - ofa_problem_cost(p, OFA_STORAGE_BYTES, r, &smallest);
	}
}

enum ofa_status ofa_search_problem_new(const struct ofa_supernet *net, const struct ofa_predictor *predictor,
				       const struct ofa_latency_model *latency, struct ofa_search_problem **ret,
				       struct ofa_error *err)
{
	struct ofa_search_problem *p = calloc(1, sizeof(*p));
	struct ofa_plan *plan = malloc(sizeof(*plan));
	enum ofa_status st = OFA_OK;

	if (!p || !plan) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		goto out;
	}
	if (net->space.n_width_genes) {
		st = ofa_fail(err, OFA_ERR_UNSUPPORTED, "network", "networks with elastic widths are not searched");
		goto out;
	}
	ofa_blas_single_thread();
	p->net = net;
	p->space = &net->space;
	p->predictor = predictor;
	p->latency = latency;
	st = choose_resolutions(p, err);
	if (!st)
		st = alloc_tables(p, err);
	if (st)
		goto out;
	fill_plan_tables(p, plan);
	fill_storage(p, plan);
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
	free(p->storage);
	free(p);
}

double ofa_problem_cost(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			const struct ofa_arch *a)
{
	const struct ofa_space *s = p->space;
	double total = p->fixed[r][resolution];

	for (int i = 0; i < s->n_stages; i++) {
		int first = s->stages[i].first_block, end = first + s->stages[i].depths[a->d[i]];

		for (int b = first; b < end; b++) {
			double cost = ofa_problem_block(p, r, resolution, b, ofa_problem_option(p, a, b));

			if (r != OFA_PEAK_MEMORY_BYTES)
				total += cost;
			else if (cost > total)
				total = cost;
		}
	}
	return total;
}

double ofa_problem_arena(const struct ofa_search_problem *p, const struct ofa_arch *a)
{
	struct ofa_memory_plan memory;
	struct ofa_plan plan;

	ofa_plan_init(p->space, &p->net->params, a, &plan);
	ofa_memory_plan_init(&plan, &memory);
	return memory.arena_bytes;
}

bool ofa_problem_within(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]) && ofa_problem_cost(p, r, resolution, a) > l->max[r])
			return false;
	return true;
}

bool ofa_problem_allows(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a)
{
	double memory = l->max[OFA_PEAK_MEMORY_BYTES];

	return ofa_problem_within(p, l, resolution, a) && (isinf(memory) || ofa_problem_arena(p, a) <= memory);
}

void ofa_search_costs(const struct ofa_search_problem *p, const struct ofa_arch *a, double value[OFA_RESOURCE_COUNT])
{
	int resolution = ofa_problem_resolution(p, a->image_size);

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		value[r] = resolution >= 0 && p->block[r] ? ofa_problem_cost(p, r, resolution, a) : NAN;
	value[OFA_PEAK_MEMORY_BYTES] = ofa_problem_arena(p, a);
}
