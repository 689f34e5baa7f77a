#include "search/front.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "search/run.h"

#define NICHE 8
#define PASS 20000         /* evaluations of an anneal; they go one after the other, each towards a limit of its own */
#define ANNEALED_SHARE 0.7

static enum ofa_status check_options(const struct ofa_search_problem *p, const struct ofa_front_options *opt,
				     struct ofa_error *err)
{
	const struct ofa_feasible *f = &p->feasible;
	enum ofa_resource m = opt->metric;

	if ((unsigned)m >= OFA_RESOURCE_COUNT || !f->known[m])
		return ofa_fail(err, OFA_ERR_INVALID, "/metric", "a front over %s needs a profile with a latency table",
				ofa_resource_name(m));
	if (opt->points < 0 || opt->points > OFA_FRONT_MAX_POINTS)
		return ofa_fail(err, OFA_ERR_INVALID, "/points", "%d points; 0 (default) to %d are accepted",
				opt->points, OFA_FRONT_MAX_POINTS);
	if (opt->evaluations < 0 || opt->evaluations > OFA_SEARCH_MAX_EVALUATIONS)
		return ofa_fail(err, OFA_ERR_INVALID, "/evaluations", "%d evaluations; 0 (default) to %d are accepted",
				opt->evaluations, OFA_SEARCH_MAX_EVALUATIONS);
	if (!(opt->min >= 0) || isinf(opt->min) || opt->min > f->max[m])
		return ofa_fail(err, OFA_ERR_INVALID, "/min", "%g; 0 (the least there is) to %.10g are accepted",
				opt->min, f->max[m]);
	if (!(opt->max >= 0) || (opt->max > 0 && (opt->max < f->min[m] || opt->max < opt->min)))
		return ofa_fail(err, OFA_ERR_INVALID, "/max",
				"%g; 0 (the most there is) or %.10g and more are accepted", opt->max,
				 fmax(f->min[m], opt->min));
	return ofa_problem_check_limits(p, &opt->limits, err);
}

/* The limits tried: bands of the run. */
static void set_range(const struct ofa_search_problem *p, const struct ofa_front_options *opt, struct ofa_front *f)
{
	enum ofa_resource m = opt->metric;

	f->metric = m;
	f->limits = opt->limits;
	f->max = opt->max > 0 ? fmin(opt->max, p->feasible.max[m]) : p->feasible.max[m];
	f->max = fmin(f->max, opt->limits.max[m]);
	f->min = fmin(fmax(opt->min, p->feasible.min[m]), f->max);
}

static void set_goal(const struct ofa_front_options *opt, const double *bands, int n, struct ofa_run_goal *goal)
{
	*goal = (struct ofa_run_goal){
		.limits = opt->limits,
		.bands = bands,
		.n_bands = n,
		.niche_size = NICHE,
		.seed = opt->seed,
		.budget = opt->evaluations ? opt->evaluations : OFA_FRONT_DEFAULT_EVALUATIONS,
	};
	goal->limits.max[opt->metric] = 1; /* bands are its values themselves */
	goal->banded[opt->metric] = true;
}

/* An arch for each point and resolution where there is one; false when there is none at all. */
static bool found_seeds(struct ofa_search_run *run, const struct ofa_front_options *opt)
{
	struct ofa_limits limits = opt->limits;
	int n = 0;

	for (int band = 0; band < run->goal.n_bands; band++) {
		limits.max[opt->metric] = run->goal.bands[band];
		for (int r = 0; r < run->p->n_resolutions; r++) {
			struct ofa_arch a;

			if (ofa_problem_seed(run->p, &limits, r, &a))
				ofa_run_push(run, &a);
		}
		n += ofa_run_score(run);
	}
	return n > 0;
}

/* The band for an anneal's limit: these lie evenly on a scale of ratios, for accuracy rises fastest at the low end. */
static int pass_band(const struct ofa_search_run *run, int pass, int passes)
{
	const double *bands = run->goal.bands;
	const int last = run->goal.n_bands - 1;
	double limit = passes > 1 ? bands[0] * pow(bands[last] / bands[0], (double)pass / (passes - 1)) : bands[last];
	int band = 0;

	while (band < last && bands[band] < limit)
		band++;
	return band;
}

static enum ofa_status evolve(struct ofa_search_run *run, const struct ofa_front_options *opt, struct ofa_error *err)
{
	const int last = run->goal.n_bands - 1;
	const int passes = (int)fmax(fmin(round(ANNEALED_SHARE * run->goal.budget / PASS), run->goal.n_bands), 1);
	const struct ofa_run_watch watch = {
		.cancel = opt->cancel,
		.progress = opt->progress,
		.ctx = opt->ctx,
		.band = last,
	};
	enum ofa_status st = OFA_OK;

	for (int i = 0; !st && i < passes; i++) {
		int until = (int)(ANNEALED_SHARE * run->goal.budget * (i + 1) / passes);

		st = ofa_run_anneal(run, pass_band(run, i, passes), until, &watch, err);
	}
	return st ? st : ofa_run_refine(run, run->goal.budget, &watch, err);
}

