/* Requests that no honest client sends: each is refused, and the next client is served. */
#include <curl/curl.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon.h"

#define SEND_JSON "Content-Type: application/json"
#define HOST "Host: x\r\n"

/* Still alive, and ends as it should. */
/* The status line's code; 0 when nothing came back. */
static int raw_status(const struct daemon *d, const char *request)
{
	static char answer[1 << 16];
	int status = 0;

	raw_exchange(d, request, strlen(request), answer, sizeof(answer));
	return sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

/* Messages whose end two servers could see in different places: 400, and nothing after them is answered. */
START_TEST(test_smuggling)
{
	static const char *const requests[] = {
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON
		"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
		"0\r\n\r\nGET /healthz HTTP/1.1\r\n" HOST "\r\n",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
		"GET /healthz HTTP/1.1\r\n" HOST "\r\n",
		"GET /healthz HTTP/1.1\r\n" HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
	};
	static char answer[1 << 16];
	struct daemon d;

	daemon_begin(&d, "smuggling");
	for (size_t i = 0; i < OFA_ARRAY_LEN(requests); i++) {
		raw_exchange(&d, requests[i], strlen(requests[i]), answer, sizeof(answer));
		ck_assert_msg(strncmp(answer, "HTTP/1.1 400", 12) == 0, "case %zu: %.100s", i, answer);
		ck_assert_msg(strstr(answer + 1, "HTTP/1.1") == NULL, "case %zu: a second answer", i);
		ck_assert_msg(strstr(answer, "\"status\":\"ok\"") == NULL, "case %zu: smuggled", i);
	}
	daemon_end(&d);
}
END_TEST

START_TEST(test_malformed)
{
	static const char *const requests[] = {
		"GET /healthz HTTP/1.1\r\n\r\n",
		"GET\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"GET /healthz HTTP/9.9\r\n" HOST "\r\n",
		"GET /healthz HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON
		"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
	};
	struct daemon d;

	daemon_begin(&d, "malformed");
	for (size_t i = 0; i < OFA_ARRAY_LEN(requests); i++) {
		int status = raw_status(&d, requests[i]);

		ck_assert_msg(status == 0 || (status >= 400 && status < 600 && status != 500), "case %zu: %d", i,
			      status);
	}
	daemon_end(&d);
}
END_TEST

START_TEST(test_methods_and_paths)
{
	static const struct {
		const char *method, *path;
		long status;
	} cases[] = {
		{"POST", "/", 405},
		{"PATCH", "/profiles/a", 405},
		{"DELETE", "/subnets", 405},
		{"FROBNICATE", "/networks", 405},
		{"OPTIONS", "/subnets", 405},
		{"GET", "/none", 404},
		{"GET", "/networks/", 404},
		{"GET", "/networks/%2e%2e", 404},
		{"GET", "/networks/a%00b", 404},
		{"GET", "/networks/%zz", 404},
		{"GET", "/../../etc/passwd", 404},
		{"GET", "/profiles/../ofad.db", 422},
		{"GET", "/profiles/..%2f..%2fofad.db", 422},
		{"GET", "//networks", 404},
	};
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "methods");
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ask(&d, cases[i].method, cases[i].path, NULL, NULL, &r);
		ck_assert_msg(r.status == cases[i].status, "%s %s: %ld", cases[i].method, cases[i].path, r.status);
		json_decref(reply_json(&r));
		reply_release(&r);
	}
	ask(&d, "PATCH", "/profiles/a", NULL, NULL, &r);
	json_decref(check_problem(&r, 405, "method-not-allowed", NULL));
	ck_assert_str_eq(reply_header(&r, "Allow"), "GET, HEAD, PUT, DELETE");
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

