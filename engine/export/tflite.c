/* Operations of a package as TFLite operators, in (1, h, w, c).  Those of an int8 package become the int8 operators
 * whose arithmetic it has. */
#include <float.h>
#include <stdlib.h>

#include "export/formats.h"
#include "export/tflite_write.h"

struct tflite {
	const struct ofa_export_graph *g;
	struct ofa_tflite t;
	int *values; /* (n_ops + 1), tensors */
	char scope[OFA_EXPORT_NAME_BYTES];
	struct ofa_error *err;
};

static bool is_int8(const struct tflite *o)
{
	return o->g->precision == OFA_INT8;
}

static int value_of_type(struct tflite *o, enum ofa_tflite_type type, const char *what, uint32_t h, uint32_t w,
			 uint32_t c, const struct ofa_affine *affine)
{
	const struct ofa_tflite_quant quant = {.n = 1, .scale = &affine->scale, .zero = affine->zero};
	const struct ofa_tflite_quant none = {.n = 0};

	return ofa_tflite_tensor(&o->t, &(struct ofa_tflite_tensor){
						.scope = o->scope,
						.what = what,
						.type = type,
						.rank = 4,
						.dims = {1, (int32_t)h, (int32_t)w, (int32_t)c},
						.quant = type == OFA_TFLITE_INT8 ? quant : none,
					});
}

/* An activation that an operator is about to write. */
static int value(struct tflite *o, const char *what, uint32_t h, uint32_t w, uint32_t c, struct ofa_affine affine)
{
	return value_of_type(o, is_int8(o) ? OFA_TFLITE_INT8 : OFA_TFLITE_FLOAT32, what, h, w, c, &affine);
}

static int integers(struct tflite *o, const char *what, const int32_t *v, int rows, int columns)
{
	return ofa_tflite_tensor(&o->t, &(struct ofa_tflite_tensor){
						.scope = o->scope,
						.what = what,
						.type = OFA_TFLITE_INT32,
						.rank = columns ? 2 : 1,
						.dims = {rows, columns},
						.data = v,
						.size = (size_t)rows * (size_t)(columns ? columns : 1) * sizeof(*v),
					});
}

/* A float that goes with every element. */
static int number(struct tflite *o, const char *what, float v)
{
	return ofa_tflite_tensor(&o->t, &(struct ofa_tflite_tensor){
						.scope = o->scope,
						.what = what,
						.type = OFA_TFLITE_FLOAT32,
						.rank = 4,
						.dims = {1, 1, 1, 1},
						.data = &v,
						.size = sizeof(v),
					});
}

static int unary(struct tflite *o, enum ofa_tflite_code code, int x, int out)
{
	return ofa_tflite_operator(&o->t,
				   &(struct ofa_tflite_operator){.code = code, .in = {x}, .n_in = 1, .out = out});
}

static int binary(struct tflite *o, enum ofa_tflite_code code, int a, int b, enum ofa_tflite_act act, int out)
{
	return ofa_tflite_operator(
		&o->t, &(struct ofa_tflite_operator){.code = code, .in = {a, b}, .n_in = 2, .out = out, .act = act});
}

/* Of activations that operators do on the way out. */
static enum ofa_tflite_act fused(uint32_t act)
{
	return act == OFA_FMT_ACT_RELU    ? OFA_TFLITE_ACT_RELU
	       : act == OFA_FMT_ACT_RELU6 ? OFA_TFLITE_ACT_RELU6
					  : OFA_TFLITE_ACT_NONE;
}

static bool looks_up(const struct ofa_export_op *op)
{
	return op->act == OFA_FMT_ACT_HSWISH || op->act == OFA_FMT_ACT_HSIGMOID;
}

/* What SAME would put before the first row; it is what a package says only where sizes are kind. */
static bool same_fits(uint32_t in, uint32_t out, const struct ofa_export_op *op)
{
	const uint32_t covered = (out - 1) * op->stride + op->k;

	return out == (in + op->stride - 1) / op->stride && (covered > in ? covered - in : 0) / 2 == op->pad;
}

/* What no number is below. */
static int lowest(struct tflite *o, const struct ofa_affine *affine)
{
	const int8_t integer = -128;
	const float number = -FLT_MAX;
	struct ofa_tflite_tensor t = {.scope = o->scope, .what = "lowest", .type = OFA_TFLITE_FLOAT32};

	t.data = &number;
	t.size = sizeof(number);
	if (is_int8(o)) {
		t.type = OFA_TFLITE_INT8;
		t.quant = (struct ofa_tflite_quant){.n = 1, .scale = &affine->scale, .zero = affine->zero};
		t.data = &integer;
		t.size = sizeof(integer);
	}
	return ofa_tflite_tensor(&o->t, &t);
}

