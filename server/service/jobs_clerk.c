/* The clerk: a thread that writes what has changed of the jobs of this server, and looks after everything else that is
 * done for shared ones every now and then. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "service/jobs_table.h"

#define TICK_MS 500.0       /* of progress, and after the store could not be reached */
#define REFRESH_MS 3000.0   /* of mirrors, should what was told of them be lost */
#define SWEEP_MS 2000.0     /* for jobs whose replica is gone */
#define RECLAIM_MS 5000.0   /* for rows of this server's that it does not know of */
#define PRUNE_MS 30000.0
#define PROGRESS_MAX 64     /* jobs whose progress is written in one tick */
#define RELEASE_SECONDS 3   /* for which the end of the server waits */

/* ---- lists, with the lock held ---- */

void job_is_due(struct job *j)
{
	struct jobs *s = j->jobs;

	if (j->due)
		return;
	j->due = true;
	j->next_due = NULL;
	shared_ref(&j->shared);
	*s->last_due = j;
	s->last_due = &j->next_due;
	pthread_cond_signal(&s->wake);
}

void job_here(struct job *j)
{
	struct jobs *s = j->jobs;

	j->next_here = NULL;
	j->link_here = s->last_here;
	*s->last_here = j;
	s->last_here = &j->next_here;
}

void job_not_here(struct job *j)
{
	if (!j->link_here)
		return;
	*j->link_here = j->next_here;
	if (j->next_here)
		j->next_here->link_here = j->link_here;
	else
		j->jobs->last_here = j->link_here;
	j->link_here = NULL;
}

/* ---- those to be looked at now ---- */

static struct job *next_due(struct jobs *s)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = s->due;
	if (j) {
		s->due = j->next_due;
		if (!s->due)
			s->last_due = &s->due;
		j->due = false;
	}
	pthread_mutex_unlock(&s->lock);
	return j;
}

static enum ofa_status write_all_due(struct jobs *s, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	struct job *j;

	while (st == OFA_OK && (j = next_due(s))) {
		st = job_write_due(j, err);
		if (st != OFA_OK) {
			pthread_mutex_lock(&s->lock);
			job_is_due(j);
			pthread_mutex_unlock(&s->lock);
		}
		job_unref(j);
	}
	return st;
}

/* ---- progress ---- */

struct progress_batch {
	size_t n;
	struct {
		struct job *job; /* a reference */
		unsigned term;
		struct job_view view;
	} list[PROGRESS_MAX];
};

/* Of those whose turn it is; who has had one stands at the end of the line. */
static void collect_progress(struct jobs *s, struct progress_batch *b)
{
	struct job *j, *next, *last;
	struct job_view view;

	b->n = 0;
	pthread_mutex_lock(&s->lock);
	last = s->here ? (struct job *)(void *)((char *)s->last_here - offsetof(struct job, next_here)) : NULL;
	for (j = s->here; j && b->n < PROGRESS_MAX; j = j == last ? NULL : next) {
		next = j->next_here;
		if (!j->answer)
			continue;
		job_current(j, &view);
		if (view.version == j->written)
			continue;
		shared_ref(&j->shared);
		b->list[b->n].job = j;
		b->list[b->n].term = j->term;
		b->list[b->n++].view = view;
		job_not_here(j);
		job_here(j);
	}
	pthread_mutex_unlock(&s->lock);
}

static enum ofa_status write_progress(struct jobs *s, struct ofa_error *err)
{
	struct progress_batch *b = malloc(sizeof(*b));
	enum ofa_status st = OFA_OK;
	bool written;

	if (!b)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	collect_progress(s, b);
	for (size_t i = 0; i < b->n; i++) {
		struct job *j = b->list[i].job;

		if (st == OFA_OK)
			st = job_write_view(s, b->list[i].term, &b->list[i].view, &written, err);
		if (st == OFA_OK && !written)
			st = job_look_again(j, err);
		if (st == OFA_OK) {
			pthread_mutex_lock(&s->lock);
			j->written = b->list[i].view.version;
			pthread_mutex_unlock(&s->lock);
		}
		job_unref(j);
	}
	free(b);
	return st;
}

/* ---- giving all away ---- */

/* The first of those that are under way here, with a reference. */
static struct job *first_here(struct jobs *s)
{
	struct job *j;

	pthread_mutex_lock(&s->lock);
	j = s->here;
	if (j)
		shared_ref(&j->shared);
	pthread_mutex_unlock(&s->lock);
	return j;
}

/* What the rows say by then is applied to each: whoever took it, or nobody. */
static void let_go(struct jobs *s, struct job *j)
{
	struct landing *l = NULL;
	struct answer *a = NULL;

	pthread_mutex_lock(&s->lock);
	if (j->link_here) {
		job_current(j, &j->view);
		a = job_detach(j, &l);
		job_to_mirror(j);
	}
	pthread_mutex_unlock(&s->lock);
	job_leave(j, a, l);
	job_unref(j);
}

static enum ofa_status release_all(struct jobs *s, struct ofa_error *err)
{
	enum ofa_status st = s->sharing->job_release(s->opt.store, NULL, err);
	struct job *j;

	if (st != OFA_OK)
		return st;
	while ((j = first_here(s)))
		let_go(s, j);
	pthread_mutex_lock(&s->lock);
	s->releasing = false;
	pthread_cond_broadcast(&s->released);
	pthread_mutex_unlock(&s->lock);
	return OFA_OK;
}

