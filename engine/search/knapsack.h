/* The best combination of genes when gains and costs add up: a dynamic programme over the multiple-choice
 * knapsack (Kellerer, Pferschy and Pisinger 2004, ch. 11) with costs in bins; private to engine/search.
 * One table answers every capacity up to the one it was filled for. */
#ifndef OFA_SEARCH_KNAPSACK_H
#define OFA_SEARCH_KNAPSACK_H

#include "space/arch.h"

#define OFA_BINS 128
#define OFA_MAX_OPTIONS (OFA_MAX_CHOICES * OFA_MAX_CHOICES)

/* What may be chosen for one block. */
struct ofa_knapsack_item {
	uint8_t k, e;
	int weight; /* bins, 0 or more */
	float gain;
};

struct ofa_knapsack {
	/* set by the caller */
	int n_items[OFA_MAX_BLOCKS]; /* 0: the block cannot be present */
	struct ofa_knapsack_item items[OFA_MAX_BLOCKS][OFA_MAX_OPTIONS];
	float depth_gain[OFA_MAX_STAGES][OFA_MAX_CHOICES];
	/* the table: by block or stage, and capacity */
	int32_t item_choice[OFA_MAX_BLOCKS][OFA_BINS];
	int32_t depth_choice[OFA_MAX_STAGES][OFA_BINS];
	float total[OFA_BINS]; /* best gain by capacity; -INFINITY: nothing fits */
};

/* Fills the table for the capacities 0..OFA_BINS-1. */
void ofa_knapsack_solve(const struct ofa_space *s, struct ofa_knapsack *k);

/* Reads the solution for one capacity into the genes of *ret (image_size is left alone); canonical.  False when
 * nothing fits. */
bool ofa_knapsack_read(const struct ofa_space *s, const struct ofa_knapsack *k, int capacity, struct ofa_arch *ret);

#endif
