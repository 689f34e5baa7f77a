#include "job_client.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"

enum { PATIENCE_MS = 60000 };

double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

void pause_ms(long ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

void store_profile(const struct daemon *d)
{
	struct ofa_error err = {0};
	uint8_t *text;
	size_t size;
	long status;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	status = ask_status(d, "PUT", "/profiles/" NETWORK, SEND_JSON, (char *)text);
	ck_assert_msg(status == 201 || status == 200, "%ld", status);
	free(text);
}

void end(struct daemon *d)
{
	int status = daemon_stop(d, SIGTERM);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ofad ended with status %x", (unsigned)status);
}

void post(const struct daemon *d, const char *prefer, const char *body, struct reply *r)
{
	char headers[256];

	snprintf(headers, sizeof(headers), SEND_JSON "\nAccept: " PACKAGE "%s%s", prefer ? "\nPrefer: " : "",
		 prefer ? prefer : "");
	ask(d, "POST", "/subnets", headers, body, r);
}

void accepted(const struct reply *r, const char *applied, char path[JOB_PATH_MAX])
{
	json_t *json;

	ck_assert_msg(r->status == 202, "%ld: %.*s", r->status, (int)r->body.len, (const char *)r->body.data);
	ck_assert_str_eq(reply_header(r, "Content-Type"), JSON);
	ck_assert_int_ge(strtol(reply_header(r, "Retry-After"), NULL, 10), 1);
	if (applied)
		ck_assert_str_eq(reply_header(r, "Preference-Applied"), applied);
	else
		ck_assert_ptr_null(reply_header(r, "Preference-Applied"));
	snprintf(path, JOB_PATH_MAX, "%s", reply_header(r, "Location"));
	json = reply_json(r);
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(json, "links"), "self")), path);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "poll_after_s")),
			 strtol(reply_header(r, "Retry-After"), NULL, 10));
	json_decref(json);
}

void begin_job(const struct daemon *d, const char *body, char path[JOB_PATH_MAX])
{
	struct reply r;

	post(d, "respond-async", body, &r);
	accepted(&r, "respond-async", path);
	reply_release(&r);
}

json_t *get_job(const struct daemon *d, const char *path)
{
	struct reply r;
	json_t *json;

	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

void cancel_job(const struct daemon *d, const char *path)
{
	ck_assert_int_eq(ask_status(d, "DELETE", path, NULL, NULL), 200);
}

bool state_is(json_t *job, const char *state)
{
	return strcmp(json_string_value(json_object_get(job, "state")), state) == 0;
}

json_t *await_job(const struct daemon *d, const char *path)
{
	double until = now_ms() + PATIENCE_MS;
	json_t *job;

	while (job = get_job(d, path), state_is(job, "queued") || state_is(job, "running")) {
		ck_assert_msg(now_ms() < until, "the job does not end");
		json_decref(job);
		pause_ms(20);
	}
	return job;
}

void await_log(const char *data, const char *text, int count)
{
	double until = now_ms() + PATIENCE_MS;

	while (daemon_log_count(data, text) < count) {
		ck_assert_msg(now_ms() < until, "the log does not say %s", text);
		pause_ms(20);
	}
	ck_assert_int_eq(daemon_log_count(data, text), count);
}
