/* Jobs that replicas share, where what is heard of a row comes late: the moments between the store's answer and what
 * becomes of it, on a store whose answers are the test's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"
#include "service/answering.h"
#include "service/job_text.h"
#include "service/jobs_table.h"

#define ME "00000000000000aa"
#define OTHER "00000000000000bb"
#define ID "0123456789abcdef0123456789abcdef"

/* ---- a store with one row ---- */

static struct {
	struct store_job row;
	char view[1024];
	bool written; /* what job_write() says */
	bool absent;  /* there is no row */
} there;

static const char *replica(struct store *s)
{
	(void)s;
	return ME;
}

static enum ofa_status job_write(struct store *s, const char *id, unsigned term, const char *view, bool over,
				 bool *ret_written, struct ofa_error *err)
{
	(void)s, (void)id, (void)term, (void)view, (void)over, (void)err;
	*ret_written = there.written;
	return OFA_OK;
}

static enum ofa_status job_get(struct store *s, const char *const *ids, size_t n, bool questions,
			       void (*each)(void *ctx, const struct store_job *j), void *ctx, struct ofa_error *err)
{
	(void)s, (void)ids, (void)n, (void)questions, (void)err;
	if (!there.absent)
		each(ctx, &there.row);
	return OFA_OK;
}

static enum ofa_status job_release(struct store *s, const char *id, struct ofa_error *err)
{
	(void)s, (void)id, (void)err;
	return OFA_OK;
}

static enum ofa_status job_prune(struct store *s, double keep_seconds, unsigned max, struct ofa_error *err)
{
	(void)s, (void)keep_seconds, (void)max, (void)err;
	return OFA_OK;
}

static enum ofa_status replica_lives(struct store *s, const char *other, bool *ret, struct ofa_error *err)
{
	(void)s, (void)other, (void)err;
	*ret = true;
	return OFA_OK;
}

static const struct store_sharing sharing = {
	.replica = replica,
	.job_write = job_write,
	.job_get = job_get,
	.job_release = job_release,
	.job_prune = job_prune,
	.replica_lives = replica_lives,
};
static const struct store_driver driver = {.name = "test", .sharing = &sharing};
static struct store store = {.driver = &driver};

/* ---- a table without a clerk ---- */

static struct deliveries deliveries;
static struct jobs table;

static void begin(void)
{
	memset(&there, 0, sizeof(there));
	memset(&table, 0, sizeof(table));
	memset(&deliveries, 0, sizeof(deliveries));
	flights_init(&deliveries.flights);
	table.opt = (struct jobs_options){.deliveries = &deliveries, .max = 8, .keep_ms = 60e3, .store = &store};
	table.sharing = &sharing;
	table.last_over = &table.first_over;
	table.last_due = &table.due;
	table.last_here = &table.here;
	pthread_mutex_init(&table.lock, NULL);
	pthread_cond_init(&table.wake, NULL);
}

/* One of this server's, in this term. */
static struct job *job_of_ours(unsigned term)
{
	struct job_view view = {.id = ID, .version = 1};
	struct job *j = job_new(&table, &view);

	ck_assert_ptr_nonnull(j);
	j->term = term;
	jobs_insert(&table, j);
	table.n++;
	job_here(j);
	return j;
}

/* A row that says this. */
static struct job_row row_of(const char *owner, unsigned term, enum job_state state)
{
	struct job_row row = {.found = true, .over = state >= JOB_SUCCEEDED, .term = term};

	snprintf(row.owner, sizeof(row.owner), "%s", owner);
	row.view = (struct job_view){.id = ID, .state = state, .version = term * JOB_TERM_VERSIONS + 5};
	return row;
}

static void row_is(const struct job_row *row)
{
	char *text = job_view_text(&row->view);

	ck_assert_ptr_nonnull(text);
	snprintf(there.view, sizeof(there.view), "%s", text);
	free(text);
	there.row = (struct store_job){
		.id = ID, .owner = row->owner, .term = row->term, .view = there.view, .over = row->over};
}

static void check_ours(const struct job *j, unsigned term)
{
	ck_assert(!j->mirror);
	ck_assert(!j->over);
	ck_assert_ptr_nonnull(j->link_here);
	ck_assert_uint_eq(j->term, term);
}

