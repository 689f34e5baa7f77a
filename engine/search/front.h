/* The Pareto front of predicted accuracy over one resource: the best subnet within each of many limits, found together.
 * Kept beside a problem it answers later requests by a look-up and a polish. */
#ifndef OFA_SEARCH_FRONT_H
#define OFA_SEARCH_FRONT_H

#include "search/search.h"

#define OFA_FRONT_DEFAULT_POINTS 64
#define OFA_FRONT_MAX_POINTS 1024
#define OFA_FRONT_DEFAULT_EVALUATIONS 145000
/* For a front that is kept and answers requests: computed once, in the background. */
#define OFA_FRONT_KEPT_POINTS 1024
#define OFA_FRONT_KEPT_EVALUATIONS 4000000

struct ofa_front_options {
	enum ofa_resource metric;
	int points;               /* limits tried, evenly from min to max; 0 = default */
	double min, max;          /* of the metric; 0 = the end of its feasible range */
	struct ofa_limits limits; /* kept by every point; the metric's own caps max */
	uint64_t seed;
	int evaluations;           /* 0 = default */
	const atomic_bool *cancel; /* or NULL */
	void (*progress)(void *ctx, int evaluations, int budget, double best_accuracy); /* or NULL */
	void *ctx;
};

struct ofa_front_point {
	struct ofa_arch arch; /* canonical */
	double predicted_accuracy;        /* of a package of the problem's precision; NAN: nothing was measured of it */
	double value[OFA_RESOURCE_COUNT]; /* NAN: latency without a table */
};

struct ofa_front {
	enum ofa_resource metric;
	size_t n;
	struct ofa_front_point *points; /* value[metric] and accuracy strictly ascending: none is dominated */
	/* private: */
	double min, max;
	struct ofa_limits limits;
	size_t n_archive;
	struct ofa_front_point *archive; /* good subnets all along the front, most accurate first; as in float32 */
};

/* Same problem and options: same front.  OFA_ERR_INVALID "/metric", "/points", "/min" or "/max" for what cannot be
 * asked, OFA_ERR_INFEASIBLE as ofa_search_run().  Released by ofa_front_release(). */
enum ofa_status ofa_front_run(const struct ofa_search_problem *p, const struct ofa_front_options *opt,
			      struct ofa_front *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_front_release(struct ofa_front *f);

/* Like ofa_search_run(), but from the front where it covers the question: where the limit on its metric lies within the
 * range it was computed for and no other limit binds that did not bind it.  Then ret->warm is set and opt->evaluations
 * is not read.  Else this is ofa_search_run().  Reads the front only: any number of threads may ask. */
enum ofa_status ofa_front_answer(const struct ofa_search_problem *p, const struct ofa_front *f,
				 const struct ofa_search_options *opt, struct ofa_search_result *ret,
				 struct ofa_feasible *ret_feasible, struct ofa_error *err) OFA_MUST_CHECK;

/* {"metric", "points":[{"arch", "predicted_accuracy", "latency_ms", "macs", ..}, ..]}, ascending; what is unknown is
 * null.  New reference, NULL when out of memory. */
json_t *ofa_front_format(const struct ofa_search_problem *p, const struct ofa_front *f);

#endif
