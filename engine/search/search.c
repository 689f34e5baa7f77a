#include "search/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NICHE 12           /* subnets kept per band and resolution */
#define EXACT_BAND 2       /* the band of the limits themselves */
#define ANNEALED_SHARE 0.7 /* of the evaluations; the rest refines */

static const double bands[] = {0.94, 0.97, 1.0, 1.03, 1.06, 1.10};

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Bytes: what a core does in less than 20 ms.  Floats: what the quality needs, in three times that. */
int ofa_search_default_evaluations(const struct ofa_search_problem *p)
{
	static const struct {
		const char *set;
		int evaluations;
	} budgets[] = {{"amx", 26000}, {"avx512vnni", 13000}, {"avxvnni", 8000}};
	const char *set = ofa_scorer_set(p->scorer);

	for (size_t i = 0; i < OFA_ARRAY_LEN(budgets); i++)
		if (strcmp(set, budgets[i].set) == 0)
			return budgets[i].evaluations;
	return p->predictor->kind == OFA_PREDICTOR_PAIRWISE ? 24000 : 12000;
}

static void set_goal(const struct ofa_search_problem *p, const struct ofa_search_options *opt,
		     struct ofa_run_goal *goal)
{
	*goal = (struct ofa_run_goal){
		.limits = opt->limits,
		.bands = bands,
		.n_bands = (int)OFA_ARRAY_LEN(bands),
		.niche_size = NICHE,
		.narrow = true,
		.seed = opt->seed,
		.budget = opt->evaluations ? opt->evaluations : ofa_search_default_evaluations(p),
	};
	/* Peak memory is no sum to be a little over. */
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		goal->banded[r] = r != OFA_PEAK_MEMORY_BYTES && !isinf(opt->limits.max[r]);
}

/* For each resolution an arch known to be within the limits; false when none has one. */
static bool found_seeds(struct ofa_search_run *run)
{
	for (int r = 0; r < run->p->n_resolutions; r++) {
		struct ofa_arch a;

		if (ofa_problem_seed(run->p, &run->goal.limits, r, &a))
			ofa_run_push(run, &a);
	}
	return ofa_run_score(run) > 0;
}

enum ofa_status ofa_search_check(const struct ofa_search_problem *p, const struct ofa_limits *limits,
				 struct ofa_error *err)
{
	enum ofa_status st = ofa_problem_check_limits(p, limits, err);
	int n_limits = 0;

	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		n_limits += !isinf(limits->max[r]);
	/* one alone is met by the smallest arch */
	if (st || n_limits < 2)
		return st;
	for (int r = 0; r < p->n_resolutions; r++) {
		struct ofa_arch a;

		if (ofa_problem_seed(p, limits, r, &a))
			return OFA_OK;
	}
	return ofa_problem_refuse_together(limits, err);
}

static enum ofa_status evolve(struct ofa_search_run *run, const struct ofa_search_options *opt, struct ofa_error *err)
{
	const struct ofa_run_watch watch = {
		.cancel = opt->cancel,
		.progress = opt->progress,
		.ctx = opt->ctx,
		.band = EXACT_BAND,
	};
	int budget = run->goal.budget;
	enum ofa_status st = ofa_run_anneal(run, EXACT_BAND, (int)(ANNEALED_SHARE * budget), &watch, err);

	return st ? st : ofa_run_refine(run, budget, &watch, err);
}

enum ofa_status ofa_search_run(const struct ofa_search_problem *p, const struct ofa_search_options *opt,
			       struct ofa_search_result *ret, struct ofa_feasible *ret_feasible, struct ofa_error *err)
{
	double start = now_seconds();
	struct ofa_search_run *run = NULL;
	struct ofa_run_goal goal;
	struct ofa_elite best;
	enum ofa_status st;

	if (ret_feasible)
		*ret_feasible = p->feasible;
	if (opt->evaluations < 0 || opt->evaluations > OFA_SEARCH_MAX_EVALUATIONS)
		return ofa_fail(err, OFA_ERR_INVALID, "/evaluations", "%d evaluations; 0 (default) to %d are accepted",
				opt->evaluations, OFA_SEARCH_MAX_EVALUATIONS);
	st = ofa_problem_check_limits(p, &opt->limits, err);
	if (st)
		return st;
	set_goal(p, opt, &goal);
	st = ofa_run_new(p, &goal, &run, err);
	if (st)
		return st;
	if (!found_seeds(run))
		st = ofa_problem_refuse_together(&opt->limits, err);
	if (!st)
		st = evolve(run, opt, err);
	if (!st && ofa_run_best(run, EXACT_BAND, &best)) {
		*ret = (struct ofa_search_result){.arch = best.arch,
						  .predicted_accuracy = ofa_predictor_promise(
							  p->predictor, p->precision, (double)best.accuracy),
						  .evaluations = run->evaluations,
						  .stop = run->evaluations < goal.budget ? OFA_STOP_CONVERGED
										 : OFA_STOP_BUDGET};
		ofa_search_costs(p, &best.arch, ret->value);
		ret->seconds = now_seconds() - start;
	}
	ofa_run_free(run);
	return st;
}

static enum ofa_status refuse_resolution(const struct ofa_search_problem *p, int image_size, struct ofa_error *err)
{
	char list[8 * OFA_MAX_RESOLUTIONS] = "";
	size_t used = 0;

	for (int r = 0; r < p->n_resolutions; r++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%d", used ? ", " : "",
					 p->resolutions[r]);
	return ofa_fail(err, OFA_ERR_INVALID, "/image_size",
			"nothing can be predicted at image size %d; predictor and latency table have %s", image_size,
			list);
}

enum ofa_status ofa_search_given(const struct ofa_search_problem *p, const struct ofa_arch *a,
				 struct ofa_search_result *ret, struct ofa_error *err)
{
	const double start = now_seconds();
	float *workspace, accuracy;

	if (ofa_problem_resolution(p, a->image_size) < 0)
		return refuse_resolution(p, a->image_size, err);
	workspace = malloc(ofa_predictor_workspace(p->predictor, 1) * sizeof(*workspace));
	if (!workspace)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	ofa_predictor_predict(p->space, p->predictor, a, 1, workspace, &accuracy);
	free(workspace);
	*ret = (struct ofa_search_result){
		.arch = *a,
		.predicted_accuracy = ofa_predictor_promise(p->predictor, p->precision, (double)accuracy),
		.stop = OFA_STOP_GIVEN,
	};
	ofa_search_costs(p, a, ret->value);
	ret->seconds = now_seconds() - start;
	return OFA_OK;
}
