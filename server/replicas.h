/* The other servers that share our database, "replicas": what they tell, passed on to those whom it concerns, and
 * whether the database is in reach.
 *
 * Everything here runs on the store's listening thread, or reads a few numbers on any; with a database that is this
 * process's own there is none of it: every function takes NULL. */
#ifndef OFAD_REPLICAS_H
#define OFAD_REPLICAS_H

#include "access/tokens.h"
#include "log.h"
#include "service/calibrations.h"
#include "service/deliveries.h"
#include "service/jobs.h"
#include "service/profiles.h"
#include "store/store.h"

struct replicas;

/* All borrowed. */
struct replicas_options {
	struct store *store;
	const struct log *log;
	struct profiles *profiles;
	struct tokens *tokens;
	struct calibrations *calibrations;
	struct deliveries *deliveries;
	struct jobs *jobs;
	double patience_ms; /* for which a database that is silent counts as in reach */
};

/* Begins to listen; *ret is NULL where the store is not shared. */
enum ofa_status replicas_new(const struct replicas_options *opt, struct replicas **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* Nothing is passed on any more; before those whom it concerns are freed. */
void replicas_free(struct replicas *r);

struct replicas_view {
	bool reachable;
	double silence_ms;         /* since the database answered last */
	unsigned long long losses; /* of contact */
	unsigned long long heard[STORE_TOPIC_COUNT];
};
/* False: the store is not shared.  Any thread. */
bool replicas_view(struct replicas *r, struct replicas_view *ret);

#endif
