/* Operations of a package as ONNX nodes.  Values are (1, c, h, w) floats; in an int8 package each is what a pair of
 * QuantizeLinear and DequantizeLinear makes of it ("QDQ"), from which runtimes take the integers. */
#include <stdlib.h>

#include "export/formats.h"
#include "export/onnx_write.h"

#define NAME_NONE ((struct ofa_onnx_name){""})

struct onnx {
	const struct ofa_export_graph *g;
	struct ofa_proto *p;
	struct ofa_onnx_name *values; /* (n_ops + 1), floats */
	struct ofa_error *err;
};

static struct ofa_onnx_name unary(struct onnx *o, const char *type, struct ofa_onnx_name x, struct ofa_onnx_name out)
{
	return ofa_onnx_node(o->p, &(struct ofa_onnx_node){.type = type, .in = {x}, .n_in = 1}, out);
}

static struct ofa_onnx_name binary(struct onnx *o, const char *type, struct ofa_onnx_name a, struct ofa_onnx_name b,
				   struct ofa_onnx_name out)
{
	return ofa_onnx_node(o->p, &(struct ofa_onnx_node){.type = type, .in = {a, b}, .n_in = 2}, out);
}

static struct ofa_onnx_name number(struct onnx *o, struct ofa_onnx_name name, float v)
{
	return ofa_onnx_constant(o->p, name, OFA_ONNX_FLOAT, 0, NULL, &v, sizeof(v));
}

/* Q and DQ with the same numbers; first or second alone where the network's ends are int8. */
enum { QUANTISE = 1, DEQUANTISE = 2 };

static struct ofa_onnx_name requantise(struct onnx *o, struct ofa_onnx_name x, struct ofa_affine affine, int which,
				       const char *scope)
{
	const int8_t zero = (int8_t)affine.zero;
	struct ofa_onnx_node node = {.in = {x}, .n_in = 3};

	node.in[1] = number(o, ofa_onnx_name(scope, "scale"), affine.scale);
	node.in[2] = ofa_onnx_constant(o->p, ofa_onnx_name(scope, "zero"), OFA_ONNX_INT8, 0, NULL, &zero, 1);
	if (which & QUANTISE) {
		node.type = "QuantizeLinear";
		node.in[0] = ofa_onnx_node(o->p, &node, ofa_onnx_name(scope, "q"));
	}
	if (which & DEQUANTISE) {
		node.type = "DequantizeLinear";
		node.in[0] = ofa_onnx_node(o->p, &node, ofa_onnx_name(scope, "dq"));
	}
	return node.in[0];
}

/* The value as int8 has it; in other packages as it is. */
static struct ofa_onnx_name settle(struct onnx *o, struct ofa_onnx_name x, struct ofa_affine affine, const char *scope,
				   const char *what)
{
	if (o->g->precision != OFA_INT8)
		return x;
	return requantise(o, x, affine, QUANTISE | DEQUANTISE, ofa_onnx_name(scope, what).text);
}

static struct ofa_onnx_name activate(struct onnx *o, struct ofa_onnx_name x, uint32_t act, const char *scope)
{
	const struct ofa_onnx_name out = ofa_onnx_name(scope, "act");
	struct ofa_onnx_node clip = {.type = "Clip", .in = {x}, .n_in = 3};
	const struct ofa_onnx_node sigmoid = {
		.type = "HardSigmoid",
		.in = {x},
		.n_in = 1,
		.attributes = {{.name = "alpha", .number = 1.0f / 6.0f}, {.name = "beta", .number = 0.5f}},
		.n_attributes = 2,
	};

	switch (act) {
	case OFA_FMT_ACT_RELU:
		return unary(o, "Relu", x, out);
	case OFA_FMT_ACT_RELU6:
		clip.in[1] = number(o, ofa_onnx_name(scope, "low"), 0.0f);
		clip.in[2] = number(o, ofa_onnx_name(scope, "high"), 6.0f);
		return ofa_onnx_node(o->p, &clip, out);
	case OFA_FMT_ACT_HSWISH:
		return unary(o, "HardSwish", x, out);
	case OFA_FMT_ACT_HSIGMOID:
		return ofa_onnx_node(o->p, &sigmoid, out);
	default:
		return x;
	}
}

/* A constant of int8 or int32 with a scale for each of its first dimension. */
static struct ofa_onnx_name dequantised(struct onnx *o, struct ofa_onnx_name q, const float *scale, int64_t n,
					enum ofa_onnx_type type)
{
	const size_t zero_bytes = (size_t)n * (type == OFA_ONNX_INT8 ? sizeof(int8_t) : sizeof(int32_t));
	void *zeros = calloc(zero_bytes, 1);
	struct ofa_onnx_node node = {.type = "DequantizeLinear",
				     .in = {q},
				     .n_in = 3,
				     .attributes = {{.name = "axis", .n = -1, .ints = {0}}},
				     .n_attributes = 1};

