/* Annealing (Kirkpatrick, Gelatt and Vecchi 1983) under prices: chains change one gene at a time and accept by accuracy
 * minus priced costs.  Each chain moves its prices until its costs lie around its limits (the multipliers of a
 * Lagrangian, found by dual ascent), so that no change has to be repaired and resolutions compete on equal terms; what
 * is found within limits on the way is kept in the population.  A resource that does not press becomes free. */
#include <math.h>
#include <string.h>

#include "search/run.h"

#define MAX_CHAINS 32
#define GROUP 8     /* chains that exchange their places */
#define STEPS 500   /* that a chain should have; few evaluations are for few chains */
#define EXCHANGE 40 /* steps after which a group's worst chain goes on from where its best one is */
#define MAX_KNOWN 8 /* moves of a chain in one step, all but the last to known archs */
#define RIVALS 2  /* changes of which a chain tries the one that did best when it was last tried */
#define HOT 0.6   /* temperatures in mean sizes of a change, first and last */
#define COLD 0.06
#define PRICE 20.0     /* at the start, of a whole limit, in mean sizes of a change */
#define PRICE_GAIN 0.1 /* of a price, by step and relative excess */
#define LEAST_PRICE 1e-4
#define FIRST_P_RESOLUTION 0.05 /* chance that a move is one of the resolution, in the beginning and at the end */
#define LAST_P_RESOLUTION 0.02
#define MIN_YIELD 0.7 /* new archs per move, over the whole time, below which chains cool down early */
#define MAX_GENES (2 * OFA_MAX_BLOCKS + OFA_MAX_STAGES + OFA_MAX_WIDTH_GENES)

/* Where the groups aim, in bands from the one in question: what is best a little beside it often is near here, too. */
static const int aims[] = {0, 1, -1, 0};

enum gene_kind { KERNEL, EXPAND, DEPTH, WIDTH, RESOLUTION };

/* A gene that has a choice. */
struct gene {
	enum gene_kind kind;
	int index, n;       /* block, stage or width; choices */
	int stage, ordinal; /* of a block: where it is */
	int at;             /* where a chain remembers its moves */
};

struct move {
	int gene; /* index in the list; the resolution is the last one */
	uint8_t value;
};

struct chain {
	struct ofa_candidate at;
	float accuracy;
	double band; /* limits, as a multiple of the references */
	double price[OFA_RESOURCE_COUNT];
	float last[(MAX_GENES + 1) * OFA_MAX_CHOICES]; /* what a move brought when it was last tried; 0: never */
};

struct annealer {
	int n_genes; /* without the resolution */
	struct gene genes[MAX_GENES + 1];
	double size; /* mean size of a change in accuracy */
	double temperature, p_resolution;
	int n;       /* chains, a multiple of GROUP */
	int n_moves; /* settled so far */
	struct chain chains[MAX_CHAINS];
	struct move moves[MAX_CHAINS];
};

static void add_gene(struct annealer *an, struct gene g)
{
	const struct gene *before = an->n_genes ? &an->genes[an->n_genes - 1] : NULL;

	g.at = before ? before->at + before->n : 0;
	if (g.n > 1 || g.kind == RESOLUTION)
		an->genes[an->n_genes++] = g;
}

static void list_genes(const struct ofa_search_problem *p, struct annealer *an)
{
	const struct ofa_space *s = p->space;

	an->n_genes = 0;
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int j = 0; j < st->max_depth; j++) {
			add_gene(an, (struct gene){KERNEL, st->first_block + j, st->n_kernels, i, j, 0});
			add_gene(an, (struct gene){EXPAND, st->first_block + j, st->n_expands, i, j, 0});
		}
		add_gene(an, (struct gene){DEPTH, i, st->n_depths, i, 0, 0});
	}
	for (int i = 0; i < s->n_width_genes; i++)
		add_gene(an, (struct gene){WIDTH, i, s->widths[i].n, 0, 0, 0});
	add_gene(an, (struct gene){RESOLUTION, 0, p->n_resolutions, 0, 0, 0});
	an->n_genes--;
}

static uint8_t draw(struct ofa_rng *rng, int n)
{
	return (uint8_t)ofa_rng_below(rng, (uint32_t)n);
}

/* The value before or after; false where there is none. */
static bool neighbour(struct ofa_rng *rng, int n, int now, uint8_t *ret)
{
	int next = now + (ofa_rng_below(rng, 2) ? 1 : -1);

	*ret = (uint8_t)next;
	return next >= 0 && next < n;
}

/* A new value for one gene; false when it cannot change in this arch. */
static bool draw_value(const struct ofa_space *s, struct ofa_rng *rng, const struct ofa_candidate *at,
		       const struct gene *g, uint8_t *ret)
{
	const struct ofa_arch *a = &at->arch;
	int now = 0;

	switch (g->kind) {
	case DEPTH:
		return neighbour(rng, g->n, a->d[g->index], ret);
	case RESOLUTION:
		return neighbour(rng, g->n, at->resolution, ret);
	case WIDTH:
		now = a->w[g->index];
		break;
	case KERNEL:
	case EXPAND:
		if (g->ordinal >= s->stages[g->stage].depths[a->d[g->stage]])
			return false;
		now = g->kind == KERNEL ? a->k[g->index] : a->e[g->index];
		break;
	}
	*ret = (uint8_t)((now + 1 + draw(rng, g->n - 1)) % g->n);
	return true;
}

