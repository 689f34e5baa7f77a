#include "train/step.h"

#include <stdlib.h>
#include "train/backward.h"

#define BN_MOMENTUM 0.1f /* PyTorch's default, spec 4.1 */

struct ofa_trainer {
	struct ofa_batch batch;
	struct ofa_backward backward;
};

enum ofa_status ofa_trainer_new(const struct ofa_space *s, const struct ofa_params *p, int max_batch, int max_size,
				struct ofa_pool *pool, struct ofa_trainer **ret, struct ofa_error *err)
{
	struct ofa_trainer *t;
	enum ofa_status st;

	if (s->family != OFA_FAMILY_MBCONV)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "family",
				"networks of family \"%s\" have no backward pass, only \"mbconv\" has",
				ofa_family_name(s->family));
	t = calloc(1, sizeof *t);
	if (!t)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a trainer");
	st = ofa_batch_init(&t->batch, s, p, max_batch, max_size, true, pool, err);
	if (st == OFA_OK)
		st = ofa_backward_init(&t->backward, &t->batch, max_size, err);
	if (st != OFA_OK) {
		ofa_trainer_free(t);
		return st;
	}
	*ret = t;
	return OFA_OK;
}

void ofa_trainer_free(struct ofa_trainer *t)
{
	if (!t)
		return;
	ofa_backward_release(&t->backward);
	ofa_batch_release(&t->batch);
	free(t);
}

void ofa_trainer_share(struct ofa_trainer *t, struct ofa_comm *comm)
{
	t->batch.comm = comm;
}

/* The prefix that was active moves towards this batch; the variance is the unbiased one, as in PyTorch. */
static void move_statistics(const struct ofa_batch *b, const struct ofa_train_params *w)
{
	for (int i = 0; i < b->plan.n_layers; i++) {
		const struct ofa_layer *l = &b->plan.layers[i];
		float n = (float)b->total * (float)(l->h_out * l->w_out), unbias = n > 1.0f ? n / (n - 1.0f) : 1.0f;

		if (l->bn < 0)
			continue;
		for (int c = 0; c < l->c_out; c++) {
			float *mean = &w->data[l->bn + 2][c], *var = &w->data[l->bn + 3][c];

			*mean += BN_MOMENTUM * (b->layers[i].mean[c] - *mean);
			*var += BN_MOMENTUM * (b->layers[i].var[c] * unbias - *var);
		}
	}
}

void ofa_trainer_forward(struct ofa_trainer *t, const struct ofa_train_params *w, const struct ofa_plan *plan,
			 const float *x, int n, bool update_stats, float *logits)
{
	ofa_batch_forward(&t->batch, (const float *const *)w->data, plan, x, n, logits);
	if (update_stats)
		move_statistics(&t->batch, w);
}

void ofa_trainer_backward(struct ofa_trainer *t, struct ofa_train_params *w, const float *dlogits)
{
	ofa_backward_run(&t->backward, &t->batch, w, dlogits);
}
