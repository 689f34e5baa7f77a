#include "fit_pairs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "import/pairs.h"
#include "output.h"
#include "predict/holdout.h"
#include "predictor_save.h"
#include "progress.h"
#include "timing.h"

#define SILENT_MS 2000 /* shorter fits say nothing before their end */

/* Two fits, one after the other: the first for judgement. */
struct fit_progress {
	bool terminal, drawn;
	double start_ms;
	int before; /* steps of the fit that is done, 0 in the first */
	int steps;  /* of one fit */
};

static void show_step(void *ctx, int step, int steps)
{
	struct fit_progress *p = ctx;
	int done = p->before + step, total = 2 * steps;
	double elapsed = cli_now_ms() - p->start_ms;
	char left[CLI_DURATION_MAX];

	p->steps = steps;
	if (elapsed < SILENT_MS || (!p->terminal && done % (total / 10 + 1) != 0))
		return;
	cli_duration(elapsed / 1e3 * (total - done) / done, left);
	fprintf(stderr, "%sofa: predictor fit: %d of %d steps, %s left   %s", p->terminal ? "\r" : "", done, total,
	        left, p->terminal ? "" : "\n");
	p->drawn = p->terminal;
}

static void show_epoch(void *ctx, int epoch, int epochs, double rmse)
{
	(void)rmse;
	show_step(ctx, epoch, epochs);
}

/* What one run reads, makes and tells. */
struct work {
	const struct cli_fit_pairs *o;
	const struct ofa_supernet *net;
	enum ofa_predictor_kind kind;
	struct ofa_pairs_file file;
	int batch; /* that the predictor speaks for */
	struct ofa_holdout judged;
	struct ofa_pairwise_fit *fit; /* of all pairs; NULL: an MLP */
	struct fit_progress progress;
};

static enum ofa_status choose_batch(struct work *w, struct ofa_error *err)
{
	int count[OFA_PAIRS_MAX_BATCHES] = {0};
	const struct ofa_pairs *p = &w->file.pairs;

	for (int i = 0; i < p->n; i++)
		count[p->batch[i]]++;
	for (int b = 0; b < p->n_batches; b++) {
		if (w->o->batch ? strcmp(w->file.names[b], w->o->batch) == 0 : count[b] > count[w->batch])
			w->batch = b;
	}
	if (w->o->batch && w->kind == OFA_PREDICTOR_MLP)
		return ofa_fail(err, OFA_ERR_INVALID, "--batch", "an MLP knows nothing of batches");
	if (w->o->batch && strcmp(w->file.names[w->batch], w->o->batch) != 0)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "--batch", "%s has no batch '%.40s'; \"%s\" is one of its %d",
		                w->o->pairs, w->o->batch, w->file.names[w->batch], p->n_batches);
	return OFA_OK;
}

static enum ofa_status judge(struct work *w, struct ofa_error *err)
{
	struct ofa_holdout_options opt = {
		.kind = w->kind,
		.share = w->o->set_aside / 100,
		.seed = w->o->seed,
		.pairwise = {.progress = show_step, .ctx = &w->progress},
		.mlp = {.progress = show_epoch, .ctx = &w->progress},
	};
	enum ofa_status st = ofa_holdout_run(&w->net->space, &w->file.pairs, &opt, &w->judged, err);

	w->progress.before = w->progress.steps;
	return st;
}

static enum ofa_status fit_all(struct work *w, struct ofa_predictor *ret, struct ofa_error *err)
{
	const struct ofa_pairs *p = &w->file.pairs;
	struct ofa_pairwise_options pairwise = {.seed = w->o->seed, .progress = show_step, .ctx = &w->progress};
	struct ofa_predictor_fit_options mlp = {.seed = w->o->seed, .progress = show_epoch, .ctx = &w->progress};
	enum ofa_status st;

	if (w->kind == OFA_PREDICTOR_MLP)
		return ofa_predictor_fit(&w->net->space, p->archs, p->accuracy, p->n, &mlp, ret, err);
	st = ofa_pairwise_fit_new(&w->net->space, p, &pairwise, &w->fit, err);
	return st ? st : ofa_pairwise_fit_predictor(w->fit, &w->net->space, w->batch, ret, err);
}

static const struct ofa_holdout_line *overall(const struct work *w)
{
	return &w->judged.lines[w->judged.n_lines - 1];
}

/* The name of the batch that the predictor speaks for, NULL where the file has none. */
static const char *batch_name(const struct work *w)
{
	return w->fit && w->file.has_batches ? w->file.names[w->batch] : NULL;
}

static json_t *figures(const struct work *w)
{
	const struct ofa_holdout_line *all = overall(w);

	return json_pack("{s:i,s:i,s:I,s:o,s:o,s:s*}", "samples", w->file.pairs.n, "unseen", all->n, "seed",
	                 (json_int_t)w->o->seed, "rmse_points", cli_number(100 * all->rmse), "kendall_tau",
	                 cli_number(all->tau), "batch", batch_name(w));
}

