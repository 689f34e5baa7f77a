/* An arch within several limits at once.
 *
 * The smallest arch nearly always is one, or the one that is smallest in one resource.  Where none is (a measured table
 * need not grow with the genes), under the widths of each of these
 * cost vectors are built up block by block, dropping those that another one dominates or that cannot stay
 * within the limits; the list is cut at MAX_STATES, keeping those closest to the limits from below. */
#include "search/problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Adds an addend of each limited resource.  False when a limit is passed. */
static bool add_costs(const struct seeder *s, const double cost[OFA_RESOURCE_COUNT], struct state *to)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (isinf(s->l->max[r]))
			continue;
		to->cost[r] = ofa_problem_join(r, to->cost[r], cost[r]);
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
				struct state next = from->at[i];
				double cost[OFA_RESOURCE_COUNT] = {0};

				next.arch.k[block] = (uint8_t)k;
				next.arch.e[block] = (uint8_t)e;
				for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
					if (!isinf(s->l->max[r]))
						cost[r] = ofa_problem_options_of(
							s->p, r, s->resolution, block,
							&next.arch)[ofa_problem_option(s->p, &next.arch, block)];
				if (add_costs(s, cost, &next))
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
	for (int b = 0; b <= st->max_depth; b++) {
		struct state_list *swap = before;

		if (d < st->n_depths && b == st->depths[d]) {
			for (int i = 0; i < before->n; i++) {
				struct state end = before->at[i];

				end.arch.d[stage] = (uint8_t)d;
				add_state(s, ends, &end);
			}
			d++;
		}
		if (b == st->max_depth)
			break;
		extend_all(s, st, st->first_block + b, before, after);
		before = after;
		after = swap;
	}
	s->lists[0] = *ends;
}

/* Under the widths that the arch brings. */
static bool build_up(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
                     const struct ofa_arch *widths, struct ofa_arch *ret)
{
	struct seeder *s = calloc(1, sizeof(*s));
	struct state *start;
	double fixed[OFA_RESOURCE_COUNT] = {0};
	bool found = false;

	if (!s)
		return false;
	*s = (struct seeder){ .p = p, .l = l, .resolution = resolution };
	start = &s->lists[0].at[0];
	start->arch = (struct ofa_arch){ .image_size = p->resolutions[resolution] };
	memcpy(start->arch.w, widths->w, sizeof(start->arch.w));
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]))
			fixed[r] = ofa_problem_fixed(p, r, resolution, &start->arch);
	s->lists[0].n = add_costs(s, fixed, start);
	for (int i = 0; i < p->space->n_stages && s->lists[0].n; i++)
		cross_stage(s, i);
	for (int i = 0; !found && i < s->lists[0].n; i++) {
		/* Added up in another order than by ofa_problem_cost(). */
		if (!ofa_problem_within(p, l, resolution, &s->lists[0].at[i].arch))
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
	struct ofa_arch tried[OFA_RESOURCE_COUNT + 1] = { { .image_size = p->resolutions[resolution] } };
	int n = 1;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (isinf(l->max[r]))
			continue;
		ofa_problem_extreme(p, r, resolution, 1, &tried[n]);
		if (ofa_problem_cost(p, r, resolution, &tried[n]) > l->max[r])
			return false;
		n++;
	}
	for (int i = 0; i < n; i++) {
		if (!ofa_problem_within(p, l, resolution, &tried[i]))
			continue;
		*ret = tried[i];
		return true;
	}
	for (int i = 0; i < n; i++)
		if (build_up(p, l, resolution, &tried[i], ret))
			return true;
	return false;
}
