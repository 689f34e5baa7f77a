/* Jobs, idempotency keys and the ledger of several ofad that share a PostgreSQL: seen, watched and cancelled from any
 * of them, and outliving the one that works at them. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cluster.h"
#include "job_client.h"

enum { REPLICAS_MAX = 3, MANY = 100, PATIENCE_MS = 120000 };

/* The profile's front is under way for some seconds, and all that is asked of it waits. */
#if defined(__SANITIZE_THREAD__)
#define SLOW_FRONT "50000"
#elif defined(__SANITIZE_ADDRESS__)
#define SLOW_FRONT "400000"
#else
#define SLOW_FRONT "2000000"
#endif

/* ---- replicas ---- */

struct fleet {
	int n;
	struct daemon d[REPLICAS_MAX];
	char data[REPLICAS_MAX][32];
	char url[CLUSTER_URL_MAX];
};

static void fleet_start(struct fleet *f, int i, const char *workers)
{
	daemon_start(&f->d[i], f->data[i], "--store", f->url, "--packages", "postgresql", "--front-evaluations",
		     SLOW_FRONT, "--event-ms", "50", "--workers", workers, NULL);
	daemon_wait_ready(&f->d[i]);
}

static void fleet_begin(struct fleet *f, const char *name, int n)
{
	f->n = n;
	cluster_database(name, f->url);
	for (int i = 0; i < n; i++) {
		snprintf(f->data[i], sizeof(f->data[i]), "%.20s-%d", name, i);
		fleet_start(f, i, "1");
	}
	store_profile(&f->d[0]);
}

static void await_state(const struct daemon *d, const char *path, const char *state)
{
	double until = now_ms() + PATIENCE_MS;
	bool there;

	do {
		json_t *job = get_job(d, path);

		there = state_is(job, state);
		ck_assert_msg(now_ms() < until, "the job does not become %s", state);
		json_decref(job);
		pause_ms(20);
	} while (!there);
}

