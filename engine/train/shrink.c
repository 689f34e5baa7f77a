#include "train/run.h"
#include <math.h>
#include <string.h>

#define LOSS_KEEP 0.98  /* of the running mean of the loss, per step */
#define SPEED_KEEP 0.95 /* of the running mean of the speed, per step */

static const struct ofa_phase *current(const struct ofa_run *run)
{
	return &run->recipe->phases[run->position.phase];
}

/* The images of one step, prepared by all threads. */
struct batch_job {
	struct ofa_run *run;
	const uint32_t *index;
	uint64_t epoch;
	int resolution;
};

static void prepare_part(void *ctx, unsigned thread, unsigned threads)
{
	const struct batch_job *job = ctx;
	const struct ofa_run *run = job->run;
	size_t begin, end, r = (size_t)job->resolution;
	ofa_pool_part((size_t)run->batch, thread, threads, &begin, &end);
	ofa_dataset_batch(run->train, job->index + begin, (int)(end - begin), job->resolution, run->mean, run->std,
			  current(run)->own_augment ? &current(run)->augment : &run->recipe->augment,
			  ofa_augment_seed(run->recipe), ofa_epoch_key(run->position.phase, job->epoch),
			  run->x + begin * r * r * (size_t)run->train->c, run->labels + begin);
}

static void prepare_batch(struct ofa_run *run, int resolution)
{
	uint64_t per_epoch = ofa_epoch_steps(run->recipe, run->train->n);
	uint64_t epoch = run->position.step / per_epoch, at = run->position.step % per_epoch;
	if (run->order_epoch != epoch)
		ofa_epoch_order(run->recipe, run->position.phase, epoch, run->order, (uint32_t)run->train->n);
	run->order_epoch = epoch;
	uint64_t first = at * (uint64_t)run->recipe->batch + (uint64_t)(ofa_comm_rank(run->comm) * run->batch);
	struct batch_job job = {run, run->order + first, epoch, resolution};
	ofa_pool_run(run->pool, prepare_part, &job);
}

/* The full network's opinion of the batch, with the batch's own statistics (spec 4.7). */
static const float *teach(struct ofa_run *run, int resolution)
{
	struct ofa_arch largest;
	if (!(current(run)->kd > 0) || current(run)->in_place)
		return NULL;
	ofa_arch_largest(&run->recipe->space, &largest);
	largest.image_size = (uint16_t)resolution;
	ofa_plan_init(&run->recipe->space, &run->params, &largest, run->plan);
	ofa_trainer_forward(run->trainer, run->teacher, run->plan, run->x, run->batch, false, run->teacher_logits);
	return run->teacher_logits;
}

/* Adds one subnet's gradient and leaves its logits; returns its loss, of this rank's images. */
static double train_subnet(struct ofa_run *run, const struct ofa_arch *arch, const float *teacher, float *logits)
{
	const struct ofa_recipe *r = run->recipe;
	ofa_plan_init(&r->space, &run->params, arch, run->plan);
	ofa_trainer_forward(run->trainer, run->student, run->plan, run->x, run->batch, true, logits);
	double loss = ofa_distillation_loss(logits, run->labels, teacher, run->batch, r->space.classes,
					    r->label_smoothing, current(run)->kd, run->dlogits);
	ofa_trainer_backward(run->trainer, run->student, run->dlogits);
	return loss;
}

/* The archs of the current step; returns how many. */
static int choose(const struct ofa_run *run, int *ret_resolution, struct ofa_arch archs[OFA_MAX_STEP_SUBNETS])
{
	const struct ofa_position *at = &run->position;
	if (run->opt->only) {
		archs[0] = *run->opt->only;
		*ret_resolution = archs[0].image_size;
		return 1;
	}
	*ret_resolution = ofa_step_resolution(run->recipe, at->phase, at->step);
	ofa_step_archs(run->recipe, at->phase, &run->opened, at->step, *ret_resolution, archs);
	return current(run)->subnets;
}

