#include "quantise/equalise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ops/kernels.h"

#define MOST 16.0f /* nothing is scaled by more than this, or less than one in it */

static float *copied(float *to, const float *from, const float *w)
{
	return w ? to + (w - from) : NULL;
}

static enum ofa_status copy(const struct ofa_subnet *sub, struct ofa_subnet **ret, struct ofa_error *err)
{
	struct ofa_subnet *s = malloc(sizeof(*s));
	float *storage = ofa_large_alloc(sub->storage_floats * sizeof(*storage));

	if (!s || !storage) {
		free(s);
		free(storage);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a subnet");
	}
	*s = *sub;
	s->storage = storage;
	s->borrowed = false;
	memcpy(storage, sub->storage, sub->storage_floats * sizeof(*storage));
	for (int i = 0; i < s->plan.n_layers; i++) {
		struct ofa_layer_weights *lw = &s->weights[i];

		*lw = (struct ofa_layer_weights){
			.w = copied(storage, sub->storage, lw->w),
			.b = copied(storage, sub->storage, lw->b),
			.w2 = copied(storage, sub->storage, lw->w2),
			.b2 = copied(storage, sub->storage, lw->b2),
		};
	}
	*ret = s;
	return OFA_OK;
}

/* Weight t of output o of an array of the subnet's, of rows of `columns`. */
static float *weight(const struct ofa_subnet *s, const float *w, int columns, int o, int t)
{
	const size_t at = ((size_t)o / OFA_WEIGHT_PANEL * (size_t)columns + (size_t)t) * OFA_WEIGHT_PANEL;

	return s->storage + (w - s->storage) + at + (size_t)o % OFA_WEIGHT_PANEL;
}

/* The layer that alone reads what `first` writes, but for SE in between; -1: there is none, or scaling would not go
 * through it. */
static int reader(const struct ofa_plan *p, int first)
{
	const struct ofa_layer *l = &p->layers[first];
	int found = -1;

	if ((l->op != OFA_OP_CONV && l->op != OFA_OP_DWCONV) || l->act != OFA_ACT_RELU || l->residual >= 0)
		return -1;
	for (int i = first + 1; i < p->n_layers; i++) {
		const struct ofa_layer *next = &p->layers[i];

		if (next->residual == l->out)
			return -1;
		if (next->in != l->out || next->op == OFA_OP_SE)
			continue;
		if (found >= 0 || (next->op != OFA_OP_CONV && next->op != OFA_OP_DWCONV))
			return -1;
		found = i;
	}
	return found;
}

/* What the weights that read a channel are multiplied by: the square root of the channel's mean over their largest, or,
 * where no other channel shares those weights' scales, its mean. */
static float factor(const struct ofa_subnet *s, int next, const float *mean, int c)
{
	const struct ofa_layer *l = &s->plan.layers[next];
	const int taps = l->k * l->k;
	float most = 0;

	if (l->op == OFA_OP_DWCONV)
		return mean[c];
	for (int o = 0; o < l->c_out; o++)
		for (int t = 0; t < taps; t++)
			most = fmaxf(most, fabsf(*weight(s, s->weights[next].w, taps * l->c_in, o, t * l->c_in + c)));
	return most > 0 ? sqrtf(mean[c] / most) : 0;
}

/* Channel c between two layers divided by f. */
static void scale_channel(struct ofa_subnet *s, int first, int next, int c, float f)
{
	const struct ofa_layer *a = &s->plan.layers[first], *b = &s->plan.layers[next];
	const int in = a->op == OFA_OP_DWCONV ? a->k * a->k : a->k * a->k * a->c_in, taps = b->k * b->k;

	for (int t = 0; t < in; t++)
		*weight(s, s->weights[first].w, in, c, t) /= f;
	*(s->storage + (s->weights[first].b - s->storage) + c) /= f;
	for (int i = first + 1; i < next; i++)
		if (s->plan.layers[i].op == OFA_OP_SE && s->plan.layers[i].in == a->out)
			for (int h = 0; h < s->plan.layers[i].hidden; h++)
				*weight(s, s->weights[i].w, a->c_out, h, c) *= f;
	for (int t = 0; t < taps; t++) {
		if (b->op == OFA_OP_DWCONV)
			*weight(s, s->weights[next].w, taps, c, t) *= f;
		for (int o = 0; o < b->c_out && b->op == OFA_OP_CONV; o++)
			*weight(s, s->weights[next].w, taps * b->c_in, o, t * b->c_in + c) *= f;
	}
}

/* Factors are relative to their geometric mean, so that the layer's scale stays about what it was. */
static void equalise_pair(struct ofa_subnet *s, int first, int next, const float *mean)
{
	const int channels = s->plan.layers[first].c_out;
	double logs = 0;
	int alive = 0;

	for (int c = 0; c < channels; c++) {
		const float f = factor(s, next, mean, c);

		if (f > 0) {
			logs += log(f);
			alive++;
		}
	}
	for (int c = 0; c < channels; c++) {
		const float f = factor(s, next, mean, c);

		if (f > 0)
			scale_channel(s, first, next, c, fminf(fmaxf(f / (float)exp(logs / alive), 1 / MOST), MOST));
	}
}

enum ofa_status ofa_equalise(const struct ofa_subnet *sub, const struct ofa_observation *seen, struct ofa_subnet **ret,
			     struct ofa_error *err)
{
	struct ofa_subnet *s = NULL;
	enum ofa_status st = copy(sub, &s, err);

	if (st != OFA_OK)
		return st;
	for (int i = 0; i < s->plan.n_layers; i++) {
		const int next = reader(&s->plan, i);

		/* after SE the mean is another one, but SE's gates are much alike */
		if (next >= 0)
			equalise_pair(s, i, next, seen->layers[next].mean);
	}
	*ret = s;
	return OFA_OK;
}
