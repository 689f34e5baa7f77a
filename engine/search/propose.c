/* Proposals from exact gains: every change of a single gene of one subnet is scored; taken as if they added
 * up, the changes and their costs make a knapsack whose solutions are scored next.  Noise on the gains (Gumbel
 * noise turns the maximum into a sample) makes several different proposals from one set of gains. */
#include <math.h>
#include <stdlib.h>

#include "search/knapsack.h"
#include "search/run.h"

#define DRAWS 4
#define LOG2_GUMBELS 10
#define NOISE 0.1 /* at most, of the mean size of a gain */
#define P_OTHER_RESOLUTION 0.3
#define REACH 5    /* bands to either side of the incumbent's that are proposed for */
#define BACK_OFF 8 /* bins to step back when rounding led over a limit */
#define PRICE_STEP 0.02
#define MAX_IDLE 50    /* generations without a new arch before the surroundings count as exhausted */
#define LEAST_YIELD 64 /* new archs per generation, over the whole time, below which they do, too */

/* One scored arch, where the gain it tells about goes, and what it is compared to. */
struct change {
	float *gain; /* NULL: it is scored for itself only */
	int base;    /* index of another change; -1: the incumbent */
};

/* What the knapsack holds at one resolution but for the gains. */
struct offer {
	bool valid;
	double least, bins_per_unit; /* capacity zero is the least that any arch costs; the last bin the loosest band */
	int n_items[OFA_MAX_BLOCKS];
	struct ofa_knapsack_item items[OFA_MAX_BLOCKS][OFA_MAX_OPTIONS]; /* lightest first */
};

struct ofa_gains {
	double price[OFA_RESOURCE_COUNT]; /* weights of the banded sums in one combined cost; they add up to 1 */
	struct ofa_candidate incumbent;   /* whose widths every proposal has */
	int lowest, loosest;              /* the bands proposed for */
	double memory;                    /* what a block's own arena must keep to */
	int n;
	struct change changes[OFA_LIST_MAX];
	float kernel[OFA_MAX_BLOCKS][OFA_MAX_CHOICES], expand[OFA_MAX_BLOCKS][OFA_MAX_CHOICES];
	float depth[OFA_MAX_STAGES][OFA_MAX_CHOICES];
	float mean;
	float gumbel[1 << LOG2_GUMBELS]; /* the distribution's quantiles: a draw costs no logarithm */
	struct ofa_knapsack knapsack;
	int n_offers;
	struct offer offers[]; /* by resolution */
};

enum ofa_status ofa_gains_new(int n_resolutions, struct ofa_gains **ret)
{
	struct ofa_gains *g = calloc(1, sizeof(*g) + (size_t)n_resolutions * sizeof(struct offer));

	if (!g)
		return OFA_ERR_NOMEM;
	g->n_offers = n_resolutions;
	for (int i = 0; i < 1 << LOG2_GUMBELS; i++)
		g->gumbel[i] = -logf(-logf(((float)i + 0.5f) / (1 << LOG2_GUMBELS)));
	*ret = g;
	return OFA_OK;
}

void ofa_gains_free(struct ofa_gains *g)
{
	free(g);
}

/* What the arch differs in from the incumbent: a stage, in it a block or (-1) any. */
static int push_change(struct ofa_search_run *run, const struct ofa_arch *a, int stage, int block, float *gain,
		       int base)
{
	struct ofa_gains *g = run->gains;

	if (!ofa_run_push_near(run, &g->incumbent, a, stage, block))
		return -1;
	g->changes[g->n] = (struct change){gain, base};
	return g->n++;
}

/* The changes of one block, in a subnet where it is present. */
static void push_block(struct ofa_search_run *run, int stage, int block, const struct ofa_arch *within, int base)
{
	const struct ofa_stage *st = &run->p->space->stages[stage];
	const int differs = base < 0 ? block : -1; /* the incumbent has the block itself, or less */
	struct ofa_gains *g = run->gains;
	struct ofa_arch a = *within;

	for (int k = 0; k < st->n_kernels; k++) {
		a.k[block] = (uint8_t)k;
		g->kernel[block][k] = 0;
		if (k != within->k[block])
			push_change(run, &a, stage, differs, &g->kernel[block][k], base);
	}
	a.k[block] = within->k[block];
	for (int e = 0; e < st->n_expands; e++) {
		a.e[block] = (uint8_t)e;
		g->expand[block][e] = 0;
		if (e != within->e[block])
			push_change(run, &a, stage, differs, &g->expand[block][e], base);
	}
}

