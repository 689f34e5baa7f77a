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
	static const char *const bad[] = {"", ":", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:99999", "127.0.0.1:8x"};
	struct ofa_error err = {0};
	char url[128], expected[64];
	unsigned port;
	int fd;

	ASSERT_OK(listen_on("127.0.0.1:0", &fd, &port, url, &err), &err);
	snprintf(expected, sizeof(expected), "http://127.0.0.1:%u", port);
	ck_assert_uint_gt(port, 0);
	ck_assert_str_eq(url, expected);
	close(fd);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(listen_on(bad[i], &fd, &port, url, NULL) == OFA_ERR_INVALID, "\"%s\"", bad[i]);
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
	const TTest *const tests[] = {test_listen, test_log, test_calendar};

	return run_tests("daemon parts", tests, OFA_ARRAY_LEN(tests));
}