static void check_succeeded(const struct daemon *d, const char *path)
{
	json_t *job = await_job(d, path), *links;
	struct reply r;

	ck_assert_msg(state_is(job, "succeeded"), "%s", json_dumps(job, 0));
	links = json_object_get(job, "links");
	ask(d, "GET", string_at(links, "subnet"), NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	json_decref(job);
}

/* ---- events ---- */

/* What a stream has said by now, on a socket of its own. */
struct stream {
	int fd;
	size_t n;
	char text[1 << 21];
	unsigned after, last; /* ids: that the client had, and has */
	char event[16];
};

static void stream_open(struct stream *s, const struct daemon *d, const char *path, unsigned after)
{
	char text[320];
	int n = snprintf(text, sizeof(text),
			 "GET %s/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nLast-Event-ID: %u\r\n\r\n", path,
			 after);

	memset(s, 0, sizeof(*s));
	s->after = s->last = after;
	s->fd = raw_connect(d);
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(send(s->fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* Ids rise in the order in which they come. */
static void stream_scan(struct stream *s)
{
	s->last = s->after;
	for (const char *p = s->text; (p = strstr(p, "\nid: ")) && strstr(p, "\n\n"); p++) {
		unsigned id;

		ck_assert_int_eq(sscanf(p, "\nid: %u\nevent: %15[a-z]\n", &id, s->event), 2);
		ck_assert_uint_gt(id, s->last);
		s->last = id;
	}
}

/* Reads until the stream has told of something newer, or to its end. */
static void stream_read(struct stream *s, bool to_end)
{
	const unsigned known = s->last;

	while (s->n < sizeof(s->text) - 1) {
		ssize_t n = recv(s->fd, s->text + s->n, sizeof(s->text) - 1 - s->n, 0);

		if (n <= 0)
			break;
		s->n += (size_t)n;
		s->text[s->n] = '\0';
		stream_scan(s);
		if (!to_end && s->last > known)
			break;
	}
	ck_assert_msg(strncmp(s->text, "HTTP/1.1 200", 12) == 0, "%.300s", s->text);
}

static void stream_close(struct stream *s)
{
	close(s->fd);
}

/* To its end, on a replica, from what the client has on. */
static void check_end(const struct daemon *d, const char *path, unsigned after, const char *state)
{
	static struct stream s;
	char expected[64];

	stream_open(&s, d, path, after);
	stream_read(&s, true);
	snprintf(expected, sizeof(expected), "\"state\":\"%s\"", state);
	ck_assert_str_eq(s.event, "end");
	ck_assert_uint_gt(s.last, after);
	ck_assert_ptr_nonnull(strstr(s.text, expected));
	stream_close(&s);
}

/* ---- tests ---- */

START_TEST(test_seen_and_cancelled)
{
	static struct stream s;
	char path[JOB_PATH_MAX], more[JOB_PATH_MAX];
	struct fleet f;
	struct reply r;
	json_t *here, *there;

	fleet_begin(&f, "seen", 2);
	begin_job(&f.d[0], SLOW, path);
	await_state(&f.d[1], path, "running");
	here = get_job(&f.d[0], path);
	there = get_job(&f.d[1], path);
	ck_assert_str_eq(string_at(here, "id"), string_at(there, "id"));
	ck_assert_str_eq(string_at(here, "created_at"), string_at(there, "created_at"));
	json_decref(here);
	json_decref(there);
	/* progress is told, too */
	stream_open(&s, &f.d[1], path, 0);
	stream_read(&s, false);
	stream_read(&s, false);
	ck_assert_str_eq(s.event, "progress");
	cancel_job(&f.d[1], path);
	stream_read(&s, true);
	ck_assert_str_eq(s.event, "end");
	stream_close(&s);
	await_state(&f.d[0], path, "cancelled");
	await_log(f.data[0], "\"outcome\":\"cancelled\"", 1);
	cancel_job(&f.d[0], path);
	check_end(&f.d[1], path, 0, "cancelled");
	/* and the other way round: from where it is, seen from the other */
	begin_job(&f.d[0], SLOW_TOO, more);
	cancel_job(&f.d[0], more);
	await_state(&f.d[1], more, "cancelled");
	ask(&f.d[1], "GET", "/jobs/0123456789abcdef0123456789abcdef", NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	ask(&f.d[1], "GET", "/jobs/no-job", NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	end(&f.d[0]);
	/* over is over, wherever it was */
	await_state(&f.d[1], path, "cancelled");
	end(&f.d[1]);
}
END_TEST

/* The owner dies in the middle of a search; a client that follows it goes elsewhere with the id that it has. */
START_TEST(test_owner_killed)
{
	static struct stream s;
	char path[JOB_PATH_MAX];
	struct fleet f;

	fleet_begin(&f, "killed", 2);
	begin_job(&f.d[0], SLOW, path);
	await_state(&f.d[1], path, "running");
	stream_open(&s, &f.d[0], path, 0);
	stream_read(&s, false);
	daemon_stop(&f.d[0], SIGKILL);
	stream_close(&s);
	check_end(&f.d[1], path, s.last, "succeeded");
	check_succeeded(&f.d[1], path);
	await_log(f.data[1], "goes on here, in term 1", 1);
	end(&f.d[1]);
}
END_TEST

/* Nobody asks for it: it goes on all the same. */
START_TEST(test_killed_and_alone)
{
	char path[JOB_PATH_MAX];
	struct fleet f;

	fleet_begin(&f, "alone", 2);
	begin_job(&f.d[0], SLOW, path);
	daemon_stop(&f.d[0], SIGKILL);
	await_log(f.data[1], "\"outcome\":\"ok\"", 1);
	check_succeeded(&f.d[1], path);
	end(&f.d[1]);
}
END_TEST

/* A job is given away before its server ends, and waits for the next one if there is none. */
START_TEST(test_owner_terminated)
{
	char path[JOB_PATH_MAX], more[JOB_PATH_MAX];
	struct fleet f;

	fleet_begin(&f, "ended", 2);
	begin_job(&f.d[0], SLOW, path);
	await_state(&f.d[1], path, "running");
	end(&f.d[0]);
	check_succeeded(&f.d[1], path);
	await_log(f.data[1], "goes on here, in term 1", 1);
	begin_job(&f.d[1], "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.14},\"seed\":5}", more);
	end(&f.d[1]);
	fleet_start(&f, 0, "1");
	check_succeeded(&f.d[0], more);
	check_succeeded(&f.d[0], path);
	end(&f.d[0]);
}
END_TEST

/* A hundred jobs over three replicas, one of which dies: all succeed, and both others say the same of each. */
START_TEST(test_many)
{
	static char paths[MANY][JOB_PATH_MAX];
	struct fleet f;

	fleet_begin(&f, "many", 3);
	for (int i = 0; i < MANY; i++) {
		char body[128];

		snprintf(body, sizeof(body),
			 "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.12},\"seed\":%d}", i);
		begin_job(&f.d[i % 3], body, paths[i]);
	}
	daemon_stop(&f.d[0], SIGKILL);
	for (int i = 0; i < MANY; i++) {
		json_t *first, *second;

		check_succeeded(&f.d[1 + i % 2], paths[i]);
		first = get_job(&f.d[1], paths[i]);
		second = get_job(&f.d[2], paths[i]);
		json_object_del(first, "poll_after_s");
		json_object_del(second, "poll_after_s");
		ck_assert(json_equal(first, second));
		json_decref(first);
		json_decref(second);
	}
	end(&f.d[1]);
	end(&f.d[2]);
}
END_TEST

/* A row that was written when the connection was lost: its server takes it for not written, and yet it is that
 * one's. */
START_TEST(test_unknown_of)
{
	const double until = now_ms() + PATIENCE_MS;
	char path[JOB_PATH_MAX], count[16];
	struct fleet f;

	fleet_begin(&f, "unknown", 1);
	begin_job(&f.d[0], SLOW, path);
	cluster_ask(f.url,
		    "INSERT INTO jobs (id, owner, question, view) SELECT repeat('e', 32), owner, question, "
		    "replace(view, id, repeat('e', 32)) FROM jobs",
		    count, sizeof(count));
	do {
		ck_assert_msg(now_ms() < until, "the row is nobody's job");
		pause_ms(50);
		cluster_ask(f.url, "SELECT count(*) FROM jobs WHERE over_at IS NOT NULL AND deaths = 0", count,
			    sizeof(count));
	} while (strcmp(count, "2") != 0);
	check_succeeded(&f.d[0], "/jobs/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
	end(&f.d[0]);
}
END_TEST

/* ---- what else is equal ---- */

/* POST /subnets for a manifest, with a key. */
static void post_key(const struct daemon *d, const char *key, const char *prefer, const char *body, struct reply *r)
{
	char headers[256];

	snprintf(headers, sizeof(headers), SEND_JSON "\nAccept: " JSON "\nIdempotency-Key: \"%s\"%s%s", key,
		 prefer ? "\nPrefer: " : "", prefer ? prefer : "");
	ask(d, "POST", "/subnets", headers, body, r);
}

#define QUICK "{\"limits\":{\"macs\":1e9}}"

static void check_key(const struct daemon *d, const char *key, const char *body, long status, const char *slug)
{
	struct reply r;

	post_key(d, key, NULL, body, &r);
	if (slug)
		json_decref(check_problem(&r, status, slug, "Idempotency-Key"));
	ck_assert_int_eq(r.status, status);
	reply_release(&r);
}

START_TEST(test_keys)
{
	char path[JOB_PATH_MAX];
	struct fleet f;
	struct reply a, b;

	fleet_begin(&f, "keys", 2);
	post_key(&f.d[0], "one", NULL, QUICK, &a);
	ck_assert_int_eq(a.status, 200);
	post_key(&f.d[1], "one", NULL, QUICK, &b);
	ck_assert_int_eq(b.status, 200);
	ck_assert_uint_eq(a.body.len, b.body.len);
	ck_assert_mem_eq(a.body.data, b.body.data, a.body.len);
	reply_release(&a);
	reply_release(&b);
	check_key(&f.d[1], "one", "{}", 422, "idempotency-key-used");
	check_key(&f.d[0], "one", "{}", 422, "idempotency-key-used");
	/* a job is the first one's */
	post_key(&f.d[0], "two", "respond-async", SLOW, &a);
	accepted(&a, "respond-async", path);
	reply_release(&a);
	post_key(&f.d[1], "two", "respond-async", SLOW, &b);
	ck_assert_int_eq(b.status, 202);
	ck_assert_str_eq(reply_header(&b, "Location"), path);
	reply_release(&b);
	check_succeeded(&f.d[1], path);
	check_key(&f.d[1], "two", SLOW, 200, NULL);
	/* what a later version may have written instead is believed no further than it goes */
	cluster_ask(f.url, "UPDATE idempotency_keys SET result = '\\x00' RETURNING 1", path, sizeof(path));
	ck_assert_str_eq(path, "1");
	post_key(&f.d[1], "one", NULL, QUICK, &a);
	json_decref(check_problem(&a, 503, "overload", NULL));
	reply_release(&a);
	check_key(&f.d[0], "one", QUICK, 200, NULL);
	end(&f.d[0]);
	end(&f.d[1]);
}
END_TEST

struct asker {
	const struct daemon *d;
	pthread_t thread;
};

/* Its server dies before it answers. */
static void *ask_in_vain(void *arg)
{
	static const char request[] = "POST /subnets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				      "Idempotency-Key: \"three\"\r\nContent-Length: ";
	struct asker *a = arg;
	char text[512], out[512];
	int n = snprintf(text, sizeof(text), "%s%zu\r\n\r\n%s", request, strlen(SLOW), SLOW);
	int fd = raw_connect(a->d);

	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	ck_assert_int_le(recv(fd, out, sizeof(out), 0), 0);
	close(fd);
	return NULL;
}

/* While a request is under way others are told so everywhere; when its server is gone the next one is the first. */
START_TEST(test_busy_key)
{
	double until = now_ms() + PATIENCE_MS;
	char count[16];
	struct fleet f;
	struct asker a = {.d = &f.d[0]};
	struct reply r;

	fleet_begin(&f, "busy", 2);
	ck_assert_int_eq(pthread_create(&a.thread, NULL, ask_in_vain, &a), 0);
	do {
		cluster_ask(f.url, "SELECT count(*) FROM idempotency_keys", count, sizeof(count));
		pause_ms(10);
	} while (strcmp(count, "1") != 0);
	check_key(&f.d[1], "three", SLOW, 409, "idempotency-key-busy");
	check_key(&f.d[1], "three", QUICK, 422, "idempotency-key-used");
	daemon_stop(&f.d[0], SIGKILL);
	pthread_join(a.thread, NULL);
	do {
		post_key(&f.d[1], "three", NULL, SLOW, &r);
		ck_assert(r.status == 409 || r.status == 200);
		ck_assert(now_ms() < until);
		reply_release(&r);
		pause_ms(100);
	} while (r.status == 409);
	end(&f.d[1]);
}
END_TEST

/* While the database is away jobs go on where they are, and are told there; what is elsewhere cannot be told. */
START_TEST(test_database_away)
{
	char here[JOB_PATH_MAX], there[JOB_PATH_MAX];
	struct fleet f;
	struct reply r;

	fleet_begin(&f, "away", 2);
	begin_job(&f.d[0], SLOW, here);
	begin_job(&f.d[1], SLOW_TOO, there);
	await_state(&f.d[0], here, "running");
	await_state(&f.d[1], there, "running");
	cluster_control("stop", "immediate");
	json_decref(get_job(&f.d[0], here));
	json_decref(get_job(&f.d[1], there));
	ask(&f.d[0], "GET", there, NULL, NULL, &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
	ask(&f.d[0], "DELETE", here, NULL, NULL, &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	reply_release(&r);
	cluster_control("start", NULL);
	check_succeeded(&f.d[0], here);
	check_succeeded(&f.d[1], there);
	check_succeeded(&f.d[1], here);
	check_succeeded(&f.d[0], there);
	end(&f.d[0]);
	end(&f.d[1]);
}
END_TEST

static double deliveries(const struct daemon *d)
{
	struct reply r;
	json_t *json;
	double n;

	ask(d, "GET", "/ledger", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	n = number_at(json_object_get(json, "counts"), "deliveries");
	json_decref(json);
	reply_release(&r);
	return n;
}

static void await_deliveries(const struct daemon *d, double expected)
{
	double until = now_ms() + PATIENCE_MS, n;

	while (n = deliveries(d), n < expected || n > expected) {
		ck_assert_msg(now_ms() < until, "%g deliveries instead of %g", n, expected);
		pause_ms(100);
	}
}

/* What every replica did is in the ledger of each. */
START_TEST(test_ledger)
{
	struct fleet f;
	struct reply r;

	fleet_begin(&f, "ledger", 2);
	for (int i = 0; i < 7; i++) {
		post_subnet(&f.d[i % 2], JSON, QUICK, &r);
		ck_assert_int_eq(r.status, 200);
		reply_release(&r);
	}
	await_deliveries(&f.d[0], 7);
	await_deliveries(&f.d[1], 7);
	end(&f.d[0]);
	await_deliveries(&f.d[1], 7);
	fleet_start(&f, 0, "1");
	await_deliveries(&f.d[0], 7);
	end(&f.d[0]);
	end(&f.d[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_seen_and_cancelled, test_owner_killed, test_killed_and_alone, test_owner_terminated, test_many,
		test_unknown_of, test_keys, test_busy_key, test_database_away, test_ledger,
	};
	int status;

	if (!cluster_start())
		return CLUSTER_SKIPPED;
	world_make();
	status = run_tests("jobs_shared", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	cluster_stop();
	return status;
}
