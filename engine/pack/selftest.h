/* The input that a package is delivered with to prove that a device computes what the engine did. */
#ifndef OFA_PACK_SELFTEST_H
#define OFA_PACK_SELFTEST_H

#include "pack/stored.h"

/* Largest accepted difference of a logit, relative to the largest absolute one. */
#define OFA_PACK_TOLERANCE 1e-3f

/* The network's first calibration image at the plan's size, or a fixed pattern when it has none; what the engine
 * computes for it with the stored numbers.  pixels (r,r,c), logits (classes) as a package has them. */
enum ofa_status ofa_pack_self_test(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				   uint8_t *pixels, uint8_t *logits, struct ofa_error *err) OFA_MUST_CHECK;

#endif
