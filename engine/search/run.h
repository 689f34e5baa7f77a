/* One search while it runs; private to engine/search.
 *
 * The population is kept in bands and niches.  Band b holds subnets whose tightness - the largest ratio of a cost to
 * its reference - is at most band[b]: neighbouring limits are searched together, and what is found under one serves
 * the others.  Within a band each resolution is a niche of its own, so that one that leads early does not drive the
 * others out.  For one answer the references are its limits and the bands lie around 1; for a front there is one
 * reference, the unit of its metric, and the bands are its points. */
#ifndef OFA_SEARCH_RUN_H
#define OFA_SEARCH_RUN_H

#include "search/memo.h"
#include "search/problem.h"

#define OFA_LIST_MAX 1024 /* archs scored together */

struct ofa_elite {
	struct ofa_arch arch;
	float accuracy;
	int uses; /* how often it was picked to build on */
};

struct ofa_niche {
	int n;
	struct ofa_elite *at; /* best first */
};

/* An arch with what it costs of the limited resources. */
struct ofa_candidate {
	struct ofa_arch arch;
	int resolution; /* index in p->resolutions */
	uint64_t hash;
	double cost[OFA_RESOURCE_COUNT];
	bool rounded; /* costs were found by difference: not above the true ones, and below by a part in 10^9 at most */
};

/* What a run looks for. */
struct ofa_run_goal {
	struct ofa_limits limits;          /* references of the banded resources, limits of the others */
	bool banded[OFA_RESOURCE_COUNT];
	const double *bands;               /* ascending, at least one; borrowed */
	int n_bands, niche_size;
	bool narrow;                       /* the bands lie around one limit, where few resolutions compete */
	uint64_t seed;
	int budget;                        /* evaluations */
};

struct ofa_search_run {
	const struct ofa_search_problem *p;
	struct ofa_run_goal goal;
	struct ofa_rng rng;
	struct ofa_memo memo;
	int evaluations;
	struct ofa_niche *niches; /* [n_bands][p->n_resolutions] */
	struct ofa_elite *elites; /* their storage */
	void *scratch;            /* of the scorer */
	float *exact_scratch;     /* of the predictor, for one arch */
	int n_list;               /* the archs to score next, and what came out; NAN: not scored */
	struct ofa_candidate list[OFA_LIST_MAX];
	float score[OFA_LIST_MAX];
	struct ofa_arch pending[OFA_LIST_MAX];
	float pending_score[OFA_LIST_MAX];
	struct ofa_gains *gains;       /* of the incumbent last built on */
};

enum ofa_status ofa_run_new(const struct ofa_search_problem *p, const struct ofa_run_goal *goal,
			    struct ofa_search_run **ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_run_free(struct ofa_search_run *run);

struct ofa_niche *ofa_run_niche(const struct ofa_search_run *run, int band, int resolution);

/* The tightness of an arch; INFINITY when it is over the limit of a resource without bands. */
double ofa_run_tightness(const struct ofa_search_run *run, const struct ofa_candidate *c);

/* Puts one arch on the list and returns its entry, costs filled in; NULL when the list is full. */
struct ofa_candidate *ofa_run_push(struct ofa_search_run *run, const struct ofa_arch *a);
/* The same for an arch that differs from another one in a single stage only: in the genes of `block`, which both have,
 * or, if that is -1, in any.  Costs are found by difference. */
struct ofa_candidate *ofa_run_push_near(struct ofa_search_run *run, const struct ofa_candidate *from,
					const struct ofa_arch *a, int stage, int block);
/* Is an arch on the list known?  Then its score. */
bool ofa_run_recall(const struct ofa_search_run *run, int index, float *ret);
/* Scores the list in one batch and sorts what is new into the population.  Known archs cost nothing; past
 * the budget nothing more is scored.  Returns how many were new.  run->list stays as it was until the next push. */
int ofa_run_score(struct ofa_search_run *run);

/* A subnet of the band to build on: the most accurate one, each earlier use counting against it.  False while
 * the band is empty. */
bool ofa_run_pick(struct ofa_search_run *run, int band, struct ofa_elite *ret, int *ret_resolution);

/* Scores the leaders of a band by the predictor itself and returns the best, accuracy exact; false while the band is
 * empty. */
bool ofa_run_best(struct ofa_search_run *run, int band, struct ofa_elite *ret);

/* Who may stop a run and hears of its progress. */
struct ofa_run_watch {
	const atomic_bool *cancel; /* or NULL */
	void (*progress)(void *ctx, int evaluations, int budget, double best_accuracy); /* or NULL */
	void *ctx;
	int band; /* whose best accuracy is told */
};

/* Chains that anneal towards the limits of a band, until `until` evaluations are spent or little new comes. */
enum ofa_status ofa_run_anneal(struct ofa_search_run *run, int band, int until, const struct ofa_run_watch *watch,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* Proposals from exact gene gains around the leaders, likewise. */
enum ofa_status ofa_run_refine(struct ofa_search_run *run, int until, const struct ofa_run_watch *watch,
			       struct ofa_error *err) OFA_MUST_CHECK;

/* OFA_ERR_CANCELLED when it is time to stop; tells the progress. */
enum ofa_status ofa_run_report(const struct ofa_search_run *run, const struct ofa_run_watch *watch,
			       struct ofa_error *err) OFA_MUST_CHECK;

enum ofa_status ofa_gains_new(int n_resolutions, struct ofa_gains **ret) OFA_MUST_CHECK;
void ofa_gains_free(struct ofa_gains *g);

#endif
