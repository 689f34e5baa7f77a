#include "search/run.h"

#include <math.h>
#include <string.h>

/* Accuracy that one use costs a subnet when the next one to build on is picked. */
#define USE_PENALTY 0.0003

const double ofa_band_tightness[OFA_BANDS] = { 0.94, 0.97, 1.0, 1.03, 1.06, 1.10 };

struct ofa_niche *ofa_run_niche(const struct ofa_search_run *run, int band, int resolution)
{
	return &run->niches[band * run->p->n_resolutions + resolution];
}

double ofa_run_tightness(const struct ofa_search_run *run, int resolution, const struct ofa_arch *a)
{
	double worst = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(run->limits.max[r]))
			worst = fmax(worst, ofa_problem_cost(run->p, r, resolution, a) / run->limits.max[r]);
	return worst;
}

static void insert(struct ofa_niche *niche, const struct ofa_arch *a, float accuracy)
{
	int i = niche->n < OFA_NICHE ? niche->n++ : OFA_NICHE - 1;

	for (; i > 0 && niche->at[i - 1].accuracy < accuracy; i--)
		niche->at[i] = niche->at[i - 1];
	niche->at[i] = (struct ofa_elite){ *a, accuracy, 0 };
}

static bool welcome(const struct ofa_niche *niche, float accuracy)
{
	return niche->n < OFA_NICHE || accuracy > niche->at[OFA_NICHE - 1].accuracy;
}

/* Peak memory is no sum to be a little over: whoever exceeds that limit is in no band.  The arena itself is
 * asked only of those that would enter. */
static void admit(struct ofa_search_run *run, const struct ofa_arch *a, float accuracy)
{
	int resolution = ofa_problem_resolution(run->p, a->image_size);
	double memory = run->limits.max[OFA_PEAK_MEMORY_BYTES];
	double tightness = ofa_run_tightness(run, resolution, a);
	bool checked = isinf(memory);

	for (int band = OFA_BANDS - 1; band >= 0; band--) {
		struct ofa_niche *niche = ofa_run_niche(run, band, resolution);
		/* The limits proper are compared as they are, not as a rounded ratio. */
		bool inside = band == OFA_BAND_EXACT ? ofa_problem_within(run->p, &run->limits, resolution, a)
		                                     : tightness <= ofa_band_tightness[band];

		if (!inside || !welcome(niche, accuracy))
			continue;
		if (!checked && ofa_problem_arena(run->p, a) > memory)
			return;
		checked = true;
		insert(niche, a, accuracy);
	}
}

void ofa_run_push(struct ofa_search_run *run, const struct ofa_arch *a)
{
	if (run->n_list < OFA_LIST_MAX)
		run->list[run->n_list++] = *a;
}

int ofa_run_score(struct ofa_search_run *run)
{
	struct ofa_memo_slot *slots[OFA_LIST_MAX]; /* of the list; they stay where they are */
	struct ofa_memo_slot *pending[OFA_LIST_MAX];

	run->n_pending = 0;
	for (int i = 0; i < run->n_list; i++) {
		uint64_t hash = ofa_arch_hash(&run->list[i]);

		slots[i] = ofa_memo_find(&run->memo, hash);
		if (slots[i]->key || run->evaluations + run->n_pending >= run->budget)
			continue;
		ofa_memo_claim(&run->memo, slots[i], hash);
		pending[run->n_pending] = slots[i];
		run->pending[run->n_pending++] = run->list[i];
	}
	ofa_predictor_predict(run->p->space, run->p->predictor, run->pending, run->n_pending, run->workspace,
	                      run->pending_score);
	for (int i = 0; i < run->n_pending; i++) {
		pending[i]->value = run->pending_score[i];
		admit(run, &run->pending[i], run->pending_score[i]);
	}
	for (int i = 0; i < run->n_list; i++)
		run->score[i] = slots[i]->key ? slots[i]->value : NAN;
	run->n_list = 0;
	run->evaluations += run->n_pending;
	return run->n_pending;
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
