#include "export/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack/bytes.h"

static uint32_t get_u16(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8;
}

static struct ofa_affine affine(const uint8_t *scale, const uint8_t *zero)
{
	struct ofa_affine a = {.zero = (int8_t)*zero};
	const uint32_t bits = ofa_get_u32(scale);

	memcpy(&a.scale, &bits, sizeof(a.scale));
	return a;
}

/* Where values lie as the operations go by. */
struct places {
	uint32_t *offset; /* (n_ops + 1), by value */
	int n;            /* values written so far */
};

/* The youngest value of this shape at the offset; -1 if none, which the loader would have refused. */
static int find(const struct ofa_export_graph *g, const struct places *p, uint32_t offset, uint32_t h, uint32_t w,
		uint32_t c)
{
	for (int i = p->n - 1; i >= 0; i--) {
		const struct ofa_export_value *v = &g->values[i];

		if (p->offset[i] == offset && v->h == h && v->w == w && v->c == c)
			return i;
	}
	return -1;
}

static const uint8_t *op_record(const struct ofa_export_graph *g, int i)
{
	return g->model.data + OFA_FMT_HEADER_BYTES + (size_t)i * OFA_FMT_OP_BYTES;
}

static const uint8_t *quant_record(const struct ofa_export_graph *g, int i)
{
	return g->model.data + ofa_get_u32(g->model.data + OFA_FMT_HEADER_QUANT_OFFSET) +
	       (size_t)i * OFA_FMT_QUANT_BYTES;
}

static bool keeps_sign(uint32_t kind)
{
	return kind == OFA_FMT_SE || kind == OFA_FMT_GLOBAL_POOL || kind == OFA_FMT_MAX_POOL ||
	       kind == OFA_FMT_AVERAGE_POOL;
}

static void read_quantisation(struct ofa_export_graph *g, int i)
{
	const uint8_t *q = quant_record(g, i);
	struct ofa_export_op *op = &g->ops[i];

	op->inner = affine(q + OFA_FMT_QUANT_INNER_SCALE, q + OFA_FMT_QUANT_INNER_ZERO);
	if (op->kind == OFA_FMT_SE)
		op->mean = affine(q + OFA_FMT_QUANT_ADDED_SCALE, q + OFA_FMT_QUANT_ADDED_ZERO);
	g->values[op->out].affine = affine(q + OFA_FMT_QUANT_OUT_SCALE, q + OFA_FMT_QUANT_OUT_ZERO);
}

static enum ofa_status read_op(struct ofa_export_graph *g, int i, struct places *p, struct ofa_error *err)
{
	const uint8_t *r = op_record(g, i);
	const uint32_t place = ofa_get_u32(r + OFA_FMT_OP_IN), added = ofa_get_u32(r + OFA_FMT_OP_RESIDUAL);
	const uint32_t from = g->precision == OFA_INT8 ? ofa_get_u32(r + OFA_FMT_OP_FROM) : place;
	const uint32_t h = get_u16(r + OFA_FMT_OP_H_IN), w = get_u16(r + OFA_FMT_OP_W_IN);
	struct ofa_export_op *op = &g->ops[i];
	struct ofa_export_value *out = &g->values[i + 1];

	op->kind = r[OFA_FMT_OP_KIND];
	op->act = r[OFA_FMT_OP_ACT];
	op->k = r[OFA_FMT_OP_KERNEL];
	op->stride = r[OFA_FMT_OP_STRIDE];
	op->pad = r[OFA_FMT_OP_PAD];
	op->hidden = ofa_get_u32(r + OFA_FMT_OP_HIDDEN);
	op->first_tensor = get_u16(r + OFA_FMT_OP_FIRST_TENSOR);
	op->n_tensors = r[OFA_FMT_OP_TENSORS];
	op->out = i + 1;
	out->h = get_u16(r + OFA_FMT_OP_H_OUT);
	out->w = get_u16(r + OFA_FMT_OP_W_OUT);
	out->c = ofa_get_u32(r + OFA_FMT_OP_C_OUT);
	op->in = find(g, p, from, h, w, ofa_get_u32(r + OFA_FMT_OP_C_IN));
	if (op->in < 0)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "operation %d reads what none before it wrote", i);
	p->offset[op->in] = place; /* the input of a group is moved before the group starts */
	op->added = added == OFA_FMT_NONE ? -1 : find(g, p, added, out->h, out->w, out->c);
	if (added != OFA_FMT_NONE && op->added < 0)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "operation %d adds what none before it wrote", i);
	out->no_negatives = op->act == OFA_FMT_ACT_RELU || op->act == OFA_FMT_ACT_RELU6 ||
			    op->act == OFA_FMT_ACT_HSIGMOID || (keeps_sign(op->kind) && g->values[op->in].no_negatives);
	p->offset[i + 1] = ofa_get_u32(r + OFA_FMT_OP_OUT);
	p->n = i + 2;
	if (g->precision == OFA_INT8)
		read_quantisation(g, i);
	return OFA_OK;
}

