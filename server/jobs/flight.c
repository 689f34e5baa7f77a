#include <stddef.h>
#include "jobs/flight.h"

void flights_init(struct flights *t)
{
	pthread_mutex_init(&t->lock, NULL);
	memset(t->bucket, 0, sizeof(t->bucket));
}

void flights_release(struct flights *t)
{
	pthread_mutex_destroy(&t->lock);
}

static struct flight **find(struct flights *t, const struct job_key *key)
{
	struct flight **at = &t->bucket[job_key_bucket(key, FLIGHT_BUCKETS)];

	while (*at && !job_key_equal(&(*at)->key, key))
		at = &(*at)->next;
	return at;
}

struct flight *flight_join(struct flights *t, struct flight *candidate, bool *ret_leader)
{
	struct flight **at, *f;

	pthread_mutex_lock(&t->lock);
	at = find(t, &candidate->key);
	*ret_leader = *at == NULL;
	if (*at) {
		f = *at;
		shared_ref(&f->shared);
		f->wanted++;
	} else {
		candidate->next = NULL;
		candidate->waiters = NULL;
		candidate->wanted = 1;
		candidate->landed = candidate->given_up = false;
		f = *at = candidate;
	}
	pthread_mutex_unlock(&t->lock);
	return f;
}

bool flight_wait(struct flights *t, struct flight *f, struct flight_waiter *w)
{
	bool taken;

	pthread_mutex_lock(&t->lock);
	taken = !f->landed;
	if (taken) {
		w->next = f->waiters;
		w->link = &f->waiters;
		if (w->next)
			w->next->link = &w->next;
		f->waiters = w;
	}
	pthread_mutex_unlock(&t->lock);
	return taken;
}

bool flight_unwait(struct flights *t, struct flight_waiter *w)
{
	bool waiting;

	pthread_mutex_lock(&t->lock);
	waiting = w->link != NULL;
	if (waiting) {
		*w->link = w->next;
		if (w->next)
			w->next->link = w->link;
		w->link = NULL;
	}
	pthread_mutex_unlock(&t->lock);
	return waiting;
}

static void forget(struct flights *t, struct flight *f)
{
	struct flight **at = find(t, &f->key);

	*at = f->next;
}

bool flight_leave(struct flights *t, struct flight *f)
{
	bool last;

	pthread_mutex_lock(&t->lock);
	last = --f->wanted == 0 && !f->landed;
	if (last) {
		forget(t, f);
		f->given_up = true;
	}
	pthread_mutex_unlock(&t->lock);
	return last;
}

void flight_land(struct flights *t, struct flight *f)
{
	struct flight_waiter *w, *next;

	pthread_mutex_lock(&t->lock);
	if (!f->given_up)
		forget(t, f);
	f->landed = true;
	w = f->waiters;
	f->waiters = NULL;
	for (next = w; next; next = next->next)
		next->link = NULL;
	pthread_mutex_unlock(&t->lock);
	for (; w; w = next) {
		next = w->next; /* the waiter may be gone once it is awake */
		w->wake(w);
	}
}
