#include "quantise/measure.h"

#include <math.h>
#include <stdlib.h>

#include "tensor/resize.h"

#define BATCH 256

struct measure {
	const struct ofa_supernet *net;
	const struct ofa_labelled_images *data;
	struct ofa_pool *pool;
	struct ofa_plan plan;
	struct ofa_subnet *sub;
	float *x, *logits;
	uint8_t *pixels;
	int8_t *qx, *qlogits;
	int first, count;   /* the batch */
	int classes[BATCH]; /* what float32 says of it */
};

static size_t image_values(const struct measure *m)
{
	return (size_t)m->plan.arch.image_size * (size_t)m->plan.arch.image_size * (size_t)m->data->c;
}

/* This thread's images of the batch, as float32 sees them and as a device does. */
static void prepare(void *ctx, unsigned t, unsigned threads)
{
	static const float gain[OFA_MAX_INPUT_CHANNELS] = {1, 1, 1, 1}, bias[OFA_MAX_INPUT_CHANNELS];
	const struct measure *m = ctx;
	const struct ofa_labelled_images *d = m->data;
	const int r = m->plan.arch.image_size;
	struct ofa_resize_axis rows, columns;
	size_t begin, end;

	ofa_pool_part((size_t)m->count, t, threads, &begin, &end);
	if (begin == end)
		return;
	ofa_resize_axis_init(&rows, d->h, 0, (float)d->h, r, false);
	ofa_resize_axis_init(&columns, d->w, 0, (float)d->w, r, false);
	for (size_t i = begin; i < end; i++) {
		const uint8_t *from = d->images + ((size_t)m->first + i) * (size_t)d->h * (size_t)d->w * (size_t)d->c;
		float *x = m->x + i * image_values(m);

		ofa_resize_image(&rows, &columns, from, d->w, d->c, gain, bias, x);
		for (size_t v = 0; v < image_values(m); v++)
			m->pixels[i * image_values(m) + v] = (uint8_t)lroundf(fminf(fmaxf(x[v], 0), 255));
		ofa_resize_normalise(from, 1, d->h, d->w, d->c, r, m->net->mean, m->net->std, x);
	}
}

static int largest_float(const float *logits, int classes)
{
	int best = 0;

	for (int c = 1; c < classes; c++)
		best = logits[c] > logits[best] ? c : best;
	return best;
}

static int largest_int8(const int8_t *logits, int classes)
{
	int best = 0;

	for (int c = 1; c < classes; c++)
		best = logits[c] > logits[best] ? c : best;
	return best;
}

/* Images of which something holds. */
struct counts {
	int right, changed;
};

static enum ofa_status classify_float(struct measure *m, struct counts *ret, struct ofa_error *err)
{
	const size_t classes = (size_t)m->plan.classes;
	enum ofa_status st = ofa_subnet_forward(m->sub, m->x, m->count, m->pool, m->logits, err);

	for (int i = 0; i < m->count && st == OFA_OK; i++) {
		m->classes[i] = largest_float(m->logits + (size_t)i * classes, m->plan.classes);
		ret->right += m->classes[i] == m->data->labels[m->first + i];
	}
	return st;
}

static enum ofa_status classify_int8(struct measure *m, const struct ofa_quantised *q, struct counts *ret,
				     struct ofa_error *err)
{
	const size_t classes = (size_t)m->plan.classes;
	enum ofa_status st;

	ofa_quantised_input(q, m->pixels, m->count, m->qx);
	st = ofa_quantised_forward(q, m->qx, m->count, m->pool, m->qlogits, err);
	for (int i = 0; i < m->count && st == OFA_OK; i++) {
		const int class = largest_int8(m->qlogits + (size_t)i * classes, m->plan.classes);

		ret->right += class == m->data->labels[m->first + i];
		ret->changed += class != m->classes[i];
	}
	return st;
}

static enum ofa_status setup(struct measure *m, const struct ofa_arch *arch, struct ofa_error *err)
{
	struct ofa_bn_stats stats = {.storage = NULL};
	const size_t classes = (size_t)m->net->space.classes;
	enum ofa_status st;

