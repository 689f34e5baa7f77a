/* What replicas need of each other, on a real PostgreSQL: notifications, locks, and who lives. */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "cluster.h"
#include "store/notification.h"
#include "store/store.h"

#define PATIENCE_MS 30e3

/* ---- what is on the way ---- */

START_TEST(test_notifications)
{
	char out[NOTIFICATION_MAX], text[STORE_TEXT_MAX + 2], hex[2 * OFA_SHA256_BYTES + 1];
	enum store_topic topic;
	const char *rest;

	for (int i = 0; i < STORE_TOPIC_COUNT; i++) {
		enum store_topic t = (enum store_topic)i;

		memset(hex, 'a', sizeof(hex) - 1);
		hex[sizeof(hex) - 1] = '\0';
		ck_assert(notification_format(t, t == STORE_TOPIC_TOKENS ? "" : hex, out));
		ck_assert(notification_parse(out, &topic, &rest));
		ck_assert_int_eq(topic, t);
		ck_assert_str_eq(rest, t == STORE_TOPIC_TOKENS ? "" : hex);
	}
	ck_assert(notification_parse("tokens", &topic, &rest));
	ck_assert(notification_parse("job 0123 running 5", &topic, &rest));
	ck_assert_str_eq(rest, "0123 running 5");
	memset(text, 'x', sizeof(text));
	text[STORE_TEXT_MAX] = '\0';
	ck_assert(notification_format(STORE_TOPIC_JOB, text, out));
	ck_assert(notification_parse(out, &topic, &rest));
	text[STORE_TEXT_MAX] = 'x';
	text[STORE_TEXT_MAX + 1] = '\0';
	ck_assert(!notification_format(STORE_TOPIC_JOB, text, out));
}
END_TEST

START_TEST(test_foreign_notifications)
{
	static const char *const bad[] = {
		"",	   " ",		   "tokens ",	   "tokens x",	    "token",	       "tokensx",
		"Tokens",  "profile",	   "profile ",	   "profile a\nb",  "profile a\x80",   "delivery 0123",
		"weather", "weather rain", "profile\ta/b", "profile a\x7f", "cancel",	       "job ",
		" profile a",
	};
	char hex[2 * OFA_SHA256_BYTES + 2], payload[256];
	enum store_topic topic;
	const char *rest;

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(!notification_parse(bad[i], &topic, &rest), "\"%s\" was taken", bad[i]);
	memset(hex, 'a', sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0'; /* one digit too many */
	snprintf(payload, sizeof(payload), "delivery %s", hex);
	ck_assert(!notification_parse(payload, &topic, &rest));
	hex[2 * OFA_SHA256_BYTES - 1] = 'A';
	hex[2 * OFA_SHA256_BYTES] = '\0';
	snprintf(payload, sizeof(payload), "delivery %s", hex);
	ck_assert(!notification_parse(payload, &topic, &rest));
}
END_TEST

/* ---- a listener that remembers ---- */

struct ear {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned heard[STORE_TOPIC_COUNT], missed, lost, answered;
	uint64_t measurement;
	char last[STORE_TEXT_MAX + 1];
};

static void heard(void *ctx, enum store_topic topic, const char *text)
{
	struct ear *e = ctx;

	pthread_mutex_lock(&e->lock);
	e->heard[topic]++;
	snprintf(e->last, sizeof(e->last), "%s", text);
	pthread_cond_broadcast(&e->more);
	pthread_mutex_unlock(&e->lock);
}

static void count(struct ear *e, unsigned *n)
{
	pthread_mutex_lock(&e->lock);
	(*n)++;
	pthread_cond_broadcast(&e->more);
	pthread_mutex_unlock(&e->lock);
}

static void missed(void *ctx)
{
	struct ear *e = ctx;

	count(e, &e->missed);
}

static void lost(void *ctx, const char *why)
{
	struct ear *e = ctx;

	ck_assert_int_gt((int)strlen(why), 0);
	count(e, &e->lost);
}

static void answered(void *ctx, uint64_t measurement)
{
	struct ear *e = ctx;

	e->measurement = measurement;
	count(e, &e->answered);
}

/* Until the count is at least n. */
static void await(struct ear *e, const unsigned *count_of, unsigned n)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += (time_t)(PATIENCE_MS / 1e3);
	pthread_mutex_lock(&e->lock);
	while (*count_of < n)
		ck_assert_int_eq(pthread_cond_timedwait(&e->more, &e->lock, &end), 0);
	pthread_mutex_unlock(&e->lock);
}

static struct store *open_store(const char *url)
{
	const struct store_options options = {.connections = 2};
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_OK(store_open(url, NULL, &options, &s, &err), &err);
	ck_assert_ptr_nonnull(store_sharing(s));
	return s;
}

