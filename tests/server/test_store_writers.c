/* Many who write the same at the same time, in two replicas: each test runs on each driver. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "store_fixture.h"

#define REPLICAS 2
#define THREADS 6
#define TIMES 20
#define ALL (THREADS * TIMES)

/* What the threads do, and what they were given. */
struct crowd {
	struct store *stores[REPLICAS];
	void (*act)(struct crowd *crowd, struct store *s, int thread, int time);
	uint64_t given[THREADS][TIMES];
	struct writer {
		struct crowd *crowd;
		int thread;
		pthread_t id;
	} writers[THREADS];
};

static void *write_all(void *arg)
{
	struct writer *w = arg;

	for (int i = 0; i < TIMES; i++)
		w->crowd->act(w->crowd, w->crowd->stores[w->thread % REPLICAS], w->thread, i);
	return NULL;
}

static void crowd_begin(struct crowd *crowd, int kind)
{
	store_begin(kind);
	for (int i = 0; i < REPLICAS; i++)
		crowd->stores[i] = store_again();
}

static void crowd_run(struct crowd *crowd)
{
	for (int i = 0; i < THREADS; i++) {
		crowd->writers[i].crowd = crowd;
		crowd->writers[i].thread = i;
		ck_assert_int_eq(pthread_create(&crowd->writers[i].id, NULL, write_all, &crowd->writers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(crowd->writers[i].id, NULL);
}

static void crowd_end(struct crowd *crowd)
{
	for (int i = 0; i < REPLICAS; i++)
		store_close(crowd->stores[i]);
	store_end();
}

/* Each thread was given rising numbers, and no number was given twice; the highest one. */
static uint64_t check_given(const struct crowd *crowd)
{
	uint64_t highest = 0;

	for (int t = 0; t < THREADS; t++) {
		for (int i = 0; i < TIMES; i++) {
			uint64_t number = crowd->given[t][i];

			ck_assert(i == 0 || number > crowd->given[t][i - 1]);
			for (int other = 0; other < t; other++)
				for (int j = 0; j < TIMES; j++)
					ck_assert_uint_ne(number, crowd->given[other][j]);
			highest = number > highest ? number : highest;
		}
	}
	return highest;
}

/* ---- one profile ---- */

static bool see_revision(void *ctx, const struct store_profile_state *state, bool same)
{
	ck_assert(!same);
	*(uint64_t *)ctx = state->revision;
	return true;
}

static void put_same_name(struct crowd *crowd, struct store *s, int thread, int time)
{
	struct store_profile_state state;
	uint8_t sha256[OFA_SHA256_BYTES];
	uint64_t before = 0;
	const struct store_gate gate = {.open = see_revision, .ctx = &before};
	struct ofa_error err = {0};
	enum store_written written;
	char content[32];
	const struct store_profile p = {.name = "cam", .content = content, .sha256 = sha256, .author = ""};
	struct store_profile put = p;

	snprintf(content, sizeof(content), "%d of %d", time, thread);
	put.content_size = strlen(content);
	ofa_sha256(content, strlen(content), sha256);
	ASSERT_OK(s->driver->profile_put(s, &put, &gate, &written, &state, &err), &err);
	ck_assert_int_eq(written, before == 0 ? STORE_CREATED : STORE_REPLACED);
	/* the gate saw what it replaced */
	ck_assert_uint_eq(state.revision, before + 1);
	crowd->given[thread][time] = state.revision;
	check_revision(s, "cam", state.revision, content);
}

START_TEST(test_profile)
{
	struct crowd crowd = {.act = put_same_name};

	crowd_begin(&crowd, _i);
	crowd_run(&crowd);
	ck_assert_uint_eq(check_given(&crowd), ALL);
	crowd_end(&crowd);
}
END_TEST

/* ---- one counter ---- */

static void count(struct crowd *crowd, struct store *s, int thread, int time)
{
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->counter_next(s, "sequence", 1000, &crowd->given[thread][time], &err), &err);
}

START_TEST(test_counter)
{
	struct crowd crowd = {.act = count};

	crowd_begin(&crowd, _i);
	crowd_run(&crowd);
	ck_assert_uint_eq(check_given(&crowd), 1000 + ALL - 1);
	crowd_end(&crowd);
}
END_TEST

/* ---- the same questions ---- */

/* Whatever is there first stays: nobody ever reads two answers to one question. */
static void answer(struct crowd *crowd, struct store *s, int thread, int time)
{
	uint8_t question[OFA_SHA256_BYTES] = {(uint8_t)(time + 1)};
	struct ofa_error err = {0};
	struct ofa_buf first, again;
	char manifest[32];

	(void)crowd;
	snprintf(manifest, sizeof(manifest), "by %d", thread);
	ASSERT_OK(put_predicted(s, (uint8_t)(time + 1), "aa", manifest, 0, &err), &err);
	ofa_buf_init(&first, 100);
	ofa_buf_init(&again, 100);
	ASSERT_OK(s->driver->delivery_by_question(s, question, &first, &err), &err);
	usleep(1000);
	ASSERT_OK(s->driver->delivery_by_question(s, question, &again, &err), &err);
	ck_assert_uint_eq(first.len, again.len);
	ck_assert_mem_eq(first.data, again.data, first.len);
	ofa_buf_release(&first);
	ofa_buf_release(&again);
}

START_TEST(test_deliveries)
{
	struct crowd crowd = {.act = answer};

	crowd_begin(&crowd, _i);
	crowd_run(&crowd);
	crowd_end(&crowd);
}
END_TEST

/* ---- measurements of one subnet ---- */

static void measure(struct crowd *crowd, struct store *s, int thread, int time)
{
	const struct store_keep keep = {.per_device = 7, .per_subnet = 1000};
	const struct store_measurement m = {.subnet = "aa",
					    .author = "",
					    .device = "d",
					    .latency_ms = time + 1,
					    .p50_ms = NAN,
					    .p95_ms = NAN,
					    .accuracy = NAN};
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->measurement_put(s, &m, &keep, &crowd->given[thread][time], &err), &err);
}

static enum ofa_status count_entry(void *ctx, const struct store_measurement_entry *e)
{
	uint64_t *seen = ctx;

	ck_assert(seen[0] == 0 || e->number < seen[1]);
	seen[0]++;
	seen[1] = e->number;
	return OFA_OK;
}

START_TEST(test_measurements)
{
	struct crowd crowd = {.act = measure};
	struct ofa_error err = {0};
	uint64_t seen[2] = {0};

	crowd_begin(&crowd, _i);
	put_delivery(crowd.stores[0], 1, "aa", "manifest");
	crowd_run(&crowd);
	(void)check_given(&crowd);
	ASSERT_OK(crowd.stores[1]->driver->measurement_list(crowd.stores[1], "aa", 0, 100, count_entry, seen, &err),
		  &err);
	ck_assert_uint_eq(seen[0], 7);
	crowd_end(&crowd);
}
END_TEST

/* ---- the ledger ---- */

static void book(struct crowd *crowd, struct store *s, int thread, int time)
{
	const struct store_ledger more = {
		.network = "aa", .name = "net", .since = "now", .deliveries = 1, .n = {1, 1, 1}, .cpu_seconds = {0.5}};
	struct ofa_error err = {0};

	(void)crowd;
	(void)thread;
	(void)time;
	ASSERT_OK(s->driver->ledger_add(s, &more, &err), &err);
}

START_TEST(test_ledger)
{
	uint64_t deliveries, n[STORE_LEDGER_WORKS];
	double seconds[STORE_LEDGER_WORKS];
	struct crowd crowd = {.act = book};
	char since[STORE_TIME_MAX];
	struct ofa_error err = {0};

	crowd_begin(&crowd, _i);
	crowd_run(&crowd);
	ASSERT_OK(crowd.stores[0]->driver->ledger_get(crowd.stores[0], "aa", since, &deliveries, n, seconds, &err),
		  &err);
	ck_assert(deliveries == ALL && n[2] == ALL && seconds[0] == 0.5 * ALL);
	crowd_end(&crowd);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_profile, test_counter, test_deliveries, test_measurements, test_ledger};

	return run_store_tests("store-writers", tests, OFA_ARRAY_LEN(tests));
}
