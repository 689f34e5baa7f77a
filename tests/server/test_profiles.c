/* Revisions of profiles, what writes are conditional on, and lists in pages, against a running ofad. */
#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

#define ONE "{\"limits\":{\"macs\":2000000}}"
#define TWO "{\"limits\":{\"macs\":3000000}}"

/* A PUT with a further header line (NULL: none); its status and outcome; the entity tag goes to `etag` unless NULL. */
static void put(const struct daemon *d, const char *path, const char *condition, const char *body, long status,
		const char *outcome, int revision, char etag[128])
{
	char headers[512];
	struct reply r;
	json_t *json;

	snprintf(headers, sizeof(headers), SEND_JSON "%s%s", condition ? "\n" : "", condition ? condition : "");
	ask(d, "PUT", path, headers, body, &r);
	ck_assert_msg(r.status == status, "%s with %s: %ld", path, headers, r.status);
	ck_assert_ptr_null(reply_header(&r, "ETag")); /* what is kept is not what was sent, byte for byte */
	json = reply_json(&r);
	ck_assert_str_eq(string_at(json, "outcome"), outcome);
	ck_assert_int_eq(integer_at(json, "revision"), revision);
	if (etag)
		snprintf(etag, 128, "%s", string_at(json, "etag"));
	json_decref(json);
	reply_release(&r);
}

/* A write that is refused; the problem says what there is. */
static void refused(const struct daemon *d, const char *method, const char *path, const char *condition, long status,
		    const char *field, int current)
{
	static const struct {
		long status;
		const char *slug;
	} slugs[] = {{400, "bad-request"}, {412, "precondition-failed"}, {428, "precondition-required"}};
	const char *slug = "";
	char headers[512];
	struct reply r;
	json_t *json, *now;

	for (size_t i = 0; i < OFA_ARRAY_LEN(slugs); i++)
		if (slugs[i].status == status)
			slug = slugs[i].slug;
	snprintf(headers, sizeof(headers), SEND_JSON "\n%s", condition);
	ask(d, method, path, headers, strcmp(method, "PUT") == 0 ? "{\"limits\":{\"macs\":7000000}}" : NULL, &r);
	json = check_problem(&r, status, slug, field);
	now = json_object_get(json, "current");
	if (current > 0) {
		ck_assert_int_eq(integer_at(now, "revision"), current);
		ck_assert_mem_eq(string_at(now, "etag"), "\"sha256-", 8);
	} else if (status == 412) {
		ck_assert(json_is_null(now));
	}
	json_decref(json);
	reply_release(&r);
}

START_TEST(test_preconditions)
{
	char one[128], two[128], condition[256], headers[256];
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "preconditions");
	refused(&d, "PUT", "/profiles/v/a", "If-Match: *", 412, "If-Match", 0);
	put(&d, "/profiles/v/a", "If-None-Match: *", ONE, 201, "created", 1, one);
	put(&d, "/profiles/v/b", NULL, ONE, 201, "created", 1, NULL);
	refused(&d, "PUT", "/profiles/v/a", "If-None-Match: *", 412, "If-None-Match", 1);
	refused(&d, "PUT", "/profiles/v/a", "X-Other: 1", 428, "If-Match", 1);
	/* the same again needs no condition, makes no revision, and forgives one that was true before */
	put(&d, "/profiles/v/a", NULL, ONE, 200, "unchanged", 1, NULL);
	put(&d, "/profiles/v/a", "If-Match: \"older\"", ONE, 200, "unchanged", 1, NULL);
	refused(&d, "PUT", "/profiles/v/a", "If-Match: \"older\"", 412, "If-Match", 1);
	snprintf(condition, sizeof(condition), "If-Match: W/%s", one);
	refused(&d, "PUT", "/profiles/v/a", condition, 412, "If-Match", 1);
	snprintf(condition, sizeof(condition), "If-Match: \"older\", %s", one);
	put(&d, "/profiles/v/a", condition, TWO, 200, "replaced", 2, two);
	ck_assert_str_ne(one, two);
	refused(&d, "PUT", "/profiles/v/a", condition, 412, "If-Match", 2);
	refused(&d, "PUT", "/profiles/v/a", "If-Match: sha256", 400, "If-Match", 0);
	refused(&d, "PUT", "/profiles/v/a", "If-None-Match: *, \"x\"", 400, "If-None-Match", 0);
	refused(&d, "DELETE", "/profiles/v/a", condition, 412, "If-Match", 2);
	refused(&d, "DELETE", "/profiles/v/a", "If-Match: \"", 400, "If-Match", 0);
	put(&d, "/profiles/v/a", "If-Match: *", ONE, 200, "replaced", 3, NULL);

	ask(&d, "GET", "/profiles/v/a", NULL, NULL, &r);
	ck_assert_str_eq(reply_header(&r, "ETag"), one);
	ck_assert_str_eq(reply_header(&r, "Content-Location"), "/profiles/v/a/revisions/3");
	reply_release(&r);
	snprintf(headers, sizeof(headers), "If-Match: %s", one);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/v/a", headers, NULL), 204);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/v/a", headers, NULL), 404);
	daemon_end(&d);
}
END_TEST