/* The input of a windowed operation, with the padding that TFLite has no word for. */
static int padded(struct tflite *o, const struct ofa_export_op *op, enum ofa_tflite_padding *ret_padding)
{
	const struct ofa_export_value *in = &o->g->values[op->in], *out = &o->g->values[op->out];
	const bool same_would_do = op->pad && same_fits(in->h, out->h, op) && same_fits(in->w, out->w, op);
	const int32_t side = (int32_t)op->pad, sides[] = {0, 0, side, side, side, side, 0, 0};
	const bool largest = op->kind == OFA_FMT_MAX_POOL && !in->no_negatives;
	struct ofa_tflite_operator pad = {.code = OFA_TFLITE_PAD, .in = {o->values[op->in]}, .n_in = 2};

	*ret_padding = OFA_TFLITE_VALID;
	if (op->kind == OFA_FMT_AVERAGE_POOL || same_would_do)
		*ret_padding = OFA_TFLITE_SAME;
	if (*ret_padding == OFA_TFLITE_SAME || op->pad == 0)
		return o->values[op->in];
	pad.in[1] = integers(o, "sides", sides, 4, 2);
	if (largest) {
		pad.code = OFA_TFLITE_PADV2;
		pad.n_in = 3;
		pad.in[2] = lowest(o, &in->affine);
	}
	pad.out = value(o, "padded", in->h + 2 * op->pad, in->w + 2 * op->pad, in->c, in->affine);
	return ofa_tflite_operator(&o->t, &pad);
}

/* Weight and bias of a product as constants. */
static void constants(struct tflite *o, const struct ofa_export_op *op, const struct ofa_export_layer *l,
		      const char *const names[2], int ret[2])
{
	const bool depthwise = op->kind == OFA_FMT_DWCONV, int8 = is_int8(o);
	const int32_t n = (int32_t)l->n, k = (int32_t)op->k;

	ret[0] = ofa_tflite_tensor(&o->t, &(struct ofa_tflite_tensor){
						  .scope = o->scope,
						  .what = names[0],
						  .type = int8 ? OFA_TFLITE_INT8 : OFA_TFLITE_FLOAT32,
						  .rank = 4,
						  .dims = {depthwise ? 1 : n, k, k, depthwise ? n : (int32_t)l->c},
						  .quant = {int8 ? l->n : 0, l->weight_scale, 0, depthwise ? 3 : 0},
						  .data = l->weight,
						  .size = (size_t)l->n * l->taps * l->c * (int8 ? 1 : sizeof(float)),
					  });
	ret[1] = ofa_tflite_tensor(&o->t, &(struct ofa_tflite_tensor){
						  .scope = o->scope,
						  .what = names[1],
						  .type = int8 ? OFA_TFLITE_INT32 : OFA_TFLITE_FLOAT32,
						  .rank = 1,
						  .dims = {n},
						  .quant = {int8 ? l->n : 0, l->bias_scale, 0, 0},
						  .data = l->bias,
						  .size = (size_t)l->n * sizeof(float),
					  });
}

/* What one product is made of. */
struct product {
	enum ofa_fmt_role role;
	int x, out;
	enum ofa_tflite_padding padding;
	enum ofa_tflite_act act;
	float add; /* to a float bias */
};

static int product(struct tflite *o, const struct ofa_export_op *op, const struct product *p)
{
	static const char *const first[] = {"weight", "bias"}, *const second[] = {"weight2", "bias2"};
	const bool depthwise = op->kind == OFA_FMT_DWCONV;
	struct ofa_tflite_operator conv = {
		.code = depthwise ? OFA_TFLITE_DEPTHWISE_CONV_2D : OFA_TFLITE_CONV_2D,
		.in = {p->x},
		.n_in = 3,
		.out = p->out,
		.padding = p->padding,
		.act = p->act,
		.stride = op->stride,
	};
	struct ofa_export_layer l;

	if (o->t.flat.status == OFA_OK)
		o->t.flat.status = ofa_export_layer_init(
			o->g, op, p->role, depthwise ? OFA_EXPORT_IN_WINDOW_OUT : OFA_EXPORT_OUT_WINDOW_IN, &l, o->err);
	if (o->t.flat.status != OFA_OK)
		return p->out;
	for (uint32_t i = 0; p->add != 0.0f && i < l.n; i++)
		((float *)l.bias)[i] += p->add;
	constants(o, op, &l, p->role == OFA_FMT_WEIGHT ? first : second, &conv.in[1]);
	ofa_export_layer_release(&l);
	return ofa_tflite_operator(&o->t, &conv);
}

