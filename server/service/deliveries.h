/* Answering questions: search, pack, check, keep.  Equal questions that come while one is being answered
 * share its answer; later ones find it in memory, or on disk after a restart. */
#ifndef OFAD_SERVICE_DELIVERIES_H
#define OFAD_SERVICE_DELIVERIES_H

#include "jobs/flight.h"
#include "jobs/lru.h"
#include "jobs/workers.h"
#include "log.h"
#include "metrics/metrics.h"
#include "service/bindings.h"
#include "service/packages.h"
#include "service/question.h"
#include "store/store.h"

/* What a client is told about a subnet. */
struct delivery {
	struct shared shared;
	char id[PACKAGE_ID_CHARS + 1];
	char *manifest; /* JSON */
	size_t manifest_size;
};
void delivery_unref(struct delivery *d); /* NULL is allowed */

/* Milliseconds that the parts of an answer took; 0 for what was not needed. */
struct answer_timing {
	double queue_ms, search_ms, calibrate_ms, pack_ms;
};

/* A question under way, and its answer once it has landed. */
struct answer {
	struct flight flight;
	struct task task;
	struct deliveries *deliveries;
	struct question question;
	double asked_ms;
	/* read after landing */
	enum ofa_status status;
	struct ofa_error error;
	struct ofa_feasible feasible; /* of OFA_ERR_INFEASIBLE */
	struct delivery *delivery;
	struct package *package;
	struct answer_timing timing;
	bool from_store; /* found on disk: nothing was searched */
};
void answer_unref(struct answer *a); /* NULL is allowed */

struct deliveries;

struct deliveries_options {
	struct workers *workers; /* all borrowed */
	struct workers *background; /* for what nobody waits for */
	struct packages *packages;
	struct store *store;
	struct bindings *bindings;
	const struct log *log;
	struct metrics *metrics; /* or NULL */
	const atomic_bool *cancel; /* ends searches early: OFA_ERR_CANCELLED */
	bool keep_fronts;          /* searches for stored profiles are looked up in their fronts */
	size_t cache_bytes;        /* of manifests */
};
enum ofa_status deliveries_new(const struct deliveries_options *opt, struct deliveries **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
void deliveries_free(struct deliveries *d); /* no answer may be under way; NULL is allowed */
struct lru *deliveries_cache(struct deliveries *d); /* borrowed, for its size */

/* The answer if it is in memory: both are new references. */
bool deliveries_recall(struct deliveries *d, const struct job_key *key, struct delivery **ret_delivery,
		       struct package **ret_package);
/* Joins the answer that is under way or begins one.  Takes the question over, whatever the outcome.
 * OFA_ERR_LIMIT when the queue is full. */
enum ofa_status deliveries_ask(struct deliveries *d, struct question *q, struct answer **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* Computes the fronts that searches for this profile look their answers up in, for every network that its table
 * covers, in the background; without room in its queue nothing happens, and the first search computes what it needs.
 * Takes a reference of its own. */
void deliveries_prepare(struct deliveries *d, struct networks *networks, struct known_profile *profile);
/* False: it has landed already. */
bool deliveries_wait(struct deliveries *d, struct answer *a, struct flight_waiter *w);

#endif
