#include "predict/predictor.h"

#include <assert.h>
#include <string.h>

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

/* y += the sum of up to four rows; fewer passes over y than one row at a time. */
static void add_rows(const float *const *rows, int n, int width, float *restrict y)
{
	const float *a = rows[0], *b = rows[n > 1 ? 1 : 0], *c = rows[n > 2 ? 2 : 0], *d = rows[n > 3 ? 3 : 0];

	if (n == 4) {
		for (int j = 0; j < width; j++)
			y[j] += (a[j] + b[j]) + (c[j] + d[j]);
		return;
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < width; j++)
			y[j] += rows[i][j];
}

/* First layer of one arch: features are one-hot, so the product is a sum of rows. */
static void first_layer(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a, float *y)
{
	const int width = p->width[1];
	const float *rows[4];
	int n = 0;

	memcpy(y, resolution_row(p, a->image_size), (size_t)width * sizeof(*y));
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		int depth = st->depths[a->d[i]];

		for (int b = st->first_block; b < st->first_block + depth; b++) {
			size_t option = p->option_at[b] + (size_t)(a->k[b] * st->n_expands + a->e[b]);

			rows[n++] = p->option_rows + option * (size_t)width;
			if (n == 4) {
				add_rows(rows, 4, width, y);
				n = 0;
			}
		}
	}
	if (n)
		add_rows(rows, n, width, y);
}

static void relu(float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = y[i] > 0 ? y[i] : 0;
}

static void add_bias(const float *bias, int n, int width, float *restrict y)
{
	for (int i = 0; i < n; i++, y += width)
		for (int j = 0; j < width; j++)
			y[j] += bias[j];
}

static void predict_chunk(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *archs, int n,
			  float *workspace, float *accuracy)
{
	float *x = workspace, *y = workspace + (size_t)n * (size_t)max_width(p);

	for (int i = 0; i < n; i++)
		first_layer(s, p, &archs[i], x + (size_t)i * (size_t)p->width[1]);
	for (int l = 1; l < p->n_layers; l++) {
		const int in = p->width[l], out = p->width[l + 1];
		float *swap = x;

		relu(x, (size_t)n * (size_t)in);
		ofa_gemm_nt(n, out, in, x, in, p->w[l], in, 0.0f, y, out);
		if (p->b[l])
			add_bias(p->b[l], n, out, y);
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
