/* What devices report back, and what it does to predictions, against a running ofad. */
#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

/* The world's profile under this name. */
static void put_profile(const struct daemon *d, const char *name)
{
	struct ofa_error err = {0};
	char path[128], *body;
	json_t *json;
	uint8_t *text;
	size_t size;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	json = json_loadb((char *)text, size, 0, NULL);
	json_object_set_new(json, "name", json_string(name));
	body = json_dumps(json, 0);
	snprintf(path, sizeof(path), "/profiles/%s", name);
	ck_assert_int_eq(ask_status(d, "PUT", path, SEND_JSON, body), 201);
	free(body);
	json_decref(json);
	free(text);
}

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

/* A measurement of the subnet; a new reference to what was kept. */
static json_t *report(const struct daemon *d, const char *id, const char *body)
{
	char path[128];
	struct reply r;
	json_t *json;

	snprintf(path, sizeof(path), "/subnets/%s/measurements", id);
	ask(d, "POST", path, SEND_JSON, body, &r);
	ck_assert_msg(r.status == 201, "%s: %.*s", body, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	ck_assert_str_eq(reply_header(&r, "Location"), string_at(json_object_get(json, "links"), "self"));
	reply_release(&r);
	return json;
}

static json_t *get_json(const struct daemon *d, const char *path)
{
	struct reply r;
	json_t *json;

	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_msg(r.status == 200, "%s: %ld", path, r.status);
	ck_assert_ptr_nonnull(reply_header(&r, "ETag"));
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

START_TEST(test_reports)
{
	json_t *manifest, *kept, *again, *list;
	char id[80], path[160], body[128];
	struct daemon d;

	daemon_begin(&d, "reports");
	put_profile(&d, "acme/cam");
	manifest = deliver(&d, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.12}}");
	snprintf(id, sizeof(id), "%s", string_at(manifest, "id"));
	kept = report(&d, id, "{\"latency_ms\":0.5,\"p50\":0.25,\"p95\":1,\"accuracy\":0,\"device\":\"cam:1\"}");
	ck_assert_str_eq(string_at(kept, "profile_revision"), "acme/cam@1");
	ck_assert(number_at(kept, "predicted_ms") == number_at(manifest, "latency_ms"));
	ck_assert(number_at(kept, "latency_ms") == 0.5 && number_at(kept, "p50") == 0.25);
	ck_assert(number_at(kept, "p95") == 1 && number_at(kept, "accuracy") == 0);
	ck_assert_str_eq(string_at(kept, "device"), "cam:1");
	again = get_json(&d, string_at(json_object_get(kept, "links"), "self"));
	ck_assert(json_equal(kept, again));
	json_decref(again);
	json_decref(kept);

	/* a device's newest are kept, in pages */
	for (int i = 0; i < 20; i++) {
		snprintf(body, sizeof(body), "{\"latency_ms\":%d}", i + 1);
		json_decref(report(&d, id, body));
	}
	snprintf(path, sizeof(path), "/subnets/%s/measurements", id);
	list = get_json(&d, path);
	ck_assert_uint_eq(json_array_size(json_object_get(list, "measurements")), 17);
	ck_assert(number_at(json_array_get(json_object_get(list, "measurements"), 0), "latency_ms") == 20);
	ck_assert(json_is_null(json_object_get(json_array_get(json_object_get(list, "measurements"), 0), "device")));
	json_decref(list);
	json_decref(manifest);

	/* what no table predicted calibrates nothing, and is kept */
	manifest = deliver(&d, "{\"limits\":{\"macs\":3000000}}");
	kept = report(&d, string_at(manifest, "id"), "{\"latency_ms\":3}");
	ck_assert(json_is_null(json_object_get(kept, "profile_revision")));
	ck_assert(json_is_null(json_object_get(kept, "predicted_ms")));
	json_decref(kept);
	json_decref(manifest);
	daemon_end(&d);
}
END_TEST

START_TEST(test_refused_reports)
{
	static const struct {
		const char *body, *field;
		long status;
	} cases[] = {
		{"", "", 400},
		{"[]", "", 400},
		{"{\"latency_ms\":1,\"latency_ms\":2}", "", 400},
		{"{}", "/latency_ms", 422},
		{"{\"latency_ms\":null}", "/latency_ms", 422},
		{"{\"latency_ms\":\"1\"}", "/latency_ms", 422},
		{"{\"latency_ms\":true}", "/latency_ms", 422},
		{"{\"latency_ms\":0}", "/latency_ms", 422},
		{"{\"latency_ms\":-1}", "/latency_ms", 422},
		{"{\"latency_ms\":3600001}", "/latency_ms", 422},
		{"{\"latency_ms\":1e300}", "/latency_ms", 422},
		{"{\"latency_ms\":1,\"p50\":0}", "/p50", 422},
		{"{\"latency_ms\":1,\"p95\":[]}", "/p95", 422},
		{"{\"latency_ms\":1,\"p50\":2,\"p95\":1}", "/p95", 422},
		{"{\"latency_ms\":1,\"accuracy\":1.01}", "/accuracy", 422},
		{"{\"latency_ms\":1,\"accuracy\":-0.01}", "/accuracy", 422},
		{"{\"latency_ms\":1,\"device\":\"\"}", "/device", 422},
		{"{\"latency_ms\":1,\"device\":7}", "/device", 422},
		{"{\"latency_ms\":1,\"device\":\"a b\"}", "/device", 422},
		{"{\"latency_ms\":1,\"device\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg\"}",
		 "/device", 422},
		{"{\"latency_ms\":1,\"profile\":\"a\"}", "/profile", 422},
	};
	json_t *manifest;
	char path[160];
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "refused");
	manifest = deliver(&d, "{\"limits\":{\"macs\":3000000}}");
	snprintf(path, sizeof(path), "/subnets/%s/measurements", string_at(manifest, "id"));
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ask(&d, "POST", path, SEND_JSON, cases[i].body, &r);
		json_decref(check_problem(&r, cases[i].status, cases[i].status == 400 ? "not-json" : "invalid-value",
					  *cases[i].field ? cases[i].field : NULL));
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "POST", path, "Content-Type: text/plain", "{\"latency_ms\":1}"), 415);
	ck_assert_int_eq(ask_status(&d, "POST", "/subnets/abc/measurements", SEND_JSON, "{\"latency_ms\":1}"), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/abc/measurements", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/abc/measurements/1", NULL, NULL), 404);
	snprintf(path, sizeof(path), "/subnets/%s/measurements?cursor=MXgx", string_at(manifest, "id"));
	ask(&d, "GET", path, NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "cursor"));
	reply_release(&r);
	snprintf(path, sizeof(path), "/subnets/%s/measurements/1", string_at(manifest, "id"));
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 404);
	json_decref(manifest);
	daemon_end(&d);
}
END_TEST