/* h-sigmoid is no operator: relu6(x + 3) / 6. */
static int hsigmoid(struct tflite *o, int x, const struct ofa_export_value *v, int out)
{
	const int shifted = value(o, "shifted", v->h, v->w, v->c, v->affine);

	binary(o, OFA_TFLITE_ADD, x, number(o, "three", 3.0f), OFA_TFLITE_ACT_RELU6, shifted);
	return binary(o, OFA_TFLITE_MUL, shifted, number(o, "sixth", 1.0f / 6.0f), OFA_TFLITE_ACT_NONE, out);
}

/* The activation that was not fused. */
static int look_up(struct tflite *o, const struct ofa_export_op *op, int x)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	const int out = value(o, "act", v->h, v->w, v->c, v->affine);

	if (op->act == OFA_FMT_ACT_HSWISH)
		return unary(o, OFA_TFLITE_HARD_SWISH, x, out);
	if (is_int8(o) && o->t.flat.status == OFA_OK)
		o->t.flat.status = ofa_fail(o->err, OFA_ERR_UNSUPPORTED, NULL,
					    "operation %s: TFLite has no int8 h-sigmoid; ONNX has", o->scope);
	return hsigmoid(o, x, v, out);
}

static int convolution(struct tflite *o, const struct ofa_export_op *op)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	const bool adds = op->added >= 0;
	struct product p = {.role = OFA_FMT_WEIGHT, .act = adds ? OFA_TFLITE_ACT_NONE : fused(op->act)};
	int y;

	p.x = padded(o, op, &p.padding);
	p.out = value(o, "sum", v->h, v->w, v->c, ofa_export_product_affine(o->g, op));
	y = product(o, op, &p);
	if (adds)
		y = binary(o, OFA_TFLITE_ADD, y, o->values[op->added], fused(op->act),
			   value(o, "added", v->h, v->w, v->c, v->affine));
	return looks_up(op) ? look_up(o, op, y) : y;
}

static int mean(struct tflite *o, int x, uint32_t c, struct ofa_affine affine)
{
	static const int32_t axes[] = {1, 2};

	return binary(o, OFA_TFLITE_MEAN, x, integers(o, "axes", axes, 2, 0), OFA_TFLITE_ACT_NONE,
		      value(o, "mean", 1, 1, c, affine));
}

/* The gate of an int8 package has h-sigmoid's slope and offset in its numbers, and the grid of its output ends where
 * h-sigmoid does. */
static int squeeze_excite(struct tflite *o, const struct ofa_export_op *op)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	const struct ofa_affine grid = ofa_export_gate_affine();
	struct product squeeze = {.role = OFA_FMT_WEIGHT, .act = OFA_TFLITE_ACT_RELU};
	struct product excite = {.role = OFA_FMT_WEIGHT2};
	int gate;

	squeeze.x = mean(o, o->values[op->in], v->c, op->mean);
	squeeze.out = value(o, "hidden", 1, 1, op->hidden, op->inner);
	excite.x = product(o, op, &squeeze);
	excite.out = value(o, "excited", 1, 1, v->c, grid);
	if (!is_int8(o)) {
		excite.act = OFA_TFLITE_ACT_RELU6;
		excite.add = 3.0f;
	}
	gate = product(o, op, &excite);
	if (!is_int8(o))
		gate = binary(o, OFA_TFLITE_MUL, gate, number(o, "sixth", 1.0f / 6.0f), OFA_TFLITE_ACT_NONE,
			      value(o, "gate", 1, 1, v->c, grid));
	return binary(o, OFA_TFLITE_MUL, o->values[op->in], gate, OFA_TFLITE_ACT_NONE,
		      value(o, "product", v->h, v->w, v->c, v->affine));
}

static int pool(struct tflite *o, const struct ofa_export_op *op)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	struct ofa_tflite_operator p = {
		.code = op->kind == OFA_FMT_MAX_POOL ? OFA_TFLITE_MAX_POOL_2D : OFA_TFLITE_AVERAGE_POOL_2D,
		.n_in = 1,
		.stride = op->stride,
		.window = op->k,
	};

	p.in[0] = padded(o, op, &p.padding);
	p.out = value(o, "pool", v->h, v->w, v->c, v->affine);
	return ofa_tflite_operator(&o->t, &p);
}

