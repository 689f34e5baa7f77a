/* Packages of other types than float32, from the question to the device runtime. */
#include <curl/curl.h>
#include <math.h>
#include <string.h>

#include "daemon.h"
#include "pack/pack.h"

#define JSON "application/json"
#define PACKAGE "application/vnd.ofa.subnet"
#define SEND_JSON "Content-Type: application/json"
#define INT8_DROP 0.0125 /* what make_network lets the networks promise */

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

static void refused(const struct daemon *d, const char *body, const char *field, const char *text)
{
	struct reply r;
	json_t *problem;

	post_subnet(d, JSON, body, &r);
	problem = check_problem(&r, 422, "invalid-value", field);
	ck_assert_msg(strstr(string_at(problem, "detail"), text) != NULL, "%s", string_at(problem, "detail"));
	json_decref(problem);
	reply_release(&r);
}

/* The profile of the world with a table of this type, and limits if given; malloc'ed. */
static char *profile_of(const char *dtype, json_t *limits)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);
	char *text;

	ck_assert_ptr_nonnull(json);
	json_object_del(json, "name");
	json_object_set_new(json_object_get(json, "latency_table"), "dtype", json_string(dtype));
	if (limits)
		json_object_set_new(json, "limits", limits);
	text = json_dumps(json, 0);
	json_decref(json);
	return text;
}

/* What is delivered is of the type, and the device runtime runs it. */
static void check_package(const struct daemon *d, const char *body, const char *dtype, json_t *manifest)
{
	struct ofa_package_summary s;
	struct ofa_error err = {0};
	struct reply r;
	uint8_t *data;
	json_t *accuracy;

	post_subnet(d, PACKAGE, body, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Content-Location"), string_at(manifest, "id")));
	data = aligned_alloc(64, (r.body.len + 63) / 64 * 64);
	memcpy(data, r.body.data, r.body.len);
	ASSERT_OK(ofa_package_read(data, r.body.len, &s, &err), &err);
	ck_assert_str_eq(s.dtype, dtype);
	ck_assert_str_eq(string_at(s.meta, "dtype"), dtype);
	ck_assert_uint_eq(s.size_bytes, (uint64_t)number_at(manifest, "storage_bytes"));
	ck_assert_uint_eq(s.arena_bytes, (uint64_t)number_at(manifest, "peak_memory_bytes"));
	accuracy = json_object_get(manifest, "predicted_accuracy");
	if (json_is_null(accuracy))
		ck_assert(json_is_null(json_object_get(s.meta, "predicted_accuracy")));
	else
		ck_assert_double_eq_tol(number_at(s.meta, "predicted_accuracy"), json_real_value(accuracy), 1e-6);
	ofa_package_summary_release(&s);
	free(data);
	reply_release(&r);
}

/* Without a limit that depends on the type the same subnet is found; sizes and promises are the type's. */
START_TEST(test_types)
{
	static const char question[] = "{\"limits\":{\"macs\":3000000}}";
	json_t *plain, *float32, *float16, *int8;
	struct daemon d;

	daemon_begin(&d, "types");
	plain = manifest_of(&d, question);
	float32 = manifest_of(&d, "{\"dtype\":\"float32\",\"limits\":{\"macs\":3000000}}");
	ck_assert(json_equal(plain, float32));
	float16 = manifest_of(&d, "{\"dtype\":\"float16\",\"limits\":{\"macs\":3000000}}");
	int8 = manifest_of(&d, "{\"dtype\":\"int8\",\"limits\":{\"macs\":3000000}}");
	ck_assert_str_eq(string_at(plain, "dtype"), "float32");
	ck_assert_str_eq(string_at(float16, "dtype"), "float16");
	ck_assert_str_eq(string_at(int8, "dtype"), "int8");
	ck_assert_double_eq(number_at(plain, "seed"), number_at(int8, "seed"));
	ck_assert(json_equal(json_object_get(plain, "arch"), json_object_get(int8, "arch")));
	ck_assert(json_equal(json_object_get(plain, "arch"), json_object_get(float16, "arch")));
	ck_assert_double_lt(number_at(float16, "storage_bytes"), 0.75 * number_at(plain, "storage_bytes"));
	ck_assert_double_lt(number_at(int8, "storage_bytes"), number_at(float16, "storage_bytes"));
	ck_assert_double_lt(number_at(int8, "peak_memory_bytes"), number_at(plain, "peak_memory_bytes") / 4);
	ck_assert_double_eq_tol(number_at(int8, "predicted_accuracy"),
				number_at(plain, "predicted_accuracy") - INT8_DROP, 1e-9);
	ck_assert_ptr_null(json_object_get(int8, "predicted_accuracy_reason"));
	ck_assert(json_is_null(json_object_get(float16, "predicted_accuracy")));
	ck_assert_ptr_nonnull(strstr(string_at(float16, "predicted_accuracy_reason"), "float16"));
	check_package(&d, question, "float32", plain);
	check_package(&d, "{\"dtype\":\"float16\",\"limits\":{\"macs\":3000000}}", "float16", float16);
	check_package(&d, "{\"dtype\":\"int8\",\"limits\":{\"macs\":3000000}}", "int8", int8);
	refused(&d, "{\"dtype\":\"int4\"}", "/dtype", "\"int4\"; accepted is float32, float16 or int8");
	json_decref(plain);
	json_decref(float32);
	json_decref(float16);
	json_decref(int8);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("types", "\"dtype\":\"int8\""), 1);
}
END_TEST

