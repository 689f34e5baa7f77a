#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "jobs/workers.h"

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct task *head, **tail;
	unsigned queued, max_queue;
	int nice;
	bool closed;
	unsigned n_threads;
	pthread_t threads[];
};

/* Waits for a task; NULL once the queue is closed and empty. */
static struct task *take(struct workers *w)
{
	struct task *task;

	pthread_mutex_lock(&w->lock);
	while (!w->head && !w->closed)
		pthread_cond_wait(&w->more, &w->lock);
	task = w->head;
	if (task) {
		w->head = task->next;
		if (!w->head)
			w->tail = &w->head;
		w->queued--;
	}
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void *worker_main(void *arg)
{
	struct workers *w = arg;
	struct task *task;

	/* on Linux the niceness of a "process" id that is a thread's is that thread's; a refusal only
	 * costs latency under load */
	if (w->nice)
		(void)setpriority(PRIO_PROCESS, (id_t)gettid(), w->nice);
	while ((task = take(w)))
		task->run(task);
	return NULL;
}

enum ofa_status workers_new(const struct workers_options *opt, struct workers **ret, struct ofa_error *err)
{
	struct workers *w = calloc(1, sizeof(*w) + opt->threads * sizeof(w->threads[0]));

	if (!w)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->tail = &w->head;
	w->max_queue = opt->max_queue;
	w->nice = opt->nice;
	for (; w->n_threads < opt->threads; w->n_threads++) {
		int rc = pthread_create(&w->threads[w->n_threads], NULL, worker_main, w);

		if (rc) {
			workers_free(w);
			return ofa_fail(err, OFA_ERR_IO, NULL, "cannot start a worker thread: %s", strerror(rc));
		}
	}
	*ret = w;
	return OFA_OK;
}

bool workers_submit(struct workers *w, struct task *task)
{
	bool taken;

	pthread_mutex_lock(&w->lock);
	taken = !w->closed && w->queued < w->max_queue;
	if (taken) {
		task->next = NULL;
		*w->tail = task;
		w->tail = &task->next;
		w->queued++;
		pthread_cond_signal(&w->more);
	}
	pthread_mutex_unlock(&w->lock);
	return taken;
}

unsigned workers_queued(struct workers *w)
{
	unsigned n;

	pthread_mutex_lock(&w->lock);
	n = w->queued;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void workers_stop(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->closed = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	w->n_threads = 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	workers_stop(w);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
