/* ofa predictor fit: measure sampled subnets on the hold-out, fit the accuracy predictor, judge it on
 * subnets that it did not see, store it with its figures in the network file. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accuracy.h"
#include "commands.h"
#include "network.h"
#include "output.h"
#include "predict/predictor.h"
#include "progress.h"
#include "survey.h"
#include "threads.h"
#include "timing.h"

struct fit_options {
	const char *network, *data, *out, *pairs_out;
	int samples, unseen, images, threads;
	uint64_t seed;
	bool json;
};

/* Progress of the survey on stderr: a line that redraws itself on a terminal, every tenth elsewhere. */
struct survey_progress {
	bool terminal;
	double start_ms;
	int first; /* done when it was first shown: those before cost no time now */
};

static void show_progress(void *ctx, int done, int total)
{
	struct survey_progress *p = ctx;
	char left[CLI_DURATION_MAX];
	double elapsed = (cli_now_ms() - p->start_ms) / 1e3;

	if (p->start_ms == 0) {
		p->start_ms = cli_now_ms();
		p->first = done;
		return;
	}
	if (!p->terminal && done % (total / 10 + 1) != 0 && done != total)
		return;
	cli_duration(elapsed * (total - done) / (done - p->first), left);
	fprintf(stderr, "%sofa: predictor fit: %d of %d subnets measured, %s left   %s", p->terminal ? "\r" : "", done,
	        total, left, p->terminal && done < total ? "" : "\n");
}

/* How well a predictor does on the subnets that it was not fitted on. */
struct judgement {
	double rmse_points; /* root mean square error in percentage points of accuracy */
	double kendall_tau;
};

static enum ofa_status judge(const struct cli_survey *s, const struct ofa_predictor *p, struct judgement *ret,
                             struct ofa_error *err)
{
	float *workspace = malloc(ofa_predictor_workspace(p, s->n_unseen) * sizeof *workspace);
	float *predicted = malloc((size_t)s->n_unseen * sizeof *predicted);
	const float *measured = s->accuracy + s->n_samples;

	if (!workspace || !predicted) {
		free(workspace);
		free(predicted);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory to judge the predictor");
	}
	ofa_predictor_predict(&s->net->space, p, s->archs + s->n_samples, s->n_unseen, workspace, predicted);
	ret->rmse_points = 100 * ofa_rmse(predicted, measured, s->n_unseen);
	ret->kendall_tau = ofa_kendall_tau(predicted, measured, s->n_unseen);
	free(workspace);
	free(predicted);
	return OFA_OK;
}

/* "ofa.predictor": the predictor's own metadata with the figures of its fit, as JSON text. */
static enum ofa_status predictor_metadata(const struct fit_options *o, const struct cli_survey *s,
                                          const struct ofa_predictor *p, const struct judgement *j, json_t **ret,
                                          struct ofa_error *err)
{
	json_t *meta = ofa_predictor_metadata(p);
	json_t *figures = json_pack("{s:i,s:i,s:i,s:I,s:o,s:o}", "samples", s->n_samples, "unseen", s->n_unseen,
	                            "holdout_images", s->images, "seed", (json_int_t)o->seed, "rmse_points",
	                            cli_number(j->rmse_points), "kendall_tau", cli_number(j->kendall_tau));
	char *text = NULL;
	json_t *extra = NULL;

	if (meta && figures && json_object_update(meta, figures) == 0)
		text = json_dumps(meta, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (text)
		extra = json_pack("{s:s}", "ofa.predictor", text);
	json_decref(meta);
	json_decref(figures);
	free(text);
	if (!extra)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the predictor's metadata");
	*ret = extra;
	return OFA_OK;
}

static enum ofa_status save(const struct fit_options *o, const struct cli_survey *s, const struct ofa_predictor *p,
                            const struct judgement *j, struct ofa_error *err)
{
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	struct ofa_supernet_parts parts;
	json_t *extra;
	enum ofa_status st = predictor_metadata(o, s, p, j, &extra, err);

	if (st != OFA_OK)
		return st;
	ofa_supernet_parts(s->net, &parts);
	parts.extra_metadata = extra;
	parts.extra = tensors;
	parts.n_extra = ofa_predictor_tensors(p, tensors);
	st = ofa_supernet_save(o->out, &parts, err);
	json_decref(extra);
	return st;
}

static enum ofa_status report(const struct fit_options *o, const struct cli_survey *s, const struct judgement *j,
                              struct ofa_error *err)
{
	if (o->json)
		return cli_print_json(json_pack("{s:s,s:i,s:i,s:i,s:o,s:o}", "file", o->out, "samples", s->n_samples,
		                                "unseen", s->n_unseen, "holdout_images", s->images, "rmse_points",
		                                cli_number(j->rmse_points), "kendall_tau", cli_number(j->kendall_tau)),
		                      err);
	printf("fitted on %d subnets; on %d others: RMSE %.3f points, Kendall tau %.3f (%d hold-out images)\n",
	       s->n_samples, s->n_unseen, j->rmse_points, j->kendall_tau, s->images);
	printf("wrote %s; `ofa search %s --limit macs=2000000` uses it\n", o->out, o->out);
	return OFA_OK;
}

static enum ofa_status fit_and_save(const struct fit_options *o, const struct cli_survey *s, struct ofa_error *err)
{
	struct ofa_predictor_fit_options options = {.seed = o->seed};
	struct ofa_predictor predictor;
	struct judgement judgement = {0};
	enum ofa_status st = ofa_predictor_fit(&s->net->space, s->archs, s->accuracy, s->n_samples, &options,
	                                       &predictor, err);

