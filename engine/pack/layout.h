/* Sizes and places of a package's parts, all from (network, plan, precision). */
#ifndef OFA_PACK_LAYOUT_H
#define OFA_PACK_LAYOUT_H

#include "base/precision.h"
#include "net/subnet.h"
#include "ofa_format.h"

/* One tensor of a package; they lie in the data section as in the storage of a subnet (net/subnet.h) or of a
 * quantised one (quantise/quantised.h). */
struct ofa_pack_tensor {
	uint8_t type, role, layout; /* enum ofa_fmt_type, ofa_fmt_role, ofa_fmt_layout */
	int rank;
	uint32_t dims[OFA_FMT_MAX_RANK];
	uint64_t bytes; /* of data, without padding */
};
/* The tensors of one layer in file order; returns how many. */
int ofa_pack_layer_tensors(const struct ofa_layer *l, enum ofa_precision precision,
			   struct ofa_pack_tensor ret[OFA_FMT_MAX_OP_TENSORS]);

struct ofa_pack_layout {
	enum ofa_precision precision;
	uint32_t ops, tensors, quants;
	uint64_t tensor_offset, quant_offset, io_offset;
	uint64_t names_offset, names_bytes, logits_offset, pixels_offset; /* inside the I/O section */
	uint64_t meta_offset, meta_bytes, data_offset, data_bytes;
	uint64_t size; /* of the whole; may exceed OFA_FMT_MAX_BYTES */
};
void ofa_pack_layout_init(const struct ofa_supernet *net, const struct ofa_plan *plan, enum ofa_precision precision,
			  struct ofa_pack_layout *ret);

uint64_t ofa_pack_round(uint64_t bytes); /* up to a multiple of OFA_FMT_ALIGN */

#endif