/* A gene drawn uniformly and a new value for it, or a new resolution.  One that cannot change is drawn again: bounded;
 * in the end the move may be none. */
static struct move draw_move(struct ofa_search_run *run, const struct annealer *an, const struct ofa_candidate *at)
{
	struct move m = {.gene = an->n_genes};

	if (ofa_rng_double(&run->rng) < an->p_resolution &&
	    draw_value(run->p->space, &run->rng, at, &an->genes[m.gene], &m.value))
		return m;
	for (int tries = 0; an->n_genes && tries < 100; tries++) {
		m.gene = (int)ofa_rng_below(&run->rng, (uint32_t)an->n_genes);
		if (draw_value(run->p->space, &run->rng, at, &an->genes[m.gene], &m.value))
			return m;
	}
	return (struct move){.gene = an->n_genes, .value = (uint8_t)at->resolution};
}

/* Resolutions are many; of them only up and down is remembered. */
static float *memory(const struct annealer *an, struct chain *c, const struct move *m)
{
	return &c->last[an->genes[m->gene].at + (m->gene == an->n_genes ? m->value > c->at.resolution : m->value)];
}

static struct move choose_move(struct ofa_search_run *run, const struct annealer *an, struct chain *c)
{
	struct move best = draw_move(run, an, &c->at);

	for (int i = 1; i < RIVALS; i++) {
		struct move m = draw_move(run, an, &c->at);

		if (*memory(an, c, &m) > *memory(an, c, &best))
			best = m;
	}
	return best;
}

/* Blocks that a new depth adds get random genes; the arch stays canonical. */
static void set_depth(const struct ofa_space *s, struct ofa_rng *rng, int stage, uint8_t depth, struct ofa_arch *a)
{
	const struct ofa_stage *st = &s->stages[stage];
	const int before = st->first_block + st->depths[a->d[stage]], end = st->first_block + st->depths[depth];

	for (int b = before; b < end; b++) {
		a->k[b] = draw(rng, st->n_kernels);
		a->e[b] = draw(rng, st->n_expands);
	}
	for (int b = end; b < before; b++)
		a->k[b] = a->e[b] = 0;
	a->d[stage] = depth;
}

/* Puts the changed arch on the list. */
static void push_move(struct ofa_search_run *run, const struct annealer *an, const struct move *m,
		      const struct ofa_candidate *from)
{
	const struct gene *g = &an->genes[m->gene];
	struct ofa_arch a = from->arch;

	switch (g->kind) {
	case KERNEL:
		a.k[g->index] = m->value;
		ofa_run_push_near(run, from, &a, g->stage, g->index);
		break;
	case EXPAND:
		a.e[g->index] = m->value;
		ofa_run_push_near(run, from, &a, g->stage, g->index);
		break;
	case DEPTH:
		set_depth(run->p->space, &run->rng, g->index, m->value, &a);
		ofa_run_push_near(run, from, &a, g->index, -1);
		break;
	case WIDTH:
		a.w[g->index] = m->value;
		ofa_run_push(run, &a);
		break;
	case RESOLUTION:
		a.image_size = run->p->resolutions[m->value];
		ofa_run_push(run, &a);
		break;
	}
}

/* Accuracy less the priced shares of what the chain may spend. */
static double worth(const struct ofa_search_run *run, const struct chain *c, const struct ofa_candidate *x,
		    float accuracy)
{
	double sum = (double)accuracy;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double max = run->goal.limits.max[r] * (run->goal.banded[r] ? c->band : 1);

		if (!isinf(max))
			sum -= c->price[r] * x->cost[r] / max;
	}
	return sum;
}

static void adjust_prices(const struct ofa_search_run *run, const struct annealer *an, struct chain *c)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double max = run->goal.limits.max[r] * (run->goal.banded[r] ? c->band : 1), excess;

		if (isinf(max))
			continue;
		excess = fmin(c->at.cost[r] / max - 1, 1);
		c->price[r] = fmax(c->price[r] * (1 + PRICE_GAIN * excess), LEAST_PRICE * an->size);
	}
}

/* Random archs of all resolutions, and a first change of each to see how large changes are.  False when the budget is
 * spent on that. */
