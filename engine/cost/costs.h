/* What one subnet costs, all read off its plan. */
#ifndef OFA_COST_COSTS_H
#define OFA_COST_COSTS_H

#include "base/precision.h"
#include "net/plan.h"

struct ofa_costs {
	uint64_t macs;   /* spec 4.9: conv, linear and SE products; BN, act, pool, bias count 0 */
	uint64_t params; /* of the extracted subnet: conv + BN gamma,beta + SE + linear, no transforms */
	uint64_t storage_bytes;     /* size of the package, exactly */
	uint64_t peak_memory_bytes; /* arena of the device runtime, exactly */
	/* Spec 4.10: max over operators of input + output + kept residual, one byte each. */
	uint64_t peak_activation_int8_bytes;
};

uint64_t ofa_layer_macs(const struct ofa_layer *l);
uint64_t ofa_plan_macs(const struct ofa_plan *p);
uint64_t ofa_plan_params(const struct ofa_plan *p);
/* Of one unit; those of all units add up to the plan's. */
uint64_t ofa_unit_macs(const struct ofa_plan *p, int unit);
uint64_t ofa_unit_params(const struct ofa_plan *p, int unit);
uint64_t ofa_plan_peak_activation_int8(const struct ofa_plan *p);

/* Where a layer finds things in the device runtime's arena, in bytes from its start; OFA_NOWHERE where it has
 * none.  rows and origin: doc/pack-format.md, "Stripes". */
#define OFA_NOWHERE UINT32_MAX
struct ofa_placement {
	uint32_t in, out, residual, scratch;
	uint32_t origin; /* where the input lies before the layer; in, but for the first layer of an int8 unit */
	uint32_t rows;   /* of the output that exist at a time; 0: all */
};

/* float32 and float16: offsets are multiples of 64; what is needed at one time never shares a byte, and the
 * arena is the largest sum of what is alive during one layer.  int8: multiples of 16, and an expanded tensor
 * exists by rows.  Either way the arena is the maximum over the plan's units, and what a unit needs depends on
 * its own shapes alone (0 where it runs in turns with a later one, which then counts both). */
struct ofa_memory_plan {
	uint32_t input; /* where the network's input is expected */
	uint32_t arena_bytes;
	struct ofa_placement layers[OFA_PLAN_MAX_LAYERS];
};
void ofa_memory_plan_init(const struct ofa_plan *p, enum ofa_precision precision, struct ofa_memory_plan *ret);
/* The arena, if every layer found its whole input and left its whole output: not less, and of int8 what running in
 * stripes is to be compared with. */
uint32_t ofa_plan_layers_bytes(const struct ofa_plan *p, enum ofa_precision precision);
uint32_t ofa_unit_arena_bytes(const struct ofa_plan *p, int unit, enum ofa_precision precision);
/* What of the arena is taken while each layer runs: the largest of ret[0 .. n_layers - 1] is the arena.  float32,
 * float16 and what does not run in stripes: the sum of what is alive.  Stripes: up to where what is alive ends; layers
 * that run in turns hold all the same. */
void ofa_memory_trace(const struct ofa_plan *p, enum ofa_precision precision, uint32_t ret[OFA_PLAN_MAX_LAYERS]);

#endif
