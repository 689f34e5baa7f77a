/* ofa predictor fit: measure sampled subnets on the hold-out, or read what others measured; fit the accuracy predictor,
 * judge it on subnets that it did not see, store it with its figures in the network file. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accuracy.h"
#include "commands.h"
#include "fit_dtype.h"
#include "fit_pairs.h"
#include "network.h"
#include "output.h"
#include "predict/pairwise_fit.h"
#include "predictor_save.h"
#include "progress.h"
#include "survey.h"
#include "threads.h"
#include "timing.h"

#define DEFAULT_SAMPLES 1000
#define DEFAULT_UNSEEN 200

struct fit_options {
	const char *network, *data, *pairs, *out, *pairs_out, *kind, *batch, *dtype;
	enum ofa_precision precision; /* float32: the predictor itself is fitted, else what this type promises */
	double set_aside;
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

/* What goes into the file beside the predictor. */
static json_t *figures(const struct fit_options *o, const struct cli_survey *s, const struct judgement *j)
{
	return json_pack("{s:i,s:i,s:i,s:I,s:o,s:o}", "samples", s->n_samples, "unseen", s->n_unseen, "holdout_images",
	                 s->images, "seed", (json_int_t)o->seed, "rmse_points", cli_number(j->rmse_points),
	                 "kendall_tau", cli_number(j->kendall_tau));
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

static enum ofa_status fit_pairwise(const struct fit_options *o, const struct cli_survey *s, struct ofa_predictor *ret,
                                    struct ofa_error *err)
{
	struct ofa_pairs pairs = {s->n_samples, s->archs, s->accuracy, NULL, 1};
	struct ofa_pairwise_options options = {.seed = o->seed};
	struct ofa_pairwise_fit *fit;
	enum ofa_status st = ofa_pairwise_fit_new(&s->net->space, &pairs, &options, &fit, err);

	if (st != OFA_OK)
		return st;
	st = ofa_pairwise_fit_predictor(fit, &s->net->space, 0, ret, err);
	ofa_pairwise_fit_free(fit);
	return st;
}

static enum ofa_status fit(const struct fit_options *o, const struct cli_survey *s, struct ofa_predictor *ret,
                           struct ofa_error *err)
{
	struct ofa_predictor_fit_options options = {.seed = o->seed};
	enum ofa_predictor_kind kind;
	enum ofa_status st = cli_parse_predictor_kind(o->kind, OFA_PREDICTOR_MLP, &kind, err);

	if (st != OFA_OK)
		return st;
	if (kind == OFA_PREDICTOR_PAIRWISE)
		return fit_pairwise(o, s, ret, err);
	return ofa_predictor_fit(&s->net->space, s->archs, s->accuracy, s->n_samples, &options, ret, err);
}

static enum ofa_status fit_and_save(const struct fit_options *o, const struct cli_survey *s, struct ofa_error *err)
{
	struct ofa_predictor predictor;
	struct judgement judgement = {0};
	enum ofa_status st = fit(o, s, &predictor, err);

	if (st != OFA_OK)
		return st;
	st = judge(s, &predictor, &judgement, err);
	if (st == OFA_OK)
		st = cli_save_predictor(s->net, &predictor, figures(o, s, &judgement), o->out, err);
	ofa_predictor_release(&predictor);
	return st == OFA_OK ? report(o, s, &judgement, err) : st;
}

/* How many subnets to fit on and to judge by; what a type promises is judged by cross-validation. */
static void choose_samples(const struct fit_options *o, int *ret_samples, int *ret_unseen)
{
	const bool promise = o->precision != OFA_FLOAT32;

	*ret_samples = o->samples ? o->samples : promise ? CLI_DTYPE_SAMPLES : DEFAULT_SAMPLES;
	*ret_unseen = promise ? 0 : o->unseen ? o->unseen : DEFAULT_UNSEEN;
}

static enum ofa_status fit_surveyed(const struct fit_options *o, const struct cli_survey *s, struct ofa_error *err)
{
	const struct cli_fit_dtype promise = {
		.precision = o->precision, .out = o->out, .seed = o->seed, .json = o->json};

	return o->precision == OFA_FLOAT32 ? fit_and_save(o, s, err) : cli_fit_dtype(&promise, s, err);
}

static enum ofa_status survey_and_fit(const struct fit_options *o, const struct ofa_supernet *net,
                                      const struct ofa_dataset *holdout, struct ofa_error *err)
{
	int images = o->images > 0 && o->images < holdout->n ? o->images : holdout->n;
	unsigned threads = o->threads > 0 ? (unsigned)o->threads : ofa_cpu_count();
	struct survey_progress progress = {.terminal = isatty(STDERR_FILENO)};
	struct cli_survey survey;
	int samples, unseen;
	enum ofa_status st;

	if (holdout->c != net->space.input_channels || holdout->classes != net->space.classes)
		return ofa_fail(err, OFA_ERR_MISMATCH, "--data",
		                "%s has %d channels and %d classes; %s takes %d and tells %d", o->data, holdout->c,
		                holdout->classes, o->network, net->space.input_channels, net->space.classes);
	choose_samples(o, &samples, &unseen);
	st = cli_survey_init(net, holdout, images, o->precision, samples, unseen, o->seed, &survey, err);
	if (st != OFA_OK)
		return st;
	survey.progress = show_progress;
	survey.ctx = &progress;
	st = cli_survey_run(&survey, threads, o->pairs_out, err);
	if (st == OFA_OK)
		st = fit_surveyed(o, &survey, err);
	cli_survey_release(&survey);
	return st;
}

/* Is there one that promises can be made from? */
static enum ofa_status check_predictor(const struct ofa_supernet *net, struct ofa_error *err)
{
	struct ofa_predictor predictor;
	enum ofa_status st = ofa_predictor_load(net, &predictor, err);

	if (st == OFA_OK)
		ofa_predictor_release(&predictor);
	return st;
}

static enum ofa_status fit_measured(const struct fit_options *o, const struct ofa_supernet *net, struct ofa_error *err)
{
	struct ofa_dataset holdout = {0};
	enum ofa_predictor_kind kind; /* a mistake in it is told before the measuring, not after */
	enum ofa_status st = cli_parse_predictor_kind(o->kind, OFA_PREDICTOR_MLP, &kind, err);

	if (st == OFA_OK && o->precision != OFA_FLOAT32)
		st = check_predictor(net, err);
	if (st == OFA_OK)
		st = cli_load_split(o->data, CLI_SPLIT_HOLDOUT, net->lineage, &holdout, err);
	if (st == OFA_OK)
		st = survey_and_fit(o, net, &holdout, err);
	ofa_dataset_release(&holdout);
	return st;
}

static enum ofa_status fit_given(const struct fit_options *o, const struct ofa_supernet *net, struct ofa_error *err)
{
	const struct cli_fit_pairs given = {
		.pairs = o->pairs,
		.out = o->out,
		.batch = o->batch,
		.kind = o->kind,
		.set_aside = o->set_aside,
		.seed = o->seed,
		.json = o->json,
	};

	return cli_fit_pairs(&given, net, err);
}

static enum ofa_status parse_dtype(struct fit_options *o, struct ofa_error *err)
{
	if (!o->dtype)
		return OFA_OK;
	if (!ofa_precision_find(o->dtype, &o->precision) || o->precision == OFA_FLOAT32)
		return ofa_fail(err, OFA_ERR_INVALID, "--dtype",
		                "'%.32s'; float16 and int8 are accepted, as the predictor itself is of float32",
		                o->dtype);
	if (o->pairs || o->kind || o->unseen)
		return ofa_fail(err, OFA_ERR_INVALID, "--dtype",
		                "takes no --pairs, --kind or --unseen: it is measured beside the network's predictor");
	return OFA_OK;
}

/* --data and --pairs exclude each other, and each has options of its own. */
static enum ofa_status check_source(const struct fit_options *o, struct ofa_error *err)
{
	if (!o->data == !o->pairs)
		return ofa_fail(err, OFA_ERR_INVALID, "--data", "either --data DIR or --pairs FILE.csv is needed");
	if (o->pairs && (o->samples || o->unseen || o->images || o->pairs_out || o->threads))
		return ofa_fail(err, OFA_ERR_INVALID, "--pairs",
		                "measured pairs take no --samples, --unseen, --images, --pairs-out or --threads");
	if (o->data && o->batch)
		return ofa_fail(err, OFA_ERR_INVALID, "--batch", "is for --pairs");
	return OFA_OK;
}

static enum ofa_status predictor_fit(struct fit_options *o, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	enum ofa_status st = parse_dtype(o, err);

	if (st == OFA_OK)
		st = check_source(o, err);

	if (st == OFA_OK)
		st = cli_open_network(o->network, &net, err);
	if (st == OFA_OK)
		st = o->pairs ? fit_given(o, net, err) : fit_measured(o, net, err);
	ofa_supernet_free(net);
	return st;
}

int cmd_predictor_fit(int argc, char **argv)
{
	struct fit_options o = {.set_aside = 20};
	const struct opt options[] = {
		{.name = "data", .kind = OPT_TEXT, .value = "DIR", .to.text = &o.data,
		 .help = "measure on the data set that the network was trained on"},
		{.name = "pairs", .kind = OPT_TEXT, .value = "FILE.csv", .to.text = &o.pairs,
		 .help = "or fit what was measured: columns r, d, ks, e, top1_pct and maybe batch"},
		{.name = "kind", .kind = OPT_TEXT, .value = "KIND", .to.text = &o.kind,
		 .help = "mlp (default with --data) or pairwise (default with --pairs)"},
		{.name = "batch", .kind = OPT_TEXT, .value = "NAME", .to.text = &o.batch,
		 .help = "the batch to predict for (default: the one of most pairs)"},
		{.name = "dtype", .kind = OPT_TEXT, .value = "TYPE", .to.text = &o.dtype,
		 .help = "fit what float16 or int8 packages lose against the predictor"},
		{.name = "set-aside", .kind = OPT_NUMBER, .value = "PERCENT", .to.number = &o.set_aside, .min = 1,
		 .max = 90, .help = "of --pairs, to judge by, arch by arch (default 20)"},
		{.name = "samples", .kind = OPT_INT, .value = "N", .to.integer = &o.samples, .min = 8, .max = 1e6,
		 .help = "subnets to fit on (default 1000; with --dtype 200)"},
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
		         "recalibration, or reads what was measured (--pairs); fits the accuracy predictor, tells\n"
		         "its error and rank correlation on subnets that it did not see, and stores it in the\n"
		         "network file.  Pairs of one batch share an offset and a slope.  With --dtype it measures\n"
		         "subnets in float32 and in that type, and stores what packages of the type promise.\n",
		.examples = "  ofa predictor fit fashion.safetensors --data /usr/share/datasets/fashion-mnist\n"
		            "  ofa predictor fit net.safetensors --data DIR --samples 2000 --pairs-out pairs.csv\n"
		            "  ofa predictor fit net.safetensors --pairs measured.csv -o fitted.safetensors\n"
		            "  ofa predictor fit net.safetensors --data DIR --dtype int8\n",
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
