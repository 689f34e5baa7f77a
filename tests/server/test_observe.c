/* What a running daemon shows of itself: its metrics and its access log. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

enum { LINES_MAX = 4096, LINE_MAX_CHARS = 2048, CLIENTS = 3, ASKED_BY_EACH = 60 };

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* ---- metrics ---- */

/* The lines of an exposition. */
struct scrape {
	size_t n;
	char *lines[LINES_MAX];
	struct reply reply;
};

static void scrape(const struct daemon *d, struct scrape *s)
{
	const char *text;
	char *line;

	ask(d, "GET", "/metrics", NULL, NULL, &s->reply);
	ck_assert_int_eq(s->reply.status, 200);
	ck_assert_str_eq(reply_header(&s->reply, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
	ck_assert_int_eq(ofa_buf_cstr(&s->reply.body, &text), OFA_OK);
	s->n = 0;
	for (line = (char *)s->reply.body.data; *line; line += strlen(line) + 1) {
		char *end = strchr(line, '\n');

		ck_assert_msg(end != NULL, "the last line has no end: %s", line);
		*end = '\0';
		ck_assert_uint_lt(s->n, LINES_MAX);
		s->lines[s->n++] = line;
	}
}

static void scrape_release(struct scrape *s)
{
	reply_release(&s->reply);
}

/* The value of a series, by all that stands before it; NAN when it is not there. */
static double value_of(const struct scrape *s, const char *series)
{
	size_t len = strlen(series);

	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->lines[i], series, len) == 0 && s->lines[i][len] == ' ')
			return strtod(s->lines[i] + len + 1, NULL);
	return NAN;
}

/* A line that begins and ends like this. */
static bool has_line(const struct scrape *s, const char *begin, const char *end)
{
	for (size_t i = 0; i < s->n; i++) {
		size_t len = strlen(s->lines[i]), tail = strlen(end);

		if (strncmp(s->lines[i], begin, strlen(begin)) == 0 && len > tail &&
		    strcmp(s->lines[i] + len - tail, end) == 0)
			return true;
	}
	return false;
}

static double needed(const struct scrape *s, const char *series)
{
	double v = value_of(s, series);

	ck_assert_msg(!isnan(v), "there is no %s", series);
	return v;
}

/* Its findings go to standard error. */
static void run_promtool(const char *what, const char *file, const char *input)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(input, O_RDONLY);

		dup2(fd, STDIN_FILENO);
		execlp("promtool", "promtool", "check", what, file, (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      WEXITSTATUS(status) == 127 ? "promtool is missing (scripts/packages-test.txt)"
						 : "promtool has something to say");
}

static void check_with_promtool(const struct scrape *s)
{
	const char *path = world_path("metrics.txt");
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	for (size_t i = 0; i < s->n; i++)
		fprintf(f, "%s\n", s->lines[i]);
	fclose(f);
	run_promtool("metrics", NULL, path);
}

/* Is the line a sample of a counter, or of a histogram's parts, which never fall? */
static bool never_falls(const char *line)
{
	size_t name = strcspn(line, "{ ");
	static const char *const ends[] = {"_total", "_bucket", "_count", "_sum"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (name > n && strncmp(line + name - n, ends[i], n) == 0)
			return true;
	}
	return false;
}

static void check_monotone(const struct scrape *before, const struct scrape *after)
{
	for (size_t i = 0; i < before->n; i++) {
		char series[LINE_MAX_CHARS];
		const char *space = strrchr(before->lines[i], ' ');
		double was, is;

		if (before->lines[i][0] == '#' || !never_falls(before->lines[i]))
			continue;
		snprintf(series, sizeof(series), "%.*s", (int)(space - before->lines[i]), before->lines[i]);
		was = strtod(space, NULL);
		is = needed(after, series);
		ck_assert_msg(is >= was, "%s fell from %g to %g", series, was, is);
	}
}

/* Buckets are cumulative, and the last one is the count. */
static void check_histograms(const struct scrape *s)
{
	double last = 0;
	int checked = 0;

	for (size_t i = 0; i < s->n; i++) {
		const char *line = s->lines[i], *value = strrchr(line, ' ');
		size_t name = strcspn(line, "{ ");

		if (line[0] == '#')
			continue;
		if (name > 7 && strncmp(line + name - 7, "_bucket", 7) == 0) {
			double v = strtod(value, NULL);

			ck_assert_msg(v >= last, "%s is less than the bucket before it", line);
			last = v;
		} else if (name > 6 && strncmp(line + name - 6, "_count", 6) == 0) {
			ck_assert_msg(strtod(value, NULL) == last, "%s is not the sum of its buckets", line);
			last = 0;
			checked++;
		}
	}
	ck_assert_int_ge(checked, 5);
}

