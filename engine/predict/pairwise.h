/* The accuracy of an arch as a sum over its genes and over all pairs of them:
 *
 *	base + sum over genes of single[option] + sum over pairs of genes of pair[option][option']
 *
 * Depths, kernels, expand ratios, widths and the resolution are genes (predict/genes.h); those of skipped blocks do not
 * count.  A stage's depth is told by which of its blocks are there, so all of it collapses, exactly, into one constant
 * and one value per option for each resolution, and one value per pair of options, where an option is what a block is:
 * one kernel and expand ratio, or one width.  This is what is evaluated, in about a hundred additions. */
#ifndef OFA_PREDICT_PAIRWISE_H
#define OFA_PREDICT_PAIRWISE_H

#include "predict/genes.h"

/* Options of one arch at most. */
#define OFA_PAIRWISE_MAX_ACTIVE (OFA_MAX_BLOCKS + OFA_MAX_WIDTH_GENES)

struct ofa_pairwise {
	struct ofa_genes genes;
	float base;
	const float *single; /* (genes.n_features) */
	const float *pair;   /* (genes.n_features, genes.n_features); only [f][g] of a gene before g's counts */

	/* Collapsed, by ofa_pairwise_bind().  Options of one block are kernel-major, expands inner. */
	int n_options;
	uint16_t block_at[OFA_MAX_BLOCKS], width_at[OFA_MAX_WIDTH_GENES]; /* first option of each */
	const float *constant; /* (n_resolutions) */
	const float *own;      /* (n_resolutions, n_options) */
	const float *together; /* (n_options, n_options), symmetric; 0 within one block and within one width */
	float *storage;        /* owned: all of the above */
};

/* Completes a model whose base, single and pair are set, for genes of the space with so many resolutions: copies the
 * values and collapses them.  Values that are no numbers from -1e6 to 1e6 are OFA_ERR_INVALID, and *p is as before. */
enum ofa_status ofa_pairwise_bind(const struct ofa_space *s, int n_resolutions, struct ofa_pairwise *p,
				  struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pairwise_release(struct ofa_pairwise *p);

/* The options of a canonical arch, ascending; how many. */
int ofa_pairwise_active(const struct ofa_space *s, const struct ofa_pairwise *p, const struct ofa_arch *a,
			uint16_t option[OFA_PAIRWISE_MAX_ACTIVE]);
/* constant + own of each option + together of each pair; `resolution` is an index.  Cannot fail. */
float ofa_pairwise_value(const struct ofa_pairwise *p, int resolution, const uint16_t *option, int n);
/* The same from the values that are not collapsed: what tests compare with. */
double ofa_pairwise_value_by_genes(const struct ofa_space *s, const struct ofa_pairwise *p, const struct ofa_arch *a,
				   int resolution);

#endif
