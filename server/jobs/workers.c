#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "clock.h"
#include "jobs/workers.h"

struct queue {
	struct task *head, **tail;
	unsigned queued;
	unsigned running, max_running;
};

/* One worker's time, on its stack. */
struct shift {
	struct shift *next, **link;
	_Atomic double since_ms; /* the task that it runs was begun then; 0: it runs none */
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more, more_calls; /* for workers of all classes; for those of calls alone */
	struct queue queue[TASK_CLASS_COUNT];
	bool passed_over; /* the glance that waits longest, by a device */
	struct shift *shifts;
	unsigned max_queue;
	int nice;
	bool closed;
	unsigned n_threads, n_call_threads; /* the latter come last */
	pthread_t threads[];
};

const char *task_class_name(enum task_class class)
{
	static const char *const names[TASK_CLASS_COUNT] = {
		[TASK_CALL] = "call",
		[TASK_PROVISION] = "provision",
		[TASK_GLANCE] = "glance",
		[TASK_DASHBOARD] = "dashboard",
	};

	return names[class];
}

static void unlink_task(struct queue *q, struct task *task)
{
	*task->link = task->next;
	if (task->next)
		task->next->link = task->link;
	else
		q->tail = task->link;
	atomic_store(&task->in, NULL);
	q->queued--;
}

static struct task *head_of(const struct queue *q)
{
	return q->running < q->max_running ? q->head : NULL;
}

static struct task *first_of(struct workers *w, unsigned n_classes)
{
	for (unsigned i = 0; i < n_classes; i++) {
		struct task *task = i == TASK_PROVISION && w->passed_over ? head_of(&w->queue[TASK_GLANCE]) : NULL;

		if (!task)
			task = head_of(&w->queue[i]);
		if (task)
			return task;
	}
	return NULL;
}

/* The task is about to be taken: whose turn is next? */
static void keep_turns(struct workers *w, enum task_class class)
{
	if (class == TASK_PROVISION)
		w->passed_over = w->queue[TASK_GLANCE].head != NULL;
	else if (class == TASK_GLANCE)
		w->passed_over = false;
}

/* Waits for a task of the first n classes; NULL once the queues are closed and nothing is left to be taken. */
static struct task *take(struct workers *w, unsigned n_classes, pthread_cond_t *more)
{
	struct task *task;

	pthread_mutex_lock(&w->lock);
	while (!(task = first_of(w, n_classes)) && !w->closed)
		pthread_cond_wait(more, &w->lock);
	if (task) {
		keep_turns(w, task->class);
		unlink_task(&w->queue[task->class], task);
		w->queue[task->class].running++;
	}
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void begin_shift(struct workers *w, struct shift *shift)
{
	pthread_mutex_lock(&w->lock);
	shift->next = w->shifts;
	shift->link = &w->shifts;
	if (shift->next)
		shift->next->link = &shift->next;
	w->shifts = shift;
	pthread_mutex_unlock(&w->lock);
}

static void end_shift(struct workers *w, struct shift *shift)
{
	pthread_mutex_lock(&w->lock);
	*shift->link = shift->next;
	if (shift->next)
		shift->next->link = shift->link;
	pthread_mutex_unlock(&w->lock);
}

static void work(struct workers *w, unsigned n_classes, pthread_cond_t *more)
{
	struct shift shift = {.since_ms = 0};
	struct task *task;

	begin_shift(w, &shift);
	while ((task = take(w, n_classes, more))) {
		enum task_class class = task->class; /* the task may be gone after its run */

		atomic_store_explicit(&shift.since_ms, clock_ms(), memory_order_relaxed);
		task->run(task);
		atomic_store_explicit(&shift.since_ms, 0, memory_order_relaxed);
		pthread_mutex_lock(&w->lock);
		w->queue[class].running--;
		pthread_mutex_unlock(&w->lock);
	}
	end_shift(w, &shift);
}

static void *worker_main(void *arg)
{
	struct workers *w = arg;

	/* on Linux the niceness of a "process" id that is a thread's is that thread's; a refusal only
	 * costs latency under load */
	if (w->nice)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), w->nice);
	work(w, TASK_CLASS_COUNT, &w->more);
	return NULL;
}