static void *keep_asking(void *arg)
{
	const struct daemon *d = arg;
	char body[64];

	for (int i = 0; i < ASKED_BY_EACH; i++) {
		struct reply r;

		snprintf(body, sizeof(body), "{\"seed\":%d}", i % 3);
		post_subnet(d, JSON, body, &r);
		ck_assert_int_eq(r.status, 200);
		reply_release(&r);
		ask_status(d, i % 2 ? "GET" : "BREW", "/no/such/thing", NULL, NULL);
	}
	return NULL;
}

START_TEST(test_metrics_under_load)
{
	static struct scrape s[2];
	pthread_t threads[CLIENTS];
	struct daemon d;
	int now = 0;

	daemon_start(&d, "load", NULL);
	daemon_wait_ready(&d);
	for (int t = 0; t < CLIENTS; t++)
		ck_assert_int_eq(pthread_create(&threads[t], NULL, keep_asking, &d), 0);
	scrape(&d, &s[0]);
	for (int i = 0; i < 20; i++) {
		now = !now;
		scrape(&d, &s[now]);
		check_monotone(&s[!now], &s[now]);
		check_histograms(&s[now]);
		scrape_release(&s[!now]);
	}
	for (int t = 0; t < CLIENTS; t++)
		pthread_join(threads[t], NULL);
	scrape_release(&s[now]);
	pause_ms(100); /* a call is counted when its last byte was taken, which may be after the client has it */
	scrape(&d, &s[0]);
#define POSTS "{listener=\"main\",route=\"/subnets\",method=\"POST\""
	ck_assert_double_eq(needed(&s[0], "ofad_http_requests_total" POSTS ",status=\"2xx\"}"),
			    CLIENTS * ASKED_BY_EACH);
	ck_assert_double_eq(needed(&s[0], "ofad_http_request_duration_seconds_count" POSTS "}"),
			    CLIENTS * ASKED_BY_EACH);
	ck_assert_double_eq(needed(&s[0], "ofad_deliveries_total"), CLIENTS * ASKED_BY_EACH);
	ck_assert_double_eq(needed(&s[0], "ofad_subnet_lookups_total{result=\"miss\"}"), 3);
	ck_assert_double_eq(needed(&s[0], "ofad_subnet_lookups_total{result=\"memory\"}") +
				    needed(&s[0], "ofad_subnet_lookups_total{result=\"flight\"}"),
			    CLIENTS * ASKED_BY_EACH - 3);
	ck_assert_double_eq(needed(&s[0], "ofad_problems_total{problem=\"not-found\"}"), CLIENTS * ASKED_BY_EACH);
	check_with_promtool(&s[0]);
	scrape_release(&s[0]);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Nothing that clients make up becomes a label. */
START_TEST(test_series_are_bounded)
{
	static struct scrape before, after;
	struct daemon d;

	daemon_start(&d, "bounded", NULL);
	daemon_wait_ready(&d);
	ask_status(&d, "GET", "/subnets/no-such-one", NULL, NULL);
	ask_status(&d, "XYZ", "/subnets", NULL, NULL);
	ask_status(&d, "GET", "/x", NULL, NULL);
	ask_status(&d, "HEAD", "/subnets/no-such-one", NULL, NULL);
	pause_ms(100);
	scrape(&d, &before);
	scrape_release(&before);
	scrape(&d, &before); /* now with the first scrape among its series */
	for (int i = 0; i < 100; i++) {
		char text[64];

		snprintf(text, sizeof(text), "/subnets/%d", i);
		ask_status(&d, i % 2 ? "GET" : "HEAD", text, NULL, NULL);
		snprintf(text, sizeof(text), "/%d", i);
		ask_status(&d, "GET", text, NULL, NULL);
		snprintf(text, sizeof(text), "M%d", i);
		ask_status(&d, text, "/subnets", NULL, NULL);
	}
	scrape(&d, &after);
	ck_assert_uint_eq(after.n, before.n);
	ck_assert_double_eq(needed(&after, "ofad_http_requests_total{listener=\"main\",route=\"none\","
					   "method=\"other\",status=\"4xx\"}"),
			    101);
	scrape_release(&before);
	scrape_release(&after);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* A question that is answered beside its request. */
static void post_as_a_job(const struct daemon *d)
{
	char path[128];
	struct reply r;
	bool over = false;

	ask(d, "POST", "/subnets", SEND_JSON "\nPrefer: respond-async", "{\"seed\":7}", &r);
	ck_assert_int_eq(r.status, 202);
	snprintf(path, sizeof(path), "%s", reply_header(&r, "Location"));
	reply_release(&r);
	while (!over) {
		json_t *json;

		ask(d, "GET", path, NULL, NULL, &r);
		json = reply_json(&r);
		over = strcmp(json_string_value(json_object_get(json, "state")), "succeeded") == 0;
		json_decref(json);
		reply_release(&r);
		pause_ms(20);
	}
}

/* Why searches stopped, what was sent, and the sizes of things. */
START_TEST(test_metrics_tell)
{
	static struct scrape s;
	char path[256];
	struct daemon d;
	struct reply r;

	daemon_start(&d, "tell", NULL);
	daemon_wait_ready(&d);
	post_subnet(&d, "application/vnd.ofa.subnet", "{\"seed\":1}", &r);
	ck_assert_int_eq(r.status, 200);
	post_subnet(&d, JSON, "{\"limits\":{\"macs\":1}}", &s.reply);
	ck_assert_int_eq(s.reply.status, 422);
	reply_release(&s.reply);
	post_as_a_job(&d);
	snprintf(path, sizeof(path), "%s/measurements", reply_header(&r, "Content-Location"));
	ck_assert_int_eq(ask_status(&d, "POST", path, SEND_JSON, "{\"latency_ms\":3.5}"), 201);
	pause_ms(100);
	scrape(&d, &s);
	ck_assert_double_eq(needed(&s, "ofad_package_bytes_total"), (double)r.body.len);
	ck_assert_double_eq(needed(&s, "ofad_searches_total{stop=\"infeasible\"}"), 1);
	ck_assert_double_eq(needed(&s, "ofad_searches_total{stop=\"budget\"}") +
				    needed(&s, "ofad_searches_total{stop=\"converged\"}"),
			    2);
	ck_assert_double_gt(needed(&s, "ofad_search_evaluations_total"), 0);
	ck_assert_double_eq(needed(&s, "ofad_pack_duration_seconds_count"), 2);
	ck_assert_double_eq(needed(&s, "ofad_calibrate_duration_seconds_count"), 2);
	ck_assert_double_eq(needed(&s, "ofad_problems_total{problem=\"infeasible-limits\"}"), 1);
	ck_assert_double_ge(needed(&s, "ofad_cache_bytes{cache=\"packages\"}"), (double)r.body.len);
	ck_assert_double_eq(needed(&s, "ofad_network_state{network=\"" NETWORK "\",state=\"ready\"}"), 1);
	ck_assert_double_eq(needed(&s, "ofad_draining"), 0);
	ck_assert(has_line(&s, "ofad_blas_info{core=\"", "\",threads=\"1\"} 1"));
	ck_assert_double_eq(needed(&s, "ofad_jobs{state=\"succeeded\"}"), 1);
	ck_assert_double_eq(needed(&s, "ofad_jobs{state=\"running\"}"), 0);
	ck_assert_double_eq(needed(&s, "ofad_measurements_total"), 1);
	ck_assert_double_eq(needed(&s, "ofad_signing"), 0);
	ck_assert_double_eq(needed(&s, "ofad_deliveries_total"), 2);
	ck_assert_double_ge(needed(&s, "ofad_http_connections{listener=\"main\"}"), 1);
	ck_assert_double_gt(needed(&s, "process_resident_memory_bytes"), 1e6);
	ck_assert_double_le(fabs(needed(&s, "process_start_time_seconds") - (double)time(NULL)), 60);
	scrape_release(&s);
	reply_release(&r);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Only replicas have them, or who has devices that measure: tests/docker/monitoring.mjs looks at those. */
static bool of_a_fleet(const char *family)
{
	static const char *const prefixes[] = {"ofad_store_", "ofad_calibration_"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(prefixes); i++)
		if (strncmp(family, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* The example rules are well-formed and speak of families that there are. */
START_TEST(test_alerts)
{
	static struct scrape s;
	const char *source = getenv("OFA_SRCDIR");
	char path[1024], line[1024];
	struct daemon d;
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/examples/ofad-alerts.yml", source ? source : ".");
	run_promtool("rules", path, "/dev/null");
	daemon_start(&d, "alerts", NULL);
	daemon_wait_ready(&d);
	post_subnet(&d, JSON, "{}", &s.reply);
	reply_release(&s.reply);
	pause_ms(100);
	scrape(&d, &s);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		for (char *at = line; (at = strpbrk(at, "op")); at++) {
			size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_"), i = 0;

			if ((strncmp(at, "ofad_", 5) != 0 && strncmp(at, "process_", 8) != 0) ||
			    (at > line && at[-1] == '_') || of_a_fleet(at))
				continue;
			while (i < s.n && (strncmp(s.lines[i], at, n) != 0 || strchr("{ ", s.lines[i][n]) == NULL))
				i++;
			ck_assert_msg(i < s.n, "there is no %.*s", (int)n, at);
			found++;
		}
	}
	ck_assert_int_ge(found, 10);
	fclose(f);
	scrape_release(&s);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* ---- the access log ---- */

/* All lines of a file, each a JSON object; a new reference. */
static json_t *read_lines(const char *path)
{
	json_t *list = json_array();
	FILE *f = fopen(path, "r");
	char line[LINE_MAX_CHARS + 2];

	ck_assert_msg(f != NULL, "there is no %s", path);
	while (fgets(line, sizeof(line), f)) {
		json_error_t error;
		json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);

		ck_assert_msg(json != NULL, "not JSON (%s): %s", error.text, line);
		json_array_append_new(list, json);
	}
	fclose(f);
	return list;
}

/* The line of the request with this id, borrowed. */
static json_t *line_of(json_t *lines, const char *id)
{
	json_t *line, *found = NULL;
	size_t i;

	json_array_foreach(lines, i, line)
		if (strcmp(json_string_value(json_object_get(line, "id")), id) == 0) {
			ck_assert_msg(found == NULL, "two lines have the id %s", id);
			found = line;
		}
	ck_assert_msg(found != NULL, "no line has the id %s", id);
	return found;
}

static const char *text_in(const json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));

	return text ? text : "";
}

START_TEST(test_access_log)
{
	static const char odd[] = "GET /a%22b%0a\"/\x7f\xc3\xa9 HTTP/1.1\r\nHost: x\r\nX-Request-Id: odd\r\n"
				  "Connection: close\r\n\r\n";
	char path[1024], long_agent[600], header[2000];
	struct daemon d;
	json_t *lines, *line;
	struct reply r;

	snprintf(path, sizeof(path), "%s", world_path("requests.jsonl"));
	daemon_start(&d, "access", "--access-log", path, NULL);
	daemon_wait_ready(&d);
	ask(&d, "POST", "/subnets", SEND_JSON "\nX-Request-Id: first\nUser-Agent: \"cam\"\\7", "{\"seed\":1}", &r);
	ck_assert_str_eq(reply_header(&r, "X-Request-Id"), "first");
	ck_assert_int_eq(ask_status(&d, "POST", "/subnets", SEND_JSON "\nX-Request-Id: again", "{\"seed\":1}"), 200);
	memset(long_agent, 'x', sizeof(long_agent) - 1);
	long_agent[sizeof(long_agent) - 1] = '\0';
	snprintf(header, sizeof(header), "X-Request-Id: long\nUser-Agent: %s", long_agent);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles?limit=1&secret=hidden", header, NULL), 200);
	raw_exchange(&d, odd, sizeof(odd) - 1, header, sizeof(header));
	ck_assert_msg(strstr(header, " 404 ") != NULL, "%s", header);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);

	lines = read_lines(path);
	line = line_of(lines, "first");
	ck_assert_str_eq(text_in(line, "method"), "POST");
	ck_assert_str_eq(text_in(line, "path"), "/subnets");
	ck_assert_str_eq(text_in(line, "route"), "/subnets");
	ck_assert_str_eq(text_in(line, "peer"), "127.0.0.1");
	ck_assert_str_eq(text_in(line, "cache"), "search");
	ck_assert_str_eq(text_in(line, "user_agent"), "\"cam\"\\7");
	ck_assert_uint_eq(strlen(text_in(line, "time")), strlen("2026-01-31T12:00:00.123Z"));
	ck_assert_int_eq(json_integer_value(json_object_get(line, "status")), 200);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "bytes")), (json_int_t)r.body.len);
	ck_assert_double_gt(json_number_value(json_object_get(line, "ms")), 0);
	ck_assert_str_eq(text_in(line_of(lines, "again"), "cache"), "memory");
	line = line_of(lines, "long");
	ck_assert_uint_eq(strlen(text_in(line, "user_agent")), 160);
	ck_assert_str_eq(text_in(line, "path"), "/profiles");
	line = line_of(lines, "odd");
	ck_assert_str_eq(text_in(line, "path"), "/a%22b%0a\"/\x7f??");
	ck_assert_ptr_null(json_object_get(line, "route"));
	ck_assert_str_eq(text_in(line, "problem"), "not-found");
	json_decref(lines);
	reply_release(&r);
	/* nothing of it went to the log */
	ck_assert_int_eq(daemon_log_count("access", "\"first\""), 0);
}
END_TEST

