/* `ofad probe` against daemons that are ready, draining, mute and gone. */
#include <curl/curl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"

static char output[4096];

static int probe(const char *first, const char *second, const char *third)
{
	return daemon_run(output, sizeof(output), "probe", first, second, third, NULL);
}

static void check_said(const char *text)
{
	ck_assert_msg(strstr(output, text) != NULL, "%s", output);
}

static void loopback(unsigned port, char ret[64])
{
	snprintf(ret, 64, "127.0.0.1:%u", port);
}

START_TEST(test_ready)
{
	char address[64];
	struct daemon d;

	daemon_begin(&d, "ready");
	loopback(d.port, address);
	ck_assert_int_eq(probe(address, NULL, NULL), 0);
	check_said("\"ready\"");
	ck_assert_int_eq(probe("--live", address, NULL), 0);
	check_said("\"ok\"");
	daemon_end(&d);
	ck_assert_int_eq(probe(address, NULL, NULL), 1);
	check_said("refused");
}
END_TEST

/* A daemon that drains is alive and not ready. */
START_TEST(test_draining)
{
	static const char head[] = "PUT /profiles/late HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
				   "Content-Length: 25\r\n\r\n{\"limits\":",
			  in_flight[] = "ofad_http_requests_in_flight{listener=\"main\"}";
	char address[1100];
	struct daemon d;
	int fd;

	snprintf(address, sizeof(address), "unix:%s", world_path("admin.sock"));
	daemon_start(&d, "draining", "--admin-listen", address, "--drain-seconds", "60", NULL);
	daemon_wait_ready(&d);
	ck_assert_int_eq(probe(address, NULL, NULL), 0);
	fd = raw_connect(&d);
	ck_assert_int_gt(send(fd, head, strlen(head), MSG_NOSIGNAL), 0);
	for (int i = 0; i < 400 && metric_of(&d, in_flight) < 2; i++) /* the question itself is one */
		usleep(50000);
	kill(d.pid, SIGTERM);
	for (int i = 0; i < 400 && probe(address, NULL, NULL) == 0; i++)
		usleep(50000);
	check_said("\"draining\"");
	ck_assert_int_eq(probe("--live", address, NULL), 0);
	close(fd);
	daemon_stop(&d, SIGKILL);
}
END_TEST

/* Where to ask, the server's own configuration says. */
START_TEST(test_configured)
{
	char address[64];
	struct daemon d;

	daemon_begin(&d, "configured");
	loopback(d.port, address);
	setenv("OFAD_LISTEN", address, 1);
	ck_assert_int_eq(probe(NULL, NULL, NULL), 0);
	setenv("OFAD_TLS_CERT", "x", 1);
	ck_assert_int_eq(probe(NULL, NULL, NULL), 2);
	check_said("--admin-listen");
	setenv("OFAD_ADMIN_LISTEN", address, 1);
	ck_assert_int_eq(probe(NULL, NULL, NULL), 0);
	setenv("OFAD_ADMIN_LISTEN", "127.0.0.1:0", 1);
	ck_assert_int_eq(probe(NULL, NULL, NULL), 2);
	setenv("OFAD_ADMIN_LISTEN", "unix:/none", 1);
	ck_assert_int_eq(probe(NULL, NULL, NULL), 1);
	unsetenv("OFAD_ADMIN_LISTEN");
	unsetenv("OFAD_TLS_CERT");
	unsetenv("OFAD_LISTEN");
	daemon_end(&d);
}
END_TEST

/* It is connected to, by the kernel alone. */
START_TEST(test_mute)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(at);
	void *any = &at;
	char address[64];

	ck_assert_int_eq(bind(fd, any, len), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, any, &len), 0);
	loopback(ntohs(at.sin_port), address);
	ck_assert_int_eq(probe(address, "--seconds", "1"), 1);
	check_said("too long");
	close(fd);
}
END_TEST

START_TEST(test_mistakes)
{
	static const char *const bad[][3] = {
		{"--surprise"},
		{"--seconds"},
		{"--seconds", "0"},
		{"--seconds", "601"},
		{"--seconds", "1x"},
		{"--config"},
		{"--config", "/none"},
		{"127.0.0.1:1", "--config", "/none"},
		{"a:1", "b:2"},
		{"nothing"},
		{"127.0.0.1:65536"},
		{"unix:"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(probe(bad[i][0], bad[i][1], bad[i][2]) == 2, "%zu: %s", i, output);
	ck_assert_int_eq(probe("--help", NULL, NULL), 0);
	check_said("Exit status");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_ready, test_draining, test_configured, test_mute, test_mistakes};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("probe", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
