#include "predict/scorer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/int8.h"
#include "tensor/gemm.h"

#define CHUNK 96      /* archs that go through the layers together: their activations stay in the first caches */
#define SAMPLES 192   /* archs whose activations set the scales */
#define HEADROOM 1.2f /* of a scale over the largest activation among them */
#define MIN_SHIFT 2   /* fractional bits of the first layer below which its rounding would count */
#define MAX_CHANGED 4 /* rows in which an arch may differ to be added up by difference */
#define MAX_ERROR 0.1 /* of the samples' standard deviation; a predictor that needs more precision gets floats */

struct ofa_scorer {
	const struct ofa_space *space;
	const struct ofa_predictor *predictor;
	const struct ofa_int8_kernels *int8;                    /* NULL: floats */
	int width[OFA_PREDICTOR_MAX_LAYERS + 1];                /* outputs of each layer, rounded up for ops/int8.h */
	int pitch[OFA_PREDICTOR_MAX_LAYERS + 1];                /* the same as inputs */
	int shift;                                              /* of the first layer's sums */
	int16_t *rows;                                          /* the predictor's first layer, pitch width[1] */
	struct ofa_int8_dense layers[OFA_PREDICTOR_MAX_LAYERS]; /* 1 .. n_layers - 2 */
	const float *last;                                      /* weights of the output */
	double error;                                           /* standard deviation over the samples */
	uint8_t *storage;
};

static int round_up(int n, int to)
{
	return (n + to - 1) / to * to;
}

/* What archs drawn from the space show of the hidden units. */
struct survey {
	struct ofa_arch archs[SAMPLES];
	float exact[SAMPLES], quick[SAMPLES];
	float *scale[OFA_PREDICTOR_MAX_LAYERS]; /* by hidden layer and unit: what one step of a byte means */
	float *storage;
};

static void survey_release(struct survey *v)
{
	free(v->storage);
}

/* Only sizes that the predictor knows can be scored. */
static bool draw_archs(const struct ofa_scorer *s, struct survey *v)
{
	struct ofa_rng rng;

	ofa_rng_init(&rng, 1);
	for (int i = 0; i < SAMPLES; i++) {
		int tries = 64 * OFA_MAX_RESOLUTIONS;

		do
			ofa_arch_sample(s->space, &rng, &v->archs[i]);
		while (!ofa_predictor_has_resolution(s->predictor, v->archs[i].image_size) && --tries);
		if (!tries)
			return false;
	}
	return true;
}

/* A unit that is never large gets finer steps, but not in proportion: its weights pay with theirs. */
static void set_scales(const float *y, int width, float *scale)
{
	float largest = 1e-6f;

	for (int j = 0; j < width; j++) {
		scale[j] = 0;
		for (int i = 0; i < SAMPLES; i++)
			scale[j] = fmaxf(scale[j], y[(size_t)i * (size_t)width + (size_t)j]);
		largest = fmaxf(largest, scale[j]);
	}
	for (int j = 0; j < width; j++)
		scale[j] = sqrtf(fmaxf(scale[j] * HEADROOM, 0.01f * largest) * largest * HEADROOM) / 255;
}

/* All samples through all layers. */
static enum ofa_status survey_init(const struct ofa_scorer *s, struct survey *v)
{
	const struct ofa_predictor *p = s->predictor;
	size_t units = 0, widest = 0;
	float *x, *y, *scale;

	for (int l = 0; l <= p->n_layers; l++) {
		units += (size_t)p->width[l];
		widest = (size_t)p->width[l] > widest ? (size_t)p->width[l] : widest;
	}
	v->storage = malloc((units + 2 * SAMPLES * widest) * sizeof(float));
	if (!v->storage)
		return OFA_ERR_NOMEM;
	scale = v->storage;
	x = scale + units;
	y = x + SAMPLES * widest;
	for (int i = 0; i < SAMPLES; i++)
		ofa_predictor_features(s->space, p, &v->archs[i], x + (size_t)i * (size_t)p->width[0]);
	for (int l = 0; l < p->n_layers; l++) {
		const int in = p->width[l], out = p->width[l + 1];
		float *swap = x;

		for (int i = 0; i < SAMPLES * out; i++)
			y[i] = p->b[l] ? p->b[l][i % out] : 0;
		ofa_gemm_nt(SAMPLES, out, in, x, in, p->w[l], in, 1.0f, y, out);
		x = y;
		y = swap;
		if (l + 1 == p->n_layers)
			break;
		for (int i = 0; i < SAMPLES * out; i++)
			x[i] = fmaxf(x[i], 0);
		v->scale[l] = scale;
		set_scales(x, out, scale);
		scale += out;
	}
	for (int i = 0; i < SAMPLES; i++)
		v->exact[i] = x[i] + p->base;
	return OFA_OK;
}

