/* Answers that are waited for without a connection: each job is one client's interest in an answer under way, and what
 * became of it.
 *
 * Jobs live in memory, bounded in number, and those that are over for a while; a restart forgets them.  Nothing is lost
 * by that: an answer that was found is kept by deliveries, and the question can be asked again. */
#ifndef OFAD_SERVICE_JOBS_H
#define OFAD_SERVICE_JOBS_H

#include "clock.h"
#include "service/deliveries.h"

#define JOB_ID_CHARS 32 /* lower-case hex: 128 random bits, so that none can be guessed */

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
};
enum ofa_status jobs_new(const struct jobs_options *opt, struct jobs **ret, struct ofa_error *err) OFA_MUST_CHECK;
void jobs_free(struct jobs *s); /* no answer may be under way; NULL is allowed */

/* A new job for an answer that was asked for; takes over what the asker owes deliveries_leave().  OFA_ERR_LIMIT when
 * all the jobs there may be are under way: then it stays the caller's. */
enum ofa_status jobs_add(struct jobs *s, struct answer *a, bool inline_profile, struct job **ret,
			 struct ofa_error *err) OFA_MUST_CHECK;
/* A new reference, or NULL for an id that is none of ours, too old, or malformed. */
struct job *jobs_find(struct jobs *s, const char *id);
/* The job is over and its interest in the answer gone; one that is over already stays as it is. */
void jobs_cancel(struct jobs *s, struct job *j);
void jobs_view(struct jobs *s, struct job *j, struct job_view *ret);
/* False: it is over already. */
bool jobs_listen(struct jobs *s, struct job *j, struct job_listener *l);
/* Takes the listener back.  False: it was woken, is being woken, or was not taken. */
bool jobs_unlisten(struct jobs *s, struct job_listener *l);
/* How many are not over. */
unsigned jobs_under_way(struct jobs *s);
/* How many there are in each state; looks at them all. */
void jobs_count(struct jobs *s, unsigned ret[JOB_STATE_COUNT]);

#endif
