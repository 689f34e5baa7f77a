/* What the two ways to lay out an arena share: layer by layer (memory.c), and int8 in stripes (stripes.c). */
#ifndef OFA_COST_MEMORY_H
#define OFA_COST_MEMORY_H

#include "cost/costs.h"

#define OFA_MEMORY_FLOAT_ALIGN 64u
#define OFA_MEMORY_INT8_ALIGN 16u

/* Are the plan's units of the kinds that run in stripes?  Bottlenecks of a ResNet do not: their dense middle
 * convolution has few channels, and its window would be most of them. */
bool ofa_stripes_apply(const struct ofa_plan *p);

/* What a unit needs where every layer finds its whole input and leaves its whole output. */
uint32_t ofa_unit_layers_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision);

#define OFA_STRIPES_MAX_LAYERS 5
/* Places the layers of one unit, at most OFA_STRIPES_MAX_LAYERS; origin is left equal to in.  Returns the bytes
 * it needs. */
uint32_t ofa_stripes_place(const struct ofa_plan *p, int unit, struct ofa_placement *ret_layers);

#endif
