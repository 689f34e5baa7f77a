/* Storage of a batch; used by batch.c only. */
#ifndef OFA_NET_BATCH_STORE_H
#define OFA_NET_BATCH_STORE_H

#include "net/batch.h"

/* Scratch that one pass over a few images may fill: 256 KB, half of a small L2. */
#define OFA_BATCH_CHUNK_FLOATS ((size_t)64 << 10)

/* Is the layer's value kept (block outputs, residual sources, the pooled vector)? */
bool ofa_batch_boundary(const struct ofa_plan *plan, int li);

/* Points b->layers at storage for b->plan with n images. */
void ofa_batch_place(struct ofa_batch *b, int n);

#endif
