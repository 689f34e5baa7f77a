/* BN recalibration (spec 4.8). */
#include "net/subnet.h"

#include <stdlib.h>
#include <string.h>
#include "net/batch.h"

#define BUILTIN_BATCH 64

void ofa_bn_stats_release(struct ofa_bn_stats *st)
{
	free(st->storage);
	memset(st, 0, sizeof *st);
}

static enum ofa_status stats_init(struct ofa_bn_stats *st, const struct ofa_plan *plan, struct ofa_error *err)
{
	size_t total = 0, at = 0;

	memset(st, 0, sizeof *st);
	for (int i = 0; i < plan->n_layers; i++)
		total += plan->layers[i].bn >= 0 ? 2 * (size_t)plan->layers[i].c_out : 0;
	st->storage = calloc(total ? total : 1, sizeof *st->storage);
	if (!st->storage)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for BN statistics");
	for (int i = 0; i < plan->n_layers; i++) {
		size_t c = (size_t)plan->layers[i].c_out;

		if (plan->layers[i].bn < 0)
			continue;
		st->mean[i] = st->storage + at;
		st->var[i] = st->storage + at + c;
		at += 2 * c;
	}
	return OFA_OK;
}

/* Count-weighted running means over the batches seen so far. */
static void accumulate(struct ofa_bn_stats *st, const struct ofa_batch *b, int seen, int count)
{
	float share = (float)count / (float)(seen + count);

	for (int i = 0; i < b->plan.n_layers; i++) {
		if (!st->mean[i])
			continue;
		for (int c = 0; c < b->plan.layers[i].c_out; c++) {
			st->mean[i][c] += share * (b->layers[i].mean[c] - st->mean[i][c]);
			st->var[i][c] += share * (b->layers[i].var[c] - st->var[i][c]);
		}
	}
}

/* Where batches of normalised images come from. */
struct source {
	const float *x; /* all of them, or NULL: the network's own */
	const struct ofa_supernet *net;
	float *buffer;
	struct ofa_comm *comm; /* who runs them */
};

static const float *source_batch(struct source *s, const struct ofa_plan *plan, int first, int count)
{
	int r = plan->arch.image_size;

	if (s->x)
		return s->x + (size_t)first * r * r * plan->values[0].c;
	ofa_supernet_calibration_input(s->net, first, count, r, s->buffer);
	return s->buffer;
}

static enum ofa_status run(const struct ofa_supernet *net, const struct ofa_plan *plan, struct source *src, int n,
			   int batch, struct ofa_pool *pool, struct ofa_bn_stats *ret, struct ofa_error *err)
{
	unsigned rank = (unsigned)ofa_comm_rank(src->comm), ranks = (unsigned)ofa_comm_size(src->comm);
	int largest_part = (int)(((unsigned)batch + ranks - 1) / ranks);
	struct ofa_bn_stats st = {0};
	struct ofa_batch b = {0};
	float *logits = malloc((size_t)largest_part * plan->classes * sizeof *logits);
	enum ofa_status status = logits ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for logits");

	if (status == OFA_OK)
		status = stats_init(&st, plan, err);
	if (status == OFA_OK)
		status = ofa_batch_init_plan(&b, &net->space, &net->params, largest_part, plan, false, pool, err);
	status = ofa_comm_agree(src->comm, status, err);
	b.comm = src->comm;
	for (int i = 0; i < n && status == OFA_OK; i += batch) {
		int count = n - i < batch ? n - i : batch;
		size_t begin, end;

		ofa_pool_part((size_t)count, rank, ranks, &begin, &end);
		ofa_batch_forward(&b, net->data, plan, source_batch(src, plan, i + (int)begin, (int)(end - begin)),
				  (int)(end - begin), logits);
		accumulate(&st, &b, i, count);
	}
	ofa_batch_release(&b);
	free(logits);
	if (status != OFA_OK) {
		ofa_bn_stats_release(&st);
		return status;
	}
	*ret = st;
	return OFA_OK;
}

enum ofa_status ofa_calibrate(const struct ofa_supernet *net, const struct ofa_plan *plan, const float *x, int n,
			      int batch, struct ofa_comm *comm, struct ofa_pool *pool, struct ofa_bn_stats *ret,
			      struct ofa_error *err)
{
	struct source src = {.x = x, .comm = comm};

	if (n < 1 || batch < 1)
		return ofa_fail(err, OFA_ERR_INVALID, "recalibrate",
				"%d images in batches of %d; both must be at least 1", n, batch);
	return run(net, plan, &src, n, batch < n ? batch : n, pool, ret, err);
}

enum ofa_status ofa_calibrate_builtin(const struct ofa_supernet *net, const struct ofa_plan *plan, int max_images,
				      struct ofa_pool *pool, struct ofa_bn_stats *ret, struct ofa_error *err)
{
	struct source src = {.net = net};
	int n = net->calibration.n < max_images ? net->calibration.n : max_images, r = plan->arch.image_size;
	enum ofa_status st;

	if (n < 1)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "ofa.calibration.images",
				"network \"%s\" carries no calibration images; give some, or use its sliced statistics",
				net->name);
	src.buffer = malloc((size_t)BUILTIN_BATCH * r * r * plan->values[0].c * sizeof *src.buffer);
	if (!src.buffer)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for calibration images");
	st = run(net, plan, &src, n, n < BUILTIN_BATCH ? n : BUILTIN_BATCH, pool, ret, err);
	free(src.buffer);
	return st;
}
