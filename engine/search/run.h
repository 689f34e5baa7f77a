/* One search while it runs; private to engine/search.
 *
 * The population is kept in bands and niches.  Band b holds subnets whose tightness - the largest ratio of a
 * cost to its limit - is at most ofa_band_tightness[b]: neighbouring limits are searched together, and what
 * is found under one serves the others.  Within a band each resolution is a niche of its own, so that one
 * that leads early does not drive the others out. */
#ifndef OFA_SEARCH_RUN_H
#define OFA_SEARCH_RUN_H

#include "search/memo.h"
#include "search/problem.h"

#define OFA_BANDS 6
#define OFA_BAND_EXACT 2   /* the band of the limits themselves, tightness 1 */
#define OFA_NICHE 12       /* subnets kept per band and resolution */
#define OFA_LIST_MAX 1024  /* archs scored together */

extern const double ofa_band_tightness[OFA_BANDS];

struct ofa_elite {
	struct ofa_arch arch;
	float accuracy;
	int uses; /* how often it was picked to build on */
};

struct ofa_niche {
	int n;
	struct ofa_elite at[OFA_NICHE]; /* best first */
};

struct ofa_search_run {
	const struct ofa_search_problem *p;
	struct ofa_limits limits;
	struct ofa_rng rng;
	struct ofa_memo memo;
	int budget, evaluations;
	struct ofa_niche *niches;       /* [OFA_BANDS][p->n_resolutions] */
	double price[OFA_RESOURCE_COUNT]; /* weights of the limited sums in one combined cost; they add up to 1 */
	float *workspace;
	int n_list;                      /* the archs to score next, and what came out; NAN: not scored */
	struct ofa_arch list[OFA_LIST_MAX];
	float score[OFA_LIST_MAX];
	int n_pending;
	struct ofa_arch pending[OFA_LIST_MAX];
	float pending_score[OFA_LIST_MAX];
	struct ofa_gains *gains;         /* of the incumbent last built on */
};

struct ofa_niche *ofa_run_niche(const struct ofa_search_run *run, int band, int resolution);

/* The arch's tightness under the run's limits by the tables; above 1: over a limit.  0 without limits. */
double ofa_run_tightness(const struct ofa_search_run *run, int resolution, const struct ofa_arch *a);

/* Puts one arch on the list; ignored when the list is full. */
void ofa_run_push(struct ofa_search_run *run, const struct ofa_arch *a);
/* Scores the list in one batch and sorts what is new into the population.  Known archs cost nothing; past
 * the budget nothing more is scored.  Returns how many were new. */
int ofa_run_score(struct ofa_search_run *run);

/* A subnet of the band to build on: the most accurate one, each earlier use counting against it.  False while
 * the band is empty. */
bool ofa_run_pick(struct ofa_search_run *run, int band, struct ofa_elite *ret, int *ret_resolution);

/* Changes genes at random until the arch is within the limits; bounded.  False when it is not in the end. */
bool ofa_run_repair(struct ofa_search_run *run, struct ofa_arch *a);
/* Raises genes in random order where the limits still allow it. */
void ofa_run_fill(struct ofa_search_run *run, struct ofa_arch *a);

/* The two kinds of generation: children by mutation and crossover; proposals from exact gene gains. */
void ofa_run_vary(struct ofa_search_run *run);
void ofa_run_propose(struct ofa_search_run *run);

enum ofa_status ofa_gains_new(int n_resolutions, struct ofa_gains **ret) OFA_MUST_CHECK;
void ofa_gains_free(struct ofa_gains *g);

#endif
