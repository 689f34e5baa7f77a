/* A network bound to a profile's latency table: what a search runs on.  Made once, shared by all searches
 * for that pair. */
#ifndef OFAD_SERVICE_BINDINGS_H
#define OFAD_SERVICE_BINDINGS_H

#include "jobs/lru.h"
#include "service/networks.h"
#include "service/profiles.h"

struct binding {
	struct shared shared;
	const struct ofa_search_problem *problem;
	struct ofa_search_problem *own_problem; /* NULL when the network's own serves */
	struct ofa_latency_model *latency;      /* NULL without a table */
};
void binding_unref(struct binding *b); /* NULL is allowed */

/* From `cache` or new; a new reference.  profile may be NULL.  OFA_ERR_MISMATCH when the table does not
 * cover the network. */
enum ofa_status binding_get(struct lru *cache, const struct network *network, const struct known_profile *profile,
			    struct binding **ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
