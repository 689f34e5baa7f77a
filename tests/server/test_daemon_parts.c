/* The listening socket and the log. */
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

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
	log_real(&line, "ms", 1.5);
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
	json_decref(json);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_listen, test_log};

	return run_tests("daemon parts", tests, OFA_ARRAY_LEN(tests));
}
