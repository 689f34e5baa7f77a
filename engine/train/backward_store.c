/* Allocation of the backward pass's buffers. */
#include "train/backward.h"

#include <stdlib.h>
#include <string.h>

static size_t round16(size_t n)
{
	return (n + 15) / 16 * 16;
}

/* Largest map of one image and largest reordered kernel over the largest plan. */
static void extents(const struct ofa_plan *p, size_t *ret_map, size_t *ret_kernel)
{
	*ret_map = *ret_kernel = 0;
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		size_t map = (size_t)l->h_out * l->w_out * l->c_out;
		size_t kernel = (size_t)l->k * l->k * l->c_out * (l->op == OFA_OP_DWCONV ? 1 : l->c_in);

		*ret_map = map > *ret_map ? map : *ret_map;
		if (l->k > 1 && kernel > *ret_kernel)
			*ret_kernel = kernel;
	}
}

static enum ofa_status allocate(struct ofa_backward *bw, const struct ofa_batch *b, size_t map, size_t kernel,
				struct ofa_error *err)
{
	unsigned threads = ofa_pool_size(b->pool);
	size_t g = round16((size_t)b->max_batch * map), per_thread, at = 0;
	void *mem = NULL;

	per_thread = round16(bw->total) + round16(kernel) + 2 * b->max_channels;
	if (posix_memalign(&mem, 64, (3 * g + 3 * b->max_channels + threads * per_thread) * sizeof(float)) != 0)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the gradients of a batch of %d images",
				b->max_batch);
	bw->storage = mem;
	for (int i = 0; i < 3; i++, at += g)
		bw->g[i] = bw->storage + at;
	bw->coef_a = bw->storage + at;
	bw->coef_b = bw->coef_a + b->max_channels;
	bw->coef_k = bw->coef_b + b->max_channels;
	at += 3 * b->max_channels;
	for (unsigned t = 0; t < threads; t++, at += per_thread) {
		bw->acc[t] = bw->storage + at;
		bw->dwk[t] = bw->acc[t] + round16(bw->total);
		bw->sum[t] = bw->dwk[t] + round16(kernel);
		bw->dot[t] = bw->sum[t] + b->max_channels;
		memset(bw->acc[t], 0, bw->total * sizeof(float));
	}
	return OFA_OK;
}

enum ofa_status ofa_backward_init(struct ofa_backward *bw, const struct ofa_batch *b, int max_size,
				  struct ofa_error *err)
{
	struct ofa_plan *plan = malloc(sizeof *plan);
	struct ofa_arch a;
	size_t map, kernel;
	enum ofa_status st;

	memset(bw, 0, sizeof *bw);
	bw->offset = calloc((size_t)b->params->n, sizeof *bw->offset);
	if (!plan || !bw->offset) {
		free(plan);
		ofa_backward_release(bw);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the backward pass");
	}
	for (int i = 0; i < b->params->n; i++) {
		bw->offset[i] = bw->total;
		if (ofa_param_trained(&b->params->list[i]))
			bw->total += round16(b->params->list[i].elements);
	}
	ofa_arch_largest(b->space, &a);
	a.image_size = (uint16_t)max_size;
	ofa_plan_init(b->space, b->params, &a, plan);
	extents(plan, &map, &kernel);
	free(plan);
	st = allocate(bw, b, map, kernel, err);
	if (st != OFA_OK)
		ofa_backward_release(bw);
	return st;
}

void ofa_backward_release(struct ofa_backward *bw)
{
	free(bw->offset);
	free(bw->storage);
	memset(bw, 0, sizeof *bw);
}
