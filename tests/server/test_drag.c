/* Limits that are dragged: many searches at once, beside devices, beside a front that is computed, and to the end. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job_client.h"

/* A front that is not there before the test is over, however slow the searches are beside it. */
#define ENDLESS_FRONT "--front-evaluations", "10000000"

enum { DRAGS = 8, ROUNDS = 10, DEVICES = 2, WAITING = 3, GONE = 40 };

static void search(const struct daemon *d, const char *body, struct reply *ret)
{
	ask(d, "POST", "/searches", SEND_JSON, body, ret);
}

/* ---- many at once ---- */

#define QUESTIONS 6

struct question_text {
	char *body;
	struct reply expected;
};

struct crowd {
	const struct daemon *d;
	struct question_text *questions;
	atomic_int wrong, served;
};

struct member {
	struct crowd *crowd;
	int number;
	pthread_t thread;
};

/* Refusals differ in the request's id alone. */
static bool same_answer(const struct reply *a, const struct reply *b)
{
	json_t *x = reply_json(a), *y = reply_json(b);
	bool same;

	json_object_del(x, "request_id");
	json_object_del(y, "request_id");
	same = a->status == b->status && json_equal(x, y);
	json_decref(x);
	json_decref(y);
	return same;
}

static void *drag_main(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const struct question_text *q = &m->crowd->questions[(i + m->number) % QUESTIONS];
		struct reply r;

		search(m->crowd->d, q->body, &r);
		if (!same_answer(&r, &q->expected))
			atomic_fetch_add(&m->crowd->wrong, 1);
		reply_release(&r);
	}
	return NULL;
}

static void *device_main(void *arg)
{
	struct member *m = arg;

	for (int i = 0; i < ROUNDS; i++) {
		char body[64];
		struct reply r;

		snprintf(body, sizeof(body), "{\"seed\":%d}", 1000 * m->number + i);
		post(m->crowd->d, NULL, body, &r);
		atomic_fetch_add(r.status == 200 ? &m->crowd->served : &m->crowd->wrong, 1);
		reply_release(&r);
	}
	return NULL;
}

/* Searches of all kinds, whose answers are known; released by forget_questions(). */
static void learn_questions(const struct daemon *d, struct question_text questions[QUESTIONS])
{
	static const char *const bodies[QUESTIONS - 1] = {
		"{\"limits\":{\"macs\":3000000}}",
		"{\"dtype\":\"int8\",\"limits\":{\"macs\":4000000,\"storage_bytes\":700000}}",
		SLOW,
		"{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.0001}}",
		"{\"profile\":\"" NETWORK "\",\"calibrated\":true}",
	};
	json_t *first, *arch;
	char *text;

	for (int i = 0; i < QUESTIONS - 1; i++) {
		questions[i].body = strdup(bodies[i]);
		search(d, bodies[i], &questions[i].expected);
		ck_assert_int_eq(questions[i].expected.status, i == 3 ? 422 : 200);
	}
	first = reply_json(&questions[0].expected);
	arch = json_pack("{s:O}", "arch", json_object_get(first, "arch"));
	text = json_dumps(arch, JSON_COMPACT);
	questions[QUESTIONS - 1].body = text;
	search(d, text, &questions[QUESTIONS - 1].expected);
	ck_assert_int_eq(questions[QUESTIONS - 1].expected.status, 200);
	json_decref(arch);
	json_decref(first);
}

static void forget_questions(struct question_text questions[QUESTIONS])
{
	for (int i = 0; i < QUESTIONS; i++) {
		free(questions[i].body);
		reply_release(&questions[i].expected);
	}
}

/* Whoever asks beside whom, each search has the answer that it has alone, and devices are served. */
START_TEST(test_many_at_once)
{
	struct question_text questions[QUESTIONS];
	struct crowd crowd = {.questions = questions};
	struct member members[DRAGS + DEVICES];
	struct daemon d;

	daemon_start(&d, "many", "--front-evaluations", "20000", "--workers", "2", NULL);
	daemon_wait_ready(&d);
	crowd.d = &d;
	store_profile(&d);
	learn_questions(&d, questions);
	for (int i = 0; i < DRAGS + DEVICES; i++) {
		members[i] = (struct member){.crowd = &crowd, .number = i};
		ck_assert_int_eq(pthread_create(&members[i].thread, NULL, i < DRAGS ? drag_main : device_main,
						&members[i]),
				 0);
	}
	for (int i = 0; i < DRAGS + DEVICES; i++)
		pthread_join(members[i].thread, NULL);
	ck_assert_int_eq(atomic_load(&crowd.wrong), 0);
	ck_assert_int_eq(atomic_load(&crowd.served), DEVICES * ROUNDS);
	ck_assert_double_eq(metric_of(&d, "ofad_deliveries_total"), DEVICES * ROUNDS);
	forget_questions(questions);
	end(&d);
}
END_TEST