/* What the dead owner's row said is applied when the job has been taken from him meanwhile. */
START_TEST(test_row_of_an_earlier_term)
{
	struct job_row row = row_of(OTHER, 1, JOB_RUNNING);
	struct job *j;

	begin();
	j = job_of_ours(2);
	job_apply(j, &row);
	check_ours(j, 2);
	/* as told by him, without an owner */
	row = row_of("", 1, JOB_RUNNING);
	job_apply(j, &row);
	check_ours(j, 2);
	/* what is over is over, whoever said so */
	row = row_of(OTHER, 1, JOB_CANCELLED);
	job_apply(j, &row);
	ck_assert(j->over);
	ck_assert_int_eq(j->view.state, JOB_CANCELLED);
	job_unref(j);
}
END_TEST

/* Its mirrors do not go back to it either. */
START_TEST(test_mirror_of_a_later_term)
{
	struct job_row later = row_of(OTHER, 3, JOB_RUNNING), earlier = row_of(ME, 2, JOB_RUNNING);
	struct job *j;

	begin();
	j = job_of_ours(2);
	job_apply(j, &later);
	ck_assert(j->mirror);
	job_apply(j, &earlier);
	ck_assert(j->mirror);
	ck_assert_uint_eq(j->term, 3);
	job_unref(j);
}
END_TEST

/* The answer is there, and so is another term: what it comes to is that one's to say. */
START_TEST(test_result_of_an_earlier_term)
{
	const struct job_row row = row_of(OTHER, 1, JOB_RUNNING);
	struct ofa_error err = {0};
	struct job *j;

	begin();
	row_is(&row);
	there.written = false;
	j = job_of_ours(0);
	j->landed = true;
	job_final(j, JOB_SUCCEEDED, &j->result);
	ASSERT_OK(job_write_due(j, &err), &err);
	ck_assert(j->mirror);
	ck_assert_msg(!j->over, "the job is over here, while another replica works at it");
	job_unref(j);
}
END_TEST

/* The rows of mirrors are asked for again, should what was told of them be lost. */
START_TEST(test_mirrors_are_refreshed)
{
	struct job_row row = row_of(OTHER, 1, JOB_RUNNING);
	struct ofa_error err = {0};
	struct job *j;

	begin();
	row_is(&row);
	j = jobs_mirror(&table, &row);
	ck_assert_ptr_nonnull(j);
	row = row_of(OTHER, 2, JOB_RUNNING);
	row_is(&row);
	ASSERT_OK(jobs_refresh(&table, &err), &err);
	ck_assert(!j->over);
	ck_assert_uint_eq(j->term, 2);
	/* one that a later version has written is not one that is gone */
	there.row.view = "{\"state\":\"dreaming\"}";
	ASSERT_OK(jobs_refresh(&table, &err), &err);
	ck_assert(!j->over);
	ck_assert_int_eq(j->view.state, JOB_RUNNING);
	ASSERT_OK(job_look_again(j, &err), &err);
	ck_assert(!j->over);
	there.absent = true;
	ASSERT_OK(jobs_refresh(&table, &err), &err);
	ck_assert(j->over);
	ck_assert_int_eq(j->view.state, JOB_FAILED);
	/* kept for who looks at it */
	jobs_drop_mirrors(&table);
	ck_assert_uint_eq(table.n_mirrors, 1);
	job_unref(j);
	jobs_drop_mirrors(&table);
	ck_assert_uint_eq(table.n_mirrors, 0);
}
END_TEST

/* Another replica was faster to take what a third one had left: it is that one's. */
START_TEST(test_taken_by_another)
{
	const struct job_row row = row_of(OTHER, 3, JOB_RUNNING);
	struct ofa_error err = {0};
	struct job *j;

	begin();
	pthread_mutex_init(&table.taking, NULL);
	ASSERT_OK(suspects_new(&store, &table.suspects, &err), &err);
	row_is(&row);
	ASSERT_OK(jobs_take(&table, ID, &j, &err), &err);
	ck_assert_ptr_null(j);
	suspects_free(table.suspects);
}
END_TEST

/* While replicas are replaced by ones with another network, a job is left to one that has its network still; it fails
 * when none has come for as long as jobs are remembered. */
