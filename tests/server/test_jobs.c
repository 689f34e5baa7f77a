/* The bounded queue, single flight and the cache, under many threads. */
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "jobs/flight.h"
#include "jobs/lru.h"
#include "jobs/workers.h"
#include "runner.h"

static struct job_key key_of(unsigned n)
{
	struct job_key key;

	ofa_sha256(&n, sizeof(n), key.bytes);
	return key;
}

/* ---- workers ---- */

struct counted {
	struct task task;
	pthread_mutex_t *gate; /* held by the test: the task waits for it */
	atomic_int *done;
};

static void count(struct task *task)
{
	struct counted *c = (struct counted *)(void *)task;

	if (c->gate) {
		pthread_mutex_lock(c->gate);
		pthread_mutex_unlock(c->gate);
	}
	atomic_fetch_add(c->done, 1);
}

START_TEST(test_queue_is_bounded)
{
	const struct workers_options options = {.threads = 1, .max_queue = 3};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	atomic_int done = 0;
	struct counted tasks[6];
	struct ofa_error err = {0};
	struct workers *w;
	int taken = 0;

	ASSERT_OK(workers_new(&options, &w, &err), &err);
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 6; i++)
		tasks[i] = (struct counted){.task.run = count, .gate = &gate, .done = &done};
	ck_assert(workers_submit(w, TASK_PROVISION, &tasks[0].task));
	while (workers_queued(w, TASK_PROVISION) > 0)
		sched_yield();
	for (int i = 1; i < 6; i++)
		taken += workers_submit(w, TASK_PROVISION, &tasks[i].task);
	ck_assert_int_eq(taken, 3);
	ck_assert_int_eq(atomic_load(&done), 0);
	pthread_mutex_unlock(&gate);
	workers_stop(w);
	ck_assert_int_eq(atomic_load(&done), 4);
	ck_assert(!workers_submit(w, TASK_PROVISION, &tasks[5].task));
	workers_free(w);
}
END_TEST

/* What ran, in this order; one at a time. */
struct ordered {
	struct task task;
	int name, *order;
	atomic_int *done;
};

static void note(struct task *task)
{
	struct ordered *o = (struct ordered *)(void *)task;

	o->order[atomic_load(o->done)] = o->name;
	atomic_fetch_add(o->done, 1);
}

static void wait_until(atomic_int *value, int expected)
{
	while (atomic_load(value) != expected)
		sched_yield();
}

/* Holds the only worker while the others queue up. */
static struct workers *held_workers(struct counted *holder, pthread_mutex_t *gate, unsigned call_threads)
{
	const struct workers_options options = {.threads = 1, .call_threads = call_threads, .max_queue = 8};
	struct ofa_error err = {0};
	struct workers *w;

	ASSERT_OK(workers_new(&options, &w, &err), &err);
	pthread_mutex_lock(gate);
	*holder = (struct counted){.task.run = count, .gate = gate, .done = holder->done};
	ck_assert(workers_submit(w, TASK_PROVISION, &holder->task));
	while (workers_queued(w, TASK_PROVISION) > 0)
		sched_yield();
	return w;
}

/* Calls before provisioning before glances before dashboards, whatever came first, but for a glance that was passed
 * over once; each class has a queue of its own; what was withdrawn does not run. */
START_TEST(test_priorities)
{
	static const enum task_class classes[] = {TASK_DASHBOARD, TASK_GLANCE, TASK_PROVISION, TASK_CALL,
						  TASK_DASHBOARD, TASK_GLANCE, TASK_PROVISION, TASK_CALL};
	static const int expected[] = {3, 7, 2, 1, 6, 5, 4};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	atomic_int done = 0, held = 0;
	struct counted holder = {.done = &held};
	struct ordered tasks[8];
	struct workers *w = held_workers(&holder, &gate, 0);
	int order[8];

	for (int i = 0; i < 8; i++) {
		tasks[i] = (struct ordered){.task.run = note, .name = i, .order = order, .done = &done};
		ck_assert(workers_submit(w, classes[i], &tasks[i].task));
	}
	for (int c = 0; c < TASK_CLASS_COUNT; c++)
		ck_assert_uint_eq(workers_queued(w, (enum task_class)c), 2);
	ck_assert(workers_withdraw(w, &tasks[0].task));
	ck_assert(!workers_withdraw(w, &tasks[0].task));
	ck_assert_uint_eq(workers_queued(w, TASK_DASHBOARD), 1);
	pthread_mutex_unlock(&gate);
	wait_until(&done, 7);
	ck_assert(!workers_withdraw(w, &tasks[2].task));
	workers_free(w);
	ck_assert_mem_eq(order, expected, sizeof(expected));
}
END_TEST

