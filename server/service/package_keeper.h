/* Which packages are kept, and for how long.  Every package that is made has a row in the database's index, from before
 * its bytes are stored until after they are dropped, so that a crash at any point leaves no bytes that nobody knows of.
 * What is asked for is noted there too, coarsely.
 *
 * A thread drops what nobody asked for in so many days, and then what was not asked for for longest until all together
 * are a sixteenth below the bound: every few minutes and soon after the bound was passed, on one of several servers at
 * a time.  Never dropped is what was made or asked for within PACKAGE_KEEPER_GRACE_SECONDS.  A package that is dropped
 * while somebody downloads it goes on as it is mapped, and is made again (service/rebuilding.h) for who asks next:
 * whatever this does at the wrong moment costs time and nothing else.
 *
 * At its start it lists the store, where that can be done, and takes in what the index does not know. */
#ifndef OFAD_SERVICE_PACKAGE_KEEPER_H
#define OFAD_SERVICE_PACKAGE_KEEPER_H

#include "log.h"
#include "metrics/metrics.h"
#include "service/networks.h"
#include "service/packages.h"
#include "store/store.h"

#define PACKAGE_KEEPER_SECONDS 60        /* between two writes of what was asked for */
#define PACKAGE_KEEPER_SWEEP_SECONDS 300 /* between two sweeps; after one that left too much, */
#define PACKAGE_KEEPER_REST_SECONDS 30   /* so long at least */
/* A use is noted PACKAGE_USES_SECONDS + PACKAGE_KEEPER_SECONDS late at most: the rest is for the download. */
#define PACKAGE_KEEPER_GRACE_SECONDS 1800

struct package_keeper;

struct package_keeper_options {
	struct packages *packages; /* all borrowed */
	struct store *store;
	const struct log *log;
	struct metrics *metrics; /* or NULL */
	uint64_t max_bytes;      /* 0: no bound */
	unsigned max_days;       /* 0: no bound */
};

enum ofa_status package_keeper_open(const struct package_keeper_options *opt, struct package_keeper **ret,
				    struct ofa_error *err) OFA_MUST_CHECK;
/* Writes what was asked for; NULL is allowed. */
void package_keeper_close(struct package_keeper *k);

/* Before the package's bytes are stored; on a worker.  k NULL: nothing is kept track of. */
enum ofa_status package_keeper_add(struct package_keeper *k, const char *id, uint64_t size_bytes,
				   const struct network *network, struct ofa_error *err) OFA_MUST_CHECK;

/* As the last look at the index had it, and what was added here since. */
void package_keeper_totals(struct package_keeper *k, struct store_package_totals *ret);

#endif
