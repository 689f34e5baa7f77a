/* POST /searches: what would be delivered, without delivering it. */
#include <curl/curl.h>
#include <string.h>

#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

static void post_search(const struct daemon *d, const char *body, struct reply *ret)
{
	ask(d, "POST", "/searches", SEND_JSON, body, ret);
}

/* The answer; a new reference. */
static json_t *found(const struct daemon *d, const char *body)
{
	struct reply r;
	json_t *json;

	post_search(d, body, &r);
	ck_assert_msg(r.status == 200, "%s: %ld %.*s", body, r.status, (int)r.body.len, (const char *)r.body.data);
	ck_assert_str_eq(reply_header(&r, "Content-Type"), JSON);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Server-Timing"), "search;dur="));
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

/* The manifest, whose members are in the same order, without those of a package; a new reference. */
static json_t *delivered(const struct daemon *d, const char *body)
{
	static const char *const of_package[] = {"id", "sha256", "links"};
	struct reply r;
	json_t *json;

	post_subnet(d, JSON, body, &r);
	ck_assert_msg(r.status == 200, "%s: %ld %.*s", body, r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	for (size_t i = 0; i < OFA_ARRAY_LEN(of_package); i++)
		ck_assert_int_eq(json_object_del(json, of_package[i]), 0);
	reply_release(&r);
	return json;
}

static void check_same(const struct daemon *d, const char *body)
{
	json_t *search = found(d, body), *again, *manifest = delivered(d, body);
	char *a = json_dumps(search, JSON_COMPACT), *b = json_dumps(manifest, JSON_COMPACT);

	ck_assert_str_eq(a, b);
	/* also once it was delivered */
	again = found(d, body);
	ck_assert(json_equal(search, again));
	free(a);
	free(b);
	json_decref(search);
	json_decref(again);
	json_decref(manifest);
}

/* The world's profile as the member of a body; malloc'ed. */
static char *profile_text(void)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);
	char *text;

	ck_assert_ptr_nonnull(json);
	json_object_set_new(json, "name", json_string("board"));
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

static void put_profile(const struct daemon *d)
{
	char *text = profile_text();

	ck_assert_int_eq(ask_status(d, "PUT", "/profiles/board", SEND_JSON "\nIf-None-Match: *", text), 201);
	free(text);
}

/* A limit that some subnets keep and others do not. */
static double middle(const struct daemon *d, const char *profile, const char *resource)
{
	char body[160];
	struct reply r;
	json_t *problem, *range;
	double limit;

	snprintf(body, sizeof(body), "{\"profile\":\"%s\",\"limits\":{\"%s\":0.001}}", profile, resource);
	post_search(d, body, &r);
	problem = check_problem(&r, 422, "infeasible-limits", NULL);
	range = json_object_get(json_object_get(problem, "feasible"), resource);
	limit = 0.5 * (number_at(range, "min") + number_at(range, "max"));
	json_decref(problem);
	reply_release(&r);
	return limit;
}

START_TEST(test_same_as_delivered)
{
	struct daemon d;
	double ms, bytes;
	char body[256], *profile = profile_text(), *inline_body = malloc(strlen(profile) + 256);

	daemon_begin(&d, "same");
	put_profile(&d);
	ms = middle(&d, "board", "latency_ms");
	bytes = middle(&d, "board", "storage_bytes");
	check_same(&d, "{}");
	check_same(&d, "{\"seed\":3,\"network\":\"" OTHER_NETWORK "\",\"dtype\":\"float16\"}");
	/* from the kept front, which this computes */
	snprintf(body, sizeof(body), "{\"profile\":\"board\",\"limits\":{\"latency_ms\":%.6f}}", ms);
	check_same(&d, body);
	snprintf(body, sizeof(body),
		 "{\"profile\":\"board@1\",\"calibrated\":true,\"limits\":{\"latency_ms\":%.6f}}", ms);
	check_same(&d, body);
	snprintf(body, sizeof(body), "{\"dtype\":\"int8\",\"limits\":{\"macs\":3000000,\"storage_bytes\":%.0f}}",
		 bytes);
	check_same(&d, body);
	/* a profile that is sent along has no front */
	sprintf(inline_body, "{\"limits\":{\"latency_ms\":%.6f},\"profile\":%s}", ms, profile);
	check_same(&d, inline_body);
	daemon_end(&d);
	free(inline_body);
	free(profile);
}
END_TEST

/* The refusals are those of POST /subnets, to the letter but for the request's id. */
START_TEST(test_refusals)
{
	static const char *const bodies[] = {
		"{\"limits\":{\"macs\":1}}",
		"{\"limits\":{\"macs\":-1}}",
		"{\"limits\":{\"latency_ms\":1}}",
		"{\"profile\":\"nobody/nothing\"}",
		"{\"network\":\"nothing\"}",
		"{\"dtype\":\"int4\"}",
		"{\"seed\":-1}",
		"{\"colour\":1}",
		"[]",
		"{",
		"",
		"{\"profile\":{\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"28\":{\"x\":{\"mean\":1}}}}}}",
	};
	struct daemon d;

	daemon_begin(&d, "refusals");
	for (size_t i = 0; i < OFA_ARRAY_LEN(bodies); i++) {
		struct reply search, subnet;
		json_t *a, *b;

		post_search(&d, bodies[i], &search);
		post_subnet(&d, JSON, bodies[i], &subnet);
		ck_assert_int_ge(search.status, 400);
		ck_assert_int_eq(search.status, subnet.status);
		a = reply_json(&search);
		b = reply_json(&subnet);
		json_object_del(a, "request_id");
		json_object_del(b, "request_id");
		ck_assert_msg(json_equal(a, b), "%s: %.*s", bodies[i], (int)search.body.len,
			      (const char *)search.body.data);
		json_decref(a);
		json_decref(b);
		reply_release(&search);
		reply_release(&subnet);
	}
	daemon_end(&d);
}
END_TEST

/* The ledger has the search and no device; nothing was built. */
START_TEST(test_costs)
{
	struct daemon d;
	struct reply r;
	json_t *json, *counts;

	daemon_begin(&d, "costs");
	json_decref(found(&d, "{}"));
	ask(&d, "GET", "/ledger", NULL, NULL, &r);
	json = reply_json(&r);
	counts = json_object_get(json, "counts");
	ck_assert_int_eq(integer_at(counts, "searches"), 1);
	ck_assert_int_eq(integer_at(counts, "deliveries"), 0);
	ck_assert_int_eq(integer_at(counts, "packages"), 0);
	ck_assert_double_gt(number_at(json_object_get(json, "cpu_hours"), "search"), 0);
	json_decref(json);
	reply_release(&r);
	ask(&d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(ofa_buf_append(&r.body, "", 1), OFA_OK);
	ck_assert_ptr_nonnull(strstr((char *)r.body.data, "\nofad_deliveries_total 0\n"));
	reply_release(&r);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("costs", "\"msg\":\"search\""), 0);
	ck_assert_int_eq(daemon_log_count("costs", "\"route\":\"/searches\",\"cache\":\"search\""), 1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_same_as_delivered, test_refusals, test_costs};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("searches", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
