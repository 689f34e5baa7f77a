/* Answers that are waited for without a connection: each job is one client's interest in an answer under way, and what
 * became of it.
 *
 * Jobs live in memory, bounded in number, and those that are over for a while; a restart forgets them.  Nothing is lost
 * by that: an answer that was found is kept by deliveries, and the question can be asked again.
 *
 * Where replicas share a store, each job has a row there too, which is written before anybody is told of it, a few
 * times a second while it makes progress, and when it is over.  Then
 *   - what the row says for good is what the job was: clients are told that it is over when that is written, and one
 *     that is over in the row is over for everybody, whoever wrote it;
 *   - other replicas show a *mirror* of it, which follows what is told of the row;
 *   - a job whose replica is dead, or gave it away, is taken by another one, which asks its question again: answers do
 *     not depend on who finds them, and what was found is in the store.  Each taking begins a *term*, in which nothing
 *     of an earlier one is written any more;
 *   - a replica that cannot reach the store goes on, tells what it knows, and writes it later. */
#ifndef OFAD_SERVICE_JOBS_H
#define OFAD_SERVICE_JOBS_H

#include "clock.h"
#include "service/deliveries.h"

#define JOB_ID_CHARS STORE_JOB_ID_CHARS /* lower-case hex: 128 random bits, so that none can be guessed */
/* Versions of a term begin at its number times this, so that they grow from one to the next. */
#define JOB_TERM_VERSIONS 1000000u
#define JOB_VERSION_MAX 999999999

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED, JOB_STATE_COUNT };
const char *job_state_name(enum job_state state);

struct job;
void job_unref(struct job *j); /* NULL is allowed */

/* A job at some moment. */
struct job_view {
	char id[JOB_ID_CHARS + 1];
	char created_at[CLOCK_RFC3339_MAX];
	enum job_state state;
	unsigned version; /* grows with every change; the last one when the job is over */
	enum progress_stage stage;
	int evaluations, budget;
	double best_accuracy; /* 0: none yet */
	/* of JOB_FAILED */
	enum ofa_status status;
	struct ofa_error error;
	struct ofa_feasible feasible; /* of OFA_ERR_INFEASIBLE */
	bool inline_profile;          /* the profile came with the question */
	char subnet[PACKAGE_ID_CHARS + 1]; /* of JOB_SUCCEEDED */
	struct job_key question;           /* that it is the answer to */
	bool elsewhere; /* another replica works at it, who may have told later versions than are known here */
};
static inline bool job_view_over(const struct job_view *v)
{
	return v->state >= JOB_SUCCEEDED;
}

/* Somebody who wants to know at once that a job is over; zeroed at first. */
struct job_listener {
	void (*wake)(struct job_listener *self);
	/* the job's */
	struct job_listener *next, **link;
};

struct jobs;

struct jobs_options {
	struct deliveries *deliveries; /* borrowed */
	unsigned max;                  /* jobs, of which those that are over go first */
	double keep_ms;                /* how long one that is over is remembered */
	/* of a store that replicas share; all borrowed */
	struct store *store; /* NULL: there are no others */
	struct networks *networks;
	struct profiles *profiles;
	struct workers *workers;
	const struct log *log;
	const atomic_bool *draining; /* nothing is taken any more */
};
enum ofa_status jobs_new(const struct jobs_options *opt, struct jobs **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Gives up nothing: with a shared store what is under way should be released before.  No answer may be under way;
 * NULL is allowed. */
void jobs_free(struct jobs *s);
/* Are they shared?  What says so below is then called on a worker. */
bool jobs_shared(const struct jobs *s);

/* On a worker: a new job for an answer that was asked for; takes over what the asker owes deliveries_leave().
 * OFA_ERR_LIMIT when all the jobs there may be are under way, or OFA_ERR_UNAVAILABLE: then it stays the caller's. */
enum ofa_status jobs_add(struct jobs *s, struct answer *a, bool inline_profile, struct job **ret,
			 struct ofa_error *err) OFA_MUST_CHECK;
/* A new reference, or NULL for an id that is none of ours, too old, or malformed; it may be elsewhere. */
struct job *jobs_find(struct jobs *s, const char *id);
/* On a worker: the same wherever it is: what is returned follows it.  One that nobody works at is taken. */
enum ofa_status jobs_fetch(struct jobs *s, const char *id, struct job **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* On a worker: what the store says of it is what it says from now on, so that nobody is told by one replica what
 * another one has told to be otherwise; where the store does not say, it stays what is known here. */
void jobs_look(struct jobs *s, struct job *j);
/* On a worker: the job is over and its interest in the answer gone; one that is over already stays as it is. */
enum ofa_status jobs_cancel(struct jobs *s, struct job *j, struct ofa_error *err) OFA_MUST_CHECK;
void jobs_view(struct jobs *s, struct job *j, struct job_view *ret);
/* False: it is over already. */
bool jobs_listen(struct jobs *s, struct job *j, struct job_listener *l);
/* Takes the listener back.  False: it was woken, is being woken, or was not taken. */
bool jobs_unlisten(struct jobs *s, struct job_listener *l);
/* How many are not over and this server's. */
unsigned jobs_under_way(struct jobs *s);
/* How many of this server's there are in each state; looks at them all. */
void jobs_count(struct jobs *s, unsigned ret[JOB_STATE_COUNT]);

/* ---- of a store that is shared ---- */

/* Of the store's listener: STORE_TOPIC_JOB, and that contact is there again. */
void jobs_heard(struct jobs *s, const char *text);
void jobs_missed(struct jobs *s);
/* This server is to end: what is under way is given to whoever takes it, and becomes a mirror. */
void jobs_release(struct jobs *s);
/* What is to be written is, if the store can be reached; then nothing is done any more on behalf of shared jobs.
 * Before the workers are freed; NULL is allowed. */
void jobs_stop(struct jobs *s);

#endif
