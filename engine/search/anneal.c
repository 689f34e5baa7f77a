/* Annealing (Kirkpatrick, Gelatt and Vecchi 1983) under prices: chains change one gene at a time and accept by accuracy
 * minus priced costs.  Each chain moves its prices until its costs lie around its limits (the multipliers of a
 * Lagrangian, found by dual ascent), so that no change has to be repaired and resolutions compete on equal terms; what
 * is found within limits on the way is kept in the population.  A resource that does not press becomes free. */
#include <math.h>
#include <string.h>

#include "search/run.h"

#define CHAINS 12
#define TRIES 4 /* changes of one chain scored together; the first accepted one counts */
#define HOT 0.6 /* temperatures in mean sizes of a change, first and last */
#define COLD 0.09
#define PRICE 20.0      /* at the start, of a whole limit, in mean sizes of a change */
#define PRICE_GAIN 0.1  /* of a price, by step and relative excess */
#define LEAST_PRICE 1e-4
#define P_RESOLUTION 0.05
#define EXCHANGE 40 /* steps after which the worst chain goes on from where the best is */
#define MAX_IDLE 400 /* steps without a new arch before a small space counts as exhausted */
#define REPORT 32

struct chain {
	struct ofa_candidate at;
	float accuracy;
	double band; /* limits, as a multiple of the references */
	double price[OFA_RESOURCE_COUNT];
};

struct annealer {
	struct chain chains[CHAINS];
	double size; /* mean size of a change in accuracy */
	struct ofa_candidate tried[CHAINS * TRIES];
};

static uint8_t draw(struct ofa_rng *rng, int n)
{
	return (uint8_t)ofa_rng_below(rng, (uint32_t)n);
}

/* Another value of a gene with n >= 2 choices. */
static void redraw(struct ofa_rng *rng, int n, uint8_t *gene)
{
	*gene = (uint8_t)((*gene + 1 + draw(rng, n - 1)) % n);
}

/* One block more or fewer, where the stage allows it; new blocks get random genes. */
static bool change_depth(struct ofa_search_run *run, int stage, struct ofa_arch *a)
{
	const struct ofa_stage *st = &run->p->space->stages[stage];
	int d = a->d[stage] + (ofa_rng_below(&run->rng, 2) ? 1 : -1);

	if (d < 0 || d >= st->n_depths)
		return false;
	for (int b = st->first_block + st->depths[a->d[stage]]; b < st->first_block + st->depths[d]; b++) {
		a->k[b] = draw(&run->rng, st->n_kernels);
		a->e[b] = draw(&run->rng, st->n_expands);
	}
	a->d[stage] = (uint8_t)d;
	ofa_arch_canonical(run->p->space, a);
	return true;
}

static bool change_block(struct ofa_search_run *run, int block, bool kernel, struct ofa_arch *a)
{
	int stage = ofa_block_stage(run->p->space, block);
	const struct ofa_stage *st = &run->p->space->stages[stage];
	int choices = kernel ? st->n_kernels : st->n_expands;

	if (choices < 2 || block >= st->first_block + st->depths[a->d[stage]])
		return false;
	redraw(&run->rng, choices, kernel ? &a->k[block] : &a->e[block]);
	return true;
}

static bool change_resolution(struct ofa_search_run *run, int resolution, struct ofa_arch *a)
{
	int to = resolution + (ofa_rng_below(&run->rng, 2) ? 1 : -1);

	if (to < 0 || to >= run->p->n_resolutions)
		return false;
	a->image_size = run->p->resolutions[to];
	return true;
}

/* Changes one gene, drawn uniformly, or the resolution.  A gene that cannot change is no change at all: bounded. */
static void change(struct ofa_search_run *run, int resolution, struct ofa_arch *a)
{
	const struct ofa_space *s = run->p->space;
	const int genes = 2 * s->n_blocks + s->n_stages + s->n_width_genes;
	bool changed = false;

	if (ofa_rng_double(&run->rng) < P_RESOLUTION)
		changed = change_resolution(run, resolution, a);
	for (int tries = 0; !changed && tries < 100; tries++) {
		int g = (int)ofa_rng_below(&run->rng, (uint32_t)genes);

		if (g < 2 * s->n_blocks) {
			changed = change_block(run, g / 2, g % 2, a);
		} else if (g < 2 * s->n_blocks + s->n_stages) {
			changed = change_depth(run, g - 2 * s->n_blocks, a);
		} else {
			int w = g - 2 * s->n_blocks - s->n_stages;

			changed = s->widths[w].n > 1;
			if (changed)
				redraw(&run->rng, s->widths[w].n, &a->w[w]);
		}
	}
}

/* A cost as a share of what the chain may spend. */
static double share(const struct ofa_search_run *run, const struct chain *c, const struct ofa_candidate *x, int r)
{
	double max = run->goal.limits.max[r];

	return x->cost[r] / (run->goal.banded[r] ? max * c->band : max);
}

