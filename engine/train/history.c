#include "train/history.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "train/schedule.h"

void ofa_trained_history(const struct ofa_trained *t, struct ofa_history *ret)
{
	uint64_t steps = 0;

	*ret = (struct ofa_history){.n_phases = (size_t)t->n};
	snprintf(ret->measured_on, sizeof(ret->measured_on), "%d images held out of training, %d x %d pixels",
		 t->holdout_images, t->image_size, t->image_size);
	for (int i = 0; i < t->n; i++) {
		const struct ofa_trained_phase *from = &t->phases[i];
		struct ofa_history_phase *to = &ret->phases[i];

		to->begin_epoch = (double)steps / (double)t->epoch_steps;
		to->epochs = (double)from->steps / (double)t->epoch_steps;
		snprintf(to->name, sizeof(to->name), "%s", from->name);
		steps += from->steps;
		if (isnan(from->accuracy.largest))
			continue;
		ret->evaluations[ret->n_evaluations++] =
			(struct ofa_history_evaluation){.epoch = to->begin_epoch + to->epochs,
							.phase = i,
							.largest = from->accuracy.largest,
							.smallest = from->accuracy.smallest};
	}
}

/* ---- from a log ---- */

/* Where in the log: the phase that goes on, and whether it was evaluated. */
struct reading {
	const struct ofa_space *space;
	struct ofa_trained trained;
	int phase;    /* -1: no run has begun */
	bool measured;
	size_t line;
};

static enum ofa_status refuse(const struct reading *r, struct ofa_error *err, enum ofa_status status,
			      const char *what)
{
	char field[32];

	snprintf(field, sizeof(field), "line %zu", r->line);
	return ofa_fail(err, status, field, "%s", what);
}

static enum ofa_status on_begin(struct reading *r, const json_t *line, struct ofa_error *err)
{
	const json_int_t phase = json_integer_value(json_object_get(line, "phase"));

	if (!json_is_integer(json_object_get(line, "phase")) || phase < 0 || phase > r->trained.n)
		return refuse(r, err, OFA_ERR_MISMATCH,
			      "the run begins with a phase that the network was not trained for");
	if (r->phase < 0 && phase > 0)
		return refuse(r, err, OFA_ERR_INVALID,
			      "the run goes on from another one, whose log must come before it in the file");
	r->phase = (int)phase;
	r->measured = false;
	for (int i = r->phase; i < r->trained.n; i++)
		r->trained.phases[i].accuracy = (struct ofa_phase_accuracy){NAN, NAN};
	return OFA_OK;
}

/* Does the line speak of the phase that goes on? */
static bool is_current(const struct reading *r, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "phase"));

	return name && r->phase >= 0 && r->phase < r->trained.n && strcmp(name, r->trained.phases[r->phase].name) == 0;
}

static enum ofa_status on_phase(struct reading *r, const json_t *line, struct ofa_error *err)
{
	const json_t *steps = json_object_get(line, "steps");

	if (r->measured)
		r->phase++;
	r->measured = false;
	if (!is_current(r, line) || !json_is_integer(steps) ||
	    (uint64_t)json_integer_value(steps) != r->trained.phases[r->phase].steps)
		return refuse(r, err, OFA_ERR_MISMATCH,
			      "the network was not trained for this phase, or for other steps");
	return OFA_OK;
}

/* The largest subnet comes first at each image size, then the smallest where there is one. */
static enum ofa_status on_evaluation(struct reading *r, const json_t *line, struct ofa_error *err)
{
	const json_t *accuracy = json_object_get(line, "holdout_accuracy");
	const double v = json_number_value(accuracy);
	struct ofa_phase_accuracy *to;
	struct ofa_arch arch;

	if (!is_current(r, line) || ofa_arch_parse(r->space, json_object_get(line, "arch"), &arch, NULL))
		return refuse(r, err, OFA_ERR_MISMATCH, "the evaluation is of another phase or of another network");
	if (!json_is_number(accuracy) || !(v >= 0 && v <= 1))
		return refuse(r, err, OFA_ERR_INVALID, "holdout_accuracy must be a number from 0 to 1");
	r->measured = true;
	if (arch.image_size != r->trained.image_size)
		return OFA_OK;
	to = &r->trained.phases[r->phase].accuracy;
	if (isnan(to->largest))
		to->largest = v;
	else
		to->smallest = v;
	return OFA_OK;
}