/* A block that the incumbent skips is asked about in the incumbent made just deep enough to have it. */
static void push_stage(struct ofa_search_run *run, int stage, const struct ofa_arch *incumbent)
{
	const struct ofa_space *s = run->p->space;
	const struct ofa_stage *st = &s->stages[stage];
	int base = -1, d = incumbent->d[stage];
	struct ofa_arch a = *incumbent;

	for (int j = 0; j < st->depths[d]; j++)
		push_block(run, stage, st->first_block + j, incumbent, -1);
	run->gains->depth[stage][d] = 0;
	for (int other = 0; other < st->n_depths; other++) {
		a = *incumbent;
		a.d[stage] = (uint8_t)other;
		ofa_arch_canonical(s, &a);
		if (other != d)
			base = push_change(run, &a, stage, -1, &run->gains->depth[stage][other], -1);
		for (int j = st->depths[other > d ? other - 1 : d]; j < st->depths[other]; j++)
			push_block(run, stage, st->first_block + j, &a, base);
	}
}

/* The knapsack keeps the incumbent's widths; other ones are tried alone. */
static void push_widths(struct ofa_search_run *run, const struct ofa_arch *incumbent)
{
	const struct ofa_space *s = run->p->space;
	struct ofa_gains *g = run->gains;

	for (int i = 0; i < s->n_width_genes; i++) {
		struct ofa_arch a = *incumbent;

		for (int w = 0; w < s->widths[i].n; w++) {
			a.w[i] = (uint8_t)w;
			if (w != incumbent->w[i] && ofa_run_push(run, &a))
				g->changes[g->n++] = (struct change){NULL, -1};
		}
	}
}

/* Scores all single changes of the incumbent.  False when the budget ended before. */
static bool measure(struct ofa_search_run *run, const struct ofa_elite *incumbent)
{
	struct ofa_gains *g = run->gains;
	double sum = 0;

	g->n = 0;
	g->incumbent = *ofa_run_push(run, &incumbent->arch);
	run->n_list--;
	for (int i = 0; i < run->p->space->n_stages; i++)
		push_stage(run, i, &incumbent->arch);
	push_widths(run, &incumbent->arch);
	ofa_run_score(run);
	for (int i = 0; i < g->n; i++) {
		const struct change *c = &g->changes[i];

		if (isnan(run->score[i]))
			return false;
		if (!c->gain)
			continue;
		*c->gain = run->score[i] - (c->base < 0 ? incumbent->accuracy : run->score[c->base]);
		sum += fabsf(*c->gain);
	}
	g->mean = g->n ? (float)(sum / g->n) : 0;
	return true;
}

static float gumbel(const struct ofa_gains *g, struct ofa_rng *rng)
{
	return g->gumbel[ofa_rng_u64(rng) >> (64 - LOG2_GUMBELS)];
}

static bool priced(const struct ofa_search_run *run, enum ofa_resource r)
{
	return run->goal.banded[r] && r != OFA_PEAK_MEMORY_BYTES;
}

/* The banded sums of a block's options as one number each; whole references are 1. */
static void block_prices(const struct ofa_search_run *run, int resolution, int block, double price[OFA_MAX_OPTIONS])
{
	for (int o = 0; o < run->p->options; o++)
		price[o] = 0;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		const double *cost = run->gains->price[r] > 0 ? ofa_problem_options_of(run->p, r, resolution, block,
		                                                                       &run->gains->incumbent.arch)
		                                              : NULL;

		for (int o = 0; cost && o < run->p->options; o++)
			price[o] += run->gains->price[r] * cost[o] / run->goal.limits.max[r];
	}
}

static double fixed_price(const struct ofa_search_run *run, int resolution)
{
	double sum = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (run->gains->price[r] > 0)
			sum += run->gains->price[r] *
			       ofa_problem_fixed(run->p, r, resolution, &run->gains->incumbent.arch) /
			       run->goal.limits.max[r];
	return sum;
}

