/* Moments in the future: one thread that calls back when they have come. */
#ifndef OFAD_JOBS_TIMERS_H
#define OFAD_JOBS_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include "base/status.h"

/* Embedded in what waits; zeroed before it is first used. */
struct timer {
	/* On the timers' thread, which serves all: must be short.  May set the timer again. */
	void (*fire)(struct timer *self);
	/* the timers' */
	double at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
};

struct timers;

/* At most max timers are set at once. */
enum ofa_status timers_new(size_t max, struct timers **ret, struct ofa_error *err) OFA_MUST_CHECK;
void timers_free(struct timers *t); /* none of those still set fires; NULL is allowed */

/* fire() is called once, in ms milliseconds.  The timer must not be set.  False: there are too many. */
bool timers_set(struct timers *t, struct timer *timer, double ms);
/* True: it was set and does not fire.  False: it has fired, is firing, or was not set. */
bool timers_cancel(struct timers *t, struct timer *timer);

#endif
