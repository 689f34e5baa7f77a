#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "service/jobs_table.h"

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
	struct job *j = (struct job *)(void *)self;
	struct landing *l, *next;

	for (l = j->landings; l; l = next) {
		next = l->next;
		free(l);
	}
	free(j);
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
	return (unsigned)(strtoul(start, NULL, 16) % JOBS_BUCKETS);
}

struct job **jobs_at(struct jobs *s, const char *id)
{
	struct job **at = &s->bucket[bucket_of(id)];

	while (*at && strcmp((*at)->view.id, id) != 0)
		at = &(*at)->chain;
	return at;
}

/* The job that has been over for longest leaves. */
static void forget_first(struct jobs *s)
{
	struct job *j = s->first_over, **at = jobs_at(s, j->view.id);

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
	enum ofa_status st = OFA_OK;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->opt = *opt;
	s->sharing = opt->store ? store_sharing(opt->store) : NULL;
	s->last_over = &s->first_over;
	pthread_mutex_init(&s->lock, NULL);
	if (s->sharing)
		st = jobs_clerk_start(s, err);
	if (st != OFA_OK) {
		pthread_mutex_destroy(&s->lock);
		free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

/* Those that are still in the table are another replica's, or have a row that another one will take. */
static void drop_all(struct jobs *s)
{
	for (int b = 0; b < JOBS_BUCKETS; b++)
		while (s->bucket[b]) {
			struct job *j = s->bucket[b];

			s->bucket[b] = j->chain;
			job_unref(j);
		}
}

void jobs_free(struct jobs *s)
{
	if (!s)
		return;
	jobs_stop(s);
	while (s->first_over)
		forget_first(s);
	drop_all(s);
	if (s->sharing)
		jobs_clerk_free(s);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool jobs_shared(const struct jobs *s)
{
	return s->sharing != NULL;
}

/* ---- what a job says ---- */

static void read_progress(const struct job *j, struct job_view *ret)
{
	const struct progress *p = &j->answer->progress;

	/* the version first: what is read after it is no older */
	ret->version = j->base + atomic_load(&p->version);
	ret->stage = (enum progress_stage)atomic_load(&p->stage);
	ret->evaluations = atomic_load(&p->evaluations);
	ret->budget = atomic_load(&p->budget);
	ret->best_accuracy = atomic_load(&p->best_accuracy);
	ret->state = ret->stage == PROGRESS_QUEUED ? JOB_QUEUED : JOB_RUNNING;
}

void job_current(const struct job *j, struct job_view *ret)
{
	*ret = j->view;
	if (j->answer)
		read_progress(j, ret);
}

void job_final(const struct job *j, enum job_state state, struct job_view *ret)
{
	job_current(j, ret);
	ret->state = state;
	/* at least one more than was ever told, however far the answer goes on for others */
	ret->version++;
	/* of a row, also than another replica has told of this term */
	if (j->jobs->sharing)
		ret->version = (j->term + 1) * JOB_TERM_VERSIONS - 1;
	ret->elsewhere = false;
}

/* ---- ending ---- */

struct job_listener *job_end(struct job *j, const struct job_view *view)
{
	struct job_listener *listeners = j->listeners;
	struct jobs *s = j->jobs;

	j->view = *view;
	j->view.elsewhere = false;
	j->answer = NULL;
	j->landed = false;
	j->over = true;
	j->over_ms = clock_ms();
	j->later = NULL;
	job_not_here(j);
	if (!j->mirror) {
		*s->last_over = j;
		s->last_over = &j->later;
		s->n_over++;
	}
	j->listeners = NULL;
	for (struct job_listener *l = listeners; l; l = l->next)
		l->link = NULL;
	return listeners;
}

void jobs_wake(struct job_listener *l)
{
	struct job_listener *next;

	for (; l; l = next) {
		next = l->next; /* the listener may be gone once it is awake */
		l->wake(l);
	}
}

/* With the lock held: what has become of the answer. */
static void read_answer(const struct job *j, struct job_view *ret)
{
	const struct answer *a = j->answer;

	job_final(j, a->status == OFA_OK ? JOB_SUCCEEDED : JOB_FAILED, ret);
	ret->status = a->status;
	ret->error = a->error;
	ret->feasible = a->feasible;
	if (a->status == OFA_OK) {
		memcpy(ret->subnet, a->delivery->id, sizeof(ret->subnet));
		ret->question = a->question.key;
		deliveries_count(a->deliveries, a->delivery);
	}
}

/* With the lock held.  One that is shared is over when its row says so. */
static struct job_listener *land(struct job *j)
{
	struct job_view view;

	read_answer(j, &view);
	if (!j->jobs->sharing)
		return job_end(j, &view);
	job_current(j, &j->view);
	j->answer = NULL;
	j->result = view;
	j->landed = true;
	job_is_due(j);
	return NULL;
}

/* The answer has landed, or had so before anybody listened. */
static void on_landed(struct flight_waiter *waiter)
{
	struct landing *l = (struct landing *)(void *)waiter;
	struct job *j = l->job;
	struct jobs *s = j->jobs;
	struct job_listener *listeners = NULL;
	bool waiting;

	pthread_mutex_lock(&s->lock);
	/* it may be over, or wait for another answer by now */
	waiting = j->answer == l->answer;
	if (waiting)
		listeners = land(j);
	pthread_mutex_unlock(&s->lock);
	jobs_wake(listeners);
	if (waiting)
		deliveries_leave(s->opt.deliveries, l->answer);
	job_unref(j);
}

bool job_prepare(struct job *j)
{
	struct landing *l = calloc(1, sizeof(*l));

	if (!l)
		return false;
	l->waiter.wake = on_landed;
	l->job = j;
	l->next = j->landings;
	j->landings = l;
	return true;
}

struct answer *job_detach(struct job *j, struct landing **ret)
{
	struct answer *a = j->answer;

	*ret = j->landings;
	j->answer = NULL;
	return a;
}

void job_leave(struct job *j, struct answer *a, struct landing *l)
{
	struct deliveries *d = j->jobs->opt.deliveries;

	if (!a)
		return;
	if (deliveries_unwait(d, &l->waiter))
		job_unref(j);
	deliveries_leave(d, a);
}

static void cancel_here(struct jobs *s, struct job *j)
{
	struct job_listener *listeners = NULL;
	struct job_view view;
	struct landing *l = NULL;
	struct answer *a;

	pthread_mutex_lock(&s->lock);
	job_final(j, JOB_CANCELLED, &view);
	a = job_detach(j, &l);
	if (a)
		listeners = job_end(j, &view);
	pthread_mutex_unlock(&s->lock);
	jobs_wake(listeners);
	job_leave(j, a, l);
}

enum ofa_status jobs_cancel(struct jobs *s, struct job *j, struct ofa_error *err)
{
	if (s->sharing)
		return job_cancel_row(j, err);
	cancel_here(s, j);
	return OFA_OK;
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

struct job *job_new(struct jobs *s, const struct job_view *view)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	shared_init(&j->shared, job_destroy);
	if ((!view && !set_id(j)) || !job_prepare(j)) {
		job_unref(j);
		return NULL;
	}
	j->jobs = s;
	if (view)
		j->view = *view;
	else
		clock_rfc3339(j->view.created_at);
	return j;
}

bool jobs_make_room(struct jobs *s)
{
	forget_old(s);
	if (s->n >= s->opt.max && s->first_over)
		forget_first(s);
	return s->n < s->opt.max;
}

void jobs_insert(struct jobs *s, struct job *j)
{
	struct job **at = &s->bucket[bucket_of(j->view.id)];

	j->chain = *at;
	*at = j;
	shared_ref(&j->shared);
}

static bool insert(struct jobs *s, struct job *j)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = jobs_make_room(s);
	if (room) {
		jobs_insert(s, j);
		s->n++;
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* Unless its row was written all the same, and another replica has taken it. */
static void take_out(struct jobs *s, struct job *j)
{
	struct job **at;
	bool ours;

	pthread_mutex_lock(&s->lock);
	at = jobs_at(s, j->view.id);
	ours = *at == j && !j->mirror && !j->over;
	if (ours) {
		*at = j->chain;
		s->n--;
	}
	pthread_mutex_unlock(&s->lock);
	if (ours)
		job_unref(j);
}

/* Once the lock is given back the job may be cancelled, and the answer left. */
void job_begin(struct job *j, struct answer *a)
{
	shared_ref(&a->flight.shared);
	j->answer = a;
	j->landings->answer = a;
	if (j->jobs->sharing)
		job_here(j);
}

void job_await(struct job *j, struct answer *a, struct landing *l)
{
	shared_ref(&j->shared);
	if (!deliveries_wait(j->jobs->opt.deliveries, a, &l->waiter))
		on_landed(&l->waiter);
	deliveries_release(a);
}

static void begin_here(struct job *j, struct answer *a)
{
	pthread_mutex_lock(&j->jobs->lock);
	job_begin(j, a);
	pthread_mutex_unlock(&j->jobs->lock);
	job_await(j, a, j->landings);
}

/* While the server ends it begins nothing: another replica does. */
static enum ofa_status begin_shared(struct job *j, struct answer *a, struct ofa_error *err)
{
	struct jobs *s = j->jobs;
	bool released = s->opt.draining && atomic_load(s->opt.draining);
	enum ofa_status st = job_add_row(j, a, released, err);

	if (st != OFA_OK)
		return st;
	if (!released) {
		begin_here(j, a);
		return OFA_OK;
	}
	pthread_mutex_lock(&s->lock);
	job_to_mirror(j);
	pthread_mutex_unlock(&s->lock);
	deliveries_leave(s->opt.deliveries, a);
	return OFA_OK;
}

enum ofa_status jobs_add(struct jobs *s, struct answer *a, bool inline_profile, struct job **ret,
			 struct ofa_error *err)
{
	struct job *j = job_new(s, NULL);
	enum ofa_status st = OFA_OK;

	if (!j)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	j->view.inline_profile = inline_profile;
	if (!insert(s, j)) {
		job_unref(j);
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "%u jobs are under way, as many as there may be",
				s->opt.max);
	}
	if (s->sharing)
		st = begin_shared(j, a, err);
	else
		begin_here(j, a);
	if (st != OFA_OK) {
		take_out(s, j);
		job_unref(j);
		return st;
	}
	*ret = j;
	return OFA_OK;
}

/* ---- looking ---- */

bool jobs_id_ok(const char *id)
{
	return strlen(id) == JOB_ID_CHARS && strspn(id, "0123456789abcdef") == JOB_ID_CHARS;
}

struct job *jobs_find(struct jobs *s, const char *id)
{
	struct job *j = NULL;

	if (!jobs_id_ok(id))
		return NULL;
	pthread_mutex_lock(&s->lock);
	forget_old(s);
	j = *jobs_at(s, id);
	if (j && j->mirror && !j->over)
		j = NULL; /* what is known of it may be old */
	if (j)
		shared_ref(&j->shared);
	pthread_mutex_unlock(&s->lock);
	return j;
}

void jobs_view(struct jobs *s, struct job *j, struct job_view *ret)
{
	pthread_mutex_lock(&s->lock);
	job_current(j, ret);
	pthread_mutex_unlock(&s->lock);
}

bool jobs_listen(struct jobs *s, struct job *j, struct job_listener *l)
{
	bool taken;

	pthread_mutex_lock(&s->lock);
	taken = !j->over;
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
	struct job_view view;

	memset(ret, 0, JOB_STATE_COUNT * sizeof(ret[0]));
	pthread_mutex_lock(&s->lock);
	for (int b = 0; b < JOBS_BUCKETS; b++)
		for (const struct job *j = s->bucket[b]; j; j = j->chain) {
			if (j->mirror)
				continue;
			job_current(j, &view);
			ret[view.state]++;
		}
	pthread_mutex_unlock(&s->lock);
}