/* The least that a block costs, if it must be present; optional blocks may cost nothing. */
static double least_price(const struct ofa_search_run *run, const struct ofa_stage *st, int j, const double *price)
{
	double least = INFINITY;

	if (j >= st->depths[0])
		return 0;
	for (int k = 0; k < st->n_kernels; k++)
		for (int e = 0; e < st->n_expands; e++)
			least = fmin(least, price[k * run->p->choices.expands + e]);
	return least;
}

static void offer_block(const struct ofa_search_run *run, int resolution, const struct ofa_stage *st, int block,
			const double *price, double least, struct offer *o)
{
	const double *arena = ofa_problem_options_of(run->p, OFA_PEAK_MEMORY_BYTES, resolution, block,
						     &run->gains->incumbent.arch);
	struct ofa_knapsack_item *items = o->items[block];
	int n = 0;

	for (int k = 0; k < st->n_kernels; k++) {
		for (int e = 0; e < st->n_expands; e++) {
			int option = k * run->p->choices.expands + e, i;
			double weight = (price[option] - least) * o->bins_per_unit;
			struct ofa_knapsack_item item = {.k = (uint8_t)k, .e = (uint8_t)e};

			if (!(weight < OFA_BINS - 1) || arena[option] > run->gains->memory)
				continue;
			item.weight = (int)(weight + 0.5);
			for (i = n++; i > 0 && items[i - 1].weight > item.weight; i--)
				items[i] = items[i - 1];
			items[i] = item;
		}
	}
	o->n_items[block] = n;
}

static const struct offer *offer_at(struct ofa_search_run *run, int resolution)
{
	const struct ofa_space *s = run->p->space;
	struct offer *o = &run->gains->offers[resolution];
	double price[OFA_MAX_BLOCKS][OFA_MAX_OPTIONS], least[OFA_MAX_BLOCKS], range;

	if (o->valid)
		return o;
	o->least = fixed_price(run, resolution);
	for (int i = 0; i < s->n_stages; i++) {
		for (int j = 0; j < s->stages[i].max_depth; j++) {
			int block = s->stages[i].first_block + j;

			block_prices(run, resolution, block, price[block]);
			least[block] = least_price(run, &s->stages[i], j, price[block]);
			o->least += least[block];
		}
	}
	range = run->goal.bands[run->gains->loosest] - o->least;
	o->bins_per_unit = range > 0 ? (OFA_BINS - 1) / range : 0;
	for (int i = 0; i < s->n_stages; i++)
		for (int b = s->stages[i].first_block; b < s->stages[i].first_block + s->stages[i].max_depth; b++)
			offer_block(run, resolution, &s->stages[i], b, price[b], least[b], o);
	o->valid = true;
	return o;
}

/* Keeps what nothing lighter equals in gain: fewer items, same optima. */
static void fill_items(struct ofa_search_run *run, const struct offer *o, int block, float noise)
{
	struct ofa_gains *g = run->gains;
	struct ofa_knapsack_item *kept = g->knapsack.items[block];
	int n = 0;

	for (int i = 0; i < o->n_items[block]; i++) {
		struct ofa_knapsack_item item = o->items[block][i];

		item.gain = g->kernel[block][item.k] + g->expand[block][item.e] + noise * gumbel(g, &run->rng);
		if (n && item.gain <= kept[n - 1].gain)
			continue;
		n -= n && item.weight == kept[n - 1].weight;
		kept[n++] = item;
	}
	g->knapsack.n_items[block] = n;
}

static void fill_knapsack(struct ofa_search_run *run, const struct offer *o, float noise)
{
	const struct ofa_space *s = run->p->space;
	struct ofa_gains *g = run->gains;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->max_depth; b++)
			fill_items(run, o, b, noise);
		for (int d = 0; d < st->n_depths; d++)
			g->knapsack.depth_gain[i][d] = g->depth[i][d] + noise * gumbel(g, &run->rng);
	}
}

/* The resource closest to its limit becomes dearer: with several limits, prices settle where all press alike. */
static void adjust_prices(struct ofa_search_run *run, const struct ofa_candidate *c)
{
	struct ofa_gains *g = run->gains;
	double worst = 0, sum = 0;
	bool changed = false;
	int at = -1;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double ratio = g->price[r] > 0 ? c->cost[r] / run->goal.limits.max[r] : 0;

		if (ratio > worst) {
			worst = ratio;
			at = r;
		}
	}
	if (at < 0)
		return;
	g->price[at] += PRICE_STEP;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		sum += g->price[r];
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		changed |= r != at && g->price[r] > 0;
		g->price[r] /= sum;
	}
	for (int i = 0; changed && i < g->n_offers; i++)
		g->offers[i].valid = false;
}