/* ---- beside a front ---- */

struct waiting {
	const struct daemon *d;
	struct reply reply;
	atomic_bool answered;
	pthread_t thread;
};

static void *wait_main(void *arg)
{
	struct waiting *w = arg;

	search(w->d, SLOW, &w->reply);
	atomic_store(&w->answered, true);
	return NULL;
}

static void begin_waiting(const struct daemon *d, struct waiting *waiting, int n)
{
	for (int i = 0; i < n; i++) {
		waiting[i] = (struct waiting){.d = d};
		ck_assert_int_eq(pthread_create(&waiting[i].thread, NULL, wait_main, &waiting[i]), 0);
	}
	/* one of them on a worker, the others in the queue behind it */
	while (metric_of(d, "ofad_workers_busy{pool=\"requests\",class=\"dashboard\"}") != 1 ||
	       metric_of(d, "ofad_queue_length{pool=\"requests\",class=\"dashboard\"}") != n - 1)
		pause_ms(10);
}

/* The daemon has ended, and it said so to those who waited. */
static void end_waiting(struct waiting *waiting, int n)
{
	for (int i = 0; i < n; i++) {
		pthread_join(waiting[i].thread, NULL);
		json_decref(check_problem(&waiting[i].reply, 503, "draining", NULL));
		reply_release(&waiting[i].reply);
	}
}

/* Of the subnet that the reply tells, within the limit that others wait for a front with. */
static void search_given(const struct daemon *d, const struct reply *from, struct reply *ret)
{
	json_t *told = reply_json(from);
	json_t *body = json_pack("{s:s, s:{s:f}, s:O}", "profile", NETWORK, "limits", "latency_ms", 1e6, "arch",
				 json_object_get(told, "arch"));
	char *text = json_dumps(body, JSON_COMPACT);

	search(d, text, ret);
	free(text);
	json_decref(body);
	json_decref(told);
}

/* By a profile that comes along, one for each number, whose front nobody keeps. */
static void search_inline(const struct daemon *d, int number, struct reply *ret)
{
	json_t *profile = json_load_file(world_path("profile.json"), 0, NULL), *body;
	char description[32], *text;

	snprintf(description, sizeof(description), "number %d", number);
	json_object_set_new(profile, "description", json_string(description));
	body = json_pack("{s:o, s:{s:f}}", "profile", profile, "limits", "latency_ms", 1e6);
	text = json_dumps(body, JSON_COMPACT);
	search(d, text, ret);
	free(text);
	json_decref(body);
}