static struct store *open_listening(const char *url, struct ear *e)
{
	struct store *s = open_store(url);
	const struct store_listener listener = {
		.heard = heard, .missed = missed, .lost = lost, .answered = answered, .ctx = e};
	struct ofa_error err = {0};

	memset(e, 0, sizeof(*e));
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->more, NULL);
	ASSERT_OK(store_sharing(s)->listen(s, &listener, &err), &err);
	await(e, &e->missed, 1);
	return s;
}

static void tell(struct store *s, enum store_topic topic, const char *text)
{
	struct ofa_error err = {0};

	ASSERT_OK(store_sharing(s)->publish(s, topic, text, &err), &err);
}

/* ---- hearing ---- */

START_TEST(test_all_hear)
{
	char url[CLUSTER_URL_MAX];
	struct ear a, b;
	struct ofa_error err = {0};
	struct store *first, *second;

	cluster_database("hear", url);
	first = open_listening(url, &a);
	second = open_listening(url, &b);
	ck_assert_str_ne(store_sharing(first)->replica(first), store_sharing(second)->replica(second));
	tell(first, STORE_TOPIC_PROFILE, "acme/phone");
	await(&a, &a.heard[STORE_TOPIC_PROFILE], 1);
	await(&b, &b.heard[STORE_TOPIC_PROFILE], 1);
	ck_assert_str_eq(b.last, "acme/phone");
	tell(second, STORE_TOPIC_TOKENS, "");
	await(&a, &a.heard[STORE_TOPIC_TOKENS], 1);
	ASSERT_FAILS(store_sharing(first)->publish(first, STORE_TOPIC_PROFILE, "two\nlines", &err), OFA_ERR_INVALID);
	/* what others say on the channel is let pass */
	{
		char out[64];

		cluster_ask(url, "SELECT pg_notify('ofad', 'weather rain')", out, sizeof(out));
		cluster_ask(url, "SELECT pg_notify('ofad', 'profile x')", out, sizeof(out));
	}
	await(&a, &a.heard[STORE_TOPIC_PROFILE], 2);
	ck_assert_uint_eq(a.lost, 0);
	store_close(second);
	store_close(first);
}
END_TEST

/* All jobs at once are offered to everybody; one that could not be worked at is not, or servers that cannot work at it
 * either would hand it round as fast as they can. */
START_TEST(test_jobs_given_away)
{
	static const char *const ids[] = {"0123456789abcdef0123456789abcde0", "0123456789abcdef0123456789abcde1"};
	const struct store_sharing *sharing;
	char url[CLUSTER_URL_MAX];
	struct ofa_error err = {0};
	struct store *s;
	struct ear e;

	cluster_database("given", url);
	s = open_listening(url, &e);
	sharing = store_sharing(s);
	for (int i = 0; i < 2; i++) {
		const struct store_job j = {.id = ids[i], .owner = sharing->replica(s), .question = "?", .view = "!"};

		ASSERT_OK(sharing->job_add(s, &j, &err), &err);
	}
	await(&e, &e.heard[STORE_TOPIC_JOB], 2);
	ASSERT_OK(sharing->job_release(s, ids[0], &err), &err);
	tell(s, STORE_TOPIC_TOKENS, "");
	await(&e, &e.heard[STORE_TOPIC_TOKENS], 1);
	ck_assert_uint_eq(e.heard[STORE_TOPIC_JOB], 2);
	ASSERT_OK(sharing->job_release(s, NULL, &err), &err);
	await(&e, &e.heard[STORE_TOPIC_JOB], 3);
	ck_assert_str_eq(e.last, STORE_JOBS_RELEASED);
	store_close(s);
}
END_TEST

/* A session of the database's that is ended from outside: both connections come back, and say what was missed. */
START_TEST(test_connections_come_back)
{
	char url[CLUSTER_URL_MAX], out[64];
	struct ear e;
	struct store *s;
	bool held;
	struct ofa_error err = {0};
	const uint8_t question[OFA_SHA256_BYTES] = {7};

	cluster_database("back", url);
	s = open_listening(url, &e);
	for (unsigned i = 1; i <= 3; i++) {
		cluster_ask(url,
			    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'back' "
			    "AND pid <> pg_backend_pid()",
			    out, sizeof(out));
		await(&e, &e.missed, 1 + i);
		ck_assert_uint_eq(e.lost, i);
		tell(s, STORE_TOPIC_PROFILE, "p");
		await(&e, &e.heard[STORE_TOPIC_PROFILE], i);
		ASSERT_OK(store_sharing(s)->question_lock(s, question, &held, &err), &err);
		ck_assert(held);
		store_sharing(s)->question_unlock(s, question);
		await(&e, &e.heard[STORE_TOPIC_DELIVERY], i);
	}
	store_close(s);
}
END_TEST

