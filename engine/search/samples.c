#include "search/samples.h"

#include <stdlib.h>
#include <string.h>

#include "search/problem.h"

#define BATCH 960 /* archs scored together: ten rounds of the scorer, and some 80 KB */

struct batch {
	struct ofa_arch archs[BATCH];
	float score[BATCH];
	void *scratch; /* of the scorer */
};

void ofa_samples_space(const struct ofa_search_problem *p, struct ofa_space *ret)
{
	*ret = *p->space;
	ret->n_resolutions = p->n_resolutions;
	memcpy(ret->resolutions, p->resolutions, sizeof(ret->resolutions));
}

double ofa_samples_error(const struct ofa_search_problem *p)
{
	return ofa_scorer_error(p->scorer);
}

/* to: the batch's first row in the first column. */
static void tell(const struct ofa_search_problem *p, const struct batch *b, int n, size_t pitch, float *to)
{
	for (int i = 0; i < n; i++) {
		double value[OFA_RESOURCE_COUNT];

		ofa_search_costs(p, &b->archs[i], value);
		to[i] = (float)ofa_predictor_promise(p->predictor, p->precision, (double)b->score[i]);
		for (int r = 0; r < OFA_RESOURCE_COUNT; r++)
			to[(size_t)ofa_sample_column(r) * pitch + (size_t)i] = (float)value[r];
		to[OFA_SAMPLE_IMAGE_SIZE * pitch + (size_t)i] = b->archs[i].image_size;
	}
}

static enum ofa_status draw(const struct ofa_search_problem *p, const struct ofa_samples_options *opt, struct batch *b,
			    float *columns, struct ofa_error *err)
{
	struct ofa_space space;
	struct ofa_rng rng;

	ofa_samples_space(p, &space);
	ofa_rng_init(&rng, opt->seed);
	for (int done = 0; done < opt->n; done += BATCH) {
		const int n = opt->n - done < BATCH ? opt->n - done : BATCH;

		if (opt->cancel && atomic_load(opt->cancel))
			return ofa_fail(err, OFA_ERR_CANCELLED, NULL, "the drawing of samples was stopped");
		for (int i = 0; i < n; i++)
			ofa_arch_sample(&space, &rng, &b->archs[i]);
		ofa_scorer_score(p->scorer, b->archs, NULL, n, b->scratch, b->score);
		tell(p, b, n, (size_t)opt->n, columns + done);
	}
	return OFA_OK;
}

enum ofa_status ofa_samples_draw(const struct ofa_search_problem *p, const struct ofa_samples_options *opt,
				 float *columns, struct ofa_error *err)
{
	struct batch *b;
	enum ofa_status st;

	if (opt->n < 1 || opt->n > OFA_SAMPLES_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, "/n", "%d samples; 1 to %d are accepted", opt->n,
				OFA_SAMPLES_MAX);
	b = malloc(sizeof(*b));
	if (!b)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	b->scratch = ofa_scorer_scratch(p->scorer);
	st = b->scratch ? draw(p, opt, b, columns, err) : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	free(b->scratch);
	free(b);
	return st;
}
