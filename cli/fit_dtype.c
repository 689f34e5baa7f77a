#include "fit_dtype.h"

#include <stdio.h>
#include <stdlib.h>

#include "output.h"
#include "predict/predictor.h"
#include "predictor_save.h"

/* The subnets whose image size the predictor knows, each with what it says of them and what was measured. */
static enum ofa_status gather(const struct cli_survey *s, const struct ofa_predictor *p,
                              struct ofa_promise_sample *samples, int *ret_n, struct ofa_error *err)
{
	float *workspace = malloc(ofa_predictor_workspace(p, 1) * sizeof *workspace);
	int n = 0;

	if (!workspace)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the predictor");
	for (int i = 0; i < s->n_samples; i++) {
		const struct ofa_arch *a = &s->archs[i];
		struct ofa_promise_sample one = {
			.float32 = s->plain[i], .measured = s->accuracy[i], .group = a->image_size};

		if (!ofa_predictor_has_resolution(p, a->image_size))
			continue;
		ofa_predictor_predict(&s->net->space, p, a, 1, workspace, &one.predicted);
		samples[n++] = one;
	}
	free(workspace);
	*ret_n = n;
	return OFA_OK;
}

/* What goes into the file beside the promise, and into the answer. */
static json_t *figures(const struct cli_fit_dtype *o, const struct cli_survey *s, const struct ofa_promise_report *r)
{
	return json_pack("{s:i,s:i,s:I,s:o,s:o,s:{s:o,s:o,s:o,s:o},s:o}", "samples", r->samples, "holdout_images",
	                 s->images, "seed", (json_int_t)o->seed, "mean_drop_points", cli_number(100 * r->mean_drop),
	                 "largest_drop_points", cli_number(100 * r->largest_drop), "error_points", "none",
	                 cli_number(100 * r->error[OFA_PROMISE_NONE]), "constant",
	                 cli_number(100 * r->error[OFA_PROMISE_CONSTANT]), "line",
	                 cli_number(100 * r->error[OFA_PROMISE_LINE]), "by_image_size",
	                 cli_number(100 * r->group_error), "accuracy_error_points",
	                 cli_number(100 * r->accuracy_error));
}

static enum ofa_status report(const struct cli_fit_dtype *o, const struct cli_survey *s, const struct ofa_promise *p,
                              const struct ofa_promise_report *r, struct ofa_error *err)
{
	const char *dtype = ofa_precision_name(o->precision);

	if (o->json) {
		json_t *answer = json_pack("{s:s,s:s,s:o}", "file", o->out, "dtype", dtype, "promise",
		                           ofa_promise_format(p));

		if (answer && json_object_update_new(answer, figures(o, s, r)) != 0) {
			json_decref(answer);
			answer = NULL;
		}
		return cli_print_json(answer, err);
	}
	printf("%s against float32, %d subnets, %d hold-out images: %.3f points less on average, %.3f at most\n", dtype,
	       r->samples, s->images, 100 * r->mean_drop, 100 * r->largest_drop);
	printf("drop told with an error of %.3f points by a constant, %.3f by a line, %.3f by image size, %.3f by "
	       "nothing (cross-validated)\n",
	       100 * r->error[OFA_PROMISE_CONSTANT], 100 * r->error[OFA_PROMISE_LINE], 100 * r->group_error,
	       100 * r->error[OFA_PROMISE_NONE]);
	printf("promise: %.5f x float32 %+.5f (%s), %.3f points off the measured accuracy\n", p->slope, p->offset,
	       ofa_promise_model_name(p->model), 100 * r->accuracy_error);
	printf("wrote %s; `ofa search %s --dtype %s --limit macs=2000000` uses it\n", o->out, o->out, dtype);
	return OFA_OK;
}

static enum ofa_status fit(const struct cli_fit_dtype *o, const struct cli_survey *s, const struct ofa_predictor *p,
                           struct ofa_error *err)
{
	struct ofa_promise_sample *samples = calloc((size_t)s->n_samples, sizeof *samples);
	struct ofa_promise_report r;
	struct ofa_promise promise;
	int n = 0;
	enum ofa_status st = samples ? gather(s, p, samples, &n, err)
	                             : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %d samples", s->n_samples);

	if (st == OFA_OK)
		st = ofa_promise_fit(samples, n, &promise, &r, err);
	free(samples);
	if (st == OFA_OK)
		st = cli_save_promise(s->net, o->precision, &promise, figures(o, s, &r), o->out, err);
	return st == OFA_OK ? report(o, s, &promise, &r, err) : st;
}

enum ofa_status cli_fit_dtype(const struct cli_fit_dtype *o, const struct cli_survey *s, struct ofa_error *err)
{
	struct ofa_predictor predictor;
	enum ofa_status st = ofa_predictor_load(s->net, &predictor, err);

	if (st != OFA_OK)
		return st;
	st = fit(o, s, &predictor, err);
	ofa_predictor_release(&predictor);
	return st;
}
