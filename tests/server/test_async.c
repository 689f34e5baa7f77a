/* Questions whose answers take longer than a client waits: preferences, jobs, cancelling, clients that go away. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "job_client.h"

enum { CROWD = 30 };

/* 202, polling, and the package in the end; what is in memory is answered at once whatever is preferred. */
START_TEST(test_respond_async)
{
	char path[JOB_PATH_MAX], subnet[128];
	struct reply r, package;
	struct daemon d;
	json_t *job, *manifest;

	daemon_start(&d, "async", LONG_FRONT, NULL);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	job = get_job(&d, path);
	ck_assert(state_is(job, "running") || state_is(job, "queued"));
	ck_assert_int_ge(json_integer_value(json_object_get(job, "poll_after_s")), 1);
	ck_assert(json_is_null(json_object_get(job, "error")));
	json_decref(job);
	job = await_job(&d, path);
	ck_assert(state_is(job, "succeeded"));
	ck_assert(json_is_null(json_object_get(job, "poll_after_s")));
	snprintf(subnet, sizeof(subnet), "%s",
		 json_string_value(json_object_get(json_object_get(job, "links"), "subnet")));
	/* this delivery's signed manifest, as its manifest has it */
	ask(&d, "GET", json_string_value(json_object_get(json_object_get(job, "links"), "manifest")), NULL, NULL, &r);
	manifest = reply_json(&r);
	ck_assert(json_equal(json_object_get(json_object_get(job, "links"), "signed_manifest"),
			     json_object_get(json_object_get(manifest, "links"), "signed_manifest")));
	json_decref(manifest);
	reply_release(&r);
	json_decref(job);
	ask(&d, "GET", subnet, NULL, NULL, &package);
	ck_assert_int_eq(package.status, 200);
	post(&d, "respond-async, wait=0", SLOW, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(reply_header(&r, "Content-Location"), subnet);
	ck_assert_ptr_null(reply_header(&r, "Preference-Applied"));
	ck_assert_uint_eq(r.body.len, package.body.len);
	reply_release(&r);
	/* over is over */
	ask(&d, "DELETE", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	job = reply_json(&r);
	ck_assert(state_is(job, "succeeded"));
	json_decref(job);
	reply_release(&r);
	reply_release(&package);
	end(&d);
}
END_TEST

/* How long a client waits: as it prefers, within what the server allows. */
START_TEST(test_wait)
{
	char path[JOB_PATH_MAX];
	double begin;
	struct reply r;
	struct daemon d;

	daemon_start(&d, "wait", LONG_FRONT, "--max-wait-seconds", "2", NULL);
	store_profile(&d);
	begin = now_ms();
	post(&d, "wait=0", SLOW, &r);
	accepted(&r, "wait=0", path);
	ck_assert(now_ms() - begin < 900);
	reply_release(&r);
	begin = now_ms();
	post(&d, "respond-async, wait=1", SLOW, &r);
	accepted(&r, "respond-async, wait=1", path);
	ck_assert(now_ms() - begin >= 1000);
	ck_assert(now_ms() - begin < 1900);
	reply_release(&r);
	begin = now_ms();
	post(&d, "wait=100", SLOW, &r);
	accepted(&r, "wait=2", path);
	ck_assert(now_ms() - begin >= 2000);
	reply_release(&r);
	post(&d, NULL, SLOW, &r);
	accepted(&r, NULL, path);
	reply_release(&r);
	end(&d);
	/* one that comes in time says that the wait was granted */
	daemon_start(&d, "wait", NULL);
	post(&d, "wait=50", "{\"seed\":5}", &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(reply_header(&r, "Preference-Applied"), "wait=50");
	reply_release(&r);
	end(&d);
}
END_TEST

/* A job that is cancelled leaves the search to the others; without others the search ends. */
START_TEST(test_cancel)
{
	char first[128], second[128], queued[128];
	struct daemon d;
	json_t *job;

	daemon_start(&d, "cancel", LONG_FRONT, "--workers", "1", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, first);
	begin_job(&d, SLOW, second);
	begin_job(&d, SLOW_TOO, queued);
	ck_assert_str_ne(first, second);
	cancel_job(&d, first);
	job = get_job(&d, first);
	ck_assert(state_is(job, "cancelled"));
	json_decref(job);
	job = get_job(&d, second);
	ck_assert(state_is(job, "running") || state_is(job, "queued"));
	json_decref(job);
	/* what waits in the queue leaves it at once */
	cancel_job(&d, queued);
	await_log("cancel", "\"outcome\":\"cancelled\"", 1);
	cancel_job(&d, second);
	await_log("cancel", "\"outcome\":\"cancelled\"", 2);
	/* the same question begins anew and is answered */
	begin_job(&d, SLOW, first);
	job = await_job(&d, first);
	ck_assert(state_is(job, "succeeded"));
	json_decref(job);
	end(&d);
}
END_TEST

/* A search that computes the front itself truly stops, and the next one computes it from the start. */
START_TEST(test_cancel_computing)
{
	char path[JOB_PATH_MAX];
	struct daemon d;
	json_t *job, *progress;

	daemon_start(&d, "computing", "--front-evaluations", "0", NULL);
	store_profile(&d);
	end(&d);
	daemon_start(&d, "computing", LONG_FRONT, NULL);
	begin_job(&d, SLOW, path);
	do {
		pause_ms(20);
		job = get_job(&d, path);
		progress = json_object_get(job, "progress");
		ck_assert(!state_is(job, "succeeded"));
		if (json_integer_value(json_object_get(progress, "evaluations")) > 1000)
			break;
		json_decref(job);
	} while (true);
	ck_assert_str_eq(json_string_value(json_object_get(progress, "stage")), "front");
	ck_assert_int_eq(json_integer_value(json_object_get(progress, "budget")), LONG_EVALUATIONS);
	ck_assert(json_number_value(json_object_get(progress, "best_accuracy")) > 0);
	json_decref(job);
	cancel_job(&d, path);
	await_log("computing", "\"outcome\":\"cancelled\"", 1);
	end(&d);
}
END_TEST

/* With every worker busy the rest goes on: limits that no subnet keeps are refused, profiles stored, health told. */
START_TEST(test_busy)
{
	static const char *const infeasible[] = {
		"{\"limits\":{\"macs\":10}}",
		"{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":0.00001}}",
	};
	char path[JOB_PATH_MAX];
	double begin;
	struct daemon d;

	daemon_start(&d, "busy", LONG_FRONT, "--workers", "1", NULL);
	daemon_wait_ready(&d);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	begin_job(&d, SLOW_TOO, path);
	begin = now_ms();
	for (size_t i = 0; i < OFA_ARRAY_LEN(infeasible); i++) {
		struct reply r;
		json_t *problem;

		post(&d, "respond-async", infeasible[i], &r);
		problem = check_problem(&r, 422, "infeasible-limits", NULL);
		ck_assert(json_is_object(json_object_get(json_object_get(problem, "feasible"), "macs")));
		ck_assert(json_is_object(json_object_get(json_object_get(problem, "feasible"), "latency_ms")) ==
			  (i == 1));
		json_decref(problem);
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/x", SEND_JSON, "{\"limits\":{\"macs\":2000000}}"), 201);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	ck_assert(now_ms() - begin < 2000);
	ck_assert_int_eq(daemon_log_count("busy", "\"outcome\":\"ok\""), 0);
	end(&d);
}
END_TEST

START_TEST(test_unknown_jobs)
{
	static const char *const paths[] = {"/jobs/x", "/jobs/0123456789abcdef0123456789abcdef",
					    "/jobs/0123456789ABCDEF0123456789ABCDEF", "/jobs/..%2fjobs"};
	char path[JOB_PATH_MAX];
	struct daemon d;
	struct reply r;
	json_t *problem;

	daemon_start(&d, "unknown", LONG_FRONT, NULL);
	for (size_t i = 0; i < OFA_ARRAY_LEN(paths); i++) {
		ck_assert_int_eq(ask_status(&d, "GET", paths[i], NULL, NULL), 404);
		ck_assert_int_eq(ask_status(&d, "DELETE", paths[i], NULL, NULL), 404);
	}
	ck_assert_int_eq(ask_status(&d, "PUT", paths[1], SEND_JSON, "{}"), 405);
	store_profile(&d);
	begin_job(&d, SLOW, path);
	ask(&d, "GET", path, "Accept: text/html", NULL, &r);
	json_decref(check_problem(&r, 406, "not-acceptable", "Accept"));
	reply_release(&r);
	/* a restart forgets them, and says what to do */
	daemon_stop(&d, SIGKILL);
	daemon_start(&d, "unknown", NULL);
	ask(&d, "GET", path, NULL, NULL, &r);
	problem = check_problem(&r, 404, "not-found", NULL);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(problem, "detail")), "POST /subnets again"));
	json_decref(problem);
	reply_release(&r);
	end(&d);
}
END_TEST

