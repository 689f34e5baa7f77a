#include "train/run.h"
#include "base/sha256.h"
#include <stdio.h>
#include <string.h>

/* What decides the course of a run, beside its images. */
static enum ofa_status compare_settings(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_train_options *opt = run->opt;
	const char *build = opt->build ? opt->build : "", *recipe = run->identity[ofa_run_phases(run)];
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s, %llu steps, checkpoints %d", recipe,
			 (unsigned long long)opt->max_steps, opt->checkpoint_path != NULL);
	enum ofa_status status = ofa_comm_compare(run->comm, build, strlen(build), "program", err);
	enum ofa_status of_recipe = ofa_comm_compare(run->comm, text, (size_t)n, "recipe or options", err);
	return status ? status : of_recipe;
}

static enum ofa_status compare_images(struct ofa_run *run, const struct ofa_dataset *d, const char *what,
				      struct ofa_error *err)
{
	size_t n = (size_t)d->n;
	enum ofa_status images =
		ofa_comm_compare(run->comm, d->images, n * (size_t)d->h * (size_t)d->w * (size_t)d->c, what, err);
	enum ofa_status labels = ofa_comm_compare(run->comm, d->labels, n, what, err);
	return images ? images : labels;
}

enum ofa_status ofa_run_compare(struct ofa_run *run, struct ofa_error *err)
{
	/* All ranks take part in every comparison, whatever came before. */
	enum ofa_status settings = compare_settings(run, err);
	enum ofa_status train = compare_images(run, run->train, "training images", err);
	enum ofa_status holdout = compare_images(run, run->holdout, "held out images", err);
	return ofa_comm_agree(run->comm, settings ? settings : train ? train : holdout, err);
}

static void broadcast_weights(struct ofa_run *run, struct ofa_train_params *w)
{
	ofa_comm_broadcast(run->comm, w->storage, w->storage_floats * sizeof(float));
}

enum ofa_status ofa_run_share(struct ofa_run *run, enum ofa_status status, struct ofa_error *err)
{
	status = ofa_comm_agree(run->comm, status, err);
	if (status)
		return status;
	/* As bytes, since all ranks run one build. */
	ofa_comm_broadcast(run->comm, &run->position, sizeof(run->position));
	ofa_comm_broadcast(run->comm, &run->seconds_before, sizeof(run->seconds_before));
	ofa_comm_broadcast(run->comm, &run->cpu_before, sizeof(run->cpu_before));
	broadcast_weights(run, run->student);
	broadcast_weights(run, run->teacher);
	return OFA_OK;
}

void ofa_run_meet(struct ofa_run *run)
{
	const struct ofa_train_options *opt = run->opt;
	double since = ofa_run_clock() - run->last_checkpoint;
	bool due = opt->checkpoint_seconds > 0 && since >= opt->checkpoint_seconds;
	double votes[] = {opt->stop && atomic_load(opt->stop), due && ofa_comm_rank(run->comm) == 0};
	ofa_comm_sum_doubles(run->comm, votes, OFA_ARRAY_LEN(votes));
	run->cancelled = votes[0] > 0;
	run->checkpoint_due = votes[1] > 0;
}

enum ofa_status ofa_run_check_weights(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_train_params *w = run->student;
	enum ofa_status status =
		ofa_comm_compare(run->comm, w->storage, w->storage_floats * sizeof(float), "weights", err);
	if (status)
		ofa_error_prefix(err, "after step %llu of phase %d, the ranks do not compute alike",
				 (unsigned long long)run->position.step, run->position.phase + 1);
	return ofa_comm_agree(run->comm, status, err);
}
