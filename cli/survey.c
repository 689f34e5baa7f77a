#include "survey.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "accuracy.h"
#include "base/pool.h"
#include "pack/stored.h"
#include "pairs.h"
#include "quantise/measure.h"
#include "subnet.h"

#define MAX_REDRAWS 1000

enum draw_stream { DRAW_SAMPLES, DRAW_UNSEEN, DRAW_PROMISES };

static void draw_sample(const struct ofa_space *s, struct ofa_rng *rng, int i, struct ofa_arch *ret)
{
	if (i % 4 < 2) {
		ofa_arch_sample(s, rng, ret);
		return;
	}
	if (i % 4 == 2)
		ofa_arch_smallest(s, ret);
	else
		ofa_arch_largest(s, ret);
	ofa_arch_mutate(s, rng, ofa_rng_double(rng), 1.0, ret);
}

static bool contains(const struct ofa_arch *archs, int n, const struct ofa_arch *a)
{
	for (int i = 0; i < n; i++)
		if (ofa_arch_equal(&archs[i], a))
			return true;
	return false;
}

static enum ofa_status draw_archs(struct cli_survey *s, uint64_t seed, struct ofa_error *err)
{
	const struct ofa_space *space = &s->net->space;
	struct ofa_rng rng;

	/* promises are judged by what the predictor says of subnets that it was not fitted on */
	ofa_rng_init3(&rng, seed, s->precision ? DRAW_PROMISES : DRAW_SAMPLES, 0);
	for (int i = 0; i < s->n_samples; i++)
		draw_sample(space, &rng, i, &s->archs[i]);
	ofa_rng_init3(&rng, seed, DRAW_UNSEEN, 0);
	for (int i = s->n_samples; i < s->n_samples + s->n_unseen; i++) {
		int tries = 0;
		do
			ofa_arch_sample(space, &rng, &s->archs[i]);
		while (contains(s->archs, i, &s->archs[i]) && ++tries < MAX_REDRAWS);
		if (tries == MAX_REDRAWS)
			return ofa_fail(err, OFA_ERR_INVALID, "--unseen",
			                "the space is too small for %d archs apart from %d samples; ask for fewer",
			                s->n_unseen, s->n_samples);
	}
	return OFA_OK;
}

enum ofa_status cli_survey_init(const struct ofa_supernet *net, const struct ofa_dataset *holdout, int images,
                                enum ofa_precision precision, int n_samples, int n_unseen, uint64_t seed,
                                struct cli_survey *ret, struct ofa_error *err)
{
	struct cli_survey s = {.net = net,
	                       .holdout = holdout,
	                       .images = images,
	                       .precision = precision,
	                       .n_samples = n_samples,
	                       .n_unseen = n_unseen};
	size_t n = (size_t)n_samples + (size_t)n_unseen;
	enum ofa_status st;

	s.archs = calloc(n, sizeof *s.archs);
	s.accuracy = calloc(n, sizeof *s.accuracy);
	s.plain = calloc(n, sizeof *s.plain);
	st = s.archs && s.accuracy && s.plain ? draw_archs(&s, seed, err)
	                           : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for %zu archs", n);
	for (size_t i = 0; st == OFA_OK && i < n; i++)
		s.accuracy[i] = NAN;
	if (st == OFA_OK)
		*ret = s;
	else
		cli_survey_release(&s);
	return st;
}

void cli_survey_release(struct cli_survey *s)
{
	free(s->archs);
	free(s->accuracy);
	free(s->plain);
	*s = (struct cli_survey){0};
}

/* What the threads share.  `lock` guards everything after it. */
struct work {
	struct cli_survey *survey;
	struct cli_examples examples[OFA_MAX_RESOLUTIONS]; /* by index of the space's resolutions */
	pthread_mutex_t lock;
	struct cli_pairs *pairs; /* or NULL */
	int next, done;
	enum ofa_status status;
	struct ofa_error error;
};

static const struct cli_examples *examples_of(const struct work *w, int image_size)
{
	const struct ofa_space *s = &w->survey->net->space;
	int i = 0;

	while (s->resolutions[i] != image_size)
		i++;
	return &w->examples[i];
}

/* Of one arch. */
struct measured {
	double accuracy, plain;
};

/* With the weights that a float16 package has. */
static enum ofa_status measure_float16(const struct ofa_supernet *net, const struct ofa_subnet *sub,
                                       const struct cli_examples *examples, double *ret_accuracy, struct ofa_error *err)
{
	struct ofa_pack_layout layout;
	struct ofa_pack_stored stored;
	enum ofa_status st;

	ofa_pack_layout_init(net, &sub->plan, OFA_FLOAT16, &layout);
	st = ofa_pack_store(net, sub, &layout, NULL, NULL, NULL, &stored, err);
	if (st != OFA_OK)
		return st;
	st = cli_subnet_accuracy(stored.sub, examples, NULL, ret_accuracy, err);
	ofa_pack_stored_release(&stored);
	return st;
}

static enum ofa_status measure_float(const struct work *w, const struct ofa_arch *arch, struct measured *ret,
                                     struct ofa_error *err)
{
	const struct cli_examples *examples = examples_of(w, arch->image_size);
	struct cli_bn bn = {.source = CLI_BN_BUILTIN};
	struct ofa_subnet *sub;
	enum ofa_status st = cli_build_subnet(w->survey->net, arch, &bn, NULL, &sub, err);