/* Largest magnitude that a unit's sum can have, in steps of its scale. */
static float largest_sum(const struct ofa_scorer *s, int unit)
{
	const struct ofa_predictor *p = s->predictor;
	float sum = 0;

	for (int g = 0; g < p->n_row_groups; g++) {
		float most = 0;

		for (uint32_t i = p->row_group[g]; i < p->row_group[g + 1]; i++)
			most = fmaxf(most, fabsf(p->rows[i * (size_t)p->pitch[1] + (size_t)unit]));
		sum += most;
	}
	return sum;
}

/* The first layer's rows in 16 bits, with as many fractional bits as no sum can overflow with. */
static bool quantise_rows(struct ofa_scorer *s, const float *scale)
{
	const struct ofa_predictor *p = s->predictor;
	const uint32_t n = p->row_group[p->n_row_groups];
	float most = 1;

	for (int j = 0; j < p->width[1]; j++)
		most = fmaxf(most, largest_sum(s, j) / scale[j]);
	for (s->shift = 14; s->shift > 0 && most * (float)(1 << s->shift) > 32000; s->shift--)
		;
	for (uint32_t i = 0; i < n; i++) {
		const float *from = p->rows + i * (size_t)p->pitch[1];
		int16_t *to = s->rows + i * (size_t)s->width[1];
		/* The group of resolutions is in every sum: there the shift is made to round. */
		float half = i < p->row_group[1] ? (float)(1 << s->shift) / 2 : 0;

		for (int j = 0; j < p->width[1]; j++)
			to[j] = (int16_t)lrintf(from[j] / scale[j] * (float)(1 << s->shift) + half);
	}
	return s->shift >= MIN_SHIFT;
}

/* One layer's weights; scale: the steps of its inputs; next: those of its outputs, NULL = plain numbers. */
static void quantise_layer(const struct ofa_predictor *p, int l, const float *scale, const float *next, int pitch,
			   int8_t *weights, float *factor, float *bias)
{
	const int in = p->width[l], out = p->width[l + 1];

	for (int j = 0; j < out; j++) {
		const float *w = p->w[l] + (size_t)j * (size_t)in, step = next ? next[j] : 1;
		int8_t *panel = weights + (size_t)(j / OFA_INT8_PANEL) * (size_t)pitch * OFA_INT8_PANEL;
		float most = 1e-30f;

		for (int k = 0; k < in; k++)
			most = fmaxf(most, fabsf(w[k] * scale[k]));
		for (int k = 0; k < in; k++)
			panel[k / 4 * (4 * OFA_INT8_PANEL) + j % OFA_INT8_PANEL * 4 + k % 4] =
				(int8_t)lrintf(w[k] * scale[k] / most * 127);
		factor[j] = most / 127 / step;
		bias[j] = (p->b[l] ? p->b[l][j] : 0) / step;
	}
}

static size_t layer_bytes(const struct ofa_scorer *s, int l)
{
	return (size_t)s->pitch[l] * (size_t)s->width[l + 1] + 2 * (size_t)s->width[l + 1] * sizeof(float);
}

/* All weights; false when the predictor's numbers do not suit 16 and 8 bits. */
static bool quantise(struct ofa_scorer *s, const struct survey *v)
{
	const struct ofa_predictor *p = s->predictor;
	const int hidden = p->n_layers - 1;
	uint8_t *at = s->storage;

	s->rows = (int16_t *)(void *)at;
	at += (size_t)p->row_group[p->n_row_groups] * (size_t)s->width[1] * sizeof(int16_t);
	if (!quantise_rows(s, v->scale[0]))
		return false;
	for (int l = 1; l < hidden; l++) {
		float *factor = (float *)(void *)(at + (size_t)s->pitch[l] * (size_t)s->width[l + 1]);
		float *bias = factor + s->width[l + 1];

		quantise_layer(p, l, v->scale[l - 1], l + 1 < hidden ? v->scale[l] : NULL, s->pitch[l],
			       (int8_t *)(void *)at, factor, bias);
		s->layers[l] = (struct ofa_int8_dense){
			.in = s->pitch[l],
			.out = s->width[l + 1],
			.used = round_up(p->width[l], 4),
			.weights = (int8_t *)(void *)at,
			.scale = factor,
			.bias = bias,
		};
		at += layer_bytes(s, l);
	}
	memcpy(at, p->w[hidden], (size_t)p->width[hidden] * sizeof(float));
	s->last = (float *)(void *)at;
	return true;
}

