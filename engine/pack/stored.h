/* What a package stores of a subnet: the bytes of its data section, and who computes with the numbers in them. */
#ifndef OFA_PACK_STORED_H
#define OFA_PACK_STORED_H

#include "pack/layout.h"

struct ofa_pack_stored {
	const uint8_t *data;          /* layout->data_bytes */
	const struct ofa_subnet *sub; /* its weights are the stored ones, as float32 */
};

/* The weights in binary16 into data, and as float32 what they became, into `rounded`, a subnet of the same plan: sub
 * itself or another.  OFA_ERR_LIMIT, naming the layer, when binary16 has no such number. */
enum ofa_status ofa_pack_halve(const struct ofa_subnet *sub, uint8_t *data, struct ofa_subnet *rounded,
			       struct ofa_error *err) OFA_MUST_CHECK;

#endif
