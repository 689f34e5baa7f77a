/* What a package stores of a subnet: the bytes of its data section, and who computes with the numbers in them. */
#ifndef OFA_PACK_STORED_H
#define OFA_PACK_STORED_H

#include "pack/layout.h"
#include "quantise/quantised.h"

struct ofa_pack_stored {
	const struct ofa_plan *plan;
	const uint8_t *data;                   /* layout->data_bytes */
	const struct ofa_subnet *sub;          /* its weights are the stored ones, as float32; NULL in int8 */
	const struct ofa_quantised *quantised; /* int8, else NULL */
	struct ofa_subnet *own_sub;            /* owned, as are the following; NULL where it has none */
	struct ofa_quantised *own_quantised;
	uint8_t *own_data;
};

/* Converts a subnet, which is borrowed.  float32: its storage is the data.  Other types: the data goes to dest,
 * layout->data_bytes at a multiple of 64 of the caller's, or into memory of its own (NULL).  rounded: a subnet of the
 * same plan, sub itself if it has no other use, that becomes what float16 weights are as float32; NULL: a copy of sub.
 * int8 takes the ranges of activations from the network's calibration images, on the pool (NULL: one thread), which
 * does not show in the bytes.  OFA_ERR_LIMIT, naming the layer, for a weight that float16 cannot hold;
 * OFA_ERR_NOT_FOUND for int8 of a network without images. */
enum ofa_status ofa_pack_store(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			       const struct ofa_pack_layout *layout, struct ofa_pool *pool, struct ofa_subnet *rounded,
			       uint8_t *dest, struct ofa_pack_stored *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pack_stored_release(struct ofa_pack_stored *s);

#endif
