/* Idempotency keys: the field, the memory of them, and requests that are repeated. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "http/idempotency_key.h"
#include "job_client.h"
#include "service/idempotency.h"

/* ---- the field ---- */

static const struct {
	const char *field, *key; /* NULL: refused */
} fields[] = {
	{"\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
	{"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
	{"\"a b\"", "a b"},
	{"\"a\\\"b\\\\c\"", "a\"b\\c"},
	{"x", "x"},
	{"", NULL},
	{"\"\"", NULL},
	{"\"", NULL},
	{"\"a", NULL},
	{"\"a\\", NULL},
	{"\"a\\n\"", NULL},
	{"\"a\" ", NULL},
	{"\"a\", \"b\"", NULL},
	{"\"a\";p=1", NULL},
	{"a b", NULL},
	{"a,b", NULL},
	{"a\"b", NULL},
	{"\"\xc3\xa9\"", NULL},
	{"\xc3\xa9", NULL},
	{"\"a\tb\"", NULL},
};

START_TEST(test_fields)
{
	char out[HTTP_IDEMPOTENCY_KEY_MAX], longest[HTTP_IDEMPOTENCY_KEY_MAX + 2];

	for (size_t i = 0; i < OFA_ARRAY_LEN(fields); i++) {
		bool taken = http_idempotency_key_parse(fields[i].field, out);

		ck_assert_msg(taken == (fields[i].key != NULL), "%s", fields[i].field);
		if (taken)
			ck_assert_str_eq(out, fields[i].key);
	}
	memset(longest, 'k', sizeof(longest));
	longest[HTTP_IDEMPOTENCY_KEY_MAX] = '\0';
	ck_assert(!http_idempotency_key_parse(longest, out));
	longest[HTTP_IDEMPOTENCY_KEY_MAX - 1] = '\0';
	ck_assert(http_idempotency_key_parse(longest, out));
	ck_assert_str_eq(out, longest);
}
END_TEST

/* ---- the memory ---- */

static struct job_key key_of(unsigned n)
{
	struct job_key key;

	ofa_sha256(&n, sizeof(n), key.bytes);
	return key;
}

static enum idempotency_state begin(struct idempotency *s, unsigned key, unsigned fingerprint, struct ofa_buf *result)
{
	const struct job_key k = key_of(key), f = key_of(fingerprint);

	ofa_buf_reset(result);
	return idempotency_begin(s, &k, &f, result, NULL);
}

START_TEST(test_states)
{
	const struct job_key one = key_of(1), two = key_of(2);
	struct ofa_error err = {0};
	struct idempotency *s;
	struct ofa_buf result;

	ofa_buf_init(&result, IDEMPOTENCY_RESULT_MAX);
	ASSERT_OK(idempotency_new(&(struct idempotency_options){.max_bytes = 1 << 20, .keep_ms = 1e6}, &s, &err), &err);
	ck_assert_int_eq(begin(s, 1, 7, &result), IDEMPOTENCY_FIRST);
	ck_assert_int_eq(begin(s, 1, 7, &result), IDEMPOTENCY_BUSY);
	ck_assert_int_eq(begin(s, 1, 8, &result), IDEMPOTENCY_OTHER);
	ck_assert_int_eq(begin(s, 2, 8, &result), IDEMPOTENCY_FIRST);
	idempotency_settle(s, &one, "answer", 6);
	ck_assert_int_eq(begin(s, 1, 7, &result), IDEMPOTENCY_DONE);
	ck_assert_uint_eq(result.len, 6);
	ck_assert_mem_eq(result.data, "answer", 6);
	ck_assert_int_eq(begin(s, 1, 8, &result), IDEMPOTENCY_OTHER);
	/* settled for good */
	idempotency_settle(s, &one, "other", 5);
	ck_assert_int_eq(begin(s, 1, 7, &result), IDEMPOTENCY_DONE);
	ck_assert_uint_eq(result.len, 6);
	idempotency_drop(s, &one);
	idempotency_drop(s, &two);
	idempotency_drop(s, &two);
	ck_assert_int_eq(begin(s, 1, 9, &result), IDEMPOTENCY_FIRST);
	ck_assert_int_eq(begin(s, 2, 9, &result), IDEMPOTENCY_FIRST);
	idempotency_free(s);
	ofa_buf_release(&result);
}
END_TEST

/* The oldest result goes when there is no room, what is under way never, and too old ones are forgotten. */
START_TEST(test_bounds)
{
	const struct timespec moment = {.tv_nsec = 60000000};
	static char large[IDEMPOTENCY_RESULT_MAX + 1];
	const struct job_key first = key_of(0), busy = key_of(1000);
	struct ofa_error err = {0};
	struct idempotency *s;
	struct ofa_buf result;
	int kept = 0;

	ofa_buf_init(&result, IDEMPOTENCY_RESULT_MAX);
	ASSERT_OK(idempotency_new(&(struct idempotency_options){.max_bytes = 8 << 10, .keep_ms = 50}, &s, &err), &err);
	ck_assert_int_eq(begin(s, 1000, 1, &result), IDEMPOTENCY_FIRST);
	for (unsigned i = 0; i < 100; i++) {
		const struct job_key key = key_of(i);

		ck_assert_int_eq(begin(s, i, i, &result), IDEMPOTENCY_FIRST);
		idempotency_settle(s, &key, large, 500);
	}
	ck_assert_int_eq(begin(s, 1000, 1, &result), IDEMPOTENCY_BUSY);
	ck_assert_int_eq(begin(s, 99, 99, &result), IDEMPOTENCY_DONE);
	for (unsigned i = 80; i < 100; i++)
		kept += begin(s, i, i, &result) == IDEMPOTENCY_DONE;
	ck_assert_int_ge(kept, 1);
	ck_assert_int_le(kept, 15);
	nanosleep(&moment, NULL);
	ck_assert_int_eq(begin(s, 99, 100, &result), IDEMPOTENCY_FIRST);
	/* too large to be kept */
	ck_assert_int_eq(begin(s, 0, 1, &result), IDEMPOTENCY_FIRST);
	idempotency_settle(s, &first, large, sizeof(large));
	ck_assert_int_eq(begin(s, 0, 2, &result), IDEMPOTENCY_FIRST);
	idempotency_settle(s, &busy, large, 1);
	/* nothing but work under way: no more is begun */
	for (unsigned i = 2000; i < 2100; i++)
		if (begin(s, i, i, &result) == IDEMPOTENCY_FULL)
			kept = -1;
	ck_assert_int_eq(kept, -1);
	idempotency_free(s);
	ofa_buf_release(&result);
}
END_TEST

/* ---- requests ---- */

static void post_key(const struct daemon *d, const char *path, const char *key, const char *more, const char *body,
		     struct reply *r)
{
	char headers[512];

	snprintf(headers, sizeof(headers), SEND_JSON "\nIdempotency-Key: %s%s", key, more);
	ask(d, "POST", path, headers, body, r);
}

START_TEST(test_subnets)
{
	struct reply first, r;
	struct daemon d;

	daemon_start(&d, "keys", NULL);
	post_key(&d, "/subnets", "\"one\"", "", "{\"seed\":1}", &first);
	ck_assert_int_eq(first.status, 200);
	post_key(&d, "/subnets", "\"one\"", "", "{\"seed\":1}", &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_uint_eq(r.body.len, first.body.len);
	ck_assert_mem_eq(r.body.data, first.body.data, first.body.len);
	reply_release(&r);
	/* the quotes are not the key's */
	post_key(&d, "/subnets", "one", "", "{\"seed\":2}", &r);
	json_decref(check_problem(&r, 422, "idempotency-key-used", "Idempotency-Key"));
	reply_release(&r);
	post_key(&d, "/subnets", "\"a\", \"b\"", "", "{\"seed\":1}", &r);
	json_decref(check_problem(&r, 400, "bad-request", "Idempotency-Key"));
	reply_release(&r);
	/* a request that failed is tried again, with a better body too */
	post_key(&d, "/subnets", "two", "", "{\"limits\":{\"macs\":10}}", &r);
	json_decref(check_problem(&r, 422, "infeasible-limits", NULL));
	reply_release(&r);
	post_key(&d, "/subnets", "two", "", "{\"seed\":1}", &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	end(&d);
	ck_assert_int_eq(daemon_log_count("keys", "\"outcome\":\"ok\""), 1);
	reply_release(&first);
}
END_TEST

/* The answer stays that of the first request although the profile has changed, from memory and from disk. */
START_TEST(test_changed_profile)
{
	static const char *const cache[] = {"256M", "64K"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cache); i++) {
		const char *data = i ? "disk" : "memory";
		struct reply first, r;
		struct daemon d;

		daemon_start(&d, data, "--cache-bytes", cache[i], NULL);
		ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/p", SEND_JSON, "{\"limits\":{\"macs\":2000000}}"),
				 201);
		post_key(&d, "/subnets", "k", "", "{\"profile\":\"p\"}", &first);
		ck_assert_int_eq(first.status, 200);
		ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/p", SEND_JSON "\nIf-Match: *",
					    "{\"limits\":{\"macs\":1000000}}"),
				 200);
		post_key(&d, "/subnets", "k", "", "{\"profile\":\"p\"}", &r);
		ck_assert_int_eq(r.status, 200);
		ck_assert_str_eq(reply_header(&r, "Content-Location"), reply_header(&first, "Content-Location"));
		reply_release(&r);
		post_key(&d, "/subnets", "new", "", "{\"profile\":\"p\"}", &r);
		ck_assert_int_eq(r.status, 200);
		ck_assert_str_ne(reply_header(&r, "Content-Location"), reply_header(&first, "Content-Location"));
		reply_release(&r);
		reply_release(&first);
		end(&d);
	}
}
END_TEST

