/* The arena of an int8 subnet whose blocks run in stripes (doc/pack-format.md, "Stripes"). */
#ifndef OFA_COST_STRIPES_H
#define OFA_COST_STRIPES_H

#include "cost/memory.h"

#define OFA_STRIPES_MOST 8 /* layers of a unit, or of those that run together */

/* Are the plan's units of the kinds that run in stripes?  Bottlenecks of a ResNet do not: their dense middle
 * convolution has few channels, and its window would be most of them. */
bool ofa_stripes_apply(const struct ofa_plan *p);

/* The first layer of those that run together with a unit: usually its own first. */
int ofa_stripes_first_layer(const struct ofa_plan *p, int unit);

/* Places the layers from that one to the unit's last in ret, which is indexed by layer; origins are left equal to
 * in.  Returns the bytes that they need: 0, and nothing is placed, of a unit that runs together with a later one. */
uint32_t ofa_stripes_place(const struct ofa_plan *p, int unit, struct ofa_placement *ret);

#endif
