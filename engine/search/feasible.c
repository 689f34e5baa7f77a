#include "search/problem.h"

#include <math.h>
#include <stdio.h>

/* The genes of a block that minimise sign * cost; returns that minimum. */
static double extreme_block(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int stage,
			    int block, int sign, struct ofa_arch *a)
{
	const struct ofa_stage *st = &p->space->stages[stage];
	double best = INFINITY;

	for (int k = 0; k < st->n_kernels; k++) {
		for (int e = 0; e < st->n_expands; e++) {
			double cost = sign * ofa_problem_block(p, r, resolution, block, k * p->expands + e);

			if (cost < best) {
				best = cost;
				a->k[block] = (uint8_t)k;
				a->e[block] = (uint8_t)e;
			}
		}
	}
	return best;
}

void ofa_problem_extreme(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int sign,
			 struct ofa_arch *ret)
{
	struct ofa_arch a = {.image_size = p->resolutions[resolution]};

	for (int i = 0; i < p->space->n_stages; i++) {
		const struct ofa_stage *st = &p->space->stages[i];
		double sum = 0, best = INFINITY;
		int b = 0;

		for (int d = 0; d < st->n_depths; d++) {
			for (; b < st->depths[d]; b++)
				sum += extreme_block(p, r, resolution, i, st->first_block + b, sign, &a);
			if (sum < best) {
				best = sum;
				a.d[i] = (uint8_t)d;
			}
		}
	}
	ofa_arch_canonical(p->space, &a);
	*ret = a;
}

static void sum_range(struct ofa_search_problem *p, enum ofa_resource r)
{
	struct ofa_feasible *f = &p->feasible;

	f->min[r] = INFINITY;
	f->max[r] = -INFINITY;
	for (int i = 0; i < p->n_resolutions; i++) {
		struct ofa_arch low, high;

		/* The range is what ofa_problem_cost() says of these archs, so a limit at its end is met exactly. */
		ofa_problem_extreme(p, r, i, 1, &low);
		ofa_problem_extreme(p, r, i, -1, &high);
		f->min[r] = fmin(f->min[r], ofa_problem_cost(p, r, i, &low));
		f->max[r] = fmax(f->max[r], ofa_problem_cost(p, r, i, &high));
	}
}

/* Every activation grows with depth, expand ratio and resolution, so the corners are the extremes. */
static void arena_range(struct ofa_search_problem *p)
{
	struct ofa_feasible *f = &p->feasible;
	struct ofa_arch a;

	ofa_arch_smallest(p->space, &a);
	a.image_size = p->resolutions[0];
	f->min[OFA_PEAK_MEMORY_BYTES] = ofa_problem_arena(p, &a);
	ofa_arch_largest(p->space, &a);
	a.image_size = p->resolutions[p->n_resolutions - 1];
	f->max[OFA_PEAK_MEMORY_BYTES] = ofa_problem_arena(p, &a);
}

void ofa_problem_feasible(struct ofa_search_problem *p)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		p->feasible.known[r] = p->block[r] != NULL;
		if (!p->feasible.known[r])
			p->feasible.min[r] = p->feasible.max[r] = NAN;
		else if (r == OFA_PEAK_MEMORY_BYTES)
			arena_range(p);
		else
			sum_range(p, r);
	}
}

void ofa_search_feasible(const struct ofa_search_problem *p, struct ofa_feasible *ret)
{
	*ret = p->feasible;
}

json_t *ofa_feasible_format(const struct ofa_feasible *f)
{
	json_t *json = json_object();

	for (int r = 0; json && r < OFA_RESOURCE_COUNT; r++) {
		json_t *range;

		if (!f->known[r])
			continue;
		range = json_pack("{s:f, s:f}", "min", f->min[r], "max", f->max[r]);
		if (!range || json_object_set_new(json, ofa_resource_name(r), range)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

enum ofa_status ofa_problem_check_limits(const struct ofa_search_problem *p, const struct ofa_limits *l,
					 struct ofa_error *err)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		const char *name = ofa_resource_name(r);
		char field[64];

		snprintf(field, sizeof(field), "/limits/%s", name);
		if (isinf(l->max[r]) && l->max[r] > 0)
			continue;
		if (isnan(l->max[r]) || l->max[r] <= 0)
			return ofa_fail(err, OFA_ERR_INVALID, field, "%s is %g; a number greater than 0 is accepted",
					name, l->max[r]);
		if (!p->feasible.known[r])
			return ofa_fail(err, OFA_ERR_INVALID, field,
					"a limit on %s needs a profile with a latency table", name);
		if (l->max[r] < p->feasible.min[r])
			return ofa_fail(
				err, OFA_ERR_INFEASIBLE, field,
				"no subnet has %s of %.10g or less; the smallest reaches %.10g, the largest %.10g",
				name, l->max[r], p->feasible.min[r], p->feasible.max[r]);
	}
	return OFA_OK;
}
