/* Worker threads behind one bounded queue, first in, first out. */
#ifndef OFAD_JOBS_WORKERS_H
#define OFAD_JOBS_WORKERS_H

#include <stdbool.h>
#include "base/status.h"

/* One piece of work, embedded in what it works on.  run() is called once, on a worker; the task may
 * free itself there. */
struct task {
	void (*run)(struct task *self);
	struct task *next; /* the queue's */
};

struct workers;

struct workers_options {
	unsigned threads;   /* at least 1 */
	unsigned max_queue; /* tasks that may wait; running ones are not counted */
	int nice;           /* added to the workers' niceness, so that HTTP threads get the processor first */
};

enum ofa_status workers_new(const struct workers_options *opt, struct workers **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
/* False when the queue is full or closed: the task was not taken. */
bool workers_submit(struct workers *w, struct task *task);
/* Tasks waiting now. */
unsigned workers_queued(struct workers *w);
/* Takes no more tasks, runs those it has and ends the threads; submitting stays safe, in vain.  NULL is
 * allowed. */
void workers_stop(struct workers *w);
void workers_free(struct workers *w); /* stops it first if need be; NULL is allowed */

#endif