START_TEST(test_bodies)
{
	static const struct {
		const char *body;
		long status;
		const char *slug, *field;
	} cases[] = {
		{"", 400, "not-json", NULL},
		{"{", 400, "not-json", NULL},
		{"[]", 400, "not-json", NULL},
		{"\"x\"", 400, "not-json", NULL},
		{"{} {}", 400, "not-json", NULL},
		{"{\"seed\":1,\"seed\":2}", 400, "not-json", NULL},
		{"{\"seed\":\"\xff\xfe\"}", 400, "not-json", NULL},
		{"{\"network\":\"a\\u0000b\"}", 400, "not-json", NULL},
		{"{\"seed\":1e999}", 400, "not-json", NULL},
		{"{\"seed\":99999999999999999999}", 400, "not-json", NULL},
		{"{\"seed\":NaN}", 400, "not-json", NULL},
		{"{\"seed\":1.0}", 422, "invalid-value", "/seed"},
		{"{\"seed\":true}", 422, "invalid-value", "/seed"},
		{"{\"limits\":{\"macs\":1e308}}", 200, NULL, NULL},
		{"{\"limits\":{\"macs\":null}}", 422, "invalid-value", "/limits/macs"},
		{"{\"limits\":{\"a/b~c\":1}}", 422, "invalid-value", NULL},
		{"{\"profile\":{\"latency_table\":{\"unit\":\"ms\",\"entries\":{}}}}", 422, "invalid-value",
		 "/profile/latency_table/entries"},
		{"{\"profile\":\"a//b\"}", 422, "invalid-value", "/profile"},
	};
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "bodies");
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ask(&d, "POST", "/subnets", SEND_JSON, cases[i].body, &r);
		ck_assert_msg(r.status == cases[i].status, "%s: %ld", cases[i].body, r.status);
		if (cases[i].slug)
			json_decref(check_problem(&r, cases[i].status, cases[i].slug, cases[i].field));
		reply_release(&r);
	}
	ask(&d, "POST", "/subnets", "Content-Type: text/plain", "{}", &r);
	json_decref(check_problem(&r, 415, "unsupported-media-type", "Content-Type"));
	reply_release(&r);
	ask(&d, "POST", "/subnets", SEND_JSON "\nAccept: text/html", "{}", &r);
	json_decref(check_problem(&r, 406, "not-acceptable", "Accept"));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* What cannot be part of a JSON text, where a parser might overlook it and where an answer might repeat it. */
START_TEST(test_bytes)
{
	static const char nul[] = "POST /subnets HTTP/1.1\r\n" HOST SEND_JSON
				  "\r\nContent-Length: 24\r\n\r\n{\"limits\":{\"macs\":9e6\0}}";
	static char answer[1 << 16];
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "bytes");
	raw_exchange(&d, nul, sizeof(nul) - 1, answer, sizeof(answer));
	ck_assert_msg(strncmp(answer, "HTTP/1.1 400", 12) == 0, "%.100s", answer);
	ask(&d, "GET", "/networks/" NETWORK "/latency-keys?resolutions=%ff%fe", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "resolutions"));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

static char *filled(size_t n, const char *with)
{
	size_t len = strlen(with);
	char *text = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = with[i % len];
	text[n] = '\0';
	return text;
}

/* libmicrohttpd ends a connection whose cookies leave it no memory without a word, to us either. */
START_TEST(test_cookies)
{
	static const char idle[] = "ofad_http_requests_in_flight{listener=\"main\"} 1\n";
	static char request[4096], answer[1 << 16];
	char *cookies = filled(2000, "a/b,");
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "cookies");
	snprintf(request, sizeof(request), "GET /networks HTTP/1.1\r\n" HOST "Cookie: %s\r\n\r\n", cookies);
	for (int i = 0; i < 5; i++)
		raw_exchange(&d, request, strlen(request), answer, sizeof(answer));
	ask(&d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_ptr_nonnull(memmem(r.body.data, r.body.len, idle, sizeof(idle) - 1));
	reply_release(&r);
	daemon_end(&d);
	free(cookies);
}
END_TEST

