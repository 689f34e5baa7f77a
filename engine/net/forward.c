/* Inference on an extracted subnet.  Every thread takes its own images, a few at a time through all layers, so that
 * activations stay in its cache. */
#include "net/subnet.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "ops/depthwise.h"
#include "net/prepare.h"
#include "ops/kernels.h"
#include "tensor/gemm.h"

#define VALUE_BUFFERS 4 /* input, output and a residual live at once; one to spare */
#define CHUNK_FLOATS ((size_t)128 << 10)

struct job {
	const struct ofa_subnet *sub;
	const struct ofa_kernels *kernels;
	const float *x, *ones, *zeros;
	float *logits;
	int n, chunk;
	size_t map_floats, scratch_floats;
	int buffer_of[OFA_PLAN_MAX_LAYERS + 1]; /* by value; -1: the input itself */
	atomic_bool out_of_memory;
};

/* One thread's memory. */
struct work {
	float *value[VALUE_BUFFERS], *scratch;
};

static size_t value_floats(const struct ofa_value *v)
{
	return (size_t)v->h * v->w * v->c;
}

static size_t layer_scratch(const struct ofa_layer *l)
{
	if (l->op == OFA_OP_DWCONV)
		return (size_t)(l->h_in + 2 * l->pad) * (l->w_in + 2 * l->pad) * l->c_in;
	if (l->op == OFA_OP_CONV && l->k > 1) {
		struct ofa_conv c = ofa_layer_conv(l);

		return ofa_conv_floats(&c);
	}
	return l->op == OFA_OP_SE ? 2 * (size_t)l->c_in + l->hidden : 0;
}

/* A value takes the first buffer whose value nobody reads any more. */
static void assign_buffers(const struct ofa_plan *p, int *buffer_of)
{
	int busy_until[VALUE_BUFFERS];

	memset(busy_until, -1, sizeof busy_until);
	buffer_of[0] = -1;
	for (int v = 1; v < p->n_values; v++) {
		for (int i = 0; i < VALUE_BUFFERS; i++) {
			if (busy_until[i] >= p->values[v].first_layer)
				continue;
			buffer_of[v] = i;
			busy_until[i] = p->values[v].last_layer;
			break;
		}
	}
}

static void conv(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw, const float *in,
		 const float *res, float *out, int count, float *scratch)
{
	int rows = count * l->h_out * l->w_out;

	if (l->k > 1) {
		struct ofa_conv c = ofa_layer_conv(l);

		ofa_conv_run(&c, count, in, lw->w, scratch, out);
	} else {
		ofa_gemm_nt(rows, l->c_out, l->c_in, in, l->c_in, lw->w, l->c_in, 0.0f, out, l->c_out);
	}
	j->kernels->bn_act(out, res, rows, l->c_out, j->ones, lw->b, l->act, out);
}

static void depthwise(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw,
		      const float *in, float *out, int count, float *planes)
{
	int c = l->c_out;
	size_t in_map = (size_t)l->h_in * l->w_in * c, out_map = (size_t)l->h_out * l->w_out * c;
	struct ofa_depthwise d;

	ofa_depthwise_forward(l->k, l->stride, l->h_in, l->w_in, c, &d);
	memset(planes, 0, layer_scratch(l) * sizeof *planes);
	for (int i = 0; i < count; i++, in += in_map, out += out_map) {
		j->kernels->to_planes(in, l->h_in, l->w_in, c, NULL, NULL, OFA_ACT_NONE, planes, l->pad);
		j->kernels->depthwise(&d, planes, lw->w, c, out);
		j->kernels->bn_act(out, NULL, l->h_out * l->w_out, c, j->ones, lw->b, l->act, out);
	}
}

static void squeeze_excite(const struct job *j, const struct ofa_layer *l, const struct ofa_layer_weights *lw, float *x,
			   int count, float *scratch)
{
	int hw = l->h_in * l->w_in, c = l->c_in, hid = l->hidden;
	float *mean = scratch, *hidden = mean + c, *gate = hidden + hid;

	for (int i = 0; i < count; i++, x += (size_t)hw * c) {
		memset(mean, 0, (size_t)c * sizeof *mean);
		j->kernels->column_sum(x, hw, c, mean);
		for (int k = 0; k < c; k++)
			mean[k] *= 1.0f / (float)hw;
		ofa_gemm_nt(1, hid, c, mean, c, lw->w, c, 0.0f, hidden, hid);
		j->kernels->bn_act(hidden, NULL, 1, hid, j->ones, lw->b, OFA_ACT_RELU, hidden);
		ofa_gemm_nt(1, c, hid, hidden, hid, lw->w2, hid, 0.0f, gate, c);
		j->kernels->bn_act(gate, NULL, 1, c, j->ones, lw->b2, OFA_ACT_HSIGMOID, gate);
		j->kernels->scale_columns(x, hw, c, gate);
	}
}

