/* Where work waits for another server that is doing the same: until that one says that it is done, or for a while, as
 * it may have died; then it is handed back.  No thread waits. */
#ifndef OFAD_SERVICE_PARKING_H
#define OFAD_SERVICE_PARKING_H

#include <stdbool.h>
#include "base/status.h"
#include "jobs/key.h"
#include "jobs/timers.h"

/* Embedded in what waits; zeroed at first.  It enters before it tries to get the work for itself, so that what it is
 * told of meanwhile is not missed, and then either exits or stays. */
struct parked {
	struct job_key key;
	/* the parking's */
	struct parked *next, **link;
	double since_ms;
	bool staying, told;
};

struct parking;

struct parking_options {
	struct timers *timers; /* borrowed */
	unsigned max;
	double patience_ms; /* after which what stays is handed back */
	/* What stayed does so no longer; on the thread that tells, or the timers'.  It may be gone afterwards. */
	void (*handed_back)(void *ctx, struct parked *p);
	void *ctx;
};
enum ofa_status parking_new(const struct parking_options *opt, struct parking **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
void parking_free(struct parking *g); /* closed, and the timers are gone; NULL is allowed */

/* False: it is full or closed. */
bool parking_enter(struct parking *g, struct parked *p);
/* It stays, and is handed back once.  False: it is outside again, for it was told in the meantime, or it is closed. */
bool parking_stay(struct parking *g, struct parked *p);
/* It entered and does not stay. */
void parking_exit(struct parking *g, struct parked *p);
/* Takes one that stays out.  False: it does not stay; if it is about to, it will not. */
bool parking_withdraw(struct parking *g, struct parked *p);
/* The other server is done with this: all who stay for it are handed back. */
void parking_tell(struct parking *g, const struct job_key *key);
/* Hands all back, and takes no more. */
void parking_close(struct parking *g);

#endif
