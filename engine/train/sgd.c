#include "train/step.h"
#include <string.h>

void ofa_train_zero_grad(struct ofa_train_params *w)
{
	for (int i = 0; i < w->params->n; i++)
		if (w->grad[i])
			memset(w->grad[i], 0, w->params->list[i].elements * sizeof(float));
}

void ofa_train_average_gradients(struct ofa_train_params *w, struct ofa_comm *comm)
{
	float share = 1 / (float)ofa_comm_size(comm);
	if (ofa_comm_size(comm) == 1)
		return;
	ofa_comm_sum_floats(comm, w->gradients, w->gradient_floats);
	for (size_t i = 0; i < w->gradient_floats; i++)
		w->gradients[i] *= share;
}

struct update {
	struct ofa_train_params *w;
	float lr, momentum, weight_decay;
};

static void update_range(float *restrict p, const float *restrict g, float *restrict m, size_t n, float lr,
			 float momentum, float decay)
{
	for (size_t i = 0; i < n; i++) {
		float grad = g[i] + decay * p[i];
		m[i] = momentum * m[i] + grad;
		p[i] -= lr * (grad + momentum * m[i]);
	}
}

static void update_part(void *ctx, unsigned thread, unsigned threads)
{
	const struct update *u = ctx;
	for (int i = 0; i < u->w->params->n; i++) {
		const struct ofa_param *param = &u->w->params->list[i];
		size_t begin, end;
		if (!ofa_param_trained(param))
			continue;
		ofa_pool_part(param->elements, thread, threads, &begin, &end);
		update_range(u->w->data[i] + begin, u->w->grad[i] + begin, u->w->momentum[i] + begin, end - begin,
			     u->lr, u->momentum, ofa_param_decayed(param) ? u->weight_decay : 0);
	}
}

void ofa_train_sgd(struct ofa_train_params *w, float lr, float momentum, float weight_decay, struct ofa_pool *pool)
{
	struct update u = {w, lr, momentum, weight_decay};
	ofa_pool_run(pool, update_part, &u);
}