static void average(const struct job *j, const struct ofa_layer *l, const float *in, float *out, int count)
{
	int hw = l->h_in * l->w_in, c = l->c_in;

	for (int i = 0; i < count; i++, in += (size_t)hw * c, out += c) {
		memset(out, 0, (size_t)c * sizeof *out);
		j->kernels->column_sum(in, hw, c, out);
		for (int k = 0; k < c; k++)
			out[k] *= 1.0f / (float)hw;
	}
}

static void windows(const struct job *j, const struct ofa_layer *l, const float *in, float *out, int count)
{
	const struct ofa_window p = ofa_layer_window(l);

	for (int i = 0; i < count; i++) {
		if (l->op == OFA_OP_MAX_POOL)
			ofa_pool_max(j->kernels, &p, in, out);
		else
			ofa_pool_average(j->kernels, &p, in, out);
		in += (size_t)l->h_in * l->w_in * l->c_in;
		out += (size_t)l->h_out * l->w_out * l->c_out;
	}
}

static void run_chunk(const struct job *j, struct work *w, int first, int count)
{
	const struct ofa_plan *p = &j->sub->plan;
	const float *x = j->x + (size_t)first * value_floats(&p->values[0]);

	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		const struct ofa_layer_weights *lw = &j->sub->weights[i];
		const float *in = j->buffer_of[l->in] < 0 ? x : w->value[j->buffer_of[l->in]];
		float *out =
			i == p->n_layers - 1 ? j->logits + (size_t)first * p->classes : w->value[j->buffer_of[l->out]];
		const float *res = l->residual < 0                 ? NULL
				   : j->buffer_of[l->residual] < 0 ? x
								   : w->value[j->buffer_of[l->residual]];

		switch (l->op) {
		case OFA_OP_CONV:
		case OFA_OP_LINEAR:
			conv(j, l, lw, in, res, out, count, w->scratch);
			break;
		case OFA_OP_DWCONV:
			depthwise(j, l, lw, in, out, count, w->scratch);
			break;
		case OFA_OP_SE:
			squeeze_excite(j, l, lw, out, count, w->scratch);
			break;
		case OFA_OP_MAX_POOL:
		case OFA_OP_AVERAGE_POOL:
			windows(j, l, in, out, count);
			break;
		case OFA_OP_ADD:
			j->kernels->bn_act(in, res, count * l->h_out * l->w_out, l->c_out, j->ones, j->zeros, l->act,
					   out);
			break;
		default:
			average(j, l, in, out, count);
		}
	}
}

static void run_thread(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	struct work w;
	size_t begin, end;
	void *mem = NULL;

	ofa_pool_part((size_t)j->n, t, threads, &begin, &end);
	if (begin == end)
		return;
	if (posix_memalign(&mem, 64, (VALUE_BUFFERS * j->map_floats + j->scratch_floats) * sizeof(float)) != 0) {
		atomic_store(&j->out_of_memory, true);
		return;
	}
	for (int i = 0; i < VALUE_BUFFERS; i++)
		w.value[i] = (float *)mem + (size_t)i * j->map_floats;
	w.scratch = (float *)mem + VALUE_BUFFERS * j->map_floats;
	for (size_t i = begin; i < end; i += (size_t)j->chunk)
		run_chunk(j, &w, (int)i, end - i < (size_t)j->chunk ? (int)(end - i) : j->chunk);
	free(mem);
}

enum ofa_status ofa_subnet_forward(const struct ofa_subnet *sub, const float *x, int n, struct ofa_pool *pool,
				   float *logits, struct ofa_error *err)
{
	const struct ofa_plan *p = &sub->plan;
	struct job j = {.sub = sub, .kernels = ofa_kernels(), .x = x, .logits = logits, .n = n};
	size_t map = 1, scratch = 1, channels = 1;
	float *ones;

	for (int i = 1; i < p->n_values; i++)
		map = value_floats(&p->values[i]) > map ? value_floats(&p->values[i]) : map;
	for (int i = 0; i < p->n_layers; i++) {
		size_t s = layer_scratch(&p->layers[i]);

		scratch = s > scratch ? s : scratch;
		channels = (size_t)p->layers[i].c_out > channels ? (size_t)p->layers[i].c_out : channels;
		channels = (size_t)p->layers[i].hidden > channels ? (size_t)p->layers[i].hidden : channels;
	}
	j.chunk = (int)(CHUNK_FLOATS / (2 * map));
	j.chunk = j.chunk < 1 ? 1 : j.chunk > n ? n : j.chunk;
	j.map_floats = (map * (size_t)j.chunk + 15) / 16 * 16;
	j.scratch_floats = scratch;
	ones = calloc(2 * channels, sizeof *ones);
	if (!ones)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to run a subnet");
	for (size_t i = 0; i < channels; i++)
		ones[i] = 1.0f;
	j.ones = ones;
	j.zeros = ones + channels;
	assign_buffers(p, j.buffer_of);
	ofa_pool_run(pool, run_thread, &j);
	free(ones);
	if (atomic_load(&j.out_of_memory))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to run a subnet");
	return OFA_OK;
}
