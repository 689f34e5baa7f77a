#include "import/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static const char *shape_of(const struct ofa_param *p, char out[OFA_IMPORT_SHAPE_MAX])
{
	struct ofa_tensor t = {.rank = p->rank};

	for (int i = 0; i < p->rank; i++)
		t.shape[i] = p->shape[i];
	return ofa_import_shape(&t, out);
}

static bool same_shape(const struct ofa_param *p, const struct ofa_tensor *t)
{
	bool same = t->rank == p->rank;

	for (int i = 0; same && i < p->rank; i++)
		same = t->shape[i] == p->shape[i];
	return same;
}

static enum ofa_status check_tensor(const struct ofa_import *im, const struct ofa_param *p,
				    const struct ofa_import_name *found, struct ofa_error *err)
{
	char want[OFA_IMPORT_SHAPE_MAX], got[OFA_IMPORT_SHAPE_MAX];

	shape_of(p, want);
	if (!found)
		return ofa_fail(err, OFA_ERR_MISMATCH, p->name,
				"tensor \"%s\" of shape %s is missing, which %s of these widths has", p->name, want,
				im->found.family);
	if (!same_shape(p, found->tensor))
		return ofa_fail(err, OFA_ERR_MISMATCH, found->tensor->name,
				"tensor \"%s\" has shape %s; %s of these widths has %s there", found->tensor->name,
				ofa_import_shape(found->tensor, got), im->found.family, want);
	switch (found->tensor->dtype) {
	case OFA_F32:
	case OFA_F64:
	case OFA_F16:
	case OFA_BF16:
		return OFA_OK;
	default:
		return ofa_fail(err, OFA_ERR_MISMATCH, found->tensor->name,
				"tensor \"%s\" holds %s; F32, F64, F16 and BF16 are accepted", found->tensor->name,
				ofa_dtype_name(found->tensor->dtype));
	}
}

/* Far from here one bad weight would turn every answer into NaN. */
static enum ofa_status check_values(const struct ofa_param *p, const float *x, struct ofa_error *err)
{
	float lowest = p->role == OFA_PARAM_BN_VAR ? 0.0f : -INFINITY;

	for (size_t i = 0; i < p->elements; i++)
		if (!isfinite(x[i]) || x[i] < lowest)
			return ofa_fail(err, OFA_ERR_FORMAT, p->name,
					"tensor \"%s\" has the value %g at %zu; weights are finite, variances not "
					"negative",
					p->name, (double)x[i], i);
	return OFA_OK;
}

/* Matches every parameter, and counts the elements that need another type. */
static enum ofa_status match(struct ofa_import *im, const struct ofa_import_names *names, size_t *ret_elements,
			     struct ofa_error *err)
{
	size_t elements = 0;

	for (int id = 0; id < im->params.n; id++) {
		const struct ofa_param *p = &im->params.list[id];
		struct ofa_import_name *found = ofa_import_names_find(names, p->name);
		enum ofa_status st = check_tensor(im, p, found, err);

		if (st != OFA_OK)
			return st;
		found->used = true;
		if (found->tensor->dtype != OFA_F32) {
			elements += p->elements;
			im->n_converted++;
		}
	}
	for (size_t i = 0; i < names->n; i++)
		if (!names->list[i].used)
			return ofa_fail(err, OFA_ERR_MISMATCH, names->list[i].tensor->name,
					"tensor \"%.150s\" belongs to no layer of %s with these widths",
					names->list[i].tensor->name, im->found.family);
	*ret_elements = elements;
	return OFA_OK;
}

static enum ofa_status bind(struct ofa_import *im, const struct ofa_import_names *names, size_t elements,
			    struct ofa_error *err)
{
	float *at;

	im->data = calloc((size_t)im->params.n, sizeof(*im->data));
	im->converted = at = malloc((elements ? elements : 1) * sizeof(*at));
	if (!im->data || !at)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int id = 0; id < im->params.n; id++) {
		const struct ofa_param *p = &im->params.list[id];
		const struct ofa_tensor *t = ofa_import_names_find(names, p->name)->tensor;
		enum ofa_status st;

		im->data[id] = t->data;
		if (t->dtype != OFA_F32 && ofa_import_floats(t, at)) {
			im->data[id] = at;
			at += p->elements;
		}
		st = check_values(p, im->data[id], err);
		if (st != OFA_OK)
			return st;
	}
	return OFA_OK;
}

static enum ofa_status write_lineage(struct ofa_import *im, const char *path, const char *tool, struct ofa_error *err)
{
	const char *base = strrchr(path, '/');
	char hex[2 * OFA_SHA256_BYTES + 1];
	uint8_t digest[OFA_SHA256_BYTES];

	ofa_sha256(im->checkpoint.map.data, im->checkpoint.map.size, digest);
	ofa_hex(digest, sizeof(digest), hex);
	im->lineage = json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "tool", tool, "import", "file", base ? base + 1 : path,
				"sha256", hex, "format", ofa_checkpoint_format_name(im->checkpoint.format), "container",
				im->checkpoint.container);
	return im->lineage ? OFA_OK
			   : ofa_fail(err, OFA_ERR_INVALID, path, "the file's name cannot be kept: it is not UTF-8");
}

static enum ofa_status read_network(struct ofa_import *im, const char *path, const char *tool, struct ofa_error *err)
{
	struct ofa_import_names names = {0};
	size_t elements = 0;
	enum ofa_status st = ofa_import_names_init(im->checkpoint.tensors, im->checkpoint.n_tensors, &names, err);

	if (st == OFA_OK)
		st = ofa_import_infer(&names, &im->found, err);
	if (st == OFA_OK)
		st = ofa_params_init(&im->found.space, &im->params, err);
	if (st == OFA_OK)
		st = match(im, &names, &elements, err);
	if (st == OFA_OK)
		st = bind(im, &names, elements, err);
	im->n_ignored = names.n_ignored;
	ofa_import_names_release(&names);
	if (st == OFA_OK)
		st = write_lineage(im, path, tool, err);
	else
		ofa_error_prefix(err, "%s", path);
	return st;
}

enum ofa_status ofa_import_open(const char *path, const char *tool, struct ofa_import *ret, struct ofa_error *err)
{
	struct ofa_import im = {0};
	enum ofa_status st = ofa_checkpoint_open(path, &im.checkpoint, err);

	if (st == OFA_OK)
		st = read_network(&im, path, tool, err);
	if (st == OFA_OK)
		*ret = im;
	else
		ofa_import_close(&im);
	return st;
}

void ofa_import_close(struct ofa_import *im)
{
	json_decref(im->lineage);
	free(im->data);
	free(im->converted);
	ofa_params_release(&im->params);
	ofa_checkpoint_close(&im->checkpoint);
	*im = (struct ofa_import){0};
}

void ofa_import_parts(const struct ofa_import *im, struct ofa_supernet_parts *ret)
{
	/* Of ImageNet's training images (spec 1); torchvision's transforms have the same. */
	static const float mean[OFA_MAX_INPUT_CHANNELS] = {0.485f, 0.456f, 0.406f, 0.5f};
	static const float std[OFA_MAX_INPUT_CHANNELS] = {0.229f, 0.224f, 0.225f, 0.5f};

	*ret = (struct ofa_supernet_parts){
		.name = im->found.space.name,
		.space = &im->found.space,
		.params = &im->params,
		.data = im->data,
		.mean = mean,
		.std = std,
		.lineage = im->lineage,
	};
}