static enum ofa_status read_ops(struct ofa_export_graph *g, struct ofa_error *err)
{
	const uint8_t *io = g->model.data + ofa_get_u32(g->model.data + OFA_FMT_HEADER_IO_OFFSET);
	struct places p = {.offset = calloc((size_t)g->n_ops + 1, sizeof(*p.offset)), .n = 1};
	enum ofa_status st = OFA_OK;

	g->ops = calloc((size_t)g->n_ops, sizeof(*g->ops));
	g->values = calloc((size_t)g->n_ops + 1, sizeof(*g->values));
	if (!p.offset || !g->ops || !g->values)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (st == OFA_OK) {
		p.offset[0] = g->model.input_offset;
		g->values[0] = (struct ofa_export_value){
			.h = g->model.height,
			.w = g->model.width,
			.c = g->model.channels,
			.affine = affine(io + OFA_FMT_IO_IN_SCALE, io + OFA_FMT_IO_IN_ZERO),
		};
	}
	for (int i = 0; st == OFA_OK && i < g->n_ops; i++)
		st = read_op(g, i, &p, err);
	free(p.offset);
	return st;
}

/* From the tables, which hold where the metadata says otherwise. */
static enum ofa_precision precision_of(const struct ofa_device_model *m)
{
	if (get_u16(m->data + OFA_FMT_HEADER_QUANTS) > 0)
		return OFA_INT8;
	if (m->n_tensors > 0 && m->data[m->tensor_offset + OFA_FMT_TENSOR_TYPE] == OFA_FMT_FLOAT16)
		return OFA_FLOAT16;
	return OFA_FLOAT32;
}

enum ofa_status ofa_export_graph_init(const uint8_t *data, size_t size, struct ofa_export_graph *ret,
				      struct ofa_error *err)
{
	struct ofa_export_graph g = {.n_ops = 0};
	enum ofa_device_status status;
	enum ofa_status st = ofa_package_read(data, size, &g.summary, err);

	if (st != OFA_OK)
		return st;
	status = ofa_device_load(data, size, &g.model, NULL);
	if (status != OFA_DEVICE_OK)
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "%s", ofa_device_strerror(status));
	if (st == OFA_OK) {
		g.precision = precision_of(&g.model);
		g.n_ops = (int)g.model.n_ops;
		st = read_ops(&g, err);
	}
	if (st == OFA_OK)
		*ret = g;
	else
		ofa_export_graph_release(&g);
	return st;
}

void ofa_export_graph_release(struct ofa_export_graph *g)
{
	free(g->ops);
	free(g->values);
	ofa_package_summary_release(&g->summary);
	*g = (struct ofa_export_graph){.n_ops = 0};
}

struct ofa_affine ofa_export_product_affine(const struct ofa_export_graph *g, const struct ofa_export_op *op)
{
	const bool looks_up = op->act == OFA_FMT_ACT_HSWISH || op->act == OFA_FMT_ACT_HSIGMOID;

	return looks_up || op->added >= 0 ? op->inner : g->values[op->out].affine;
}

struct ofa_affine ofa_export_gate_affine(void)
{
	return (struct ofa_affine){.scale = 1.0f / 255.0f, .zero = -128};
}

void ofa_export_op_name(const struct ofa_export_graph *g, const struct ofa_export_op *op,
			char ret[OFA_EXPORT_NAME_BYTES])
{
	static const char *const kinds[OFA_FMT_KINDS] = {
		[OFA_FMT_CONV] = "conv",     [OFA_FMT_DWCONV] = "dwconv",
		[OFA_FMT_SE] = "se",         [OFA_FMT_GLOBAL_POOL] = "global_pool",
		[OFA_FMT_LINEAR] = "linear", [OFA_FMT_MAX_POOL] = "max_pool",
		[OFA_FMT_ADD] = "add",       [OFA_FMT_AVERAGE_POOL] = "average_pool",
	};

	snprintf(ret, OFA_EXPORT_NAME_BYTES, "%d.%s", (int)(op - g->ops), kinds[op->kind]);
}

json_t *ofa_export_metadata(const struct ofa_export_graph *g)
{
	json_t *strings = json_object(), *value;
	const char *key;

	json_object_foreach(g->summary.meta, key, value)
	{
		char *text = json_is_string(value) ? NULL
						   : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
		json_t *string = text ? json_string(text) : json_is_string(value) ? json_incref(value) : NULL;

		free(text);
		if (json_object_set_new(strings, key, string) != 0) {
			json_decref(strings);
			return NULL;
		}
	}
	return strings;
}