START_TEST(test_revisions)
{
	struct daemon d;
	struct reply r;
	json_t *json, *list, *e;
	char next[256];
	const char *link;

	daemon_begin(&d, "revisions");
	put(&d, "/profiles/v/a", NULL, ONE, 201, "created", 1, NULL);
	put(&d, "/profiles/v/a", "If-Match: *", TWO, 200, "replaced", 2, NULL);
	put(&d, "/profiles/v/a", "If-Match: *", ONE, 200, "replaced", 3, NULL);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/v/a", NULL, NULL), 204);
	put(&d, "/profiles/v/a", NULL, ONE, 201, "created", 4, NULL);

	ask(&d, "GET", "/profiles/v/a/revisions?limit=3", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	list = json_object_get(json, "revisions");
	ck_assert_uint_eq(json_array_size(list), 3);
	e = json_array_get(list, 0);
	ck_assert_int_eq(integer_at(e, "revision"), 4);
	ck_assert_str_eq(string_at(json_object_get(e, "links"), "self"), "/profiles/v/a/revisions/4");
	ck_assert_uint_eq(strlen(string_at(e, "sha256")), 64);
	ck_assert_int_gt(integer_at(e, "size_bytes"), 20);
	ck_assert_uint_gt(strlen(string_at(e, "created_at")), 19);
	ck_assert_ptr_null(json_object_get(e, "author"));
	ck_assert_str_eq(string_at(e, "sha256"), string_at(json_array_get(list, 1), "sha256"));
	ck_assert_str_ne(string_at(e, "sha256"), string_at(json_array_get(list, 2), "sha256"));
	link = reply_header(&r, "Link");
	ck_assert_ptr_nonnull(link);
	snprintf(next, sizeof(next), "%.*s", (int)strcspn(link + 1, ">"), link + 1);
	json_decref(json);
	reply_release(&r);
	ask(&d, "GET", next, NULL, NULL, &r);
	json = reply_json(&r);
	list = json_object_get(json, "revisions");
	ck_assert_uint_eq(json_array_size(list), 1);
	ck_assert_int_eq(integer_at(json_array_get(list, 0), "revision"), 1);
	ck_assert_ptr_null(reply_header(&r, "Link"));
	json_decref(json);
	reply_release(&r);

	ask(&d, "GET", "/profiles/v/a/revisions/2", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Cache-Control"), "immutable"));
	snprintf(next, sizeof(next), "If-None-Match: %s", reply_header(&r, "ETag"));
	json = reply_json(&r);
	ck_assert(json_number_value(json_object_get(json_object_get(json, "limits"), "macs")) == 3e6);
	json_decref(json);
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/2", next, NULL), 304);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/5", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/0", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/1x", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/18446744073709551617", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/none/revisions", NULL, NULL), 404);
	daemon_end(&d);
}
END_TEST

/* Words that paths have after a name cannot be parts of it, however they are spelt. */
START_TEST(test_reserved_names)
{
	static const char *const reserved[] = {"/profiles/v%2Frevisions", "/profiles/v%2frevisions/x",
					       "/profiles/v%2Fcalibration", "/profiles/v/calibration/x"};
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "reserved");
	for (size_t i = 0; i < OFA_ARRAY_LEN(reserved); i++) {
		ask(&d, "PUT", reserved[i], SEND_JSON, ONE, &r);
		json_decref(check_problem(&r, 422, "invalid-value", "name"));
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/v/revisions", SEND_JSON, ONE), 405);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/v/revisions/1", NULL, NULL), 405);
	put(&d, "/profiles/revisions", NULL, ONE, 201, "created", 1, NULL);
	put(&d, "/profiles/revisions/a", NULL, ONE, 201, "created", 1, NULL);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/revisions/a/revisions/1", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/revisions/revisions/1", NULL, NULL), 200);
	daemon_end(&d);
}
END_TEST

