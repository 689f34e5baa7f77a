/* The audit log of a running daemon, and the file of lines that it is. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "daemon.h"
#include "line_file.h"

#define SEND_JSON "Content-Type: application/json"
#define PROFILE "{\"limits\":{\"macs\":2000000}}"

static void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

/* ---- records ---- */

/* The lines of a file in the world as an array of JSON objects; a new reference. */
static json_t *read_lines(const char *name)
{
	json_t *list = json_array(), *line;
	FILE *f = fopen(world_path(name), "r");

	while (f && (line = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL)))
		json_array_append_new(list, line);
	if (f)
		fclose(f);
	return list;
}

static const char *member(const json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s ? s : "";
}

/* The last record of an action, or NULL; borrowed from the list. */
static const json_t *last(const json_t *list, const char *action)
{
	for (size_t i = json_array_size(list); i-- > 0;)
		if (strcmp(member(json_array_get(list, i), "action"), action) == 0)
			return json_array_get(list, i);
	return NULL;
}

static size_t count(const char *name)
{
	json_t *list = read_lines(name);
	size_t n = json_array_size(list);

	json_decref(list);
	return n;
}

/* Waits until the file has n lines: what is taken is recorded within some 20 ms. */
static json_t *wait_lines(const char *name, size_t n)
{
	for (int i = 0; i < 500 && count(name) < n; i++)
		pause_ms(20);
	ck_assert_uint_eq(count(name), n);
	return read_lines(name);
}

static void check_record(const json_t *r, const char *what, const char *outcome, int status, const char *id)
{
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(member(r, "what"), what);
	ck_assert_str_eq(member(r, "outcome"), outcome);
	ck_assert_int_eq(json_integer_value(json_object_get(r, "status")), status);
	ck_assert_str_eq(member(r, "request"), id);
	ck_assert_str_eq(member(r, "peer"), "127.0.0.1");
	ck_assert_uint_eq(strlen(member(r, "time")), strlen("2026-01-31T12:00:00.123Z"));
}