static enum ofa_status alloc_storage(struct ofa_scorer *s)
{
	const struct ofa_predictor *p = s->predictor;
	size_t bytes;

	for (int l = 0; l <= p->n_layers; l++) {
		s->width[l] = round_up(p->width[l], OFA_INT8_OUT);
		s->pitch[l] = round_up(p->width[l], OFA_INT8_IN);
	}
	bytes = (size_t)p->row_group[p->n_row_groups] * (size_t)s->width[1] * sizeof(int16_t);
	for (int l = 1; l < p->n_layers - 1; l++)
		bytes += layer_bytes(s, l);
	bytes += (size_t)s->width[p->n_layers - 1] * sizeof(float);
	s->storage = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!s->storage)
		return OFA_ERR_NOMEM;
	memset(s->storage, 0, (bytes + 63) / 64 * 64);
	return OFA_OK;
}

/* Is the error, which is told, small beside the differences between archs? */
static bool precise(const struct survey *v, double *ret_error)
{
	double mean = 0, spread = 0, error = 0;

	for (int i = 0; i < SAMPLES; i++)
		mean += (double)v->exact[i] / SAMPLES;
	for (int i = 0; i < SAMPLES; i++) {
		spread += ((double)v->exact[i] - mean) * ((double)v->exact[i] - mean) / SAMPLES;
		error += ((double)v->exact[i] - (double)v->quick[i]) * ((double)v->exact[i] - (double)v->quick[i]) /
			 SAMPLES;
	}
	*ret_error = sqrt(error);
	return error <= MAX_ERROR * MAX_ERROR * spread;
}

/* Sets *ret_works when the integers do; else the scorer is good for floats only. */
static enum ofa_status prepare(struct ofa_scorer *s, bool *ret_works)
{
	struct survey *v = calloc(1, sizeof(*v));
	enum ofa_status st = v ? OFA_OK : OFA_ERR_NOMEM;
	void *scratch = NULL;

	if (!st && !draw_archs(s, v))
		goto out;
	if (!st)
		st = survey_init(s, v);
	if (!st)
		st = alloc_storage(s);
	if (st || !quantise(s, v))
		goto out;
	scratch = ofa_scorer_scratch(s);
	if (!scratch) {
		st = OFA_ERR_NOMEM;
		goto out;
	}
	ofa_scorer_score(s, v->archs, NULL, SAMPLES, scratch, v->quick);
	*ret_works = precise(v, &s->error);
out:
	free(scratch);
	if (v)
		survey_release(v);
	free(v);
	return st;
}

enum ofa_status ofa_scorer_new(const struct ofa_space *space, const struct ofa_predictor *p, const char *set,
			       struct ofa_scorer **ret, struct ofa_error *err)
{
	const bool floats = set && strcmp(set, OFA_SCORER_FLOAT) == 0;
	struct ofa_scorer *s = calloc(1, sizeof(*s));
	bool works = false;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->space = space;
	s->predictor = p;
	if (!floats && p->kind == OFA_PREDICTOR_MLP && p->n_layers >= 3)
		s->int8 = set ? ofa_int8_kernels_named(set) : ofa_int8_kernels();
	if (s->int8 && prepare(s, &works)) {
		ofa_scorer_free(s);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	if (!works)
		s->int8 = NULL;
	if (set && !floats && !s->int8) {
		ofa_scorer_free(s);
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "scoring",
				"no scoring by \"%.32s\" for this processor and predictor; %s is always there", set,
				OFA_SCORER_FLOAT);
	}
	*ret = s;
	return OFA_OK;
}

void ofa_scorer_free(struct ofa_scorer *s)
{
	if (!s)
		return;
	free(s->storage);
	free(s);
}

const char *ofa_scorer_set(const struct ofa_scorer *s)
{
	return s->int8 ? s->int8->isa : OFA_SCORER_FLOAT;
}

bool ofa_scorer_exact(const struct ofa_scorer *s)
{
	return !s->int8;
}

double ofa_scorer_error(const struct ofa_scorer *s)
{
	return s->int8 ? s->error : 0;
}

static size_t widest(const struct ofa_scorer *s)
{
	size_t most = 0;

	for (int l = 1; l < s->predictor->n_layers; l++)
		most = (size_t)s->pitch[l] > most ? (size_t)s->pitch[l] : most;
	return most;
}

/* The last arch of a slot that was added up from scratch. */
struct one_hot {
	uint32_t index[OFA_PREDICTOR_MAX_ROWS];
	int n; /* 0: none yet */
};

