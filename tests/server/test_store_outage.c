/* PostgreSQL goes away under load and comes back: what was acknowledged is there, once; errors say that it cannot be
 * reached; nobody opens the store again. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "store_fixture.h"

#define THREADS 6
#define WRITES_MAX 20000
#define CALL_MS_MAX 60e3 /* far beyond what is promised: a call that hangs */

struct writer {
	struct load *load;
	int id;
	pthread_t thread;
	atomic_uint done, refused;
	/* of each measurement: was it acknowledged?  Its latency is its place, its device the writer's. */
	bool acknowledged[WRITES_MAX];
	uint64_t numbers[WRITES_MAX]; /* that the counter gave; 0: none */
	uint64_t revisions[WRITES_MAX];
	unsigned n;
};

struct load {
	struct store *store;
	atomic_bool stop;
	struct writer writers[THREADS];
};

/* ---- writing ---- */

static void name_of(const struct writer *w, char out[16])
{
	snprintf(out, 16, "w%d", w->id);
}

static bool accept_or_refuse(struct writer *w, enum ofa_status st, double began_ms, const struct ofa_error *err)
{
	ck_assert_msg(st == OFA_OK || st == OFA_ERR_UNAVAILABLE, "%s: %s", ofa_status_name(st), err->message);
	ck_assert_double_lt(clock_ms() - began_ms, CALL_MS_MAX);
	atomic_fetch_add(st == OFA_OK ? &w->done : &w->refused, 1);
	return st == OFA_OK;
}

static void measure(struct writer *w)
{
	const struct store_keep keep = {.per_device = WRITES_MAX, .per_subnet = THREADS * WRITES_MAX};
	struct ofa_error err = {0};
	double began_ms = clock_ms();
	char device[16];
	uint64_t number;
	const struct store_measurement m = {.subnet = "aa",
					    .author = "",
					    .device = device,
					    .latency_ms = w->n,
					    .p50_ms = NAN,
					    .p95_ms = NAN,
					    .accuracy = NAN};

	name_of(w, device);
	w->acknowledged[w->n] = accept_or_refuse(
		w, w->load->store->driver->measurement_put(w->load->store, &m, &keep, &number, &err), began_ms, &err);
}

static void count(struct writer *w)
{
	struct ofa_error err = {0};
	double began_ms = clock_ms();
	uint64_t number;

	if (accept_or_refuse(w, w->load->store->driver->counter_next(w->load->store, "n", 0, &number, &err), began_ms,
			     &err))
		w->numbers[w->n] = number;
}

static void describe(struct writer *w)
{
	struct store_profile_state state;
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	double began_ms = clock_ms();
	enum store_written written;
	char name[16], content[32];
	struct store_profile p = {.name = name, .content = content, .sha256 = sha256, .author = ""};

	name_of(w, name);
	p.content_size = (size_t)snprintf(content, sizeof(content), "content %u", w->n);
	ofa_sha256(content, p.content_size, sha256);
	if (accept_or_refuse(w, w->load->store->driver->profile_put(w->load->store, &p, NULL, &written, &state, &err),
			     began_ms, &err))
		w->revisions[w->n] = state.revision;
}

static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&w->load->stop) && w->n < WRITES_MAX) {
		unsigned refused = atomic_load(&w->refused);

		measure(w);
		count(w);
		describe(w);
		w->n++;
		if (atomic_load(&w->refused) > refused)
			usleep(20000);
	}
	return NULL;
}

/* ---- what is there afterwards ---- */

struct found {
	unsigned device;
	unsigned times[WRITES_MAX];
};

static enum ofa_status find(void *ctx, const struct store_measurement_entry *e)
{
	struct found *found = ctx;

	if (e->measured.device[1] == (char)('0' + found->device))
		found->times[(unsigned)e->measured.latency_ms]++;
	return OFA_OK;
}

static void check_measurements(struct writer *w)
{
	struct found *found = calloc(1, sizeof(*found));
	struct ofa_error err = {0};

	found->device = (unsigned)w->id;
	ASSERT_OK(w->load->store->driver->measurement_list(w->load->store, "aa", 0, THREADS * WRITES_MAX, find, found,
							   &err),
		  &err);
	for (unsigned i = 0; i < w->n; i++) {
		ck_assert_uint_le(found->times[i], 1);
		ck_assert(found->times[i] == 1 || !w->acknowledged[i]);
	}
	free(found);
}

