/* Starting, crowds, draining, crashing and coming back. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

enum { CROWD = 40, QUEUED = 8, UNDER_WAY = 3 };

struct client {
	const struct daemon *d;
	char body[64];
	struct reply reply;
	pthread_t thread;
};

static void *client_main(void *arg)
{
	struct client *c = arg;

	post_subnet(c->d, "application/vnd.ofa.subnet", c->body, &c->reply);
	return NULL;
}

static void start_clients(const struct daemon *d, struct client *clients, int n, bool same)
{
	for (int i = 0; i < n; i++) {
		clients[i].d = d;
		snprintf(clients[i].body, sizeof(clients[i].body), "{\"seed\":%d}", same ? 1 : i);
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
	}
}

static void join_clients(struct client *clients, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(clients[i].thread, NULL);
}

static void check_exit(int status, int expected)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "status %x", (unsigned)status);
}

/* Forty devices with the same question cost one search and get the same bytes. */
START_TEST(test_crowd)
{
	static struct client clients[CROWD];
	struct daemon d;

	daemon_start(&d, "crowd", NULL);
	daemon_wait_ready(&d);
	start_clients(&d, clients, CROWD, true);
	join_clients(clients, CROWD);
	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_eq(clients[i].reply.status, 200);
		ck_assert_uint_eq(clients[i].reply.body.len, clients[0].reply.body.len);
		ck_assert_mem_eq(clients[i].reply.body.data, clients[0].reply.body.data, clients[0].reply.body.len);
	}
	check_exit(daemon_stop(&d, SIGTERM), 0);
	ck_assert_int_eq(daemon_log_count("crowd", "\"msg\":\"search\""), 1);
	for (int i = 0; i < CROWD; i++)
		reply_release(&clients[i].reply);
}
END_TEST

/* What the queue has no room for is told to come back; the rest is served. */
START_TEST(test_full_queue)
{
	static struct client clients[QUEUED];
	int served = 0, refused = 0;
	struct daemon d;

	daemon_start(&d, "queue", "--workers", "1", "--max-queue", "2", NULL);
	daemon_wait_ready(&d);
	start_clients(&d, clients, QUEUED, false);
	join_clients(clients, QUEUED);
	for (int i = 0; i < QUEUED; i++) {
		if (clients[i].reply.status == 200) {
			served++;
		} else {
			json_decref(check_problem(&clients[i].reply, 503, "overload", NULL));
			ck_assert_int_ge(strtol(reply_header(&clients[i].reply, "Retry-After"), NULL, 10), 1);
			refused++;
		}
		reply_release(&clients[i].reply);
	}
	ck_assert_int_ge(served, 2); /* the queue's two; a third when the worker took one before the last came */
	ck_assert_int_ge(refused, 1);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	check_exit(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Asks on an open connection and returns the status, or 0 when it is closed. */
static int ask_again(int fd, const char *path)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path), status = 0;
	ssize_t got;

	if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n)
		return 0;
	got = recv(fd, text, sizeof(text) - 1, 0);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : -1;
}

#define HALF_BODY "{\"limits\":"
#define OTHER_HALF "{\"macs\":2000000}}"

/* A request whose body is still to come: until the rest is sent the server has something under way. */
static int begin_put(const struct daemon *d)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "PUT /profiles/late HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\nContent-Length: %zu\r\n\r\n"
			 HALF_BODY,
			 strlen(HALF_BODY) + strlen(OTHER_HALF));
	int fd = raw_connect(d);

	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	return fd;
}

static void end_put(int fd)
{
	char text[1024];
	ssize_t n = (ssize_t)strlen(OTHER_HALF);

	ck_assert_int_eq(send(fd, OTHER_HALF, (size_t)n, MSG_NOSIGNAL), n);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_msg(strncmp(text, "HTTP/1.1 201 ", 13) == 0, "%s", text);
	close(fd);
}

/* After SIGTERM newcomers are refused and /readyz says so on old connections, but what was asked is
 * answered. */
START_TEST(test_drain)
{
	static struct client clients[UNDER_WAY];
	const struct timespec moment = {.tv_nsec = 150000000};
	struct daemon d;
	int fd, put, status;

	daemon_start(&d, "drain", "--workers", "1", "--drain-seconds", "100", NULL);
	daemon_wait_ready(&d);
	fd = raw_connect(&d);
	ck_assert_int_eq(ask_again(fd, "/readyz"), 200);
	put = begin_put(&d);
	start_clients(&d, clients, UNDER_WAY, false);
	nanosleep(&moment, NULL);
	kill(d.pid, SIGTERM);
	nanosleep(&moment, NULL);
	ck_assert_int_eq(raw_connect(&d), -1);
	ck_assert_int_eq(ask_again(fd, "/readyz"), 503);
	end_put(put);
	join_clients(clients, UNDER_WAY);
	for (int i = 0; i < UNDER_WAY; i++) {
		ck_assert_int_eq(clients[i].reply.status, 200);
		reply_release(&clients[i].reply);
	}
	close(fd);
	while (waitpid(d.pid, &status, 0) < 0)
		;
	check_exit(status, 0);
}
END_TEST