/* The usual way to rotate: rename, then SIGHUP. */
START_TEST(test_access_log_is_rotated)
{
	char path[1024], rotated[1024];
	struct daemon d;
	json_t *lines;

	snprintf(path, sizeof(path), "%s", world_path("rotate.jsonl"));
	snprintf(rotated, sizeof(rotated), "%s", world_path("rotate.jsonl.1"));
	daemon_start(&d, "rotate", "--access-log", path, NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", "X-Request-Id: before", NULL), 200);
	pause_ms(100);
	ck_assert_int_eq(rename(path, rotated), 0);
	kill(d.pid, SIGHUP);
	pause_ms(200);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", "X-Request-Id: after", NULL), 200);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	lines = read_lines(rotated);
	line_of(lines, "before");
	json_decref(lines);
	lines = read_lines(path);
	line_of(lines, "after");
	ck_assert_uint_eq(json_array_size(lines), 1);
	json_decref(lines);
}
END_TEST

/* A reader that stops reading holds up the log's own thread, and no request. */
START_TEST(test_access_log_stalls)
{
	static struct scrape s;
	char path[1024];
	struct daemon d;
	double begin;
	struct timespec t;
	int fd;

	snprintf(path, sizeof(path), "%s", world_path("access.fifo"));
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR); /* so that opening it to write does not wait; it is never read */
	daemon_start(&d, "stalls", "--access-log", path, NULL);
	daemon_wait_ready(&d);
	clock_gettime(CLOCK_MONOTONIC, &t);
	begin = (double)t.tv_sec;
	/* a pipe takes 64 KiB; these are about 600 bytes each */
	for (int i = 0; i < 400; i++) {
		char target[600];

		memset(target, 'a', sizeof(target) - 1);
		target[0] = '/';
		target[sizeof(target) - 1] = '\0';
		ck_assert_int_eq(ask_status(&d, "GET", target, NULL, NULL), 404);
	}
	clock_gettime(CLOCK_MONOTONIC, &t);
	ck_assert_double_lt((double)t.tv_sec - begin, 60);
	scrape(&d, &s);
	ck_assert_double_eq(needed(&s, "ofad_access_log_dropped_lines_total"), 0); /* they are in memory yet */
	ck_assert_double_lt(needed(&s, "ofad_access_log_lines_total"), 400);
	scrape_release(&s);
	daemon_stop(&d, SIGKILL);
	close(fd);
}
END_TEST

