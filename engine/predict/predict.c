#include "predict/predictor.h"

#include <assert.h>
#include <string.h>

#include "ops/kernels.h"
#include "tensor/gemm.h"

/* Archs that go through the layers together: their activations stay in the cache. */
#define CHUNK 256

static int max_width(const struct ofa_predictor *p)
{
	int max = 1;

	for (int l = 1; l <= p->n_layers; l++)
		if (p->width[l] > max)
			max = p->width[l];
	return max;
}

size_t ofa_predictor_workspace(const struct ofa_predictor *p, int n)
{
	return 2 * (size_t)max_width(p) * (size_t)(n < CHUNK ? n : CHUNK);
}

static const float *resolution_row(const struct ofa_predictor *p, int image_size)
{
	int i = 0;

	while (i < p->n_resolutions && p->resolutions[i] != image_size)
		i++;
	assert(i < p->n_resolutions);
	return p->resolution_rows + (size_t)i * (size_t)p->width[1];
}

/* First layer of one arch: features are one-hot, so the product is a sum of rows. */
static void first_layer(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			enum ofa_act act, const struct ofa_kernels *kernels, float *y)
{
	const size_t width = (size_t)p->width[1];
	const float *rows[OFA_MAX_BLOCKS + 1];
	int n = 0;

	rows[n++] = resolution_row(p, a->image_size);
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		int depth = st->depths[a->d[i]];

		for (int b = st->first_block; b < st->first_block + depth; b++) {
			size_t option = p->option_at[b] + (size_t)(a->k[b] * st->n_expands + a->e[b]);

			rows[n++] = p->option_rows + option * width;
		}
	}
	kernels->sum_rows(rows, n, (int)width, act, y);
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
	float *x = workspace, *y = workspace + (size_t)n * (size_t)max_width(p);

	for (int i = 0; i < n; i++)
		first_layer(s, p, &archs[i], activation(p, 0), kernels, x + (size_t)i * (size_t)p->width[1]);
	for (int l = 1; l < p->n_layers; l++) {
		const int in = p->width[l], out = p->width[l + 1];
		float *swap = x;

		ofa_gemm_nt(n, out, in, x, in, p->w[l], in, 0.0f, y, out);
		kernels->bias_act(y, n, out, p->b[l], activation(p, l));
		x = y;
		y = swap;
	}
	for (int i = 0; i < n; i++)
		accuracy[i] = x[i] + p->base;
}

void ofa_predictor_predict(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *archs,
			   int n, float *workspace, float *accuracy)
{
	for (int i = 0; i < n; i += CHUNK)
		predict_chunk(s, p, archs + i, n - i < CHUNK ? n - i : CHUNK, workspace, accuracy + i);
}
