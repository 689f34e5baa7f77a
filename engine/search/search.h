/* Search: the subnet with the best predicted accuracy under limits. */
#ifndef OFA_SEARCH_SEARCH_H
#define OFA_SEARCH_SEARCH_H

#include <stdatomic.h>
#include "cost/costs.h"
#include "cost/profile.h"
#include "predict/predictor.h"

/* Cost tables of one network and a fast way to score its archs, bound once per (network, profile, precision) and
 * shared read-only by searches. */
struct ofa_search_problem;
/* Searched are the resolutions that network, predictor and latency table have in common (OFA_ERR_MISMATCH when
 * there is none).  latency may be NULL (then a latency limit is refused, OFA_ERR_INVALID "/limits/latency_ms").
 * Package bytes and peak memory are those of packages of this precision, and latency is to be.  What is best is told by
 * the accuracy in float32, as what a type promises rises with it (predict/promise.h).  Everything is borrowed and must
 * outlive the problem. */
enum ofa_status ofa_search_problem_new(const struct ofa_supernet *net, const struct ofa_predictor *predictor,
				       const struct ofa_latency_model *latency, enum ofa_precision precision,
				       struct ofa_search_problem **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_search_problem_free(struct ofa_search_problem *p);
/* Scores from now on by another of the sets of predict/scorer.h than the fastest; not while a search runs. */
enum ofa_status ofa_search_problem_use(struct ofa_search_problem *p, const char *set,
				       struct ofa_error *err) OFA_MUST_CHECK;

/* All resources of one arch by table look-up; value[r] = NAN for latency without a table.  Exactly
 * what the plan says. */
void ofa_search_costs(const struct ofa_search_problem *p, const struct ofa_arch *a, double value[OFA_RESOURCE_COUNT]);

/* Smallest and largest value each resource can take over all searched subnets. */
struct ofa_feasible {
	double min[OFA_RESOURCE_COUNT], max[OFA_RESOURCE_COUNT];
	bool known[OFA_RESOURCE_COUNT];
};
void ofa_search_feasible(const struct ofa_search_problem *p, struct ofa_feasible *ret);
json_t *ofa_feasible_format(
	const struct ofa_feasible *f); /* {"latency_ms":{"min":..,"max":..},..}; known ones; new reference */

/* Refuses what ofa_search_run() would refuse, without a search: OFA_ERR_INFEASIBLE or OFA_ERR_INVALID as there.  Takes
 * microseconds for one limit, up to some milliseconds for several together. */
enum ofa_status ofa_search_check(const struct ofa_search_problem *p, const struct ofa_limits *limits,
				 struct ofa_error *err) OFA_MUST_CHECK;

#define OFA_SEARCH_MAX_EVALUATIONS 10000000

/* The budget of a search that names none: what suits this processor's way of scoring. */
int ofa_search_default_evaluations(const struct ofa_search_problem *p);

struct ofa_search_options {
	struct ofa_limits limits;
	uint64_t seed;
	int evaluations;           /* budget of predictor evaluations; 0 = default */
	const atomic_bool *cancel; /* or NULL; polled each generation */
	/* or NULL; best_accuracy: 0: none yet, NAN as in the result */
	void (*progress)(void *ctx, int evaluations, int budget, double best_accuracy);
	void *ctx;
};
/* Why a search that found something ended; one that did not says so by its status. */
enum ofa_search_stop {
	OFA_STOP_BUDGET,    /* its evaluations were spent */
	OFA_STOP_CONVERGED, /* nothing new came any more */
	OFA_STOP_FRONT,     /* it was answered from a kept front (search/front.h) */
	OFA_STOP_GIVEN,     /* the subnet was given: nothing was searched */
};

struct ofa_search_result {
	struct ofa_arch arch;      /* canonical */
	double predicted_accuracy; /* in [0,1], of packages of the precision; NAN: nothing was measured of it */
	double value[OFA_RESOURCE_COUNT];
	int evaluations;
	double seconds;
	enum ofa_search_stop stop;
	bool warm; /* stop == OFA_STOP_FRONT */
};
/* doc/search.md describes the method.  Same problem, limits, budget and seed: same answer.  Infeasible limits end at
 * once: OFA_ERR_INFEASIBLE, field "/limits/NAME" of the first limit below its range, or "/limits" when no subnet meets
 * all together; *ret_feasible is filled in every case (ret_feasible may be NULL). */
enum ofa_status ofa_search_run(const struct ofa_search_problem *p, const struct ofa_search_options *opt,
			       struct ofa_search_result *ret, struct ofa_feasible *ret_feasible,
			       struct ofa_error *err) OFA_MUST_CHECK;

/* Instead of a search: what one would have said of this canonical arch, had it found it.  No limit is held against it.
 * OFA_ERR_INVALID "/image_size" when its resolution is not among the problem's. */
enum ofa_status ofa_search_given(const struct ofa_search_problem *p, const struct ofa_arch *a,
				 struct ofa_search_result *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