/* Neither too many jobs nor too old ones are remembered; those under way are never pushed out. */
START_TEST(test_bounds)
{
	char first[128], second[128], third[128];
	struct daemon d;
	struct reply r;

	daemon_start(&d, "bounds", LONG_FRONT, "--max-jobs", "2", NULL);
	store_profile(&d);
	begin_job(&d, SLOW, first);
	begin_job(&d, SLOW, second);
	post(&d, "respond-async", SLOW, &r);
	json_decref(check_problem(&r, 503, "overload", NULL));
	ck_assert_int_ge(strtol(reply_header(&r, "Retry-After"), NULL, 10), 1);
	reply_release(&r);
	cancel_job(&d, first);
	begin_job(&d, SLOW, third);
	ck_assert_int_eq(ask_status(&d, "GET", first, NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", second, NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", third, NULL, NULL), 200);
	end(&d);
	daemon_start(&d, "bounds", LONG_FRONT, "--job-seconds", "0", NULL);
	begin_job(&d, SLOW, first);
	cancel_job(&d, first);
	pause_ms(10);
	ck_assert_int_eq(ask_status(&d, "GET", first, NULL, NULL), 404);
	end(&d);
}
END_TEST

/* No search goes on for ever, whoever waits for it. */
START_TEST(test_search_deadline)
{
	char path[JOB_PATH_MAX];
	struct daemon d;
	struct reply r;
	json_t *job, *error;

	daemon_start(&d, "limit", LONG_FRONT, "--search-seconds", "1", NULL);
	store_profile(&d);
	post(&d, NULL, SLOW, &r);
	json_decref(check_problem(&r, 503, "overload", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
	begin_job(&d, SLOW, path);
	job = await_job(&d, path);
	ck_assert(state_is(job, "failed"));
	error = json_object_get(job, "error");
	ck_assert_str_eq(json_string_value(json_object_get(error, "type")), "/problems/overload");
	ck_assert_int_eq(json_integer_value(json_object_get(error, "status")), 503);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(error, "detail")), "1 seconds"));
	json_decref(job);
	end(&d);
}
END_TEST

