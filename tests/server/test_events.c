/* Server-sent events of jobs: progress, resumption, heartbeats, clients that come and go. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job_client.h"

enum { MANY = 400, GONE = 20, EVENTS_MAX = 4096 };

/* ---- streams ---- */

struct event {
	unsigned id;
	bool end;
	json_t *job;
};

/* The next event at *at, past comments and the retry line; false at the end. */
static bool next_event(const char **at, struct event *ret)
{
	const char *p = *at, *data;
	char name[16];

	while (strncmp(p, "id: ", 4) != 0) {
		p = strstr(p, "\n\n");
		if (!p)
			return false;
		p += 2;
	}
	ck_assert_int_eq(sscanf(p, "id: %u\nevent: %15[a-z]\n", &ret->id, name), 2);
	ret->end = strcmp(name, "end") == 0;
	ck_assert(ret->end || strcmp(name, "progress") == 0);
	data = strstr(p, "\ndata: ") + 7;
	*at = strstr(data, "\n\n") + 2;
	ret->job = json_loadb(data, (size_t)(*at - 2 - data), 0, NULL);
	ck_assert_ptr_nonnull(ret->job);
	return true;
}

/* All of a stream that has ended: ids and progress rise, and the last event is the end.  How many there were. */
static int check_stream(struct reply *r, unsigned after, const char *state, unsigned *ret_first, unsigned *ret_last)
{
	unsigned last = after;
	struct event e;
	const char *at;
	int n = 0;

	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(reply_header(r, "Content-Type"), "text/event-stream");
	ck_assert_str_eq(reply_header(r, "Cache-Control"), "no-store");
	ck_assert_int_eq(ofa_buf_cstr(&r->body, &at), OFA_OK);
	ck_assert_int_eq(strncmp(at, "retry: ", 7), 0);
	e.end = false;
	while (next_event(&at, &e)) {
		ck_assert_uint_gt(e.id, last);
		last = e.id;
		if (n++ == 0)
			*ret_first = e.id;
		ck_assert(e.end == state_is(e.job, state));
		json_decref(e.job);
	}
	ck_assert(e.end);
	ck_assert_str_eq(at, "");
	*ret_last = last;
	return n;
}

struct listener {
	const struct daemon *d;
	char path[JOB_PATH_MAX];
	struct reply reply;
	pthread_t thread;
};

static void *listen_main(void *arg)
{
	struct listener *l = arg;

	ask(l->d, "GET", l->path, "Accept: text/event-stream", NULL, &l->reply);
	return NULL;
}

static void listen_to(struct listener *l, const struct daemon *d, const char *job)
{
	l->d = d;
	snprintf(l->path, sizeof(l->path), "%.100s/events", job);
	ck_assert_int_eq(pthread_create(&l->thread, NULL, listen_main, l), 0);
}

/* A stream on a socket that nobody reads. */
static int open_stream(const struct daemon *d, const char *job)
{
	char text[256];
	int fd = raw_connect(d), n;

	ck_assert_int_ge(fd, 0);
	n = snprintf(text, sizeof(text), "GET %s/events HTTP/1.1\r\nHost: x\r\n\r\n", job);
	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	return fd;
}

/* ---- tests ---- */

