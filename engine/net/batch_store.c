/* Where a batch's tensors live: sized for the largest plan, laid out anew for each. */
#include "net/batch_store.h"

#include <stdlib.h>
#include <string.h>
#include "net/prepare.h"

#define ALIGN_FLOATS 16u
#define ROTATING 2

/* Hands out parts of the storage; with no storage it only adds up. */
struct bump {
	float *base;
	size_t used;
};

static float *take(struct bump *m, size_t floats)
{
	float *p = m->base ? m->base + m->used : NULL;

	m->used += (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
	return p;
}

static size_t out_floats(const struct ofa_layer *l)
{
	return (size_t)l->h_out * l->w_out * l->c_out;
}

bool ofa_batch_boundary(const struct ofa_plan *plan, int li)
{
	const struct ofa_layer *l = &plan->layers[li];

	if (l->op == OFA_OP_POOL)
		return true;
	if (l->op != OFA_OP_CONV || l->bn < 0)
		return false;
	return l->act == OFA_ACT_NONE || l->residual >= 0 || plan->values[l->out].last_layer > li + 1;
}

static void weights_layout(struct ofa_batch_layer *bl, const struct ofa_layer *l, struct bump *m)
{
	if (l->op == OFA_OP_DWCONV)
		bl->wk = take(m, (size_t)l->k * l->k * l->c_out);
	else if (l->op == OFA_OP_CONV && l->k > 1)
		bl->wk = take(m, (size_t)l->k * l->k * l->c_in * l->c_out);
	if (l->op == OFA_OP_CONV || l->op == OFA_OP_DWCONV) {
		bl->scale = take(m, (size_t)l->c_out);
		bl->shift = take(m, (size_t)l->c_out);
		if (l->bn >= 0) {
			bl->mean = take(m, (size_t)l->c_out);
			bl->var = take(m, (size_t)l->c_out);
			bl->invstd = take(m, (size_t)l->c_out);
		}
	}
}

static void se_layout(struct ofa_batch_layer *bl, const struct ofa_layer *l, size_t n, struct bump *m)
{
	bl->squeeze = take(m, n * l->c_in);
	bl->hidden = take(m, n * l->hidden);
	bl->gate_in = take(m, n * l->c_in);
	bl->gate = take(m, n * l->c_in);
}

/* keep: every z and y has a place of its own.  Else z alternates between two (a layer reads only the one before it)
 * and so does y (a block reads its input while its output is made). */
static void layout(struct ofa_batch *b, const struct ofa_plan *plan, int n, struct bump *m)
{
	size_t z_max = 0, y_max = 0;
	float *z[ROTATING], *y[ROTATING];
	int zi = 0, yi = 0;

	memset(b->layers, 0, sizeof b->layers);
	for (int i = 0; i < plan->n_layers; i++) {
		size_t f = (size_t)n * out_floats(&plan->layers[i]);

		z_max = f > z_max ? f : z_max;
		if (ofa_batch_boundary(plan, i))
			y_max = f > y_max ? f : y_max;
	}
	for (int i = 0; i < ROTATING && !b->keep; i++) {
		z[i] = take(m, z_max);
		y[i] = take(m, y_max);
	}
	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		struct ofa_batch_layer *bl = &b->layers[i];
		size_t f = (size_t)n * out_floats(l);

		weights_layout(bl, l, m);
		if (l->op == OFA_OP_SE) {
			se_layout(bl, l, (size_t)n, m);
			continue;
		}
		if (l->op != OFA_OP_POOL)
			bl->z = b->keep ? take(m, f) : z[zi++ % ROTATING];
		if (ofa_batch_boundary(plan, i))
			bl->y = b->keep ? take(m, f) : y[yi++ % ROTATING];
	}
}

static size_t padded_floats(int h, int w, int c, int pad)
{
	return (size_t)(h + 2 * pad) * (w + 2 * pad) * c;
}

static size_t patch_floats(const struct ofa_layer *l)
{
	return (size_t)l->h_out * l->w_out * l->k * l->k * l->c_in;
}

size_t ofa_batch_forward_floats(const struct ofa_layer *l)
{
	if (l->op == OFA_OP_DWCONV)
		return padded_floats(l->h_in, l->w_in, l->c_in, l->pad);
	return padded_floats(l->h_in, l->w_in, l->c_in, 0) + (l->k > 1 ? patch_floats(l) : 0);
}