/* The client goes away; its search is finished and kept for when it asks again. */
START_TEST(test_client_gone)
{
	char text[512];
	struct daemon d;
	struct reply r;
	int n, fd;

	daemon_start(&d, "gone", LONG_FRONT, "--max-wait-seconds", "1", NULL);
	store_profile(&d);
	fd = raw_connect(&d);
	n = snprintf(text, sizeof(text),
		     "POST /subnets HTTP/1.1\r\nHost: x\r\n" SEND_JSON "\r\nContent-Length: %zu\r\n\r\n" SLOW,
		     strlen(SLOW));
	ck_assert_int_eq(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
	pause_ms(100);
	close(fd);
	await_log("gone", "\"msg\":\"search\"", 1);
	post(&d, NULL, SLOW, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Server-Timing"), "cache;desc=\"memory\""));
	reply_release(&r);
	end(&d);
	ck_assert_int_eq(daemon_log_count("gone", "\"outcome\":\"ok\""), 1);
}
END_TEST

struct client {
	const struct daemon *d;
	const char *prefer;
	pthread_t thread;
	char subnet[128];
};

static void *client_main(void *arg)
{
	struct client *c = arg;
	char path[JOB_PATH_MAX];
	struct reply r;
	json_t *job;

	post(c->d, c->prefer, SLOW, &r);
	if (r.status == 202) {
		snprintf(path, sizeof(path), "%s", reply_header(&r, "Location"));
		job = await_job(c->d, path);
		snprintf(c->subnet, sizeof(c->subnet), "%s",
			 json_string_value(json_object_get(json_object_get(job, "links"), "subnet")));
		json_decref(job);
	} else {
		ck_assert_int_eq(r.status, 200);
		snprintf(c->subnet, sizeof(c->subnet), "%s", reply_header(&r, "Content-Location"));
	}
	reply_release(&r);
	return NULL;
}

/* However devices wait for the same question, it is searched once. */
START_TEST(test_mixed_crowd)
{
	static const char *const prefer[] = {NULL, "respond-async", "wait=1", "wait=0"};
	static struct client clients[CROWD];
	struct daemon d;

	daemon_start(&d, "mixed", LONG_FRONT, NULL);
	store_profile(&d);
	for (int i = 0; i < CROWD; i++) {
		clients[i].d = &d;
		clients[i].prefer = prefer[i % OFA_ARRAY_LEN(prefer)];
		ck_assert_int_eq(pthread_create(&clients[i].thread, NULL, client_main, &clients[i]), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(clients[i].thread, NULL);
		ck_assert_str_eq(clients[i].subnet, clients[0].subnet);
	}
	end(&d);
	ck_assert_int_eq(daemon_log_count("mixed", "\"msg\":\"search\""), 1);
	ck_assert_int_eq(daemon_log_count("mixed", "\"source\":\"search\""), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_respond_async, test_wait,   test_cancel,          test_cancel_computing,
				      test_busy,          test_bounds, test_unknown_jobs,    test_search_deadline,
				      test_client_gone,   test_mixed_crowd};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("async", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
