/* Channel sorting before elastic width: importance is the L1 norm of what a channel feeds (spec 4.6). */
#include "train/step.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranked {
	int band;
	float importance;
	int index;
};

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->band != y->band)
		return x->band < y->band ? -1 : 1;
	if (x->importance != y->importance)
		return x->importance > y->importance ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Scratch for the widest layer: ranks, and one copy of the largest parameter. */
struct scratch {
	struct ranked *rank;
	float *copy;
};

/* Ranks the n columns of w (rows, n); `bound` holds the ends of the bands that stay in place. */
static void rank_columns(const float *w, int rows, int n, const int *bound, int n_bounds, struct ranked *rank)
{
	for (int i = 0; i < n; i++) {
		float sum = 0;
		for (int o = 0; o < rows; o++)
			sum += fabsf(w[(size_t)o * (size_t)n + (size_t)i]);
		int band = 0;
		while (band < n_bounds && i >= bound[band])
			band++;
		rank[i] = (struct ranked){band, sum, i};
	}
	qsort(rank, (size_t)n, sizeof(*rank), by_rank);
}

/* x as (outer, n, inner): entry i of the middle axis becomes what entry rank[i].index was. */
static void permute(float *x, size_t outer, int n, size_t inner, const struct scratch *s)
{
	size_t plane = (size_t)n * inner;
	memcpy(s->copy, x, outer * plane * sizeof(*x));
	for (size_t o = 0; o < outer; o++)
		for (int i = 0; i < n; i++)
			memcpy(x + o * plane + (size_t)i * inner,
			       s->copy + o * plane + (size_t)s->rank[i].index * inner, inner * sizeof(*x));
}

/* Permutes a parameter (if present) along its first axis, `after` ids that follow it too. */
static void permute_rows(struct ofa_train_params *w, int id, int following, const struct scratch *s)
{
	for (int i = id; id >= 0 && i <= id + following; i++) {
		const struct ofa_param *p = &w->params->list[i];
		permute(w->data[i], 1, p->shape[0], p->elements / (size_t)p->shape[0], s);
	}
}

static void permute_columns(struct ofa_train_params *w, int id, const struct scratch *s)
{
	const struct ofa_param *p = &w->params->list[id];
	permute(w->data[id], (size_t)p->shape[0], p->shape[1], p->elements / (size_t)p->shape[0] / (size_t)p->shape[1],
		s);
}

/* The hidden units of squeeze-and-excitation are always sorted over their whole width. */
static void sort_hidden(struct ofa_train_params *w, const struct ofa_block_params *b, const struct scratch *s)
{
	const struct ofa_param *p = &w->params->list[b->se_expand];
	rank_columns(w->data[b->se_expand], p->shape[0], p->shape[1], NULL, 0, s->rank);
	permute_columns(w, b->se_expand, s);
	permute_rows(w, b->se_reduce, 0, s);
	permute_rows(w, b->se_reduce_bias, 0, s);
}

static void sort_block(struct ofa_train_params *w, const struct ofa_block_params *b, const int *bound, int n_bounds,
		       const struct scratch *s)
{
	enum { BN_FOLLOWING = 3 }; /* beta, mean and variance follow gamma */
	const struct ofa_param *p = &w->params->list[b->project];
	rank_columns(w->data[b->project], p->shape[0], p->shape[1], bound, n_bounds, s->rank);
	permute_columns(w, b->project, s);
	permute_rows(w, b->depthwise, 0, s);
	permute_rows(w, b->depthwise_bn, BN_FOLLOWING, s);
	permute_rows(w, b->expand, 0, s);
	permute_rows(w, b->expand_bn, BN_FOLLOWING, s);
	if (b->se_expand < 0)
		return;
	permute_rows(w, b->se_expand, 0, s);
	permute_rows(w, b->se_expand_bias, 0, s);
	permute_columns(w, b->se_reduce, s);
	sort_hidden(w, b, s);
}

static size_t widest(const struct ofa_params *p)
{
	size_t n = 1;
	for (int i = 0; i < p->n; i++)
		for (int j = 0; j < 2 && j < p->list[i].rank; j++)
			if ((size_t)p->list[i].shape[j] > n)
				n = (size_t)p->list[i].shape[j];
	return n;
}

enum ofa_status ofa_train_sort_channels(struct ofa_train_params *w, int n_bands, const float *bands,
					struct ofa_error *err)
{
	if (n_bands < 0 || n_bands > OFA_MAX_CHOICES)
		return ofa_fail(err, OFA_ERR_INVALID, "bands", "%d bands, 0..%d are accepted", n_bands,
				OFA_MAX_CHOICES);
	struct scratch s = {malloc(widest(w->params) * sizeof(*s.rank)),
			    malloc(w->params->max_elements * sizeof(float))};
	enum ofa_status status = OFA_OK;
	if (!s.rank || !s.copy)
		status = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to sort channels");
	for (int i = 0; i < w->space->n_stages && !status; i++) {
		const struct ofa_stage *st = &w->space->stages[i];
		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			const struct ofa_block_params *block = &w->params->blocks[b];
			if (block->expand < 0) /* its channels are the input's: nothing of its own to sort */
				continue;
			int c_in = w->params->list[block->expand].shape[1], bound[OFA_MAX_CHOICES];
			for (int j = 0; j < n_bands; j++)
				bound[j] = ofa_mid_channels(c_in, bands[j]);
			sort_block(w, block, bound, n_bands, &s);
		}
	}
	free(s.rank);
	free(s.copy);
	return status;
}
