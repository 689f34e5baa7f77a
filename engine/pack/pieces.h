/* The stored bytes of a tensor, made piece by piece from the engine's weights.  The engine maps
 * little-endian files in place, so floats in memory are as the format wants them. */
#ifndef OFA_PACK_PIECES_H
#define OFA_PACK_PIECES_H

#include "base/file.h"
#include "pack/layout.h"

struct ofa_pack_pieces {
	float *buffer; /* owned */
	size_t floats; /* at least one panel of every tensor of the plan */
};
enum ofa_status ofa_pack_pieces_init(const struct ofa_plan *plan, struct ofa_pack_pieces *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pack_pieces_release(struct ofa_pack_pieces *p);

/* Writes the data of tensor t of a layer with weights w, without padding. */
enum ofa_status ofa_pack_pieces_write(struct ofa_pack_pieces *p, const struct ofa_layer_weights *w,
				      const struct ofa_pack_tensor *t, const struct ofa_sink *sink,
				      struct ofa_error *err) OFA_MUST_CHECK;

#endif
