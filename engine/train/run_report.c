#include "train/run.h"
#include <math.h>
#include "train/evaluate.h"

#define LOG_EVERY_STEPS 50

static const struct ofa_phase *current(const struct ofa_run *run)
{
	return &run->recipe->phases[run->position.phase];
}

static json_t *channel_values(const float *v, int n)
{
	json_t *a = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(a, json_real(v[i]));
	return a;
}

enum ofa_status ofa_run_log_start(struct ofa_run *run, struct ofa_error *err)
{
	return ofa_train_log_line(
		&run->log,
		json_pack("{s:s, s:f, s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:i, s:I}", "event",
			  run->opt->resume ? "resume" : "start", "seconds", ofa_run_seconds(run), "recipe",
			  run->recipe->name, "seed", (json_int_t)run->recipe->seed, "train_images", run->train->n,
			  "holdout_images", run->holdout->n, "threads", (int)ofa_pool_size(run->pool), "ranks",
			  ofa_comm_size(run->comm), "batch", run->recipe->batch, "mean",
			  channel_values(run->mean, run->train->c), "std", channel_values(run->std, run->train->c),
			  "phase", run->position.phase, "step", (json_int_t)run->position.step),
		err);
}

enum ofa_status ofa_run_log_phase(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_phase *p = current(run);
	uint64_t steps = ofa_phase_steps(run->recipe, p, run->train->n);
	return ofa_train_log_line(&run->log,
				  json_pack("{s:s, s:f, s:s, s:I, s:i, s:I, s:f, s:f, s:i}", "event", "phase",
					    "seconds", ofa_run_seconds(run), "phase", p->name, "steps",
					    (json_int_t)steps, "subnets", p->subnets, "archs",
					    (json_int_t)(steps * (uint64_t)p->subnets), "lr", (double)p->lr, "kd",
					    (double)p->kd, "sort", p->sort),
				  err);
}

enum ofa_status ofa_run_log_step(struct ofa_run *run, int image_size, double loss, float lr, struct ofa_error *err)
{
	const struct ofa_position *at = &run->position;
	uint64_t epoch_steps = ofa_epoch_steps(run->recipe, run->train->n);
	enum ofa_status status = OFA_OK;
	if (at->step % LOG_EVERY_STEPS == 0)
		status = ofa_train_log_line(
			&run->log,
			json_pack("{s:s, s:f, s:s, s:I, s:I, s:i, s:f, s:f, s:f, s:f}", "event", "step", "seconds",
				  ofa_run_seconds(run), "phase", current(run)->name, "step", (json_int_t)at->step,
				  "epoch", (json_int_t)(at->step / epoch_steps), "image_size", image_size, "loss", loss,
				  "mean_loss", at->loss, "lr", (double)lr, "images_per_second", run->images_per_second),
			err);
	if (!status && at->step % epoch_steps == 0)
		status = ofa_train_log_line(&run->log,
					    json_pack("{s:s, s:f, s:s, s:I, s:f}", "event", "epoch", "seconds",
						      ofa_run_seconds(run), "phase", current(run)->name, "epoch",
						      (json_int_t)(at->step / epoch_steps), "mean_loss", at->loss),
					    err);
	return status;
}

enum ofa_status ofa_run_log_end(struct ofa_run *run, struct ofa_error *err)
{
	return ofa_train_log_line(&run->log,
				  json_pack("{s:s, s:f, s:s}", "event", "end", "seconds", ofa_run_seconds(run),
					    "network", run->opt->out_path),
				  err);
}

static enum ofa_status evaluate_one(struct ofa_run *run, const struct ofa_arch *arch, double *ret_accuracy,
				    struct ofa_error *err)
{
	const struct ofa_evaluation e = {
		.params = run->student, .calibration = &run->calibration, .data = run->holdout, .mean = run->mean,
		.std = run->std, .pool = run->pool, .comm = run->comm,
	};
	double accuracy;
	enum ofa_status status = ofa_evaluate_arch(&e, arch, &accuracy, err);
	if (status)
		return status;
	*ret_accuracy = accuracy;
	status = ofa_train_log_line(&run->log,
				    json_pack("{s:s, s:f, s:s, s:o, s:f}", "event", "evaluation", "seconds",
					      ofa_run_seconds(run), "phase", current(run)->name, "arch",
					      ofa_arch_format(&run->recipe->space, arch), "holdout_accuracy", accuracy),
				    err);
	return ofa_comm_agree(run->comm, status, err);
}

enum ofa_status ofa_run_evaluate(struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_space *s = &run->recipe->space;
	const int sizes[] = {s->resolutions[s->n_resolutions - 1], s->resolutions[0]};
	enum ofa_status status = OFA_OK;
	double alone;
	if (run->opt->only)
		return evaluate_one(run, run->opt->only, &alone, err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(sizes) && !status; i++) {
		struct ofa_phase_accuracy accuracy = {NAN, NAN};
		struct ofa_arch largest, smallest;
		ofa_opened_largest(s, &run->opened, sizes[i], &largest);
		ofa_opened_smallest(s, &run->opened, sizes[i], &smallest);
		status = evaluate_one(run, &largest, &accuracy.largest, err);
		if (!status && !ofa_arch_equal(&largest, &smallest))
			status = evaluate_one(run, &smallest, &accuracy.smallest, err);
		if (i == 0)
			run->position.accuracy[run->position.phase] = accuracy;
	}
	return status;
}

/* Forward passes' worth of one step, a backward pass counting as two; random subnets count as half the
 * largest, which is near enough for an estimate. */
static double step_cost(const struct ofa_phase *p)
{
	bool elastic = p->n_kernels || p->n_expands || p->n_depths;
	return 3.0 * p->subnets * (elastic ? 0.5 : 1) + (p->kd > 0 ? 1 : 0);
}

void ofa_run_progress(const struct ofa_run *run, double lr)
{
	const struct ofa_recipe *r = run->recipe;
	struct ofa_train_progress p = {.phase = current(run)->name,
				       .phase_index = run->position.phase,
				       .n_phases = ofa_run_phases(run),
				       .step = run->position.step,
				       .loss = run->position.loss,
				       .lr = lr,
				       .images_per_second = run->images_per_second};
	double left = 0, here = step_cost(current(run));
	if (!run->opt->progress)
		return;
	for (int i = 0; i < p.n_phases; i++) {
		uint64_t steps = ofa_phase_steps(r, &r->phases[i], run->train->n);
		uint64_t done = i < p.phase_index ? steps : i == p.phase_index ? p.step : 0;
		p.total_steps += steps;
		p.total_step += done;
		if (i == p.phase_index)
			p.steps = steps;
		left += (double)(steps - done) * step_cost(&r->phases[i]) / here;
	}
	p.eta_seconds = p.images_per_second > 0 ? left * r->batch / p.images_per_second : 0;
	run->opt->progress(run->opt->ctx, &p);
}
