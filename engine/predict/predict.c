#include "predict/predictor.h"

#include <assert.h>
#include <string.h>

#include "ops/kernels.h"

/* Archs that go through the layers together: their activations stay in the cache. */
#define CHUNK 256

static int max_pitch(const struct ofa_predictor *p)
{
	int max = OFA_PANEL;

	for (int l = 1; l <= p->n_layers; l++)
		if (p->pitch[l] > max)
			max = p->pitch[l];
	return max;
}

size_t ofa_predictor_workspace(const struct ofa_predictor *p, int n)
{
	int rows = n < CHUNK ? n : CHUNK, width;

	if (p->kind == OFA_PREDICTOR_PAIRWISE)
		return 1; /* nothing is needed; an allocation of nothing may look like a failure */
	width = max_pitch(p);
	return 2 * (size_t)width * (size_t)rows + OFA_DENSE_PACKED(rows, width) + OFA_DENSE_LIVE(rows, width);
}

static int resolution_index(const struct ofa_predictor *p, int image_size)
{
	int i = 0;

	while (i < p->n_resolutions && p->resolutions[i] != image_size)
		i++;
	assert(i < p->n_resolutions);
	return i;
}

int ofa_predictor_rows(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
		       uint32_t *index)
{
	int n = 0;

	index[n++] = (uint32_t)resolution_index(p, a->image_size);
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->depths[a->d[i]]; b++)
			index[n++] = p->row_group[1 + b] + (uint32_t)(a->k[b] * st->n_expands + a->e[b]);
	}
	for (int i = 0; i < s->n_width_genes; i++)
		index[n++] = p->row_group[1 + s->n_blocks + i] + a->w[i];
	return n;
}

/* First layer of one arch: features are one-hot, so the product is a sum of rows. */
static void first_layer(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			enum ofa_act act, const struct ofa_kernels *kernels, float *y)
{
	uint32_t index[OFA_PREDICTOR_MAX_ROWS];
	const float *rows[OFA_PREDICTOR_MAX_ROWS];
	int n = ofa_predictor_rows(s, p, a, index);

	for (int i = 0; i < n; i++)
		rows[i] = p->rows + index[i] * (size_t)p->pitch[1];
	kernels->sum_rows(rows, n, p->pitch[1], act, y);
}

/* ReLU after every layer but the last. */
static enum ofa_act activation(const struct ofa_predictor *p, int layer)
{
	return layer + 1 < p->n_layers ? OFA_ACT_RELU : OFA_ACT_NONE;
}

static void predict_chunk(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *archs, int n,
			  float *workspace, float *accuracy)
{
	const struct ofa_kernels *kernels = ofa_kernels();
	const int width = max_pitch(p);
	float *x = workspace, *y = x + (size_t)n * (size_t)width, *packed = y + (size_t)n * (size_t)width;
	int32_t *live = (int32_t *)(void *)(packed + OFA_DENSE_PACKED(n, width));

	for (int i = 0; i < n; i++)
		first_layer(s, p, &archs[i], activation(p, 0), kernels, x + (size_t)i * (size_t)p->pitch[1]);
	for (int l = 1; l < p->n_layers; l++) {
		float *swap = x;

		kernels->dense(x, n, p->pitch[l], p->panels[l], p->panel_bias[l], p->pitch[l + 1], activation(p, l),
			       packed, live, y);
		x = y;
		y = swap;
	}
	for (int i = 0; i < n; i++)
		accuracy[i] = x[(size_t)i * (size_t)p->pitch[p->n_layers]] + p->base;
}

static float predict_pairwise(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a)
{
	uint16_t option[OFA_PAIRWISE_MAX_ACTIVE];
	int n = ofa_pairwise_active(s, &p->pairwise, a, option);

	return ofa_pairwise_value(&p->pairwise, resolution_index(p, a->image_size), option, n);
}

void ofa_predictor_predict(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *archs,
			   int n, float *workspace, float *accuracy)
{
	for (int i = 0; p->kind == OFA_PREDICTOR_PAIRWISE && i < n; i++)
		accuracy[i] = predict_pairwise(s, p, &archs[i]);
	if (p->kind == OFA_PREDICTOR_PAIRWISE)
		return;
	for (int i = 0; i < n; i += CHUNK)
		predict_chunk(s, p, archs + i, n - i < CHUNK ? n - i : CHUNK, workspace, accuracy + i);
}

double ofa_predictor_promise(const struct ofa_predictor *p, enum ofa_precision precision, double float32)
{
	return precision == OFA_FLOAT32 ? float32 : ofa_promise_apply(&p->promises[precision], float32);
}