/* Where scratch for the integers holds what, in bytes; all but `last` lie at multiples of 64. */
struct scratch {
	size_t y;       /* activations of every other layer; the others' are at 0 */
	size_t partial; /* float */
	size_t sums;    /* int16_t [OFA_SCORER_SLOTS][width[1]], of the slots' archs */
	size_t last;    /* struct one_hot [OFA_SCORER_SLOTS] */
	size_t end;
};

static struct scratch scratch_layout(const struct ofa_scorer *s)
{
	const size_t room = OFA_INT8_ROOM(CHUNK);
	struct scratch at;

	at.y = room * widest(s);
	at.partial = 2 * at.y;
	at.sums = at.partial + room * OFA_INT8_PANEL * sizeof(float);
	at.last = at.sums + OFA_SCORER_SLOTS * (size_t)s->width[1] * sizeof(int16_t);
	at.end = at.last + OFA_SCORER_SLOTS * sizeof(struct one_hot);
	return at;
}

void *ofa_scorer_scratch(const struct ofa_scorer *s)
{
	size_t bytes = s->int8 ? scratch_layout(s).end : ofa_predictor_workspace(s->predictor, CHUNK) * sizeof(float);
	void *scratch = aligned_alloc(64, (bytes + 63) / 64 * 64);

	/* Inputs beyond a layer's width have no weight, but are read. */
	if (scratch)
		memset(scratch, 0, (bytes + 63) / 64 * 64);
	return scratch;
}

static void first_layer(const struct ofa_scorer *s, const struct ofa_arch *a, struct one_hot *last, int16_t *sum,
			uint8_t *y)
{
	const int16_t *rows[OFA_PREDICTOR_MAX_ROWS + 1] = {sum}, *less[OFA_PREDICTOR_MAX_ROWS];
	uint32_t index[OFA_PREDICTOR_MAX_ROWS];
	const int n = ofa_predictor_rows(s->space, s->predictor, a, index);
	int changed = 0;

	for (int i = 0; i < n && n == last->n; i++) {
		if (index[i] == last->index[i])
			continue;
		less[changed++] = s->rows + last->index[i] * (size_t)s->width[1];
		rows[changed] = s->rows + index[i] * (size_t)s->width[1];
	}
	if (n == last->n && changed <= MAX_CHANGED) {
		s->int8->sum_rows(rows, 1 + changed, less, changed, s->width[1], s->shift, NULL, y);
		return;
	}
	for (int i = 0; i < n; i++)
		rows[i] = s->rows + index[i] * (size_t)s->width[1];
	s->int8->sum_rows(rows, n, NULL, 0, s->width[1], s->shift, sum, y);
	memcpy(last->index, index, sizeof(last->index));
	last->n = n;
}

static void score_chunk(const struct ofa_scorer *s, const struct ofa_arch *archs, const uint8_t *slots, int n,
			uint8_t *base, float *score)
{
	const struct ofa_predictor *p = s->predictor;
	const int hidden = p->n_layers - 1;
	const struct scratch at = scratch_layout(s);
	struct one_hot *last = (struct one_hot *)(void *)(base + at.last);
	int16_t *sums = (int16_t *)(void *)(base + at.sums);
	uint8_t *x = base, *y = base + at.y;

	for (int i = 0; i < n; i++) {
		size_t slot = slots ? slots[i] : 0;

		first_layer(s, &archs[i], &last[slot], sums + slot * (size_t)s->width[1],
			    x + (size_t)i * (size_t)s->pitch[1]);
	}
	for (int l = 1; l + 1 < hidden; l++) {
		uint8_t *swap = x;

		s->int8->dense(&s->layers[l], x, n, y, s->pitch[l + 1]);
		x = y;
		y = swap;
	}
	s->int8->dense_dot(&s->layers[hidden - 1], x, n, s->last,
			   (p->b[hidden] ? p->b[hidden][0] : 0) + p->base, (float *)(void *)(base + at.partial),
			   score);
}

void ofa_scorer_score(const struct ofa_scorer *s, const struct ofa_arch *archs, const uint8_t *slots, int n,
		      void *scratch, float *score)
{
	for (int i = 0; i < n; i += CHUNK) {
		int m = n - i < CHUNK ? n - i : CHUNK;

		if (s->int8)
			score_chunk(s, archs + i, slots ? slots + i : NULL, m, scratch, score + i);
		else
			ofa_predictor_predict(s->space, s->predictor, archs + i, m, scratch, score + i);
	}
}
