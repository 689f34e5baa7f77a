/* Single flight: identical work that is under way is joined, not repeated, until nobody wants it any more. */
#ifndef OFAD_JOBS_FLIGHT_H
#define OFAD_JOBS_FLIGHT_H

#include <pthread.h>
#include <stdbool.h>
#include "jobs/key.h"
#include "shared.h"

#define FLIGHT_BUCKETS 256

/* Somebody who wants to know when a flight has landed; zeroed at first.  Lives until wake() was called or the waiter
 * was taken back. */
struct flight_waiter {
	void (*wake)(struct flight_waiter *self);
	/* the flight's */
	struct flight_waiter *next, **link;
};

/* First member of what is computed; the result goes beside it and is read after landing. */
struct flight {
	struct shared shared;
	struct job_key key;
	struct flight *next; /* the table's */
	struct flight_waiter *waiters;
	unsigned wanted; /* by so many who joined and have not left */
	bool landed, given_up;
};

struct flights {
	pthread_mutex_t lock;
	struct flight *bucket[FLIGHT_BUCKETS]; /* those under way; borrowed: each lives until it lands */
};

void flights_init(struct flights *t);
void flights_release(struct flights *t); /* none may be under way */

/* The flight under way for candidate->key (a new reference), or the candidate itself, which is then
 * under way: *ret_leader says that the caller must see to it that it lands.  Either way the caller is one more
 * who wants it. */
struct flight *flight_join(struct flights *t, struct flight *candidate, bool *ret_leader);
/* Takes the waiter unless the flight has landed already (false: nobody will call wake). */
bool flight_wait(struct flights *t, struct flight *f, struct flight_waiter *w);
/* Takes the waiter back; false: it was woken, is being woken, or was never taken. */
bool flight_unwait(struct flights *t, struct flight_waiter *w);
/* One who joined wants it no more.  True: nobody does.  Then the flight is no longer joined, and the caller sees to it
 * that it lands soon. */
bool flight_leave(struct flights *t, struct flight *f);
/* The result is in place: forgets the flight, wakes every waiter. */
void flight_land(struct flights *t, struct flight *f);

#endif
