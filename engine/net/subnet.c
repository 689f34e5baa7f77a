/* Extraction: slices, baked kernel transforms, folded BN. */
#include "net/subnet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "net/prepare.h"
#include "ops/kernels.h"

#define ALIGN_FLOATS 16u

/* What extraction needs beside the network. */
struct tools {
	const struct ofa_supernet *net;
	const struct ofa_kernels *kernels;
	float *scale;   /* of one layer's outputs */
	float *scratch; /* kernel transforms; a panel of a dense convolution */
};

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static size_t panel_floats(int rows, int columns)
{
	return round_up((size_t)rows, OFA_WEIGHT_PANEL) * (size_t)columns;
}

/* Floats of a layer's w, b, w2, b2. */
static void sizes(const struct ofa_layer *l, size_t n[4])
{
	memset(n, 0, 4 * sizeof *n);
	switch (l->op) {
	case OFA_OP_CONV:
	case OFA_OP_LINEAR:
		n[0] = panel_floats(l->c_out, l->c_in * l->k * l->k);
		n[1] = (size_t)l->c_out;
		break;
	case OFA_OP_DWCONV:
		n[0] = panel_floats(l->c_out, l->k * l->k);
		n[1] = (size_t)l->c_out;
		break;
	case OFA_OP_SE:
		n[0] = panel_floats(l->hidden, l->c_in);
		n[1] = (size_t)l->hidden;
		n[2] = panel_floats(l->c_in, l->hidden);
		n[3] = (size_t)l->c_in;
		break;
	default:
		break;
	}
}

/* scale = gamma/sqrt(var+eps) per output channel, b = beta - mean * that. */
static void fold(const struct ofa_supernet *net, const struct ofa_layer *l, const float *mean, const float *var,
		 float *scale, float *b)
{
	const float *gamma = net->data[l->bn], *beta = net->data[l->bn + 1];

	for (int c = 0; c < l->c_out; c++) {
		scale[c] = (float)(gamma[c] / sqrt((double)var[c] + net->space.bn_eps));
		b[c] = beta[c] - mean[c] * scale[c];
	}
}

/* A window's taps come before its channels, unlike in the stored weight: a panel at a time is put in order first. */
static void extract_window(const struct tools *t, const struct ofa_layer *l, const float *scale, float *w)
{
	const size_t width = (size_t)l->k * l->k * l->c_in;

	for (int i = 0; i < l->c_out; i += OFA_WEIGHT_PANEL) {
		int n = l->c_out - i < OFA_WEIGHT_PANEL ? l->c_out - i : OFA_WEIGHT_PANEL;

		ofa_conv_prepare_rows(l, &t->net->params.list[l->weight], t->net->data[l->weight], i, n, t->scratch);
		t->kernels->to_panels(t->scratch, width, n, width, scale ? scale + i : NULL, w + (size_t)i * width);
	}
}

/* The first rows x columns of a stored matrix. */
static void extract_matrix(const struct tools *t, int param, int rows, int columns, const float *scale, float *w)
{
	t->kernels->to_panels(t->net->data[param], (size_t)t->net->params.list[param].shape[1], rows, (size_t)columns,
			      scale, w);
}

static void extract_bias(const struct tools *t, int param, int n, float *b)
{
	if (param >= 0)
		memcpy(b, t->net->data[param], (size_t)n * sizeof *b);
	else
		memset(b, 0, (size_t)n * sizeof *b);
}

static void extract_layer(const struct tools *t, const struct ofa_layer *l, const float *mean, const float *var,
			  float *const to[4])
{
	const struct ofa_supernet *net = t->net;
	const float *scale = l->bn >= 0 ? t->scale : NULL;

	if (l->bn >= 0)
		fold(net, l, mean ? mean : net->data[l->bn + 2], var ? var : net->data[l->bn + 3], t->scale, to[1]);
	else if (l->op == OFA_OP_CONV || l->op == OFA_OP_DWCONV || l->op == OFA_OP_LINEAR)
		extract_bias(t, l->bias, l->c_out, to[1]);
	switch (l->op) {
	case OFA_OP_CONV:
		if (l->k > 1)
			extract_window(t, l, scale, to[0]);
		else
			extract_matrix(t, l->weight, l->c_out, l->c_in, scale, to[0]);
		break;
	case OFA_OP_DWCONV:
		t->kernels->to_panels(ofa_depthwise_rows(l, net->data, t->scratch), (size_t)l->k * l->k, l->c_out,
				      (size_t)l->k * l->k, scale, to[0]);
		break;
	case OFA_OP_LINEAR:
		extract_matrix(t, l->weight, l->c_out, l->c_in, NULL, to[0]);
		break;
	case OFA_OP_SE:
		extract_matrix(t, l->weight, l->hidden, l->c_in, NULL, to[0]);
		extract_bias(t, l->bias, l->hidden, to[1]);
		extract_matrix(t, l->weight2, l->c_in, l->hidden, NULL, to[2]);
		extract_bias(t, l->bias2, l->c_in, to[3]);
		break;
	default:
		break;
	}
}

