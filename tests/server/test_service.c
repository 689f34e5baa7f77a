/* Every resource of a running ofad, as its clients use it. */
#include <curl/curl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/sha256.h"
#include "daemon.h"
#include "ofa_device.h"
#include "pack/pack.h"

#define JSON "application/json"
#define PACKAGE "application/vnd.ofa.subnet"
#define SEND_JSON "Content-Type: application/json"

/* GET of a JSON document with its entity tag, HEAD of the same, and 304. */
static json_t *get_json(const struct daemon *d, const char *path)
{
	struct reply r, head;
	char headers[256];
	json_t *json;

	ask(d, "GET", path, "Accept: " JSON, NULL, &r);
	ck_assert_msg(r.status == 200, "%s: %ld", path, r.status);
	ck_assert_str_eq(reply_header(&r, "Content-Type"), JSON);
	json = reply_json(&r);
	ask(d, "HEAD", path, "Accept: " JSON, NULL, &head);
	ck_assert_int_eq(head.status, 200);
	ck_assert_uint_eq(head.body.len, 0);
	ck_assert_str_eq(reply_header(&head, "Content-Length"), reply_header(&r, "Content-Length"));
	if (reply_header(&r, "ETag")) {
		snprintf(headers, sizeof(headers), "Accept: " JSON "\nIf-None-Match: %s", reply_header(&r, "ETag"));
		ck_assert_int_eq(ask_status(d, "GET", path, headers, NULL), 304);
	}
	reply_release(&head);
	reply_release(&r);
	return json;
}

