/* The thread pool: every part runs once per run, memory written in a run is seen after it, pools of all
 * sizes start and end cleanly, also after long sleeps. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"
#include "runner.h"

#define MAX_THREADS 8

struct tally {
	int count[MAX_THREADS]; /* plain memory: the pool itself must order the accesses */
	unsigned threads;
};

static void count_self(void *ctx, unsigned thread, unsigned threads)
{
	struct tally *t = ctx;

	t->count[thread]++;
	if (thread == 0)
		t->threads = threads;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void run_and_check(unsigned threads, int runs, long pause_ms)
{
	struct tally t = {.threads = 0};
	struct ofa_pool *pool;

	ck_assert_int_eq(ofa_pool_new(threads, &pool), OFA_OK);
	ck_assert_uint_eq(ofa_pool_size(pool), threads);
	for (int i = 0; i < runs; i++) {
		ofa_pool_run(pool, count_self, &t);
		for (unsigned j = 0; j < threads; j++)
			ck_assert_int_eq(t.count[j], i + 1);
		if (pause_ms)
			sleep_ms(pause_ms);
	}
	ck_assert_uint_eq(t.threads, threads);
	ofa_pool_free(pool);
}

START_TEST(every_thread_runs_once)
{
	for (unsigned threads = 1; threads <= MAX_THREADS; threads++)
		run_and_check(threads, 300, 0);
}
END_TEST

START_TEST(sleeping_workers_wake)
{
	run_and_check(2, 10, 5);
	run_and_check(5, 10, 2);
}
END_TEST

static void sleep_on_workers(void *ctx, unsigned thread, unsigned threads)
{
	(void)threads;
	if (thread)
		sleep_ms(5);
	count_self(ctx, thread, 0);
}

START_TEST(caller_waits_for_slow_workers)
{
	struct tally t = {.threads = 0};
	struct ofa_pool *pool;

	ck_assert_int_eq(ofa_pool_new(3, &pool), OFA_OK);
	for (int i = 1; i <= 10; i++) {
		ofa_pool_run(pool, sleep_on_workers, &t);
		for (unsigned j = 0; j < 3; j++)
			ck_assert_int_eq(t.count[j], i);
	}
	ofa_pool_free(pool);
}
END_TEST

START_TEST(unused_pools_end)
{
	for (unsigned threads = 1; threads <= MAX_THREADS; threads++) {
		struct ofa_pool *pool;

		ck_assert_int_eq(ofa_pool_new(threads, &pool), OFA_OK);
		if (threads % 2)
			sleep_ms(2);
		ofa_pool_free(pool);
	}
	ofa_pool_free(NULL);
}
END_TEST

START_TEST(no_pool_is_one_thread)
{
	struct tally t = {.threads = 0};

	ck_assert_uint_eq(ofa_pool_size(NULL), 1);
	ofa_pool_run(NULL, count_self, &t);
	ck_assert_int_eq(t.count[0], 1);
	ck_assert_uint_eq(t.threads, 1);
}
END_TEST

START_TEST(sizes_are_bounded)
{
	struct ofa_pool *pool;

	ck_assert_int_eq(ofa_pool_new(0, &pool), OFA_ERR_INVALID);
	ck_assert_int_eq(ofa_pool_new(100000, &pool), OFA_ERR_LIMIT);
}
END_TEST

START_TEST(parts_cover_everything_once)
{
	static const size_t sizes[] = {0, 1, 2, 7, 64, 1000, SIZE_MAX - 1};

	for (size_t i = 0; i < OFA_ARRAY_LEN(sizes); i++) {
		for (unsigned threads = 1; threads <= 9; threads++) {
			size_t at = 0, begin, end;

			for (unsigned t = 0; t < threads; t++) {
				ofa_pool_part(sizes[i], t, threads, &begin, &end);
				ck_assert_uint_eq(begin, at);
				ck_assert_uint_le(end - begin, sizes[i] / threads + 1);
				at = end;
			}
			ck_assert_uint_eq(at, sizes[i]);
		}
	}
}
END_TEST

START_TEST(there_is_a_processor)
{
	ck_assert_uint_ge(ofa_cpu_count(), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		every_thread_runs_once, sleeping_workers_wake, caller_waits_for_slow_workers, unused_pools_end,
		no_pool_is_one_thread,  sizes_are_bounded,     parts_cover_everything_once,   there_is_a_processor,
	};

	return run_tests("pool", tests, OFA_ARRAY_LEN(tests));
}
