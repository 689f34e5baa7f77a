/* Inside the PostgreSQL driver: two connections beside the pool, whose sessions mean something.
 *
 * The listener's, which one thread has for itself, hears what replicas tell each other, and notices when the database
 * falls silent.  The locks' has advisory locks: one as long as this replica lives, one for each question that it works
 * on.  A session that breaks takes its locks with it; both are made anew for ever. */
#ifndef OFAD_STORE_PG_SESSION_H
#define OFAD_STORE_PG_SESSION_H

#include <stdatomic.h>
#include "store/pg.h"

#define PG_CHANNEL "ofad"
#define PG_LOOK_MS 500.0    /* how often the database is asked whether it is there */
#define PG_ANSWER_MS 2000.0 /* for which it is waited for an answer */
#define PG_PAUSE_MS 100.0   /* after an attempt to connect that failed, doubled up to the next */
#define PG_PAUSE_MS_MAX 1000.0

struct pg_session {
	struct store_pg *store;
	char replica[STORE_REPLICA_CHARS + 1];
	int64_t number; /* the same; the key of its lock */
	/* the listener's thread, which alone has what follows */
	bool started;
	pthread_t thread;
	int stop; /* an eventfd that wakes it */
	struct store_listener listener;
	PGconn *hearing;
	double pause_ms, next_look_ms;
	/* read by anybody */
	atomic_bool lost, stopping;
	_Atomic double answered_ms; /* when the database answered last */
	/* ---- pg_locks.c ---- */
	pthread_mutex_t locking; /* what follows */
	PGconn *locks;
	bool lives;       /* its own lock is held */
	double failed_ms; /* when `locks` could not be made, after which it was not; 0 */
};

/* Connects nothing yet. */
enum ofa_status pg_session_new(struct store_pg *s, struct ofa_error *err) OFA_MUST_CHECK;
void pg_session_free(struct pg_session *p); /* NULL is allowed */

/* One statement with n text parameters on a connection that is nobody else's; OFA_ERR_UNAVAILABLE without an answer in
 * PG_ANSWER_MS.  *ret is PQclear()ed by the caller; ret NULL: it is not wanted.  Afterwards the connection may be
 * unusable: pg_session_usable(). */
enum ofa_status pg_session_ask(PGconn *pq, const char *sql, int n, const char *const *values, PGresult **ret,
			       struct ofa_error *err) OFA_MUST_CHECK;
bool pg_session_usable(const PGconn *pq); /* NULL is not */

/* ---- pg_listener.c ---- */

enum ofa_status pg_listener_start(struct pg_session *p, const struct store_listener *l,
				  struct ofa_error *err) OFA_MUST_CHECK;
/* Ends the thread, if there is one. */
void pg_listener_stop(struct pg_session *p);

/* ---- pg_locks.c; any thread ---- */

/* Sees to it that the connection and this replica's own lock are there; does nothing while others use it. */
void pg_locks_tend(struct pg_session *p);
enum ofa_status pg_locks_take(struct pg_session *p, const uint8_t question[OFA_SHA256_BYTES], bool *ret_held,
			      struct ofa_error *err) OFA_MUST_CHECK;
void pg_locks_give(struct pg_session *p, const uint8_t question[OFA_SHA256_BYTES]);
enum ofa_status pg_locks_lives(struct pg_session *p, const char *replica, bool *ret,
			       struct ofa_error *err) OFA_MUST_CHECK;

extern const struct store_sharing pg_sharing;

#endif
