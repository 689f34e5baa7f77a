#include "predict/mlp.h"

#include <math.h>
#include <string.h>

#include "tensor/gemm.h"

void ofa_mlp_init(struct ofa_mlp *m, int n_inputs, int n_hidden, const int *hidden)
{
	size_t at = 0;

	memset(m, 0, sizeof(*m));
	m->n_layers = n_hidden + 1;
	m->width[0] = n_inputs;
	memcpy(m->width + 1, hidden, (size_t)n_hidden * sizeof(int));
	m->width[m->n_layers] = 1;
	for (int l = 0; l < m->n_layers; l++) {
		m->weight_at[l] = at;
		at += (size_t)m->width[l] * (size_t)m->width[l + 1];
		m->bias_at[l] = at;
		at += (size_t)m->width[l + 1];
	}
	m->n_params = at;
}

void ofa_mlp_randomise(const struct ofa_mlp *m, struct ofa_rng *rng, float *params)
{
	memset(params, 0, m->n_params * sizeof(*params));
	for (int l = 0; l < m->n_layers; l++) {
		float bound = sqrtf(6.0f / (float)m->width[l]) * (l == m->n_layers - 1 ? 0.1f : 1.0f);

		for (size_t i = m->weight_at[l]; i < m->bias_at[l]; i++)
			params[i] = bound * (2.0f * ofa_rng_float(rng) - 1.0f);
	}
}

/* Activations of layers 1..n_layers, then as much again for their gradients. */
size_t ofa_mlp_workspace(const struct ofa_mlp *m, int n)
{
	size_t units = 0;

	for (int l = 1; l <= m->n_layers; l++)
		units += (size_t)m->width[l];
	return 2 * units * (size_t)n;
}

/* act[l] for l in 1..n_layers points at (n, width[l]); returns what follows. */
static float *split(const struct ofa_mlp *m, int n, float *workspace, float **act)
{
	for (int l = 1; l <= m->n_layers; l++) {
		act[l] = workspace;
		workspace += (size_t)n * (size_t)m->width[l];
	}
	return workspace;
}

static void forward_layer(const struct ofa_mlp *m, const float *params, int l, const float *x, int n, float *y)
{
	int in = m->width[l], out = m->width[l + 1];
	const float *bias = params + m->bias_at[l];

	for (int i = 0; i < n; i++)
		memcpy(y + (size_t)i * (size_t)out, bias, (size_t)out * sizeof(*y));
	ofa_gemm_nt(n, out, in, x, in, params + m->weight_at[l], in, 1.0f, y, out);
	if (l == m->n_layers - 1)
		return;
	for (size_t i = 0; i < (size_t)n * (size_t)out; i++)
		y[i] = y[i] > 0 ? y[i] : 0;
}

void ofa_mlp_forward(const struct ofa_mlp *m, const float *params, const float *x, int n, float *workspace, float *y)
{
	float *act[OFA_PREDICTOR_MAX_LAYERS + 1];

	split(m, n, workspace, act);
	for (int l = 0; l < m->n_layers; l++)
		forward_layer(m, params, l, l ? act[l] : x, n, act[l + 1]);
	memcpy(y, act[m->n_layers], (size_t)n * sizeof(*y));
}

static void bias_gradient(const float *delta, int n, int out, float *grad)
{
	memset(grad, 0, (size_t)out * sizeof(*grad));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < out; j++)
			grad[j] += delta[(size_t)i * (size_t)out + (size_t)j];
}

double ofa_mlp_gradient(const struct ofa_mlp *m, const float *params, const float *x, const float *target, int n,
                        float *workspace, float *grad)
{
	float *act[OFA_PREDICTOR_MAX_LAYERS + 1], *delta[OFA_PREDICTOR_MAX_LAYERS + 1];
	const int last = m->n_layers;
	double loss = 0;

	split(m, n, split(m, n, workspace, act), delta);
	for (int l = 0; l < last; l++)
		forward_layer(m, params, l, l ? act[l] : x, n, act[l + 1]);
	for (int i = 0; i < n; i++) {
		float error = act[last][i] - target[i];

		delta[last][i] = error / (float)n;
		loss += 0.5 * (double)error * (double)error / n;
	}
	for (int l = last - 1; l >= 0; l--) {
		int in = m->width[l], out = m->width[l + 1];

		ofa_gemm_tn(out, in, n, delta[l + 1], out, l ? act[l] : x, in, 0.0f, grad + m->weight_at[l], in);
		bias_gradient(delta[l + 1], n, out, grad + m->bias_at[l]);
		if (l == 0)
			break;
		ofa_gemm_nn(n, in, out, delta[l + 1], out, params + m->weight_at[l], in, 0.0f, delta[l], in);
		for (size_t i = 0; i < (size_t)n * (size_t)in; i++)
			if (act[l][i] <= 0)
				delta[l][i] = 0;
	}
	return loss;
}