static enum ofa_status train_step(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_recipe *r = run->recipe;
	struct ofa_position *at = &run->position;
	struct ofa_arch archs[OFA_MAX_STEP_SUBNETS];
	double began = ofa_run_clock(), loss = 0;
	float lr = ofa_phase_lr(r, current(run), run->train->n, at->step);
	int resolution, n = choose(run, &resolution, archs);
	prepare_batch(run, resolution);
	ofa_train_zero_grad(run->student);
	const float *teacher = teach(run, resolution);
	for (int i = 0; i < n; i++) {
		bool teaches = current(run)->in_place && i == 0;
		loss += train_subnet(run, &archs[i], teacher, teaches ? run->teacher_logits : run->logits) / n;
		if (teaches)
			teacher = run->teacher_logits;
	}
	ofa_comm_sum_doubles(run->comm, &loss, 1);
	loss /= ofa_comm_size(run->comm);
	if (!isfinite(loss))
		return ofa_fail(err, OFA_ERR_INVALID, "/phases/lr",
				"the loss is not finite at step %llu of phase %s (learning rate %g): lower its lr or "
				"lengthen its warm-up",
				(unsigned long long)at->step, current(run)->name, (double)lr);
	ofa_train_average_gradients(run->student, run->comm);
	ofa_train_sgd(run->student, lr, r->momentum, r->weight_decay, run->pool);
	at->step++;
	run->steps_done++;
	at->loss = at->loss < 0 ? loss : LOSS_KEEP * at->loss + (1 - LOSS_KEEP) * loss;
	double speed = r->batch / (ofa_run_clock() - began);
	run->images_per_second =
		run->images_per_second > 0 ? SPEED_KEEP * run->images_per_second + (1 - SPEED_KEEP) * speed : speed;
	ofa_run_progress(run, lr);
	return ofa_run_log_step(run, resolution, loss, lr, err);
}

/* Before the first step: sort the channels, forget the momentum as a fresh optimiser would. */
static enum ofa_status begin_phase(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_phase *p = current(run);
	const struct ofa_phase *before = run->position.phase ? p - 1 : NULL;
	enum ofa_status status = OFA_OK;
	run->position.loss = -1;
	if (p->sort == 1)
		status = ofa_train_sort_channels(run->student, 0, NULL, err);
	else if (p->sort == 2) /* the widths trained so far stay prefixes */
		status = ofa_train_sort_channels(run->student, before ? before->n_expands : 0,
						 before ? before->expands : NULL, err);
	for (int i = 0; i < run->params.n; i++)
		if (run->student->momentum[i])
			memset(run->student->momentum[i], 0, run->params.list[i].elements * sizeof(float));
	return status ? status : ofa_run_log_phase(run, err);
}

static enum ofa_status end_phase(struct ofa_run *run, struct ofa_error *err)
{
	struct ofa_position *at = &run->position;
	enum ofa_status status = ofa_run_evaluate(run, err);
	if (status)
		return status;
	if (!at->phase)
		for (int i = 0; i < run->params.n; i++)
			memcpy(run->teacher->data[i], run->student->data[i],
			       run->params.list[i].elements * sizeof(float));
	at->phase_loss[at->phase] = at->loss;
	at->phase++;
	at->step = 0;
	run->order_epoch = UINT64_MAX;
	run->images_per_second = 0;
	return ofa_run_checkpoint(run, err);
}

/* Whether this run shall end before the schedule does. */
static bool exhausted(const struct ofa_run *run)
{
	return run->opt->max_steps && run->steps_done >= run->opt->max_steps;
}

static enum ofa_status run_phase(struct ofa_run *run, struct ofa_error *err)
{
	uint64_t steps = ofa_phase_steps(run->recipe, current(run), run->train->n);
	enum ofa_status status = OFA_OK;
	ofa_phase_open(&run->recipe->space, current(run), &run->opened);
	while (!status && run->position.step < steps) {
		ofa_run_meet(run);
		if (run->cancelled) {
			status = ofa_run_checkpoint(run, err);
			return status ? status : ofa_fail(err, OFA_ERR_CANCELLED, NULL, "stopped on request");
		}
		if (exhausted(run))
			return OFA_OK;
		if (run->checkpoint_due)
			status = ofa_run_checkpoint(run, err);
		if (!status && !run->position.step)
			status = ofa_comm_agree(run->comm, begin_phase(run, err), err);
		if (!status)
			status = ofa_comm_agree(run->comm, train_step(run, err), err);
	}
	return status ? status : end_phase(run, err);
}

static enum ofa_status run_all(struct ofa_run *run, struct ofa_error *err)
{
	enum ofa_status status = ofa_comm_agree(run->comm, ofa_run_log_start(run, err), err);
	while (!status && run->position.phase < ofa_run_phases(run) && !exhausted(run))
		status = run_phase(run, err);
	if (!status && exhausted(run))
		status = ofa_run_checkpoint(run, err);
	if (!status)
		status = ofa_run_save_network(run, err);
	return status ? status : ofa_comm_agree(run->comm, ofa_run_log_end(run, err), err);
}

enum ofa_status ofa_train_run(const struct ofa_recipe *recipe, const struct ofa_dataset *train,
			      const struct ofa_dataset *holdout, struct ofa_pool *pool,
			      const struct ofa_train_options *opt, struct ofa_error *err)
{
	struct ofa_run run = {.recipe = recipe, .train = train, .holdout = holdout, .pool = pool, .opt = opt,
			      .comm = opt->comm, .batch = recipe->batch / ofa_comm_size(opt->comm)};
	enum ofa_status status = ofa_run_init(&run, err);
	if (!status)
		status = run_all(&run, err);
	ofa_run_release(&run);
	return status;
}
