/* An arch within several limits at once.
 *
 * The smallest arch nearly always is one.  Where it is not (a measured table need not grow with the genes),
 * cost vectors are built up block by block, dropping those that another one dominates or that cannot stay
 * within the limits; the list is cut at MAX_STATES, keeping those closest to the limits from below. */
#include "search/problem.h"

#include <math.h>
#include <stdlib.h>

#define MAX_STATES 96

struct state {
	double cost[OFA_RESOURCE_COUNT];
	struct ofa_arch arch;
};

struct state_list {
	int n;
	struct state at[MAX_STATES];
};

struct seeder {
	const struct ofa_search_problem *p;
	const struct ofa_limits *l;
	int resolution;
	struct state_list lists[3]; /* before a block, after it, and the ends of a stage */
};

static bool dominates(const struct state *a, const struct state *b)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (a->cost[r] > b->cost[r])
			return false;
	return true;
}

/* How near the most pressing limit is. */
static double pressure(const struct seeder *s, const struct state *st)
{
	double worst = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(s->l->max[r]))
			worst = fmax(worst, st->cost[r] / s->l->max[r]);
	return worst;
}

static void add_state(const struct seeder *s, struct state_list *list, const struct state *st)
{
	int kept = 0, last = 0;

	for (int i = 0; i < list->n; i++)
		if (dominates(&list->at[i], st))
			return;
	for (int i = 0; i < list->n; i++)
		if (!dominates(st, &list->at[i]))
			list->at[kept++] = list->at[i];
	list->n = kept;
	if (list->n < MAX_STATES) {
		list->at[list->n++] = *st;
		return;
	}
	for (int i = 1; i < list->n; i++)
		if (pressure(s, &list->at[i]) > pressure(s, &list->at[last]))
			last = i;
	if (pressure(s, st) < pressure(s, &list->at[last]))
		list->at[last] = *st;
}

/* Adds one option's costs; only limited resources count.  False when a limit is passed. */
static bool extend(const struct seeder *s, const struct state *from, int block, int option, struct state *to)
{
	*to = *from;
	to->arch.k[block] = (uint8_t)(option / s->p->expands);
	to->arch.e[block] = (uint8_t)(option % s->p->expands);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double cost;

		if (isinf(s->l->max[r]))
			continue;
		cost = ofa_problem_block(s->p, r, s->resolution, block, option);
		to->cost[r] = r == OFA_PEAK_MEMORY_BYTES ? fmax(to->cost[r], cost) : to->cost[r] + cost;
		if (to->cost[r] > s->l->max[r])
			return false;
	}
	return true;
}

static void extend_all(const struct seeder *s, const struct ofa_stage *st, int block, const struct state_list *from,
                       struct state_list *to)
{
	to->n = 0;
	for (int i = 0; i < from->n; i++) {
		for (int k = 0; k < st->n_kernels; k++) {
			for (int e = 0; e < st->n_expands; e++) {
				struct state next;

				if (extend(s, &from->at[i], block, k * s->p->expands + e, &next))
					add_state(s, to, &next);
			}
		}
	}
}

/* Carries lists[0] over a stage; every depth ends in lists[2], which becomes lists[0]. */
static void cross_stage(struct seeder *s, int stage)
{
	const struct ofa_stage *st = &s->p->space->stages[stage];
	struct state_list *before = &s->lists[0], *after = &s->lists[1], *ends = &s->lists[2];
	int d = 0;

	ends->n = 0;
	for (int b = 0; b < st->max_depth; b++) {
		struct state_list *swap = before;

		extend_all(s, st, st->first_block + b, before, after);
		before = after;
		after = swap;
		if (b + 1 != st->depths[d])
			continue;
		for (int i = 0; i < before->n; i++) {
			struct state end = before->at[i];

			end.arch.d[stage] = (uint8_t)d;
			add_state(s, ends, &end);
		}
		d++;
	}
	s->lists[0] = *ends;
}

static bool build_up(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
                     struct ofa_arch *ret)
{
	struct seeder *s = calloc(1, sizeof(*s));
	bool found = false;

	if (!s)
		return false;
	*s = (struct seeder){ .p = p, .l = l, .resolution = resolution };
	s->lists[0].n = 1;
	s->lists[0].at[0].arch.image_size = p->resolutions[resolution];
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]))
			s->lists[0].at[0].cost[r] = p->fixed[r][resolution];
	for (int i = 0; i < p->space->n_stages && s->lists[0].n; i++)
		cross_stage(s, i);
	for (int i = 0; !found && i < s->lists[0].n; i++) {
		if (!ofa_problem_allows(p, l, resolution, &s->lists[0].at[i].arch))
			continue;
		*ret = s->lists[0].at[i].arch;
		found = true;
	}
	free(s);
	return found;
}

bool ofa_problem_seed(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
                      struct ofa_arch *ret)
{
	struct ofa_arch a = { .image_size = p->resolutions[resolution] };

	if (ofa_problem_allows(p, l, resolution, &a)) {
		*ret = a;
		return true;
	}
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (isinf(l->max[r]) || r == OFA_PEAK_MEMORY_BYTES)
			continue;
		ofa_problem_extreme(p, r, resolution, 1, &a);
		if (ofa_problem_cost(p, r, resolution, &a) > l->max[r])
			return false;
		if (ofa_problem_allows(p, l, resolution, &a)) {
			*ret = a;
			return true;
		}
	}
	return build_up(p, l, resolution, ret);
}
