#include "train/run.h"
#include "base/sha256.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double ofa_run_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ofa_run_seconds(const struct ofa_run *run)
{
	return run->seconds_before + ofa_run_clock() - run->started;
}

static double cpu_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double ofa_run_cpu_seconds(const struct ofa_run *run)
{
	double spent = cpu_clock() - run->cpu_started;
	ofa_comm_sum_doubles(run->comm, &spent, 1);
	return run->cpu_before + spent;
}

int ofa_run_phases(const struct ofa_run *run)
{
	return run->opt->only ? 1 : run->recipe->n_phases;
}

static enum ofa_status check_data(const struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_space *s = &run->recipe->space;
	const struct ofa_dataset *d = run->train;
	if (run->recipe->batch % ofa_comm_size(run->comm))
		return ofa_fail(err, OFA_ERR_INVALID, "/batch", "%d images cannot be divided evenly among %d ranks",
				run->recipe->batch, ofa_comm_size(run->comm));
	if (d->c != s->input_channels || d->c > 4)
		return ofa_fail(err, OFA_ERR_MISMATCH, "/space/input_channels",
				"%d, but the images have %d (at most 4)", s->input_channels, d->c);
	if (d->classes != s->classes)
		return ofa_fail(err, OFA_ERR_MISMATCH, "/space/classes", "%d, but the labels have %d", s->classes,
				d->classes);
	if (d->n < run->recipe->batch || d->n < run->recipe->calibration_images)
		return ofa_fail(err, OFA_ERR_MISMATCH, "/batch",
				"%d training images do not fill one batch of %d, or the %d calibration images", d->n,
				run->recipe->batch, run->recipe->calibration_images);
	return OFA_OK;
}

/* SHA-256 of what decides the course of a run through its first `begun` phases. */
static enum ofa_status identify(struct ofa_run *run, int begun, struct ofa_error *err)
{
	uint8_t digest[OFA_SHA256_BYTES];
	char arch[2048] = "";
	struct ofa_recipe cut = *run->recipe;
	cut.n_phases = begun;
	json_t *recipe = ofa_recipe_format(&cut);
	if (run->opt->only)
		ofa_arch_snprint(&run->recipe->space, run->opt->only, arch, sizeof(arch));
	json_t *all = recipe ? json_pack("{s:o, s:s, s:i, s:i}", "recipe", recipe, "arch", arch, "images",
					 run->train->n, "side", run->train->h)
			     : NULL;
	char *text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (text) {
		ofa_sha256(text, strlen(text), digest);
		ofa_hex(digest, sizeof(digest), run->identity[begun]);
	}
	enum ofa_status status = text ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the recipe's text");
	free(text);
	json_decref(all);
	return status;
}

/* calibration_images raw images of the training part, drawn by seed. */
static enum ofa_status draw_calibration(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_dataset *d = run->train;
	size_t bytes = (size_t)d->h * (size_t)d->w * (size_t)d->c;
	int n = run->recipe->calibration_images;
	struct ofa_rng rng;
	run->calibration = *d;
	run->calibration.n = n;
	run->calibration.labels = NULL;
	run->calibration.images = malloc((size_t)n * bytes);
	if (!run->calibration.images)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d calibration images", n);
	for (int i = 0; i < d->n; i++)
		run->order[i] = (uint32_t)i;
	ofa_rng_init(&rng, run->recipe->seed);
	ofa_rng_shuffle_u32(&rng, run->order, (uint32_t)d->n);
	for (int i = 0; i < n; i++)
		memcpy(run->calibration.images + (size_t)i * bytes, d->images + run->order[i] * bytes, bytes);
	return OFA_OK;
}

