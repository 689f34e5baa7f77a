#include "quantise/observe.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "net/layer.h"
#include "quantise/layout.h"

#define CHUNK_FLOATS ((size_t)128 << 10)

struct job {
	const struct ofa_supernet *net;
	const struct ofa_subnet *sub;
	int images, chunk; /* images in all and at a time: chunks are the same for any number of threads */
	size_t value_at[OFA_PLAN_MAX_LAYERS + 1], value_floats, scratch_floats, sum_floats;
	size_t mean_at[OFA_PLAN_MAX_LAYERS], mean_floats;
	float *channel_sums; /* (chunks, mean_floats): added up in the order of chunks when all are there */
	struct ofa_observed_layer *seen[OFA_MAX_THREADS]; /* NULL: no memory, or no images */
	bool out_of_memory[OFA_MAX_THREADS];
};

/* One thread's memory. */
struct work {
	struct ofa_observed_layer *seen;
	float *values, *scratch, *sums;
};

static size_t map_floats(const struct ofa_value *v)
{
	return (size_t)v->h * (size_t)v->w * (size_t)v->c;
}

/* The layer with neither activation nor addition, which follow once its result has been looked at. */
static void run_bare(const struct ofa_layer_run *whole, struct ofa_histogram *inner)
{
	const struct ofa_layer *l = whole->layer;
	const size_t floats = (size_t)whole->count * (size_t)l->h_out * (size_t)l->w_out * (size_t)l->c_out;
	struct ofa_layer bare = *l;
	struct ofa_layer_run run = *whole;

	bare.act = OFA_ACT_NONE;
	run.layer = &bare;
	run.residual = NULL;
	ofa_layer_run(&run);
	ofa_histogram_add(inner, run.out, floats);
	if (whole->residual)
		run.kernels->sum_rows((const float *[]){run.out, whole->residual}, 2, (int)floats, l->act, run.out);
	else
		run.kernels->bias_act(run.out, (int)(floats / (size_t)l->c_out), l->c_out, NULL, l->act);
}

/* sums[c] += the channels of `rows` pixels. */
static void add_channels(const float *x, size_t rows, int c, float *sums)
{
	ofa_kernels()->column_sum(x, (int)rows, c, sums);
}

static void observe_layer(const struct job *j, struct work *w, int i, int count, float *sums)
{
	const struct ofa_plan *p = &j->sub->plan;
	const struct ofa_layer *l = &p->layers[i];
	struct ofa_observed_layer *seen = &w->seen[i];
	const struct ofa_layer_run run = {
		.kernels = ofa_kernels(),
		.layer = l,
		.weights = &j->sub->weights[i],
		.in = w->values + j->value_at[l->in],
		.residual = l->residual < 0 ? NULL : w->values + j->value_at[l->residual],
		.out = w->values + j->value_at[l->out],
		.count = count,
		.scratch = w->scratch,
		.sums = w->sums,
	};

	add_channels(run.in, (size_t)count * (size_t)l->h_in * (size_t)l->w_in, l->c_in, sums);
	if ((l->op == OFA_OP_CONV && l->residual >= 0) || ofa_layer_looks_up(l))
		run_bare(&run, &seen->inner);
	else
		ofa_layer_run(&run);
	if (l->op == OFA_OP_SE) {
		const size_t means = (size_t)count * (size_t)l->c_in;
		const float *hidden = w->scratch + means;

		ofa_histogram_add(&seen->added, w->sums, means);
		ofa_histogram_add(&seen->inner, hidden, (size_t)count * (size_t)l->hidden);
		add_channels(hidden, (size_t)count, l->hidden, sums + l->c_in);
	}
	if (l->op != OFA_OP_MAX_POOL && l->op != OFA_OP_AVERAGE_POOL)
		ofa_histogram_add(&seen->out, run.out, (size_t)count * map_floats(&p->values[l->out]));
}

static void observe_chunk(const struct job *j, struct work *w, int chunk)
{
	const int first = chunk * j->chunk;
	const struct ofa_plan *p = &j->sub->plan;
	const int left = j->images - first, count = left < j->chunk ? left : j->chunk;

	for (int i = 0; i < count; i++) {
		const int64_t spread = (int64_t)(first + i) * j->net->calibration.n / j->images;

		ofa_supernet_calibration_input(j->net, (int)spread, 1, p->arch.image_size,
					       w->values + (size_t)i * map_floats(&p->values[0]));
	}
	for (int i = 0; i < p->n_layers; i++)
		observe_layer(j, w, i, count, j->channel_sums + (size_t)chunk * j->mean_floats + j->mean_at[i]);
}

static size_t chunks(const struct job *j)
{
	return ((size_t)j->images + (size_t)j->chunk - 1) / (size_t)j->chunk;
}