/* However many devices wait, a glance is passed over by one of them alone; calls are before both. */
START_TEST(test_turns)
{
	static const enum task_class classes[] = {TASK_PROVISION, TASK_PROVISION, TASK_PROVISION, TASK_PROVISION,
						  TASK_GLANCE,	  TASK_GLANCE,	  TASK_CALL};
	static const int expected[] = {6, 0, 4, 1, 5, 2, 3};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	atomic_int done = 0, held = 0;
	struct counted holder = {.done = &held};
	struct ordered tasks[7];
	struct workers *w = held_workers(&holder, &gate, 0);
	int order[7];

	for (int i = 0; i < 7; i++) {
		tasks[i] = (struct ordered){.task.run = note, .name = i, .order = order, .done = &done};
		ck_assert(workers_submit(w, classes[i], &tasks[i].task));
	}
	pthread_mutex_unlock(&gate);
	wait_until(&done, 7);
	workers_free(w);
	ck_assert_mem_eq(order, expected, sizeof(expected));
}
END_TEST

/* A thread for calls serves them while every worker searches, and takes nothing else. */
START_TEST(test_call_threads)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	atomic_int done = 0, held = 0;
	struct counted holder = {.done = &held};
	struct ordered tasks[3];
	struct workers *w = held_workers(&holder, &gate, 1);
	int order[3];

	for (int i = 0; i < 3; i++)
		tasks[i] = (struct ordered){.task.run = note, .name = i, .order = order, .done = &done};
	ck_assert(workers_submit(w, TASK_PROVISION, &tasks[0].task));
	ck_assert(workers_submit(w, TASK_CALL, &tasks[1].task));
	wait_until(&done, 1);
	ck_assert_int_eq(order[0], 1);
	ck_assert(workers_submit(w, TASK_CALL, &tasks[2].task));
	wait_until(&done, 2);
	ck_assert_int_eq(order[1], 2);
	ck_assert_uint_eq(workers_queued(w, TASK_PROVISION), 1);
	pthread_mutex_unlock(&gate);
	workers_free(w);
	ck_assert_int_eq(atomic_load(&done), 3);
}
END_TEST

/* Two tasks of the class hold one of two workers; of the others' classes a task each runs beside it. */
static void check_leaves_a_worker(enum task_class class, const enum task_class classes[2])
{
	const struct workers_options options = {.threads = 2, .max_queue = 8};
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	atomic_int done = 0, held = 0;
	struct counted holders[2];
	struct ofa_error err = {0};
	struct ordered others[2];
	struct workers *w;
	int order[2];

	ASSERT_OK(workers_new(&options, &w, &err), &err);
	pthread_mutex_lock(&gate);
	for (int i = 0; i < 2; i++) {
		holders[i] = (struct counted){.task.run = count, .gate = &gate, .done = &held};
		ck_assert(workers_submit(w, class, &holders[i].task));
	}
	for (int i = 0; i < 2; i++) {
		others[i] = (struct ordered){.task.run = note, .order = order, .done = &done};
		ck_assert(workers_submit(w, classes[i], &others[i].task));
		wait_until(&done, i + 1);
	}
	ck_assert_uint_eq(workers_queued(w, class), 1);
	pthread_mutex_unlock(&gate);
	workers_free(w);
	ck_assert_int_eq(atomic_load(&held), 2);
}

/* Of two workers one is left for devices, and for what takes milliseconds, however many dashboards there are; nor do
 * glances take both. */
START_TEST(test_dashboards_leave_a_worker)
{
	check_leaves_a_worker(TASK_DASHBOARD, (enum task_class[]){TASK_PROVISION, TASK_GLANCE});
	check_leaves_a_worker(TASK_GLANCE, (enum task_class[]){TASK_PROVISION, TASK_DASHBOARD});
}
END_TEST

