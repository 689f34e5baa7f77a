#include "train/run.h"
#include <math.h>
#include "net/supernet.h"

enum ofa_status ofa_run_checkpoint(struct ofa_run *run, struct ofa_error *err)
{
	struct ofa_checkpoint c = {run->identity, run->student, run->teacher, &run->position};
	run->last_checkpoint = ofa_run_clock();
	if (!run->opt->checkpoint_path)
		return OFA_OK;
	run->position.seconds = ofa_run_seconds(run);
	run->position.cpu_seconds = ofa_run_cpu_seconds(run);
	return ofa_checkpoint_save(run->opt->checkpoint_path, &c, err);
}

/* How the network came to be, without anything that differs between two equal runs, but for the cost that is asked
 * for. */
static json_t *make_lineage(const struct ofa_run *run)
{
	json_t *phases = json_array();
	json_t *o = json_pack("{s:s, s:o, s:i, s:i, s:i, s:o}", "tool", run->opt->tool ? run->opt->tool : "", "recipe",
			      ofa_recipe_format(run->recipe), "train_images", run->train->n, "holdout_images",
			      run->holdout->n, "threads", (int)ofa_pool_size(run->pool), "phases", phases);
	if (!o)
		return NULL;
	int failed = 0;
	for (int i = 0; i < ofa_run_phases(run); i++) {
		const struct ofa_phase *p = &run->recipe->phases[i];
		if (i > run->position.phase || (i == run->position.phase && !run->position.step))
			break;
		bool ended = i < run->position.phase;
		uint64_t steps = ended ? ofa_phase_steps(run->recipe, p, run->train->n) : run->position.step;
		failed |= json_array_append_new(
			phases, json_pack("{s:s, s:I, s:f}", "name", p->name, "steps", (json_int_t)steps, "loss",
					  ended ? run->position.phase_loss[i] : run->position.loss));
	}
	double cpu = run->opt->record_cost ? ofa_run_cpu_seconds(run) : NAN;
	if (!isnan(cpu))
		failed |= json_object_set_new(o, "cost", json_pack("{s:f}", "cpu_seconds", cpu));
	if (run->opt->only)
		failed |= json_object_set_new(o, "only", ofa_arch_format(&run->recipe->space, run->opt->only));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

enum ofa_status ofa_run_save_network(const struct ofa_run *run, struct ofa_error *err)
{
	const struct ofa_recipe *r = run->recipe;
	json_t *lineage = make_lineage(run);
	if (!lineage)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the lineage");
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
	};
	enum ofa_status status = ofa_supernet_save(run->opt->out_path, &parts, err);
	json_decref(lineage);
	return status;
}
