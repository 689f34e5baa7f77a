/* The multi-layer perceptron that a predictor is while it is being fitted: one flat parameter vector,
 * so that the optimiser and the gradient test need not know about layers.
 * Rectified linear units between layers; the last layer has one output. */
#ifndef OFA_PREDICT_MLP_H
#define OFA_PREDICT_MLP_H

#include <stddef.h>
#include "base/rng.h"
#include "predict/predictor.h"

struct ofa_mlp {
	int n_layers;
	int width[OFA_PREDICTOR_MAX_LAYERS + 1];
	size_t weight_at[OFA_PREDICTOR_MAX_LAYERS]; /* offset of (out,in) in the parameter vector */
	size_t bias_at[OFA_PREDICTOR_MAX_LAYERS];   /* offset of (out) */
	size_t n_params;
};

/* width[0] inputs, then n_hidden hidden layers, then 1. */
void ofa_mlp_init(struct ofa_mlp *m, int n_inputs, int n_hidden, const int *hidden);

/* Weights uniform in +-sqrt(6/fan_in) (He et al. 2015), the last layer a tenth of that; biases 0. */
void ofa_mlp_randomise(const struct ofa_mlp *m, struct ofa_rng *rng, float *params);

/* Floats of workspace for batches of at most n. */
size_t ofa_mlp_workspace(const struct ofa_mlp *m, int n);

/* x (n, width[0]) -> y (n). */
void ofa_mlp_forward(const struct ofa_mlp *m, const float *params, const float *x, int n, float *workspace, float *y);

/* Mean over the batch of (y - target)^2 / 2; its gradient by parameter is WRITTEN to grad (n_params). */
double ofa_mlp_gradient(const struct ofa_mlp *m, const float *params, const float *x, const float *target, int n,
                        float *workspace, float *grad);

#endif