static enum ofa_status allocate(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_space *s = &run->recipe->space;
	size_t batch = (size_t)run->batch, side = s->resolutions[s->n_resolutions - 1];
	size_t logits = batch * (size_t)s->classes;
	run->order = malloc((size_t)run->train->n * sizeof(*run->order));
	run->x = malloc(batch * side * side * (size_t)s->input_channels * sizeof(*run->x));
	run->labels = malloc(batch);
	run->logits = malloc(logits * sizeof(*run->logits));
	run->teacher_logits = malloc(logits * sizeof(*run->teacher_logits));
	run->dlogits = malloc(logits * sizeof(*run->dlogits));
	run->plan = malloc(sizeof(*run->plan));
	if (!run->order || !run->x || !run->labels || !run->logits || !run->teacher_logits || !run->dlogits ||
	    !run->plan)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for batches of %zu images", batch);
	enum ofa_status status = ofa_params_init(s, &run->params, err);
	if (!status)
		status = ofa_train_params_new(s, &run->params, &run->student, err);
	if (!status)
		status = ofa_train_params_new(s, &run->params, &run->teacher, err);
	if (!status)
		status = ofa_trainer_new(s, &run->params, (int)batch, (int)side, run->pool, &run->trainer, err);
	if (!status)
		ofa_trainer_share(run->trainer, run->comm);
	return status;
}

static enum ofa_status load_checkpoint(struct ofa_run *run, struct ofa_error *err)
{
	struct ofa_checkpoint c = {run->identity, run->student, run->teacher, &run->position};
	if (!run->opt->checkpoint_path)
		return ofa_fail(err, OFA_ERR_INVALID, "checkpoint", "resuming needs the checkpoint's file");
	enum ofa_status status = ofa_checkpoint_load(run->opt->checkpoint_path, &c, ofa_run_phases(run), err);
	run->seconds_before = run->position.seconds;
	run->cpu_before = run->position.cpu_seconds;
	return status;
}

/* What depends on nothing but recipe and data. */
static enum ofa_status prepare(struct ofa_run *run, struct ofa_error *err)
{
	enum ofa_status status = check_data(run, err);
	if (!status)
		status = allocate(run, err);
	if (!status)
		status = draw_calibration(run, err);
	for (int begun = 0; begun <= run->recipe->n_phases && !status; begun++)
		status = identify(run, begun, err);
	if (status)
		return status;
	ofa_dataset_statistics(run->train, run->mean, run->std);
	ofa_train_params_init(run->student, run->recipe->seed);
	return OFA_OK;
}

/* Rank 0 alone has the files. */
static enum ofa_status load_beginning(struct ofa_run *run, struct ofa_error *err)
{
	if (ofa_comm_rank(run->comm) > 0)
		return OFA_OK;
	if (run->opt->resume)
		return load_checkpoint(run, err);
	return run->opt->from ? ofa_run_from_network(run, run->opt->from, err) : OFA_OK;
}

enum ofa_status ofa_run_init(struct ofa_run *run, struct ofa_error *err)
{
	run->started = run->last_checkpoint = ofa_run_clock();
	run->cpu_started = cpu_clock();
	run->order_epoch = UINT64_MAX;
	run->position.loss = -1;
	for (int i = 0; i < OFA_MAX_PHASES; i++)
		run->position.accuracy[i] = (struct ofa_phase_accuracy){NAN, NAN};
	const char *log = ofa_comm_rank(run->comm) > 0 ? NULL : run->opt->log_path;
	enum ofa_status status = ofa_comm_agree(run->comm, prepare(run, err), err);
	if (!status)
		status = ofa_run_compare(run, err);
	if (!status)
		status = ofa_run_share(run, load_beginning(run, err), err);
	if (!status)
		status = ofa_comm_agree(run->comm, ofa_train_log_open(&run->log, log, run->opt->resume, err), err);
	return status;
}

void ofa_run_release(struct ofa_run *run)
{
	ofa_train_log_close(&run->log);
	ofa_trainer_free(run->trainer);
	ofa_train_params_free(run->student);
	ofa_train_params_free(run->teacher);
	ofa_params_release(&run->params);
	ofa_dataset_release(&run->calibration);
	free(run->order);
	free(run->x);
	free(run->labels);
	free(run->logits);
	free(run->teacher_logits);
	free(run->dlogits);
	free(run->plan);
}