	ofa_plan_init(&m->net->space, &m->net->params, arch, &m->plan);
	m->x = malloc(BATCH * image_values(m) * sizeof(*m->x));
	m->pixels = malloc(BATCH * image_values(m));
	m->qx = malloc(BATCH * image_values(m));
	m->logits = malloc(BATCH * classes * sizeof(*m->logits));
	m->qlogits = malloc(BATCH * classes);
	if (!m->x || !m->pixels || !m->qx || !m->logits || !m->qlogits)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a batch of %d images", BATCH);
	st = ofa_calibrate_builtin(m->net, &m->plan, m->net->calibration.n, m->pool, &stats, err);
	if (st == OFA_OK)
		st = ofa_subnet_extract(m->net, &m->plan, &stats, &m->sub, err);
	ofa_bn_stats_release(&stats);
	return st;
}

/* Counts of n int8 subnets, then those of float32. */
static enum ofa_status classify_all(struct measure *m, struct ofa_quantised *const *q, int n, struct counts *counts,
				    struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;

	for (m->first = 0; m->first < m->data->n && st == OFA_OK; m->first += m->count) {
		m->count = m->data->n - m->first < BATCH ? m->data->n - m->first : BATCH;
		ofa_pool_run(m->pool, prepare, m);
		st = classify_float(m, &counts[n], err);
		for (int i = 0; i < n && st == OFA_OK; i++)
			st = classify_int8(m, q[i], &counts[i], err);
	}
	return st;
}

static enum ofa_status measure(struct measure *m, const struct ofa_quantise_options *options, int n,
			       double *ret_float32, struct ofa_int8_accuracy *ret_int8, struct ofa_error *err)
{
	struct ofa_quantised **q = calloc((size_t)n, sizeof(*q));
	struct counts *counts = calloc((size_t)n + 1, sizeof(*counts));
	const double images = m->data->n;
	enum ofa_status st = q && counts ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for int8 subnets");

	for (int i = 0; i < n && st == OFA_OK; i++)
		st = ofa_quantise(m->net, m->sub, options ? &options[i] : NULL, m->pool, NULL, &q[i], err);
	if (st == OFA_OK)
		st = classify_all(m, q, n, counts, err);
	for (int i = 0; i < n && st == OFA_OK; i++)
		ret_int8[i] = (struct ofa_int8_accuracy){counts[i].right / images, counts[i].changed / images};
	if (st == OFA_OK)
		*ret_float32 = counts[n].right / images;
	for (int i = 0; q && i < n; i++)
		ofa_quantised_free(q[i]);
	free(q);
	free(counts);
	return st;
}

enum ofa_status ofa_quantise_compare(const struct ofa_supernet *net, const struct ofa_arch *arch,
				     const struct ofa_labelled_images *data,
				     const struct ofa_quantise_options *options, int n_options, struct ofa_pool *pool,
				     double *ret_float32, struct ofa_int8_accuracy *ret_int8, struct ofa_error *err)
{
	struct measure *m = calloc(1, sizeof(*m));
	enum ofa_status st;

	if (!m)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to measure an arch");
	m->net = net;
	m->data = data;
	m->pool = pool;
	if (data->n < 1 || data->c != net->space.input_channels)
		st = ofa_fail(err, OFA_ERR_MISMATCH, "data",
			      "%d images of %d channels; it takes at least 1, of the network's %d channels", data->n,
			      data->c, net->space.input_channels);
	else
		st = setup(m, arch, err);
	if (st == OFA_OK)
		st = measure(m, options, options ? n_options : 1, ret_float32, ret_int8, err);
	ofa_subnet_free(m->sub);
	free(m->x);
	free(m->pixels);
	free(m->qx);
	free(m->logits);
	free(m->qlogits);
	free(m);
	return st;
}

enum ofa_status ofa_quantise_measure(const struct ofa_supernet *net, const struct ofa_arch *arch,
				     const struct ofa_labelled_images *data,
				     const struct ofa_quantise_options *options, int n_options, struct ofa_pool *pool,
				     double *ret_float32, double *ret_int8, struct ofa_error *err)
{
	struct ofa_int8_accuracy accuracy[OFA_MEASURE_MAX_OPTIONS];
	double float32;
	enum ofa_status st;

	if (options && (n_options < 1 || n_options > OFA_MEASURE_MAX_OPTIONS))
		return ofa_fail(err, OFA_ERR_INVALID, "options", "%d ways to quantise; 1 to %d are accepted", n_options,
				OFA_MEASURE_MAX_OPTIONS);
	st = ofa_quantise_compare(net, arch, data, options, n_options, pool, &float32, accuracy, err);
	for (int i = 0; st == OFA_OK && i < (options ? n_options : 1); i++)
		ret_int8[i] = accuracy[i].top1;
	if (st == OFA_OK && ret_float32)
		*ret_float32 = float32;
	return st;
}