START_TEST(test_access_log_fails)
{
	static struct scrape s;
	char output[4096];
	struct daemon d;

	daemon_run(output, sizeof(output), "--network", world_path("a.safetensors"), "--listen", "127.0.0.1:0",
		   "--data", world_path("refused"), "--access-log", "/no/such/directory/access.log", NULL);
	ck_assert_msg(strstr(output, "/no/such/directory/access.log") != NULL, "%s", output);
	/* every write to it fails */
	daemon_start(&d, "fails", "--access-log", "/dev/full", NULL);
	daemon_wait_ready(&d);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	pause_ms(200);
	scrape(&d, &s);
	ck_assert_double_ge(needed(&s, "ofad_access_log_dropped_lines_total"), 3);
	ck_assert_double_eq(needed(&s, "ofad_access_log_lines_total"), 0);
	scrape_release(&s);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	ck_assert_int_eq(daemon_log_count("fails", "the access log cannot be written"), 1);
}
END_TEST

START_TEST(test_access_log_off)
{
	struct daemon d;

	daemon_start(&d, "off", "--access-log", "off", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", "X-Request-Id: unheard", NULL), 200);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	ck_assert_int_eq(daemon_log_count("off", "unheard"), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_metrics_under_load, test_series_are_bounded, test_metrics_tell, test_alerts,
				      test_access_log,	       test_access_log_stalls,	test_access_log_fails,
				      test_access_log_off,     test_access_log_is_rotated};
	int status;

	world_make();
	status = run_tests("observe", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
