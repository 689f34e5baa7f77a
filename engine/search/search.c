#include "search/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_GENERATION 192
#define VARY_EVERY 10  /* one generation of mutants and crossovers to nine of proposals */
#define MAX_IDLE 50    /* generations without a new arch before a small space counts as exhausted */
#define LEAST_YIELD 40 /* new archs per generation, over the whole search, below which it ends early */

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run_free(struct ofa_search_run *run)
{
	if (!run)
		return;
	ofa_memo_release(&run->memo);
	ofa_gains_free(run->gains);
	free(run->niches);
	free(run->workspace);
	free(run);
}

static enum ofa_status run_new(const struct ofa_search_problem *p, const struct ofa_search_options *opt,
			       struct ofa_search_run **ret, struct ofa_error *err)
{
	struct ofa_search_run *run = calloc(1, sizeof(*run));
	int limited = 0;

	if (!run)
		goto nomem;
	run->p = p;
	run->limits = opt->limits;
	run->budget = opt->evaluations ? opt->evaluations : OFA_SEARCH_DEFAULT_EVALUATIONS;
	ofa_rng_init(&run->rng, opt->seed);
	run->niches = calloc((size_t)(OFA_BANDS * p->n_resolutions), sizeof(*run->niches));
	run->workspace = malloc(ofa_predictor_workspace(p->predictor, OFA_LIST_MAX) * sizeof(float));
	if (!run->niches || !run->workspace || ofa_memo_init(&run->memo, (size_t)run->budget) ||
	    ofa_gains_new(p->n_resolutions, &run->gains))
		goto nomem;
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		limited += r != OFA_PEAK_MEMORY_BYTES && !isinf(run->limits.max[r]);
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (r != OFA_PEAK_MEMORY_BYTES && !isinf(run->limits.max[r]))
			run->price[r] = 1.0 / limited;
	*ret = run;
	return OFA_OK;
nomem:
	run_free(run);
	return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

/* The first generation: for each resolution an arch known to be within the limits, then random archs brought
 * under them.  False when no resolution has such an arch. */
static bool found_population(struct ofa_search_run *run)
{
	const struct ofa_search_problem *p = run->p;
	int possible[OFA_MAX_RESOLUTIONS], n = 0;

	for (int r = 0; r < p->n_resolutions; r++) {
		struct ofa_arch a;

		if (!ofa_problem_seed(p, &run->limits, r, &a))
			continue;
		possible[n++] = r;
		ofa_run_push(run, &a);
		ofa_run_fill(run, &a);
		ofa_run_push(run, &a);
	}
	for (int i = 0; n && i < FIRST_GENERATION; i++) {
		struct ofa_arch a;

		ofa_arch_sample(p->space, &run->rng, &a);
		a.image_size = p->resolutions[possible[ofa_rng_below(&run->rng, (uint32_t)n)]];
		if (ofa_run_repair(run, &a)) {
			ofa_run_fill(run, &a);
			ofa_run_push(run, &a);
		}
	}
	ofa_run_score(run);
	return n > 0;
}

static const struct ofa_elite *best_of(const struct ofa_search_run *run)
{
	const struct ofa_elite *best = NULL;

	for (int r = 0; r < run->p->n_resolutions; r++) {
		const struct ofa_niche *niche = ofa_run_niche(run, OFA_BAND_EXACT, r);

		if (niche->n && (!best || niche->at[0].accuracy > best->accuracy))
			best = &niche->at[0];
	}
	return best;
}

static enum ofa_status evolve(struct ofa_search_run *run, const struct ofa_search_options *opt, struct ofa_error *err)
{
	int idle = 0, generations = run->budget / LEAST_YIELD + MAX_IDLE;

	for (int generation = 0; run->evaluations < run->budget && idle < MAX_IDLE && generation < generations;
	     generation++) {
		int before = run->evaluations;

		if (opt->cancel && atomic_load(opt->cancel))
			return ofa_fail(err, OFA_ERR_CANCELLED, NULL, "the search was stopped");
		if (generation % VARY_EVERY == VARY_EVERY - 1)
			ofa_run_vary(run);
		else
			ofa_run_propose(run);
		idle = run->evaluations > before ? 0 : idle + 1;
		if (opt->progress)
			opt->progress(opt->ctx, run->evaluations, run->budget, (double)best_of(run)->accuracy);
	}
	return OFA_OK;
}

static enum ofa_status refuse_together(const struct ofa_limits *l, struct ofa_error *err)
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

enum ofa_status ofa_search_run(const struct ofa_search_problem *p, const struct ofa_search_options *opt,
			       struct ofa_search_result *ret, struct ofa_feasible *ret_feasible, struct ofa_error *err)
{
	double start = now_seconds();
	struct ofa_search_run *run = NULL;
	const struct ofa_elite *best;
	enum ofa_status st;

	if (ret_feasible)
		*ret_feasible = p->feasible;
	if (opt->evaluations < 0 || opt->evaluations > OFA_SEARCH_MAX_EVALUATIONS)
		return ofa_fail(err, OFA_ERR_INVALID, "/evaluations", "%d evaluations; 0 (default) to %d are accepted",
				opt->evaluations, OFA_SEARCH_MAX_EVALUATIONS);
	st = ofa_problem_check_limits(p, &opt->limits, err);
	if (!st)
		st = run_new(p, opt, &run, err);
	if (st)
		return st;
	if (!found_population(run))
		st = refuse_together(&run->limits, err);
	if (!st)
		st = evolve(run, opt, err);
	best = st ? NULL : best_of(run);
	if (best) {
		*ret = (struct ofa_search_result){.arch = best->arch,
						  .predicted_accuracy = (double)best->accuracy,
						  .evaluations = run->evaluations};
		ofa_search_costs(p, &best->arch, ret->value);
		ret->seconds = now_seconds() - start;
	}
	run_free(run);
	return st;
}
