#include "net/supernet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "tensor/resize.h"

#define FORMAT_VERSION "1"
#define CALIBRATION_PIXELS "ofa.calibration.images"
#define CALIBRATION_INPUTS "ofa.calibration.inputs"
#define PREDICTOR_PREFIX "ofa.predictor."
#define MAX_CALIBRATION_IMAGES 65536

static enum ofa_status out_of_memory(struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* The JSON text behind one metadata key. */
static enum ofa_status meta_json(const struct ofa_supernet *net, const char *key, json_t **ret, struct ofa_error *err)
{
	const char *text = ofa_safetensors_meta(&net->file, key);
	json_error_t e;
	json_t *json;

	if (!text)
		return ofa_fail(err, OFA_ERR_FORMAT, key, "metadata \"%s\" is missing", key);
	json = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!json)
		return ofa_fail(err, OFA_ERR_FORMAT, key, "metadata \"%s\" is not JSON: %s", key, e.text);
	*ret = json;
	return OFA_OK;
}

static enum ofa_status load_space(struct ofa_supernet *net, struct ofa_error *err)
{
	const char *version = ofa_safetensors_meta(&net->file, "ofa.format");
	enum ofa_status st;
	json_t *json;

	if (!version)
		return ofa_fail(err, OFA_ERR_FORMAT, "ofa.format",
				"not a network file: metadata \"ofa.format\" is missing");
	if (strcmp(version, FORMAT_VERSION) != 0)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "ofa.format",
				"network format \"%.20s\" is not handled, only \"" FORMAT_VERSION "\" is", version);
	st = meta_json(net, "ofa.space", &json, err);
	if (st != OFA_OK)
		return st;
	st = ofa_space_parse(json, &net->space, err);
	json_decref(json);
	if (st != OFA_OK)
		ofa_error_prefix(err, "metadata \"ofa.space\"");
	return st;
}

static enum ofa_status load_name(struct ofa_supernet *net, struct ofa_error *err)
{
	const char *name = ofa_safetensors_meta(&net->file, "ofa.name");

	if (!name || !*name || strlen(name) >= sizeof(net->name))
		return ofa_fail(err, OFA_ERR_FORMAT, "ofa.name",
				"metadata \"ofa.name\" must be a name of 1 to %zu bytes", sizeof(net->name) - 1);
	memcpy(net->name, name, strlen(name) + 1);
	return OFA_OK;
}

static enum ofa_status load_classes(struct ofa_supernet *net, struct ofa_error *err)
{
	size_t n = (size_t)net->space.classes;
	enum ofa_status st;
	json_t *json;

	if (!ofa_safetensors_meta(&net->file, "ofa.classes"))
		return OFA_OK;
	st = meta_json(net, "ofa.classes", &json, err);
	if (st != OFA_OK)
		return st;
	net->classes = calloc(n, sizeof(*net->classes));
	if (!net->classes)
		st = out_of_memory(err);
	else if (json_array_size(json) != n)
		st = ofa_fail(err, OFA_ERR_FORMAT, "ofa.classes",
			      "metadata \"ofa.classes\" must be a list of %zu names", n);
	for (size_t i = 0; st == OFA_OK && i < n; i++) {
		const char *name = json_string_value(json_array_get(json, i));

		if (!name || strlen(name) >= OFA_NET_MAX_CLASS_NAME)
			st = ofa_fail(err, OFA_ERR_FORMAT, "ofa.classes",
				      "class %zu must be a name of at most %d bytes", i, OFA_NET_MAX_CLASS_NAME - 1);
		else
			memcpy(net->classes[i], name, strlen(name) + 1);
	}
	json_decref(json);
	return st;
}

/* One number per input channel, each in [lo, 100]. */
static enum ofa_status load_channels(struct ofa_supernet *net, const char *key, double lo, float *ret,
				     struct ofa_error *err)
{
	size_t n = (size_t)net->space.input_channels;
	json_t *json;
	enum ofa_status st = meta_json(net, key, &json, err);

	if (st != OFA_OK)
		return st;
	if (json_array_size(json) != n)
		st = ofa_fail(err, OFA_ERR_FORMAT, key, "metadata \"%s\" must be a list of %zu numbers", key, n);
	for (size_t i = 0; st == OFA_OK && i < n; i++) {
		const json_t *v = json_array_get(json, i);

		if (!json_is_number(v) || !(json_number_value(v) >= lo && json_number_value(v) <= 100))
			st = ofa_fail(err, OFA_ERR_FORMAT, key, "metadata \"%s\" must hold numbers from %g to 100", key,
				      lo);
		else
			ret[i] = (float)json_number_value(v);
	}
	json_decref(json);
	return st;
}