size_t ofa_batch_backward_floats(const struct ofa_layer *l)
{
	size_t in = padded_floats(l->h_in, l->w_in, l->c_in, 0), gates = 4 * (size_t)l->c_in;

	if (l->op == OFA_OP_DWCONV)
		return out_floats(l) + padded_floats(l->h_out, l->w_out, l->c_out, l->pad) +
		       padded_floats(l->h_in, l->w_in, l->c_in, l->pad) + in;
	if (l->k > 1)
		return out_floats(l) + patch_floats(l);
	/* The hidden units of one or two channels outnumber them (make divisible). */
	if (gates < 2 * (size_t)l->c_in + ofa_se_channels(l->c_in))
		gates = 2 * (size_t)l->c_in + ofa_se_channels(l->c_in);
	return out_floats(l) + 3 * in + gates;
}

/* A pass takes either one image or as many as stay within OFA_BATCH_CHUNK_FLOATS. */
static size_t scratch_need(const struct ofa_plan *plan)
{
	size_t need = OFA_BATCH_CHUNK_FLOATS;

	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		size_t prep = l->op == OFA_OP_DWCONV ? ofa_depthwise_scratch(l) : 0;
		size_t one = ofa_batch_forward_floats(l);

		if (ofa_batch_backward_floats(l) > one)
			one = ofa_batch_backward_floats(l);
		need = one > need ? one : need;
		need = prep > need ? prep : need;
	}
	return (need + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static size_t max_channels(const struct ofa_plan *plan)
{
	int c = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		c = plan->layers[i].c_out > c ? plan->layers[i].c_out : c;
		c = plan->layers[i].c_in > c ? plan->layers[i].c_in : c;
	}
	return ((size_t)c + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static float *alloc_floats(size_t n)
{
	void *p = NULL;

	if (n > SIZE_MAX / sizeof(float) / 2 || posix_memalign(&p, 64, n * sizeof(float)) != 0)
		return NULL;
	return p;
}

enum ofa_status ofa_batch_init_plan(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
				    int max_batch, const struct ofa_plan *plan, bool keep, struct ofa_pool *pool,
				    struct ofa_error *err)
{
	struct bump m = {0};
	unsigned threads = ofa_pool_size(pool);
	float *per_thread;

	memset(b, 0, sizeof *b);
	b->space = s;
	b->params = p;
	b->kernels = ofa_kernels();
	b->pool = pool;
	b->keep = keep;
	b->max_batch = max_batch;
	layout(b, plan, max_batch, &m);
	b->storage_floats = m.used;
	b->scratch_floats = scratch_need(plan);
	b->max_channels = max_channels(plan);
	b->storage = alloc_floats(b->storage_floats);
	per_thread = alloc_floats(threads * (b->scratch_floats + 3 * b->max_channels));
	b->scratch[0] = per_thread;
	if (!b->storage || !per_thread) {
		ofa_batch_release(b);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a batch of %d images (%zu MB)", max_batch,
				b->storage_floats * sizeof(float) >> 20);
	}
	for (unsigned t = 0; t < threads; t++) {
		b->scratch[t] = per_thread + t * (b->scratch_floats + 3 * b->max_channels);
		b->stat_sum[t] = b->scratch[t] + b->scratch_floats;
		b->stat_square[t] = b->stat_sum[t] + b->max_channels;
		b->stat_origin[t] = b->stat_square[t] + b->max_channels;
	}
	return OFA_OK;
}

enum ofa_status ofa_batch_init(struct ofa_batch *b, const struct ofa_space *s, const struct ofa_params *p,
			       int max_batch, int max_size, bool keep, struct ofa_pool *pool, struct ofa_error *err)
{
	struct ofa_arch a;
	struct ofa_plan *plan = malloc(sizeof *plan);
	enum ofa_status st;

	memset(b, 0, sizeof *b);
	if (!plan)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan");
	ofa_arch_largest(s, &a);
	a.image_size = (uint16_t)max_size;
	ofa_plan_init(s, p, &a, plan);
	st = ofa_batch_init_plan(b, s, p, max_batch, plan, keep, pool, err);
	free(plan);
	return st;
}

void ofa_batch_release(struct ofa_batch *b)
{
	free(b->storage);
	free(b->scratch[0]);
	b->storage = NULL;
	b->scratch[0] = NULL;
}

void ofa_batch_place(struct ofa_batch *b, int n)
{
	struct bump m = {.base = b->storage};

	layout(b, &b->plan, n, &m);
}
