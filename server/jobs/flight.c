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
	} else {
		candidate->next = NULL;
		candidate->waiters = NULL;
		candidate->landed = false;
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
		f->waiters = w;
	}
	pthread_mutex_unlock(&t->lock);
	return taken;
}

void flight_land(struct flights *t, struct flight *f)
{
	struct flight_waiter *w, *next;
	struct flight **at;

	pthread_mutex_lock(&t->lock);
	at = find(t, &f->key);
	*at = f->next;
	f->landed = true;
	w = f->waiters;
	f->waiters = NULL;
	pthread_mutex_unlock(&t->lock);
	for (; w; w = next) {
		next = w->next; /* the waiter may be gone once it is awake */
		w->wake(w);
	}
}