static json_t *get_calibration(const struct daemon *d, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/profiles/%s/calibration", name);
	return get_json(d, path);
}

/* Six packages of this profile from small to large, each reported by three devices three times.  One device lies, the
 * others err once: what is measured is scale * predicted + offset. */
static void report_all(const struct daemon *d, double scale, double offset)
{
	static const double limits[] = {0.04, 0.05, 0.07, 0.09, 0.12, 0.2};

	for (size_t i = 0; i < OFA_ARRAY_LEN(limits); i++) {
		char body[128];
		json_t *manifest;
		double measured;

		snprintf(body, sizeof(body), "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":%g}}", limits[i]);
		manifest = deliver(d, body);
		measured = scale * number_at(manifest, "latency_ms") + offset;
		for (int k = 0; k < 9; k++) {
			snprintf(body, sizeof(body), "{\"latency_ms\":%.9g,\"device\":\"%c\"}",
				 k % 3 == 2 ? 1e6
				 : k < 3    ? 1e-3
					    : measured,
				 'a' + k % 3);
			json_decref(report(d, string_at(manifest, "id"), body));
		}
		json_decref(manifest);
	}
}

/* The same at GET /metrics. */
static void check_gauge(const struct daemon *d, const char *series, double value)
{
	const char *text, *at;
	struct reply r;

	ask(d, "GET", "/metrics", NULL, NULL, &r);
	ck_assert_int_eq(ofa_buf_cstr(&r.body, &text), OFA_OK);
	at = strstr(text, series);
	ck_assert_msg(at != NULL, "there is no %s", series);
	ck_assert_double_eq_tol(strtod(at + strlen(series), NULL), value, 1e-8);
	reply_release(&r);
}

