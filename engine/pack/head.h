/* Everything of a package before its data section. */
#ifndef OFA_PACK_HEAD_H
#define OFA_PACK_HEAD_H

#include "pack/pack.h"
#include "pack/stored.h"

/* Writes header, tables, I/O section and metadata into head, layout->data_offset bytes that are zero.  Tensor hashes,
 * self-test and its logits stay zero: pack/hashes.h. */
enum ofa_status ofa_pack_head_write(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				    const struct ofa_pack_layout *layout, const struct ofa_pack_info *info,
				    uint8_t *head, struct ofa_error *err) OFA_MUST_CHECK;

#endif
