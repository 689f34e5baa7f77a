/* Which replicas are gone: what they had is taken by others. */
#ifndef OFAD_SERVICE_SUSPECTS_H
#define OFAD_SERVICE_SUSPECTS_H

#include "store/store.h"

/* A replica is gone when it has been dead for so long, as far as was looked: after the database was restarted all are
 * for a moment. */
#define SUSPECTS_GONE_MS 1500.0

struct suspects;
/* Of a store that is shared; borrowed. */
enum ofa_status suspects_new(struct store *store, struct suspects **ret, struct ofa_error *err) OFA_MUST_CHECK;
void suspects_free(struct suspects *l); /* NULL is allowed */
/* Is it gone?  "" (nobody) is, and so is this replica itself: what it does not know to be its own is nobody's.  Asks
 * the store. */
enum ofa_status suspects_gone(struct suspects *l, const char *owner, bool *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
