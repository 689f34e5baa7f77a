/* The weights alone, row-major, for frameworks of others: convolutions (c_out, c_in / groups, k, k), matrices (c_out,
 * c_in).  What to do with them is in the header's metadata. */
#include <stdlib.h>
#include <string.h>

#include "export/formats.h"
#include "tensor/safetensors.h"

#define MOST_TENSORS 6 /* of one operation: weights, biases and the weights' scales */
#define NAME_BYTES 64

/* Tensors whose names and data are owned. */
struct collection {
	struct ofa_tensor *list;
	size_t n;
};

static void release(struct collection *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free((char *)c->list[i].name);
		free((void *)c->list[i].data);
	}
	free(c->list);
}

/* Takes over *data. */
static enum ofa_status collect(struct collection *c, const char *scope, const char *what, struct ofa_tensor tensor,
			       void **data)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s.%s", scope, what);
	tensor.name = strdup(name);
	if (!tensor.name)
		return OFA_ERR_NOMEM;
	tensor.data = *data;
	tensor.size = (size_t)ofa_tensor_elements(&tensor) * ofa_dtype_size(tensor.dtype);
	*data = NULL;
	c->list[c->n++] = tensor;
	return OFA_OK;
}

static enum ofa_status collect_layer(const struct ofa_export_graph *g, const struct ofa_export_op *op,
				     enum ofa_fmt_role role, const char *const names[3], struct collection *wide,
				     struct collection *narrow, struct ofa_error *err)
{
	const bool int8 = g->precision == OFA_INT8;
	const int64_t k = op->k;
	char scope[OFA_EXPORT_NAME_BYTES];
	struct ofa_export_layer l;
	struct ofa_tensor weight = {.dtype = int8 ? OFA_I8 : OFA_F32}, bias = {.dtype = int8 ? OFA_I32 : OFA_F32};
	struct ofa_tensor scale = {.dtype = OFA_F32};
	enum ofa_status st = ofa_export_layer_init(g, op, role, OFA_EXPORT_OUT_IN_WINDOW, &l, err);

	if (st != OFA_OK)
		return st;
	ofa_export_op_name(g, op, scope);
	weight.rank = op->kind == OFA_FMT_CONV || op->kind == OFA_FMT_DWCONV ? 4 : 2;
	weight.shape[0] = bias.shape[0] = scale.shape[0] = l.n;
	weight.shape[1] = l.c;
	weight.shape[2] = weight.shape[3] = k;
	bias.rank = scale.rank = 1;
	st = collect(int8 ? narrow : wide, scope, names[0], weight, &l.weight);
	if (st == OFA_OK)
		st = collect(wide, scope, names[1], bias, &l.bias);
	if (st == OFA_OK && int8) {
		void *data = l.weight_scale;

		st = collect(wide, scope, names[2], scale, &data);
		l.weight_scale = data;
	}
	ofa_export_layer_release(&l);
	return st;
}

/* Elements of one byte come last: all others are then aligned. */
static enum ofa_status collect_all(const struct ofa_export_graph *g, struct collection *wide, struct collection *narrow,
				   struct ofa_error *err)
{
	static const char *const first[] = {"weight", "bias", "weight_scale"};
	static const char *const second[] = {"weight2", "bias2", "weight2_scale"};
	enum ofa_status st = OFA_OK;

	for (int i = 0; st == OFA_OK && i < g->n_ops; i++) {
		const struct ofa_export_op *op = &g->ops[i];

		if (op->n_tensors > 0)
			st = collect_layer(g, op, OFA_FMT_WEIGHT, first, wide, narrow, err);
		if (st == OFA_OK && op->kind == OFA_FMT_SE)
			st = collect_layer(g, op, OFA_FMT_WEIGHT2, second, wide, narrow, err);
	}
	for (size_t i = 0; st == OFA_OK && i < narrow->n; i++)
		wide->list[wide->n++] = narrow->list[i];
	if (st == OFA_OK)
		narrow->n = 0;
	return st;
}

static json_t *affine_json(struct ofa_affine a)
{
	return json_pack("[f, i]", (double)a.scale, a.zero);
}

static json_t *value_name(const struct ofa_export_graph *g, int value)
{
	char name[OFA_EXPORT_NAME_BYTES];

	if (value == 0)
		return json_string("input");
	ofa_export_op_name(g, &g->ops[value - 1], name);
	return json_string(name);
}

static json_t *op_json(const struct ofa_export_graph *g, const struct ofa_export_op *op)
{
	static const char *const acts[OFA_FMT_ACT_COUNT] = {"none", "relu", "relu6", "h_swish", "h_sigmoid"};
	const struct ofa_export_value *out = &g->values[op->out];
	json_t *o =
		json_pack("{s:o,s:o,s:s,s:i,s:i,s:i,s:[i,i,i]}", "name", value_name(g, op->out), "input",
			  value_name(g, op->in), "act", acts[op->act], "kernel", (int)op->k, "stride", (int)op->stride,
			  "padding", (int)op->pad, "output", (int)out->h, (int)out->w, (int)out->c);
	int bad = o ? 0 : -1;

	if (op->added >= 0)
		bad |= json_object_set_new(o, "added", value_name(g, op->added));
	if (g->precision == OFA_INT8) {
		bad |= json_object_set_new(o, "input_quantisation", affine_json(g->values[op->in].affine));
		bad |= json_object_set_new(o, "output_quantisation", affine_json(out->affine));
		bad |= json_object_set_new(o, "inner_quantisation", affine_json(op->inner));
		if (op->kind == OFA_FMT_SE)
			bad |= json_object_set_new(o, "mean_quantisation", affine_json(op->mean));
	}
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* The package's own metadata and, as "operations", what to do with the tensors. */
static json_t *metadata(const struct ofa_export_graph *g)
{
	json_t *strings = ofa_export_metadata(g), *list = json_array();
	char *text = NULL;
	int bad = strings && list ? 0 : -1;

	for (int i = 0; bad == 0 && i < g->n_ops; i++)
		bad = json_array_append_new(list, op_json(g, &g->ops[i]));
	if (bad == 0)
		text = json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (!text || json_object_set_new(strings, "operations", json_string(text)) != 0) {
		json_decref(strings);
		strings = NULL;
	}
	free(text);
	json_decref(list);
	return strings;
}

enum ofa_status ofa_export_safetensors(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				       struct ofa_buf *out, struct ofa_error *err)
{
	const size_t most = (size_t)g->n_ops * MOST_TENSORS;
	struct collection wide = {.list = calloc(most, sizeof(*wide.list))};
	struct collection narrow = {.list = calloc(most, sizeof(*narrow.list))};
	json_t *strings = metadata(g);
	uint8_t *data;
	size_t size;
	enum ofa_status st = wide.list && narrow.list && strings ? OFA_OK : OFA_ERR_NOMEM;

	(void)opt;
	if (st == OFA_OK)
		st = collect_all(g, &wide, &narrow, err);
	if (st == OFA_OK)
		st = ofa_safetensors_format(wide.list, wide.n, strings, &data, &size, err);
	if (st == OFA_OK)
		*out = (struct ofa_buf){.data = data, .len = size, .cap = size, .max = out->max};
	release(&wide);
	release(&narrow);
	json_decref(strings);
	return st;
}
