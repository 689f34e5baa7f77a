/* Proposals from exact gains: every change of a single gene of one subnet is scored; taken as if they added
 * up, the changes and their costs make a knapsack whose solutions are scored next.  Noise on the gains (Gumbel
 * noise turns the maximum into a sample) makes several different proposals from one set of gains. */
#include <math.h>
#include <stdlib.h>

#include "search/knapsack.h"
#include "search/run.h"

#define DRAWS 8
#define LOG2_GUMBELS 10
#define NOISE 0.1 /* at most, of the mean size of a gain */
#define P_OTHER_RESOLUTION 0.3
#define BACK_OFF 8 /* bins to step back when rounding led over a limit */
#define PRICE_STEP 0.02

/* One scored arch, where the gain it tells about goes, and what it is compared to. */
struct change {
	float *gain;
	int base; /* index of another change; -1: the incumbent */
};

struct ofa_gains {
	int n;
	struct change changes[OFA_LIST_MAX];
	float kernel[OFA_MAX_BLOCKS][OFA_MAX_CHOICES], expand[OFA_MAX_BLOCKS][OFA_MAX_CHOICES];
	float depth[OFA_MAX_STAGES][OFA_MAX_CHOICES];
	float mean;
	float gumbel[1 << LOG2_GUMBELS]; /* the distribution's quantiles: a draw costs no logarithm */
	struct ofa_knapsack knapsack;
};

enum ofa_status ofa_gains_new(struct ofa_gains **ret)
{
	struct ofa_gains *g = calloc(1, sizeof(*g));

	if (!g)
		return OFA_ERR_NOMEM;
	for (int i = 0; i < 1 << LOG2_GUMBELS; i++)
		g->gumbel[i] = -logf(-logf(((float)i + 0.5f) / (1 << LOG2_GUMBELS)));
	*ret = g;
	return OFA_OK;
}

void ofa_gains_free(struct ofa_gains *g)
{
	free(g);
}

static int push_change(struct ofa_search_run *run, const struct ofa_arch *a, float *gain, int base)
{
	struct ofa_gains *g = run->gains;

	if (g->n == OFA_LIST_MAX)
		return -1;
	g->changes[g->n] = (struct change){gain, base};
	ofa_run_push(run, a);
	return g->n++;
}

