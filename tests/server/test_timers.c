/* Timers: order, taking back, many threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "clock.h"
#include "jobs/timers.h"
#include "runner.h"

enum { MANY = 200, THREADS = 4 };

struct noted {
	struct timer timer;
	int name, *order;
	atomic_int *fired;
};

static void note(struct timer *timer)
{
	struct noted *n = (struct noted *)(void *)timer;

	n->order[atomic_load(n->fired)] = n->name;
	atomic_fetch_add(n->fired, 1);
}

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void wait_until(atomic_int *value, int expected)
{
	for (int i = 0; i < 10000 && atomic_load(value) != expected; i++)
		pause_ms(1);
	ck_assert_int_eq(atomic_load(value), expected);
}

/* Set in any order, they fire in that of their moments, never early. */
START_TEST(test_order)
{
	static struct noted timers[MANY];
	static int order[MANY];
	struct ofa_error err = {0};
	double begin = clock_ms();
	atomic_int fired = 0;
	struct timers *t;

	ASSERT_OK(timers_new(MANY, &t, &err), &err);
	for (int i = 0; i < MANY; i++) {
		int name = i * 73 % MANY; /* 73 and MANY have no common divisor */

		timers[name] = (struct noted){.timer.fire = note, .name = name, .order = order, .fired = &fired};
		ck_assert(timers_set(t, &timers[name].timer, 300 + 2 * name));
	}
	wait_until(&fired, MANY);
	ck_assert(clock_ms() - begin >= 300 + 2 * (MANY - 1));
	for (int i = 1; i < MANY; i++)
		ck_assert_int_le(timers[order[i - 1]].timer.at_ms <= timers[order[i]].timer.at_ms ? 0 : 1, 0);
	timers_free(t);
}
END_TEST

START_TEST(test_taken_back)
{
	static struct noted timers[MANY];
	static int order[MANY];
	struct ofa_error err = {0};
	atomic_int fired = 0;
	struct timers *t;

	ASSERT_OK(timers_new(MANY, &t, &err), &err);
	for (int i = 0; i < MANY; i++) {
		timers[i] = (struct noted){.timer.fire = note, .name = i, .order = order, .fired = &fired};
		ck_assert(timers_set(t, &timers[i].timer, 200 + i * 37 % 50));
	}
	for (int i = 0; i < MANY; i++)
		if (i % 3)
			ck_assert(timers_cancel(t, &timers[i].timer));
	ck_assert(!timers_cancel(t, &timers[1].timer));
	wait_until(&fired, (MANY + 2) / 3);
	pause_ms(100);
	ck_assert_int_eq(atomic_load(&fired), (MANY + 2) / 3);
	for (int i = 0; i < (MANY + 2) / 3; i++)
		ck_assert_int_eq(order[i] % 3, 0);
	ck_assert(!timers_cancel(t, &timers[0].timer));
	timers_free(t);
}
END_TEST

START_TEST(test_bound)
{
	struct noted timers[3];
	struct ofa_error err = {0};
	atomic_int fired = 0;
	struct timers *t;
	int order[3];

	ASSERT_OK(timers_new(2, &t, &err), &err);
	for (int i = 0; i < 3; i++) {
		timers[i] = (struct noted){.timer.fire = note, .name = i, .order = order, .fired = &fired};
		ck_assert(timers_set(t, &timers[i].timer, 1e6) == (i < 2));
	}
	ck_assert(timers_cancel(t, &timers[0].timer));
	ck_assert(timers_set(t, &timers[2].timer, 0));
	wait_until(&fired, 1);
	ck_assert_int_eq(order[0], 2);
	timers_free(t); /* with one still set */
	ck_assert_int_eq(atomic_load(&fired), 1);
}
END_TEST

/* Each is set and taken back many times; whatever was set fires or is taken back, never both. */
struct thrower {
	struct timers *timers;
	pthread_t thread;
	int taken_back;
	atomic_int fired;
	struct timer timer;
};

static void count(struct timer *timer)
{
	struct thrower *thrower = (struct thrower *)(void *)((char *)timer - offsetof(struct thrower, timer));

	atomic_fetch_add(&thrower->fired, 1);
}

static void *throw_many(void *arg)
{
	struct thrower *thrower = arg;

	for (int i = 0; i < MANY; i++) {
		int before = atomic_load(&thrower->fired);

		ck_assert(timers_set(thrower->timers, &thrower->timer, i % 3 * 0.05));
		if (timers_cancel(thrower->timers, &thrower->timer))
			thrower->taken_back++;
		else
			while (atomic_load(&thrower->fired) == before)
				sched_yield();
	}
	return NULL;
}

START_TEST(test_threads)
{
	static struct thrower throwers[THREADS];
	struct ofa_error err = {0};
	struct timers *t;

	ASSERT_OK(timers_new(THREADS, &t, &err), &err);
	for (int i = 0; i < THREADS; i++) {
		throwers[i].timers = t;
		throwers[i].timer.fire = count;
		ck_assert_int_eq(pthread_create(&throwers[i].thread, NULL, throw_many, &throwers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(throwers[i].thread, NULL);
		ck_assert_int_eq(throwers[i].taken_back + atomic_load(&throwers[i].fired), MANY);
	}
	timers_free(t);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_order, test_taken_back, test_bound, test_threads};

	return run_tests("timers", tests, OFA_ARRAY_LEN(tests));
}
