#include "train/step.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_FLOATS = 16 }; /* every array starts on 64 bytes */

static size_t padded(const struct ofa_param *p)
{
	return (p->elements + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static bool allocate(struct ofa_train_params *t)
{
	size_t n = (size_t)t->params->n;
	t->data = calloc(3 * n, sizeof(*t->data));
	if (!t->data)
		return false;
	t->grad = t->data + n;
	t->momentum = t->grad + n;
	for (size_t i = 0; i < n; i++)
		t->storage_floats += padded(&t->params->list[i]) * (ofa_param_trained(&t->params->list[i]) ? 3 : 1);
	t->storage = aligned_alloc(ALIGN_FLOATS * sizeof(float), t->storage_floats * sizeof(float));
	return t->storage != NULL;
}

/* All data, then all gradients, then all momenta: what a pass touches lies together. */
static void carve(struct ofa_train_params *t)
{
	float *next = t->storage;
	float **arrays[] = {t->data, t->grad, t->momentum};
	for (size_t a = 0; a < OFA_ARRAY_LEN(arrays); a++) {
		if (arrays[a] == t->grad)
			t->gradients = next;
		for (int i = 0; i < t->params->n; i++) {
			const struct ofa_param *p = &t->params->list[i];
			if (a > 0 && !ofa_param_trained(p))
				continue;
			arrays[a][i] = next;
			next += padded(p);
		}
		if (arrays[a] == t->grad)
			t->gradient_floats = (size_t)(next - t->gradients);
	}
}

enum ofa_status ofa_train_params_new(const struct ofa_space *s, const struct ofa_params *p,
				     struct ofa_train_params **ret, struct ofa_error *err)
{
	struct ofa_train_params *t = calloc(1, sizeof(*t));
	if (t) {
		t->space = s;
		t->params = p;
	}
	if (!t || !allocate(t)) {
		ofa_train_params_free(t);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d parameters with gradients", p->n);
	}
	memset(t->storage, 0, t->storage_floats * sizeof(float));
	carve(t);
	*ret = t;
	return OFA_OK;
}

void ofa_train_params_free(struct ofa_train_params *t)
{
	if (!t)
		return;
	free(t->storage);
	free(t->data);
	free(t);
}

static void fill_constant(float *x, size_t n, float v)
{
	for (size_t i = 0; i < n; i++)
		x[i] = v;
}

static void fill_normal(float *x, size_t n, double std, struct ofa_rng *rng)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (float)std * ofa_rng_normal(rng);
}

static void fill_identity(float *x, int n)
{
	for (int i = 0; i < n * n; i++)
		x[i] = i % (n + 1) ? 0.0f : 1.0f;
}

void ofa_train_params_init(struct ofa_train_params *t, uint64_t seed)
{
	for (int i = 0; i < t->params->n; i++) {
		const struct ofa_param *p = &t->params->list[i];
		float *x = t->data[i];
		struct ofa_rng rng;
		ofa_rng_init3(&rng, seed, 0, (uint64_t)i);
		switch (p->role) {
		case OFA_PARAM_CONV:
			fill_normal(x, p->elements, sqrt(2.0 / ((double)p->shape[2] * p->shape[3] * p->shape[0])),
				    &rng);
			break;
		case OFA_PARAM_LINEAR:
			fill_normal(x, p->elements, 0.01, &rng);
			break;
		case OFA_PARAM_TRANSFORM:
			fill_identity(x, p->shape[0]);
			break;
		case OFA_PARAM_BN_GAMMA:
		case OFA_PARAM_BN_VAR:
			fill_constant(x, p->elements, 1);
			break;
		case OFA_PARAM_BN_BETA:
		case OFA_PARAM_BN_MEAN:
		case OFA_PARAM_BIAS:
			fill_constant(x, p->elements, 0);
			break;
		}
	}
}