/* Places of a layer's arrays from `at` on, whose padding is cleared; returns the end. */
static float *place(const struct ofa_layer *l, float *at, float *to[4])
{
	size_t n[4];

	sizes(l, n);
	for (int j = 0; j < 4; j++) {
		size_t padded = round_up(n[j], ALIGN_FLOATS);

		to[j] = n[j] ? at : NULL;
		memset(at + n[j], 0, (padded - n[j]) * sizeof *at);
		at += padded;
	}
	return at;
}

size_t ofa_subnet_floats(const struct ofa_plan *plan)
{
	size_t total = 0;

	for (int i = 0; i < plan->n_layers; i++) {
		size_t n[4];

		sizes(&plan->layers[i], n);
		for (int j = 0; j < 4; j++)
			total += round_up(n[j], ALIGN_FLOATS);
	}
	return total;
}

static size_t scratch_floats(const struct ofa_plan *plan)
{
	size_t need = 1;

	for (int i = 0; i < plan->n_layers; i++) {
		const struct ofa_layer *l = &plan->layers[i];
		size_t n = 0;

		if (l->op == OFA_OP_DWCONV)
			n = ofa_depthwise_scratch(l);
		else if (l->op == OFA_OP_CONV && l->k > 1)
			n = panel_floats(1, l->k * l->k * l->c_in);
		need = n > need ? n : need;
	}
	return need;
}

static enum ofa_status tools_init(const struct ofa_supernet *net, const struct ofa_plan *plan, struct tools *t)
{
	size_t channels = 1;

	for (int i = 0; i < plan->n_layers; i++)
		channels = (size_t)plan->layers[i].c_out > channels ? (size_t)plan->layers[i].c_out : channels;
	*t = (struct tools){.net = net, .kernels = ofa_kernels()};
	t->scale = malloc((channels + scratch_floats(plan)) * sizeof *t->scale);
	t->scratch = t->scale ? t->scale + channels : NULL;
	return t->scale ? OFA_OK : OFA_ERR_NOMEM;
}

enum ofa_status ofa_subnet_extract_into(const struct ofa_supernet *net, const struct ofa_plan *plan,
					const struct ofa_bn_stats *stats, float *storage, struct ofa_subnet **ret,
					struct ofa_error *err)
{
	struct ofa_subnet *sub = calloc(1, sizeof *sub);
	struct tools t = {0};
	float *at = storage;

	if (!sub || tools_init(net, plan, &t) != OFA_OK) {
		free(sub);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a subnet");
	}
	sub->plan = *plan;
	sub->storage = storage;
	sub->storage_floats = ofa_subnet_floats(plan);
	sub->borrowed = true;
	for (int i = 0; i < plan->n_layers; i++) {
		float *to[4];

		at = place(&plan->layers[i], at, to);
		extract_layer(&t, &plan->layers[i], stats ? stats->mean[i] : NULL, stats ? stats->var[i] : NULL, to);
		sub->weights[i] = (struct ofa_layer_weights){to[0], to[1], to[2], to[3]};
	}
	free(t.scale);
	*ret = sub;
	return OFA_OK;
}

enum ofa_status ofa_subnet_extract(const struct ofa_supernet *net, const struct ofa_plan *plan,
				   const struct ofa_bn_stats *stats, struct ofa_subnet **ret, struct ofa_error *err)
{
	void *storage = NULL;
	enum ofa_status st;

	if (posix_memalign(&storage, 64, ofa_subnet_floats(plan) * sizeof(float)) != 0)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the weights of a subnet");
	st = ofa_subnet_extract_into(net, plan, stats, storage, ret, err);
	if (st == OFA_OK)
		(*ret)->borrowed = false;
	else
		free(storage);
	return st;
}

enum ofa_status ofa_subnet_copy(const struct ofa_subnet *sub, struct ofa_subnet **ret, struct ofa_error *err)
{
	const size_t bytes = sub->storage_floats * sizeof(float);
	struct ofa_subnet *copy = malloc(sizeof *copy);
	void *storage = NULL;

	if (!copy || posix_memalign(&storage, 64, bytes) != 0) {
		free(copy);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the weights of a subnet");
	}
	memcpy(storage, sub->storage, bytes);
	*copy = *sub;
	copy->storage = storage;
	copy->borrowed = false;
	for (int i = 0; i < sub->plan.n_layers; i++) {
		const float **const arrays[] = {&copy->weights[i].w, &copy->weights[i].b, &copy->weights[i].w2,
						&copy->weights[i].b2};

		for (size_t j = 0; j < OFA_ARRAY_LEN(arrays); j++)
			if (*arrays[j])
				*arrays[j] = copy->storage + (*arrays[j] - sub->storage);
	}
	*ret = copy;
	return OFA_OK;
}

void ofa_subnet_free(struct ofa_subnet *sub)
{
	if (!sub)
		return;
	if (!sub->borrowed)
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