static int most_accurate_first(const void *x, const void *y)
{
	const struct ofa_front_point *a = x, *b = y;

	if (a->predicted_accuracy != b->predicted_accuracy)
		return a->predicted_accuracy > b->predicted_accuracy ? -1 : 1;
	return memcmp(&a->arch, &b->arch, sizeof(a->arch));
}

/* Every subnet of the population once, scored by the predictor itself. */
static enum ofa_status collect(struct ofa_search_run *run, struct ofa_front *f, struct ofa_error *err)
{
	const struct ofa_search_problem *p = run->p;
	const size_t niches = (size_t)(run->goal.n_bands * p->n_resolutions);
	size_t n = 0, kept = 0;

	f->archive = calloc(niches * NICHE, sizeof(*f->archive));
	f->points = calloc((size_t)run->goal.n_bands, sizeof(*f->points));
	if (!f->archive || !f->points)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; i < niches; i++) {
		for (int j = 0; j < run->niches[i].n; j++) {
			const struct ofa_elite *e = &run->niches[i].at[j];

			f->archive[n].arch = e->arch;
			f->archive[n++].predicted_accuracy = (double)e->accuracy;
		}
	}
	/* Equal archs have equal scores. */
	qsort(f->archive, n, sizeof(*f->archive), most_accurate_first);
	for (size_t i = 0; i < n; i++) {
		struct ofa_front_point *to = &f->archive[kept];
		float accuracy;

		if (i && ofa_arch_equal(&f->archive[i].arch, &run->pending[0]))
			continue;
		run->pending[0] = to->arch = f->archive[i].arch;
		ofa_predictor_predict(p->space, p->predictor, &to->arch, 1, run->exact_scratch, &accuracy);
		to->predicted_accuracy = (double)accuracy;
		ofa_search_costs(p, &to->arch, to->value);
		kept++;
	}
	f->n_archive = kept;
	qsort(f->archive, kept, sizeof(*f->archive), most_accurate_first);
	return OFA_OK;
}

/* The best subnet of each band, where it is better than that of the band before; then as its package promises. */
static void set_points(const struct ofa_search_run *run, struct ofa_front *f)
{
	for (int band = 0; band < run->goal.n_bands; band++) {
		size_t i = 0;

		while (i < f->n_archive && f->archive[i].value[f->metric] > run->goal.bands[band])
			i++;
		if (i < f->n_archive &&
		    (!f->n || f->archive[i].predicted_accuracy > f->points[f->n - 1].predicted_accuracy))
			f->points[f->n++] = f->archive[i];
	}
	for (size_t i = 0; i < f->n; i++) {
		double *accuracy = &f->points[i].predicted_accuracy;

		*accuracy = ofa_predictor_promise(run->p->predictor, run->p->precision, *accuracy);
	}
}

enum ofa_status ofa_front_run(const struct ofa_search_problem *p, const struct ofa_front_options *opt,
			      struct ofa_front *ret, struct ofa_error *err)
{
	int n = opt->points ? opt->points : OFA_FRONT_DEFAULT_POINTS;
	struct ofa_search_run *run = NULL;
	struct ofa_front f = {0};
	struct ofa_run_goal goal;
	double bands[OFA_FRONT_MAX_POINTS];
	enum ofa_status st = check_options(p, opt, err);

	if (st)
		return st;
	set_range(p, opt, &f);
	if (f.min == f.max)
		n = 1;
	for (int i = 0; i < n; i++)
		bands[i] = i == n - 1 ? f.max : f.min + (f.max - f.min) * i / (n - 1);
	set_goal(opt, bands, n, &goal);
	st = ofa_run_new(p, &goal, &run, err);
	if (!st && !found_seeds(run, opt))
		st = ofa_problem_refuse_together(&opt->limits, err);
	if (!st)
		st = evolve(run, opt, err);
	if (!st)
		st = collect(run, &f, err);
	if (!st) {
		set_points(run, &f);
		*ret = f;
		f = (struct ofa_front){0};
	}
	ofa_front_release(&f);
	ofa_run_free(run);
	return st;
}

void ofa_front_release(struct ofa_front *f)
{
	free(f->points);
	free(f->archive);
	memset(f, 0, sizeof(*f));
}

static json_t *number_or_null(double x)
{
	return isfinite(x) ? json_real(x) : json_null();
}

static json_t *format_point(const struct ofa_search_problem *p, const struct ofa_front_point *point)
{
	json_t *json = json_pack("{s:o, s:o}", "arch", ofa_arch_format(p->space, &point->arch), "predicted_accuracy",
				 number_or_null(point->predicted_accuracy));

	for (int r = 0; json && r < OFA_RESOURCE_COUNT; r++) {
		json_t *value = r == OFA_LATENCY_MS ? number_or_null(point->value[r])
						    : json_integer((json_int_t)point->value[r]);

		if (json_object_set_new(json, ofa_resource_name(r), value)) {
			json_decref(json);
			return NULL;
		}
	}
	return json;
}

json_t *ofa_front_format(const struct ofa_search_problem *p, const struct ofa_front *f)
{
	json_t *points = json_array();

	for (size_t i = 0; points && i < f->n; i++) {
		if (json_array_append_new(points, format_point(p, &f->points[i]))) {
			json_decref(points);
			return NULL;
		}
	}
	return points ? json_pack("{s:s, s:o}", "metric", ofa_resource_name(f->metric), "points", points) : NULL;
}
