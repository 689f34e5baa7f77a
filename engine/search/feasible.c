#include "search/problem.h"

#include <math.h>
#include <stdio.h>

/* Extreme archs are built stage by stage.  What a stage costs depends on the widths it reads and writes, so the best
 * way to each width is kept, as on a trellis; where widths are fixed there is one way. */
struct way {
	double cost; /* times sign */
	struct ofa_arch arch;
};

struct trellis {
	const struct ofa_search_problem *p;
	enum ofa_resource r;
	int resolution, sign;
	struct way ways[OFA_MAX_CHOICES], next[OFA_MAX_CHOICES];
};

/* Costs times sign: a smallest maximum takes the larger of two, a largest one the smaller of two negatives. */
static double join(const struct trellis *t, double a, double b)
{
	return t->sign * ofa_problem_join(t->r, t->sign * a, t->sign * b);
}

/* The genes of a block that minimise sign * cost; returns that minimum. */
static double extreme_block(const struct trellis *t, int stage, int block, struct ofa_arch *a)
{
	const struct ofa_stage *st = &t->p->space->stages[stage];
	const double *row = ofa_problem_options_of(t->p, t->r, t->resolution, block, a);
	double best = INFINITY;

	for (int k = 0; k < st->n_kernels; k++) {
		for (int e = 0; e < st->n_expands; e++) {
			double cost = t->sign * row[k * t->p->choices.expands + e];

			if (cost < best) {
				best = cost;
				a->k[block] = (uint8_t)k;
				a->e[block] = (uint8_t)e;
			}
		}
	}
	return best;
}

/* A way across one stage, whose widths are set in the arch already. */
static void cross_stage(const struct trellis *t, int stage, struct way *w)
{
	const struct ofa_stage *st = &t->p->space->stages[stage];
	double total = w->cost, best = INFINITY;
	int b = 0;

	for (int d = 0; d < st->n_depths; d++) {
		for (; b < st->depths[d]; b++)
			total = join(t, total, extreme_block(t, stage, st->first_block + b, &w->arch));
		if (total < best) {
			best = total;
			w->arch.d[stage] = (uint8_t)d;
		}
	}
	w->cost = best;
}

static int choices_of(const struct ofa_search_problem *p, int gene)
{
	return gene < p->space->n_width_genes ? p->space->widths[gene].n : 1;
}

/* From every width that a stage reads to every one that it writes.  Stage 0 reads gene 0; gene 1, which the stem then
 * leads to, is chosen with it. */
static void advance(struct trellis *t, int stage)
{
	int from = choices_of(t->p, stage), to = choices_of(t->p, stage + 1);

	for (int v = 0; v < to; v++) {
		t->next[v].cost = INFINITY;
		for (int u = 0; u < from; u++) {
			struct way w = t->ways[u];

			if (stage + 1 < t->p->space->n_width_genes)
				w.arch.w[stage + 1] = (uint8_t)v;
			if (stage == 0) /* all costs begin with it: they are sums, or maxima of positive numbers */
				w.cost = t->sign * t->p->stem[t->r][t->resolution * t->p->widths +
								    u * t->p->choices.widths + v];
			cross_stage(t, stage, &w);
			if (w.cost < t->next[v].cost)
				t->next[v] = w;
		}
	}
	for (int v = 0; v < to; v++)
		t->ways[v] = t->next[v];
}

void ofa_problem_extreme(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int sign,
			 struct ofa_arch *ret)
{
	struct trellis t = {.p = p, .r = r, .resolution = resolution, .sign = sign};
	double best = INFINITY;

	for (int u = 0; u < choices_of(p, 0); u++) {
		t.ways[u].arch = (struct ofa_arch){.image_size = p->resolutions[resolution]};
		if (p->space->n_width_genes)
			t.ways[u].arch.w[0] = (uint8_t)u;
	}
	for (int i = 0; i < p->space->n_stages; i++)
		advance(&t, i);
	for (int v = 0; v < choices_of(p, p->space->n_stages); v++) {
		double head = sign * p->head[r][resolution * p->choices.widths + v];
		double cost = join(&t, t.ways[v].cost, head);

		if (cost < best) {
			best = cost;
			*ret = t.ways[v].arch;
		}
	}
	ofa_arch_canonical(p->space, ret);
}

void ofa_problem_feasible(struct ofa_search_problem *p)
{
	struct ofa_feasible *f = &p->feasible;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		f->known[r] = p->block[r] != NULL;
		f->min[r] = f->known[r] ? INFINITY : NAN;
		f->max[r] = f->known[r] ? -INFINITY : NAN;
		for (int i = 0; f->known[r] && i < p->n_resolutions; i++) {
			struct ofa_arch low, high;

			/* What ofa_problem_cost() says of these archs, so that a limit at the end is met exactly. */
			ofa_problem_extreme(p, r, i, 1, &low);
			ofa_problem_extreme(p, r, i, -1, &high);
			f->min[r] = fmin(f->min[r], ofa_problem_cost(p, r, i, &low));
			f->max[r] = fmax(f->max[r], ofa_problem_cost(p, r, i, &high));
		}
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

enum ofa_status ofa_problem_refuse_together(const struct ofa_limits *l, struct ofa_error *err)
{
	char names[128] = "";
	size_t used = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s <= %.10g", used ? ", " : "",
						 ofa_resource_name(r), l->max[r]);
	return ofa_fail(err, OFA_ERR_INFEASIBLE, "/limits",
			"each limit can be met alone, but no subnet was found that meets all of them: %s", names);
}