/* From the first to the last event, then again from the middle, from the end, and from nowhere. */
START_TEST(test_progress)
{
	char path[JOB_PATH_MAX], events[JOB_PATH_MAX + 16], headers[64];
	unsigned first, last, middle, end_id;
	struct daemon d;
	struct reply r;

	daemon_start(&d, "progress", LONG_FRONT, "--event-ms", "50", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	snprintf(events, sizeof(events), "%s/events", path);
	ask(&d, "GET", events, NULL, NULL, &r);
	ck_assert_int_gt(check_stream(&r, 0, "succeeded", &first, &last), 10);
	reply_release(&r);
	ask(&d, "GET", events, NULL, NULL, &r);
	ck_assert_int_eq(check_stream(&r, 0, "succeeded", &middle, &end_id), 1);
	ck_assert_uint_eq(end_id, last);
	reply_release(&r);
	snprintf(headers, sizeof(headers), "Last-Event-ID: %u", first);
	ask(&d, "GET", events, headers, NULL, &r);
	ck_assert_int_eq(check_stream(&r, first, "succeeded", &middle, &end_id), 1);
	reply_release(&r);
	snprintf(headers, sizeof(headers), "Last-Event-ID: %u", last);
	ask(&d, "GET", events, headers, NULL, &r);
	ck_assert_int_eq(r.status, 204);
	ck_assert_uint_eq(r.body.len, 0);
	reply_release(&r);
	ask(&d, "GET", events, "Last-Event-ID: 999999999", NULL, &r);
	ck_assert_int_eq(check_stream(&r, 0, "succeeded", &middle, &end_id), 1);
	reply_release(&r);
	end(&d);
}
END_TEST

/* One that breaks off half way goes on where it was. */
START_TEST(test_resumption)
{
	char path[JOB_PATH_MAX], events[JOB_PATH_MAX + 16], headers[64], text[4096];
	unsigned seen = 0, first, last;
	struct daemon d;
	struct reply r;
	size_t len = 0;
	int fd;

	daemon_start(&d, "resumption", LONG_FRONT, "--event-ms", "50", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	fd = open_stream(&d, path);
	while (len < sizeof(text) - 1) {
		ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);

		ck_assert_int_gt(n, 0);
		len += (size_t)n;
	}
	text[len] = '\0';
	close(fd);
	for (const char *p = text; (p = strstr(p, "id: ")); p++)
		if (strstr(p, "}\n\n")) /* it came whole */
			seen = (unsigned)strtoul(p + 4, NULL, 10);
	ck_assert_uint_gt(seen, 0);
	snprintf(events, sizeof(events), "%s/events", path);
	snprintf(headers, sizeof(headers), "Last-Event-ID: %u", seen);
	ask(&d, "GET", events, headers, NULL, &r);
	ck_assert_int_gt(check_stream(&r, seen, "succeeded", &first, &last), 1);
	reply_release(&r);
	end(&d);
}
END_TEST

/* In silence the stream says that it is alive; what ends the job ends it at once. */
START_TEST(test_heartbeat)
{
	struct listener l;
	char path[JOB_PATH_MAX];
	unsigned first, last;
	struct daemon d;
	int pings = 0;
	double begin;

	daemon_start(&d, "heartbeat", LONG_FRONT, "--event-ms", "60000", "--ping-seconds", "1", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	listen_to(&l, &d, path);
	pause_ms(3500);
	cancel_job(&d, path);
	begin = now_ms();
	pthread_join(l.thread, NULL);
	ck_assert(now_ms() - begin < 900);
	ck_assert_int_le(check_stream(&l.reply, 0, "cancelled", &first, &last), 4);
	for (const char *p = (const char *)l.reply.body.data; (p = strstr(p, "\n\n: ping\n\n")); p++)
		pings++;
	ck_assert_int_ge(pings, 2);
	ck_assert_int_le(pings, 4);
	reply_release(&l.reply);
	end(&d);
}
END_TEST

/* Hundreds listen, on two threads, and nothing else waits for that. */
START_TEST(test_many)
{
	char path[JOB_PATH_MAX], text[EVENTS_MAX];
	static int fds[MANY];
	struct daemon d;
	double begin;

	daemon_start(&d, "many", LONG_FRONT, "--event-ms", "200", "--http-threads", "2", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	for (int i = 0; i < MANY; i++)
		fds[i] = open_stream(&d, path);
	pause_ms(1000);
	begin = now_ms();
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	ck_assert(now_ms() - begin < 2000);
	cancel_job(&d, path);
	for (int i = 0; i < MANY; i++) {
		size_t len = 0;
		ssize_t n;

		/* the last kilobytes of each */
		while ((n = recv(fds[i], text + len, sizeof(text) - 1 - len, 0)) > 0) {
			len += (size_t)n;
			text[len] = '\0';
			if (strstr(text, "event: end") && strstr(text, "0\r\n\r\n"))
				break;
			if (len > sizeof(text) / 2) {
				memmove(text, text + len - 600, 601);
				len = 600;
			}
		}
		ck_assert_msg(strstr(text, "event: end") != NULL, "stream %d has no end", i);
		ck_assert_ptr_nonnull(strstr(text, "\"state\":\"cancelled\""));
		close(fds[i]);
	}
	end(&d);
}
END_TEST

static long in_flight(const struct daemon *d)
{
	struct reply r;
	const char *text, *at;
	long n;

	ask(d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(ofa_buf_cstr(&r.body, &text), OFA_OK);
	at = strstr(text, "\nofad_http_requests_in_flight{");
	ck_assert_ptr_nonnull(at);
	n = strtol(strchr(at, ' ') + 1, NULL, 10);
	reply_release(&r);
	return n;
}

/* Clients that vanish are noticed by the heartbeat, and their streams end. */
START_TEST(test_clients_gone)
{
	char path[JOB_PATH_MAX];
	int fds[GONE];
	struct daemon d;
	double until;

	daemon_start(&d, "gone", LONG_FRONT, "--event-ms", "60000", "--ping-seconds", "1", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	for (int i = 0; i < GONE; i++)
		fds[i] = open_stream(&d, path);
	pause_ms(300);
	ck_assert_int_eq(in_flight(&d), GONE + 1);
	for (int i = 0; i < GONE; i++)
		close(fds[i]);
	until = now_ms() + 8000;
	while (in_flight(&d) > 1) {
		ck_assert(now_ms() < until);
		pause_ms(50);
	}
	cancel_job(&d, path);
	end(&d);
}
END_TEST

/* A server that ends says so to those who listen. */
START_TEST(test_shutdown)
{
	struct listener l;
	char path[JOB_PATH_MAX];
	unsigned first, last;
	struct daemon d;
	int status;

	daemon_start(&d, "shutdown", LONG_FRONT, "--event-ms", "60000", "--drain-seconds", "0", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	listen_to(&l, &d, path);
	pause_ms(300);
	status = daemon_stop(&d, SIGTERM);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	pthread_join(l.thread, NULL);
	check_stream(&l.reply, 0, "failed", &first, &last);
	ck_assert_ptr_nonnull(strstr((const char *)l.reply.body.data, "/problems/draining"));
	reply_release(&l.reply);
}
END_TEST

START_TEST(test_refusals)
{
	static const char *const bad[] = {"x", "-1", "1.0", "1234567890", "1 2", "0x1"};
	char path[JOB_PATH_MAX], events[JOB_PATH_MAX + 16], headers[64], text[1024];
	struct daemon d;
	struct reply r;
	int n;

	daemon_start(&d, "refusals", LONG_FRONT, NULL);
	ask(&d, "GET", "/jobs/0123456789abcdef0123456789abcdef/events", NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	snprintf(events, sizeof(events), "%s/events", path);
	ask(&d, "GET", events, "Accept: application/json", NULL, &r);
	json_decref(check_problem(&r, 406, "not-acceptable", "Accept"));
	reply_release(&r);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		snprintf(headers, sizeof(headers), "Last-Event-ID: %s", bad[i]);
		ask(&d, "GET", events, headers, NULL, &r);
		json_decref(check_problem(&r, 422, "invalid-value", "Last-Event-ID"));
		reply_release(&r);
	}
	/* nothing follows the head, not even a chunk */
	n = snprintf(text, sizeof(text), "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", events);
	raw_exchange(&d, text, (size_t)n, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "\r\nContent-Type: text/event-stream\r\n"));
	ck_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
	cancel_job(&d, path);
	end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_progress, test_resumption,   test_heartbeat, test_many,
				      test_shutdown, test_clients_gone, test_refusals};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("events", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