static enum ofa_status load_lineage(struct ofa_supernet *net, struct ofa_error *err)
{
	if (!ofa_safetensors_meta(&net->file, "ofa.lineage"))
		return OFA_OK;
	return meta_json(net, "ofa.lineage", &net->lineage, err);
}

static enum ofa_status load_metadata(struct ofa_supernet *net, struct ofa_error *err)
{
	enum ofa_status st = load_name(net, err);

	if (st == OFA_OK)
		st = load_classes(net, err);
	if (st == OFA_OK)
		st = load_channels(net, "ofa.mean", -100, net->mean, err);
	if (st == OFA_OK)
		st = load_channels(net, "ofa.std", 1e-6, net->std, err);
	return st == OFA_OK ? load_lineage(net, err) : st;
}

/* What a bare state dict does not say: the name of its file, pixels as they are. */
static void assume_metadata(struct ofa_supernet *net)
{
	const char *base = strrchr(net->path, '/'), *dot;

	base = base ? base + 1 : net->path;
	dot = strrchr(base, '.');
	snprintf(net->name, sizeof(net->name), "%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
	for (size_t i = 0; i < OFA_ARRAY_LEN(net->std); i++)
		net->std[i] = 1.0f;
}

static enum ofa_status check_shape(const struct ofa_param *p, const struct ofa_tensor *t, struct ofa_error *err)
{
	bool same = t->dtype == OFA_F32 && t->rank == p->rank;
	char want[64];
	int n = 0;

	for (int i = 0; same && i < p->rank; i++)
		same = t->shape[i] == p->shape[i];
	if (same)
		return OFA_OK;
	for (int i = 0; i < p->rank; i++)
		n += snprintf(want + n, sizeof(want) - (size_t)n, "%s%d", i ? ", " : "", p->shape[i]);
	return ofa_fail(err, OFA_ERR_MISMATCH, p->name,
			"tensor \"%s\" is %s of %lld elements, the space needs F32 of shape [%s]", p->name,
			ofa_dtype_name(t->dtype), (long long)ofa_tensor_elements(t), want);
}

/* One bad weight would turn every answer of the network into NaN, far from its cause. */
static enum ofa_status check_values(const struct ofa_param *p, const float *x, struct ofa_error *err)
{
	float lowest = p->role == OFA_PARAM_BN_VAR ? 0.0f : -INFINITY;

	for (size_t i = 0; i < p->elements; i++)
		if (!isfinite(x[i]) || x[i] < lowest)
			return ofa_fail(err, OFA_ERR_FORMAT, p->name, "tensor \"%s\" has the value %g at %zu", p->name,
					(double)x[i], i);
	return OFA_OK;
}

static enum ofa_status bind_parameters(struct ofa_supernet *net, struct ofa_error *err)
{
	const float **data = calloc((size_t)net->params.n, sizeof(*data));

	if (!data)
		return out_of_memory(err);
	net->data = data;
	for (int i = 0; i < net->params.n; i++) {
		const struct ofa_param *p = &net->params.list[i];
		const struct ofa_tensor *t = ofa_safetensors_find(&net->file, p->name);
		enum ofa_status st;

		if (!t)
			return ofa_fail(err, OFA_ERR_MISMATCH, p->name, "tensor \"%s\" is missing", p->name);
		st = check_shape(p, t, err);
		if (st == OFA_OK)
			st = check_values(p, t->data, err);
		if (st != OFA_OK)
			return st;
		data[i] = t->data;
	}
	return OFA_OK;
}

static enum ofa_status bind_calibration(struct ofa_supernet *net, const struct ofa_tensor *t, struct ofa_error *err)
{
	const bool pixels = strcmp(t->name, CALIBRATION_PIXELS) == 0;
	const int64_t *n = t->shape;

	if (net->calibration.n)
		return ofa_fail(err, OFA_ERR_FORMAT, t->name,
				"calibration images are there twice, as pixels and as inputs");
	if (t->dtype != (pixels ? OFA_U8 : OFA_F32) || t->rank != 4 || n[0] < 1 || n[0] > MAX_CALIBRATION_IMAGES ||
	    n[1] < 1 || n[1] > OFA_RESIZE_MAX_IN || n[2] < 1 || n[2] > OFA_RESIZE_MAX_IN ||
	    n[3] != net->space.input_channels)
		return ofa_fail(err, OFA_ERR_FORMAT, t->name,
				"tensor \"%s\" must be %s of shape [N, H, W, %d], N to %d, H and W to %d", t->name,
				pixels ? "U8" : "F32", net->space.input_channels, MAX_CALIBRATION_IMAGES,
				OFA_RESIZE_MAX_IN);
	for (int64_t i = 0; !pixels && i < ofa_tensor_elements(t); i++)
		if (!isfinite(((const float *)t->data)[i]))
			return ofa_fail(err, OFA_ERR_FORMAT, t->name, "tensor \"%s\" has a value that is not finite",
					t->name);
	if (pixels)
		net->calibration.images = t->data;
	else
		net->calibration.inputs = t->data;
	net->calibration.n = (int)n[0];
	net->calibration.h = (int)n[1];
	net->calibration.w = (int)n[2];
	net->calibration.c = (int)n[3];
	return OFA_OK;
}

static enum ofa_status bind_others(struct ofa_supernet *net, struct ofa_error *err)
{
	net->extra = calloc(net->file.n_tensors + 1, sizeof(*net->extra));
	if (!net->extra)
		return out_of_memory(err);
	for (size_t i = 0; i < net->file.n_tensors; i++) {
		const struct ofa_tensor *t = &net->file.tensors[i];

		if (starts_with(t->name, PREDICTOR_PREFIX)) {
			net->extra[net->n_extra++] = *t;
		} else if (strcmp(t->name, CALIBRATION_PIXELS) == 0 || strcmp(t->name, CALIBRATION_INPUTS) == 0) {
			enum ofa_status st = bind_calibration(net, t, err);

			if (st != OFA_OK)
				return st;
		} else if (!ends_with(t->name, "num_batches_tracked") && ofa_params_find(&net->params, t->name) < 0) {
			return ofa_fail(err, OFA_ERR_MISMATCH, t->name,
					"tensor \"%.100s\" does not belong to the space \"%s\"", t->name,
					net->space.name);
		}
	}
	return OFA_OK;
}

static enum ofa_status load_tensors(struct ofa_supernet *net, struct ofa_error *err)
{
	enum ofa_status st = ofa_params_init(&net->space, &net->params, err);

	if (st == OFA_OK)
		st = bind_parameters(net, err);
	if (st == OFA_OK)
		st = bind_others(net, err);
	if (st == OFA_OK)
		ofa_sha256(net->file.map.data, net->file.map.size, net->sha256);
	return st;
}

static enum ofa_status load_content(struct ofa_supernet *net, const struct ofa_space *space, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	if (space)
		net->space = *space;
	else
		st = load_space(net, err);
	if (st == OFA_OK && space)
		assume_metadata(net);
	else if (st == OFA_OK)
		st = load_metadata(net, err);
	return st == OFA_OK ? load_tensors(net, err) : st;
}

static enum ofa_status load(const char *path, const struct ofa_space *space, struct ofa_supernet **ret_net,
			    struct ofa_error *err)
{
	struct ofa_supernet *net = calloc(1, sizeof(*net));
	enum ofa_status st;

	if (!net)
		return out_of_memory(err);
	net->path = strdup(path);
	if (!net->path) {
		free(net);
		return out_of_memory(err);
	}
	st = ofa_safetensors_open(path, &net->file, err);
	if (st == OFA_OK) {
		st = load_content(net, space, err);
		if (st != OFA_OK)
			ofa_error_prefix(err, "%s", path);
	}
	if (st != OFA_OK) {
		ofa_supernet_free(net);
		return st;
	}
	*ret_net = net;
	return OFA_OK;
}

enum ofa_status ofa_supernet_load(const char *path, struct ofa_supernet **ret_net, struct ofa_error *err)
{
	return load(path, NULL, ret_net, err);
}

enum ofa_status ofa_supernet_load_as(const char *path, const struct ofa_space *space, struct ofa_supernet **ret_net,
				     struct ofa_error *err)
{
	return load(path, space, ret_net, err);
}

void ofa_supernet_free(struct ofa_supernet *net)
{
	if (!net)
		return;
	ofa_params_release(&net->params);
	free((void *)(uintptr_t)net->data);
	free(net->classes);
	free(net->extra);
	json_decref(net->lineage);
	ofa_safetensors_close(&net->file);
	free(net->path);
	free(net);
}

void ofa_supernet_calibration_input(const struct ofa_supernet *net, int first, int n, int r, float *x)
{
	int h = net->calibration.h, w = net->calibration.w, c = net->calibration.c;
	size_t at = (size_t)first * (size_t)h * (size_t)w * (size_t)c;

	if (net->calibration.inputs)
		ofa_resize_floats(net->calibration.inputs + at, n, h, w, c, r, x);
	else
		ofa_resize_normalise(net->calibration.images + at, n, h, w, c, r, net->mean, net->std, x);
}