START_TEST(test_calibration)
{
	static const char body[] = "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.3},\"calibrated\":true}";
	json_t *c, *plain, *calibrated, *again, *how, *problem;
	double scale, offset, predicted;
	struct daemon d;
	struct reply r;
	char limited[160];

	daemon_begin(&d, "calibration");
	put_profile(&d, "acme/cam");
	c = get_calibration(&d, "acme/cam");
	ck_assert_str_eq(string_at(c, "fit"), "none");
	ck_assert(number_at(c, "scale") == 1 && number_at(c, "offset_ms") == 0 && number_at(c, "packages") == 0);
	json_decref(c);
	/* without measurements a calibrated answer is that of the table, and says so */
	calibrated = deliver(&d, body);
	plain = deliver(&d, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.3}}");
	ck_assert_str_eq(string_at(json_object_get(calibrated, "calibration"), "fit"), "none");
	ck_assert_str_eq(string_at(calibrated, "id"), string_at(plain, "id"));
	ck_assert_ptr_null(json_object_get(plain, "calibration"));
	json_decref(calibrated);
	json_decref(plain);

	report_all(&d, 2, 0.05);
	c = get_calibration(&d, "acme/cam");
	ck_assert_str_eq(string_at(c, "profile"), "acme/cam");
	ck_assert_str_eq(string_at(c, "fit"), "line");
	ck_assert(number_at(c, "packages") >= 5 && number_at(c, "devices") == 3);
	ck_assert(number_at(c, "measurements") == 9 * number_at(c, "packages"));
	scale = number_at(c, "scale");
	offset = number_at(c, "offset_ms");
	ck_assert_msg(scale > 1.99 && scale < 2.01 && offset > 0.049 && offset < 0.051, "%g %g", scale, offset);
	ck_assert(number_at(c, "correlation") > 0.999);
	ck_assert(number_at(json_object_get(c, "before"), "mape") > 0.5);
	ck_assert(number_at(json_object_get(c, "after"), "mape") < 0.01);
	ck_assert_uint_eq(json_array_size(json_object_get(c, "points")), (size_t)number_at(c, "packages"));
	json_decref(c);
	check_gauge(&d, "ofad_calibration_scale{profile=\"acme/cam\"}", scale);
	check_gauge(&d, "ofad_calibration_offset_milliseconds{profile=\"acme/cam\"}", offset);

	/* the limit is kept by what devices will measure, and the answer says by how much the table was off */
	calibrated = deliver(&d, body);
	how = json_object_get(calibrated, "calibration");
	predicted = number_at(how, "predicted_ms");
	ck_assert(number_at(how, "scale") == scale && number_at(how, "offset_ms") == offset);
	ck_assert_double_eq_tol(number_at(calibrated, "latency_ms"), scale * predicted + offset, 1e-9);
	ck_assert(number_at(calibrated, "latency_ms") <= 0.3);
	ck_assert(predicted <= 0.126);
	again = deliver(&d, body);
	ck_assert(json_equal(calibrated, again));
	json_decref(again);
	/* as the table counts it is the same question, hence the same seed and package */
	snprintf(limited, sizeof(limited), "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":%.17g},\"seed\":%.0f}",
		 (0.3 - offset) / scale, number_at(calibrated, "seed"));
	plain = deliver(&d, limited);
	ck_assert_str_eq(string_at(plain, "id"), string_at(calibrated, "id"));
	json_decref(plain);

	/* what cannot be is told in the same terms */
	post_subnet(&d, JSON, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.051},\"calibrated\":true}", &r);
	problem = check_problem(&r, 422, "infeasible-limits", "/limits/latency_ms");
	ck_assert(number_at(json_object_get(json_object_get(problem, "feasible"), "latency_ms"), "min") > 0.051);
	ck_assert_ptr_nonnull(strstr(string_at(problem, "detail"), "calibrated"));
	json_decref(problem);
	reply_release(&r);
	post_subnet(&d, JSON, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.01},\"calibrated\":true}", &r);
	json_decref(check_problem(&r, 422, "infeasible-limits", "/limits/latency_ms"));
	reply_release(&r);
	daemon_end(&d);

	/* what was calibrated is found again by the next process */
	daemon_begin(&d, "calibration");
	again = deliver(&d, body);
	ck_assert(json_equal(calibrated, again));
	json_decref(again);
	json_decref(calibrated);
	daemon_end(&d);
}
END_TEST