static bool start(struct ofa_search_run *run, struct annealer *an, int band)
{
	const struct ofa_search_problem *p = run->p;
	int limited = 0;

	list_genes(p, an);
	an->p_resolution = FIRST_P_RESOLUTION;
	for (int i = 0; i < an->n; i++) {
		struct ofa_arch a;

		ofa_arch_sample(p->space, &run->rng, &a);
		a.image_size = p->resolutions[i % p->n_resolutions];
		an->chains[i].at = *ofa_run_push(run, &a);
	}
	ofa_run_score(run);
	for (int i = 0; i < an->n; i++) {
		struct move m = draw_move(run, an, &an->chains[i].at);

		an->chains[i].accuracy = run->score[i];
		push_move(run, an, &m, &an->chains[i].at);
	}
	ofa_run_score(run);
	an->size = 0;
	for (int i = 0; i < an->n; i++)
		an->size += fabs((double)run->score[i] - (double)an->chains[i].accuracy) / an->n;
	if (isnan(an->size))
		return false;
	an->size = fmax(an->size, 1e-9);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		limited += !isinf(run->goal.limits.max[r]);
	for (int i = 0; i < an->n; i++) {
		int aim = band + aims[i / GROUP % (int)OFA_ARRAY_LEN(aims)];

		memset(an->chains[i].last, 0, sizeof(an->chains[i].last));
		an->chains[i].band = run->goal.bands[aim < 0 || aim >= run->goal.n_bands ? band : aim];
		for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
			an->chains[i].price[r] = limited ? PRICE * an->size / limited : 0;
	}
	return true;
}

/* The list has what the chains try in their order. */
static void try_move(struct ofa_search_run *run, struct annealer *an, int chain)
{
	struct chain *c = &an->chains[chain];

	an->moves[chain] = choose_move(run, an, c);
	push_move(run, an, &an->moves[chain], &c->at);
}

/* A chain makes the move that it tried or stays. */
static void settle(struct ofa_search_run *run, struct annealer *an, int chain, float accuracy)
{
	struct chain *c = &an->chains[chain];
	const struct ofa_candidate *tried = &run->list[chain];
	double gain = worth(run, c, tried, accuracy) - worth(run, c, &c->at, c->accuracy);

	an->n_moves++;
	*memory(an, c, &an->moves[chain]) = (float)gain;
	if (gain >= 0 || ofa_rng_double(&run->rng) < exp(gain / an->temperature)) {
		c->at = *tried;
		c->accuracy = accuracy;
	}
	adjust_prices(run, an, c);
}

/* One new arch of each chain.  Moves to known ones are made at once: every batch is a full one.  False when the budget
 * ended. */
static bool step(struct ofa_search_run *run, struct annealer *an)
{
	for (int i = 0; i < an->n; i++)
		try_move(run, an, i);
	for (int i = 0; i < an->n; i++) {
		float known;

		for (int tries = 1; tries < MAX_KNOWN && ofa_run_recall(run, i, &known); tries++) {
			settle(run, an, i, known);
			run->n_list = i;
			try_move(run, an, i);
		}
	}
	run->n_list = an->n;
	ofa_run_score(run);
	for (int i = 0; i < an->n; i++) {
		if (isnan(run->score[i]))
			return false;
		settle(run, an, i, run->score[i]);
	}
	return true;
}

/* In each group the worst chain goes on from where the best one is, under its prices. */
static void exchange(const struct ofa_search_run *run, struct annealer *an)
{
	for (int first = 0; first < an->n; first += GROUP) {
		const struct chain *judge = &an->chains[first];
		int best = first, worst = first;
		double most = -INFINITY, least = INFINITY;

		for (int i = first; i < first + GROUP; i++) {
			double value = worth(run, judge, &an->chains[i].at, an->chains[i].accuracy);

			if (value > most) {
				most = value;
				best = i;
			}
			if (value < least) {
				least = value;
				worst = i;
			}
		}
		if (best != worst)
			an->chains[worst] = an->chains[best];
	}
}

/* What changes with time. */
static void cool(struct annealer *an, bool narrow, double progress)
{
	an->temperature = HOT * an->size * pow(COLD / HOT, progress);
	if (narrow && an->n > GROUP) /* else few chains are for many resolutions, to the end */
		an->p_resolution = FIRST_P_RESOLUTION + (LAST_P_RESOLUTION - FIRST_P_RESOLUTION) * progress;
}

enum ofa_status ofa_run_anneal(struct ofa_search_run *run, int band, int until, const struct ofa_run_watch *watch,
			       struct ofa_error *err)
{
	const double spent = run->evaluations, span = fmax(until - run->evaluations, 1);
	struct annealer an;
	double progress = 0;

	an.n = (int)fmin(fmax(round(span / STEPS / GROUP), 1), MAX_CHAINS / GROUP) * GROUP;
	an.n_moves = 0;
	if (!start(run, &an, band))
		return OFA_OK;
	for (int i = 1; progress < 1; i++) {
		cool(&an, run->goal.narrow, progress);
		if (!step(run, &an))
			return OFA_OK;
		progress = fmax(run->evaluations - spent, MIN_YIELD * an.n_moves) / span;
		if (i % EXCHANGE == 0) {
			enum ofa_status st = ofa_run_report(run, watch, err);

			if (st)
				return st;
			exchange(run, &an);
		}
	}
	return OFA_OK;
}
