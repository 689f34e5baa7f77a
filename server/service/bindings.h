/* A network bound to a profile's latency table and a type of packages: what a search runs on, with its Pareto fronts.
 * Made once, shared by all searches for the three. */
#ifndef OFAD_SERVICE_BINDINGS_H
#define OFAD_SERVICE_BINDINGS_H

#include "jobs/lru.h"
#include "metrics/metrics.h"
#include "search/front.h"
#include "service/networks.h"
#include "service/profiles.h"
#include "service/progress.h"

struct binding;
void binding_unref(struct binding *b); /* NULL is allowed */
/* Lives as long as the binding. */
const struct ofa_search_problem *binding_problem(const struct binding *b);
/* The front of accuracy against a resource; lives as long as the binding.  The first call computes it, which takes
 * seconds for latency (it is kept to answer searches) and a good part of one for the others; calls that come meanwhile
 * wait for it, and one of them goes on with it when the first is told to end.  `progress`, of this call alone, is told
 * how far it has come, whoever computes it; it may be NULL.  OFA_ERR_INVALID for a resource that nothing is known of
 * (latency without a table), OFA_ERR_CANCELLED when progress is over or the daemon is told to end. */
enum ofa_status binding_front(struct binding *b, enum ofa_resource metric, struct progress *progress,
			      const struct ofa_front **ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Is that front there, so that binding_front() does not wait? */
bool binding_has_front(struct binding *b, enum ofa_resource metric);

struct bindings;

struct bindings_options {
	size_t cache_bytes;        /* of those that are remembered */
	size_t passing_bytes;      /* likewise, of tables that come along with questions: they drive no other out */
	int front_evaluations;     /* for the front of latency, which answers searches; 0: the engine's default */
	const atomic_bool *cancel; /* borrowed: it ends the computing of fronts */
	struct metrics *metrics;   /* or NULL */
};
enum ofa_status bindings_new(const struct bindings_options *opt, struct bindings **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void bindings_free(struct bindings *s); /* NULL is allowed */
struct lru *bindings_kept(struct bindings *s);    /* borrowed, for their sizes */
struct lru *bindings_passing(struct bindings *s);
/* What a binding is known by, and whatever else follows from the three: networks and tables by content, so that all
 * profiles without a table of the precision share one. */
struct job_key binding_key(const struct network *network, const struct known_profile *profile,
			   enum ofa_precision precision);
/* A new reference.  profile may be NULL, and its table is not used where it is of another precision.  OFA_ERR_MISMATCH
 * when the table does not cover the network. */
enum ofa_status bindings_get(struct bindings *s, const struct network *network, const struct known_profile *profile,
			     enum ofa_precision precision, struct binding **ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
