/* What a package's head says of its data: the tensors' hashes and the self-test. */
#ifndef OFA_PACK_HASHES_H
#define OFA_PACK_HASHES_H

#include "pack/stored.h"

/* Completes a head that ofa_pack_head_write() made for what is stored.  The self-test and the hashes are divided over
 * the pool; the bytes do not depend on it. */
enum ofa_status ofa_pack_complete(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				  const struct ofa_pack_layout *layout, struct ofa_pool *pool, uint8_t *head,
				  struct ofa_error *err) OFA_MUST_CHECK;

#endif
