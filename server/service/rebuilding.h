/* Packages that were dropped and are asked for again.  What a package was made from is in the manifest of its delivery:
 * network, arch, type, predictions, profile.  The same build packs them into the same bytes, which the digest proves
 * (doc/architecture.md says where not); then the package is kept again.
 *
 * Whoever asks meanwhile for the same package shares one rebuild; another server may be at the same one, which does no
 * harm.  A device waits for it: it has its turn among searches for devices. */
#ifndef OFAD_SERVICE_REBUILDING_H
#define OFAD_SERVICE_REBUILDING_H

#include "jobs/flight.h"
#include "jobs/workers.h"
#include "log.h"
#include "metrics/metrics.h"
#include "pack/pack.h"
#include "service/package_keeper.h"

struct rebuilds_options {
	struct workers *workers; /* all borrowed */
	struct packages *packages;
	struct package_keeper *keeper; /* or NULL */
	struct store *store;
	struct networks *networks;
	const struct log *log;
	struct metrics *metrics;    /* or NULL */
	const atomic_bool *closing; /* what has not begun is not begun: OFA_ERR_CANCELLED */
};

struct rebuilds {
	struct rebuilds_options opt;
	struct flights flights;
};

/* One under way, and what came of it once it has landed. */
struct rebuild {
	struct flight flight; /* its key is the package's digest */
	struct task task;
	struct rebuilds *all;
	char id[PACKAGE_ID_CHARS + 1];
	const struct network *network;
	struct ofa_arch arch;
	struct ofa_pack_info info;
	char profile[OFA_PROFILE_NAME_MAX];
	/* read after landing */
	enum ofa_status status; /* OFA_ERR_GONE: it cannot be made again, and why */
	struct ofa_error error;
	struct package *package; /* a reference; of OFA_OK */
};

void rebuilds_init(struct rebuilds *r, const struct rebuilds_options *opt);
void rebuilds_release(struct rebuilds *r); /* none may be under way */

/* Joins the rebuild of a well-formed id that is under way or begins one; on a worker.  manifest: of a delivery of it;
 * NULL: it is looked up.  OFA_ERR_NOT_FOUND: it was never delivered; OFA_ERR_GONE: what it was made from is not served
 * here; OFA_ERR_LIMIT: the queue is full.  *ret is a reference. */
enum ofa_status rebuilds_ask(struct rebuilds *r, const char *id, const char *manifest, struct rebuild **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* False: it has landed already. */
bool rebuild_wait(struct rebuild *b, struct flight_waiter *w);
/* Takes the waiter back.  False: it was woken, is being woken, or was not taken. */
bool rebuild_unwait(struct rebuild *b, struct flight_waiter *w);
void rebuild_unref(struct rebuild *b); /* it goes on for whoever asks next; NULL is allowed */

#endif
