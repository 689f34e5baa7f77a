#include "search/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Accuracy that one use costs a subnet when the next one to build on is picked. */
#define USE_PENALTY 0.0003
#define ROUND_DOWN (1 - 1e-12) /* more than the rounding of a few sums; a chain takes some hundreds of them */
#define ERRORS 4 /* standard deviations of the scorer's error in which the best subnet is looked for */

void ofa_run_free(struct ofa_search_run *run)
{
	if (!run)
		return;
	ofa_memo_release(&run->memo);
	ofa_gains_free(run->gains);
	free(run->niches);
	free(run->elites);
	free(run->scratch);
	free(run->exact_scratch);
	free(run);
}

enum ofa_status ofa_run_new(const struct ofa_search_problem *p, const struct ofa_run_goal *goal,
			    struct ofa_search_run **ret, struct ofa_error *err)
{
	struct ofa_search_run *run = calloc(1, sizeof(*run));
	const size_t niches = (size_t)(goal->n_bands * p->n_resolutions), size = (size_t)goal->niche_size;

	if (!run)
		goto nomem;
	run->p = p;
	run->goal = *goal;
	ofa_rng_init(&run->rng, goal->seed);
	run->niches = calloc(niches, sizeof(*run->niches));
	run->elites = malloc(niches * size * sizeof(*run->elites));
	run->scratch = ofa_scorer_scratch(p->scorer);
	run->exact_scratch = malloc(ofa_predictor_workspace(p->predictor, 1) * sizeof(float));
	if (!run->niches || !run->elites || !run->scratch || !run->exact_scratch ||
	    ofa_memo_init(&run->memo, (size_t)goal->budget) || ofa_gains_new(p->n_resolutions, &run->gains))
		goto nomem;
	for (size_t i = 0; i < niches; i++)
		run->niches[i].at = run->elites + i * size;
	*ret = run;
	return OFA_OK;
nomem:
	ofa_run_free(run);
	return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

struct ofa_niche *ofa_run_niche(const struct ofa_search_run *run, int band, int resolution)
{
	return &run->niches[band * run->p->n_resolutions + resolution];
}

double ofa_run_tightness(const struct ofa_search_run *run, const struct ofa_candidate *c)
{
	double worst = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		double max = run->goal.limits.max[r], ratio;

		if (isinf(max))
			continue;
		if (!run->goal.banded[r]) {
			if (c->cost[r] > max)
				return INFINITY;
			continue;
		}
		ratio = c->cost[r] / max;
		if (ratio == 1 && c->cost[r] > max)
			ratio = nextafter(1, 2); /* rounding lets nothing over a limit */
		worst = fmax(worst, ratio);
	}
	return worst;
}

static void insert(const struct ofa_search_run *run, struct ofa_niche *niche, const struct ofa_arch *a, float accuracy)
{
	int i = niche->n < run->goal.niche_size ? niche->n++ : niche->n - 1;

	for (; i > 0 && niche->at[i - 1].accuracy < accuracy; i--)
		niche->at[i] = niche->at[i - 1];
	niche->at[i] = (struct ofa_elite){*a, accuracy, 0};
}

/* The tightest band of an arch, or n_bands. */
static int band_of(const struct ofa_search_run *run, const struct ofa_candidate *c)
{
	double tightness = ofa_run_tightness(run, c);
	int band = 0;

	while (band < run->goal.n_bands && tightness > run->goal.bands[band])
		band++;
	return band;
}

static bool has_place(const struct ofa_search_run *run, int band, int resolution, float accuracy)
{
	const struct ofa_niche *niche = ofa_run_niche(run, band, resolution);

	return niche->n < run->goal.niche_size || accuracy > niche->at[niche->n - 1].accuracy;
}

static void find_costs(const struct ofa_search_run *run, struct ofa_candidate *c)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		c->cost[r] = isinf(run->goal.limits.max[r]) ? 0
							    : ofa_problem_cost(run->p, r, c->resolution, &c->arch);
	c->rounded = false;
}

/* Whoever is in a band is in all looser ones, where the company is only better: the first that has no place for an
 * arch ends its way.  Rounded costs turn most away; who gets in has them found exactly. */
static void admit(struct ofa_search_run *run, struct ofa_candidate *c, float accuracy)
{
	int band = band_of(run, c);

	if (c->rounded && band < run->goal.n_bands && has_place(run, band, c->resolution, accuracy)) {
		find_costs(run, c);
		band = band_of(run, c);
	}
	for (; band < run->goal.n_bands && has_place(run, band, c->resolution, accuracy); band++)
		insert(run, ofa_run_niche(run, band, c->resolution), &c->arch, accuracy);
}

struct ofa_candidate *ofa_run_push(struct ofa_search_run *run, const struct ofa_arch *a)
{
	struct ofa_candidate *c;

	if (run->n_list == OFA_LIST_MAX)
		return NULL;
	c = &run->list[run->n_list++];
	c->arch = *a;
	c->resolution = ofa_problem_resolution(run->p, a->image_size);
	c->hash = ofa_arch_hash(a);
	ofa_memo_expect(&run->memo, c->hash);
	find_costs(run, c);
	return c;
}