static double worth(const struct ofa_search_run *run, const struct chain *c, const struct ofa_candidate *x,
		    float accuracy)
{
	double sum = (double)accuracy;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(run->goal.limits.max[r]))
			sum -= c->price[r] * share(run, c, x, r);
	return sum;
}

static void adjust_prices(const struct ofa_search_run *run, const struct annealer *an, struct chain *c)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double excess;

		if (isinf(run->goal.limits.max[r]))
			continue;
		excess = fmin(fmax(share(run, c, &c->at, r) - 1, -1), 1);
		c->price[r] = fmax(c->price[r] * (1 + PRICE_GAIN * excess), LEAST_PRICE * an->size);
	}
}

/* Random archs of all resolutions, and a first change of each to see how large changes are. */
static bool start(struct ofa_search_run *run, struct annealer *an, int first, int last)
{
	const struct ofa_search_problem *p = run->p;
	int limited = 0;

	for (int i = 0; i < CHAINS; i++) {
		struct ofa_arch a;

		ofa_arch_sample(p->space, &run->rng, &a);
		a.image_size = p->resolutions[i % p->n_resolutions];
		an->chains[i].at = *ofa_run_push(run, &a);
	}
	ofa_run_score(run);
	for (int i = 0; i < CHAINS; i++)
		an->chains[i].accuracy = run->score[i];
	for (int i = 0; i < CHAINS * TRIES; i++) {
		struct ofa_arch a = an->chains[i / TRIES].at.arch;

		change(run, an->chains[i / TRIES].at.resolution, &a);
		ofa_run_push(run, &a);
	}
	ofa_run_score(run);
	an->size = 0;
	for (int i = 0; i < CHAINS * TRIES; i++)
		an->size += fabs((double)run->score[i] - (double)an->chains[i / TRIES].accuracy) / (CHAINS * TRIES);
	if (isnan(an->size))
		return false; /* the budget is spent */
	an->size = fmax(an->size, 1e-9);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		limited += !isinf(run->goal.limits.max[r]);
	for (int i = 0; i < CHAINS; i++) {
		an->chains[i].band = run->goal.bands[first + (last - first) * i / (CHAINS - 1)];
		for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
			an->chains[i].price[r] = limited ? PRICE * an->size / limited : 0;
	}
	return true;
}

/* Returns how many archs were new, -1 when the budget ended. */
static int step(struct ofa_search_run *run, struct annealer *an, double temperature)
{
	int fresh;

	for (int i = 0; i < CHAINS * TRIES; i++) {
		const struct chain *c = &an->chains[i / TRIES];
		struct ofa_arch a = c->at.arch;

		change(run, c->at.resolution, &a);
		an->tried[i] = *ofa_run_push(run, &a);
	}
	fresh = ofa_run_score(run);
	for (int i = 0; i < CHAINS; i++) {
		struct chain *c = &an->chains[i];
		double now = worth(run, c, &c->at, c->accuracy);

		for (int j = i * TRIES; j < (i + 1) * TRIES; j++) {
			double gain = worth(run, c, &an->tried[j], run->score[j]) - now;

			if (isnan(gain))
				return -1;
			if (gain < 0 && ofa_rng_double(&run->rng) >= exp(gain / temperature))
				continue;
			c->at = an->tried[j];
			c->accuracy = run->score[j];
			break;
		}
		adjust_prices(run, an, c);
	}
	return fresh;
}

/* The worst chain goes on from where the best one is, under its prices; only among chains with the same limits. */
static void exchange(const struct ofa_search_run *run, struct annealer *an)
{
	const struct chain *judge = &an->chains[0];
	int best = 0, worst = 0;

	for (int i = 1; i < CHAINS; i++) {
		const struct chain *c = &an->chains[i], *b = &an->chains[best], *w = &an->chains[worst];
		double value = worth(run, judge, &c->at, c->accuracy);

		if (value > worth(run, judge, &b->at, b->accuracy))
			best = i;
		if (value < worth(run, judge, &w->at, w->accuracy))
			worst = i;
	}
	an->chains[worst] = an->chains[best];
}

enum ofa_status ofa_run_anneal(struct ofa_search_run *run, int first, int last, int until,
			       const struct ofa_run_watch *watch, struct ofa_error *err)
{
	const double spent = run->evaluations, span = fmax(until - run->evaluations, 1);
	struct annealer an;
	int idle = 0;

	if (!start(run, &an, first, last))
		return OFA_OK;
	for (int i = 0; run->evaluations < until && idle < MAX_IDLE; i++) {
		double progress = (run->evaluations - spent) / span;
		int fresh = step(run, &an, HOT * an.size * pow(COLD / HOT, progress));

		if (fresh < 0)
			return OFA_OK;
		idle = fresh ? 0 : idle + 1;
		if (first == last && i % EXCHANGE == EXCHANGE - 1)
			exchange(run, &an);
		if (i % REPORT == 0) {
			enum ofa_status st = ofa_run_report(run, watch, err);

			if (st)
				return st;
		}
	}
	return OFA_OK;
}
