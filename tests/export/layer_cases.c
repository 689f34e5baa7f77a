/* Single layers of an int8 package, exported by themselves: what other runtimes make of one layer is not hidden by what
 * they made of those before it.  What is wanted comes from the oracle of the engine's tests. */
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "cost/costs.h"
#include "export/formats.h"
#include "quantise/quantise.h"
#include "quantise/rescale.h"
#include "../engine/quantise_oracle.h"

/* A layer by itself: its input is the network's, and where it adds, it adds its input. */
struct one_layer {
	struct ofa_layer layer;
	struct ofa_quantised_layer numbers;
	struct ofa_export_op op;
	struct ofa_export_value values[2];
	bool adds;
	unsigned limit;
	char sort[64];
};

static struct ofa_quantised *quantise(const struct ofa_supernet *net, const struct ofa_arch *arch)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_bn_stats stats;
	struct ofa_error err = {0};
	struct ofa_quantised *q;
	struct ofa_subnet *sub;

	ofa_plan_init(&net->space, &net->params, arch, plan);
	ASSERT_OK(ofa_calibrate_builtin(net, plan, net->calibration.n, NULL, &stats, &err), &err);
	ASSERT_OK(ofa_subnet_extract(net, plan, &stats, &sub, &err), &err);
	ASSERT_OK(ofa_quantise(net, sub, NULL, NULL, NULL, &q, &err), &err);
	ofa_subnet_free(sub);
	ofa_bn_stats_release(&stats);
	free(plan);
	return q;
}

/* Numbers of an addition whose second operand is as the layer's input. */
static void add_input(struct one_layer *o, struct ofa_affine operand)
{
	const double twice = 2.0 * fmax((double)operand.scale, (double)o->numbers.in.scale);

	o->adds = true;
	o->op.added = 0;
	o->numbers.added = o->numbers.in;
	o->numbers.first = ofa_rescale_from((double)operand.scale / twice);
	o->numbers.second = ofa_rescale_from((double)o->numbers.in.scale / twice);
	o->numbers.result = ofa_rescale_from(twice / (ldexp(1, 20) * (double)o->numbers.out.scale));
}

/* What comes before the table or the addition. */
static void keep_product(struct one_layer *o)
{
	o->op.added = -1;
	o->op.act = OFA_FMT_ACT_NONE;
	o->numbers.out = o->numbers.inner;
	o->numbers.table = NULL;
	o->numbers.low = -128;
	o->numbers.high = 127;
	o->values[1].affine = o->numbers.out;
}

/* False: the layer has no such form.  bare: without what comes after the product.  Operators of others round each for
 * itself, so that a layer that becomes several of them may be two units away. */
static bool isolate(const struct ofa_export_graph *g, const struct ofa_quantised *q, int i, bool bare,
		    struct one_layer *o)
{
	static const char *const acts[] = {"", " relu", " relu6", " h-swish", " h-sigmoid"};
	const struct ofa_layer *l = &q->plan.layers[i];
	const bool product = l->op == OFA_OP_CONV || l->op == OFA_OP_DWCONV || l->op == OFA_OP_LINEAR;
	const bool more = product && (q->layers[i].table || l->residual >= 0);

	*o = (struct one_layer){.layer = *l, .numbers = q->layers[i], .op = g->ops[i]};
	o->values[0] = g->values[o->op.in];
	o->values[1] = g->values[o->op.out];
	o->op.in = 0;
	o->op.out = 1;
	o->limit = (more && !bare) || l->op == OFA_OP_SE ? 2 : 1;
	if (bare && !more)
		return false;
	if (bare)
		keep_product(o);
	else if (l->op == OFA_OP_ADD)
		add_input(o, o->numbers.in);
	else if (l->residual >= 0 && (l->c_in != l->c_out || l->stride != 1))
		return false;
	else if (l->residual >= 0)
		add_input(o, o->numbers.inner);
	snprintf(o->sort, sizeof(o->sort), "%s %dx%d/%d%s%s", ofa_op_name(l->op), l->k, l->k, l->stride,
		 acts[o->op.act], o->adds ? " + input" : "");
	return true;
}

static void write_export(const struct work *w, const struct ofa_export_graph *g, const char *name, const char *suffix,
			 enum ofa_status (*format)(const struct ofa_export_graph *, const struct ofa_export_options *,
						   struct ofa_buf *, struct ofa_error *),
			 enum ofa_export_io io)
{
	struct ofa_error err = {0};
	struct ofa_buf out;

	ofa_buf_init(&out, 1 << 24);
	ASSERT_OK(format(g, &(struct ofa_export_options){.io = io}, &out, &err), &err);
	case_write(w, name, suffix, out.data, out.len);
	ofa_buf_release(&out);
}

