/* A request answered from a kept front. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "search/front.h"
#include "search/run.h"

#define NICHE 4
#define STARTERS 24 /* subnets of the front that the polish starts from */
#define POLISH 45   /* of the evaluations of a search */
#define EXACT_BAND 1

static const double bands[] = {0.985, 1.0, 1.015};

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool within(const struct ofa_front_point *point, const struct ofa_limits *l)
{
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (!isinf(l->max[r]) && point->value[r] > l->max[r])
			return false;
	return true;
}

/* The subnet of the front that answers, or NULL where the front cannot know the answer. */
static const struct ofa_front_point *look_up(const struct ofa_search_problem *p, const struct ofa_front *f,
					     const struct ofa_limits *l)
{
	double max = l->max[f->metric];

	if (max < f->min || (max > f->max && f->max < p->feasible.max[f->metric]))
		return NULL;
	/* Limits that bound the front must bound the question as well, or something better may exist. */
	for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
		if (r != (int)f->metric && l->max[r] > f->limits.max[r])
			return NULL;
	for (size_t i = 0; i < f->n_archive; i++) {
		if (f->archive[i].value[f->metric] > max)
			continue;
		/* The best under the metric's limit alone: another limit that forbids it binds. */
		return within(&f->archive[i], l) ? &f->archive[i] : NULL;
	}
	return NULL;
}

/* Builds on the subnets of the front around the limit; what comes out is at least as good as the look-up. */
static enum ofa_status polish(const struct ofa_search_problem *p, const struct ofa_front *f,
			      const struct ofa_search_options *opt, const struct ofa_front_point *start,
			      struct ofa_search_result *ret, struct ofa_error *err)
{
	const double max = fmin(opt->limits.max[f->metric], f->max);
	struct ofa_run_goal goal = {
		.limits = opt->limits,
		.bands = bands,
		.n_bands = (int)OFA_ARRAY_LEN(bands),
		.niche_size = NICHE,
		.seed = opt->seed,
		.budget = ofa_search_default_evaluations(p) / POLISH,
	};
	const struct ofa_run_watch watch = {.cancel = opt->cancel, .band = EXACT_BAND};
	struct ofa_search_run *run = NULL;
	struct ofa_elite best;
	enum ofa_status st;
	int n = 0;

	goal.limits.max[f->metric] = max;
	goal.banded[f->metric] = true;
	st = ofa_run_new(p, &goal, &run, err);
	if (st)
		return st;
	for (size_t i = 0; i < f->n_archive && n < STARTERS; i++) {
		if (f->archive[i].value[f->metric] > max * bands[OFA_ARRAY_LEN(bands) - 1])
			continue;
		ofa_run_push(run, &f->archive[i].arch);
		n++;
	}
	ofa_run_score(run);
	st = ofa_run_refine(run, goal.budget, &watch, err);
	if (!st) {
		ret->arch = start->arch;
		ret->predicted_accuracy = start->predicted_accuracy;
		if (ofa_run_best(run, EXACT_BAND, &best) && (double)best.accuracy > start->predicted_accuracy) {
			ret->arch = best.arch;
			ret->predicted_accuracy = (double)best.accuracy;
		}
		ret->evaluations = run->evaluations;
	}
	ofa_run_free(run);
	return st;
}

enum ofa_status ofa_front_answer(const struct ofa_search_problem *p, const struct ofa_front *f,
				 const struct ofa_search_options *opt, struct ofa_search_result *ret,
				 struct ofa_feasible *ret_feasible, struct ofa_error *err)
{
	const double begin = now_seconds();
	const struct ofa_front_point *start;
	enum ofa_status st = ofa_problem_check_limits(p, &opt->limits, err);

	if (ret_feasible)
		*ret_feasible = p->feasible;
	if (st)
		return st;
	start = look_up(p, f, &opt->limits);
	if (!start)
		return ofa_search_run(p, opt, ret, ret_feasible, err);
	st = polish(p, f, opt, start, ret, err);
	if (st)
		return st;
	ret->predicted_accuracy = ofa_predictor_promise(p->predictor, p->precision, ret->predicted_accuracy);
	ofa_search_costs(p, &ret->arch, ret->value);
	ret->warm = true;
	ret->stop = OFA_STOP_FRONT;
	ret->seconds = now_seconds() - begin;
	return OFA_OK;
}
