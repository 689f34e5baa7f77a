/* A cloud of subnets drawn at random, with what each is predicted to reach and to cost: what a front is seen before. */
#ifndef OFA_SEARCH_SAMPLES_H
#define OFA_SEARCH_SAMPLES_H

#include "search/search.h"

#define OFA_SAMPLES_MAX 100000

/* The columns; a resource's is ofa_sample_column(). */
#define OFA_SAMPLE_ACCURACY 0
#define OFA_SAMPLE_IMAGE_SIZE (1 + OFA_RESOURCE_COUNT)
#define OFA_SAMPLE_COLUMNS (2 + OFA_RESOURCE_COUNT)
static inline int ofa_sample_column(enum ofa_resource r)
{
	return 1 + (int)r;
}

struct ofa_samples_options {
	int n; /* 1 to OFA_SAMPLES_MAX */
	uint64_t seed;
	const atomic_bool *cancel; /* or NULL */
};

/* The space of a problem with the resolutions that it searches alone: what archs are drawn from. */
void ofa_samples_space(const struct ofa_search_problem *p, struct ofa_space *ret);

/* Draws n archs, one after the other by ofa_arch_sample() in ofa_samples_space() from the sequence of the seed, and
 * tells of each, rounded to float32: the accuracy that a package of the problem's precision is promised (in [0,1]; NAN:
 * nothing was measured of the type), its resources as ofa_search_costs() has them (NAN: latency without a table) and
 * its image size in pixels.
 *   columns (OFA_SAMPLE_COLUMNS, n) written, also in part when it fails
 * Archs, costs and sizes are the same on every machine.  Accuracies are those of the predictor, to rounding, where the
 * problem's scorer is exact; else they are off by its error (ofa_samples_error()) and depend on the kind of processor.
 * On one machine the same question gives the same numbers.
 * OFA_ERR_INVALID "/n", OFA_ERR_NOMEM, OFA_ERR_CANCELLED.  Reads the problem only: any number of threads may draw. */
enum ofa_status ofa_samples_draw(const struct ofa_search_problem *p, const struct ofa_samples_options *opt,
				 float *columns, struct ofa_error *err) OFA_MUST_CHECK;

/* Standard deviation of the accuracies' error against the predictor, as ofa_scorer_error(). */
double ofa_samples_error(const struct ofa_search_problem *p);

#endif
