/* The genes of a space as one list, each with a few options: what a predictor of single genes and pairs of them is
 * made of.  A gene of one option tells nothing and is left out, but for the resolution. */
#ifndef OFA_PREDICT_GENES_H
#define OFA_PREDICT_GENES_H

#include "space/arch.h"

#define OFA_MAX_GENES (1 + OFA_MAX_STAGES + 2 * OFA_MAX_BLOCKS + OFA_MAX_WIDTH_GENES)
#define OFA_GENE_SKIPPED (-1) /* option of a gene whose block is not there */

enum ofa_gene_kind {
	OFA_GENE_RESOLUTION, /* option: index into the list of resolutions */
	OFA_GENE_DEPTH,      /* of a stage; options as in struct ofa_arch, here and below */
	OFA_GENE_KERNEL,     /* of a block */
	OFA_GENE_EXPAND,     /* of a block */
	OFA_GENE_WIDTH,
};

struct ofa_gene {
	enum ofa_gene_kind kind;
	int index; /* stage, block or width gene; 0: the resolution */
	int at, n; /* features at .. at+n-1, one per option */
};

/* In the order of the kinds; within a kind by index. */
struct ofa_genes {
	int n, n_features;
	struct ofa_gene list[OFA_MAX_GENES];
};

void ofa_genes_init(const struct ofa_space *s, int n_resolutions, struct ofa_genes *ret);
/* The option of each gene of a canonical arch whose resolution has the index `resolution`. */
void ofa_genes_read(const struct ofa_space *s, const struct ofa_genes *genes, const struct ofa_arch *a, int resolution,
		    int16_t option[OFA_MAX_GENES]);

#endif
