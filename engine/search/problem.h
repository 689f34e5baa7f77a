/* The tables behind a search problem; private to engine/search.
 *
 * Latency, MACs and package bytes of a subnet are sums, peak memory is a maximum, over one addend for what comes before
 * the last stage but elastic blocks (the stem), one for what follows (the head) and one per elastic block that is
 * present.  A block's shapes follow from the resolution, its own genes and the widths it reads and writes; the arena is
 * the maximum over units of what their own layers need (cost/costs.h).  So all four tables are exact. */
#ifndef OFA_SEARCH_PROBLEM_H
#define OFA_SEARCH_PROBLEM_H

#include "cost/uniform.h"
#include "predict/scorer.h"
#include "search/search.h"

struct ofa_search_problem {
	const struct ofa_supernet *net;
	const struct ofa_space *space;
	const struct ofa_predictor *predictor;
	const struct ofa_latency_model *latency; /* or NULL */
	enum ofa_precision precision;            /* of the packages */
	struct ofa_scorer *scorer;               /* owned */
	int n_resolutions;
	uint16_t resolutions[OFA_MAX_RESOLUTIONS]; /* ascending: in the space, the predictor and the table */
	struct ofa_choices choices;
	int options, widths; /* kernels * expands; pairs of width choices, 1 where all are fixed */
	int8_t gene_in[OFA_MAX_BLOCKS], gene_out[OFA_MAX_BLOCKS]; /* of the widths a block reads and writes, or -1 */
	double *stem[OFA_RESOURCE_COUNT];  /* [n_resolutions][width pairs: genes 0, 1]; NULL: unknown resource */
	double *head[OFA_RESOURCE_COUNT];  /* [n_resolutions][widths of the last gene] */
	double *block[OFA_RESOURCE_COUNT]; /* [n_resolutions][n_blocks][width pairs: in, out][options], kernel-major */
	struct ofa_feasible feasible;
	double *storage;
};

/* Index of an image size in p->resolutions, or -1. */
int ofa_problem_resolution(const struct ofa_search_problem *p, int image_size);

/* The table's row of a block's options under the width choices in and out (0 where fixed). */
static inline double *ofa_problem_options(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
					  int block, int in, int out)
{
	size_t row = (size_t)(resolution * p->space->n_blocks + block) * (size_t)p->widths;

	return &p->block[r][(row + (size_t)(in * p->choices.widths + out)) * (size_t)p->options];
}

/* The same under the widths of an arch. */
static inline double *ofa_problem_options_of(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
					     int block, const struct ofa_arch *a)
{
	int in = p->gene_in[block], out = p->gene_out[block];

	return ofa_problem_options(p, r, resolution, block, in < 0 ? 0 : a->w[in], out < 0 ? 0 : a->w[out]);
}

static inline int ofa_problem_option(const struct ofa_search_problem *p, const struct ofa_arch *a, int block)
{
	return a->k[block] * p->choices.expands + a->e[block];
}

/* Stem and head together, under the widths of an arch. */
double ofa_problem_fixed(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			 const struct ofa_arch *a);

/* One resource of an arch, exactly as its plan has it. */
double ofa_problem_cost(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			const struct ofa_arch *a);

/* What the blocks first .. end - 1 of one stage add to a sum; those that the arch skips add nothing. */
double ofa_problem_blocks(const struct ofa_search_problem *p, enum ofa_resource r, int resolution,
			  const struct ofa_arch *a, int stage, int first, int end);

/* Two addends of a resource: their sum, or the larger one. */
static inline double ofa_problem_join(enum ofa_resource r, double a, double b)
{
	return r != OFA_PEAK_MEMORY_BYTES ? a + b : a > b ? a : b;
}

/* Does no finite limit forbid the arch? */
bool ofa_problem_within(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
			const struct ofa_arch *a);

/* The arch of one resolution with the smallest (sign 1) or largest (sign -1) value of a resource. */
void ofa_problem_extreme(const struct ofa_search_problem *p, enum ofa_resource r, int resolution, int sign,
			 struct ofa_arch *ret);

/* Fills p->feasible from the tables. */
void ofa_problem_feasible(struct ofa_search_problem *p);

/* The limits a search can promise nothing under: OFA_ERR_INFEASIBLE naming the first one that lies below
 * the feasible range, OFA_ERR_INVALID one on an unknown resource. */
enum ofa_status ofa_problem_check_limits(const struct ofa_search_problem *p, const struct ofa_limits *l,
					 struct ofa_error *err) OFA_MUST_CHECK;

/* OFA_ERR_INFEASIBLE "/limits": no subnet keeps all of them together. */
enum ofa_status ofa_problem_refuse_together(const struct ofa_limits *l, struct ofa_error *err) OFA_MUST_CHECK;

/* Any arch of this resolution within the limits: the smallest, else the result of a bounded search over
 * cost vectors (see seed.c).  False if none was found. */
bool ofa_problem_seed(const struct ofa_search_problem *p, const struct ofa_limits *l, int resolution,
		      struct ofa_arch *ret);

#endif
