#include <stdlib.h>
#include <string.h>

#include "net/supernet.h"

bool ofa_supernet_set_metadata(json_t *metadata, const char *key, json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
	bool set = text && json_object_set_new(metadata, key, json_string(text)) == 0;

	free(text);
	json_decref(value);
	return set;
}

static json_t *channels_json(const float *x, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++) {
		if (json_array_append_new(list, json_real((double)x[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *classes_json(const char (*classes)[OFA_NET_MAX_CLASS_NAME], int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++) {
		if (json_array_append_new(list, json_string(classes[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* What the parts state themselves wins over the extra metadata. */
static json_t *build_metadata(const struct ofa_supernet_parts *p)
{
	json_t *meta = p->extra_metadata ? json_copy(p->extra_metadata) : json_object();
	int channels = p->space->input_channels, failed = !meta;

	failed |= json_object_set_new(meta, "ofa.format", json_string("1")) < 0;
	failed |= json_object_set_new(meta, "ofa.name", json_string(p->name)) < 0;
	failed |= !ofa_supernet_set_metadata(meta, "ofa.space", ofa_space_format(p->space));
	failed |= !ofa_supernet_set_metadata(meta, "ofa.mean", channels_json(p->mean, channels));
	failed |= !ofa_supernet_set_metadata(meta, "ofa.std", channels_json(p->std, channels));
	if (p->classes)
		failed |= !ofa_supernet_set_metadata(meta, "ofa.classes", classes_json(p->classes, p->space->classes));
	if (p->lineage)
		failed |= !ofa_supernet_set_metadata(meta, "ofa.lineage", json_incref(p->lineage));
	if (p->license)
		failed |= json_object_set_new(meta, "ofa.license", json_string(p->license)) < 0;
	if (failed) {
		json_decref(meta);
		return NULL;
	}
	return meta;
}

static struct ofa_tensor parameter_tensor(const struct ofa_param *q, const float *data)
{
	struct ofa_tensor t = {
		.name = q->name, .dtype = OFA_F32, .rank = q->rank, .data = data, .size = q->elements * sizeof(float)};

	for (int i = 0; i < q->rank; i++)
		t.shape[i] = q->shape[i];
	return t;
}

static struct ofa_tensor calibration_tensor(const struct ofa_supernet_parts *p)
{
	const bool pixels = p->calibration != NULL;
	int c = p->space->input_channels;
	size_t values = (size_t)p->n_calibration * (size_t)p->calibration_h * (size_t)p->calibration_w * (size_t)c;

	return (struct ofa_tensor){
		.name = pixels ? "ofa.calibration.images" : "ofa.calibration.inputs",
		.dtype = pixels ? OFA_U8 : OFA_F32,
		.rank = 4,
		.shape = {p->n_calibration, p->calibration_h, p->calibration_w, c},
		.data = pixels ? (const void *)p->calibration : p->calibration_inputs,
		.size = values * (pixels ? 1 : sizeof(float)),
	};
}

enum ofa_status ofa_supernet_save(const char *path, const struct ofa_supernet_parts *parts, struct ofa_error *err)
{
	size_t n = (size_t)parts->params->n;
	struct ofa_tensor *tensors = calloc(n + parts->n_extra + 1, sizeof(*tensors));
	json_t *meta = build_metadata(parts);
	enum ofa_status st;

	if (!tensors || !meta) {
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL,
			      "cannot build the metadata of %s: out of memory, or a name is not UTF-8", path);
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		tensors[i] = parameter_tensor(&parts->params->list[i], parts->data[i]);
	for (size_t i = 0; i < parts->n_extra; i++)
		tensors[n++] = parts->extra[i];
	/* Bytes come last: everything before stays aligned. */
	if ((parts->calibration || parts->calibration_inputs) && parts->n_calibration > 0)
		tensors[n++] = calibration_tensor(parts);
	st = ofa_safetensors_save(path, tensors, n, meta, err);
out:
	json_decref(meta);
	free(tensors);
	return st;
}

void ofa_supernet_parts(const struct ofa_supernet *net, struct ofa_supernet_parts *ret)
{
	*ret = (struct ofa_supernet_parts){
		.name = net->name,
		.space = &net->space,
		.params = &net->params,
		.data = net->data,
		.classes = (const char(*)[OFA_NET_MAX_CLASS_NAME])net->classes,
		.mean = net->mean,
		.std = net->std,
		.calibration = net->calibration.images,
		.calibration_inputs = net->calibration.inputs,
		.n_calibration = net->calibration.n,
		.calibration_h = net->calibration.h,
		.calibration_w = net->calibration.w,
		.lineage = net->lineage,
		.license = ofa_safetensors_meta(&net->file, "ofa.license"),
		.extra_metadata = net->file.metadata,
		.extra = net->extra,
		.n_extra = net->n_extra,
	};
}