/* Puts the knapsack's answer for one band on the list, or the nearest below it that is within the band. */
static void push_solution(struct ofa_search_run *run, int resolution, int band, double least, double bins_per_unit)
{
	struct ofa_arch a = run->gains->incumbent.arch;
	double room = (run->goal.bands[band] - least) * bins_per_unit;
	int capacity = room < OFA_BINS - 1 ? (int)room : OFA_BINS - 1;

	a.image_size = run->p->resolutions[resolution];
	for (int back = 0; back < BACK_OFF && capacity - back >= 0; back++) {
		struct ofa_candidate *c;

		if (!ofa_knapsack_read(run->p->space, &run->gains->knapsack, capacity - back, &a))
			return;
		c = ofa_run_push(run, &a);
		if (!c)
			return;
		if (back == 0)
			adjust_prices(run, c);
		if (ofa_run_tightness(run, c) <= run->goal.bands[band])
			return;
		run->n_list--;
	}
}

/* The resolution to propose for: the incumbent's, sometimes a neighbour. */
static int near_resolution(struct ofa_search_run *run, int resolution)
{
	int other = resolution;

	if (ofa_rng_double(&run->rng) < P_OTHER_RESOLUTION)
		other += ofa_rng_below(&run->rng, 2) ? 1 : -1;
	return other < 0 || other >= run->p->n_resolutions ? resolution : other;
}

/* Peak memory has no price: with bands of its own, a generation keeps to the limit of one of them. */
static void prepare(struct ofa_search_run *run, int band)
{
	struct ofa_gains *g = run->gains;
	const double *max = run->goal.limits.max;
	int banded = 0;

	g->lowest = band > REACH ? band - REACH : 0;
	g->loosest = band + REACH < run->goal.n_bands ? band + REACH : run->goal.n_bands - 1;
	g->memory = max[OFA_PEAK_MEMORY_BYTES];
	if (run->goal.banded[OFA_PEAK_MEMORY_BYTES]) {
		g->memory *= run->goal.bands[band];
		g->lowest = g->loosest = band;
	}
	for (int i = 0; i < g->n_offers; i++)
		g->offers[i].valid = false;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		banded += priced(run, r);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (g->price[r] <= 0 && priced(run, r))
			g->price[r] = 1.0 / banded;
}

static void propose(struct ofa_search_run *run)
{
	struct ofa_gains *g = run->gains;
	int band = (int)ofa_rng_below(&run->rng, (uint32_t)run->goal.n_bands), resolution;
	struct ofa_elite incumbent;

	if (!ofa_run_pick(run, band, &incumbent, &resolution) || !measure(run, &incumbent))
		return;
	prepare(run, band);
	for (int draw = 0; draw < DRAWS; draw++) {
		int at = near_resolution(run, resolution);
		float noise = (float)(draw ? NOISE * ofa_rng_double(&run->rng) : 0) * g->mean;
		const struct offer *o = offer_at(run, at);
		double least = o->least, bins_per_unit = o->bins_per_unit; /* the offer ends when a price changes */

		if (least > run->goal.bands[g->loosest])
			continue;
		fill_knapsack(run, o, noise);
		ofa_knapsack_solve(run->p->space, &g->knapsack);
		for (int b = g->lowest; b <= g->loosest; b++)
			if (run->goal.bands[b] >= least)
				push_solution(run, at, b, least, bins_per_unit);
	}
	ofa_run_score(run);
}

enum ofa_status ofa_run_refine(struct ofa_search_run *run, int until, const struct ofa_run_watch *watch,
			       struct ofa_error *err)
{
	int generations = (until - run->evaluations) / LEAST_YIELD + 1;

	for (int idle = 0; run->evaluations < until && idle < MAX_IDLE && generations > 0; generations--) {
		int before = run->evaluations;
		enum ofa_status st = ofa_run_report(run, watch, err);

		if (st)
			return st;
		propose(run);
		idle = run->evaluations > before ? 0 : idle + 1;
	}
	return OFA_OK;
}
