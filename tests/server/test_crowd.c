/* A fleet that comes up at once: ten thousand equal devices cost one search and one package, and what is remembered
 * stays within its bytes. */
#include <curl/curl.h>
#include <dirent.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "job_client.h"

enum { FLEET = 10000, SPARE_FILES = 200, REPLY_MAX = 2048, QUESTIONS = 40 };

struct device {
	int fd;
	size_t len;
	char text[REPLY_MAX]; /* the beginning of its answer */
};

/* As many as there are, or as many connections as the system lets us have. */
static int fleet_size(void)
{
	struct rlimit files;
	int n = FLEET;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max != RLIM_INFINITY && files.rlim_max < (rlim_t)(FLEET + SPARE_FILES))
		n = (int)files.rlim_max - SPARE_FILES;
	return n;
}

/* Asks and waits for nothing. */
static void ask_from(struct device *v, const struct daemon *d, const char *prefer)
{
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "POST /subnets HTTP/1.1\r\nHost: x\r\nAccept: " JSON "\r\n" SEND_JSON "\r\n%s"
			 "Content-Length: %zu\r\n\r\n" SLOW,
			 prefer, strlen(SLOW));

	v->fd = raw_connect(d);
	ck_assert_int_ge(v->fd, 0);
	v->len = 0;
	ck_assert_int_eq(send(v->fd, text, (size_t)n, MSG_NOSIGNAL), n);
}

/* Until the head of its answer is there. */
static void receive(struct device *v)
{
	do {
		struct pollfd p = {.fd = v->fd, .events = POLLIN};
		ssize_t n;

		ck_assert_int_eq(poll(&p, 1, 90000), 1);
		n = recv(v->fd, v->text + v->len, sizeof(v->text) - 1 - v->len, 0);
		ck_assert_int_gt(n, 0);
		v->len += (size_t)n;
		v->text[v->len] = '\0';
	} while (!strstr(v->text, "\r\n\r\n") && v->len < sizeof(v->text) - 1);
	close(v->fd);
}

static const char *field(const struct device *v, const char *name)
{
	const char *at = strstr(v->text, name);
	static char value[128];

	ck_assert_msg(at != NULL, "no %s in %s", name, v->text);
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r\n"), at);
	return value;
}

static int count_packages(const char *data)
{
	char path[1100];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/packages", world_path(data));
	dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)))
		n += strstr(entry->d_name, ".ofa") != NULL;
	closedir(dir);
	return n;
}

/* However each of them waits: a third does not, a third waits a second, a third as long as it takes. */
START_TEST(test_fleet)
{
	static const char *const prefer[] = {"", "Prefer: respond-async\r\n", "Prefer: wait=1\r\n"};
	static struct device fleet[FLEET];
	int n = fleet_size(), delivered = 0;
	char first[128] = "", path[JOB_PATH_MAX];
	struct daemon d;
	json_t *job;

	daemon_start(&d, "fleet", "--front-evaluations", "2000000", "--max-connections", "11000",
		     "--max-connections-per-address", "11000", NULL);
	store_profile(&d);
	for (int i = 0; i < n; i++)
		ask_from(&fleet[i], &d, prefer[i % OFA_ARRAY_LEN(prefer)]);
	for (int i = 0; i < n; i++) {
		receive(&fleet[i]);
		if (strncmp(fleet[i].text, "HTTP/1.1 202 ", 13) == 0) {
			ck_assert(i % OFA_ARRAY_LEN(prefer) != 0);
			snprintf(path, sizeof(path), "%s", field(&fleet[i], "/jobs/"));
			continue;
		}
		ck_assert_msg(strncmp(fleet[i].text, "HTTP/1.1 200 ", 13) == 0, "%s", fleet[i].text);
		delivered++;
		if (!*first)
			snprintf(first, sizeof(first), "%s", field(&fleet[i], "Content-Location: "));
		ck_assert_str_eq(field(&fleet[i], "Content-Location: "), first);
	}
	ck_assert_int_ge(delivered, n / 3);
	ck_assert_int_lt(delivered, n);
	job = await_job(&d, path);
	ck_assert(state_is(job, "succeeded"));
	ck_assert_ptr_nonnull(strstr(first, json_string_value(json_object_get(json_object_get(job, "links"),
									      "subnet"))));
	json_decref(job);
	ck_assert_int_eq(count_packages("fleet"), 1);
	end(&d);
	ck_assert_int_eq(daemon_log_count("fleet", "\"msg\":\"search\""), 1);
	ck_assert_int_eq(daemon_log_count("fleet", "\"source\":\"search\""), 1);
}
END_TEST

/* The value of a sample in GET /metrics. */
static double metric(const struct daemon *d, const char *sample)
{
	const char *text, *at;
	struct reply r;
	double value;

	ask(d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(ofa_buf_cstr(&r.body, &text), OFA_OK);
	at = strstr(text, sample);
	ck_assert_msg(at != NULL, "no %s", sample);
	value = strtod(at + strlen(sample), NULL);
	reply_release(&r);
	return value;
}

/* Many questions in little memory: what does not fit is read from disk again and searched no second time. */
START_TEST(test_memory)
{
	static const char *const caches[] = {"packages", "answers"};
	char body[64], used[64], max[64];
	struct daemon d;
	struct reply r;

	daemon_start(&d, "small", "--cache-bytes", "128K", NULL);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < QUESTIONS; i++) {
			snprintf(body, sizeof(body), "{\"seed\":%d,\"limits\":{\"macs\":%d}}", i, 1000000 + 200000 * i);
			post(&d, NULL, body, &r);
			ck_assert_int_eq(r.status, 200);
			ck_assert(round == 0 || strstr(reply_header(&r, "Server-Timing"), "cache"));
			reply_release(&r);
		}
		for (size_t c = 0; c < OFA_ARRAY_LEN(caches); c++) {
			snprintf(used, sizeof(used), "ofad_cache_bytes{cache=\"%s\"} ", caches[c]);
			snprintf(max, sizeof(max), "ofad_cache_max_bytes{cache=\"%s\"} ", caches[c]);
			ck_assert(metric(&d, used) <= metric(&d, max));
		}
	}
	end(&d);
	ck_assert_int_eq(daemon_log_count("small", "\"source\":\"search\""), QUESTIONS);
	ck_assert_int_ge(daemon_log_count("small", "\"source\":\"store\""), QUESTIONS / 2);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_fleet, test_memory};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("crowd", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