static void run_thread(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	struct work w;
	size_t begin, end;

	ofa_pool_part(chunks(j), t, threads, &begin, &end);
	if (begin == end)
		return;
	w.seen = calloc((size_t)j->sub->plan.n_layers, sizeof(*w.seen));
	w.values = ofa_large_alloc((j->value_floats + j->scratch_floats + j->sum_floats) * sizeof(float));
	j->seen[t] = w.seen;
	j->out_of_memory[t] = !w.seen || !w.values;
	if (!j->out_of_memory[t]) {
		w.scratch = w.values + j->value_floats;
		w.sums = w.scratch + j->scratch_floats;
		for (size_t i = begin; i < end; i++)
			observe_chunk(j, &w, (int)i);
	}
	free(w.values);
}

static size_t round16(size_t n)
{
	return (n + 15) / 16 * 16;
}

/* Every value has a place of its own. */
static void lay_out(struct job *j)
{
	const struct ofa_plan *p = &j->sub->plan;
	size_t most = 1;

	for (int v = 0; v < p->n_values; v++)
		most = map_floats(&p->values[v]) > most ? map_floats(&p->values[v]) : most;
	j->chunk = (int)(CHUNK_FLOATS / (2 * most));
	j->chunk = j->chunk < 1 ? 1 : j->chunk > j->images ? j->images : j->chunk;
	for (int v = 0; v < p->n_values; v++) {
		j->value_at[v] = j->value_floats;
		j->value_floats += round16(map_floats(&p->values[v]) * (size_t)j->chunk);
	}
	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		const size_t scratch = round16(ofa_layer_scratch(l, j->chunk));
		const size_t sums = round16((size_t)j->chunk * (size_t)l->c_out);

		j->mean_at[i] = j->mean_floats;
		j->mean_floats += (size_t)l->c_in + (size_t)l->hidden;
		j->scratch_floats = scratch > j->scratch_floats ? scratch : j->scratch_floats;
		j->sum_floats = sums > j->sum_floats ? sums : j->sum_floats;
	}
}

static void merge(struct ofa_observed_layer *all, const struct ofa_observed_layer *from, int n)
{
	for (int i = 0; i < n; i++) {
		ofa_histogram_merge(&all[i].out, &from[i].out);
		ofa_histogram_merge(&all[i].inner, &from[i].inner);
		ofa_histogram_merge(&all[i].added, &from[i].added);
	}
}

/* What the threads saw, together; frees the parts. */
static bool gather(struct job *j, struct ofa_pool *pool, struct ofa_observed_layer *all)
{
	bool failed = false;

	for (unsigned t = 0; t < ofa_pool_size(pool); t++) {
		failed |= j->out_of_memory[t];
		if (j->seen[t] && !failed)
			merge(all, j->seen[t], j->sub->plan.n_layers);
		free(j->seen[t]);
	}
	return !failed;
}

/* The means of all inputs, and where each layer has its own. */
static void set_means(const struct job *j, struct ofa_observed_layer *layers, float *means)
{
	const struct ofa_plan *p = &j->sub->plan;

	for (int i = 0; i < p->n_layers; i++) {
		const struct ofa_layer *l = &p->layers[i];
		const int n = l->c_in + l->hidden;

		layers[i].mean = means + j->mean_at[i];
		layers[i].mean_hidden = layers[i].mean + l->c_in;
		for (int c = 0; c < n; c++) {
			const double rows = c < l->c_in ? (double)j->images * l->h_in * l->w_in : j->images;
			double sum = 0;

			for (size_t k = 0; k < chunks(j); k++)
				sum += j->channel_sums[k * j->mean_floats + j->mean_at[i] + (size_t)c];
			means[j->mean_at[i] + (size_t)c] = (float)(sum / rows);
		}
	}
}

void ofa_observation_release(struct ofa_observation *o)
{
	free(o->layers);
	free(o->means);
	*o = (struct ofa_observation){NULL, NULL};
}

enum ofa_status ofa_observe(const struct ofa_supernet *net, const struct ofa_subnet *sub, int images,
			    struct ofa_pool *pool, struct ofa_observation *ret, struct ofa_error *err)
{
	const int available = net->calibration.n;
	struct job j = {.net = net, .sub = sub, .images = images < available ? images : available};
	struct ofa_observation o;
	bool whole;

	if (available < 1)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "ofa.calibration.images",
				"network \"%s\" carries no calibration images, and int8 needs some to see what range "
				"its activations have; add them (ofa import --calibration) or ask for float32",
				net->name);
	lay_out(&j);
	j.channel_sums = calloc(chunks(&j) * j.mean_floats, sizeof(*j.channel_sums));
	o.means = malloc(j.mean_floats * sizeof(*o.means));
	o.layers = calloc((size_t)sub->plan.n_layers, sizeof(*o.layers));
	whole = j.channel_sums && o.means && o.layers;
	if (whole) {
		ofa_pool_run(pool, run_thread, &j);
		whole = gather(&j, pool, o.layers);
	}
	if (whole)
		set_means(&j, o.layers, o.means);
	free(j.channel_sums);
	if (!whole) {
		ofa_observation_release(&o);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory to look at a subnet's activations");
	}
	*ret = o;
	return OFA_OK;
}
