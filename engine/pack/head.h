/* Everything of a package before its data section. */
#ifndef OFA_PACK_HEAD_H
#define OFA_PACK_HEAD_H

#include "pack/pack.h"
#include "pack/pieces.h"

/* Writes header, tables with tensor hashes, I/O section with the self-test, and metadata into head,
 * layout->data_offset bytes that are zero. */
enum ofa_status ofa_pack_head_write(const struct ofa_supernet *net, const struct ofa_subnet *sub,
				    const struct ofa_pack_layout *layout, const struct ofa_pack_info *info,
				    struct ofa_pack_pieces *pieces, uint8_t *head,
				    struct ofa_error *err) OFA_MUST_CHECK;

#endif
