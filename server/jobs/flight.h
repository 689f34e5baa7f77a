/* Single flight: identical work that is under way is joined, not repeated. */
#ifndef OFAD_JOBS_FLIGHT_H
#define OFAD_JOBS_FLIGHT_H

#include <pthread.h>
#include <stdbool.h>
#include "jobs/key.h"
#include "shared.h"

#define FLIGHT_BUCKETS 256

/* Somebody who wants to know when a flight has landed.  Lives until wake() was called. */
struct flight_waiter {
	void (*wake)(struct flight_waiter *self);
	struct flight_waiter *next; /* the flight's */
};

/* First member of what is computed; the result goes beside it and is read after landing. */
struct flight {
	struct shared shared;
	struct job_key key;
	struct flight *next; /* the table's */
	struct flight_waiter *waiters;
	bool landed;
};

struct flights {
	pthread_mutex_t lock;
	struct flight *bucket[FLIGHT_BUCKETS]; /* those under way; borrowed: each lives until it lands */
};

void flights_init(struct flights *t);
void flights_release(struct flights *t); /* none may be under way */

/* The flight under way for candidate->key (a new reference), or the candidate itself, which is then
 * under way: *ret_leader says that the caller must see to it that it lands. */
struct flight *flight_join(struct flights *t, struct flight *candidate, bool *ret_leader);
/* Takes the waiter unless the flight has landed already (false: nobody will call wake). */
bool flight_wait(struct flights *t, struct flight *f, struct flight_waiter *w);
/* The result is in place: forgets the flight, wakes every waiter. */
void flight_land(struct flights *t, struct flight *f);

#endif