/* The changes of one block, in a subnet where it is present. */
static void push_block(struct ofa_search_run *run, const struct ofa_stage *st, int block, const struct ofa_arch *within,
		       int base)
{
	struct ofa_gains *g = run->gains;
	struct ofa_arch a = *within;

	for (int k = 0; k < st->n_kernels; k++) {
		a.k[block] = (uint8_t)k;
		g->kernel[block][k] = 0;
		if (k != within->k[block])
			push_change(run, &a, &g->kernel[block][k], base);
	}
	a.k[block] = within->k[block];
	for (int e = 0; e < st->n_expands; e++) {
		a.e[block] = (uint8_t)e;
		g->expand[block][e] = 0;
		if (e != within->e[block])
			push_change(run, &a, &g->expand[block][e], base);
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
		push_block(run, st, st->first_block + j, incumbent, -1);
	run->gains->depth[stage][d] = 0;
	for (int other = 0; other < st->n_depths; other++) {
		a = *incumbent;
		a.d[stage] = (uint8_t)other;
		ofa_arch_canonical(s, &a);
		if (other != d)
			base = push_change(run, &a, &run->gains->depth[stage][other], -1);
		for (int j = st->depths[other > d ? other - 1 : d]; j < st->depths[other]; j++)
			push_block(run, st, st->first_block + j, &a, base);
	}
}

/* Scores all single changes of the incumbent.  False when the budget ended before. */
static bool measure(struct ofa_search_run *run, const struct ofa_elite *incumbent)
{
	struct ofa_gains *g = run->gains;
	double sum = 0;

	g->n = 0;
	for (int i = 0; i < run->p->space->n_stages; i++)
		push_stage(run, i, &incumbent->arch);
	ofa_run_score(run);
	for (int i = 0; i < g->n; i++) {
		const struct change *c = &g->changes[i];

		if (isnan(run->score[i]))
			return false;
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

/* The limited sums of one block's option as one number; whole limits are 1. */
static double block_price(const struct ofa_search_run *run, int resolution, int block, int option)
{
	double sum = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (run->price[r] > 0)
			sum += run->price[r] * ofa_problem_block(run->p, r, resolution, block, option) /
			       run->limits.max[r];
	return sum;
}

static double fixed_price(const struct ofa_search_run *run, int resolution)
{
	double sum = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (run->price[r] > 0)
			sum += run->price[r] * run->p->fixed[r][resolution] / run->limits.max[r];
	return sum;
}

static bool fits_memory(const struct ofa_search_run *run, int resolution, int block, int option)
{
	double limit = run->limits.max[OFA_PEAK_MEMORY_BYTES];

	return isinf(limit) || ofa_problem_block(run->p, OFA_PEAK_MEMORY_BYTES, resolution, block, option) <= limit;
}

/* The least that a block costs, if it must be present; optional blocks may cost nothing. */
static double least_price(const struct ofa_search_run *run, int resolution, const struct ofa_stage *st, int j)
{
	double least = INFINITY;

	if (j >= st->depths[0])
		return 0;
	for (int k = 0; k < st->n_kernels; k++)
		for (int e = 0; e < st->n_expands; e++)
			least = fmin(least, block_price(run, resolution, st->first_block + j, k * run->p->expands + e));
	return least;
}

/* Keeps what no cheaper item equals in gain: fewer items, same optima.  Returns how many are left. */
static int drop_dominated(struct ofa_knapsack_item *items, int n)
{
	int kept = 0;

	for (int i = 1; i < n; i++) {
		struct ofa_knapsack_item item = items[i];
		int j = i;

		for (; j > 0 && (items[j - 1].weight > item.weight ||
				 (items[j - 1].weight == item.weight && items[j - 1].gain < item.gain));
		     j--)
			items[j] = items[j - 1];
		items[j] = item;
	}
	for (int i = 0; i < n; i++)
		if (kept == 0 || items[i].gain > items[kept - 1].gain)
			items[kept++] = items[i];
	return kept;
}

static void fill_items(struct ofa_search_run *run, int resolution, const struct ofa_stage *st, int block, double least,
		       double bins_per_unit, float noise)
{
	struct ofa_gains *g = run->gains;
	int n = 0;

	for (int k = 0; k < st->n_kernels; k++) {
		for (int e = 0; e < st->n_expands; e++) {
			int option = k * run->p->expands + e;
			double weight = (block_price(run, resolution, block, option) - least) * bins_per_unit;
			float gain = g->kernel[block][k] + g->expand[block][e] + noise * gumbel(g, &run->rng);

			if (weight < OFA_BINS && fits_memory(run, resolution, block, option))
				g->knapsack.items[block][n++] =
					(struct ofa_knapsack_item){(uint8_t)k, (uint8_t)e, (int)(weight + 0.5), gain};
		}
	}
	g->knapsack.n_items[block] = drop_dominated(g->knapsack.items[block], n);
}

/* Capacity zero is the least that any arch costs; the last bin is the loosest band. */
struct scale {
	double least, bins_per_unit;
};

static struct scale fill_knapsack(struct ofa_search_run *run, int resolution, float noise)
{
	const struct ofa_space *s = run->p->space;
	struct ofa_gains *g = run->gains;
	struct scale scale = {fixed_price(run, resolution), 0};
	double least[OFA_MAX_BLOCKS], range;

	for (int i = 0; i < s->n_stages; i++) {
		for (int j = 0; j < s->stages[i].max_depth; j++) {
			int block = s->stages[i].first_block + j;

			least[block] = least_price(run, resolution, &s->stages[i], j);
			scale.least += least[block];
		}
	}
	range = ofa_band_tightness[OFA_BANDS - 1] - scale.least;
	scale.bins_per_unit = range > 0 ? (OFA_BINS - 1) / range : INFINITY;
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->max_depth; b++)
			fill_items(run, resolution, st, b, least[b], scale.bins_per_unit, noise);
		for (int d = 0; d < st->n_depths; d++)
			g->knapsack.depth_gain[i][d] = g->depth[i][d] + noise * gumbel(g, &run->rng);
	}
	return scale;
}

/* The resource closest to its limit becomes dearer: with several limits, prices settle where all press alike. */
static void adjust_prices(struct ofa_search_run *run, int resolution, const struct ofa_arch *a)
{
	double worst = 0, sum = 0;
	int at = -1;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double ratio = run->price[r] > 0 ? ofa_problem_cost(run->p, r, resolution, a) / run->limits.max[r] : 0;

		if (ratio > worst) {
			worst = ratio;
			at = r;
		}
	}
	if (at < 0)
		return;
	run->price[at] += PRICE_STEP;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		sum += run->price[r];
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		run->price[r] /= sum;
}

static void push_solution(struct ofa_search_run *run, int resolution, int band, const struct scale *scale)
{
	struct ofa_arch a = {.image_size = run->p->resolutions[resolution]};
	double room = (ofa_band_tightness[band] - scale->least) * scale->bins_per_unit;
	int capacity = room < OFA_BINS - 1 ? (int)room : OFA_BINS - 1;

	for (int back = 0; back < BACK_OFF && capacity - back >= 0; back++) {
		if (!ofa_knapsack_read(run->p->space, &run->gains->knapsack, capacity - back, &a))
			return;
		if (back == 0 && band == OFA_BAND_EXACT)
			adjust_prices(run, resolution, &a);
		if (ofa_run_tightness(run, resolution, &a) <= ofa_band_tightness[band]) {
			ofa_run_push(run, &a);
			return;
		}
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

void ofa_run_propose(struct ofa_search_run *run)
{
	int band = (int)ofa_rng_below(&run->rng, OFA_BANDS), resolution;
	struct ofa_elite incumbent;

	if (!ofa_run_pick(run, band, &incumbent, &resolution) || !measure(run, &incumbent))
		return;
	for (int draw = 0; draw < DRAWS; draw++) {
		int at = near_resolution(run, resolution);
		float noise = (float)(draw ? NOISE * ofa_rng_double(&run->rng) : 0) * run->gains->mean;
		struct scale scale = fill_knapsack(run, at, noise);

		if (scale.least > ofa_band_tightness[OFA_BANDS - 1])
			continue;
		ofa_knapsack_solve(run->p->space, &run->gains->knapsack);
		for (int b = 0; b < OFA_BANDS; b++)
			if (ofa_band_tightness[b] >= scale.least)
				push_solution(run, at, b, &scale);
	}
	ofa_run_score(run);
}
