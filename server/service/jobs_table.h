/* Inside service/jobs*.c: the table of jobs, and what is done for those that are shared.
 *
 *   jobs.c         the table, and jobs of this process
 *   jobs_rows.c    rows of jobs in a store that is shared
 *   jobs_clerk.c   the thread that writes them
 *   jobs_mirror.c  jobs of other replicas
 *   jobs_take.c    jobs whose replica is gone
 *
 * A job of this server's has an answer until that has landed; with a shared store it is then `landed` until its row
 * says so, and `over`.  It becomes a mirror when another replica has taken it, and a mirror becomes one of this
 * server's when it is taken. */
#ifndef OFAD_SERVICE_JOBS_TABLE_H
#define OFAD_SERVICE_JOBS_TABLE_H

#include <pthread.h>
#include "service/jobs.h"
#include "service/suspects.h"

#define JOBS_BUCKETS 4096

/* A job's waiting for an answer, of which it may have several one after the other: while one landing is being told of,
 * another may be waited for. */
struct landing {
	struct flight_waiter waiter; /* holds a reference to the job while it is waited for */
	struct job *job;
	struct answer *answer; /* for comparison only once it is not the job's */
	struct landing *next;
};

struct job {
	struct shared shared;
	struct landing *landings; /* the first is of the answer */
	struct jobs *jobs;
	struct answer *answer; /* until it has landed, or the job is over or another replica's */
	bool over;
	struct job *chain; /* same bucket */
	struct job *later; /* over after this one */
	double over_ms;
	struct job_listener *listeners;
	struct job_view view; /* as it was when it was last told without an answer: for good once the job is over */
	/* of a shared store */
	bool mirror;
	bool landed;           /* `result` is to be written, and is then what the job says */
	bool due;              /* in the list of those to be looked at */
	unsigned term;
	unsigned base;         /* added to the versions of the answer's progress */
	unsigned written;      /* the version in the row */
	double written_ms;     /* when that was */
	enum progress_stage written_stage;
	struct job_view result;
	struct job *next_due;                /* holds a reference */
	struct job *next_here, **link_here;  /* among those of this server that are under way; link NULL: it is not */
};

struct jobs {
	struct jobs_options opt;
	const struct store_sharing *sharing; /* NULL: nothing is shared */
	pthread_mutex_t lock; /* all jobs, too */
	unsigned n, n_over, n_mirrors;
	struct job *first_over, **last_over; /* in the order in which they ended */
	struct job *bucket[JOBS_BUCKETS];    /* each holds a reference */
	/* of a shared store */
	pthread_t clerk;
	pthread_cond_t wake;           /* the clerk */
	pthread_cond_t released;
	bool started, stop, missed, sweep, reclaim, failing; /* failing: the store could not be reached */
	bool releasing; /* until all rows were given away */
	struct job *due, **last_due;
	struct job *here, **last_here;
	pthread_mutex_t taking; /* one at a time: held while a job is taken, and while the store is asked for it */
	struct suspects *suspects;
};

/* ---- jobs.c: all with the lock held ---- */

bool jobs_id_ok(const char *id);
/* Where the job is, or would be. */
struct job **jobs_at(struct jobs *s, const char *id);
/* Zeroed but for what it is made of; NULL when memory is out.  view NULL: a new job with an id of its own. */
struct job *job_new(struct jobs *s, const struct job_view *view);
/* A place for one more of this server's; false: there is none. */
bool jobs_make_room(struct jobs *s);
void jobs_insert(struct jobs *s, struct job *j); /* takes a reference of its own */
/* It is over and says `view` for good.  The listeners are the caller's to wake, without the lock. */
struct job_listener *job_end(struct job *j, const struct job_view *view);
void job_current(const struct job *j, struct job_view *ret);
/* What it says when it ends like this. */
void job_final(const struct job *j, enum job_state state, struct job_view *ret);
/* A landing for the next answer; false when memory is out.  May be called without the lock while nobody else has j. */
bool job_prepare(struct job *j);
/* It has this answer from now on, and job_await() is to be called, for which a reference is taken. */
void job_begin(struct job *j, struct answer *a);
/* It has no answer any more: what it had, and its landing, for job_leave(); or NULL. */
struct answer *job_detach(struct job *j, struct landing **ret);

/* ---- jobs.c: without the lock ---- */

void jobs_wake(struct job_listener *l);
void job_await(struct job *j, struct answer *a, struct landing *l);
void job_leave(struct job *j, struct answer *a, struct landing *l); /* a NULL: nothing */

/* ---- jobs_clerk.c ---- */

enum ofa_status jobs_clerk_start(struct jobs *s, struct ofa_error *err) OFA_MUST_CHECK;
void jobs_clerk_free(struct jobs *s); /* once it was stopped */
/* With the lock held: the clerk looks at it now. */
void job_is_due(struct job *j);
/* With the lock held: among those of this server that are under way. */
void job_here(struct job *j);
void job_not_here(struct job *j);

/* ---- jobs_rows.c ---- */

enum ofa_status job_add_row(struct job *j, const struct answer *a, bool released, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status job_cancel_row(struct job *j, struct ofa_error *err) OFA_MUST_CHECK;
/* *ret_written as job_write() of the store has it. */
enum ofa_status job_write_view(struct jobs *s, unsigned term, const struct job_view *view, bool *ret_written,
			       struct ofa_error *err) OFA_MUST_CHECK;
/* Whatever is to be written of it, or looked up. */
enum ofa_status job_write_due(struct job *j, struct ofa_error *err) OFA_MUST_CHECK;
/* The job is what its row says. */
enum ofa_status job_look_again(struct job *j, struct ofa_error *err) OFA_MUST_CHECK;

/* A row as the store has it, copied. */
struct job_row {
	bool found, over;
	bool unread; /* it is there, but another version of the server has written it: nothing is known of it */
	char owner[STORE_REPLICA_CHARS + 1]; /* "": nobody's */
	unsigned term, deaths;
	struct job_view view;
	char *question; /* malloc'ed, or NULL */
};
/* With its question or without.  row->found false: there is none.  job_row_release() is the caller's, in any case. */
enum ofa_status job_row_get(struct jobs *s, const char *id, bool question, struct job_row *ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
void job_row_release(struct job_row *row);
/* The job is what this row says. */
void job_apply(struct job *j, const struct job_row *row);

/* ---- jobs_mirror.c ---- */

/* The mirror of a row, new or there already; a new reference, NULL when memory is out or there are too many. */
struct job *jobs_mirror(struct jobs *s, const struct job_row *row);
/* With the lock held: another replica has it. */
void job_to_mirror(struct job *j);
/* Asks for all of them again. */
enum ofa_status jobs_refresh(struct jobs *s, struct ofa_error *err) OFA_MUST_CHECK;
/* Drops those that nobody looks at. */
void jobs_drop_mirrors(struct jobs *s);

/* ---- jobs_take.c ---- */

/* Takes the job if its row says that it is under way and nobody works at it.  *ret: a new reference, NULL: it is not
 * taken. */
enum ofa_status jobs_take(struct jobs *s, const char *id, struct job **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Looks whose jobs are nobody's any more, and takes of them what there is room for. */
enum ofa_status jobs_sweep(struct jobs *s, struct ofa_error *err) OFA_MUST_CHECK;
/* Takes those that the store says are this server's, which does not have them: when they were written the connection
 * was lost, so that it was taken for not done. */
enum ofa_status jobs_reclaim(struct jobs *s, struct ofa_error *err) OFA_MUST_CHECK;

#endif