START_TEST(test_network_of_others)
{
	struct job_row row = row_of("", 1, JOB_QUEUED);
	struct networks *networks = calloc(1, sizeof(*networks));
	const struct log log = {.level = LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
	struct ofa_error err = {0};
	struct job *j;

	begin();
	ck_assert_ptr_nonnull(networks);
	table.opt.networks = networks;
	table.opt.log = &log;
	pthread_mutex_init(&table.taking, NULL);
	ASSERT_OK(suspects_new(&store, &table.suspects, &err), &err);
	clock_rfc3339(row.view.created_at);
	row_is(&row);
	there.written = true;
	there.row.question = "{\"network\":\"elsewhere\",\"dtype\":\"float32\",\"seed\":1,\"limits\":{}}";
	ASSERT_OK(jobs_take(&table, ID, &j, &err), &err);
	ck_assert_ptr_null(j);
	ck_assert_ptr_null(*jobs_at(&table, ID));
	snprintf(row.view.created_at, sizeof(row.view.created_at), "2026-01-01T00:00:00.000Z");
	row_is(&row);
	there.row.question = "{\"network\":\"elsewhere\",\"dtype\":\"float32\",\"seed\":1,\"limits\":{}}";
	ASSERT_OK(jobs_take(&table, ID, &j, &err), &err);
	ck_assert_ptr_null(j);
	ck_assert(*jobs_at(&table, ID) && (*jobs_at(&table, ID))->over);
	ck_assert_int_eq((*jobs_at(&table, ID))->view.status, OFA_ERR_NOT_FOUND);
	suspects_free(table.suspects);
	free(networks);
}
END_TEST

/* ---- answers ---- */

static bool freed;

static void answer_gone(struct shared *self)
{
	(void)self;
	freed = true;
}

/* Cancelled in the moment between its answer's being asked for and waited for. */
START_TEST(test_cancelled_before_it_waits)
{
	struct job_row row = row_of(ME, 0, JOB_CANCELLED);
	struct answer a = {.deliveries = &deliveries};
	struct job *j;

	begin();
	freed = false;
	shared_init(&a.flight.shared, answer_gone);
	a.flight.wanted = 1;
	a.flight.landed = true;
	j = job_of_ours(0);
	job_not_here(j);
	job_begin(j, &a);
	job_apply(j, &row);
	ck_assert_msg(!freed, "the answer that is about to be waited for is freed");
	job_await(j, &a, j->landings);
	ck_assert(freed);
	ck_assert(j->over);
	job_unref(j);
}
END_TEST

/* ---- the end ---- */

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Jobs that others give away while this server ends are not taken, nor is anything done about them all the time. */
START_TEST(test_offered_at_the_end)
{
	atomic_bool draining = true;
	const struct jobs_options options = {.max = 8, .keep_ms = 60e3, .store = &store, .draining = &draining};
	struct ofa_error err = {0};
	struct jobs *jobs;
	double begin;

	ASSERT_OK(jobs_new(&options, &jobs, &err), &err);
	jobs_release(jobs);
	jobs_heard(jobs, STORE_JOBS_RELEASED);
	begin = cpu_ms();
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	ck_assert_msg(cpu_ms() - begin < 100, "it took %.0f ms of a processor to wait a second", cpu_ms() - begin);
	jobs_free(jobs);
}
END_TEST

/* ---- who is gone ---- */

START_TEST(test_who_is_gone)
{
	enum { MANY = 100 };
	char names[MANY][STORE_REPLICA_CHARS + 1];
	struct ofa_error err = {0};
	struct suspects *l;
	double now = 1e6;
	bool gone;

	ASSERT_OK(suspects_new(&store, &l, &err), &err);
	ASSERT_OK(suspects_gone(l, ME, &gone, &err), &err);
	ck_assert(gone);
	/* not at the first look, and not after a sign of life */
	ck_assert(!suspects_judge(l, OTHER, false, now));
	ck_assert(!suspects_judge(l, OTHER, false, now + SUSPECTS_GONE_MS - 1));
	ck_assert(suspects_judge(l, OTHER, false, now + SUSPECTS_GONE_MS));
	ck_assert(!suspects_judge(l, OTHER, true, now + SUSPECTS_GONE_MS));
	ck_assert(!suspects_judge(l, OTHER, false, now + SUSPECTS_GONE_MS + 1));
	/* two moments that are far from each other say nothing of the time between them */
	now += 10 * SUSPECTS_PAUSE_MS;
	ck_assert(!suspects_judge(l, OTHER, false, now));
	ck_assert(suspects_judge(l, OTHER, false, now + SUSPECTS_PAUSE_MS));
	/* however many are gone at once */
	now += SUSPECTS_PAUSE_MS;
	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof(names[i]), "%016x", i + 1);
		ck_assert(!suspects_judge(l, names[i], false, now + i));
	}
	for (int i = 0; i < MANY; i++)
		ck_assert(suspects_judge(l, names[i], false, now + 2 * SUSPECTS_GONE_MS + i));
	suspects_free(l);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_row_of_an_earlier_term,
		test_mirror_of_a_later_term,
		test_result_of_an_earlier_term,
		test_mirrors_are_refreshed,
		test_taken_by_another,
		test_network_of_others,
		test_cancelled_before_it_waits,
		test_offered_at_the_end,
		test_who_is_gone,
	};

	return run_tests("jobs_table", tests, OFA_ARRAY_LEN(tests));
}