/* Too much is refused by its announced length before it is read, or, without one, when it is counted. */
START_TEST(test_too_much)
{
	char *big = filled((size_t)9 << 20, " "), *deep = filled(500000, "["), *name = filled(60000, "a");
	char announced[256], header[70000];
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "much");
	snprintf(announced, sizeof(announced),
		 "POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nContent-Length: %d\r\n\r\n", 2 << 20);
	ck_assert_int_eq(raw_status(&d, announced), 413);
	snprintf(announced, sizeof(announced),
		 "PUT /profiles/a HTTP/1.1\r\n" HOST SEND_JSON "\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
		 9 << 20);
	ck_assert_int_eq(raw_status(&d, announced), 413);
	ck_assert_int_eq(raw_status(&d, "GET /networks HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc"), 413);
	big[1200000] = '\0';
	ask(&d, "POST", "/subnets", SEND_JSON "\nTransfer-Encoding: chunked\nExpect:", big, &r);
	json_decref(check_problem(&r, 413, "too-large", NULL));
	reply_release(&r);
	ask(&d, "POST", "/subnets", SEND_JSON, deep, &r);
	json_decref(check_problem(&r, 400, "not-json", NULL));
	reply_release(&r);
	snprintf(header, sizeof(header), "GET / HTTP/1.1\r\n" HOST "X: %s\r\n\r\n", name);
	ck_assert_int_eq(raw_status(&d, header), 431);
	snprintf(header, sizeof(header), "GET /%s HTTP/1.1\r\n" HOST "\r\n", name);
	ck_assert_int_ge(raw_status(&d, header), 400);
	daemon_end(&d);
	free(big);
	free(deep);
	free(name);
}
END_TEST

/* A byte a second is not silence to the library, but it is not a request either: the connection ends.
 * Clients that leave in the middle of everything leave nothing behind. */
START_TEST(test_slow_and_gone)
{
	static const char *const unfinished[] = {
		"GET /heal",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nContent-Length: 100\r\n\r\n{\"se",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nContent-Length: 10\r\n\r\n{\"seed\":5}",
		"POST /subnets HTTP/1.1\r\n" HOST SEND_JSON "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
	};
	struct daemon d;
	int slow, seconds = 0;

	daemon_begin(&d, "slow");
	slow = raw_connect(&d);
	ck_assert_int_eq(send(slow, "GET / HTTP/1.1\r\nX: ", 19, 0), 19);
	for (size_t i = 0; i < OFA_ARRAY_LEN(unfinished); i++) {
		int fd = raw_connect(&d);

		ck_assert_int_gt(send(fd, unfinished[i], strlen(unfinished[i]), 0), 0);
		close(fd);
	}
	for (;; seconds++) {
		struct pollfd p = {.fd = slow, .events = POLLIN};
		char c;

		ck_assert_int_lt(seconds, 30);
		if (send(slow, "a", 1, MSG_NOSIGNAL) < 0)
			break;
		if (poll(&p, 1, 1000) > 0 && recv(slow, &c, 1, 0) <= 0)
			break;
		ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	}
	ck_assert_int_ge(seconds, 5);
	close(slow);
	daemon_end(&d);
}
END_TEST

static int open_files(const struct daemon *d)
{
	char path[64];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)d->pid);
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n++;
	closedir(dir);
	return n;
}

/* Clients whose end comes together with their request are answered, and their connections do not stay until they
 * count as idle: the server stands still when all come at once, so that it reads both at once. */
START_TEST(test_farewell_at_once)
{
	static const char request[] = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
	enum { CLIENTS = 60 };
	int fds[CLIENTS], before, answered = 0;
	struct daemon d;
	char answer[4096];

	daemon_begin(&d, "farewell");
	before = open_files(&d);
	kill(d.pid, SIGSTOP);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = raw_connect(&d);
		ck_assert_int_eq(send(fds[i], request, sizeof(request) - 1, 0), sizeof(request) - 1);
		shutdown(fds[i], SHUT_WR);
	}
	kill(d.pid, SIGCONT);
	for (int i = 0; i < CLIENTS; i++) {
		struct pollfd p = {.fd = fds[i], .events = POLLIN};

		answered += poll(&p, 1, 5000) > 0 && recv(fds[i], answer, sizeof(answer), 0) > 0;
		close(fds[i]);
	}
	ck_assert_int_eq(answered, CLIENTS);
	for (int i = 0; i < 100 && open_files(&d) > before; i++)
		poll(NULL, 0, 50);
	ck_assert_int_le(open_files(&d), before);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_smuggling, test_malformed, test_methods_and_paths,
				      test_bodies,    test_bytes,     test_cookies,   test_too_much,
				      test_slow_and_gone, test_farewell_at_once};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("hostile", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
