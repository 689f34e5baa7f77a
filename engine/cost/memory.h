/* What the two ways to lay out an arena share: layer by layer (memory.c), and int8 in stripes (stripes.c). */
#ifndef OFA_COST_MEMORY_H
#define OFA_COST_MEMORY_H

#include "cost/costs.h"

#define OFA_MEMORY_FLOAT_ALIGN 64u
#define OFA_MEMORY_INT8_ALIGN 16u

/* Bytes alive while one layer runs, each value and scratch rounded up, where every layer finds its whole input and
 * leaves its whole output. */
uint32_t ofa_layer_alive_bytes(const struct ofa_plan *p, int layer, enum ofa_precision precision);
/* What a unit needs where every layer finds its whole input and leaves its whole output. */
uint32_t ofa_unit_layers_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision);

#endif
