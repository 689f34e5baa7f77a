/* Bodies whose question is remembered: found as long as no profile changes, and never after. */
#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon.h"
#include "service/question_memo.h"

#define SEND_JSON "Content-Type: application/json"

START_TEST(test_parts)
{
	static const struct job_key one = {.bytes = {1}}, two = {.bytes = {2}};
	static const char body[] = "{\"seed\":1}";
	char longer[QUESTION_MEMO_BODY_MAX + 1];
	struct question_memo *m;
	struct ofa_error err = {0};
	struct job_key key;

	ASSERT_OK(question_memo_new(&m, &err), &err);
	ck_assert(!question_memo_find(m, 0, NULL, 0, &key));
	ck_assert(!question_memo_find(m, 0, body, sizeof(body), &key));
	question_memo_put(m, 7, body, sizeof(body), &one);
	ck_assert(question_memo_find(m, 7, body, sizeof(body), &key));
	ck_assert(job_key_equal(&key, &one));
	ck_assert(!question_memo_find(m, 8, body, sizeof(body), &key));
	ck_assert(!question_memo_find(m, 6, body, sizeof(body), &key));
	ck_assert(!question_memo_find(m, 7, body, sizeof(body) - 1, &key));
	question_memo_put(m, 8, body, sizeof(body), &two);
	ck_assert(question_memo_find(m, 8, body, sizeof(body), &key));
	ck_assert(job_key_equal(&key, &two));
	memset(longer, 'x', sizeof(longer));
	question_memo_put(m, 8, longer, sizeof(longer), &one);
	ck_assert(!question_memo_find(m, 8, longer, sizeof(longer), &key));
	question_memo_put(m, 8, longer, QUESTION_MEMO_BODY_MAX, &one);
	ck_assert(question_memo_find(m, 8, longer, QUESTION_MEMO_BODY_MAX, &key));
	question_memo_put(m, 8, longer, 0, &one);
	ck_assert(!question_memo_find(m, 8, longer, 0, &key));
	question_memo_free(m);
}
END_TEST

/* More bodies than there are places: some are forgotten, none is mistaken for another. */
START_TEST(test_many)
{
	enum { BODIES = 20000 };
	struct question_memo *m;
	struct ofa_error err = {0};
	int found = 0;

	ASSERT_OK(question_memo_new(&m, &err), &err);
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < BODIES; i++) {
			struct job_key key, own = {0};
			char body[32];
			size_t n = (size_t)snprintf(body, sizeof(body), "{\"seed\":%u}", i);

			memcpy(own.bytes, &i, sizeof(i));
			if (pass == 0) {
				question_memo_put(m, 0, body, n, &own);
			} else if (question_memo_find(m, 0, body, n, &key)) {
				ck_assert(job_key_equal(&key, &own));
				found++;
			}
		}
	}
	ck_assert_int_gt(found, 500);
	ck_assert_int_lt(found, BODIES);
	question_memo_free(m);
}
END_TEST

static double macs_of_answer(const struct daemon *d, const char *body, const char *source)
{
	struct reply r;
	json_t *json;
	double macs;

	post_subnet(d, "application/json", body, &r);
	ck_assert_msg(r.status == 200, "%ld: %.*s", r.status, (int)r.body.len, (const char *)r.body.data);
	if (source)
		ck_assert_msg(strstr(reply_header(&r, "Server-Timing"), source) != NULL, "%s",
			      reply_header(&r, "Server-Timing"));
	json = reply_json(&r);
	macs = json_number_value(json_object_get(json, "macs"));
	json_decref(json);
	reply_release(&r);
	return macs;
}

static void put_limit(const struct daemon *d, const char *macs, long status)
{
	char body[64];

	snprintf(body, sizeof(body), "{\"limits\":{\"macs\":%s}}", macs);
	ck_assert_int_eq(ask_status(d, "PUT", "/profiles/acme/cam",
				    status == 201 ? SEND_JSON : SEND_JSON "\nIf-Match: *", body),
			 status);
}

START_TEST(test_profile_changes)
{
	static const char body[] = "{\"profile\":\"acme/cam\"}";
	struct daemon d;
	struct reply r;
	double before;

	daemon_start(&d, "memo", NULL);
	daemon_wait_ready(&d);
	put_limit(&d, "4000000", 201);
	before = macs_of_answer(&d, body, "search;dur");
	ck_assert(before > 2000000 && before <= 4000000);
	for (int i = 0; i < 3; i++)
		ck_assert(macs_of_answer(&d, body, "cache;desc=\"memory\"") == before);
	put_limit(&d, "2000000", 200);
	ck_assert(macs_of_answer(&d, body, NULL) <= 2000000);
	ck_assert(macs_of_answer(&d, body, "cache;desc=\"memory\"") <= 2000000);
	ck_assert(macs_of_answer(&d, body, "cache;desc=\"memory\"") <= 2000000);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/acme/cam", NULL, NULL), 204);
	post_subnet(&d, "application/json", body, &r);
	json_decref(check_problem(&r, 404, "not-found", "/profile"));
	reply_release(&r);
	ck_assert(WIFEXITED(daemon_stop(&d, SIGTERM)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_parts, test_many, test_profile_changes};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("memo", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
