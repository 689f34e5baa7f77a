#include "train/evaluate.h"
#include "net/subnet.h"
#include "tensor/resize.h"
#include <stdlib.h>

enum { CALIBRATION_BATCH = 64, CHUNK = 500 };

/* The parameters under the type that extraction reads; owns nothing. */
static void as_network(const struct ofa_evaluation *e, struct ofa_supernet *net)
{
	*net = (struct ofa_supernet){.space = *e->params->space,
				     .params = *e->params->params,
				     .data = (const float *const *)e->params->data};
}

static void fill(const struct ofa_evaluation *e, const struct ofa_dataset *d, int first, int n, int r, float *x)
{
	ofa_resize_normalise(d->images + (size_t)first * (size_t)d->h * (size_t)d->w * (size_t)d->c, n, d->h, d->w,
			     d->c, r, e->mean, e->std, x);
}

static enum ofa_status extract(const struct ofa_evaluation *e, const struct ofa_plan *plan, struct ofa_subnet **ret,
			       struct ofa_error *err)
{
	struct ofa_supernet net;
	struct ofa_bn_stats stats = {0};
	int r = plan->arch.image_size, n = e->calibration->n;
	float *x = malloc((size_t)n * (size_t)(r * r * e->calibration->c) * sizeof(*x));
	enum ofa_status status =
		x ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d calibration images", n);
	status = ofa_comm_agree(e->comm, status, err);
	as_network(e, &net);
	if (!status) {
		fill(e, e->calibration, 0, n, r, x);
		status = ofa_calibrate(&net, plan, x, n, CALIBRATION_BATCH, e->comm, e->pool, &stats, err);
	}
	if (!status)
		status = ofa_subnet_extract(&net, plan, &stats, ret, err);
	ofa_bn_stats_release(&stats);
	free(x);
	return status;
}

static int count_right(const float *logits, const uint8_t *labels, int n, int classes)
{
	int right = 0;
	for (int i = 0; i < n; i++, logits += classes) {
		int best = 0;
		for (int c = 1; c < classes; c++)
			if (logits[c] > logits[best])
				best = c;
		right += best == labels[i];
	}
	return right;
}

/* How many of this rank's part of the images it gets right. */
static enum ofa_status classify(const struct ofa_evaluation *e, const struct ofa_subnet *sub, int *ret_right,
				struct ofa_error *err)
{
	const struct ofa_dataset *d = e->data;
	int r = sub->plan.arch.image_size, right = 0;
	size_t begin, end;
	float *x = malloc((size_t)CHUNK * (size_t)(r * r * d->c) * sizeof(*x));
	float *logits = malloc((size_t)CHUNK * (size_t)sub->plan.classes * sizeof(*logits));
	enum ofa_status status =
		x && logits ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d images", CHUNK);
	ofa_pool_part((size_t)d->n, (unsigned)ofa_comm_rank(e->comm), (unsigned)ofa_comm_size(e->comm), &begin, &end);
	for (int i = (int)begin; i < (int)end && !status; i += CHUNK) {
		int n = (int)end - i < CHUNK ? (int)end - i : CHUNK;
		fill(e, d, i, n, r, x);
		status = ofa_subnet_forward(sub, x, n, e->pool, logits, err);
		if (!status)
			right += count_right(logits, d->labels + i, n, sub->plan.classes);
	}
	*ret_right = right;
	free(x);
	free(logits);
	return status;
}

enum ofa_status ofa_evaluate_arch(const struct ofa_evaluation *e, const struct ofa_arch *arch, double *ret_accuracy,
				  struct ofa_error *err)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_subnet *sub = NULL;
	int part = 0;
	enum ofa_status status = plan ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan");
	status = ofa_comm_agree(e->comm, status, err);
	if (!status) {
		ofa_plan_init(e->params->space, e->params->params, arch, plan);
		status = extract(e, plan, &sub, err);
	}
	if (!status)
		status = classify(e, sub, &part, err);
	status = ofa_comm_agree(e->comm, status, err);
	double right = part;
	ofa_comm_sum_doubles(e->comm, &right, 1);
	if (!status)
		*ret_accuracy = right / e->data->n;
	ofa_subnet_free(sub);
	free(plan);
	return status;
}
