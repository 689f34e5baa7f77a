#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "clock.h"
#include "jobs/timers.h"

struct timers {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* the first moment, or that it is time to stop */
	struct timer **heap;    /* from 1: heap[i / 2] is no later than heap[i] */
	size_t n, max;
	bool stop;
	pthread_t thread;
};

static void put(struct timers *t, size_t place, struct timer *timer)
{
	t->heap[place] = timer;
	timer->place = place;
}

static void sift_up(struct timers *t, size_t place, struct timer *timer)
{
	for (; place > 1 && t->heap[place / 2]->at_ms > timer->at_ms; place /= 2)
		put(t, place, t->heap[place / 2]);
	put(t, place, timer);
}

static void sift_down(struct timers *t, size_t place, struct timer *timer)
{
	size_t child;

	while ((child = 2 * place) <= t->n) {
		if (child < t->n && t->heap[child + 1]->at_ms < t->heap[child]->at_ms)
			child++;
		if (t->heap[child]->at_ms >= timer->at_ms)
			break;
		put(t, place, t->heap[child]);
		place = child;
	}
	put(t, place, timer);
}

static void take_out(struct timers *t, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last = t->heap[t->n--];

	timer->place = 0;
	if (last == timer)
		return;
	if (place > 1 && t->heap[place / 2]->at_ms > last->at_ms)
		sift_up(t, place, last);
	else
		sift_down(t, place, last);
}

static struct timespec moment(double ms)
{
	time_t seconds = (time_t)(ms / 1e3);

	return (struct timespec){.tv_sec = seconds, .tv_nsec = (long)((ms - (double)seconds * 1e3) * 1e6)};
}

/* Waits for the next timer that is due; NULL when it is time to stop. */
static struct timer *next_due(struct timers *t)
{
	while (!t->stop) {
		struct timer *first = t->n ? t->heap[1] : NULL;

		if (!first) {
			pthread_cond_wait(&t->changed, &t->lock);
		} else if (first->at_ms > clock_ms()) {
			const struct timespec until = moment(first->at_ms);

			pthread_cond_timedwait(&t->changed, &t->lock, &until);
		} else {
			take_out(t, first);
			return first;
		}
	}
	return NULL;
}

static void *timers_main(void *arg)
{
	struct timers *t = arg;
	struct timer *timer;

	pthread_mutex_lock(&t->lock);
	while ((timer = next_due(t))) {
		pthread_mutex_unlock(&t->lock);
		timer->fire(timer);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum ofa_status timers_new(size_t max, struct timers **ret, struct ofa_error *err)
{
	struct timers *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;
	int rc;

	if (t)
		t->heap = calloc(max + 1, sizeof(struct timer *));
	if (!t || !t->heap) {
		free(t);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	t->max = max;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&t->thread, NULL, timers_main, t);
	if (rc) {
		free(t->heap);
		free(t);
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the timers' thread: %s", strerror(rc));
	}
	*ret = t;
	return OFA_OK;
}

void timers_free(struct timers *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t->heap);
	free(t);
}

bool timers_set(struct timers *t, struct timer *timer, double ms)
{
	bool taken;

	pthread_mutex_lock(&t->lock);
	taken = t->n < t->max;
	if (taken) {
		timer->at_ms = clock_ms() + ms;
		t->n++;
		sift_up(t, t->n, timer);
		if (timer->place == 1)
			pthread_cond_signal(&t->changed);
	}
	pthread_mutex_unlock(&t->lock);
	return taken;
}

bool timers_cancel(struct timers *t, struct timer *timer)
{
	bool was_set;

	pthread_mutex_lock(&t->lock);
	was_set = timer->place != 0;
	if (was_set)
		take_out(t, timer);
	pthread_mutex_unlock(&t->lock);
	return was_set;
}
