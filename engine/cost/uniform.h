/* Uniform archs: all stages at full depth, every block with the same choice of kernel and expand.
 * A block's shapes depend on its own genes and the resolution only, so walking these few archs shows
 * every option of every block. */
#ifndef OFA_COST_UNIFORM_H
#define OFA_COST_UNIFORM_H

#include "space/arch.h"

/* Kernel choice k and expand choice e everywhere (a stage with fewer choices gives its largest).
 * False, and *ret untouched, when no stage has that many of one or the other. */
bool ofa_arch_uniform(const struct ofa_space *s, int image_size, int k, int e, struct ofa_arch *ret);

/* The largest numbers of kernel and expand choices over the stages. */
void ofa_space_choices(const struct ofa_space *s, int *ret_kernels, int *ret_expands);

/* Stage of an elastic block. */
int ofa_block_stage(const struct ofa_space *s, int block);

#endif