	if (st != OFA_OK)
		return st;
	st = cli_subnet_accuracy(sub, examples, NULL, &ret->plain, err);
	ret->accuracy = ret->plain;
	if (st == OFA_OK && w->survey->precision == OFA_FLOAT16)
		st = measure_float16(w->survey->net, sub, examples, &ret->accuracy, err);
	ofa_subnet_free(sub);
	return st;
}

static enum ofa_status measure_arch(const struct work *w, const struct ofa_arch *arch, struct measured *ret,
                                    struct ofa_error *err)
{
	const struct cli_survey *s = w->survey;
	const struct ofa_dataset *d = s->holdout;
	const struct ofa_labelled_images images = {
		.images = d->images, .labels = d->labels, .n = s->images, .h = d->h, .w = d->w, .c = d->c};

	if (s->precision != OFA_INT8)
		return measure_float(w, arch, ret, err);
	return ofa_quantise_measure(s->net, arch, &images, NULL, 1, NULL, &ret->plain, &ret->accuracy, err);
}

/* Index of an arch to measure, or -1 when there is none left or another thread failed. */
static int take_next(struct work *w)
{
	int total = w->survey->n_samples + w->survey->n_unseen, taken = -1;

	pthread_mutex_lock(&w->lock);
	while (w->next < total && !isnan(w->survey->accuracy[w->next]))
		w->next++;
	if (w->status == OFA_OK && w->next < total)
		taken = w->next++;
	pthread_mutex_unlock(&w->lock);
	return taken;
}

static void record(struct work *w, int i, enum ofa_status st, const struct measured *m, const struct ofa_error *err)
{
	struct cli_survey *s = w->survey;

	pthread_mutex_lock(&w->lock);
	if (st == OFA_OK) {
		s->accuracy[i] = (float)m->accuracy;
		s->plain[i] = (float)m->plain;
		if (w->pairs)
			st = cli_pairs_append(w->pairs, &s->archs[i], m->accuracy, m->plain, &w->error);
		if (s->progress)
			s->progress(s->ctx, ++w->done, s->n_samples + s->n_unseen);
	} else if (w->status == OFA_OK) {
		w->error = *err;
	}
	if (w->status == OFA_OK)
		w->status = st;
	pthread_mutex_unlock(&w->lock);
}

static void measure_until_done(void *ctx, unsigned thread, unsigned threads)
{
	struct work *w = ctx;

	(void)thread;
	(void)threads;
	for (int i = take_next(w); i >= 0; i = take_next(w)) {
		struct ofa_error err = {0};
		struct measured m = {0};
		enum ofa_status st = measure_arch(w, &w->survey->archs[i], &m, &err);
		record(w, i, st, &m, &err);
	}
}

static enum ofa_status prepare_examples(struct work *w, struct ofa_error *err)
{
	const struct cli_survey *s = w->survey;
	enum ofa_status st = OFA_OK;

	if (s->precision == OFA_INT8)
		return OFA_OK; /* it takes them as they are */
	for (int i = 0; st == OFA_OK && i < s->net->space.n_resolutions; i++)
		st = cli_examples_init(s->holdout, s->images, s->net->space.resolutions[i], s->net->mean, s->net->std,
		                       &w->examples[i], err);
	return st;
}

static void release_work(struct work *w)
{
	for (int i = 0; i < w->survey->net->space.n_resolutions; i++)
		cli_examples_release(&w->examples[i]);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static enum ofa_status run_threads(struct work *w, unsigned threads, struct ofa_error *err)
{
	struct ofa_pool *pool;

	if (ofa_pool_new(threads, &pool) != OFA_OK)
		return ofa_fail(err, OFA_ERR_NOMEM, "--threads", "cannot start %u threads", threads);
	for (int i = 0; i < w->survey->n_samples + w->survey->n_unseen; i++)
		w->done += !isnan(w->survey->accuracy[i]);
	ofa_pool_run(pool, measure_until_done, w);
	ofa_pool_free(pool);
	if (w->status != OFA_OK)
		return ofa_fail(err, w->status, w->error.field, "%s", w->error.message);
	return OFA_OK;
}

enum ofa_status cli_survey_run(struct cli_survey *s, unsigned threads, const char *pairs_path, struct ofa_error *err)
{
	struct work *w = calloc(1, sizeof *w);
	struct cli_pairs pairs = {0};
	enum ofa_status st = OFA_OK;

	if (!w)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	w->survey = s;
	pthread_mutex_init(&w->lock, NULL);
	if (pairs_path) {
		st = cli_pairs_open(pairs_path, s->net, s->images, s->precision, s->archs, s->n_samples + s->n_unseen,
		                    s->accuracy, s->precision ? s->plain : NULL, &pairs, err);
		w->pairs = &pairs;
	}
	if (st == OFA_OK)
		st = prepare_examples(w, err);
	if (st == OFA_OK)
		st = run_threads(w, threads, err);
	cli_pairs_close(&pairs);
	release_work(w);
	return st;
}
