#include "predict/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "predict/mlp.h"

/* Defaults chosen by fourfold cross-validation on the 1,000 measured archs that models/fashion was fitted on: the decay
 * matters most (tau .73 at 0.03, .75 at 0.3, .79 at 1, .80 at 2, .81 at 4), depth and width hardly.  What they do on
 * other networks each network's own fit reports. */
#define DEFAULT_WIDTH 128
#define DEFAULT_HIDDEN 2
#define DEFAULT_EPOCHS 200
#define DEFAULT_BATCH 64
#define DEFAULT_LR 2e-3f
#define DEFAULT_WEIGHT_DECAY 3.0f
#define MIN_SAMPLES 8

struct fit {
	struct ofa_mlp mlp;
	int n, batch, epochs;
	float lr, weight_decay;
	float mean, scale; /* of the targets */
	float *x, *target; /* (n, features), (n) standardised */
	float *batch_x, *batch_target;
	float *params, *grad, *m, *v; /* n_params each */
	float *workspace;
	uint32_t *order;
	uint64_t step;
};

static void fit_release(struct fit *f)
{
	free(f->x);
	free(f->target);
	free(f->batch_x);
	free(f->batch_target);
	free(f->params);
	free(f->workspace);
	free(f->order);
}

/* The sizes seen in the samples, ascending. */
static void collect_resolutions(const struct ofa_arch *archs, int n, struct ofa_predictor *p)
{
	p->n_resolutions = 0;
	for (int size = 1; size <= OFA_MAX_IMAGE_SIZE && p->n_resolutions < OFA_MAX_RESOLUTIONS; size++) {
		for (int i = 0; i < n; i++) {
			if (archs[i].image_size == size) {
				p->resolutions[p->n_resolutions++] = (uint16_t)size;
				break;
			}
		}
	}
}

static void choose_shape(const struct ofa_predictor_fit_options *opt, int features, struct fit *f)
{
	int hidden[OFA_PREDICTOR_MAX_LAYERS], n_hidden = opt->n_hidden ? opt->n_hidden : DEFAULT_HIDDEN;

	for (int i = 0; i < n_hidden; i++)
		hidden[i] = opt->n_hidden ? opt->hidden[i] : DEFAULT_WIDTH;
	ofa_mlp_init(&f->mlp, features, n_hidden, hidden);
	f->epochs = opt->epochs ? opt->epochs : DEFAULT_EPOCHS;
	f->batch = opt->batch ? opt->batch : DEFAULT_BATCH;
	f->lr = opt->lr > 0 ? opt->lr : DEFAULT_LR;
	f->weight_decay = opt->weight_decay > 0 ? opt->weight_decay : DEFAULT_WEIGHT_DECAY;
	if (f->batch > f->n)
		f->batch = f->n;
}

static enum ofa_status fit_alloc(struct fit *f, struct ofa_error *err)
{
	size_t features = (size_t)f->mlp.width[0], n = (size_t)f->n, batch = (size_t)f->batch;

	f->x = calloc(n * features, sizeof(float));
	f->target = calloc(n, sizeof(float));
	f->batch_x = calloc(batch * features, sizeof(float));
	f->batch_target = calloc(batch, sizeof(float));
	f->params = calloc(4 * f->mlp.n_params, sizeof(float));
	f->workspace = calloc(ofa_mlp_workspace(&f->mlp, f->batch), sizeof(float));
	f->order = calloc(n, sizeof(uint32_t));
	if (!f->x || !f->target || !f->batch_x || !f->batch_target || !f->params || !f->workspace || !f->order)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	f->grad = f->params + f->mlp.n_params;
	f->m = f->grad + f->mlp.n_params;
	f->v = f->m + f->mlp.n_params;
	return OFA_OK;
}

static void standardise(const float *accuracy, struct fit *f)
{
	double sum = 0, square = 0;

	for (int i = 0; i < f->n; i++)
		sum += accuracy[i];
	sum /= f->n;
	for (int i = 0; i < f->n; i++)
		square += (accuracy[i] - sum) * (accuracy[i] - sum);
	f->mean = (float)sum;
	f->scale = (float)sqrt(square / f->n);
	if (f->scale < 1e-6f)
		f->scale = 1e-6f;
	for (int i = 0; i < f->n; i++)
		f->target[i] = (accuracy[i] - f->mean) / f->scale;
}

/* One Adam step; biases do not decay. */
static void adam(struct fit *f, float lr)
{
	const float beta1 = 0.9f, beta2 = 0.999f, eps = 1e-8f;
	float correct1 = 1 - powf(beta1, (float)++f->step), correct2 = 1 - powf(beta2, (float)f->step);

	for (int l = 0; l < f->mlp.n_layers; l++) {
		size_t end = f->mlp.bias_at[l] + (size_t)f->mlp.width[l + 1];

		for (size_t i = f->mlp.weight_at[l]; i < end; i++) {
			float decay = i < f->mlp.bias_at[l] ? f->weight_decay : 0, g = f->grad[i];

			f->m[i] = beta1 * f->m[i] + (1 - beta1) * g;
			f->v[i] = beta2 * f->v[i] + (1 - beta2) * g * g;
			f->params[i] -=
				lr * (f->m[i] / correct1 / (sqrtf(f->v[i] / correct2) + eps) + decay * f->params[i]);
		}
	}
}