static json_t *lines_json(const struct work *w)
{
	json_t *lines = json_array();

	for (int i = 0; i < w->judged.n_lines - 1; i++) {
		const struct ofa_holdout_line *l = &w->judged.lines[i];

		json_array_append_new(lines, json_pack("{s:s,s:o,s:i,s:o,s:o}", "batch", w->file.names[l->batch],
		                                       "resolution",
		                                       l->image_size ? json_integer(l->image_size) : json_null(), "n",
		                                       l->n, "rmse_points", cli_number(100 * l->rmse), "kendall_tau",
		                                       cli_number(l->tau)));
	}
	return lines;
}

static json_t *batches_json(const struct work *w)
{
	json_t *batches = json_array();

	for (int b = 0; w->fit && b < w->file.pairs.n_batches; b++) {
		struct ofa_pairwise_batch batch;

		ofa_pairwise_fit_batch(w->fit, b, &batch);
		json_array_append_new(batches, json_pack("{s:s,s:o,s:o,s:o}", "name", w->file.names[b], "slope",
		                                         cli_number(batch.slope), "noise_points",
		                                         cli_number(100 * batch.noise), "own",
		                                         cli_number(batch.own)));
	}
	return batches;
}

static enum ofa_status report_json(const struct work *w, struct ofa_error *err)
{
	json_t *answer = json_pack("{s:s,s:s,s:o,s:o}", "file", w->o->out, "kind", cli_predictor_kind_name(w->kind),
	                           "batches", batches_json(w), "lines", lines_json(w));
	json_t *more = figures(w);

	if (!more || json_object_update(answer, more) != 0) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(more);
	return cli_print_json(answer, err);
}

static void print_line(const char *batch, int image_size, const struct ofa_holdout_line *l)
{
	char size[16] = "all";

	if (image_size)
		snprintf(size, sizeof size, "%d", image_size);
	printf("%-16s %10s %8d %12.3f %8.3f\n", batch, size, l->n, 100 * l->rmse, l->tau);
}

static enum ofa_status report(const struct work *w, struct ofa_error *err)
{
	const char *batch = batch_name(w);

	if (w->o->json)
		return report_json(w, err);
	printf("%-16s %10s %8s %12s %8s\n", "batch", "resolution", "unseen", "RMSE points", "tau");
	for (int i = 0; i < w->judged.n_lines - 1; i++) {
		const struct ofa_holdout_line *l = &w->judged.lines[i];
		const char *name = w->file.names[l->batch];

		print_line(name[0] ? name : "-", l->image_size, l);
	}
	print_line("all", 0, overall(w));
	for (int b = 0; batch && b < w->file.pairs.n_batches; b++) {
		struct ofa_pairwise_batch about;

		ofa_pairwise_fit_batch(w->fit, b, &about);
		printf("%s: noise %.3f points, slope %.2f, %.1f %% of the variance its own\n", w->file.names[b],
		       100 * about.noise, about.slope, 100 * about.own);
	}
	printf("judged by a fit of %d pairs; then fitted all %d%s%s\n", w->judged.n_fitted, w->file.pairs.n,
	       batch ? ", to predict as if measured with " : "", batch ? batch : "");
	printf("wrote %s; `ofa search %s --limit NAME=VALUE` uses it\n", w->o->out, w->o->out);
	return OFA_OK;
}

enum ofa_status cli_fit_pairs(const struct cli_fit_pairs *o, const struct ofa_supernet *net, struct ofa_error *err)
{
	struct work w = {.o = o, .net = net, .progress = {.terminal = isatty(STDERR_FILENO)}};
	struct ofa_predictor predictor = {0};
	enum ofa_status st = cli_parse_predictor_kind(o->kind, OFA_PREDICTOR_PAIRWISE, &w.kind, err);

	w.progress.start_ms = cli_now_ms();
	if (st == OFA_OK)
		st = ofa_pairs_load(&net->space, o->pairs, &w.file, err);
	if (st == OFA_OK)
		st = choose_batch(&w, err);
	if (st == OFA_OK)
		st = judge(&w, err);
	if (st == OFA_OK)
		st = fit_all(&w, &predictor, err);
	if (w.progress.drawn)
		fputc('\n', stderr);
	if (st == OFA_OK)
		st = cli_save_predictor(net, &predictor, figures(&w), o->out, err);
	if (st == OFA_OK)
		st = report(&w, err);
	ofa_predictor_release(&predictor);
	ofa_pairwise_fit_free(w.fit);
	ofa_holdout_release(&w.judged);
	ofa_pairs_file_release(&w.file);
	return st;
}
