/* Inference on an extracted subnet.  Every thread takes its own images, a few at a time through all layers, so that
 * activations stay in its cache. */
#include "net/subnet.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "base/buf.h"
#include "net/layer.h"

#define VALUE_BUFFERS 4 /* input, output and a residual live at once; one to spare */
#define CHUNK_FLOATS ((size_t)128 << 10)

struct job {
	const struct ofa_subnet *sub;
	const struct ofa_kernels *kernels;
	const float *x;
	float *logits;
	int n, chunk;
	size_t scratch_floats, sum_floats;
	bool expands[OFA_PLAN_MAX_LAYERS];      /* this layer is computed inside the next one */
	int buffer_of[OFA_PLAN_MAX_LAYERS + 1]; /* by value; -1: the input itself */
	size_t buffer_floats[VALUE_BUFFERS];
	atomic_bool out_of_memory;
};

/* One thread's memory. */
struct work {
	float *value[VALUE_BUFFERS], *scratch;
	float *sums; /* of each image's channels, after a depthwise layer */
};

static size_t round16(size_t n)
{
	return (n + 15) / 16 * 16;
}

static size_t value_floats(const struct ofa_value *v)
{
	return (size_t)v->h * v->w * v->c;
}

/* A pointwise layer before a depthwise one, alone in reading it, and of a map wide enough to be computed line by
 * line. */
static bool expands(const struct job *j, const struct ofa_plan *p, int i)
{
	const struct ofa_layer *l = &p->layers[i], *next = l + 1;

	return i + 1 < p->n_layers && l->op == OFA_OP_CONV && l->k == 1 && l->stride == 1 && l->residual < 0 &&
	       l->c_out % OFA_WEIGHT_PANEL == 0 && l->w_out >= 2 * j->kernels->few_pixels &&
	       next->op == OFA_OP_DWCONV && next->in == l->out && p->values[l->out].last_layer == i + 1;
}

/* A value takes the first buffer whose value nobody reads any more; one that exists nowhere as a whole takes none. */
static void assign_buffers(struct job *j, const struct ofa_plan *p)
{
	int busy_until[VALUE_BUFFERS];

	memset(busy_until, -1, sizeof busy_until);
	j->buffer_of[0] = -1;
	for (int i = 0; i < p->n_layers; i++)
		j->expands[i] = expands(j, p, i);
	for (int v = 1; v < p->n_values; v++) {
		const struct ofa_value *value = &p->values[v];
		const size_t floats = round16(value_floats(value) * (size_t)j->chunk);

		for (int i = 0; i < VALUE_BUFFERS && !j->expands[value->first_layer]; i++) {
			if (busy_until[i] >= value->first_layer)
				continue;
			j->buffer_of[v] = i;
			busy_until[i] = value->last_layer + j->expands[value->last_layer];
			if (floats > j->buffer_floats[i])
				j->buffer_floats[i] = floats;
			break;
		}
	}
}

static void run_chunk(const struct job *j, struct work *w, int first, int count)
{
	const struct ofa_plan *p = &j->sub->plan;
	const float *x = j->x + (size_t)first * value_floats(&p->values[0]);

	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i], *expand = i > 0 && j->expands[i - 1] ? l - 1 : NULL;
		const struct ofa_layer_weights *lw = &j->sub->weights[i];
		const int read = expand ? expand->in : l->in;
		const float *in = j->buffer_of[read] < 0 ? x : w->value[j->buffer_of[read]];
		float *out =
			i == p->n_layers - 1 ? j->logits + (size_t)first * p->classes : w->value[j->buffer_of[l->out]];
		const float *res = l->residual < 0                 ? NULL
				   : j->buffer_of[l->residual] < 0 ? x
								   : w->value[j->buffer_of[l->residual]];

		if (j->expands[i])
			continue;
		ofa_layer_run(&(struct ofa_layer_run){
			.kernels = j->kernels,
			.layer = l,
			.weights = lw,
			.expand = expand,
			.expand_weights = expand ? lw - 1 : NULL,
			.in = in,
			.residual = res,
			.out = out,
			.count = count,
			.scratch = w->scratch,
			.sums = w->sums,
			.summed = l->op == OFA_OP_SE && l[-1].op == OFA_OP_DWCONV,
		});
	}
}

static void run_thread(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	struct work w;
	size_t begin, end, total = j->scratch_floats + j->sum_floats;
	float *mem;

	ofa_pool_part((size_t)j->n, t, threads, &begin, &end);
	if (begin == end)
		return;
	for (int i = 0; i < VALUE_BUFFERS; i++)
		total += j->buffer_floats[i];
	mem = ofa_large_alloc(total * sizeof *mem);
	if (!mem) {
		atomic_store(&j->out_of_memory, true);
		return;
	}
	w.scratch = mem;
	w.sums = w.scratch + j->scratch_floats;
	w.value[0] = w.sums + j->sum_floats;
	for (int i = 1; i < VALUE_BUFFERS; i++)
		w.value[i] = w.value[i - 1] + j->buffer_floats[i - 1];
	for (size_t i = begin; i < end; i += (size_t)j->chunk)
		run_chunk(j, &w, (int)i, end - i < (size_t)j->chunk ? (int)(end - i) : j->chunk);
	free(mem);
}

enum ofa_status ofa_subnet_forward(const struct ofa_subnet *sub, const float *x, int n, struct ofa_pool *pool,
				   float *logits, struct ofa_error *err)
{
	const struct ofa_plan *p = &sub->plan;
	struct job j = {.sub = sub, .kernels = ofa_kernels(), .x = x, .logits = logits, .n = n};
	size_t map = 1;

	for (int i = 1; i < p->n_values; i++)
		map = value_floats(&p->values[i]) > map ? value_floats(&p->values[i]) : map;
	j.chunk = (int)(CHUNK_FLOATS / (2 * map));
	j.chunk = j.chunk < 1 ? 1 : j.chunk > n ? n : j.chunk;
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		size_t scratch = round16(ofa_layer_scratch(l, j.chunk)), sums = round16((size_t)j.chunk * l->c_out);

		j.scratch_floats = scratch > j.scratch_floats ? scratch : j.scratch_floats;
		j.sum_floats = sums > j.sum_floats ? sums : j.sum_floats;
	}
	assign_buffers(&j, p);
	ofa_pool_run(pool, run_thread, &j);
	if (atomic_load(&j.out_of_memory))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to run a subnet");
	return OFA_OK;
}
