/* Extraction: slices, baked kernel transforms, folded BN. */
#include "net/subnet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "net/prepare.h"

static size_t round16(size_t n)
{
	return (n + 15) / 16 * 16;
}

/* Floats of a layer's w, b, w2, b2. */
static void sizes(const struct ofa_layer *l, size_t n[4])
{
	memset(n, 0, 4 * sizeof *n);
	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_LINEAR:
		n[0] = (size_t)l->c_out * l->c_in * l->k * l->k;
		n[1] = (size_t)l->c_out;
		break;
	case OFA_OP_DWCONV:
		n[0] = (size_t)l->c_out * l->k * l->k;
		n[1] = (size_t)l->c_out;
		break;
	case OFA_OP_SE:
		n[0] = n[2] = (size_t)l->hidden * l->c_in;
		n[1] = (size_t)l->hidden;
		n[3] = (size_t)l->c_in;
		break;
	default:
		break;
	}
}

/* rows x cols of a matrix whose rows are `ld` apart. */
static void slice(const float *from, int rows, int cols, int ld, float *to)
{
	for (int i = 0; i < rows; i++)
		memcpy(to + (size_t)i * cols, from + (size_t)i * ld, (size_t)cols * sizeof *to);
}

/* w *= gamma/sqrt(var+eps) per output channel, b = beta - mean * that. */
static void fold(const struct ofa_supernet *net, const struct ofa_layer *l, const float *mean, const float *var,
		 float *w, float *b)
{
	const float *gamma = net->data[l->bn], *beta = net->data[l->bn + 1];
	size_t per_out = l->op == OFA_OP_DWCONV ? 0 : (size_t)l->k * l->k * l->c_in;

	for (int c = 0; c < l->c_out; c++) {
		float s = (float)(gamma[c] / sqrt((double)var[c] + net->space.bn_eps));

		b[c] = beta[c] - mean[c] * s;
		for (size_t i = 0; i < per_out; i++)
			w[(size_t)c * per_out + i] *= s;
		for (int i = 0; per_out == 0 && i < l->k * l->k; i++)
			w[(size_t)i * l->c_out + c] *= s;
	}
}

static void extract_layer(const struct ofa_supernet *net, const struct ofa_layer *l, const float *mean,
			  const float *var, float *scratch, float *w, float *b, float *w2, float *b2)
{
	const struct ofa_param *p = l->weight >= 0 ? &net->params.list[l->weight] : NULL;

	switch (l->op) {
	case OFA_OP_CONV:
		if (l->k == 1)
			slice(net->data[l->weight], l->c_out, l->c_in, p->shape[1], w);
		else
			ofa_conv_prepare(l, p, net->data[l->weight], w);
		break;
	case OFA_OP_DWCONV:
		ofa_depthwise_prepare(l, net->data, scratch, w);
		break;
	case OFA_OP_LINEAR:
		slice(net->data[l->weight], l->c_out, l->c_in, p->shape[1], w);
		memcpy(b, net->data[l->bias], (size_t)l->c_out * sizeof *b);
		break;
	case OFA_OP_SE:
		slice(net->data[l->weight], l->hidden, l->c_in, p->shape[1], w);
		slice(net->data[l->weight2], l->c_in, l->hidden, net->params.list[l->weight2].shape[1], w2);
		memcpy(b, net->data[l->bias], (size_t)l->hidden * sizeof *b);
		memcpy(b2, net->data[l->bias2], (size_t)l->c_in * sizeof *b2);
		break;
	default:
		break;
	}
	if (l->bn >= 0)
		fold(net, l, mean ? mean : net->data[l->bn + 2], var ? var : net->data[l->bn + 3], w, b);
}

/* Points every layer at its part of the storage; returns the floats needed (storage may be NULL). */
static size_t place(struct ofa_subnet *sub, float *storage)
{
	size_t at = 0;

	for (int i = 0; i < sub->plan.n_layers; i++) {
		const float **part[4] = {&sub->weights[i].w, &sub->weights[i].b, &sub->weights[i].w2,
					 &sub->weights[i].b2};
		size_t n[4];

		sizes(&sub->plan.layers[i], n);
		for (int j = 0; j < 4; j++) {
			*part[j] = storage && n[j] ? storage + at : NULL;
			at += round16(n[j]);
		}
	}
	return at;
}

static size_t scratch_floats(const struct ofa_plan *plan)
{
	size_t need = 1;

	for (int i = 0; i < plan->n_layers; i++) {
		if (plan->layers[i].op == OFA_OP_DWCONV && ofa_depthwise_scratch(&plan->layers[i]) > need)
			need = ofa_depthwise_scratch(&plan->layers[i]);
	}
	return need;
}

enum ofa_status ofa_subnet_extract(const struct ofa_supernet *net, const struct ofa_plan *plan,
				   const struct ofa_bn_stats *stats, struct ofa_subnet **ret, struct ofa_error *err)
{
	struct ofa_subnet *sub = calloc(1, sizeof *sub);
	float *scratch = malloc(scratch_floats(plan) * sizeof *scratch);
	void *mem = NULL;

	if (sub) {
		sub->plan = *plan;
		sub->storage_floats = place(sub, NULL);
	}
	if (!sub || !scratch || posix_memalign(&mem, 64, sub->storage_floats * sizeof(float)) != 0) {
		free(sub);
		free(scratch);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the weights of a subnet");
	}
	sub->storage = mem;
	memset(sub->storage, 0, sub->storage_floats * sizeof(float));
	place(sub, sub->storage);
	for (int i = 0; i < plan->n_layers; i++) {
		struct ofa_layer_weights *lw = &sub->weights[i];

		extract_layer(net, &plan->layers[i], stats ? stats->mean[i] : NULL, stats ? stats->var[i] : NULL,
			      scratch, (float *)lw->w, (float *)lw->b, (float *)lw->w2, (float *)lw->b2);
	}
	free(scratch);
	*ret = sub;
	return OFA_OK;
}

void ofa_subnet_free(struct ofa_subnet *sub)
{
	if (!sub)
		return;
	free(sub->storage);
	free(sub);
}

void ofa_nchw_to_nhwc(const float *x, int n, int c, int h, int w, float *y)
{
	size_t hw = (size_t)h * w;

	for (int i = 0; i < n; i++, x += hw * c) {
		for (size_t p = 0; p < hw; p++) {
			for (int j = 0; j < c; j++)
				*y++ = x[(size_t)j * hw + p];
		}
	}
}
