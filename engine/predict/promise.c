#include "predict/promise.h"

#include <math.h>
#include <string.h>

#define FOLDS 10

static const char *const names[OFA_PROMISE_MODELS] = {
	[OFA_PROMISE_NONE] = "none",
	[OFA_PROMISE_CONSTANT] = "constant",
	[OFA_PROMISE_LINE] = "line",
};

const char *ofa_promise_model_name(enum ofa_promise_model model)
{
	return names[model];
}

double ofa_promise_apply(const struct ofa_promise *p, double float32)
{
	return p->model == OFA_PROMISE_NONE || isnan(float32) ? (double)NAN
							      : fmin(fmax(p->slope * float32 + p->offset, 0), 1);
}

enum ofa_status ofa_promise_parse(const json_t *json, const char *field, struct ofa_promise *ret, struct ofa_error *err)
{
	const char *name = json_string_value(json_object_get(json, "model"));
	struct ofa_promise p = {
		.slope = json_number_value(json_object_get(json, "slope")),
		.offset = json_number_value(json_object_get(json, "offset")),
	};

	for (int i = OFA_PROMISE_CONSTANT; name && i < OFA_PROMISE_MODELS; i++)
		if (strcmp(name, names[i]) == 0)
			p.model = (enum ofa_promise_model)i;
	if (p.model == OFA_PROMISE_NONE)
		return ofa_fail(err, OFA_ERR_FORMAT, field, "the model is \"%.32s\"; constant and line are known",
				name ? name : "not a string");
	/* what is better must be promised more: the search relies on it */
	if (!(p.slope > 0) || !isfinite(p.slope) || !isfinite(p.offset))
		return ofa_fail(err, OFA_ERR_FORMAT, field,
				"slope %g and offset %g; a slope above 0 and a finite offset are accepted", p.slope,
				p.offset);
	*ret = p;
	return OFA_OK;
}

json_t *ofa_promise_format(const struct ofa_promise *p)
{
	return json_pack("{s:s, s:f, s:f}", "model", names[p->model], "slope", p->slope, "offset", p->offset);
}

/* ---- fitting ---- */

static double drop_of(const struct ofa_promise_sample *s)
{
	return (double)s->float32 - (double)s->measured;
}

/* Is a sample left out of a fit?  fold -1: none is. */
static bool left_out(int i, int fold)
{
	return i % FOLDS == fold;
}

/* Mean drop of a group (-1: of all); that of all when it has no sample. */
static double mean_drop(const struct ofa_promise_sample *s, int n, int fold, int group)
{
	double sum = 0;
	int count = 0;

	for (int i = 0; i < n; i++) {
		if (left_out(i, fold) || (group >= 0 && s[i].group != group))
			continue;
		sum += drop_of(&s[i]);
		count++;
	}
	return count ? sum / count : mean_drop(s, n, fold, -1);
}

/* Least squares of the drop over what is predicted, as slope and offset of the accuracy. */
static struct ofa_promise fit_line(const struct ofa_promise_sample *s, int n, int fold)
{
	double x = 0, y = 0, xx = 0, xy = 0, slope;
	int count = 0;

	for (int i = 0; i < n; i++) {
		if (left_out(i, fold))
			continue;
		x += (double)s[i].predicted;
		y += drop_of(&s[i]);
		count++;
	}
	x /= count;
	y /= count;
	for (int i = 0; i < n; i++) {
		double dx = (double)s[i].predicted - x;

		if (left_out(i, fold))
			continue;
		xx += dx * dx;
		xy += dx * (drop_of(&s[i]) - y);
	}
	slope = xx > 0 ? xy / xx : 0;
	return (struct ofa_promise){.model = OFA_PROMISE_LINE, .slope = 1 - slope, .offset = slope * x - y};
}

static struct ofa_promise fit_model(enum ofa_promise_model model, const struct ofa_promise_sample *s, int n, int fold)
{
	struct ofa_promise p = {.model = model, .slope = 1};

	if (model == OFA_PROMISE_LINE)
		return fit_line(s, n, fold);
	if (model == OFA_PROMISE_CONSTANT)
		p.offset = -mean_drop(s, n, fold, -1);
	return p;
}

/* What a model is off by on one sample: measured drop less the one it tells. */
static double residual(const struct ofa_promise *p, const struct ofa_promise_sample *s)
{
	return drop_of(s) - ((1 - p->slope) * (double)s->predicted - p->offset);
}

static double cross_validate(enum ofa_promise_model model, const struct ofa_promise_sample *s, int n)
{
	double sum = 0;

	for (int fold = 0; fold < FOLDS; fold++) {
		struct ofa_promise p = fit_model(model, s, n, fold);

		for (int i = fold; i < n; i += FOLDS)
			sum += pow(residual(&p, &s[i]), 2);
	}
	return sqrt(sum / n);
}

static double cross_validate_groups(const struct ofa_promise_sample *s, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += pow(drop_of(&s[i]) - mean_drop(s, n, i % FOLDS, s[i].group), 2);
	return sqrt(sum / n);
}

/* By how much, in standard errors, a line's squared errors are below a constant's. */
static double line_gain(const struct ofa_promise_sample *s, int n)
{
	double sum = 0, squares = 0, mean;

	for (int fold = 0; fold < FOLDS; fold++) {
		struct ofa_promise constant = fit_model(OFA_PROMISE_CONSTANT, s, n, fold);
		struct ofa_promise line = fit_model(OFA_PROMISE_LINE, s, n, fold);

		for (int i = fold; i < n; i += FOLDS) {
			double gain = pow(residual(&constant, &s[i]), 2) - pow(residual(&line, &s[i]), 2);

			sum += gain;
			squares += gain * gain;
		}
	}
	mean = sum / n;
	return mean / sqrt(fmax(squares / n - mean * mean, 1e-30) / n);
}

static double accuracy_error(const struct ofa_promise *p, const struct ofa_promise_sample *s, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += pow(ofa_promise_apply(p, (double)s[i].predicted) - (double)s[i].measured, 2);
	return sqrt(sum / n);
}

enum ofa_status ofa_promise_fit(const struct ofa_promise_sample *samples, int n, struct ofa_promise *ret,
				struct ofa_promise_report *ret_report, struct ofa_error *err)
{
	struct ofa_promise_report r = {.samples = n, .largest_drop = -1};
	struct ofa_promise p;

	if (n < OFA_PROMISE_LEAST_SAMPLES)
		return ofa_fail(err, OFA_ERR_INVALID, "samples", "%d subnets; at least %d are needed", n,
				OFA_PROMISE_LEAST_SAMPLES);
	p = fit_model(line_gain(samples, n) > 1 ? OFA_PROMISE_LINE : OFA_PROMISE_CONSTANT, samples, n, -1);
	if (!(p.slope > 0))
		return ofa_fail(err, OFA_ERR_INVALID, "samples",
				"what is predicted for float32 says nothing of the accuracy measured (slope %g)",
				p.slope);
	for (int i = 0; i < n; i++)
		r.largest_drop = fmax(r.largest_drop, drop_of(&samples[i]));
	for (int m = 0; m < OFA_PROMISE_MODELS; m++)
		r.error[m] = cross_validate((enum ofa_promise_model)m, samples, n);
	r.mean_drop = mean_drop(samples, n, -1, -1);
	r.group_error = cross_validate_groups(samples, n);
	r.accuracy_error = accuracy_error(&p, samples, n);
	*ret = p;
	*ret_report = r;
	return OFA_OK;
}