static enum ofa_status read_line(struct reading *r, const char *text, size_t size, struct ofa_error *err)
{
	static const struct {
		const char *event;
		enum ofa_status (*read)(struct reading *r, const json_t *line, struct ofa_error *err);
	} events[] = {
		{"start", on_begin}, {"resume", on_begin}, {"phase", on_phase}, {"evaluation", on_evaluation}};
	json_t *line = size <= OFA_TRAIN_LOG_MAX_LINE ? json_loadb(text, size, 0, NULL) : NULL;
	const char *event = json_string_value(json_object_get(line, "event"));
	enum ofa_status st = OFA_OK;

	if (!event)
		st = refuse(r, err, OFA_ERR_FORMAT,
			    "this is no line of a training log: a JSON object with an \"event\"");
	for (size_t i = 0; event && i < OFA_ARRAY_LEN(events); i++)
		if (strcmp(event, events[i].event) == 0)
			st = events[i].read(r, line, err);
	json_decref(line);
	return st;
}

/* The phases, without accuracies, that the lineage of run_save.c tells; names are borrowed from it. */
static enum ofa_status read_lineage(const struct ofa_supernet *net, struct ofa_trained *ret, struct ofa_error *err)
{
	const json_t *phases = json_object_get(net->lineage, "phases");
	const json_int_t images = json_integer_value(json_object_get(net->lineage, "train_images"));
	const json_int_t holdout = json_integer_value(json_object_get(net->lineage, "holdout_images"));
	const size_t n = json_array_size(phases);
	struct ofa_recipe recipe;

	if (n < 1 || n > OFA_MAX_PHASES || images < 1 || images > INT32_MAX || holdout < 1 || holdout > INT32_MAX ||
	    ofa_recipe_parse(json_object_get(net->lineage, "recipe"), &recipe, NULL) || images < recipe.batch)
		return ofa_fail(err, OFA_ERR_MISMATCH, "lineage",
				"the network does not say that `ofa train` made it, in which phases and from how many "
				"images");
	*ret = (struct ofa_trained){.n = (int)n,
				    .epoch_steps = ofa_epoch_steps(&recipe, (int)images),
				    .holdout_images = (int)holdout,
				    .image_size = net->space.resolutions[net->space.n_resolutions - 1]};
	for (size_t i = 0; i < n; i++) {
		const json_t *phase = json_array_get(phases, i), *steps = json_object_get(phase, "steps");
		const char *name = json_string_value(json_object_get(phase, "name"));

		if (!name || !json_is_integer(steps) || json_integer_value(steps) < 0 ||
		    json_integer_value(steps) > INT32_MAX)
			return ofa_fail(err, OFA_ERR_MISMATCH, "lineage", "its phases have no name and steps");
		ret->phases[i] = (struct ofa_trained_phase){.name = name,
							    .steps = (uint64_t)json_integer_value(steps),
							    .accuracy = {NAN, NAN}};
	}
	return OFA_OK;
}

enum ofa_status ofa_train_log_history(const struct ofa_supernet *net, const char *text, size_t size,
				      struct ofa_history *ret, struct ofa_error *err)
{
	struct reading r = {.space = &net->space, .phase = -1};
	enum ofa_status st = read_lineage(net, &r.trained, err);

	for (size_t at = 0, end; !st && at < size; at = end + 1) {
		const char *newline = memchr(text + at, '\n', size - at);

		end = newline ? (size_t)(newline - text) : size;
		r.line++;
		st = end > at ? read_line(&r, text + at, end - at, err) : OFA_OK;
	}
	if (st)
		return st;
	ofa_trained_history(&r.trained, ret);
	if (ret->n_evaluations == 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, "", "the log has no evaluation of a phase that ended");
	return OFA_OK;
}