static void check_revisions(struct writer *w)
{
	uint64_t last = 0;
	char name[16], content[32];

	name_of(w, name);
	for (unsigned i = 0; i < w->n; i++) {
		if (!w->revisions[i])
			continue;
		ck_assert_uint_gt(w->revisions[i], last);
		last = w->revisions[i];
		snprintf(content, sizeof(content), "content %u", i);
		check_revision(w->load->store, name, last, content);
	}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* No number was given out twice, and none beyond the last. */
static void check_numbers(const struct load *l)
{
	uint64_t *all = calloc(THREADS * WRITES_MAX, sizeof(*all)), last;
	struct ofa_error err = {0};
	size_t n = 0;

	for (int t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < l->writers[t].n; i++)
			if (l->writers[t].numbers[i])
				all[n++] = l->writers[t].numbers[i];
	qsort(all, n, sizeof(*all), by_value);
	for (size_t i = 1; i < n; i++)
		ck_assert_uint_ne(all[i], all[i - 1]);
	ASSERT_OK(l->store->driver->counter_get(l->store, "n", &last, &err), &err);
	ck_assert_uint_ge(last, all[n - 1]);
	free(all);
}

/* ---- the outage ---- */

/* Until each writer has had so many more of what is counted. */
static void wait_for_more(struct load *l, bool refused, unsigned more)
{
	for (int t = 0; t < THREADS; t++) {
		atomic_uint *counted = refused ? &l->writers[t].refused : &l->writers[t].done;
		unsigned from = atomic_load(counted);

		while (atomic_load(counted) < from + more)
			usleep(2000);
	}
}

static void start(struct load *l)
{
	l->store = store_again();
	put_delivery(l->store, 1, "aa", "manifest");
	for (int t = 0; t < THREADS; t++) {
		l->writers[t].load = l;
		l->writers[t].id = t;
		ck_assert_int_eq(pthread_create(&l->writers[t].thread, NULL, write_on, &l->writers[t]), 0);
	}
}

static void finish(struct load *l)
{
	atomic_store(&l->stop, true);
	for (int t = 0; t < THREADS; t++)
		pthread_join(l->writers[t].thread, NULL);
	for (int t = 0; t < THREADS; t++) {
		ck_assert_uint_lt(l->writers[t].n, WRITES_MAX);
		check_measurements(&l->writers[t]);
		check_revisions(&l->writers[t]);
	}
	check_numbers(l);
	store_close(l->store);
}

static void outage(const char *verb, const char *mode)
{
	struct load *l = calloc(1, sizeof(*l));

	ck_assert_ptr_nonnull(l);
	store_begin(STORE_POSTGRESQL);
	start(l);
	for (int i = 0; i < 2; i++) {
		wait_for_more(l, false, 10);
		postgresql(verb, mode);
		wait_for_more(l, true, 3);
		postgresql("start", "");
		wait_for_more(l, false, 10);
	}
	finish(l);
	free(l);
	store_end();
}

START_TEST(test_fast)
{
	outage("stop", "fast");
}
END_TEST

START_TEST(test_immediate)
{
	outage("stop", "immediate");
}
END_TEST

START_TEST(test_killed)
{
	outage("kill", "");
}
END_TEST

/* Backends die one by one under load, as they do of a fault of their own or of an operator. */
START_TEST(test_terminated)
{
	struct load *l = calloc(1, sizeof(*l));

	ck_assert_ptr_nonnull(l);
	store_begin(STORE_POSTGRESQL);
	start(l);
	for (int i = 0; i < 30; i++) {
		wait_for_more(l, false, 3);
		store_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
			  "AND pid <> pg_backend_pid() ORDER BY random() LIMIT 2");
	}
	finish(l);
	free(l);
	store_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_fast, test_immediate, test_killed, test_terminated};
	int status;

	if (!stores_begin())
		return 77;
	status = run_tests("store-outage", tests, OFA_ARRAY_LEN(tests));
	stores_end();
	return status;
}