/* Returns the mean loss of the epoch, measured batch by batch before each step. */
static double run_epoch(struct fit *f, struct ofa_rng *rng, int epoch)
{
	size_t features = (size_t)f->mlp.width[0];
	int batches = f->n / f->batch;
	double loss = 0;

	ofa_rng_shuffle_u32(rng, f->order, (uint32_t)f->n);
	for (int b = 0; b < batches; b++) {
		double progress = ((double)epoch + (double)b / batches) / f->epochs;

		for (int i = 0; i < f->batch; i++) {
			uint32_t from = f->order[b * f->batch + i];

			memcpy(f->batch_x + (size_t)i * features, f->x + from * features, features * sizeof(float));
			f->batch_target[i] = f->target[from];
		}
		loss += ofa_mlp_gradient(&f->mlp, f->params, f->batch_x, f->batch_target, f->batch, f->workspace,
					 f->grad);
		adam(f, f->lr * (float)(0.5 + 0.5 * cos(M_PI * progress)));
	}
	return loss / batches;
}

/* Undoes the standardisation in the last layer, then hands the weights over. */
static enum ofa_status finish(const struct ofa_space *s, struct fit *f, struct ofa_predictor *p, struct ofa_error *err)
{
	const struct ofa_mlp *m = &f->mlp;
	int last = m->n_layers - 1;

	for (size_t i = m->weight_at[last]; i < m->n_params; i++)
		f->params[i] *= f->scale;
	f->params[m->bias_at[last]] += f->mean;
	p->n_layers = m->n_layers;
	memcpy(p->width, m->width, sizeof(p->width));
	for (int l = 0; l < m->n_layers; l++) {
		p->w[l] = f->params + m->weight_at[l];
		p->b[l] = f->params + m->bias_at[l];
	}
	return ofa_predictor_bind(s, p, err);
}

static enum ofa_status check_options(const struct ofa_predictor_fit_options *opt, const float *accuracy, int n,
				     struct ofa_error *err)
{
	if (n < MIN_SAMPLES)
		return ofa_fail(err, OFA_ERR_INVALID, "samples", "%d samples; at least %d are needed", n, MIN_SAMPLES);
	if (opt->n_hidden < 0 || opt->n_hidden > OFA_PREDICTOR_MAX_LAYERS - 1)
		return ofa_fail(err, OFA_ERR_INVALID, "hidden", "%d hidden layers; at most %d are accepted",
				opt->n_hidden, OFA_PREDICTOR_MAX_LAYERS - 1);
	for (int i = 0; i < opt->n_hidden; i++)
		if (opt->hidden[i] < 1 || opt->hidden[i] > 4096)
			return ofa_fail(err, OFA_ERR_INVALID, "hidden",
					"a hidden layer of %d units; 1 to 4096 are accepted", opt->hidden[i]);
	if (opt->epochs < 0 || opt->batch < 0)
		return ofa_fail(err, OFA_ERR_INVALID, opt->epochs < 0 ? "epochs" : "batch", "must not be negative");
	for (int i = 0; i < n; i++)
		if (!(accuracy[i] >= 0 && accuracy[i] <= 1))
			return ofa_fail(err, OFA_ERR_INVALID, "accuracy",
					"sample %d has accuracy %g; 0 to 1 are accepted", i, (double)accuracy[i]);
	return OFA_OK;
}

enum ofa_status ofa_predictor_fit(const struct ofa_space *s, const struct ofa_arch *archs, const float *accuracy, int n,
				  const struct ofa_predictor_fit_options *opt, struct ofa_predictor *ret,
				  struct ofa_error *err)
{
	struct ofa_predictor p = {.order = OFA_FEATURES_K_E_R};
	struct fit f = {.n = n};
	struct ofa_rng rng;
	enum ofa_status st = check_options(opt, accuracy, n, err);

	if (st)
		return st;
	collect_resolutions(archs, n, &p);
	p.n_features = ofa_predictor_feature_count(s, p.n_resolutions);
	choose_shape(opt, p.n_features, &f);
	st = fit_alloc(&f, err);
	if (st)
		goto out;
	for (int i = 0; i < n; i++) {
		ofa_predictor_features(s, &p, &archs[i], f.x + (size_t)i * (size_t)p.n_features);
		f.order[i] = (uint32_t)i;
	}
	standardise(accuracy, &f);
	ofa_rng_init(&rng, opt->seed);
	ofa_mlp_randomise(&f.mlp, &rng, f.params);
	for (int epoch = 0; epoch < f.epochs; epoch++) {
		double loss = run_epoch(&f, &rng, epoch);

		if (opt->progress)
			opt->progress(opt->ctx, epoch + 1, f.epochs, sqrt(2 * loss) * (double)f.scale);
	}
	st = finish(s, &f, &p, err);
	if (!st)
		*ret = p;
out:
	fit_release(&f);
	return st;
}
