#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "service/jobs.h"

#define BUCKETS 4096

struct job {
	struct shared shared;
	struct flight_waiter waiter; /* holds a reference while the answer is under way */
	struct jobs *jobs;
	struct answer *answer; /* until the job is over */
	struct job *chain;     /* same bucket */
	struct job *later;     /* over after this one */
	double over_ms;
	struct job_listener *listeners;
	struct job_view view; /* as it was made until the job is over, then for good */
};

struct jobs {
	struct jobs_options opt;
	pthread_mutex_t lock; /* all jobs, too */
	unsigned n, n_over;
	struct job *first_over, **last_over; /* in the order in which they ended */
	struct job *bucket[BUCKETS];         /* each holds a reference */
};

const char *job_state_name(enum job_state state)
{
	static const char *const names[JOB_STATE_COUNT] = {
		[JOB_QUEUED] = "queued",       [JOB_RUNNING] = "running",     [JOB_SUCCEEDED] = "succeeded",
		[JOB_FAILED] = "failed",       [JOB_CANCELLED] = "cancelled",
	};

	return names[state];
}

/* ---- the list ---- */

static void job_destroy(struct shared *self)
{
	free(self);
}

void job_unref(struct job *j)
{
	if (j)
		shared_unref(&j->shared);
}

static unsigned bucket_of(const char *id)
{
	char start[9] = "";

	memcpy(start, id, 8);
	return (unsigned)(strtoul(start, NULL, 16) % BUCKETS);
}

static struct job **find(struct jobs *s, const char *id)
{
	struct job **at = &s->bucket[bucket_of(id)];

	while (*at && strcmp((*at)->view.id, id) != 0)
		at = &(*at)->chain;
	return at;
}

/* The job that has been over for longest leaves. */
static void forget_first(struct jobs *s)
{
	struct job *j = s->first_over, **at = find(s, j->view.id);

	*at = j->chain;
	s->first_over = j->later;
	if (!s->first_over)
		s->last_over = &s->first_over;
	s->n--;
	s->n_over--;
	job_unref(j);
}

static void forget_old(struct jobs *s)
{
	double oldest = clock_ms() - s->opt.keep_ms;

	while (s->first_over && s->first_over->over_ms < oldest)
		forget_first(s);
}

enum ofa_status jobs_new(const struct jobs_options *opt, struct jobs **ret, struct ofa_error *err)
{
	struct jobs *s = calloc(1, sizeof(*s));

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->opt = *opt;
	s->last_over = &s->first_over;
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return OFA_OK;
}