/* The manifest of an answer to this request; a new reference. */
static json_t *deliver(const struct daemon *d, const char *body)
{
	struct reply r;
	json_t *json;

	post_subnet(d, JSON, body, &r);
	ck_assert_msg(r.status == 200, "%s: %.*s", body, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

/* What was delivered for a revision outlives it; a revert is a question of its own with the same answer. */
START_TEST(test_pins)
{
	json_t *first, *second, *reverted, *again;
	char path[128];
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "pins");
	put(&d, "/profiles/v/a", NULL, ONE, 201, "created", 1, NULL);
	first = deliver(&d, "{\"profile\":\"v/a\"}");
	ck_assert_str_eq(string_at(first, "profile_revision"), "v/a@1");
	ck_assert_str_eq(string_at(json_object_get(first, "links"), "profile_revision"), "/profiles/v/a/revisions/1");
	put(&d, "/profiles/v/a", "If-Match: *", TWO, 200, "replaced", 2, NULL);
	second = deliver(&d, "{\"profile\":\"v/a\"}");
	ck_assert_str_eq(string_at(second, "profile_revision"), "v/a@2");
	ck_assert_str_ne(string_at(first, "id"), string_at(second, "id"));
	put(&d, "/profiles/v/a", "If-Match: *", ONE, 200, "replaced", 3, NULL);
	reverted = deliver(&d, "{\"profile\":\"v/a\"}");
	ck_assert_str_eq(string_at(reverted, "profile_revision"), "v/a@3");
	ck_assert_str_eq(string_at(first, "id"), string_at(reverted, "id"));
	ck_assert_int_eq(integer_at(first, "seed"), integer_at(reverted, "seed"));
	ck_assert_int_eq(daemon_log_count("pins", "\"msg\":\"search\""), 3);

	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/v/a", NULL, NULL), 204);
	post_subnet(&d, JSON, "{\"profile\":\"v/a\"}", &r);
	json_decref(check_problem(&r, 404, "not-found", "/profile"));
	ck_assert_ptr_nonnull(strstr((const char *)r.body.data, "v/a@3"));
	reply_release(&r);
	again = deliver(&d, "{\"profile\":\"v/a@1\"}");
	ck_assert(json_equal(first, again));
	ck_assert_int_eq(daemon_log_count("pins", "\"msg\":\"search\""), 3);
	snprintf(path, sizeof(path), "/subnets/%s", string_at(second, "id"));
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 200);
	snprintf(path, sizeof(path), "/subnets/%s/manifest", string_at(second, "id"));
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions/2", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/v/a/revisions", NULL, NULL), 200);
	daemon_end(&d);

	/* nor does it need the memory of the process */
	daemon_begin(&d, "pins");
	json_decref(again);
	again = deliver(&d, "{\"profile\":\"v/a@1\"}");
	ck_assert(json_equal(first, again));
	ck_assert_int_eq(daemon_log_count("pins", "\"source\":\"search\""), 3);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks/" NETWORK "/pareto?profile=v/a@1", NULL, NULL), 200);
	post_subnet(&d, JSON, "{\"profile\":\"v/a@9\"}", &r);
	json_decref(check_problem(&r, 404, "not-found", "/profile"));
	reply_release(&r);
	post_subnet(&d, JSON, "{\"profile\":\"v/a@01\"}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/profile"));
	reply_release(&r);
	daemon_end(&d);
	json_decref(first);
	json_decref(second);
	json_decref(reverted);
	json_decref(again);
}
END_TEST

/* Every entry once, in order, whatever the size of a page; lists have entity tags. */
START_TEST(test_pages)
{
	enum { N = 7 };
	char path[256] = "/profiles?limit=3", last[64] = "", condition[256];
	struct daemon d;
	struct reply r;
	int seen = 0, pages = 0;

	daemon_begin(&d, "pages");
	for (int i = 0; i < N; i++) {
		snprintf(condition, sizeof(condition), "/profiles/v/%c", 'a' + i * 3 % N);
		put(&d, condition, NULL, ONE, 201, "created", 1, NULL);
	}
	while (*path) {
		json_t *json, *list, *e;
		const char *link;
		size_t i;

		ask(&d, "GET", path, NULL, NULL, &r);
		ck_assert_int_eq(r.status, 200);
		snprintf(condition, sizeof(condition), "If-None-Match: %s", reply_header(&r, "ETag"));
		ck_assert_int_eq(ask_status(&d, "GET", path, condition, NULL), 304);
		json = reply_json(&r);
		list = json_object_get(json, "profiles");
		ck_assert_uint_le(json_array_size(list), 3);
		json_array_foreach(list, i, e) {
			ck_assert_int_gt(strcmp(string_at(e, "name"), last), 0);
			snprintf(last, sizeof(last), "%s", string_at(e, "name"));
			seen++;
		}
		link = reply_header(&r, "Link");
		ck_assert(!link || strstr(link, "rel=\"next\""));
		snprintf(path, sizeof(path), "%.*s", link ? (int)strcspn(link + 1, ">") : 0, link ? link + 1 : "");
		json_decref(json);
		reply_release(&r);
		pages++;
	}
	ck_assert_int_eq(seen, N);
	ck_assert_int_eq(pages, 3);
	ask(&d, "GET", "/profiles?cursor=bm9uZQ", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "cursor"));
	reply_release(&r);
	ask(&d, "GET", "/profiles/v/a/revisions?cursor=MXYvYQ", NULL, NULL, &r); /* of the other list */
	json_decref(check_problem(&r, 422, "invalid-value", "cursor"));
	reply_release(&r);
	ask(&d, "GET", "/networks", NULL, NULL, &r);
	snprintf(condition, sizeof(condition), "If-None-Match: \"x\", %s", reply_header(&r, "ETag"));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks", condition, NULL), 304);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_preconditions, test_revisions, test_reserved_names, test_pins, test_pages};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("profiles", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
