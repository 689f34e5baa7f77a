#include "train/checkpoint.h"
#include "tensor/safetensors.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_KEY "ofa.checkpoint"
#define MAX_NAME 112 /* prefix and parameter name */

/* The groups of tensors and where each lives. */
enum { PARAM, MOMENTUM, TEACHER, N_GROUPS };
static const char *const prefixes[N_GROUPS] = {"param", "momentum", "teacher"};

static float *group_data(const struct ofa_checkpoint *c, int group, int id)
{
	switch (group) {
	case PARAM:
		return c->student->data[id];
	case MOMENTUM:
		return c->student->momentum[id];
	default:
		return c->teacher->data[id];
	}
}

static int groups_of(const struct ofa_position *p)
{
	return p->phase > 0 ? N_GROUPS : TEACHER;
}

static json_t *real_or_null(double v)
{
	return isnan(v) ? json_null() : json_real(v);
}

/* NAN for what is no number, as checkpoints of before have none. */
static double number_or_nan(const json_t *v)
{
	return json_is_number(v) ? json_number_value(v) : NAN;
}

static json_t *format_position(const struct ofa_checkpoint *c)
{
	const struct ofa_position *p = c->position;
	json_t *losses = json_array(), *accuracies = json_array();
	for (int i = 0; i < OFA_MAX_PHASES; i++) {
		json_array_append_new(losses, json_real(p->phase_loss[i]));
		json_array_append_new(accuracies, json_pack("[o, o]", real_or_null(p->accuracy[i].largest),
							    real_or_null(p->accuracy[i].smallest)));
	}
	return json_pack("{s:s, s:i, s:I, s:f, s:f, s:o*, s:o, s:o}", "identity", c->identity[ofa_phases_begun(p)],
			 "phase", p->phase, "step", (json_int_t)p->step, "loss", p->loss, "seconds", p->seconds,
			 "cpu_seconds", isnan(p->cpu_seconds) ? NULL : json_real(p->cpu_seconds), "phase_loss", losses,
			 "accuracy", accuracies);
}

static json_t *make_metadata(const struct ofa_checkpoint *c)
{
	json_t *position = format_position(c);
	char *text = position ? json_dumps(position, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
	json_t *metadata = text ? json_pack("{s:s}", FORMAT_KEY, text) : NULL;
	free(text);
	json_decref(position);
	return metadata;
}

static size_t list_tensors(const struct ofa_checkpoint *c, struct ofa_tensor *list, char (*names)[MAX_NAME])
{
	const struct ofa_params *params = c->student->params;
	size_t n = 0;
	for (int group = 0; group < groups_of(c->position); group++) {
		for (int i = 0; i < params->n; i++) {
			const struct ofa_param *p = &params->list[i];
			const float *data = group_data(c, group, i);
			if (!data)
				continue;
			snprintf(names[n], MAX_NAME, "%s.%s", prefixes[group], p->name);
			list[n] = (struct ofa_tensor){.name = names[n],
						      .dtype = OFA_F32,
						      .rank = p->rank,
						      .data = data,
						      .size = p->elements * sizeof(float)};
			for (int d = 0; d < p->rank; d++)
				list[n].shape[d] = p->shape[d];
			n++;
		}
	}
	return n;
}

enum ofa_status ofa_checkpoint_save(const char *path, const struct ofa_checkpoint *c, struct ofa_error *err)
{
	size_t max = (size_t)c->student->params->n * N_GROUPS;
	struct ofa_tensor *list = malloc(max * sizeof(*list));
	char(*names)[MAX_NAME] = malloc(max * sizeof(*names));
	json_t *metadata = make_metadata(c);
	enum ofa_status status = OFA_OK;
	if (!list || !names || !metadata)
		status = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a checkpoint");
	else
		status = ofa_safetensors_save(path, list, list_tensors(c, list, names), metadata, err);
	json_decref(metadata);
	free(names);
	free(list);
	return status;
}

static enum ofa_status read_position(const json_t *o, struct ofa_position *p, int n_phases, struct ofa_error *err)
{
	json_int_t step = -1;
	json_t *losses = NULL;
	const json_t *accuracies;
	if (json_unpack((json_t *)o, "{s:i, s:I, s:F, s:F, s:o}", "phase", &p->phase, "step", &step, "loss", &p->loss,
			"seconds", &p->seconds, "phase_loss", &losses) ||
	    p->phase < 0 || p->phase > n_phases || step < 0 || json_array_size(losses) != OFA_MAX_PHASES)
		return ofa_fail(err, OFA_ERR_FORMAT, FORMAT_KEY, "is not the position of a run with %d phases",
				n_phases);
	p->step = (uint64_t)step;
	p->cpu_seconds = number_or_nan(json_object_get(o, "cpu_seconds"));
	accuracies = json_object_get(o, "accuracy");
	for (size_t i = 0; i < OFA_MAX_PHASES; i++) {
		const json_t *pair = json_array_get(accuracies, i);
		p->phase_loss[i] = json_number_value(json_array_get(losses, i));
		p->accuracy[i].largest = number_or_nan(json_array_get(pair, 0));
		p->accuracy[i].smallest = number_or_nan(json_array_get(pair, 1));
	}
	return OFA_OK;
}

static enum ofa_status parse_metadata(const struct ofa_safetensors *file, const struct ofa_checkpoint *c, int n_phases,
				      struct ofa_error *err)
{
	const char *text = ofa_safetensors_meta(file, FORMAT_KEY);
	json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *identity = json_string_value(json_object_get(o, "identity"));
	enum ofa_status status;
	if (!identity)
		status = ofa_fail(err, OFA_ERR_FORMAT, FORMAT_KEY,
				  "is missing or malformed: not a checkpoint of `ofa train`");
	else
		status = read_position(o, c->position, n_phases, err);
	if (!status && strcmp(identity, c->identity[ofa_phases_begun(c->position)]))
		status = ofa_fail(
			err, OFA_ERR_MISMATCH, FORMAT_KEY,
			"was written with another recipe, arch or data set (only phases that had not begun may "
			"change); start without --resume");
	json_decref(o);
	return status;
}

static enum ofa_status read_tensor(const struct ofa_safetensors *file, const char *prefix, const struct ofa_param *p,
				   float *to, struct ofa_error *err)
{
	char name[MAX_NAME];
	snprintf(name, sizeof(name), "%s.%s", prefix, p->name);
	const struct ofa_tensor *t = ofa_safetensors_find(file, name);
	if (!t || t->dtype != OFA_F32 || t->size != p->elements * sizeof(float))
		return ofa_fail(err, OFA_ERR_FORMAT, name, "is missing, or not %zu floats", p->elements);
	memcpy(to, t->data, t->size);
	return OFA_OK;
}

enum ofa_status ofa_checkpoint_load(const char *path, const struct ofa_checkpoint *c, int n_phases,
				    struct ofa_error *err)
{
	struct ofa_safetensors file;
	enum ofa_status status = ofa_safetensors_open(path, &file, err);
	if (status)
		return status;
	status = parse_metadata(&file, c, n_phases, err);
	const struct ofa_params *params = c->student->params;
	for (int group = 0; !status && group < groups_of(c->position); group++)
		for (int i = 0; i < params->n && !status; i++)
			if (group_data(c, group, i))
				status = read_tensor(&file, prefixes[group], &params->list[i], group_data(c, group, i),
						     err);
	ofa_safetensors_close(&file);
	if (status)
		ofa_error_prefix(err, "%s", path);
	return status;
}