void jobs_free(struct jobs *s)
{
	if (!s)
		return;
	while (s->first_over)
		forget_first(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- ending ---- */

/* With the lock held: what the job says from now on.  The listeners are the caller's to wake. */
static struct job_listener *end(struct job *j, enum job_state state)
{
	struct job_listener *listeners = j->listeners;
	const struct progress *p = &j->answer->progress;
	struct job_view *v = &j->view;

	v->state = state;
	v->stage = (enum progress_stage)atomic_load(&p->stage);
	v->evaluations = atomic_load(&p->evaluations);
	v->budget = atomic_load(&p->budget);
	v->best_accuracy = atomic_load(&p->best_accuracy);
	/* at least one more than was ever told, however far the answer goes on for others */
	v->version = atomic_load(&p->version) + 1;
	j->answer = NULL;
	j->over_ms = clock_ms();
	j->later = NULL;
	*j->jobs->last_over = j;
	j->jobs->last_over = &j->later;
	j->jobs->n_over++;
	j->listeners = NULL;
	for (struct job_listener *l = listeners; l; l = l->next)
		l->link = NULL;
	return listeners;
}

static void wake_all(struct job_listener *l)
{
	struct job_listener *next;

	for (; l; l = next) {
		next = l->next; /* the listener may be gone once it is awake */
		l->wake(l);
	}
}

static struct job_listener *end_landed(struct job *j)
{
	const struct answer *a = j->answer;

	j->view.status = a->status;
	j->view.error = a->error;
	j->view.feasible = a->feasible;
	if (a->status == OFA_OK) {
		memcpy(j->view.subnet, a->delivery->id, sizeof(j->view.subnet));
		j->view.question = a->question.key;
		deliveries_count(a->deliveries, a->delivery);
	}
	return end(j, a->status == OFA_OK ? JOB_SUCCEEDED : JOB_FAILED);
}

/* The answer has landed, or had so before anybody listened. */
static void on_landed(struct flight_waiter *waiter)
{
	struct job *j = (struct job *)(void *)((char *)waiter - offsetof(struct job, waiter));
	struct jobs *s = j->jobs;
	struct job_listener *listeners = NULL;
	struct answer *a;

	pthread_mutex_lock(&s->lock);
	a = j->answer;
	if (a)
		listeners = end_landed(j);
	pthread_mutex_unlock(&s->lock);
	wake_all(listeners);
	if (a)
		deliveries_leave(s->opt.deliveries, a);
	job_unref(j);
}

void jobs_cancel(struct jobs *s, struct job *j)
{
	struct job_listener *listeners = NULL;
	struct answer *a;

	pthread_mutex_lock(&s->lock);
	a = j->answer;
	if (a)
		listeners = end(j, JOB_CANCELLED);
	pthread_mutex_unlock(&s->lock);
	if (!a)
		return;
	if (deliveries_unwait(s->opt.deliveries, &j->waiter))
		job_unref(j);
	wake_all(listeners);
	deliveries_leave(s->opt.deliveries, a);
}

/* ---- making ---- */

static bool set_id(struct job *j)
{
	uint8_t bytes[JOB_ID_CHARS / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	ofa_hex(bytes, sizeof(bytes), j->view.id);
	return true;
}

static struct job *job_new(struct jobs *s, struct answer *a, bool inline_profile)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j || !set_id(j)) {
		free(j);
		return NULL;
	}
	shared_init(&j->shared, job_destroy);
	j->waiter.wake = on_landed;
	j->jobs = s;
	j->answer = a;
	j->view.inline_profile = inline_profile;
	clock_rfc3339(j->view.created_at);
	return j;
}

static bool insert(struct jobs *s, struct job *j)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	forget_old(s);
	if (s->n >= s->opt.max && s->first_over)
		forget_first(s);
	room = s->n < s->opt.max;
	if (room) {
		struct job **at = &s->bucket[bucket_of(j->view.id)];

		j->chain = *at;
		*at = j;
		s->n++;
		shared_ref(&j->shared);
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

enum ofa_status jobs_add(struct jobs *s, struct answer *a, bool inline_profile, struct job **ret,
			 struct ofa_error *err)
{
	struct job *j = job_new(s, a, inline_profile);

	if (!j)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (!insert(s, j)) {
		job_unref(j);
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "%u jobs are under way, as many as there may be",
				s->opt.max);
	}
	shared_ref(&j->shared);
	if (!deliveries_wait(s->opt.deliveries, a, &j->waiter))
		on_landed(&j->waiter);
	*ret = j;
	return OFA_OK;
}

/* ---- looking ---- */

struct job *jobs_find(struct jobs *s, const char *id)
{
	struct job *j = NULL;

	if (strlen(id) != JOB_ID_CHARS || strspn(id, "0123456789abcdef") != JOB_ID_CHARS)
		return NULL;
	pthread_mutex_lock(&s->lock);
	forget_old(s);
	j = *find(s, id);
	if (j)
		shared_ref(&j->shared);
	pthread_mutex_unlock(&s->lock);
	return j;
}

/* With the lock held. */
static enum job_state state_of(const struct job *j)
{
	if (!j->answer)
		return j->view.state;
	return atomic_load(&j->answer->progress.stage) == PROGRESS_QUEUED ? JOB_QUEUED : JOB_RUNNING;
}

void jobs_view(struct jobs *s, struct job *j, struct job_view *ret)
{
	pthread_mutex_lock(&s->lock);
	*ret = j->view;
	if (j->answer) {
		const struct progress *p = &j->answer->progress;

		/* the version first: what is read after it is no older */
		ret->version = atomic_load(&p->version);
		ret->stage = (enum progress_stage)atomic_load(&p->stage);
		ret->evaluations = atomic_load(&p->evaluations);
		ret->budget = atomic_load(&p->budget);
		ret->best_accuracy = atomic_load(&p->best_accuracy);
		ret->state = state_of(j);
	}
	pthread_mutex_unlock(&s->lock);
}

bool jobs_listen(struct jobs *s, struct job *j, struct job_listener *l)
{
	bool taken;

	pthread_mutex_lock(&s->lock);
	taken = j->answer != NULL;
	if (taken) {
		l->next = j->listeners;
		l->link = &j->listeners;
		if (l->next)
			l->next->link = &l->next;
		j->listeners = l;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

bool jobs_unlisten(struct jobs *s, struct job_listener *l)
{
	bool listening;

	pthread_mutex_lock(&s->lock);
	listening = l->link != NULL;
	if (listening) {
		*l->link = l->next;
		if (l->next)
			l->next->link = l->link;
		l->link = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return listening;
}

unsigned jobs_under_way(struct jobs *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->n - s->n_over;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void jobs_count(struct jobs *s, unsigned ret[JOB_STATE_COUNT])
{
	memset(ret, 0, JOB_STATE_COUNT * sizeof(ret[0]));
	pthread_mutex_lock(&s->lock);
	for (int b = 0; b < BUCKETS; b++)
		for (const struct job *j = s->bucket[b]; j; j = j->chain)
			ret[state_of(j)]++;
	pthread_mutex_unlock(&s->lock);
}
