#include "train/run.h"
#include <math.h>
#include "net/supernet.h"

enum ofa_status ofa_run_checkpoint(struct ofa_run *run, struct ofa_error *err)
{
	struct ofa_checkpoint c = {run->identity, run->student, run->teacher, &run->position};
	enum ofa_status status = ofa_run_check_weights(run, err);
	run->last_checkpoint = ofa_run_clock();
	if (status || !run->opt->checkpoint_path)
		return status;
	run->position.seconds = ofa_run_seconds(run);
	run->position.cpu_seconds = ofa_run_cpu_seconds(run);
	if (ofa_comm_rank(run->comm) == 0)
		status = ofa_checkpoint_save(run->opt->checkpoint_path, &c, err);
	return ofa_comm_agree(run->comm, status, err);
}

/* Steps that a phase was trained for; 0: it has not begun. */
static uint64_t steps_done(const struct ofa_run *run, int phase)
{
	if (phase < run->position.phase)
		return ofa_phase_steps(run->recipe, &run->recipe->phases[phase], run->train->n);
	return phase == run->position.phase && phase < ofa_run_phases(run) ? run->position.step : 0;
}

/* How the network came to be, without anything that differs between two equal runs, but for the cost that is asked
 * for: NAN where it is not. */
static json_t *make_lineage(const struct ofa_run *run, double cpu_seconds)
{
	json_t *phases = json_array();
	json_t *o = json_pack("{s:s, s:o, s:i, s:i, s:i, s:o}", "tool", run->opt->tool ? run->opt->tool : "", "recipe",
			      ofa_recipe_format(run->recipe), "train_images", run->train->n, "holdout_images",
			      run->holdout->n, "threads", (int)ofa_pool_size(run->pool), "phases", phases);
	if (!o)
		return NULL;
	int failed = 0;
	for (int i = 0; i < ofa_run_phases(run); i++) {
		const uint64_t steps = steps_done(run, i);
		if (!steps)
			break;
		failed |= json_array_append_new(
			phases, json_pack("{s:s, s:I, s:f}", "name", run->recipe->phases[i].name, "steps",
					  (json_int_t)steps, "loss",
					  i < run->position.phase ? run->position.phase_loss[i] : run->position.loss));
	}
	if (ofa_comm_size(run->comm) > 1)
		failed |= json_object_set_new(o, "ranks", json_integer(ofa_comm_size(run->comm)));
	if (!isnan(cpu_seconds))
		failed |= json_object_set_new(o, "cost", json_pack("{s:f}", "cpu_seconds", cpu_seconds));
	if (run->opt->only)
		failed |= json_object_set_new(o, "only", ofa_arch_format(&run->recipe->space, run->opt->only));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

/* {"ofa.history"}; {} where nothing was measured. */
static json_t *make_history(const struct ofa_run *run)
{
	const struct ofa_space *s = &run->recipe->space;
	struct ofa_trained t = {.epoch_steps = ofa_epoch_steps(run->recipe, run->train->n),
				.holdout_images = run->holdout->n,
				.image_size = s->resolutions[s->n_resolutions - 1]};
	struct ofa_history history;
	json_t *metadata = json_object();
	while (t.n < ofa_run_phases(run) && steps_done(run, t.n)) {
		t.phases[t.n] = (struct ofa_trained_phase){.name = run->recipe->phases[t.n].name,
							   .steps = steps_done(run, t.n),
							   .accuracy = run->position.accuracy[t.n]};
		t.n++;
	}
	ofa_trained_history(&t, &history);
	if (metadata && history.n_evaluations > 0 &&
	    !ofa_supernet_set_metadata(metadata, "ofa.history", ofa_history_format(&history))) {
		json_decref(metadata);
		return NULL;
	}
	return metadata;
}

static enum ofa_status write_network(const struct ofa_run *run, double cpu_seconds, struct ofa_error *err)
{
	const struct ofa_recipe *r = run->recipe;
	json_t *lineage = make_lineage(run, cpu_seconds), *history = make_history(run);
	if (!lineage || !history) {
		json_decref(lineage);
		json_decref(history);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the lineage");
	}
	const struct ofa_supernet_parts parts = {
		.name = r->name,
		.space = &r->space,
		.params = &run->params,
		.data = (const float *const *)run->student->data,
		.classes = r->n_class_names ? r->class_names : NULL,
		.mean = run->mean,
		.std = run->std,
		.calibration = run->calibration.images,
		.n_calibration = run->calibration.n,
		.calibration_h = run->calibration.h,
		.calibration_w = run->calibration.w,
		.lineage = lineage,
		.license = r->license[0] ? r->license : NULL,
		.extra_metadata = history,
	};
	enum ofa_status status = ofa_supernet_save(run->opt->out_path, &parts, err);
	json_decref(lineage);
	json_decref(history);
	return status;
}

enum ofa_status ofa_run_save_network(struct ofa_run *run, struct ofa_error *err)
{
	double cpu_seconds = ofa_run_cpu_seconds(run);
	enum ofa_status status = ofa_run_check_weights(run, err);
	if (!status && ofa_comm_rank(run->comm) == 0)
		status = write_network(run, run->opt->record_cost ? cpu_seconds : NAN, err);
	return ofa_comm_agree(run->comm, status, err);
}