/* What is written is on record when the answer is there; what is taken, soon after. */
START_TEST(test_records)
{
	struct daemon d;
	struct reply r;
	json_t *list;
	char location[128], package[128];

	daemon_start(&d, "records", NULL);
	daemon_wait_ready(&d);
	ask(&d, "PUT", "/profiles/a/b", SEND_JSON "\nX-Request-Id: put-1", PROFILE, &r);
	ck_assert_int_eq(r.status, 201);
	list = read_lines("records/audit.jsonl");
	ck_assert_uint_eq(json_array_size(list), 1);
	snprintf(location, sizeof(location), "%s", member(json_array_get(list, 0), "what"));
	ck_assert_int_eq(strncmp(location, "/profiles/a/b", 13), 0);
	check_record(last(list, "profile.put"), location, "done", 201, "put-1");
	ck_assert_str_eq(member(json_array_get(list, 0), "who"), "anonymous");
	json_decref(list);
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/x", SEND_JSON "\nX-Request-Id: put-2", "{\"limits\":3}"),
			 422);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", NULL, NULL), 200);
	list = read_lines("records/audit.jsonl");
	ck_assert_uint_eq(json_array_size(list), 2);
	check_record(last(list, "profile.put"), "/profiles/x", "rejected", 422, "put-2");
	json_decref(list);
	for (int i = 0; i < 2; i++) {
		post_subnet(&d, "application/vnd.ofa.subnet", "{}", &r);
		ck_assert_int_eq(r.status, 200);
		snprintf(package, sizeof(package), "%s", reply_header(&r, "Content-Location"));
		list = wait_lines("records/audit.jsonl", 3 + (size_t)i);
		check_record(last(list, "subnet.ask"), package, "done", 200, reply_header(&r, "X-Request-Id"));
		json_decref(list);
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "HEAD", package, NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", package, "X-Request-Id: get-1", NULL), 200);
	list = wait_lines("records/audit.jsonl", 5);
	check_record(last(list, "subnet.take"), package, "done", 200, "get-1");
	json_decref(list);
	ask(&d, "POST", "/subnets", SEND_JSON "\nPrefer: respond-async", "{\"seed\":7}", &r);
	ck_assert_int_eq(r.status, 202);
	list = wait_lines("records/audit.jsonl", 6);
	check_record(last(list, "subnet.ask"), reply_header(&r, "Location"), "accepted", 202,
		     reply_header(&r, "X-Request-Id"));
	json_decref(list);
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/a/b", "X-Request-Id: del-1", NULL), 204);
	list = read_lines("records/audit.jsonl");
	check_record(last(list, "profile.delete"), "/profiles/a/b", "done", 204, "del-1");
	json_decref(list);
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* Names from outside stay inside their quotes, one record a line. */
START_TEST(test_hostile_names)
{
	static const char text[] = "PUT /profiles/\"},{\"who\":\"root\x01\xff HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\n"
				   "Content-Length: 2\r\n\r\n{}";
	char out[4096];
	struct daemon d;
	json_t *list;

	daemon_start(&d, "hostile-names", NULL);
	raw_exchange(&d, text, strlen(text), out, sizeof(out));
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/nothing%0a%22", NULL, NULL), 404);
	daemon_stop(&d, SIGTERM);
	list = read_lines("hostile-names/audit.jsonl");
	for (size_t i = 0; i < json_array_size(list); i++)
		ck_assert_str_eq(member(json_array_get(list, i), "who"), "anonymous");
	json_decref(list);
}
END_TEST

/* A client that goes away in the middle of a package has not got it.  Of many packages some are more than the sockets'
 * buffers hold. */
START_TEST(test_cut)
{
	enum { MANY = 20 };
	static const char text[] = "POST /subnets HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\nX-Request-Id: cut-1\r\n"
				   "Content-Length: 2\r\n\r\n{}";
	const struct linger now = {.l_onoff = 1};
	struct daemon d;
	char first[64];
	int fd, cut = 0;
	json_t *list;

	daemon_start(&d, "cut", NULL);
	daemon_wait_ready(&d);
	fd = raw_connect(&d);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	ck_assert_int_gt(recv(fd, first, sizeof(first), 0), 0);
	close(fd);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	daemon_stop(&d, SIGTERM);
	list = read_lines("cut/audit.jsonl");
	for (size_t i = 0; i < json_array_size(list); i++)
		cut += strcmp(member(json_array_get(list, i), "outcome"), "cut") == 0;
	ck_assert_int_eq(cut, 1);
	ck_assert_uint_lt(json_array_size(list), MANY);
	json_decref(list);
}
END_TEST

/* What was acknowledged is on record although the daemon is killed at once. */
START_TEST(test_kill)
{
	struct daemon d;

	for (int i = 1; i <= 5; i++) {
		char path[64];

		daemon_start(&d, "killed", NULL);
		snprintf(path, sizeof(path), "/profiles/p%d", i);
		ck_assert_int_eq(ask_status(&d, "PUT", path, SEND_JSON, PROFILE), 201);
		daemon_stop(&d, SIGKILL);
		ck_assert_uint_eq(count("killed/audit.jsonl"), (size_t)i);
	}
}
END_TEST

/* Rotated away and told by SIGHUP, the log goes on in a new file. */
START_TEST(test_rotation)
{
	char from[1024], to[1024];
	struct daemon d;

	daemon_start(&d, "rotated", NULL);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/a", SEND_JSON, PROFILE), 201);
	snprintf(from, sizeof(from), "%s", world_path("rotated/audit.jsonl"));
	snprintf(to, sizeof(to), "%s", world_path("rotated/audit.jsonl.1"));
	ck_assert_int_eq(rename(from, to), 0);
	kill(d.pid, SIGHUP);
	for (int i = 0; i < 200 && daemon_log_count("rotated", "\"reloaded\"") == 0; i++)
		pause_ms(20);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/b", SEND_JSON, PROFILE), 201);
	ck_assert_uint_eq(count("rotated/audit.jsonl"), 1);
	ck_assert_uint_eq(count("rotated/audit.jsonl.1"), 1);
	daemon_stop(&d, SIGTERM);
}
END_TEST

/* A full disk holds up nobody; it is told once and counted. */
START_TEST(test_full_disk)
{
	struct daemon d;
	struct reply r;

	daemon_start(&d, "full", "--audit-log", "/dev/full", NULL);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/a", SEND_JSON, PROFILE), 201);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/b", SEND_JSON, PROFILE), 201);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/a", NULL, NULL), 204);
	ask(&d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_ptr_nonnull(memmem(r.body.data, r.body.len, "\nofad_audit_log_dropped_lines_total 3\n", 38));
	reply_release(&r);
	daemon_stop(&d, SIGTERM);
	ck_assert_int_eq(daemon_log_count("full", "the audit log cannot be written"), 1);
}
END_TEST

