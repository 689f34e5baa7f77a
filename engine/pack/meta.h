/* The JSON that a package says of itself. */
#ifndef OFA_PACK_META_H
#define OFA_PACK_META_H

#include "pack/pack.h"

/* Length of the section, a multiple of 64: an upper bound over all archs and predictions of the network,
 * computed without building the text. */
uint64_t ofa_pack_meta_bytes(const struct ofa_supernet *net);

/* Writes the object and the spaces after it.  OFA_ERR_INVALID for a profile name that is none or text
 * that is not UTF-8; OFA_ERR_LIMIT when the object is longer than `bytes`. */
enum ofa_status ofa_pack_meta_write(const struct ofa_supernet *net, const struct ofa_plan *plan,
				    const struct ofa_pack_info *info, uint64_t package_bytes, uint64_t arena_bytes,
				    char *out, size_t bytes, struct ofa_error *err) OFA_MUST_CHECK;

#endif
