/* Uniform archs: all stages at full depth, every block with the same choice of kernel and expand, neighbouring width
 * genes alternating between two choices.
 * A block's shapes depend on its own genes, the widths of its input and output, which are those of one gene or of two
 * neighbouring ones, and the resolution only.  So walking these few archs shows every option of every block. */
#ifndef OFA_COST_UNIFORM_H
#define OFA_COST_UNIFORM_H

#include "net/plan.h"
#include "space/arch.h"

/* How many choices there are of each kind: the most that any stage or width gene has; widths 1 where all are fixed. */
struct ofa_choices {
	int kernels, expands, widths;
};
void ofa_space_choices(const struct ofa_space *s, struct ofa_choices *ret);

/* How many uniform archs a space has at one resolution. */
int ofa_uniform_count(const struct ofa_space *s);
/* The arch number i, 0 <= i < ofa_uniform_count(); a stage or gene with fewer choices takes its largest. */
void ofa_arch_uniform(const struct ofa_space *s, int image_size, int i, struct ofa_arch *ret);

/* Choice of the width that a unit reads, and of the one that it writes; 0 where that is fixed. */
int ofa_unit_width_in(const struct ofa_unit *u, const struct ofa_arch *a);
int ofa_unit_width_out(const struct ofa_unit *u, const struct ofa_arch *a);

/* The width genes that an elastic block reads and writes, -1 where the space has none. */
int ofa_block_gene_in(const struct ofa_space *s, int block);
int ofa_block_gene_out(const struct ofa_space *s, int block);

/* Stage of an elastic block. */
int ofa_block_stage(const struct ofa_space *s, int block);

#endif
