/* Which replicas are gone: what they had is taken by others. */
#ifndef OFAD_SERVICE_SUSPECTS_H
#define OFAD_SERVICE_SUSPECTS_H

#include "store/store.h"

/* A replica is gone when it has been dead for so long, as far as was looked: after the database was restarted all are
 * for a moment. */
#define SUSPECTS_GONE_MS 1500.0
/* Who was not looked at for longer may have been alive in between. */
#define SUSPECTS_PAUSE_MS 60000.0
#define SUSPECTS_MAX 128 /* more than jobs_sweep() looks at in a row; who was not looked at for longest is forgotten */

struct suspects;
/* Of a store that is shared; borrowed. */
enum ofa_status suspects_new(struct store *store, struct suspects **ret, struct ofa_error *err) OFA_MUST_CHECK;
void suspects_free(struct suspects *l); /* NULL is allowed */
/* Is it gone?  "" (nobody) is, and so is this replica itself: what it does not know to be its own is nobody's.  Asks
 * the store. */
enum ofa_status suspects_gone(struct suspects *l, const char *owner, bool *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same of another replica, when the store says at now_ms (clock_ms()) that it is alive, or not. */
bool suspects_judge(struct suspects *l, const char *owner, bool lives, double now_ms);

#endif
