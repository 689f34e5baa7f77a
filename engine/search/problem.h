/* The tables behind a search problem; private to engine/search.
 *
 * Latency, MACs and package bytes of a subnet are sums: one addend for what is fixed at a resolution and
 * one per elastic block that is present.  Peak memory is a maximum: the same tables hold the bytes live at
 * once, and the largest of them bounds the arena from below. */
#ifndef OFA_SEARCH_PROBLEM_H
#define OFA_SEARCH_PROBLEM_H

#include "search/search.h"

struct ofa_search_problem {
	const struct ofa_supernet *net;
	const struct ofa_space *space;
	const struct ofa_predictor *predictor;
	const struct ofa_latency_model *latency; /* or NULL */
	int n_resolutions;
	uint16_t resolutions[OFA_MAX_RESOLUTIONS]; /* ascending: in the space, the predictor and the table */
	int kernels, expands, options;             /* most choices of any stage; options = kernels * expands */
	double *fixed[OFA_RESOURCE_COUNT];         /* [n_resolutions]; NULL: unknown resource */
	double *block[OFA_RESOURCE_COUNT];         /* [n_resolutions][n_blocks][options], kernel-major */
	struct ofa_feasible feasible;
	double *storage;
};

/* Index of an image size in p->resolutions, or -1. */
int ofa_problem_resolution(const struct ofa_search_problem *p, int image_size);

static inline double ofa_problem_block(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
				       int block, int option)
{
	return p->block[r][((size_t)resolution * (size_t)p->space->n_blocks + (size_t)block) * (size_t)p->options +
			   (size_t)option];
}

static inline int ofa_problem_option(const struct ofa_search_problem *p, const struct ofa_arch *a, int block)
{
	return a->k[block] * p->expands + a->e[block];
}

/* One resource from the tables alone: exact for the sums, a lower bound for peak memory. */
double ofa_problem_cost(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			const struct ofa_arch *a);

/* The arena of an arch by its plan, bytes. */
double ofa_problem_arena(const struct ofa_search_problem *p, const struct ofa_arch *a);

/* Does no finite limit forbid the arch, by the tables alone? */
bool ofa_problem_within(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a);

/* The same with the arena itself in place of its bound: exact. */
bool ofa_problem_allows(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a);

/* The arch of one resolution with the smallest (sign 1) or largest (sign -1) sum of a resource; not for
 * peak memory. */
void ofa_problem_extreme(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int sign,
			 struct ofa_arch *ret);

/* Fills p->feasible from the tables. */
void ofa_problem_feasible(struct ofa_search_problem *p);

/* The limits a search can promise nothing under: OFA_ERR_INFEASIBLE naming the first one that lies below
 * the feasible range, OFA_ERR_INVALID one on an unknown resource. */
enum ofa_status ofa_problem_check_limits(const struct ofa_search_problem *p, const struct ofa_limits *l,
					 struct ofa_error *err) OFA_MUST_CHECK;

/* Any arch of this resolution within the limits: the smallest, else the result of a bounded search over
 * cost vectors (see seed.c).  False if none was found. */
bool ofa_problem_seed(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
		      struct ofa_arch *ret);

#endif