	if (!zeros) {
		o->p->status = OFA_ERR_NOMEM;
		return NAME_NONE;
	}
	node.in[1] = ofa_onnx_constant(o->p, ofa_onnx_name(q.text, "scale"), OFA_ONNX_FLOAT, 1, &n, scale,
				       (size_t)n * sizeof(*scale));
	node.in[2] = ofa_onnx_constant(o->p, ofa_onnx_name(q.text, "zero"), type, 1, &n, zeros, zero_bytes);
	free(zeros);
	return ofa_onnx_node(o->p, &node, ofa_onnx_name(q.text, "dq"));
}

/* Convolution or matrix of the given role: weights times x plus bias. */
static struct ofa_onnx_name product(struct onnx *o, const struct ofa_export_op *op, enum ofa_fmt_role role,
				    struct ofa_onnx_name x, const char *scope)
{
	const bool int8 = o->g->precision == OFA_INT8;
	struct ofa_export_layer l;
	struct ofa_onnx_name w, b;
	int64_t dims[4], groups;

	if (o->p->status != OFA_OK)
		return NAME_NONE;
	o->p->status = ofa_export_layer_init(o->g, op, role, OFA_EXPORT_OUT_IN_WINDOW, &l, o->err);
	if (o->p->status != OFA_OK)
		return NAME_NONE;
	dims[0] = l.n;
	dims[1] = l.c;
	dims[2] = dims[3] = op->k;
	groups = op->kind == OFA_FMT_DWCONV ? l.n : 1;
	w = ofa_onnx_constant(o->p, ofa_onnx_name(scope, "weight"), int8 ? OFA_ONNX_INT8 : OFA_ONNX_FLOAT, 4, dims,
			      l.weight, (size_t)l.n * l.taps * l.c * (int8 ? sizeof(int8_t) : sizeof(float)));
	b = ofa_onnx_constant(o->p, ofa_onnx_name(scope, "bias"), int8 ? OFA_ONNX_INT32 : OFA_ONNX_FLOAT, 1, dims,
			      l.bias, (size_t)l.n * sizeof(float));
	if (int8) {
		w = dequantised(o, w, l.weight_scale, l.n, OFA_ONNX_INT8);
		b = dequantised(o, b, l.bias_scale, l.n, OFA_ONNX_INT32);
	}
	ofa_export_layer_release(&l);
	return ofa_onnx_node(
		o->p,
		&(struct ofa_onnx_node){
			.type = "Conv",
			.in = {x, w, b},
			.n_in = 3,
			.attributes = {{.name = "group", .n = -1, .ints = {groups}},
				       {.name = "kernel_shape", .n = 2, .ints = {op->k, op->k}},
				       {.name = "strides", .n = 2, .ints = {op->stride, op->stride}},
				       {.name = "pads", .n = 4, .ints = {op->pad, op->pad, op->pad, op->pad}}},
			.n_attributes = 4,
		},
		ofa_onnx_name(scope, "sum"));
}

static struct ofa_onnx_name convolution(struct onnx *o, const struct ofa_export_op *op, const char *scope)
{
	const bool looks_up = op->act == OFA_FMT_ACT_HSWISH || op->act == OFA_FMT_ACT_HSIGMOID;
	struct ofa_onnx_name x = product(o, op, OFA_FMT_WEIGHT, o->values[op->in], scope);

	if (op->added >= 0 || looks_up)
		x = settle(o, x, op->inner, scope, "inner");
	if (op->added >= 0)
		x = binary(o, "Add", x, o->values[op->added], ofa_onnx_name(scope, "added"));
	return activate(o, x, op->act, scope);
}

/* The second matrix of an int8 gate has h-sigmoid's slope and offset in its numbers, and the grid of its output ends
 * where h-sigmoid does. */
static struct ofa_onnx_name squeeze_excite(struct onnx *o, const struct ofa_export_op *op, const char *scope)
{
	const struct ofa_onnx_name x = o->values[op->in], squeeze = ofa_onnx_name(scope, "squeeze"),
				   excite = ofa_onnx_name(scope, "excite");
	struct ofa_onnx_name z = unary(o, "GlobalAveragePool", x, ofa_onnx_name(scope, "mean"));

	z = settle(o, z, op->mean, scope, "mean");
	z = product(o, op, OFA_FMT_WEIGHT, z, squeeze.text);
	z = activate(o, z, OFA_FMT_ACT_RELU, squeeze.text);
	z = settle(o, z, op->inner, scope, "hidden");
	z = product(o, op, OFA_FMT_WEIGHT2, z, excite.text);
	if (o->g->precision != OFA_INT8)
		z = activate(o, z, OFA_FMT_ACT_HSIGMOID, excite.text);
	z = settle(o, z, ofa_export_gate_affine(), scope, "gate");
	return binary(o, "Mul", x, z, ofa_onnx_name(scope, "product"));
}