/* The scale that answers are calibrated with. */
static double answered_scale(const struct daemon *d)
{
	json_t *manifest = deliver(d, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.5},\"calibrated\":true}");
	double scale = number_at(json_object_get(manifest, "calibration"), "scale");

	json_decref(manifest);
	return scale;
}

/* Requests that ask for nothing but answers learn what was reported, too, a little later. */
START_TEST(test_renewal)
{
	json_t *manifest;
	struct daemon d;
	char body[64];
	double scale = 1;

	daemon_begin(&d, "renewal");
	put_profile(&d, "acme/cam");
	ck_assert(answered_scale(&d) == 1);
	manifest = deliver(&d, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.12}}");
	snprintf(body, sizeof(body), "{\"latency_ms\":%.9g}", 2 * number_at(manifest, "latency_ms"));
	json_decref(report(&d, string_at(manifest, "id"), body));
	json_decref(manifest);
	for (int i = 0; i < 300 && scale == 1; i++) {
		usleep(20000);
		scale = answered_scale(&d);
	}
	ck_assert_msg(scale == 2, "%g", scale);
	daemon_end(&d);
}
END_TEST

/* Measurements speak of the revision that the package was delivered for, and of no other. */
START_TEST(test_revisions)
{
	struct ofa_error err = {0};
	json_t *c, *profile, *manifest;
	struct daemon d;
	struct reply r;
	uint8_t *text;
	size_t size;
	char *body;

	daemon_begin(&d, "revisions");
	put_profile(&d, "acme/cam");
	manifest = deliver(&d, "{\"profile\":\"acme/cam\",\"limits\":{\"latency_ms\":0.12}}");
	json_decref(report(&d, string_at(manifest, "id"), "{\"latency_ms\":0.24}"));
	json_decref(manifest);
	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	profile = json_loadb((char *)text, size, 0, NULL);
	json_object_set_new(profile, "name", json_string("acme/cam"));
	json_object_set_new(profile, "description", json_string("another"));
	body = json_dumps(profile, 0);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/acme/cam", SEND_JSON "\nIf-Match: *", body), 200);
	c = get_calibration(&d, "acme/cam");
	ck_assert(number_at(c, "revision") == 2 && number_at(c, "packages") == 0);
	json_decref(c);
	c = get_json(&d, "/profiles/acme/cam/calibration?revision=1");
	ck_assert(number_at(c, "revision") == 1 && number_at(c, "packages") == 1);
	ck_assert_str_eq(string_at(c, "fit"), "scale");
	ck_assert(json_is_null(json_object_get(c, "correlation")));
	json_decref(c);
	manifest = deliver(&d, "{\"profile\":\"acme/cam@1\",\"limits\":{\"latency_ms\":0.5},\"calibrated\":true}");
	ck_assert_str_eq(string_at(json_object_get(manifest, "calibration"), "fit"), "scale");
	json_decref(manifest);

	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/acme/none/calibration", NULL, NULL), 404);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/acme/cam/calibration?revision=3", NULL, NULL), 404);
	ask(&d, "GET", "/profiles/acme/cam/calibration?revision=x", NULL, NULL, &r);
	json_decref(check_problem(&r, 422, "invalid-value", "revision"));
	reply_release(&r);
	post_subnet(&d, JSON, "{\"calibrated\":true}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/calibrated"));
	reply_release(&r);
	post_subnet(&d, JSON, "{\"profile\":\"acme/cam\",\"calibrated\":1}", &r);
	json_decref(check_problem(&r, 422, "invalid-value", "/calibrated"));
	reply_release(&r);
	daemon_end(&d);
	json_decref(profile);
	free(body);
	free(text);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_reports, test_refused_reports, test_calibration, test_renewal,
				      test_revisions};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("measurements", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