START_TEST(test_restart_of_the_database)
{
	char url[CLUSTER_URL_MAX];
	struct ear e;
	struct store *s;

	cluster_database("restart", url);
	s = open_listening(url, &e);
	cluster_control("restart", "immediate");
	await(&e, &e.missed, 2);
	ck_assert_uint_eq(e.lost, 1);
	tell(s, STORE_TOPIC_PROFILE, "p");
	await(&e, &e.heard[STORE_TOPIC_PROFILE], 1);
	store_close(s);
}
END_TEST

/* A database that is there and says nothing: silence grows, contact is given up, and found again by itself. */
START_TEST(test_silence)
{
	char url[CLUSTER_URL_MAX];
	struct ear e;
	struct store *s;
	double silence;

	cluster_database("silence", url);
	s = open_listening(url, &e);
	await(&e, &e.answered, 3);
	silence = store_sharing(s)->silence_ms(s);
	ck_assert(silence >= 0);
	cluster_signal(SIGSTOP);
	await(&e, &e.lost, 1);
	ck_assert(store_sharing(s)->silence_ms(s) > 1000);
	cluster_signal(SIGCONT);
	await(&e, &e.missed, 2);
	await(&e, &e.answered, e.answered + 2);
	store_close(s);
}
END_TEST

/* ---- locks ---- */

static bool lock(struct store *s, const uint8_t *question)
{
	struct ofa_error err = {0};
	bool held = false;

	ASSERT_OK(store_sharing(s)->question_lock(s, question, &held, &err), &err);
	return held;
}

START_TEST(test_one_has_a_question)
{
	const uint8_t one[OFA_SHA256_BYTES] = {0xff, 1, 2, 3, 4, 5, 6, 7}, two[OFA_SHA256_BYTES] = {1};
	char url[CLUSTER_URL_MAX];
	struct ear a;
	struct store *first, *second;

	cluster_database("locks", url);
	first = open_listening(url, &a);
	second = open_store(url);
	ck_assert(lock(first, one));
	ck_assert(!lock(second, one));
	ck_assert(lock(second, two));
	store_sharing(second)->question_unlock(second, one); /* not its own */
	await(&a, &a.heard[STORE_TOPIC_DELIVERY], 1);
	ck_assert(!lock(second, one));
	store_sharing(first)->question_unlock(first, one);
	await(&a, &a.heard[STORE_TOPIC_DELIVERY], 2);
	ck_assert(lock(second, one));
	/* who ends has none */
	store_close(second);
	while (!lock(first, one) || !lock(first, two))
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	store_close(first);
}
END_TEST

/* ---- who lives ---- */

static bool lives(struct store *s, const char *replica)
{
	struct ofa_error err = {0};
	bool ret = false;

	ASSERT_OK(store_sharing(s)->replica_lives(s, replica, &ret, &err), &err);
	return ret;
}

static void await_life(struct store *s, const char *replica, bool expected)
{
	double end = clock_ms() + PATIENCE_MS;

	while (lives(s, replica) != expected) {
		ck_assert_msg(clock_ms() < end, "%s still %s", replica, expected ? "does not live" : "lives");
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
}

START_TEST(test_who_lives)
{
	char url[CLUSTER_URL_MAX], name[STORE_REPLICA_CHARS + 1], out[64];
	struct ear a, b;
	struct store *first, *second;

	cluster_database("lives", url);
	first = open_listening(url, &a);
	second = open_listening(url, &b);
	snprintf(name, sizeof(name), "%s", store_sharing(second)->replica(second));
	await_life(first, name, true);
	await_life(second, store_sharing(first)->replica(first), true);
	ck_assert(!lives(first, "0123456789abcdef"));
	ck_assert(!lives(first, "no replica"));
	/* the lock comes back with the connection */
	cluster_ask(url,
		    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'lives' "
		    "AND pid <> pg_backend_pid()",
		    out, sizeof(out));
	await(&b, &b.missed, 2);
	await_life(first, name, true);
	store_close(second);
	await_life(first, name, false);
	store_close(first);
}
END_TEST

int main(void)
{
	const TTest *const parts[] = {test_notifications, test_foreign_notifications};
	const TTest *const tests[] = {
		test_all_hear, test_jobs_given_away, test_connections_come_back, test_restart_of_the_database,
		test_silence, test_one_has_a_question, test_who_lives,
	};
	int status = run_tests("notifications", parts, OFA_ARRAY_LEN(parts));

	if (!cluster_start())
		return status ? status : CLUSTER_SKIPPED;
	status |= run_tests("sharing", tests, OFA_ARRAY_LEN(tests));
	cluster_stop();
	return status;
}
