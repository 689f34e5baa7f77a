#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdint.h>
#include <time.h>

#include "tensor/gemm.h"

#define SPIN_NS 500000 /* sleeping and waking costs tens of microseconds, more on virtual machines */
#define PAUSES_PER_LOOK 32 /* between two looks at the clock */

struct worker {
	struct ofa_pool *pool;
	unsigned index;
	pthread_t id;
};

/* A run is announced by `epoch` and has ended when `pending` is zero.  Both sides spin first; whoever
 * goes to sleep raises its flag under the lock and then looks again, whoever changes the state looks at
 * the flag afterwards: with sequentially consistent accesses one of the two always sees the other. */
struct ofa_pool {
	unsigned threads;
	bool crowded; /* more threads than processors: spinning would only keep others from running */
	ofa_pool_fn *fn;
	void *ctx;
	bool stop;
	atomic_uint epoch, pending;
	atomic_uint sleepers;
	atomic_bool caller_sleeps;
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	struct worker *workers; /* threads - 1 */
};

static void relax(const struct ofa_pool *pool)
{
	if (pool->crowded) {
		sched_yield();
		return;
	}
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#endif
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Waits briefly until *a differs from `value`; false when the patience ends first. */
static bool spin_while_equal(const struct ofa_pool *pool, atomic_uint *a, unsigned value)
{
	int64_t deadline = 0;

	for (;;) {
		for (int i = 0; i < PAUSES_PER_LOOK; i++) {
			if (atomic_load_explicit(a, memory_order_acquire) != value)
				return true;
			relax(pool);
		}
		if (deadline == 0)
			deadline = now_ns() + SPIN_NS;
		else if (now_ns() >= deadline)
			return false;
	}
}

static void wait_for_epoch_after(struct ofa_pool *pool, unsigned seen)
{
	if (spin_while_equal(pool, &pool->epoch, seen))
		return;
	pthread_mutex_lock(&pool->lock);
	atomic_fetch_add(&pool->sleepers, 1);
	while (atomic_load(&pool->epoch) == seen)
		pthread_cond_wait(&pool->work, &pool->lock);
	atomic_fetch_sub(&pool->sleepers, 1);
	pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct ofa_pool *pool = w->pool;

	for (unsigned seen = 0;; seen++) {
		wait_for_epoch_after(pool, seen);
		if (pool->stop)
			return NULL;
		pool->fn(pool->ctx, w->index, pool->threads);
		if (atomic_fetch_sub(&pool->pending, 1) == 1 && atomic_load(&pool->caller_sleeps)) {
			pthread_mutex_lock(&pool->lock);
			pthread_cond_signal(&pool->done);
			pthread_mutex_unlock(&pool->lock);
		}
	}
}

static void announce(struct ofa_pool *pool)
{
	atomic_fetch_add(&pool->epoch, 1);
	if (atomic_load(&pool->sleepers)) {
		pthread_mutex_lock(&pool->lock);
		pthread_cond_broadcast(&pool->work);
		pthread_mutex_unlock(&pool->lock);
	}
}

static void wait_for_workers(struct ofa_pool *pool)
{
	unsigned left;

	while ((left = atomic_load_explicit(&pool->pending, memory_order_acquire)) != 0)
		if (!spin_while_equal(pool, &pool->pending, left))
			break;
	if (left == 0)
		return;
	pthread_mutex_lock(&pool->lock);
	atomic_store(&pool->caller_sleeps, true);
	while (atomic_load(&pool->pending) != 0)
		pthread_cond_wait(&pool->done, &pool->lock);
	atomic_store(&pool->caller_sleeps, false);
	pthread_mutex_unlock(&pool->lock);
}

void ofa_pool_run(struct ofa_pool *pool, ofa_pool_fn *fn, void *ctx)
{
	if (!pool || pool->threads == 1) {
		fn(ctx, 0, 1);
		return;
	}
	pool->fn = fn;
	pool->ctx = ctx;
	atomic_store(&pool->pending, pool->threads - 1);
	announce(pool);
	fn(ctx, 0, pool->threads);
	wait_for_workers(pool);
}

/* Ends and joins the first n workers, then frees everything. */
static void destroy(struct ofa_pool *pool, unsigned n)
{
	pool->stop = true;
	announce(pool);
	for (unsigned i = 0; i < n; i++)
		pthread_join(pool->workers[i].id, NULL);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	free(pool->workers);
	free(pool);
}

enum ofa_status ofa_pool_new(unsigned threads, struct ofa_pool **ret_pool)
{
	struct ofa_pool *pool;

	if (threads == 0)
		return OFA_ERR_INVALID;
	if (threads > OFA_MAX_THREADS)
		return OFA_ERR_LIMIT;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return OFA_ERR_NOMEM;
	pool->workers = calloc(threads, sizeof(*pool->workers));
	if (!pool->workers) {
		free(pool);
		return OFA_ERR_NOMEM;
	}
	pool->threads = threads;
	pool->crowded = threads > ofa_cpu_count();
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->done, NULL);
	for (unsigned i = 0; i + 1 < threads; i++) {
		struct worker *w = &pool->workers[i];

		*w = (struct worker){.pool = pool, .index = i + 1};
		if (pthread_create(&w->id, NULL, worker_main, w) != 0) {
			destroy(pool, i);
			return OFA_ERR_NOMEM;
		}
	}
	ofa_blas_single_thread();
	*ret_pool = pool;
	return OFA_OK;
}

void ofa_pool_free(struct ofa_pool *pool)
{
	if (pool)
		destroy(pool, pool->threads - 1);
}

unsigned ofa_pool_size(const struct ofa_pool *pool)
{
	return pool ? pool->threads : 1;
}

double ofa_pool_cpu_seconds(const struct ofa_pool *pool)
{
	double seconds = 0;

	for (unsigned i = 0; pool && i + 1 < pool->threads; i++) {
		struct timespec t;
		clockid_t clock;

		if (pthread_getcpuclockid(pool->workers[i].id, &clock) == 0 && clock_gettime(clock, &t) == 0)
			seconds += (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
	}
	return seconds;
}

void ofa_pool_part(size_t n, unsigned t, unsigned threads, size_t *ret_begin, size_t *ret_end)
{
	size_t share = n / threads, rest = n % threads;

	*ret_begin = t * share + (t < rest ? t : rest);
	*ret_end = *ret_begin + share + (t < rest);
}
