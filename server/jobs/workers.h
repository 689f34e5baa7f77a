/* Worker threads behind one bounded queue for each class of work; within a class first in, first out. */
#ifndef OFAD_JOBS_WORKERS_H
#define OFAD_JOBS_WORKERS_H

#include <stdatomic.h>
#include <stdbool.h>
#include "base/status.h"

/* What a task is for.  A free worker takes the earlier class first, but for one turn: a glance that waits is passed
 * over by one device, not by the next one too. */
enum task_class {
	TASK_CALL,      /* short: reads or writes the disk for a client that waits */
	TASK_PROVISION, /* a device waits for its subnet */
	TASK_GLANCE,    /* people look at it, and it takes milliseconds */
	TASK_DASHBOARD, /* people look at it; neither of these is ever on all workers at once where there are several */
	TASK_CLASS_COUNT
};
const char *task_class_name(enum task_class class);

struct workers;

/* One piece of work, embedded in what it works on.  run() is called once, on a worker; the task may
 * free itself there. */
struct task {
	void (*run)(struct task *self);
	/* the queue's */
	struct task *next, **link;
	enum task_class class;
	_Atomic(struct workers *) in; /* whose queue it is in, or NULL; set under their lock */
};

struct workers_options {
	unsigned threads;      /* at least 1 */
	unsigned call_threads; /* further ones that take nothing but TASK_CALL: no search is in its way; not nice */
	unsigned max_queue;    /* tasks of a class that may wait; running ones are not counted */
	int nice;              /* added to the workers' niceness, so that HTTP threads get the processor first */
};

enum ofa_status workers_new(const struct workers_options *opt, struct workers **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
/* False when the queue of the class is full or closed: the task was not taken. */
bool workers_submit(struct workers *w, enum task_class class, struct task *task);
/* Takes a task that was submitted back out of the queue.  False: it has begun or is over, or is with other workers. */
bool workers_withdraw(struct workers *w, struct task *task);
/* Tasks of a class waiting now. */
unsigned workers_queued(struct workers *w, enum task_class class);
struct workers_stats {
	unsigned threads;   /* of all kinds */
	unsigned max_queue; /* tasks of each class that may wait */
	struct {
		unsigned queued, running;
	} of[TASK_CLASS_COUNT];
};
void workers_stats(struct workers *w, struct workers_stats *ret);
/* How long the task has been running that began first of those that are; 0: none is. */
double workers_longest_ms(struct workers *w);
/* Takes no more tasks, runs those it has and ends the threads; submitting stays safe, in vain.  NULL is
 * allowed. */
void workers_stop(struct workers *w);
void workers_free(struct workers *w); /* stops it first if need be; NULL is allowed */

#endif
