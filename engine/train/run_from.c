/* Going on from a network file: its weights, and the phases it has behind it. */
#include "train/run.h"
#include <math.h>
#include <string.h>
#include "net/supernet.h"

/* The first n phases of two recipes, and all that holds for every phase, are the same. */
static bool same_beginning(const struct ofa_recipe *a, const struct ofa_recipe *b, int n)
{
	struct ofa_recipe cut_a = *a, cut_b = *b;
	cut_a.n_phases = cut_b.n_phases = n;
	json_t *ja = ofa_recipe_format(&cut_a), *jb = ofa_recipe_format(&cut_b);
	bool same = ja && jb && json_equal(ja, jb);
	json_decref(ja);
	json_decref(jb);
	return same;
}

/* Fills the position from {"recipe","train_images","phases":[{"loss"}..]} of run_save.c. */
static enum ofa_status read_lineage(struct ofa_run *run, const json_t *lineage, struct ofa_error *err)
{
	struct ofa_recipe past;
	const json_t *phases = json_object_get(lineage, "phases");
	int n = (int)json_array_size(phases);
	enum ofa_status status = ofa_recipe_parse(json_object_get(lineage, "recipe"), &past, err);
	if (status)
		return status;
	if (json_object_get(lineage, "only"))
		return ofa_fail(err, OFA_ERR_MISMATCH, "only", "one arch of the network was trained alone");
	if (json_integer_value(json_object_get(lineage, "train_images")) != run->train->n)
		return ofa_fail(err, OFA_ERR_MISMATCH, "train_images", "it saw %lld training images, these are %d",
				(long long)json_integer_value(json_object_get(lineage, "train_images")), run->train->n);
	if (n < 1 || n != past.n_phases || n > run->recipe->n_phases || !same_beginning(&past, run->recipe, n))
		return ofa_fail(err, OFA_ERR_MISMATCH, "recipe",
				"the recipe must begin with the %d phases that the network has behind it, under the "
				"same settings",
				n);
	for (int i = 0; i < n; i++) {
		const json_t *phase = json_array_get(phases, (size_t)i);
		uint64_t steps = ofa_phase_steps(&past, &past.phases[i], run->train->n);
		if (json_integer_value(json_object_get(phase, "steps")) != (json_int_t)steps)
			return ofa_fail(err, OFA_ERR_MISMATCH, "phases", "its phase %s was cut short",
					past.phases[i].name);
		run->position.phase_loss[i] = json_number_value(json_object_get(phase, "loss"));
	}
	const json_t *cpu = json_object_get(json_object_get(lineage, "cost"), "cpu_seconds");
	run->cpu_before = json_is_number(cpu) ? json_number_value(cpu) : NAN;
	run->position.phase = n;
	return OFA_OK;
}

/* What the file tells of the accuracy after its phases. */
static enum ofa_status read_history(struct ofa_run *run, const struct ofa_supernet *net, struct ofa_error *err)
{
	struct ofa_history history;
	enum ofa_status status = ofa_history_load(net, &history, err);
	if (status)
		return status;
	for (size_t i = 0; i < history.n_evaluations; i++) {
		const struct ofa_history_evaluation *e = &history.evaluations[i];
		if (e->phase < run->position.phase)
			run->position.accuracy[e->phase] = (struct ofa_phase_accuracy){e->largest, e->smallest};
	}
	return OFA_OK;
}

enum ofa_status ofa_run_from_network(struct ofa_run *run, const char *path, struct ofa_error *err)
{
	struct ofa_supernet *net = NULL;
	enum ofa_status status = ofa_supernet_load(path, &net, err);
	if (status)
		return status;
	status = read_lineage(run, net->lineage, err);
	if (!status)
		status = read_history(run, net, err);
	for (int i = 0; i < run->params.n && !status; i++) {
		size_t bytes = run->params.list[i].elements * sizeof(float);
		memcpy(run->student->data[i], net->data[i], bytes);
		memcpy(run->teacher->data[i], net->data[i], bytes);
	}
	ofa_supernet_free(net);
	if (status)
		ofa_error_prefix(err, "%s: lineage", path);
	return status;
}