static void write_layer(const struct work *w, const struct ofa_export_graph *g, struct one_layer *o, const char *name,
			const int8_t *in)
{
	const struct ofa_export_value *x = &o->values[0], *y = &o->values[1];
	const size_t n_in = (size_t)x->h * x->w * x->c, n_out = (size_t)y->h * y->w * y->c;
	struct ofa_export_graph alone = *g;
	int8_t *out = malloc(n_out);
	float *floats = malloc((n_in + n_out) * sizeof(*floats));

	alone.n_ops = 1;
	alone.ops = &o->op;
	alone.values = o->values;
	alone.model.classes = (uint32_t)n_out;
	oracle_layer(&o->layer, &o->numbers, in, o->adds ? in : NULL, out);
	write_export(w, &alone, name, ".onnx", ofa_export_onnx, OFA_EXPORT_IO_FLOAT32);
	write_export(w, &alone, name, ".tflite", ofa_export_tflite, OFA_EXPORT_IO_FLOAT32);
	write_export(w, &alone, name, ".int8.tflite", ofa_export_tflite, OFA_EXPORT_IO_INT8);
	case_dequantise(in, n_in, x->affine, floats);
	case_dequantise(out, n_out, y->affine, floats + n_in);
	case_write(w, name, ".input", floats, n_in * sizeof(*floats));
	case_write(w, name, ".logits", floats + n_in, n_out * sizeof(*floats));
	case_write(w, name, ".input8", in, n_in);
	case_write(w, name, ".logits8", out, n_out);
	case_list(w, &(struct case_line){.name = name,
					 .dtype = "int8",
					 .layer = o->sort,
					 .in = {x->h, x->w, x->c},
					 .out = {y->h, y->w, y->c},
					 .affine = y->affine,
					 .limit = o->limit});
	free(out);
	free(floats);
}

/* Sorts of layers that were written. */
struct seen {
	char (*sort)[64];
	int n;
};

static bool is_new(struct seen *s, const char *sort)
{
	for (int i = 0; i < s->n; i++) {
		if (strcmp(s->sort[i], sort) == 0)
			return false;
	}
	snprintf(s->sort[s->n++], sizeof(*s->sort), "%s", sort);
	return true;
}

/* Every layer computed for the first image; those of a sort that was not seen before are written. */
static void walk(const struct work *w, const struct ofa_export_graph *g, const struct ofa_quantised *q, int8_t **value,
		 const char *name)
{
	struct seen seen = {calloc(2 * (size_t)q->plan.n_layers, sizeof(*seen.sort)), 0};
	struct one_layer *one = malloc(sizeof(*one));
	char layer_name[128];

	for (int i = 0; i < q->plan.n_layers; i++) {
		const struct ofa_layer *l = &q->plan.layers[i];
		const size_t bytes = (size_t)l->h_out * (size_t)l->w_out * (size_t)l->c_out;
		int8_t *out = malloc(bytes);

		for (int bare = 0; bare < 2; bare++) {
			if (!isolate(g, q, i, bare, one) || !is_new(&seen, one->sort))
				continue;
			snprintf(layer_name, sizeof(layer_name), "%s-layer-%d%s", name, i, bare ? "-bare" : "");
			write_layer(w, g, one, layer_name, value[l->in]);
		}
		oracle_layer(l, &q->layers[i], value[l->in], l->residual < 0 ? NULL : value[l->residual], out);
		memcpy(value[l->out], out, bytes);
		free(out);
	}
	free(seen.sort);
	free(one);
}

void case_layers(const struct work *w, const struct ofa_supernet *net, const struct ofa_arch *arch,
		 const uint8_t *package, size_t size, const char *name)
{
	struct ofa_quantised *q = quantise(net, arch);
	const struct ofa_value *input = &q->plan.values[0];
	const size_t pixels = (size_t)input->h * (size_t)input->w * (size_t)input->c;
	int8_t **value = calloc((size_t)q->plan.n_values, sizeof(*value));
	float *x = malloc(IMAGES * pixels * sizeof(*x));
	struct ofa_error err = {0};
	struct ofa_export_graph g;

	ASSERT_OK(ofa_export_graph_init(package, size, &g, &err), &err);
	for (int v = 0; v < q->plan.n_values; v++)
		value[v] =
			malloc((size_t)q->plan.values[v].h * (size_t)q->plan.values[v].w * (size_t)q->plan.values[v].c);
	case_images(w, &g.model, x);
	case_quantise(x, pixels, ofa_quantised_input_affine(q), value[0]);
	walk(w, &g, q, value, name);
	for (int v = 0; v < q->plan.n_values; v++)
		free(value[v]);
	free(value);
	free(x);
	ofa_export_graph_release(&g);
	ofa_quantised_free(q);
}
