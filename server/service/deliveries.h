/* Answering questions: search, pack, check, keep.  Equal questions that come while one is being answered
 * share its answer; later ones find it in memory, or on disk after a restart.
 *
 * A question first passes ahead of all searches through what needs none (memory, disk, limits that no subnet keeps) and
 * then waits for its turn.  Where several servers share the store one of them searches; the others wait for its
 * answer, without a worker, and go on by themselves when it dies.  A question is answered to the end, for whoever asks
 * next, also when its clients have gone away unnoticed; it ends early when all who asked have said that they want it no
 * more, when its time is up, and with the daemon. */
#ifndef OFAD_SERVICE_DELIVERIES_H
#define OFAD_SERVICE_DELIVERIES_H

#include "jobs/flight.h"
#include "jobs/lru.h"
#include "jobs/workers.h"
#include "log.h"
#include "metrics/metrics.h"
#include "service/bindings.h"
#include "service/package_keeper.h"
#include "service/packages.h"
#include "service/parking.h"
#include "service/progress.h"
#include "service/question.h"
#include "service/rebuilding.h"
#include "store/store.h"

/* What a client is told about a subnet. */
struct delivery {
	struct shared shared;
	char id[PACKAGE_ID_CHARS + 1];
	char manifest_path[sizeof("/subnets//manifest") + PACKAGE_ID_CHARS];
	char *manifest; /* JSON */
	size_t manifest_size;
	struct ledger_account *account; /* of its network; or NULL */
};
void delivery_unref(struct delivery *d); /* NULL is allowed */

/* Milliseconds that the parts of an answer took; 0 for what was not needed. */
struct answer_timing {
	double queue_ms, search_ms, calibrate_ms, pack_ms;
};

/* Where an answer was found. */
enum answer_source {
	FROM_SEARCH,
	FROM_STORE,  /* on disk, or in the store that several servers share */
	FROM_MEMORY, /* kept by a flight that landed while this one was about to take off */
	ANSWER_SOURCE_COUNT
};
const char *answer_source_name(enum answer_source source);

/* A question under way, and its answer once it has landed. */
struct answer {
	struct flight flight;
	struct task task;
	struct parked parked; /* while another server searches */
	struct deliveries *deliveries;
	struct question question;
	struct binding *binding; /* a reference, once it is known */
	struct progress progress; /* read by anybody at any time */
	struct rebuild *rebuild;  /* of its package, which is waited for; a reference, or NULL */
	struct flight_waiter rebuilt;
	char lost[PACKAGE_ID_CHARS + 1]; /* the package of the stored answer, which cannot be had any more; or "" */
	double asked_ms;
	/* read after landing */
	enum ofa_status status;
	struct ofa_error error;
	struct ofa_feasible feasible; /* of OFA_ERR_INFEASIBLE */
	struct delivery *delivery;
	struct package *package;
	struct answer_timing timing;
	double cpu_begin; /* the worker's: clock_thread_cpu() when what it does now began */
	enum answer_source source;
};

struct deliveries;

struct deliveries_options {
	struct workers *workers;    /* all borrowed */
	struct workers *lookers;    /* for the first look at a question, which waits for the store; may be the same */
	struct workers *background; /* for what nobody waits for */
	struct packages *packages;
	struct package_keeper *keeper; /* or NULL */
	struct rebuilds *rebuilds;
	struct store *store;
	struct bindings *bindings;
	struct timers *timers;      /* of use where the store is shared */
	unsigned max_parked;        /* questions that wait for other servers */
	const struct log *log;
	struct metrics *metrics;    /* or NULL */
	const atomic_bool *closing; /* ends searches early: OFA_ERR_CANCELLED */
	double search_ms;           /* no answer takes longer, its time in the queue included: OFA_ERR_LIMIT */
	bool keep_fronts;          /* searches for stored profiles are looked up in their fronts */
	size_t cache_bytes;        /* of manifests */
};
enum ofa_status deliveries_new(const struct deliveries_options *opt, struct deliveries **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* The daemon ends: what waits for other servers is ended, and nothing waits for them any more.  The workers are still
 * there. */
void deliveries_close(struct deliveries *d);
void deliveries_free(struct deliveries *d); /* no answer may be under way; NULL is allowed */
/* A server that shares the store is done with this question, 64 digits of hex. */
void deliveries_hear(struct deliveries *d, const char *question);
/* A question was answered with this one: counts a device served. */
void deliveries_count(struct deliveries *d, const struct delivery *delivery);
struct lru *deliveries_cache(struct deliveries *d); /* borrowed, for its size */

/* The answer if it is in memory: both are new references.  ret_package NULL: the package is not wanted, and need not be
 * there, which spares reading it for a question that only asks for the manifest. */
bool deliveries_recall(struct deliveries *d, const struct job_key *key, struct delivery **ret_delivery,
		       struct package **ret_package);
/* The answer from disk, as an earlier run of the daemon or another server may have left it; on a worker; booked to the
 * account, or to none when that is NULL.  OFA_ERR_NOT_FOUND: there is none.  Its package may have been dropped. */
enum ofa_status deliveries_find(struct deliveries *d, const struct job_key *key, struct ledger_account *account,
				struct delivery **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Joins the answer that is under way or begins one.  Takes the question over, whatever the outcome.
 * OFA_ERR_LIMIT when the queue is full.  On success deliveries_leave() or deliveries_release()
 * is to be called once. */
enum ofa_status deliveries_ask(struct deliveries *d, struct question *q, struct answer **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;

/* What a question would be answered, with nothing built, kept or counted as delivered. */
struct foretelling {
	enum ofa_status status;
	struct ofa_error error;       /* placed in the question's body */
	struct ofa_feasible feasible; /* of OFA_ERR_INFEASIBLE */
	char *manifest;               /* of OFA_OK: JSON without id, sha256 and links; malloc'ed */
	size_t manifest_size;
	double search_ms;
	bool put_off; /* there is nothing of all this: it would have taken too long */
};
/* On a worker: takes as long as the search does, and, as answers must not depend on who came first, seconds where the
 * answer is on a front that is yet to be computed: then it is put off unless `patient`.  Takes the question over.
 * foretelling_release() is the caller's, whatever came of it. */
void deliveries_foretell(struct deliveries *d, struct question *q, bool patient, struct foretelling *ret);
void foretelling_release(struct foretelling *f);

/* Computes the fronts that searches for this profile look their answers up in, for every network that its table
 * covers, in the background; without room in its queue nothing happens, and the first search computes what it needs.
 * Takes a reference of its own. */
void deliveries_prepare(struct deliveries *d, struct networks *networks, struct known_profile *profile);
/* False: it has landed already. */
bool deliveries_wait(struct deliveries *d, struct answer *a, struct flight_waiter *w);
/* Takes the waiter back.  False: it was woken, is being woken, or was not taken. */
bool deliveries_unwait(struct deliveries *d, struct flight_waiter *w);
/* The answer is not used any more by one who asked; before it has landed this means that it is not wanted by him. */
void deliveries_leave(struct deliveries *d, struct answer *a);
/* Instead of leaving: the one who asked is gone, but the answer is still made for whoever asks next. */
void deliveries_release(struct answer *a);

#endif
