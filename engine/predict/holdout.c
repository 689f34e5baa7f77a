#include "predict/holdout.h"

#include <stdlib.h>
#include <string.h>

struct draw {
	uint64_t key; /* of the arch and the seed */
	int pair;
};

static int compare_draws(const void *a, const void *b)
{
	const struct draw *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->pair - y->pair;
}

enum ofa_status ofa_holdout_split(const struct ofa_pairs *pairs, double share, uint64_t seed, bool *unseen,
				  struct ofa_error *err)
{
	struct draw *draws = calloc((size_t)pairs->n, sizeof(*draws));

	if (!draws)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int i = 0; i < pairs->n; i++) {
		struct ofa_arch genes = pairs->archs[i];
		struct ofa_rng rng;

		genes.image_size = 0;
		ofa_rng_init3(&rng, seed, ofa_arch_hash(&genes), 0);
		draws[i] = (struct draw){ofa_rng_u64(&rng), i};
	}
	qsort(draws, (size_t)pairs->n, sizeof(*draws), compare_draws);
	for (int i = 0; i < pairs->n; i++)
		unseen[draws[i].pair] = i < share * pairs->n || (i > 0 && draws[i].key == draws[i - 1].key &&
								 unseen[draws[i - 1].pair]);
	free(draws);
	return OFA_OK;
}

/* Pairs on one side of the split, copied. */
struct side {
	struct ofa_pairs pairs;
	struct ofa_arch *archs;
	float *accuracy;
	uint8_t *batch;
};

static void release_side(struct side *s)
{
	free(s->archs);
	free(s->accuracy);
	free(s->batch);
}

static enum ofa_status take_side(const struct ofa_pairs *all, const bool *unseen, bool side, struct side *ret,
				 struct ofa_error *err)
{
	struct side s = {.pairs = {.n_batches = all->n_batches}};
	size_t n = (size_t)all->n;

	s.archs = malloc(n * sizeof(*s.archs));
	s.accuracy = malloc(n * sizeof(*s.accuracy));
	s.batch = malloc(n * sizeof(*s.batch));
	if (!s.archs || !s.accuracy || !s.batch) {
		release_side(&s);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	for (int i = 0; i < all->n; i++) {
		if (unseen[i] != side)
			continue;
		s.archs[s.pairs.n] = all->archs[i];
		s.accuracy[s.pairs.n] = all->accuracy[i];
		s.batch[s.pairs.n++] = all->batch ? all->batch[i] : 0;
	}
	s.pairs.archs = s.archs;
	s.pairs.accuracy = s.accuracy;
	s.pairs.batch = s.batch;
	*ret = s;
	return OFA_OK;
}

/* Predictions of the pairs of one batch, or with batch -1 of all; a resolution that the fit did not see has none: NAN
 * would hide it, so it is refused. */
static enum ofa_status predict(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_pairs *pairs,
			       int batch, float *predicted, struct ofa_error *err)
{
	float *workspace = malloc(ofa_predictor_workspace(p, 1) * sizeof(*workspace));
	enum ofa_status st = workspace ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	for (int i = 0; !st && i < pairs->n; i++) {
		if (batch >= 0 && pairs->batch[i] != batch)
			continue;
		if (!ofa_predictor_has_resolution(p, pairs->archs[i].image_size))
			st = ofa_fail(err, OFA_ERR_INVALID, "pairs", "all of resolution %d were set aside",
				      pairs->archs[i].image_size);
		else
			ofa_predictor_predict(s, p, &pairs->archs[i], 1, workspace, &predicted[i]);
	}
	free(workspace);
	return st;
}

static enum ofa_status run_pairwise(const struct ofa_space *s, const struct ofa_holdout_options *opt,
				    const struct ofa_pairs *seen, const struct ofa_pairs *unseen, float *predicted,
				    struct ofa_error *err)
{
	struct ofa_pairwise_options fit_options = opt->pairwise;
	struct ofa_pairwise_fit *fit;
	enum ofa_status st;