/* ---- single flight ---- */

static atomic_int destroyed;

static void flight_destroy(struct shared *self)
{
	(void)self;
	atomic_fetch_add(&destroyed, 1);
}

static void flight_make(struct flight *f, unsigned n)
{
	memset(f, 0, sizeof(*f));
	shared_init(&f->shared, flight_destroy);
	f->key = key_of(n);
}

struct counting_waiter {
	struct flight_waiter waiter;
	int woken;
};

static void wake(struct flight_waiter *w)
{
	((struct counting_waiter *)(void *)w)->woken++;
}

START_TEST(test_flight)
{
	struct counting_waiter a = {.waiter.wake = wake}, b = {.waiter.wake = wake}, late = {.waiter.wake = wake};
	struct flight first, second, other;
	struct flights table;
	bool leader;

	flights_init(&table);
	flight_make(&first, 1);
	flight_make(&second, 1);
	flight_make(&other, 2);
	ck_assert_ptr_eq(flight_join(&table, &first, &leader), &first);
	ck_assert(leader);
	ck_assert_ptr_eq(flight_join(&table, &second, &leader), &first);
	ck_assert(!leader);
	ck_assert_ptr_eq(flight_join(&table, &other, &leader), &other);
	ck_assert(leader);
	ck_assert(flight_wait(&table, &first, &a.waiter));
	ck_assert(flight_wait(&table, &first, &b.waiter));
	flight_land(&table, &first);
	ck_assert_int_eq(a.woken, 1);
	ck_assert_int_eq(b.woken, 1);
	ck_assert(!flight_wait(&table, &first, &late.waiter));
	ck_assert_ptr_eq(flight_join(&table, &second, &leader), &second);
	ck_assert(leader);
	flight_land(&table, &second);
	flight_land(&table, &other);
	flights_release(&table);
	shared_unref(&first.shared);
	shared_unref(&first.shared);
	shared_unref(&second.shared);
	shared_unref(&other.shared);
	ck_assert_int_eq(atomic_load(&destroyed), 3);
}
END_TEST

/* Who leaves last gives the flight up: it is not joined any more, and lands on its own beside a new one. */
START_TEST(test_flight_given_up)
{
	struct counting_waiter a = {.waiter.wake = wake}, b = {.waiter.wake = wake};
	struct flight first, second, third;
	struct flights table;
	bool leader;

	flights_init(&table);
	flight_make(&first, 1);
	flight_make(&second, 1);
	flight_make(&third, 1);
	flight_join(&table, &first, &leader);
	flight_join(&table, &second, &leader);
	ck_assert(!leader);
	ck_assert(flight_wait(&table, &first, &a.waiter));
	ck_assert(flight_wait(&table, &first, &b.waiter));
	ck_assert(flight_unwait(&table, &b.waiter));
	ck_assert(!flight_unwait(&table, &b.waiter));
	ck_assert(!flight_leave(&table, &first));
	ck_assert_ptr_eq(flight_join(&table, &second, &leader), &first);
	ck_assert(!flight_leave(&table, &first));
	ck_assert(flight_leave(&table, &first));
	ck_assert_ptr_eq(flight_join(&table, &third, &leader), &third);
	ck_assert(leader);
	flight_land(&table, &first);
	ck_assert_int_eq(a.woken, 1);
	ck_assert_int_eq(b.woken, 0);
	ck_assert(!flight_unwait(&table, &a.waiter));
	ck_assert_ptr_eq(flight_join(&table, &second, &leader), &third);
	flight_land(&table, &third);
	ck_assert(!flight_leave(&table, &third));
	flights_release(&table);
}
END_TEST

enum { CROWD = 16 };

struct crowd {
	struct flights table;
	pthread_barrier_t start;
	atomic_int leaders, woken;
};

struct member {
	struct flight_waiter waiter;
	struct flight flight;
	struct crowd *crowd;
	pthread_t thread;
};

static void wake_member(struct flight_waiter *w)
{
	atomic_fetch_add(&((struct member *)(void *)w)->crowd->woken, 1);
}