struct client {
	const struct daemon *d;
	struct reply reply;
	pthread_t thread;
};

static void *client_main(void *arg)
{
	struct client *c = arg;

	post_key(c->d, "/subnets", "k", "\nPrefer: wait=2", SLOW, &c->reply);
	return NULL;
}

/* 409 while the first waits, then its job, then its answer; a job that was cancelled is begun anew. */
START_TEST(test_under_way)
{
	char path[JOB_PATH_MAX], again[JOB_PATH_MAX];
	struct client c;
	struct daemon d;
	struct reply r;

	daemon_start(&d, "way", LONG_FRONT, NULL);
	store_profile(&d);
	c.d = &d;
	ck_assert_int_eq(pthread_create(&c.thread, NULL, client_main, &c), 0);
	pause_ms(500);
	post_key(&d, "/subnets", "k", "", SLOW, &r);
	json_decref(check_problem(&r, 409, "idempotency-key-busy", "Idempotency-Key"));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
	pthread_join(c.thread, NULL);
	accepted(&c.reply, "wait=2", path);
	reply_release(&c.reply);
	post_key(&d, "/subnets", "k", "", SLOW, &r);
	accepted(&r, NULL, again);
	ck_assert_str_eq(again, path);
	reply_release(&r);
	cancel_job(&d, path);
	post_key(&d, "/subnets", "k", "", SLOW, &r);
	json_decref(check_problem(&r, 503, "overload", NULL));
	reply_release(&r);
	post_key(&d, "/subnets", "k", "\nPrefer: respond-async", SLOW, &r);
	accepted(&r, "respond-async", again);
	ck_assert_str_ne(again, path);
	reply_release(&r);
	json_decref(await_job(&d, again));
	post_key(&d, "/subnets", "k", "", SLOW, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	end(&d);
}
END_TEST

/* Measurements: one report however often it is sent. */
START_TEST(test_measurements)
{
	char path[256];
	struct reply first, r;
	struct daemon d;
	json_t *json;

	daemon_start(&d, "measurements", NULL);
	post(&d, NULL, "{\"seed\":1}", &r);
	ck_assert_int_eq(r.status, 200);
	snprintf(path, sizeof(path), "%s/measurements", reply_header(&r, "Content-Location"));
	reply_release(&r);
	post_key(&d, path, "m", "", "{\"latency_ms\":1.5}", &first);
	ck_assert_int_eq(first.status, 201);
	post_key(&d, path, "m", "", "{\"latency_ms\":1.5}", &r);
	ck_assert_int_eq(r.status, 201);
	ck_assert_str_eq(reply_header(&r, "Location"), reply_header(&first, "Location"));
	ck_assert_str_eq(reply_header(&r, "Cache-Control"), reply_header(&first, "Cache-Control"));
	ck_assert_uint_eq(r.body.len, first.body.len);
	ck_assert_mem_eq(r.body.data, first.body.data, first.body.len);
	reply_release(&r);
	post_key(&d, path, "m", "", "{\"latency_ms\":1.6}", &r);
	json_decref(check_problem(&r, 422, "idempotency-key-used", "Idempotency-Key"));
	reply_release(&r);
	/* a refused one is not remembered */
	post_key(&d, path, "n", "", "{\"latency_ms\":-1}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/latency_ms"));
	reply_release(&r);
	post_key(&d, path, "n", "", "{\"latency_ms\":2}", &r);
	ck_assert_int_eq(r.status, 201);
	reply_release(&r);
	ask(&d, "GET", path, NULL, NULL, &r);
	json = reply_json(&r);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "measurements")), 2);
	json_decref(json);
	reply_release(&r);
	end(&d);
	reply_release(&first);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_fields,          test_states,    test_bounds,      test_subnets,
				      test_changed_profile, test_under_way, test_measurements};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("idempotency", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
