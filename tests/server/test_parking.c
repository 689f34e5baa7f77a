/* Work that waits for another server: handed back once, when it is told, when its patience is over, or at the end. */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "runner.h"
#include "service/parking.h"

enum { PATIENCE_MS = 30000 };

struct car {
	struct parked parked;
	atomic_int back; /* how often it was handed back */
};

static void handed_back(void *ctx, struct parked *p)
{
	(void)ctx;
	atomic_fetch_add(&((struct car *)(void *)p)->back, 1);
}

static struct job_key key_of(unsigned n)
{
	struct job_key key;

	ofa_sha256(&n, sizeof(n), key.bytes);
	return key;
}

static struct timers *timers;

static struct parking *make(unsigned max, double patience_ms)
{
	struct parking_options options = {.max = max, .patience_ms = patience_ms, .handed_back = handed_back};
	struct ofa_error err = {0};
	struct parking *g;

	ASSERT_OK(timers_new(1, &timers, &err), &err);
	options.timers = timers;
	ASSERT_OK(parking_new(&options, &g, &err), &err);
	return g;
}

static void end(struct parking *g)
{
	parking_close(g);
	timers_free(timers);
	parking_free(g);
}

static void await(atomic_int *n, int expected)
{
	double until = clock_ms() + PATIENCE_MS;

	while (atomic_load(n) < expected) {
		ck_assert(clock_ms() < until);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

START_TEST(test_telling)
{
	struct parking *g = make(8, 1e9);
	struct car a = {.parked.key = key_of(1)}, same = {.parked.key = key_of(1)}, other = {.parked.key = key_of(2)};
	const struct job_key one = key_of(1);

	ck_assert(parking_enter(g, &a.parked) && parking_enter(g, &same.parked) && parking_enter(g, &other.parked));
	ck_assert(parking_stay(g, &a.parked) && parking_stay(g, &same.parked) && parking_stay(g, &other.parked));
	parking_tell(g, &one);
	ck_assert_int_eq(atomic_load(&a.back), 1);
	ck_assert_int_eq(atomic_load(&same.back), 1);
	ck_assert_int_eq(atomic_load(&other.back), 0);
	parking_tell(g, &one);
	ck_assert_int_eq(atomic_load(&a.back), 1);
	/* told between entering and staying: it does not stay, and is out */
	ck_assert(parking_enter(g, &a.parked));
	parking_tell(g, &one);
	ck_assert(!parking_stay(g, &a.parked));
	ck_assert_int_eq(atomic_load(&a.back), 1);
	/* and that is forgotten the next time */
	ck_assert(parking_enter(g, &a.parked));
	ck_assert(parking_stay(g, &a.parked));
	ck_assert(parking_withdraw(g, &a.parked));
	ck_assert(!parking_withdraw(g, &a.parked));
	ck_assert_int_eq(atomic_load(&a.back), 1);
	/* who is about to stay is kept from it */
	ck_assert(parking_enter(g, &a.parked));
	ck_assert(!parking_withdraw(g, &a.parked));
	ck_assert(!parking_stay(g, &a.parked));
	end(g);
	ck_assert_int_eq(atomic_load(&other.back), 1);
}
END_TEST

START_TEST(test_bounds)
{
	struct parking *g = make(2, 1e9);
	struct car cars[4] = {{.parked.key = key_of(1)}, {.parked.key = key_of(2)}, {.parked.key = key_of(3)}};

	ck_assert(parking_enter(g, &cars[0].parked) && parking_enter(g, &cars[1].parked));
	ck_assert(!parking_enter(g, &cars[2].parked));
	parking_exit(g, &cars[0].parked);
	ck_assert(parking_enter(g, &cars[2].parked));
	ck_assert(parking_stay(g, &cars[2].parked));
	parking_close(g);
	ck_assert_int_eq(atomic_load(&cars[2].back), 1);
	ck_assert(!parking_stay(g, &cars[1].parked));
	ck_assert(!parking_enter(g, &cars[3].parked));
	end(g);
}
END_TEST

START_TEST(test_patience)
{
	struct parking *g = make(8, 300);
	struct car car = {.parked.key = key_of(1)};

	for (int i = 1; i <= 3; i++) {
		double begun = clock_ms();

		ck_assert(parking_enter(g, &car.parked));
		ck_assert(parking_stay(g, &car.parked));
		await(&car.back, i);
		ck_assert(clock_ms() - begun >= 299);
	}
	end(g);
}
END_TEST

/* ---- many at once ---- */

enum { THREADS = 4, ROUNDS = 3000, KEYS = 3 };

static struct parking *shared;
static atomic_bool over;

static void *park(void *arg)
{
	struct car *c = arg;
	int stayed = 0;

	for (int i = 0; i < ROUNDS; i++) {
		c->parked.key = key_of((unsigned)i % KEYS);
		ck_assert(parking_enter(shared, &c->parked));
		if (i % 7 == 0) {
			parking_exit(shared, &c->parked);
		} else if (parking_stay(shared, &c->parked)) {
			stayed++;
			if (i % 5 == 0 && parking_withdraw(shared, &c->parked))
				stayed--;
			await(&c->back, stayed);
		}
	}
	return NULL;
}

static void *tell(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !atomic_load(&over); i++) {
		struct job_key key = key_of(i % KEYS);

		parking_tell(shared, &key);
		sched_yield();
	}
	return NULL;
}

START_TEST(test_threads)
{
	static struct car cars[THREADS];
	pthread_t threads[THREADS], teller;

	shared = make(THREADS, 1e9);
	ck_assert_int_eq(pthread_create(&teller, NULL, tell, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, park, &cars[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&over, true);
	pthread_join(teller, NULL);
	end(shared);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_telling, test_bounds, test_patience, test_threads};

	return run_tests("parking", tests, OFA_ARRAY_LEN(tests));
}