static void *call_worker_main(void *arg)
{
	struct workers *w = arg;

	work(w, TASK_CALL + 1, &w->more_calls);
	return NULL;
}

static int start_thread(struct workers *w, void *(*main)(void *))
{
	int rc = pthread_create(&w->threads[w->n_threads + w->n_call_threads], NULL, main, w);

	if (rc == 0)
		(*(main == worker_main ? &w->n_threads : &w->n_call_threads))++;
	return rc;
}

enum ofa_status workers_new(const struct workers_options *opt, struct workers **ret, struct ofa_error *err)
{
	struct workers *w =
		calloc(1, sizeof(*w) + ((size_t)opt->threads + opt->call_threads) * sizeof(w->threads[0]));
	int rc = 0;

	if (!w)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_cond_init(&w->more_calls, NULL);
	for (int i = 0; i < TASK_CLASS_COUNT; i++) {
		w->queue[i].tail = &w->queue[i].head;
		w->queue[i].max_running = opt->threads + opt->call_threads;
	}
	for (int i = TASK_GLANCE; i <= TASK_DASHBOARD; i++)
		w->queue[i].max_running = opt->threads > 1 ? opt->threads - 1 : 1;
	w->max_queue = opt->max_queue;
	w->nice = opt->nice;
	while (rc == 0 && w->n_threads < opt->threads)
		rc = start_thread(w, worker_main);
	while (rc == 0 && w->n_call_threads < opt->call_threads)
		rc = start_thread(w, call_worker_main);
	if (rc) {
		workers_free(w);
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start a worker thread: %s", strerror(rc));
	}
	*ret = w;
	return OFA_OK;
}

bool workers_submit(struct workers *w, enum task_class class, struct task *task)
{
	struct queue *q = &w->queue[class];
	bool taken;

	pthread_mutex_lock(&w->lock);
	taken = !w->closed && q->queued < w->max_queue;
	if (taken) {
		task->class = class;
		task->next = NULL;
		task->link = q->tail;
		*q->tail = task;
		q->tail = &task->next;
		atomic_store(&task->in, w);
		q->queued++;
		pthread_cond_signal(&w->more);
		if (class == TASK_CALL)
			pthread_cond_signal(&w->more_calls);
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

bool workers_withdraw(struct workers *w, struct task *task)
{
	bool found;

	pthread_mutex_lock(&w->lock);
	found = atomic_load(&task->in) == w;
	if (found)
		unlink_task(&w->queue[task->class], task);
	pthread_mutex_unlock(&w->lock);
	return found;
}

unsigned workers_queued(struct workers *w, enum task_class class)
{
	unsigned n;

	pthread_mutex_lock(&w->lock);
	n = w->queue[class].queued;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void workers_stats(struct workers *w, struct workers_stats *ret)
{
	pthread_mutex_lock(&w->lock);
	ret->threads = w->n_threads + w->n_call_threads;
	ret->max_queue = w->max_queue;
	for (int i = 0; i < TASK_CLASS_COUNT; i++) {
		ret->of[i].queued = w->queue[i].queued;
		ret->of[i].running = w->queue[i].running;
	}
	pthread_mutex_unlock(&w->lock);
}

double workers_longest_ms(struct workers *w)
{
	double now = clock_ms(), longest = 0;

	pthread_mutex_lock(&w->lock);
	for (const struct shift *s = w->shifts; s; s = s->next) {
		double since = atomic_load_explicit(&s->since_ms, memory_order_relaxed);

		if (since > 0 && now - since > longest)
			longest = now - since;
	}
	pthread_mutex_unlock(&w->lock);
	return longest;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	pthread_cond_broadcast(&w->more);
	pthread_cond_broadcast(&w->more_calls);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads + w->n_call_threads; i++)
		pthread_join(w->threads[i], NULL);
	w->n_threads = w->n_call_threads = 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	workers_stop(w);
	pthread_cond_destroy(&w->more);
	pthread_cond_destroy(&w->more_calls);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
