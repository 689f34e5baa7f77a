/* What one subnet costs, all read off its plan. */
#ifndef OFA_COST_COSTS_H
#define OFA_COST_COSTS_H

#include "net/plan.h"

struct ofa_costs {
	uint64_t macs;   /* spec 4.9: conv, linear and SE products; BN, act, pool, bias count 0 */
	uint64_t params; /* of the extracted subnet: conv + BN gamma,beta + SE + linear, no transforms */
	uint64_t storage_bytes;     /* size of the float32 package, exactly */
	uint64_t peak_memory_bytes; /* arena of the device runtime for the float32 package, exactly */
	/* Spec 4.10: max over operators of input + output + kept residual, one byte each. */
	uint64_t peak_activation_int8_bytes;
};

uint64_t ofa_layer_macs(const struct ofa_layer *l);
uint64_t ofa_plan_macs(const struct ofa_plan *p);
uint64_t ofa_plan_params(const struct ofa_plan *p);
uint64_t ofa_plan_peak_activation_int8(const struct ofa_plan *p);

/* Where each value lives in the device runtime's arena: offsets in bytes for float32 values, each a
 * multiple of 64; values whose lifetimes overlap never share a byte.  SE needs scratch of
 * (c + hidden) floats, planned too.  The arena is as small as can be: the largest sum of what is alive
 * during one layer, so that it is also the maximum over the plan's units of their own layers. */
struct ofa_memory_plan {
	uint32_t value_offset[OFA_PLAN_MAX_LAYERS + 1];
	uint32_t scratch_offset[OFA_PLAN_MAX_LAYERS]; /* by layer; meaningful for SE only */
	uint32_t arena_bytes;
};
void ofa_memory_plan_init(const struct ofa_plan *p, struct ofa_memory_plan *ret);

/* Bytes alive during one layer, each value and scratch rounded up to 64: arena_bytes is the maximum over
 * the layers.  Depends on nothing but the shapes of the layer's own unit. */
uint32_t ofa_layer_arena_bytes(const struct ofa_plan *p, int layer);

#endif