/* Limits are of packages of the type, and so are the ranges that a refusal tells. */
START_TEST(test_limits)
{
	json_t *problem, *range, *manifest;
	struct daemon d;
	struct reply r;
	char body[160];
	double least;

	daemon_begin(&d, "limits");
	post_subnet(&d, JSON, "{\"limits\":{\"peak_memory_bytes\":1}}", &r);
	problem = check_problem(&r, 422, "infeasible-limits", "/limits/peak_memory_bytes");
	range = json_object_get(json_object_get(problem, "feasible"), "peak_memory_bytes");
	least = number_at(range, "min");
	json_decref(problem);
	reply_release(&r);
	snprintf(body, sizeof(body), "{\"dtype\":\"int8\",\"limits\":{\"peak_memory_bytes\":%.0f}}", least / 2);
	manifest = manifest_of(&d, body);
	ck_assert_double_le(number_at(manifest, "peak_memory_bytes"), least / 2);
	json_decref(manifest);
	post_subnet(&d, JSON, "{\"dtype\":\"int8\",\"limits\":{\"peak_memory_bytes\":1}}", &r);
	problem = check_problem(&r, 422, "infeasible-limits", "/limits/peak_memory_bytes");
	range = json_object_get(json_object_get(problem, "feasible"), "peak_memory_bytes");
	ck_assert_double_lt(number_at(range, "min"), least / 3);
	json_decref(problem);
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* What a device measured of a package that its profile's table says nothing of calibrates nothing. */
static void check_measurement(const struct daemon *d, const char *id, bool counts)
{
	char path[160];
	struct reply r;
	json_t *json;

	snprintf(path, sizeof(path), "/subnets/%s/measurements", id);
	ask(d, "POST", path, SEND_JSON, "{\"latency_ms\":0.25}", &r);
	ck_assert_int_eq(r.status, 201);
	json = reply_json(&r);
	ck_assert(json_is_null(json_object_get(json, "predicted_ms")) == !counts);
	ck_assert(json_is_null(json_object_get(json, "profile_revision")) == !counts);
	json_decref(json);
	reply_release(&r);
}

/* A table is of one type: it tells latencies of that one, and is not used for another. */
START_TEST(test_tables)
{
	char *profile = profile_of("int8", NULL), *limited = profile_of("int8", json_pack("{s:f}", "latency_ms", 0.2));
	char *inner = malloc(strlen(limited) + 64);
	struct daemon d;
	json_t *json;

	daemon_begin(&d, "tables");
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/mcu", SEND_JSON, profile), 201);
	refused(&d, "{\"profile\":\"mcu\",\"limits\":{\"latency_ms\":0.2}}", "/limits/latency_ms",
		"of profile mcu is of int8 packages and predicts nothing of float32");
	refused(&d, "{\"profile\":\"mcu\",\"dtype\":\"float16\",\"limits\":{\"latency_ms\":0.2}}", "/limits/latency_ms",
		"ask for \"dtype\": \"int8\", or name a profile that `ofa measure --dtype float16` made");
	refused(&d, "{\"profile\":\"mcu\",\"calibrated\":true}", "/calibrated", "float32");
	json = manifest_of(&d, "{\"profile\":\"mcu\"}");
	ck_assert_str_eq(string_at(json, "dtype"), "float32");
	ck_assert(json_is_null(json_object_get(json, "latency_ms")));
	check_measurement(&d, string_at(json, "id"), false);
	json_decref(json);
	json = manifest_of(&d, "{\"profile\":\"mcu\",\"dtype\":\"int8\",\"limits\":{\"latency_ms\":0.12}}");
	ck_assert_double_le(number_at(json, "latency_ms"), 0.12);
	ck_assert_str_eq(string_at(json, "dtype"), "int8");
	check_measurement(&d, string_at(json, "id"), true);
	json_decref(json);
	json = manifest_of(&d, "{\"profile\":\"mcu\",\"dtype\":\"int8\",\"calibrated\":true}");
	ck_assert_ptr_nonnull(json_object_get(json, "calibration"));
	json_decref(json);
	/* sent along, with a limit of its own */
	sprintf(inner, "{\"profile\":%s}", limited);
	refused(&d, inner, "/profile/limits/latency_ms", "int8 packages");
	sprintf(inner, "{\"dtype\":\"int8\",\"profile\":%s}", limited);
	json = manifest_of(&d, inner);
	ck_assert_double_le(number_at(json, "latency_ms"), 0.2);
	json_decref(json);
	daemon_end(&d);
	free(profile);
	free(limited);
	free(inner);
}
END_TEST

static json_t *front(const struct daemon *d, const char *query)
{
	char path[160];
	struct reply r;
	json_t *json;

	snprintf(path, sizeof(path), "/networks/" NETWORK "/pareto?%s", query);
	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_msg(r.status == 200, "%s: %ld", query, r.status);
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

static double of_last(json_t *front, const char *name)
{
	json_t *points = json_object_get(front, "points");

	return number_at(json_array_get(points, json_array_size(points) - 1), name);
}

START_TEST(test_fronts)
{
	char *profile = profile_of("int8", NULL);
	json_t *plain, *int8, *float16;
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "fronts");
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/mcu", SEND_JSON, profile), 201);
	plain = front(&d, "metric=macs");
	int8 = front(&d, "metric=macs&dtype=int8");
	float16 = front(&d, "metric=macs&dtype=float16");
	ck_assert_str_eq(string_at(plain, "dtype"), "float32");
	ck_assert_str_eq(string_at(int8, "dtype"), "int8");
	ck_assert_double_eq_tol(of_last(int8, "predicted_accuracy"), of_last(plain, "predicted_accuracy") - INT8_DROP,
				1e-9);
	ck_assert_double_lt(of_last(int8, "storage_bytes"), of_last(plain, "storage_bytes"));
	ck_assert(json_is_null(json_object_get(json_array_get(json_object_get(float16, "points"), 0),
					       "predicted_accuracy")));
	json_decref(plain);
	json_decref(int8);
	json_decref(float16);
	plain = front(&d, "profile=mcu");
	ck_assert_str_eq(string_at(plain, "metric"), "macs");
	json_decref(plain);
	int8 = front(&d, "profile=mcu&dtype=int8");
	ck_assert_str_eq(string_at(int8, "metric"), "latency_ms");
	json_decref(int8);
	ask(&d, "GET", "/networks/" NETWORK "/pareto?profile=mcu&metric=latency_ms", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "metric"));
	reply_release(&r);
	ask(&d, "GET", "/networks/" NETWORK "/pareto?dtype=int4", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "dtype"));
	reply_release(&r);
	daemon_end(&d);
	free(profile);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_types, test_limits, test_tables, test_fronts};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("dtypes", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