static struct ofa_onnx_name pool(struct onnx *o, const struct ofa_export_op *op, const char *scope)
{
	const bool average = op->kind == OFA_FMT_AVERAGE_POOL;

	return ofa_onnx_node(
		o->p,
		&(struct ofa_onnx_node){
			.type = average ? "AveragePool" : "MaxPool",
			.in = {o->values[op->in]},
			.n_in = 1,
			.attributes = {{.name = "kernel_shape", .n = 2, .ints = {op->k, op->k}},
				       {.name = "strides", .n = 2, .ints = {op->stride, op->stride}},
				       {.name = "pads", .n = 4, .ints = {op->pad, op->pad, op->pad, op->pad}},
				       {.name = "ceil_mode", .n = -1, .ints = {average}}},
			.n_attributes = 4,
		},
		ofa_onnx_name(scope, "pool"));
}

static void operation(struct onnx *o, const struct ofa_export_op *op)
{
	char scope[OFA_EXPORT_NAME_BYTES];
	struct ofa_onnx_name y = NAME_NONE;

	ofa_export_op_name(o->g, op, scope);
	switch (op->kind) {
	case OFA_FMT_CONV:
	case OFA_FMT_DWCONV:
	case OFA_FMT_LINEAR: /* its input is one pixel */
		y = convolution(o, op, scope);
		break;
	case OFA_FMT_SE:
		y = squeeze_excite(o, op, scope);
		break;
	case OFA_FMT_GLOBAL_POOL:
		y = unary(o, "GlobalAveragePool", o->values[op->in], ofa_onnx_name(scope, "mean"));
		break;
	case OFA_FMT_MAX_POOL:
	case OFA_FMT_AVERAGE_POOL:
		y = pool(o, op, scope);
		break;
	case OFA_FMT_ADD:
		y = binary(o, "Add", o->values[op->in], o->values[op->added], ofa_onnx_name(scope, "added"));
		y = activate(o, y, op->act, scope);
		break;
	}
	o->values[op->out] = settle(o, y, o->g->values[op->out].affine, scope, "out");
}

/* From the input's end to the logits'. */
static void graph(struct onnx *o, bool int8_ends)
{
	const struct ofa_export_value *input = &o->g->values[0], *logits = &o->g->values[o->g->n_ops];
	const struct ofa_onnx_name in = {"input"}, out = {"logits"};
	const struct ofa_onnx_node flatten = {.type = "Flatten", .n_in = 1};
	struct ofa_onnx_node last = flatten;

	o->values[0] = in;
	if (int8_ends)
		o->values[0] = requantise(o, in, input->affine, DEQUANTISE, "input");
	else
		o->values[0] = settle(o, in, input->affine, "input", "out");
	for (int i = 0; i < o->g->n_ops; i++)
		operation(o, &o->g->ops[i]);
	last.in[0] = o->values[o->g->n_ops];
	if (int8_ends) {
		last.in[0] = ofa_onnx_node(o->p, &last, ofa_onnx_name("logits", "flat"));
		last = (struct ofa_onnx_node){.type = "QuantizeLinear", .in = {last.in[0]}, .n_in = 3};
		last.in[1] = number(o, ofa_onnx_name("logits", "scale"), logits->affine.scale);
		last.in[2] = ofa_onnx_constant(o->p, ofa_onnx_name("logits", "zero"), OFA_ONNX_INT8, 0, NULL,
					       &(int8_t){(int8_t)logits->affine.zero}, 1);
	}
	ofa_onnx_node(o->p, &last, out);
}

enum ofa_status ofa_export_onnx(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				struct ofa_buf *out, struct ofa_error *err)
{
	const bool int8_ends = opt->io == OFA_EXPORT_IO_INT8;
	const enum ofa_onnx_type type = int8_ends ? OFA_ONNX_INT8 : OFA_ONNX_FLOAT;
	const struct ofa_onnx_end input = {
		.name = "input", .type = type, .rank = 4, .dims = {1, g->values[0].c, g->values[0].h, g->values[0].w}};
	const struct ofa_onnx_end logits = {.name = "logits", .type = type, .rank = 2, .dims = {1, g->model.classes}};
	struct ofa_proto p;
	struct onnx o = {.g = g, .p = &p, .err = err};
	size_t begun;

	o.values = calloc((size_t)g->n_ops + 1, sizeof(*o.values));
	if (!o.values)
		return OFA_ERR_NOMEM;
	ofa_proto_init(&p, out->max);
	begun = ofa_onnx_begin(&p, g);
	graph(&o, int8_ends);
	ofa_onnx_end(&p, begun, &input, &logits);
	free(o.values);
	*out = p.out;
	return p.status;
}