START_TEST(test_documents)
{
	struct daemon d;
	struct reply r;
	json_t *json, *links;
	const char *name;
	json_t *link;

	daemon_begin(&d, "documents");
	json = get_json(&d, "/");
	links = json_object_get(json, "links");
	json_object_foreach(links, name, link) {
		long expected = strcmp(name, "subnets") == 0 ? 405 : 200;

		ck_assert_msg(ask_status(&d, "GET", json_string_value(link), NULL, NULL) == expected, "%s", name);
	}
	json_decref(json);
	ask(&d, "GET", "/", "Accept: text/html,application/xhtml+xml,*/*;q=0.8", NULL, &r);
	ck_assert_str_eq(reply_header(&r, "Content-Type"), "text/html; charset=utf-8");
	ck_assert_str_eq(reply_header(&r, "Vary"), "Accept, Accept-Encoding");
	reply_release(&r);
	ask(&d, "GET", "/openapi.yaml", "X-Request-Id: my-id.1", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_mem_eq(r.body.data, "openapi: 3.1.0\n", 15);
	ck_assert_str_eq(reply_header(&r, "X-Request-Id"), "my-id.1");
	reply_release(&r);
	json_decref(get_json(&d, "/problems"));
	json = get_json(&d, "/problems/infeasible-limits");
	ck_assert_int_eq((int)number_at(json, "status"), 422);
	json_decref(json);
	ck_assert_int_eq(ask_status(&d, "GET", "/problems/none", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/problems", "Accept: text/html", NULL), 406);
	json = get_json(&d, "/healthz");
	ck_assert_str_eq(string_at(json, "status"), "ok");
	json_decref(json);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("documents", "\"id\":\"my-id.1\""), 1);
}
END_TEST

START_TEST(test_networks)
{
	struct daemon d;
	struct reply r;
	json_t *json, *list, *feasible;

	daemon_begin(&d, "networks");
	json = get_json(&d, "/networks");
	list = json_object_get(json, "networks");
	ck_assert_uint_eq(json_array_size(list), 2);
	ck_assert_str_eq(string_at(json_array_get(list, 0), "name"), NETWORK);
	ck_assert_str_eq(string_at(json_array_get(list, 1), "name"), OTHER_NETWORK);
	json_decref(json);
	json = get_json(&d, "/networks/" NETWORK);
	ck_assert_str_eq(string_at(json_object_get(json, "space"), "family"), "mbconv");
	ck_assert_uint_gt(strlen(string_at(json, "subnets_per_resolution")), 19);
	feasible = json_object_get(json, "feasible");
	ck_assert(number_at(json_object_get(feasible, "macs"), "min") <
		  number_at(json_object_get(feasible, "macs"), "max"));
	ck_assert_ptr_null(json_object_get(feasible, "latency_ms"));
	json_decref(json);
	ask(&d, "GET", "/networks/nope", NULL, NULL, &r);
	json = check_problem(&r, 404, "not-found", NULL);
	ck_assert_ptr_nonnull(strstr(string_at(json, "detail"), NETWORK));
	json_decref(json);
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* The device runtime takes the package, and it is what the manifest says. */
static void check_package(const struct reply *r, json_t *manifest)
{
	char hex[2 * OFA_SHA256_BYTES + 1], etag[96];
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_package_summary summary;
	struct ofa_device_model model;
	struct ofa_error err = {0};
	void *arena;

	ofa_sha256(r->body.data, r->body.len, sha256);
	ofa_hex(sha256, sizeof(sha256), hex);
	snprintf(etag, sizeof(etag), "\"sha256-%s\"", hex);
	ck_assert_str_eq(reply_header(r, "ETag"), etag);
	ck_assert_str_eq(string_at(manifest, "id"), hex);
	ck_assert_str_eq(string_at(manifest, "sha256"), hex);
	ck_assert(number_at(manifest, "storage_bytes") == (double)r->body.len);
	ASSERT_OK(ofa_package_read(r->body.data, r->body.len, &summary, &err), &err);
	ck_assert(number_at(manifest, "macs") == (double)summary.macs);
	ck_assert(number_at(manifest, "peak_memory_bytes") == (double)summary.arena_bytes);
	ck_assert_str_eq(string_at(manifest, "dtype"), summary.dtype);
	ck_assert(json_equal(json_object_get(manifest, "arch"), json_object_get(summary.meta, "arch")));
	ofa_package_summary_release(&summary);
	ck_assert_int_eq(ofa_device_load(r->body.data, r->body.len, &model, NULL), OFA_DEVICE_OK);
	arena = aligned_alloc(64, (ofa_device_arena_bytes(&model) + 63) / 64 * 64);
	ck_assert_int_eq(ofa_device_self_test(&model, arena, ofa_device_arena_bytes(&model)), OFA_DEVICE_OK);
	free(arena);
}

/* The whole of a package put together from ranges. */
static void check_ranges(const struct daemon *d, const char *path, const struct reply *whole)
{
	size_t half = whole->body.len / 2;
	char headers[256], content_range[128];
	struct reply first, second;

	snprintf(headers, sizeof(headers), "Range: bytes=0-%zu", half - 1);
	ask(d, "GET", path, headers, NULL, &first);
	ck_assert_int_eq(first.status, 206);
	ck_assert_uint_eq(first.body.len, half);
	ck_assert_str_eq(reply_header(&first, "Repr-Digest"), reply_header(whole, "Repr-Digest"));
	snprintf(content_range, sizeof(content_range), "bytes 0-%zu/%zu", half - 1, whole->body.len);
	ck_assert_str_eq(reply_header(&first, "Content-Range"), content_range);
	snprintf(headers, sizeof(headers), "Range: bytes=%zu-\nIf-Range: %s", half, reply_header(&first, "ETag"));
	ask(d, "GET", path, headers, NULL, &second);
	ck_assert_int_eq(second.status, 206);
	ck_assert_uint_eq(second.body.len, whole->body.len - half);
	ck_assert_mem_eq(first.body.data, whole->body.data, half);
	ck_assert_mem_eq(second.body.data, whole->body.data + half, second.body.len);
	reply_release(&first);
	reply_release(&second);
	snprintf(headers, sizeof(headers), "Range: bytes=%zu-", whole->body.len);
	ask(d, "GET", path, headers, NULL, &first);
	json_decref(check_problem(&first, 416, "range-not-satisfiable", "Range"));
	ck_assert_str_eq(reply_header(&first, "Cache-Control"), "no-store");
	reply_release(&first);
	snprintf(headers, sizeof(headers), "Range: bytes=%zu-\nIf-Range: \"other\"", half);
	ck_assert_int_eq(ask_status(d, "GET", path, headers, NULL), 200);
	ck_assert_int_eq(ask_status(d, "GET", path, "Range: bytes=0-1,4-5", NULL), 200);
}

START_TEST(test_delivery)
{
	struct reply package, again, manifest, stored, head;
	char path[128], manifest_path[160], headers[256];
	struct daemon d;
	json_t *json, *stored_json;

	daemon_begin(&d, "delivery");
	post_subnet(&d, PACKAGE, "{\"limits\":{\"macs\":3000000}}", &package);
	ck_assert_int_eq(package.status, 200);
	ck_assert_str_eq(reply_header(&package, "Content-Type"), PACKAGE);
	ck_assert_str_eq(reply_header(&package, "Vary"), "Accept");
	ck_assert_ptr_nonnull(reply_header(&package, "Repr-Digest"));
	ck_assert_ptr_nonnull(strstr(reply_header(&package, "Server-Timing"), "search;dur="));
	ck_assert_ptr_nonnull(strstr(reply_header(&package, "Server-Timing"), "calibrate;dur="));
	ck_assert_ptr_nonnull(strstr(reply_header(&package, "Server-Timing"), "pack;dur="));
	snprintf(path, sizeof(path), "%s", reply_header(&package, "Content-Location"));

	post_subnet(&d, JSON, "{\"limits\":{\"macs\":3000000}}", &manifest);
	json = reply_json(&manifest);
	ck_assert_ptr_nonnull(strstr(reply_header(&manifest, "Server-Timing"), "cache;desc=\"memory\""));
	ck_assert_str_eq(string_at(json_object_get(json, "links"), "self"), path);
	ck_assert(number_at(json, "macs") <= 3000000);
	ck_assert(json_is_null(json_object_get(json, "latency_ms")));
	ck_assert(json_is_null(json_object_get(json, "profile")));
	check_package(&package, json);

	ask(&d, "GET", path, NULL, NULL, &again);
	ck_assert_int_eq(again.status, 200);
	ck_assert_uint_eq(again.body.len, package.body.len);
	ck_assert_mem_eq(again.body.data, package.body.data, again.body.len);
	ck_assert_str_eq(reply_header(&again, "Cache-Control"), "public, max-age=31536000, immutable");
	ck_assert_str_eq(reply_header(&again, "Accept-Ranges"), "bytes");
	ask(&d, "HEAD", path, NULL, NULL, &head);
	ck_assert_int_eq(head.status, 200);
	ck_assert_uint_eq(head.body.len, 0);
	ck_assert_uint_eq(strtoul(reply_header(&head, "Content-Length"), NULL, 10), package.body.len);
	ck_assert_str_eq(reply_header(&head, "ETag"), reply_header(&package, "ETag"));
	snprintf(headers, sizeof(headers), "If-None-Match: \"x\", %s", reply_header(&package, "ETag"));
	ck_assert_int_eq(ask_status(&d, "GET", path, headers, NULL), 304);
	check_ranges(&d, path, &package);

	snprintf(manifest_path, sizeof(manifest_path), "%s/manifest", path);
	stored_json = get_json(&d, manifest_path);
	ck_assert(json_equal(stored_json, json));
	ask(&d, "GET", path, "Accept: text/html", NULL, &stored);
	json_decref(check_problem(&stored, 406, "not-acceptable", "Accept"));
	daemon_end(&d);
	json_decref(json);
	json_decref(stored_json);
	reply_release(&package);
	reply_release(&again);
	reply_release(&manifest);
	reply_release(&stored);
	reply_release(&head);
}
END_TEST

/* A seed that is not given is made from the rest; one that is given counts. */
START_TEST(test_determinism)
{
	struct reply a, b;
	struct daemon d;
	json_t *first, *second;
	char body[128];

	daemon_begin(&d, "determinism");
	post_subnet(&d, JSON, "{\"limits\":{\"storage_bytes\":1000000}}", &a);
	first = reply_json(&a);
	snprintf(body, sizeof(body),
		 "{\"limits\":{\"storage_bytes\":1000000},\"network\":\"" NETWORK "\",\"seed\":%.0f}",
		 number_at(first, "seed"));
	post_subnet(&d, JSON, body, &b);
	ck_assert_uint_eq(a.body.len, b.body.len);
	ck_assert_mem_eq(a.body.data, b.body.data, a.body.len);
	reply_release(&b);
	post_subnet(&d, JSON, "{\"limits\":{\"storage_bytes\":1000000},\"network\":\"" OTHER_NETWORK "\"}", &b);
	second = reply_json(&b);
	ck_assert_str_eq(string_at(second, "network"), OTHER_NETWORK);
	ck_assert_str_ne(string_at(first, "id"), string_at(second, "id"));
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("determinism", "\"msg\":\"search\""), 2);
	json_decref(first);
	json_decref(second);
	reply_release(&a);
	reply_release(&b);
}
END_TEST

START_TEST(test_infeasible)
{
	static const char *const bodies[] = {"{\"limits\":{\"macs\":10}}", "{\"limits\":{\"storage_bytes\":1000}}",
					     "{\"limits\":{\"peak_memory_bytes\":64}}"};
	struct daemon d;

	daemon_begin(&d, "infeasible");
	for (size_t i = 0; i < OFA_ARRAY_LEN(bodies); i++) {
		struct reply r;
		json_t *json, *feasible;

		post_subnet(&d, JSON, bodies[i], &r);
		json = check_problem(&r, 422, "infeasible-limits", NULL);
		feasible = json_object_get(json, "feasible");
		ck_assert_uint_eq(json_object_size(feasible), 3);
		ck_assert(number_at(json_object_get(feasible, "storage_bytes"), "min") > 1000);
		ck_assert(number_at(json_object_get(feasible, "storage_bytes"), "max") >
			  number_at(json_object_get(feasible, "storage_bytes"), "min"));
		json_decref(json);
		reply_release(&r);
	}
	daemon_end(&d);
}
END_TEST

static char *read_profile(const char *name)
{
	struct ofa_error err = {0};
	uint8_t *text;
	size_t size;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	if (name) {
		json_t *json = json_loads((char *)text, 0, NULL);

		json_object_set_new(json, "name", json_string(name));
		free(text);
		text = (uint8_t *)json_dumps(json, 0);
		json_decref(json);
	}
	return (char *)text;
}

START_TEST(test_profiles)
{
	char *profile = read_profile("acme/cam-m7");
	struct daemon d;
	struct reply r;
	json_t *json;

	daemon_begin(&d, "profiles");
	ask(&d, "PUT", "/profiles/acme/cam-m7", SEND_JSON, profile, &r);
	ck_assert_int_eq(r.status, 201);
	ck_assert_str_eq(reply_header(&r, "Location"), "/profiles/acme/cam-m7");
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/acme%2Fcam-m7", SEND_JSON, profile), 200);
	json = get_json(&d, "/profiles/acme%2fcam-m7");
	ck_assert_str_eq(string_at(json, "name"), "acme/cam-m7");
	json_decref(json);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/b", SEND_JSON, "{\"limits\":{\"macs\":2000000}}"), 201);
	json = get_json(&d, "/profiles");
	ck_assert_uint_eq(json_array_size(json_object_get(json, "profiles")), 2);
	json_decref(json);
	ask(&d, "GET", "/profiles?limit=1", NULL, NULL, &r);
	ck_assert_str_eq(reply_header(&r, "Link"),
			 "</profiles?limit=1&cursor=MWFjbWUvY2FtLW03>; rel=\"next\"");
	reply_release(&r);
	ask(&d, "GET", "/profiles?limit=1&cursor=MWFjbWUvY2FtLW03", NULL, NULL, &r);
	json = reply_json(&r);
	ck_assert_str_eq(string_at(json_array_get(json_object_get(json, "profiles"), 0), "name"), "b");
	ck_assert_ptr_null(reply_header(&r, "Link"));
	json_decref(json);
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles?limit=0", NULL, NULL), 422);

	ask(&d, "PUT", "/profiles/other", SEND_JSON, profile, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/name"));
	reply_release(&r);
	ask(&d, "PUT", "/profiles/a%20b", SEND_JSON, "{}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "name"));
	reply_release(&r);
	ask(&d, "PUT", "/profiles/x", SEND_JSON, "{\"limits\":{\"macs\":-1}}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/limits/macs"));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/b", NULL, NULL), 204);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/b", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/b", NULL, NULL), 404);
	daemon_end(&d);
	free(profile);
}
END_TEST

/* A table that serves no network is refused with what is missing. */
START_TEST(test_coverage)
{
	char *text = read_profile(NULL), *cut;
	json_t *json = json_loads(text, 0, NULL), *rows, *problem, *body;
	struct daemon d;
	struct reply r;
	char key[256];

	rows = json_object_get(json_object_get(json_object_get(json, "latency_table"), "entries"), "20");
	snprintf(key, sizeof(key), "%s", json_object_iter_key(json_object_iter(rows)));
	json_object_del(rows, key);
	json_object_set_new(json, "name", json_string("cut"));
	cut = json_dumps(json, 0);
	daemon_begin(&d, "coverage");
	ask(&d, "PUT", "/profiles/cut", SEND_JSON, cut, &r);
	problem = check_problem(&r, 422, "profile-mismatch", "/latency_table/entries");
	ck_assert_msg(strstr(string_at(problem, "detail"), key) != NULL, "%s", string_at(problem, "detail"));
	json_decref(problem);
	reply_release(&r);
	free(cut);
	body = json_pack("{s:O}", "profile", json);
	cut = json_dumps(body, 0);
	json_decref(body);
	post_subnet(&d, JSON, cut, &r);
	json_decref(check_problem(&r, 422, "profile-mismatch", "/profile/latency_table/entries"));
	reply_release(&r);
	daemon_end(&d);
	json_decref(json);
	free(cut);
	free(text);
}
END_TEST

START_TEST(test_latency)
{
	char *profile = read_profile("cam");
	json_t *json, *inner, *body, *problem;
	struct daemon d;
	struct reply r;
	char *text;

	daemon_begin(&d, "latency");
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/cam", SEND_JSON, profile), 201);
	post_subnet(&d, JSON, "{\"profile\":\"cam\",\"limits\":{\"latency_ms\":0.12}}", &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	ck_assert(number_at(json, "latency_ms") <= 0.12);
	ck_assert(number_at(json, "latency_ms") > 0.02);
	ck_assert_str_eq(string_at(json, "profile"), "cam");
	ck_assert_str_eq(string_at(json_object_get(json, "links"), "profile"), "/profiles/cam");
	json_decref(json);
	reply_release(&r);
	post_subnet(&d, JSON, "{\"profile\":\"cam\",\"limits\":{\"latency_ms\":0.0001}}", &r);
	problem = check_problem(&r, 422, "infeasible-limits", "/limits/latency_ms");
	ck_assert(number_at(json_object_get(json_object_get(problem, "feasible"), "latency_ms"), "min") > 0.0001);
	json_decref(problem);
	reply_release(&r);
	post_subnet(&d, JSON, "{\"limits\":{\"latency_ms\":5}}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/limits/latency_ms"));
	reply_release(&r);

	/* the profile sent along; its limit is smaller than the request's and wins */
	inner = json_loads(profile, 0, NULL);
	json_object_set_new(inner, "limits", json_pack("{s:f}", "latency_ms", 0.1));
	body = json_pack("{s:o, s:{s:f}}", "profile", inner, "limits", "latency_ms", 0.3);
	text = json_dumps(body, 0);
	post_subnet(&d, JSON, text, &r);
	json = reply_json(&r);
	ck_assert(number_at(json, "latency_ms") <= 0.1);
	ck_assert(number_at(json_object_get(json, "limits"), "latency_ms") == 0.1);
	json_decref(json);
	json_decref(body);
	free(text);
	reply_release(&r);
	daemon_end(&d);
	free(profile);
}
END_TEST

/* Ascending in the metric and the accuracy, with every cost. */
static void check_front(json_t *json, const char *metric, bool timed)
{
	static const char *const costs[] = {"macs", "peak_memory_bytes", "storage_bytes"};
	json_t *points = json_object_get(json, "points"), *point;
	double last_cost = 0, last_accuracy = 0;
	size_t i;

	ck_assert_str_eq(string_at(json, "metric"), metric);
	ck_assert_uint_gt(json_array_size(points), 3);
	json_array_foreach(points, i, point) {
		ck_assert(number_at(point, metric) > last_cost);
		ck_assert(number_at(point, "predicted_accuracy") > last_accuracy);
		last_cost = number_at(point, metric);
		last_accuracy = number_at(point, "predicted_accuracy");
		for (size_t c = 0; c < OFA_ARRAY_LEN(costs); c++)
			ck_assert(number_at(point, costs[c]) > 0);
		ck_assert(timed ? number_at(point, "latency_ms") > 0
				: json_is_null(json_object_get(point, "latency_ms")));
		ck_assert(json_is_array(json_object_get(json_object_get(point, "arch"), "d")));
	}
}

/* A search with one limit is answered from the front: it finds the front's own points again. */
static void check_answer(const struct daemon *d, json_t *front)
{
	json_t *points = json_object_get(front, "points"), *manifest;
	json_t *point = json_array_get(points, json_array_size(points) / 2);
	struct reply r;
	char body[128];

	snprintf(body, sizeof(body), "{\"profile\":\"cam\",\"limits\":{\"latency_ms\":%.9g}}",
		 number_at(point, "latency_ms") * 1.000001);
	post_subnet(d, JSON, body, &r);
	ck_assert_int_eq(r.status, 200);
	manifest = reply_json(&r);
	ck_assert(number_at(manifest, "predicted_accuracy") >= number_at(point, "predicted_accuracy"));
	json_decref(manifest);
	reply_release(&r);
}

START_TEST(test_pareto)
{
	static const char *const metrics[] = {"macs", "peak_memory_bytes", "storage_bytes"};
	char *profile = read_profile("cam"), path[128];
	struct daemon d;
	struct reply r;
	json_t *json;

	daemon_begin(&d, "pareto");
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/cam", SEND_JSON, profile), 201);
	json = get_json(&d, "/networks/" NETWORK "/pareto?profile=cam");
	ck_assert_str_eq(string_at(json, "network"), NETWORK);
	ck_assert_str_eq(string_at(json, "profile"), "cam");
	check_front(json, "latency_ms", true);
	check_answer(&d, json);
	json_decref(json);
	json = get_json(&d, "/networks/" OTHER_NETWORK "/pareto");
	check_front(json, "macs", false);
	ck_assert(json_is_null(json_object_get(json, "profile")));
	json_decref(json);
	for (size_t i = 0; i < OFA_ARRAY_LEN(metrics); i++) {
		snprintf(path, sizeof(path), "/networks/" NETWORK "/pareto?profile=cam&metric=%s", metrics[i]);
		json = get_json(&d, path);
		check_front(json, metrics[i], true);
		json_decref(json);
	}
	ck_assert_int_eq(ask_status(&d, "GET", "/networks/nope/pareto", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/networks/" NETWORK "/pareto?profile=nope", NULL, NULL), 404);
	ask(&d, "GET", "/networks/" NETWORK "/pareto?profile=a%20b", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "profile"));
	reply_release(&r);
	ask(&d, "GET", "/networks/" NETWORK "/pareto?metric=watts", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "metric"));
	reply_release(&r);
	ask(&d, "GET", "/networks/" NETWORK "/pareto?metric=latency_ms", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "metric"));
	reply_release(&r);
	daemon_end(&d);
	ck_assert_int_ge(daemon_log_count("pareto", "\"msg\":\"front\""), 1);
	free(profile);
}
END_TEST

START_TEST(test_unknown_names)
{
	struct daemon d;
	struct reply r;
	json_t *json;

	daemon_begin(&d, "unknown");
	post_subnet(&d, JSON, "{\"network\":\"nope\"}", &r);
	json = check_problem(&r, 404, "not-found", "/network");
	ck_assert_ptr_nonnull(strstr(string_at(json, "detail"), NETWORK ", " OTHER_NETWORK));
	json_decref(json);
	reply_release(&r);
	post_subnet(&d, JSON, "{\"profile\":\"nope\"}", &r);
	json_decref(check_problem(&r, 404, "not-found", "/profile"));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/abc", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/..%2f..%2fofad.db", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET",
				    "/subnets/0000000000000000000000000000000000000000000000000000000000000000", NULL,
				    NULL),
			 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/abc/manifest", NULL, NULL), 404);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_documents, test_networks, test_delivery, test_determinism,  test_infeasible,
				      test_profiles,  test_coverage, test_latency,  test_pareto,
				      test_unknown_names};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("service", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