struct ofa_candidate *ofa_run_push_near(struct ofa_search_run *run, const struct ofa_candidate *from,
					const struct ofa_arch *a, int stage, int block)
{
	const struct ofa_stage *st = &run->p->space->stages[stage];
	const int first = block < 0 ? st->first_block : block, end = block < 0 ? first + st->max_depth : block + 1;
	struct ofa_candidate *c;

	if (run->n_list == OFA_LIST_MAX)
		return NULL;
	c = &run->list[run->n_list++];
	c->arch = *a;
	c->resolution = from->resolution;
	c->hash = ofa_arch_hash(a);
	ofa_memo_expect(&run->memo, c->hash);
	c->rounded = true;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++) {
		if (isinf(run->goal.limits.max[r]))
			c->cost[r] = 0;
		else if (r == OFA_PEAK_MEMORY_BYTES)
			c->cost[r] = ofa_problem_cost(run->p, r, c->resolution, a);
		else
			c->cost[r] = (from->cost[r] +
				      ofa_problem_blocks(run->p, r, c->resolution, a, stage, first, end) -
				      ofa_problem_blocks(run->p, r, c->resolution, &from->arch, stage, first, end)) *
				     ROUND_DOWN;
	}
	return c;
}

bool ofa_run_recall(const struct ofa_search_run *run, int index, float *ret)
{
	const struct ofa_memo_slot *slot = ofa_memo_find(&run->memo, run->list[index].hash);

	*ret = slot->value;
	return slot->key != 0;
}

int ofa_run_score(struct ofa_search_run *run)
{
	struct ofa_memo_slot *slots[OFA_LIST_MAX]; /* of the list; they stay where they are */
	uint8_t slots_of[OFA_LIST_MAX] = {0}; /* in the anneal a place in the list is a chain */
	int fresh[OFA_LIST_MAX], n = 0;

	for (int i = 0; i < run->n_list; i++) {
		slots[i] = ofa_memo_find(&run->memo, run->list[i].hash);
		if (slots[i]->key || run->evaluations + n >= run->goal.budget)
			continue;
		ofa_memo_claim(&run->memo, slots[i], run->list[i].hash);
		fresh[n] = i;
		slots_of[n] = (uint8_t)(run->n_list > OFA_SCORER_SLOTS ? 0 : i % OFA_SCORER_SLOTS);
		run->pending[n++] = run->list[i].arch;
	}
	ofa_scorer_score(run->p->scorer, run->pending, slots_of, n, run->scratch, run->pending_score);
	for (int i = 0; i < n; i++) {
		slots[fresh[i]]->value = run->pending_score[i];
		admit(run, &run->list[fresh[i]], run->pending_score[i]);
	}
	for (int i = 0; i < run->n_list; i++)
		run->score[i] = slots[i]->key ? slots[i]->value : NAN;
	run->n_list = 0;
	run->evaluations += n;
	return n;
}

bool ofa_run_pick(struct ofa_search_run *run, int band, struct ofa_elite *ret, int *ret_resolution)
{
	struct ofa_elite *best = NULL;
	double best_worth = 0;

	for (int r = 0; r < run->p->n_resolutions; r++) {
		struct ofa_niche *niche = ofa_run_niche(run, band, r);

		for (int i = 0; i < niche->n; i++) {
			double worth = (double)niche->at[i].accuracy - USE_PENALTY * niche->at[i].uses;

			if (best && worth <= best_worth)
				continue;
			best = &niche->at[i];
			best_worth = worth;
			*ret_resolution = r;
		}
	}
	if (!best)
		return false;
	best->uses++;
	*ret = *best;
	return true;
}

/* Scores that are off by little can only hide what is near the best one. */
static float within_error(const struct ofa_search_run *run, int band)
{
	float best = -INFINITY;

	for (int r = 0; r < run->p->n_resolutions; r++) {
		const struct ofa_niche *niche = ofa_run_niche(run, band, r);

		if (niche->n)
			best = fmaxf(best, niche->at[0].accuracy);
	}
	return best - (float)(ERRORS * ofa_scorer_error(run->p->scorer));
}

bool ofa_run_best(struct ofa_search_run *run, int band, struct ofa_elite *ret)
{
	const struct ofa_search_problem *p = run->p;
	const float least = within_error(run, band);
	bool found = false;

	for (int r = 0; r < p->n_resolutions; r++) {
		const struct ofa_niche *niche = ofa_run_niche(run, band, r);

		for (int i = 0; i < niche->n && niche->at[i].accuracy >= least; i++) {
			float accuracy = niche->at[i].accuracy;

			if (!ofa_scorer_exact(p->scorer))
				ofa_predictor_predict(p->space, p->predictor, &niche->at[i].arch, 1,
						      run->exact_scratch, &accuracy);
			if (found && accuracy <= ret->accuracy)
				continue;
			*ret = niche->at[i];
			ret->accuracy = accuracy;
			found = true;
		}
	}
	return found;
}

enum ofa_status ofa_run_report(const struct ofa_search_run *run, const struct ofa_run_watch *watch,
			       struct ofa_error *err)
{
	float best = 0;

	if (watch->cancel && atomic_load(watch->cancel))
		return ofa_fail(err, OFA_ERR_CANCELLED, NULL, "the search was stopped");
	if (!watch->progress)
		return OFA_OK;
	for (int r = 0; r < run->p->n_resolutions; r++) {
		const struct ofa_niche *niche = ofa_run_niche(run, watch->band, r);

		if (niche->n && niche->at[0].accuracy > best)
			best = niche->at[0].accuracy;
	}
	watch->progress(watch->ctx, run->evaluations, run->goal.budget,
			best > 0 ? ofa_predictor_promise(run->p->predictor, run->p->precision, (double)best) : 0);
	return OFA_OK;
}