void jobs_release(struct jobs *s)
{
	struct timespec until;

	if (!s->sharing)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += RELEASE_SECONDS;
	pthread_mutex_lock(&s->lock);
	s->releasing = true;
	pthread_cond_signal(&s->wake);
	while (s->releasing && pthread_cond_timedwait(&s->released, &s->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&s->lock);
}

/* ---- the clerk ---- */

/* When what is done now and then is due next. */
struct rota {
	double tick_ms, refresh_ms, sweep_ms, reclaim_ms, prune_ms;
};

static bool draining(const struct jobs *s)
{
	return s->opt.draining && atomic_load(s->opt.draining);
}

/* Is it wanted, or time?  Then it is not wanted any more. */
static bool take_turn(struct jobs *s, bool *wanted, double *at_ms, double every_ms)
{
	double now = clock_ms();
	bool turn;

	pthread_mutex_lock(&s->lock);
	turn = now >= *at_ms || (wanted && *wanted);
	if (wanted && turn)
		*wanted = false;
	pthread_mutex_unlock(&s->lock);
	if (turn)
		*at_ms = now + every_ms;
	return turn;
}

static enum ofa_status prune(struct jobs *s, struct ofa_error *err)
{
	return s->sharing->job_prune(s->opt.store, s->opt.keep_ms * 1e-3, s->opt.max, err);
}

static enum ofa_status do_round(struct jobs *s, struct rota *r, struct ofa_error *err)
{
	enum ofa_status st = write_all_due(s, err);
	bool releasing;

	pthread_mutex_lock(&s->lock);
	releasing = s->releasing;
	pthread_mutex_unlock(&s->lock);
	if (st == OFA_OK && releasing)
		st = release_all(s, err);
	if (st == OFA_OK && take_turn(s, NULL, &r->tick_ms, TICK_MS))
		st = write_progress(s, err);
	if (st == OFA_OK && take_turn(s, &s->missed, &r->refresh_ms, REFRESH_MS)) {
		jobs_drop_mirrors(s);
		st = jobs_refresh(s, err);
	}
	if (st == OFA_OK && !draining(s) && take_turn(s, &s->sweep, &r->sweep_ms, SWEEP_MS))
		st = jobs_sweep(s, err);
	if (st == OFA_OK && !draining(s) && take_turn(s, &s->reclaim, &r->reclaim_ms, RECLAIM_MS))
		st = jobs_reclaim(s, err);
	if (st == OFA_OK && take_turn(s, NULL, &r->prune_ms, PRUNE_MS))
		st = prune(s, err);
	return st;
}

static void note_outcome(struct jobs *s, enum ofa_status st, const struct ofa_error *err)
{
	bool failing = st != OFA_OK;

	if (failing && !s->failing)
		log_message(s->opt.log, LOG_LEVEL_ERROR, "jobs cannot be written to the store: %s", err->message);
	else if (!failing && s->failing)
		log_message(s->opt.log, LOG_LEVEL_INFO, "jobs are written to the store again");
	s->failing = failing;
}

/* With the lock held.  Who ends takes nothing any more, however often jobs are offered. */
static bool has_work(const struct jobs *s)
{
	bool sweep = s->sweep && !draining(s);

	return s->stop || (!s->failing && (s->due || s->missed || sweep || s->releasing));
}

/* Until there is something to do; where the store cannot be reached that is for the next tick. */
static bool await_work(struct jobs *s)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(TICK_MS * 1e6);
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&s->lock);
	while (!has_work(s) && pthread_cond_timedwait(&s->wake, &s->lock, &until) != ETIMEDOUT)
		;
	stop = s->stop;
	pthread_mutex_unlock(&s->lock);
	return !stop;
}

static void *clerk_main(void *arg)
{
	struct jobs *s = arg;
	struct rota rota = {.prune_ms = clock_ms() + PRUNE_MS, .sweep_ms = clock_ms() + SWEEP_MS};
	struct ofa_error last = {0};

	while (await_work(s)) {
		struct ofa_error err = {0};
		enum ofa_status st = do_round(s, &rota, &err);

		note_outcome(s, st, &err);
	}
	(void)!write_all_due(s, &last);
	return NULL;
}

enum ofa_status jobs_clerk_start(struct jobs *s, struct ofa_error *err)
{
	pthread_condattr_t attr;
	enum ofa_status st = suspects_new(s->opt.store, &s->suspects, err);
	int rc;

	if (st != OFA_OK)
		return st;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_cond_init(&s->released, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->taking, NULL);
	s->last_due = &s->due;
	s->last_here = &s->here;
	s->started = true; /* before there is anybody who reads beside it */
	rc = pthread_create(&s->clerk, NULL, clerk_main, s);
	if (rc) {
		s->started = false;
		jobs_clerk_free(s);
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start the thread that writes jobs: %s", strerror(rc));
	}
	return OFA_OK;
}

void jobs_stop(struct jobs *s)
{
	if (!s || !s->started)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->clerk, NULL);
	s->started = false;
}

void jobs_clerk_free(struct jobs *s)
{
	struct job *j;

	while ((j = next_due(s)))
		job_unref(j);
	pthread_cond_destroy(&s->wake);
	pthread_cond_destroy(&s->released);
	pthread_mutex_destroy(&s->taking);
	suspects_free(s->suspects);
}