static int add(struct tflite *o, const struct ofa_export_op *op)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	const int sum = value(o, "added", v->h, v->w, v->c, looks_up(op) ? op->inner : v->affine);

	binary(o, OFA_TFLITE_ADD, o->values[op->in], o->values[op->added], fused(op->act), sum);
	return looks_up(op) ? look_up(o, op, sum) : sum;
}

static void operation(struct tflite *o, const struct ofa_export_op *op)
{
	const struct ofa_export_value *v = &o->g->values[op->out];
	int *y = &o->values[op->out];

	ofa_export_op_name(o->g, op, o->scope);
	switch (op->kind) {
	case OFA_FMT_CONV:
	case OFA_FMT_DWCONV:
	case OFA_FMT_LINEAR: /* of one pixel; FULLY_CONNECTED has no scales per channel in older runtimes */
		*y = convolution(o, op);
		break;
	case OFA_FMT_SE:
		*y = squeeze_excite(o, op);
		break;
	case OFA_FMT_GLOBAL_POOL:
		*y = mean(o, o->values[op->in], v->c, v->affine);
		break;
	case OFA_FMT_MAX_POOL:
	case OFA_FMT_AVERAGE_POOL:
		*y = pool(o, op);
		break;
	case OFA_FMT_ADD:
		*y = add(o, op);
		break;
	}
}

/* From the last value to (1, classes) logits, in float32 if asked for. */
static int end(struct tflite *o, bool float_ends)
{
	const int32_t shape[] = {1, (int32_t)o->g->model.classes};
	const struct ofa_export_value *last = &o->g->values[o->g->n_ops];
	struct ofa_tflite_tensor logits = {
		.scope = float_ends && is_int8(o) ? "logits/int8" : "logits",
		.what = "",
		.type = is_int8(o) ? OFA_TFLITE_INT8 : OFA_TFLITE_FLOAT32,
		.rank = 2,
		.dims = {shape[0], shape[1]},
		.quant = {.n = is_int8(o) ? 1 : 0, .scale = &last->affine.scale, .zero = last->affine.zero},
	};
	int y;

	y = binary(o, OFA_TFLITE_RESHAPE, o->values[o->g->n_ops], integers(o, "shape", shape, 2, 0),
		   OFA_TFLITE_ACT_NONE, ofa_tflite_tensor(&o->t, &logits));
	if (!is_int8(o) || !float_ends)
		return y;
	logits.scope = "logits";
	logits.type = OFA_TFLITE_FLOAT32;
	logits.quant.n = 0;
	return unary(o, OFA_TFLITE_DEQUANTIZE, y, ofa_tflite_tensor(&o->t, &logits));
}

static enum ofa_status write_model(struct tflite *o, bool float_ends, const char *meta, uint8_t **ret_data,
				   size_t *ret_size)
{
	const struct ofa_export_value *v = &o->g->values[0];
	const bool quantises = is_int8(o) && float_ends;
	int input;

	snprintf(o->scope, sizeof(o->scope), "input");
	input = value_of_type(o, is_int8(o) && !float_ends ? OFA_TFLITE_INT8 : OFA_TFLITE_FLOAT32, "", v->h, v->w, v->c,
			      &v->affine);
	o->values[0] = input;
	if (quantises)
		o->values[0] = unary(o, OFA_TFLITE_QUANTIZE, input, value(o, "int8", v->h, v->w, v->c, v->affine));
	for (int i = 0; i < o->g->n_ops; i++)
		operation(o, &o->g->ops[i]);
	return ofa_tflite_finish(&o->t, input, end(o, float_ends), meta, ret_data, ret_size);
}

enum ofa_status ofa_export_tflite(const struct ofa_export_graph *g, const struct ofa_export_options *opt,
				  struct ofa_buf *out, struct ofa_error *err)
{
	char *meta = json_dumps(g->summary.meta, JSON_COMPACT | JSON_SORT_KEYS);
	struct tflite o = {.g = g, .err = err};
	uint8_t *data;
	size_t size;
	enum ofa_status st = ofa_tflite_init(&o.t, g->n_ops, g->precision == OFA_INT8, out->max);

	if (st != OFA_OK) {
		free(meta);
		return st;
	}
	o.values = calloc((size_t)g->n_ops + 1, sizeof(*o.values));
	if (meta && o.values)
		st = write_model(&o, opt->io == OFA_EXPORT_IO_FLOAT32, meta, &data, &size);
	else
		st = OFA_ERR_NOMEM;
	if (st == OFA_OK)
		*out = (struct ofa_buf){.data = data, .len = size, .cap = size, .max = out->max};
	free(meta);
	free(o.values);
	ofa_tflite_release(&o.t);
	return st;
}
