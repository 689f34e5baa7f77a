/* POST /searches: what would be delivered, without delivering it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
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

static double searches(const struct daemon *d)
{
	return metric_of(d, "ofad_searches_total{stop=\"budget\"}") +
	       metric_of(d, "ofad_searches_total{stop=\"converged\"}") +
	       metric_of(d, "ofad_searches_total{stop=\"front\"}") +
	       metric_of(d, "ofad_searches_total{stop=\"infeasible\"}");
}

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
	ck_assert_double_eq(metric_of(&d, "ofad_deliveries_total"), 0);
	ck_assert_double_eq(searches(&d), 1);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("costs", "\"msg\":\"search\""), 0);
	ck_assert_int_eq(daemon_log_count("costs", "\"route\":\"/searches\",\"cache\":\"search\""), 1);
}
END_TEST

/* ---- a subnet that is given ---- */

/* "arch" and what else stands in the body; malloc'ed. */
static char *giving(const json_t *arch, const char *more)
{
	char *text = json_dumps(arch, JSON_COMPACT), *body = malloc(strlen(text) + strlen(more) + 16);

	sprintf(body, "{\"arch\":%s%s%s}", text, *more ? "," : "", more);
	free(text);
	return body;
}

static json_t *manifest_of(const struct daemon *d, const char *body)
{
	struct reply r;
	json_t *json;

	post_subnet(d, JSON, body, &r);
	ck_assert_msg(r.status == 200, "%s: %ld %.*s", body, r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

/* What a search found, asked for by name, is the same package to the last byte; and nothing was searched for it. */
START_TEST(test_given)
{
	static const char *const questions[] = {
		"\"dtype\":\"float32\"",
		"\"dtype\":\"int8\",\"limits\":{\"macs\":3000000}",
		"\"profile\":\"board\"",
		"\"profile\":\"board\",\"calibrated\":true",
	};
	struct daemon d;

	daemon_begin(&d, "given");
	put_profile(&d);
	for (size_t i = 0; i < OFA_ARRAY_LEN(questions); i++) {
		json_t *searched, *given, *told;
		char body[256], *given_body;
		double before;

		snprintf(body, sizeof(body), "{%s}", questions[i]);
		searched = manifest_of(&d, body);
		before = searches(&d);
		ck_assert_double_gt(before, 0);
		given_body = giving(json_object_get(searched, "arch"), questions[i]);
		check_same(&d, given_body);
		given = manifest_of(&d, given_body);
		ck_assert_str_eq(string_at(given, "id"), string_at(searched, "id"));
		ck_assert(json_equal(json_object_get(given, "arch"), json_object_get(searched, "arch")));
		ck_assert_int_eq(integer_at(given, "evaluations"), 0);
		ck_assert_int_eq(integer_at(given, "seed"), 0);
		ck_assert_double_eq(searches(&d), before);
		told = found(&d, given_body);
		ck_assert_str_eq(string_at(told, "dtype"), string_at(searched, "dtype"));
		json_decref(told);
		json_decref(given);
		json_decref(searched);
		free(given_body);
	}
	daemon_end(&d);
}
END_TEST

static void check_given_refused(const struct daemon *d, const char *body, const char *slug, const char *field,
				const char *text)
{
	struct reply search, subnet;
	json_t *a, *b;

	post_search(d, body, &search);
	post_subnet(d, JSON, body, &subnet);
	a = check_problem(&search, 422, slug, field);
	b = check_problem(&subnet, 422, slug, field);
	ck_assert_msg(strstr(string_at(a, "detail"), text) != NULL, "%s", string_at(a, "detail"));
	ck_assert_str_eq(string_at(a, "detail"), string_at(b, "detail"));
	ck_assert_int_eq(strcmp(slug, "infeasible-limits") == 0, json_is_object(json_object_get(a, "feasible")));
	json_decref(a);
	json_decref(b);
	reply_release(&search);
	reply_release(&subnet);
}

/* body: `more` beside the arch, changed at key[i] to value unless key is NULL */
static void refuse_changed(const struct daemon *d, const json_t *arch, const char *key, size_t i, int value,
			   const char *more, const char *slug, const char *field, const char *text)
{
	json_t *changed = json_deep_copy(arch);
	char *body;

	if (key && json_is_array(json_object_get(changed, key)))
		json_array_set_new(json_object_get(changed, key), i, json_integer(value));
	else if (key)
		json_object_set_new(changed, key, json_integer(value));
	body = giving(changed, more);
	check_given_refused(d, body, slug, field, text);
	free(body);
	json_decref(changed);
}

START_TEST(test_given_refused)
{
	static const char tight[] = "\"limits\":{\"macs\":1000000}", at_board[] = "\"profile\":\"tight\"";
	json_t *largest, *arch, *profile = json_load_file(world_path("profile.json"), 0, NULL), *entries;
	struct daemon d;
	char more[96], *text, *body;
	double macs;

	daemon_begin(&d, "given-refused");
	largest = found(&d, "{}");
	arch = json_object_get(largest, "arch");
	macs = number_at(largest, "macs");
	refuse_changed(&d, arch, "ks", 3, 4, "", "invalid-value", "/arch/ks/3", "must be one of 3, 5, 7");
	refuse_changed(&d, arch, "e", 0, 9, "", "invalid-value", "/arch/e/0", "must be one of");
	refuse_changed(&d, arch, "d", 1, 0, "", "invalid-value", "/arch/d/1", "must be one of");
	refuse_changed(&d, arch, "image_size", 0, 29, "", "invalid-value", "/arch/image_size", "28");
	refuse_changed(&d, arch, "ks", 3, 3, "\"seed\":1", "invalid-value", "/seed", "leave one out");
	check_given_refused(&d, "{\"arch\":{}}", "invalid-value", "/arch/ks", "ks");
	check_given_refused(&d, "{\"arch\":\"largest\"}", "invalid-value", "/arch", "object");
	/* limits: its own are kept to the letter, by the figures that were told */
	refuse_changed(&d, arch, NULL, 0, 0, tight, "infeasible-limits", "/limits/macs", "the limit is 1000000");
	snprintf(more, sizeof(more), "\"limits\":{\"macs\":%.0f}", macs - 1);
	refuse_changed(&d, arch, NULL, 0, 0, more, "infeasible-limits", "/limits/macs", "this subnet has macs of");
	snprintf(more, sizeof(more), "\"limits\":{\"macs\":%.0f}", macs);
	body = giving(arch, more);
	json_decref(found(&d, body));
	free(body);
	refuse_changed(&d, arch, NULL, 0, 0, "\"limits\":{\"latency_ms\":1}", "invalid-value", "/limits/latency_ms",
		       "no latency table");
	/* the profile's */
	json_object_set_new(profile, "limits", json_pack("{s:i}", "macs", 1000000));
	json_object_del(profile, "name");
	text = json_dumps(profile, JSON_COMPACT);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/tight", SEND_JSON "\nIf-None-Match: *", text), 201);
	free(text);
	refuse_changed(&d, arch, NULL, 0, 0, at_board, "infeasible-limits", "/profile", "the limit is 1000000");
	/* a table that has other image sizes only */
	json_object_del(profile, "limits");
	entries = json_object_get(json_object_get(profile, "latency_table"), "entries");
	ck_assert_int_eq(json_object_del(entries, "28"), 0);
	text = json_dumps(profile, JSON_COMPACT);
	body = malloc(strlen(text) + 32);
	sprintf(body, "\"profile\":%s", text);
	ck_assert_int_eq(integer_at(arch, "image_size"), 28);
	refuse_changed(&d, arch, NULL, 0, 0, body, "invalid-value", "/arch/image_size", "at image size 28");
	free(body);
	free(text);
	json_decref(profile);
	json_decref(largest);
	daemon_end(&d);
}
END_TEST

/* An answer of its own, kept as others are: after a restart it comes from the store. */
START_TEST(test_given_again)
{
	struct daemon d;
	struct reply r;
	json_t *smallest, *first, *second;
	char *body;

	daemon_begin(&d, "given-again");
	smallest = found(&d, "{\"limits\":{\"macs\":1500000}}");
	body = giving(json_object_get(smallest, "arch"), "");
	first = manifest_of(&d, body);
	ck_assert(!json_equal(json_object_get(first, "limits"), json_object_get(smallest, "limits")));
	daemon_end(&d);
	daemon_begin(&d, "given-again");
	post_subnet(&d, JSON, body, &r);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Server-Timing"), "cache;desc=\"store\""));
	second = reply_json(&r);
	ck_assert(json_equal(first, second));
	reply_release(&r);
	free(body);
	json_decref(smallest);
	json_decref(first);
	json_decref(second);
	daemon_end(&d);
}
END_TEST

/* Questions that differ in the subnet alone have an answer each, and none is that of a search whose seed is 0 too. */
START_TEST(test_given_apart)
{
	struct daemon d;
	json_t *searched;

	daemon_begin(&d, "given-apart");
	for (int macs = 1500000; macs <= 3000000; macs += 1500000) {
		char limits[64], *body;
		json_t *small, *given;

		snprintf(limits, sizeof(limits), "{\"limits\":{\"macs\":%d}}", macs);
		small = found(&d, limits);
		body = giving(json_object_get(small, "arch"), "");
		given = manifest_of(&d, body);
		ck_assert(json_equal(json_object_get(given, "arch"), json_object_get(small, "arch")));
		json_decref(small);
		json_decref(given);
		free(body);
	}
	searched = manifest_of(&d, "{\"seed\":0}");
	ck_assert_int_gt(integer_at(searched, "evaluations"), 0);
	json_decref(searched);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_same_as_delivered, test_refusals,	test_costs,	  test_given,
				      test_given_refused,     test_given_again, test_given_apart};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("searches", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