START_TEST(test_off)
{
	char output[512];
	struct daemon d;

	daemon_start(&d, "off", "--audit-log", "off", NULL);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/a", SEND_JSON, PROFILE), 201);
	daemon_stop(&d, SIGTERM);
	ck_assert_uint_eq(count("off/audit.jsonl"), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", world_path("a.safetensors"), "--data",
				    world_path("off"), "--listen", "127.0.0.1:0", "--audit-log", "/proc/none", NULL),
			 1);
	ck_assert_msg(strstr(output, "cannot write the audit log /proc/none") != NULL, "%s", output);
}
END_TEST

/* Who was let in, and by whom, stands beside what they did. */
START_TEST(test_commands)
{
	char output[512];
	json_t *list;

	ck_assert_int_eq(daemon_run(output, sizeof(output), "token", "add", "--scope", "read", "--data",
				    world_path("commands"), NULL),
			 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "token", "list", "--data", world_path("commands"), NULL),
			 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "token", "purge", "--data", world_path("commands"), NULL),
			 0);
	list = read_lines("commands/audit.jsonl");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_uint_eq(strlen(member(last(list, "token.add"), "what")), 12);
	ck_assert_int_eq(strncmp(member(last(list, "token.add"), "who"), "uid:", 4), 0);
	ck_assert_ptr_nonnull(last(list, "token.purge"));
	json_decref(list);
}
END_TEST

/* ---- the file of lines ---- */

enum { THREADS = 4, LINES = 2000 };

static const struct log silence = {.level = LOG_LEVEL_ERROR, .fd = -1};

static struct line_file *open_lines(const char *path)
{
	const struct line_file_options options = {
		.what = "test", .option = "--test", .path = path, .buffer_bytes = 1 << 20, .log = &silence};
	struct ofa_error err = {0};
	struct line_file *f;

	ASSERT_OK(line_file_open(&options, &f, &err), &err);
	return f;
}

static void *add_lines(void *arg)
{
	struct line_file *f = arg;

	for (int i = 0; i < LINES; i++) {
		line_file_add(f, "{\"a\":1}\n", 8);
		if (i % 500 == 0)
			line_file_flush(f);
	}
	return NULL;
}

START_TEST(test_line_threads)
{
	struct line_file *f = open_lines(world_path("threads.jsonl"));
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, add_lines, f), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	line_file_flush(f);
	ck_assert_uint_eq(count("threads.jsonl"), THREADS * LINES);
	line_file_add(f, "{}\n", 3);
	line_file_close(f);
	ck_assert_uint_eq(count("threads.jsonl"), THREADS * LINES + 1);
}
END_TEST

/* A file that may not grow, then may again: whole lines before and after, and the gap is told. */
START_TEST(test_line_gap)
{
	struct rlimit limit;
	struct line_file *f;
	struct line_file_stats stats;
	char line[256];
	json_t *list;
	FILE *file;

	signal(SIGXFSZ, SIG_IGN);
	f = open_lines(world_path("gap.jsonl"));
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 20; /* two lines and a half */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 5; i++) {
		line_file_add(f, "{\"a\":1}\n", 8);
		line_file_flush(f);
	}
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	line_file_add(f, "{\"b\":1}\n", 8);
	line_file_flush(f);
	line_file_stats(f, &stats);
	ck_assert_uint_eq(stats.dropped, 3);
	ck_assert_uint_eq(stats.lines, 3);
	line_file_close(f);
	file = fopen(world_path("gap.jsonl"), "r");
	list = json_array();
	while (fgets(line, sizeof(line), file)) {
		json_t *json = json_loads(line, 0, NULL);

		json_array_append_new(list, json ? json : json_string("torn"));
	}
	fclose(file);
	ck_assert_uint_eq(json_array_size(list), 5);
	ck_assert_str_eq(json_string_value(json_array_get(list, 2)), "torn");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(list, 3), "lost_lines")), 3);
	ck_assert_ptr_nonnull(json_object_get(json_array_get(list, 4), "b"));
	json_decref(list);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_records,      test_hostile_names, test_cut, test_kill,
				      test_rotation,     test_full_disk,     test_off, test_commands,
				      test_line_threads, test_line_gap};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("audit", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
