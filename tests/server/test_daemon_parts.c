/* The listening socket, the log and the clock. */
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "listen.h"
#include "log.h"
#include "runner.h"

START_TEST(test_listen)
{
	static const char *const bad[] = {"",           ":",     "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:99999",
					  "127.0.0.1:8x", "unix:/x"};
	struct ofa_error err = {0};
	struct listener l;
	char expected[64];

	ASSERT_OK(listener_open("http", "--listen", "127.0.0.1:0", false, &l, &err), &err);
	snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", l.port);
	ck_assert_uint_gt(l.port, 0);
	ck_assert_str_eq(l.url, expected);
	ck_assert(l.local && !l.inherited);
	close(l.fd);
	ASSERT_OK(listener_open("http", "--listen", "0.0.0.0:0", false, &l, &err), &err);
	ck_assert(!l.local);
	close(l.fd);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		struct ofa_error why = {0};

		ASSERT_FAILS(listener_open("http", "--listen", bad[i], false, &l, &why), OFA_ERR_INVALID);
		ck_assert_str_eq(why.field, "--listen");
		ASSERT_FAILS(listener_check("--listen", bad[i], false, NULL, NULL), OFA_ERR_INVALID);
	}
}
END_TEST

/* A Unix socket that somebody left is replaced, one that somebody listens on or a file is not. */
START_TEST(test_listen_unix)
{
	char address[600], path[512];
	struct listener l, second;
	struct ofa_error err = {0};
	FILE *f;

	snprintf(path, sizeof(path), "%s", temporary_path("admin"));
	snprintf(address, sizeof(address), "unix:%s", path);
	ASSERT_OK(listener_open("admin", "--admin-listen", address, true, &l, &err), &err);
	ck_assert_str_eq(l.url, address);
	ck_assert(l.local && l.port == 0);
	ASSERT_FAILS(listener_open("admin", "--admin-listen", address, true, &second, NULL), OFA_ERR_IO);
	close(l.fd);
	ASSERT_OK(listener_open("admin", "--admin-listen", address, true, &second, &err), &err);
	close(second.fd);
	listener_forget(&second);
	ck_assert_int_ne(access(path, F_OK), 0);
	f = fopen(path, "w");
	fclose(f);
	ASSERT_FAILS(listener_open("admin", "--admin-listen", address, true, &second, NULL), OFA_ERR_IO);
	ck_assert_int_eq(access(path, F_OK), 0);
	unlink(path);
	ASSERT_FAILS(listener_open("admin", "--admin-listen", "unix:", true, &second, NULL), OFA_ERR_INVALID);
}
END_TEST

/* Whatever is logged, a line is one JSON object. */
START_TEST(test_log)
{
	char text[2 * LOG_LINE_MAX], *newline;
	struct log_line line;
	struct log log = {.level = LOG_LEVEL_INFO};
	json_t *json;
	ssize_t n;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	log.fd = fds[1];
	memset(text, '"', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_message(&log, LOG_LEVEL_DEBUG, "not wanted");
	log_begin(&line, &log, LOG_LEVEL_INFO, "a\"b\\c\nd\x01\xff");
	log_string(&line, "path", "/\x1b[31m");
	log_string(&line, "nothing", NULL);
	log_integer(&line, "status", -7);
	log_integer(&line, "least", LLONG_MIN);
	log_integer(&line, "most", LLONG_MAX);
	log_integer(&line, "none", 0);
	log_real(&line, "ms", 1.5);
	log_real(&line, "small", -0.0625);
	log_real(&line, "large", 123456789012.25);
	log_real(&line, "naught", -0.0001);
	log_string(&line, "long", text);
	log_string(&line, "after", "no room");
	log_end(&line);
	n = read(fds[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, LOG_LINE_MAX);
	text[n] = '\0';
	newline = strchr(text, '\n');
	ck_assert_ptr_eq(newline, text + n - 1);
	json = json_loads(text, 0, NULL);
	ck_assert_msg(json != NULL, "%s", text);
	ck_assert_str_eq(json_string_value(json_object_get(json, "level")), "info");
	ck_assert_int_eq(json_integer_value(json_object_get(json, "status")), -7);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "least")), LLONG_MIN);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "most")), LLONG_MAX);
	ck_assert_ptr_nonnull(strstr(text, ",\"none\":0,\"ms\":1.500,\"small\":-0.063,\"large\":123456789012.250,"
					   "\"naught\":0.000,"));
	json_decref(json);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* Every day for 900 years, leap ones included, at odd hours. */
START_TEST(test_calendar)
{
	for (time_t second = 0; second < (time_t)900 * 366 * 86400; second += 86400 - 86400 / 24 + 7) {
		struct timespec t = {.tv_sec = second, .tv_nsec = (long)(second % 1000) * 1000000};
		char ours[CLOCK_RFC3339_MAX], date[24], theirs[CLOCK_RFC3339_MAX];
		struct tm tm;

		gmtime_r(&t.tv_sec, &tm);
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		snprintf(theirs, sizeof(theirs), "%s.%03dZ", date, (int)(second % 1000));
		clock_format(&t, ours);
		ck_assert_str_eq(ours, theirs);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_listen, test_listen_unix, test_log, test_calendar};

	return run_tests("daemon parts", tests, OFA_ARRAY_LEN(tests));
}