	if (st != OFA_OK)
		return st;
	st = judge(s, &predictor, &judgement, err);
	if (st == OFA_OK)
		st = save(o, s, &predictor, &judgement, err);
	ofa_predictor_release(&predictor);
	return st == OFA_OK ? report(o, s, &judgement, err) : st;
}

static enum ofa_status survey_and_fit(const struct fit_options *o, const struct ofa_supernet *net,
                                      const struct ofa_dataset *holdout, struct ofa_error *err)
{
	int images = o->images > 0 && o->images < holdout->n ? o->images : holdout->n;
	unsigned threads = o->threads > 0 ? (unsigned)o->threads : ofa_cpu_count();
	struct survey_progress progress = {.terminal = isatty(STDERR_FILENO)};
	struct cli_survey survey;
	enum ofa_status st;

	if (holdout->c != net->space.input_channels || holdout->classes != net->space.classes)
		return ofa_fail(err, OFA_ERR_MISMATCH, "--data",
		                "%s has %d channels and %d classes; %s takes %d and tells %d", o->data, holdout->c,
		                holdout->classes, o->network, net->space.input_channels, net->space.classes);
	st = cli_survey_init(net, holdout, images, o->samples, o->unseen, o->seed, &survey, err);
	if (st != OFA_OK)
		return st;
	survey.progress = show_progress;
	survey.ctx = &progress;
	st = cli_survey_run(&survey, threads, o->pairs_out, err);
	if (st == OFA_OK)
		st = fit_and_save(o, &survey, err);
	cli_survey_release(&survey);
	return st;
}

static enum ofa_status predictor_fit(const struct fit_options *o, struct ofa_error *err)
{
	struct ofa_dataset holdout = {0};
	struct ofa_supernet *net = NULL;
	enum ofa_status st = cli_open_network(o->network, &net, err);

	if (st == OFA_OK)
		st = cli_load_split(o->data, CLI_SPLIT_HOLDOUT, net->lineage, &holdout, err);
	if (st == OFA_OK)
		st = survey_and_fit(o, net, &holdout, err);
	ofa_dataset_release(&holdout);
	ofa_supernet_free(net);
	return st;
}

int cmd_predictor_fit(int argc, char **argv)
{
	struct fit_options o = {.samples = 1000, .unseen = 200};
	const struct opt options[] = {
		{.name = "data", .kind = OPT_TEXT, .required = true, .value = "DIR", .to.text = &o.data,
		 .help = "the data set that the network was trained on"},
		{.name = "samples", .kind = OPT_INT, .value = "N", .to.integer = &o.samples, .min = 8, .max = 1e6,
		 .help = "subnets to fit on (default 1000)"},
		{.name = "unseen", .kind = OPT_INT, .value = "N", .to.integer = &o.unseen, .min = 2, .max = 1e6,
		 .help = "subnets to judge by (default 200)"},
		{.name = "images", .kind = OPT_INT, .value = "N", .to.integer = &o.images, .min = 1, .max = 1e9,
		 .help = "hold-out images per subnet (default: all)"},
		{.name = "pairs-out", .kind = OPT_TEXT, .value = "FILE.csv", .to.text = &o.pairs_out,
		 .help = "keep the measurements; an interrupted run goes on from it"},
		{.name = "out", .letter = 'o', .kind = OPT_TEXT, .value = "OUT", .to.text = &o.out,
		 .help = "the network file to write (default: NET itself)"},
		{.name = "seed", .kind = OPT_U64, .value = "N", .to.u64 = &o.seed,
		 .help = "of the sampling and the fit (default 0)"},
		CLI_OPT_THREADS(o.threads),
		{.name = "json", .kind = OPT_FLAG, .to.flag = &o.json, .help = "answer a JSON object"},
	};
	const struct opt_spec spec = {
		.command = "predictor fit", .operands = "NET", .n_operands = 1,
		.about = "Measures sampled subnets on the images that training held out, each after batch norm\n"
		         "recalibration, fits the accuracy predictor (a small MLP), tells its error and rank\n"
		         "correlation on subnets that it did not see, and stores it in the network file.\n",
		.examples = "  ofa predictor fit fashion.safetensors --data /usr/share/datasets/fashion-mnist\n"
		            "  ofa predictor fit net.safetensors --data DIR --samples 2000 --pairs-out pairs.csv\n",
		.options = options, .n_options = OFA_ARRAY_LEN(options),
	};
	const char *operand[OPT_MAX_OPERANDS];
	struct ofa_error err = {0};
	int rc;

	if (!opt_parse(&spec, argc, argv, operand, &rc))
		return rc;
	o.network = operand[0];
	if (!o.out)
		o.out = o.network;
	return cli_finish(spec.command, o.json, predictor_fit(&o, &err), &err);
}