/* Those who wait for a front are in nobody's way: other searches, refusals of the same profile, devices. */
START_TEST(test_beside_a_front)
{
	static struct waiting waiting[WAITING];
	struct daemon d;
	struct reply r, given;

	daemon_start(&d, "front", ENDLESS_FRONT, "--workers", "2", "--drain-seconds", "0", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	begin_waiting(&d, waiting, WAITING);
	for (int i = 0; i < ROUNDS; i++) {
		char body[64];

		snprintf(body, sizeof(body), "{\"limits\":{\"macs\":%d}}", 3000000 + i);
		search(&d, body, &r);
		ck_assert_int_eq(r.status, 200);
		search_given(&d, &r, &given);
		ck_assert_int_eq(given.status, 200);
		reply_release(&given);
		reply_release(&r);
	}
	search_inline(&d, 0, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	search(&d, "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.0001}}", &r);
	json_decref(check_problem(&r, 422, "infeasible-limits", "/limits/latency_ms"));
	reply_release(&r);
	post(&d, NULL, "{}", &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	for (int i = 0; i < WAITING; i++)
		ck_assert(!atomic_load(&waiting[i].answered));
	end(&d);
	end_waiting(waiting, WAITING);
}
END_TEST

/* Profiles that come along, however many, drive no front out that is kept. */
START_TEST(test_passing_profiles)
{
	struct daemon d;
	struct reply r;

	daemon_start(&d, "passing", "--front-evaluations", "20000", "--cache-bytes", "64M", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	search(&d, SLOW, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	for (int i = 0; i < 12; i++) {
		search_inline(&d, i, &r);
		ck_assert_int_eq(r.status, 200);
		reply_release(&r);
	}
	ck_assert_double_ge(metric_of(&d, "ofad_fronts"), 1);
	ck_assert_double_eq(metric_of(&d, "ofad_fronts_dropped_total"), 0);
	ck_assert_double_gt(metric_of(&d, "ofad_cache_bytes{cache=\"passing_bindings\"}"), 0);
	end(&d);
}
END_TEST

static void *pareto_main(void *arg)
{
	struct waiting *w = arg;

	ask(w->d, "GET", "/networks/" NETWORK "/pareto?metric=macs", NULL, NULL, &w->reply);
	atomic_store(&w->answered, true);
	return NULL;
}

/* How long, at the least, a glance waits while the front is computed. */
static double time_glance(const struct daemon *d, struct waiting *front)
{
	double begin = 0, last = 0;

	while (!atomic_load(&front->answered)) {
		double before = now_ms();

		if (metric_of(d, "ofad_queue_length{pool=\"requests\",class=\"glance\"}") != 1)
			continue;
		last = before;
		if (begin == 0)
			begin = now_ms();
	}
	return last - begin;
}

/* What the log of the daemon says of the one search; -1: nothing. */
static double logged_queue_ms(const char *data)
{
	char name[64], line[4096];
	double ms = -1;
	FILE *f;

	snprintf(name, sizeof(name), "%s.log", data);
	f = fopen(world_path(name), "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "\"queue_ms\":");

		if (at && strstr(line, "\"route\":\"/searches\""))
			ms = strtod(at + strlen("\"queue_ms\":"), NULL);
	}
	fclose(f);
	return ms;
}

/* A search that is put off tells both of its waits: that for a worker to look at it, and that for its turn. */
START_TEST(test_both_waits)
{
	static struct waiting front, put_off;
	struct daemon d;
	double waited;

	daemon_start(&d, "waits", LONG_FRONT, "--workers", "1", "--drain-seconds", "0", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	front.d = put_off.d = &d;
	ck_assert_int_eq(pthread_create(&front.thread, NULL, pareto_main, &front), 0);
	while (metric_of(&d, "ofad_workers_busy{pool=\"requests\",class=\"dashboard\"}") != 1)
		;
	ck_assert_int_eq(pthread_create(&put_off.thread, NULL, wait_main, &put_off), 0);
	waited = time_glance(&d, &front);
	pthread_join(front.thread, NULL);
	ck_assert_int_eq(front.reply.status, 200);
	reply_release(&front.reply);
	end(&d);
	end_waiting(&put_off, 1);
	ck_assert_msg(logged_queue_ms("waits") >= waited, "%g ms in the queue; it waited %g", logged_queue_ms("waits"),
		      waited);
}
END_TEST

/* ---- to the end ---- */

static int begin_search(const struct daemon *d, const char *body)
{
	char text[512];
	int fd = raw_connect(d);
	int n = snprintf(text, sizeof(text),
			 "POST /searches HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\nContent-Length: %zu\r\n\r\n%s",
			 strlen(body), body);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	return fd;
}

/* A drag moves on before it is answered: nobody is hurt by clients that went away, wherever their search was. */
START_TEST(test_gone)
{
	struct daemon d;
	struct reply r;

	daemon_start(&d, "gone", ENDLESS_FRONT, "--workers", "2", "--drain-seconds", "0", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	for (int i = 0; i < GONE; i++) {
		char body[64];

		snprintf(body, sizeof(body), "{\"limits\":{\"macs\":%d}}", 3000000 + i);
		close(begin_search(&d, i % 4 == 0 ? SLOW : body));
	}
	search(&d, "{}", &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	end(&d);
	ck_assert_int_eq(daemon_log_count("gone", "\"level\":\"error\""), 0);
}
END_TEST

/* While it drains what was asked is answered, and nothing is begun. */
START_TEST(test_draining)
{
	static const char first[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
	static const char late[] = "POST /searches HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\nContent-Length: 2\r\n\r\n{}";
	static struct waiting waiting[1];
	char text[2048];
	struct daemon d;
	int fd, status;
	ssize_t n;

	daemon_start(&d, "draining", ENDLESS_FRONT, "--workers", "2", "--drain-seconds", "2", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	begin_waiting(&d, waiting, 1);
	fd = raw_connect(&d);
	ck_assert_int_eq(send(fd, first, strlen(first), MSG_NOSIGNAL), (ssize_t)strlen(first));
	ck_assert_int_gt(recv(fd, text, sizeof(text), 0), 0);
	kill(d.pid, SIGTERM);
	while ((status = raw_connect(&d)) >= 0) {
		close(status);
		pause_ms(10);
	}
	ck_assert_int_eq(send(fd, late, strlen(late), MSG_NOSIGNAL), (ssize_t)strlen(late));
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_msg(strncmp(text, "HTTP/1.1 503 ", 13) == 0, "%s", text);
	ck_assert_msg(strstr(text, "/problems/draining") != NULL, "%s", text);
	close(fd);
	while (waitpid(d.pid, &status, 0) < 0)
		;
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
	end_waiting(waiting, 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_many_at_once, test_beside_a_front, test_passing_profiles,
				      test_both_waits,	 test_gone,	      test_draining};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("drag", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