/* When the time to drain is over, searches end early and their clients are told. */
START_TEST(test_drain_deadline)
{
	static struct client clients[QUEUED];
	const struct timespec moment = {.tv_nsec = 100000000};
	struct daemon d;

	daemon_start(&d, "deadline", "--workers", "1", "--drain-seconds", "0", NULL);
	daemon_wait_ready(&d);
	start_clients(&d, clients, QUEUED, false);
	nanosleep(&moment, NULL);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	join_clients(clients, QUEUED);
	for (int i = 0; i < QUEUED; i++) {
		ck_assert_msg(clients[i].reply.status == 200 || clients[i].reply.status == 503, "status %ld",
			      clients[i].reply.status);
		reply_release(&clients[i].reply);
	}
}
END_TEST

/* What was acknowledged is there after a restart, be it after kill -9, and without another search. */
START_TEST(test_restart)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	char path[128];
	struct reply before, after;
	struct daemon d;

	daemon_start(&d, "restart", NULL);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/a/b", SEND_JSON, "{\"limits\":{\"macs\":2000000}}"), 201);
	post_subnet(&d, JSON, "{\"profile\":\"a/b\"}", &before);
	ck_assert_int_eq(before.status, 200);
	snprintf(path, sizeof(path), "%s", reply_header(&before, "Content-Location"));
	path[strlen(path) - strlen("/manifest")] = '\0';
	for (size_t i = 0; i < OFA_ARRAY_LEN(signals); i++) {
		daemon_stop(&d, signals[i]);
		daemon_start(&d, "restart", NULL);
		ck_assert_int_eq(ask_status(&d, "GET", "/profiles/a/b", NULL, NULL), 200);
		ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 200);
		post_subnet(&d, JSON, "{\"profile\":\"a/b\"}", &after);
		ck_assert_uint_eq(after.body.len, before.body.len);
		ck_assert_mem_eq(after.body.data, before.body.data, after.body.len);
		ck_assert_ptr_nonnull(strstr(reply_header(&after, "Server-Timing"), "cache"));
		reply_release(&after);
	}
	check_exit(daemon_stop(&d, SIGTERM), 0);
	ck_assert_int_eq(daemon_log_count("restart", "\"source\":\"search\""), 1);
	reply_release(&before);
}
END_TEST

/* A package that was changed on disk is never served; the question is answered anew. */
START_TEST(test_altered_package)
{
	char path[128], file[1024];
	struct reply before, after;
	struct daemon d;
	FILE *f;

	daemon_start(&d, "altered", NULL);
	post_subnet(&d, "*/*", "{\"limits\":{\"macs\":2000000}}", &before);
	snprintf(path, sizeof(path), "%s", reply_header(&before, "Content-Location"));
	check_exit(daemon_stop(&d, SIGTERM), 0);
	snprintf(file, sizeof(file), "%s/packages/%s.ofa", world_path("altered"), strrchr(path, '/') + 1);
	f = fopen(file, "r+");
	ck_assert_ptr_nonnull(f);
	fseek(f, 5000, SEEK_SET);
	fputc(before.body.data[5000] ^ 1, f);
	fclose(f);
	daemon_start(&d, "altered", NULL);
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 500);
	post_subnet(&d, "*/*", "{\"limits\":{\"macs\":2000000}}", &after);
	ck_assert_int_eq(after.status, 200);
	ck_assert_uint_eq(after.body.len, before.body.len);
	ck_assert_mem_eq(after.body.data, before.body.data, after.body.len);
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 200);
	check_exit(daemon_stop(&d, SIGTERM), 0);
	reply_release(&before);
	reply_release(&after);
}
END_TEST

START_TEST(test_start_failures)
{
	char output[2048], listen[64], network[1024], data[1024];
	struct daemon d;

	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path("failures2"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), NULL), 2);
	ck_assert_ptr_nonnull(strstr(output, "--network"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--surprise", NULL), 2);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--version", NULL), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "--network"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", "/none", NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "/none"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data",
				    "/proc/none/data", NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "/proc/none/data"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    NULL),
			 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", "/none", "--data", data, NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, "/none"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, network, "--data", data, NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, NETWORK));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", "/proc/none", NULL), 1);
	daemon_start(&d, "failures", NULL);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", d.port);
	ck_assert_int_eq(
		daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen", listen, NULL), 1);
	ck_assert_ptr_nonnull(strstr(output, listen));
	check_exit(daemon_stop(&d, SIGINT), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_crowd,   test_full_queue,      test_drain,         test_drain_deadline,
				      test_restart, test_altered_package, test_start_failures};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("lifecycle", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