	fit_options.seed = opt->seed;
	st = ofa_pairwise_fit_new(s, seen, &fit_options, &fit, err);
	if (st)
		return st;
	for (int b = 0; !st && b < seen->n_batches; b++) {
		struct ofa_predictor p;

		st = ofa_pairwise_fit_predictor(fit, s, b, &p, err);
		if (st)
			break;
		st = predict(s, &p, unseen, b, predicted, err);
		ofa_predictor_release(&p);
	}
	ofa_pairwise_fit_free(fit);
	return st;
}

static enum ofa_status run_mlp(const struct ofa_space *s, const struct ofa_holdout_options *opt,
			       const struct ofa_pairs *seen, const struct ofa_pairs *unseen, float *predicted,
			       struct ofa_error *err)
{
	struct ofa_predictor_fit_options fit_options = opt->mlp;
	struct ofa_predictor p;
	enum ofa_status st;

	fit_options.seed = opt->seed;
	st = ofa_predictor_fit(s, seen->archs, seen->accuracy, seen->n, &fit_options, &p, err);
	if (st)
		return st;
	st = predict(s, &p, unseen, -1, predicted, err);
	ofa_predictor_release(&p);
	return st;
}

/* One line of the pairs of a batch (-1: any) and a resolution (0: any), when there are some. */
static void add_line(const struct ofa_pairs *p, const float *predicted, int batch, int image_size, float *scratch,
		     struct ofa_holdout *h)
{
	float *a = scratch, *b = scratch + p->n;
	int n = 0;

	for (int i = 0; i < p->n; i++) {
		if ((batch >= 0 && p->batch[i] != batch) || (image_size && p->archs[i].image_size != image_size))
			continue;
		a[n] = predicted[i];
		b[n++] = p->accuracy[i];
	}
	if (n > 0)
		h->lines[h->n_lines++] = (struct ofa_holdout_line){.batch = batch,
								   .image_size = image_size,
								   .n = n,
								   .rmse = ofa_rmse(a, b, n),
								   .tau = ofa_kendall_tau(a, b, n)};
}

static enum ofa_status judge(const struct ofa_space *s, const struct ofa_pairs *unseen, const float *predicted,
			     struct ofa_holdout *h, struct ofa_error *err)
{
	size_t most = (size_t)unseen->n_batches * ((size_t)s->n_resolutions + 1) + 1;
	float *scratch = malloc(2 * (size_t)unseen->n * sizeof(*scratch));

	h->lines = malloc(most * sizeof(*h->lines));
	if (!scratch || !h->lines) {
		free(scratch);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	for (int b = 0; b < unseen->n_batches; b++) {
		for (int r = 0; r < s->n_resolutions; r++)
			add_line(unseen, predicted, b, s->resolutions[r], scratch, h);
		add_line(unseen, predicted, b, 0, scratch, h);
	}
	add_line(unseen, predicted, -1, 0, scratch, h);
	free(scratch);
	return OFA_OK;
}

enum ofa_status ofa_holdout_run(const struct ofa_space *s, const struct ofa_pairs *pairs,
				const struct ofa_holdout_options *opt, struct ofa_holdout *ret, struct ofa_error *err)
{
	bool *unseen = calloc((size_t)pairs->n, sizeof(*unseen));
	float *predicted = calloc((size_t)pairs->n, sizeof(*predicted));
	struct side fitted = {0}, judged = {0};
	struct ofa_holdout h = {0};
	enum ofa_status st = unseen && predicted ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");

	if (!st)
		st = ofa_holdout_split(pairs, opt->share, opt->seed, unseen, err);
	if (!st)
		st = take_side(pairs, unseen, false, &fitted, err);
	if (!st)
		st = take_side(pairs, unseen, true, &judged, err);
	if (!st && judged.pairs.n < 2)
		st = ofa_fail(err, OFA_ERR_INVALID, "pairs", "%d of %d were set aside; at least 2 are needed",
			      judged.pairs.n, pairs->n);
	if (!st)
		st = (opt->kind == OFA_PREDICTOR_MLP ? run_mlp : run_pairwise)(s, opt, &fitted.pairs, &judged.pairs,
									       predicted, err);
	if (!st)
		st = judge(s, &judged.pairs, predicted, &h, err);
	h.n_fitted = fitted.pairs.n;
	h.n_unseen = judged.pairs.n;
	release_side(&fitted);
	release_side(&judged);
	free(unseen);
	free(predicted);
	if (st)
		ofa_holdout_release(&h);
	else
		*ret = h;
	return st;
}

void ofa_holdout_release(struct ofa_holdout *h)
{
	free(h->lines);
	memset(h, 0, sizeof(*h));
}