static void *ask(void *arg)
{
	struct member *m = arg;
	struct flight *f;
	bool leader;

	pthread_barrier_wait(&m->crowd->start);
	f = flight_join(&m->crowd->table, &m->flight, &leader);
	if (!flight_wait(&m->crowd->table, f, &m->waiter))
		atomic_fetch_add(&m->crowd->woken, 1);
	if (leader) {
		const struct timespec work = {.tv_nsec = 50000000};

		atomic_fetch_add(&m->crowd->leaders, 1);
		nanosleep(&work, NULL);
		flight_land(&m->crowd->table, f);
	}
	return NULL;
}

START_TEST(test_flight_of_many)
{
	static struct member members[CROWD];
	static struct crowd crowd;

	flights_init(&crowd.table);
	pthread_barrier_init(&crowd.start, NULL, CROWD);
	for (int i = 0; i < CROWD; i++) {
		members[i].waiter.wake = wake_member;
		members[i].crowd = &crowd;
		flight_make(&members[i].flight, 9);
		ck_assert_int_eq(pthread_create(&members[i].thread, NULL, ask, &members[i]), 0);
	}
	for (int i = 0; i < CROWD; i++)
		pthread_join(members[i].thread, NULL);
	ck_assert_int_eq(atomic_load(&crowd.leaders), 1);
	ck_assert_int_eq(atomic_load(&crowd.woken), CROWD);
	flights_release(&crowd.table);
}
END_TEST

/* ---- cache ---- */

struct object {
	struct shared shared;
	unsigned n;
};

static atomic_int alive;

static void object_destroy(struct shared *self)
{
	free(self);
	atomic_fetch_sub(&alive, 1);
}

static void put(struct lru *c, unsigned n, size_t bytes)
{
	struct object *o = malloc(sizeof(*o));
	struct job_key key = key_of(n);

	shared_init(&o->shared, object_destroy);
	o->n = n;
	atomic_fetch_add(&alive, 1);
	lru_put(c, &key, &o->shared, bytes);
	shared_unref(&o->shared);
}

/* The number inside, or -1 when the key holds nothing. */
static int get(struct lru *c, unsigned n)
{
	struct job_key key = key_of(n);
	struct object *o = (struct object *)(void *)lru_get(c, &key);
	int found = o ? (int)o->n : -1;

	if (o)
		shared_unref(&o->shared);
	return found;
}

START_TEST(test_cache)
{
	struct ofa_error err = {0};
	struct job_key key = key_of(2);
	struct lru *c;

	ASSERT_OK(lru_new(10000, &c, &err), &err);
	put(c, 1, 3000);
	put(c, 2, 3000);
	ck_assert_int_eq(get(c, 1), 1);
	put(c, 3, 3000);
	put(c, 4, 3000);
	/* 2 was unused for longest */
	ck_assert_int_eq(get(c, 2), -1);
	ck_assert_int_eq(get(c, 1), 1);
	ck_assert_int_eq(get(c, 3), 3);
	ck_assert_int_eq(get(c, 4), 4);
	ck_assert_uint_le(lru_bytes(c), 10000);
	put(c, 1, 20000);
	ck_assert_int_eq(get(c, 1), -1);
	put(c, 2, 100);
	put(c, 2, 200);
	lru_remove(c, &key);
	ck_assert_int_eq(get(c, 2), -1);
	lru_free(c);
	ck_assert_int_eq(atomic_load(&alive), 0);
}
END_TEST

static void *hammer(void *arg)
{
	struct lru *c = arg;

	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = i * 2654435761u % 64;

		if (i % 3 == 0)
			put(c, n, n * 16);
		else
			ck_assert(get(c, n) == -1 || get(c, n) <= 64);
	}
	return NULL;
}

START_TEST(test_cache_of_many)
{
	struct ofa_error err = {0};
	pthread_t threads[4];
	struct lru *c;

	ASSERT_OK(lru_new(8192, &c, &err), &err);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, c), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_le(lru_bytes(c), 8192);
	lru_free(c);
	ck_assert_int_eq(atomic_load(&alive), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_queue_is_bounded, test_priorities,     test_call_threads,
				      test_dashboards_leave_a_worker, test_turns, test_flight, test_flight_given_up,
				      test_flight_of_many, test_cache, test_cache_of_many};

	return run_tests("jobs", tests, OFA_ARRAY_LEN(tests));
}
