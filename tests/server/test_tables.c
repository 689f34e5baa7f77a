/* PUT /profiles/{name} of latency tables as others publish them. */
#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "daemon.h"

#define SEND_JSON "Content-Type: application/json"
#define SEND_YAML "Content-Type: application/yaml"

/* The entries of the world's profile at one resolution; a new reference. */
static json_t *rows_at(const char *resolution)
{
	struct ofa_error err = {0};
	json_t *profile, *rows;
	uint8_t *text;
	size_t size;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), 1 << 20, &text, &size, &err), &err);
	profile = json_loadb((char *)text, size, 0, NULL);
	rows = json_object_get(json_object_get(json_object_get(profile, "latency_table"), "entries"), resolution);
	ck_assert_uint_gt(json_object_size(rows), 10);
	json_incref(rows);
	json_decref(profile);
	free(text);
	return rows;
}

/* The rows as YAML, each line indented. */
static char *yaml_of(json_t *rows, const char *head, const char *indent)
{
	struct ofa_buf b;
	const char *key, *text;
	char *copy;
	json_t *row;

	ofa_buf_init(&b, 1 << 20);
	ck_assert_int_eq(ofa_buf_printf(&b, "%s", head), OFA_OK);
	json_object_foreach(rows, key, row)
	{
		ck_assert_int_eq(ofa_buf_printf(&b, "%s%s:\n%s  mean: %.17g\n", indent, key, indent,
						json_number_value(json_object_get(row, "mean"))),
				 OFA_OK);
	}
	ck_assert_int_eq(ofa_buf_cstr(&b, &text), OFA_OK);
	copy = strdup(text);
	ofa_buf_release(&b);
	return copy;
}

/* The answer's member `table`; a new reference. */
static json_t *put(const struct daemon *d, const char *path, const char *headers, const char *body, long status)
{
	struct reply r;
	json_t *json, *table;

	ask(d, "PUT", path, headers, body, &r);
	ck_assert_msg(r.status == status, "%s: %ld", path, r.status);
	json = reply_json(&r);
	table = json_incref(json_object_get(json, "table"));
	json_decref(json);
	reply_release(&r);
	ck_assert_ptr_nonnull(table);
	return table;
}

/* The profile that is stored has the rows, times `scale`. */
static void check_stored(const struct daemon *d, const char *path, json_t *rows, double scale)
{
	struct reply r;
	json_t *profile, *stored, *row;
	const char *key;

	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	profile = reply_json(&r);
	stored = json_object_get(json_object_get(json_object_get(profile, "latency_table"), "entries"), "20");
	ck_assert_uint_eq(json_object_size(stored), json_object_size(rows));
	json_object_foreach(rows, key, row)
	{
		double mean = json_number_value(json_object_get(json_object_get(stored, key), "mean"));

		ck_assert_double_eq_tol(mean, scale * json_number_value(json_object_get(row, "mean")), 1e-9 * mean);
	}
	json_decref(profile);
	reply_release(&r);
}

static bool says(json_t *table, const char *name, const char *value)
{
	const char *said = json_string_value(json_object_get(table, name));

	return said && strstr(said, value);
}

START_TEST(test_tables)
{
	static const char *const types[] = {SEND_YAML, "Content-Type: application/x-yaml; charset=utf-8",
					    "Content-Type: text/yaml"};
	json_t *rows = rows_at("20"), *table;
	char *yaml = yaml_of(rows, "", ""), *grouped = yaml_of(rows, "unit: us\n20:\n", "  ");
	char *json = json_dumps(rows, 0);
	struct daemon d;

	daemon_begin(&d, "tables");
	for (size_t i = 0; i < OFA_ARRAY_LEN(types); i++) {
		table = put(&d, "/profiles/a", types[i], yaml, i == 0 ? 201 : 200);
		ck_assert(says(table, "dialect", "mbv3") && says(table, "unit", "ms"));
		ck_assert(says(table, "unit_source", "published"));
		ck_assert_int_eq(json_integer_value(json_object_get(table, "rows")), (int)json_object_size(rows));
		json_decref(table);
	}
	check_stored(&d, "/profiles/a", rows, 1);
	table = put(&d, "/profiles/b/c?unit=s", SEND_YAML, yaml, 201);
	ck_assert(says(table, "unit", "s") && says(table, "unit_source", "as given"));
	json_decref(table);
	check_stored(&d, "/profiles/b/c", rows, 1000);
	table = put(&d, "/profiles/d", SEND_YAML, grouped, 201);
	ck_assert(says(table, "unit_source", "as the document states"));
	json_decref(table);
	check_stored(&d, "/profiles/d", rows, 1e-3);
	json_decref(put(&d, "/profiles/e?unit=ms", SEND_JSON, json, 201));
	check_stored(&d, "/profiles/e", rows, 1);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/f?unit=ms", SEND_JSON, "{\"limits\":{\"macs\":2e6}}"), 201);
	daemon_end(&d);
	free(yaml);
	free(grouped);
	free(json);
	json_decref(rows);
}
END_TEST

START_TEST(test_refusals)
{
#define STEM "Conv-input:20x20x1-output:20x20x8"
#define BLOCK "expanded_conv-input:20x20x8-output:20x20x8-expand:8-kernel:3-stride:1-idskip:1-se:1-hs:0"
	static const struct {
		const char *path, *headers, *body, *slug, *field;
		long status;
	} cases[] = {
		{"/profiles/x", SEND_YAML, "", "invalid-value", NULL, 422},
		{"/profiles/x", SEND_YAML, "{", "not-yaml", NULL, 400},
		{"/profiles/x", SEND_YAML, "\xff\xfe", "not-yaml", NULL, 400},
		{"/profiles/x", SEND_YAML, "a: &a [*a, *a]", "invalid-value", NULL, 422},
		{"/profiles/x", SEND_YAML, STEM ": {mean: .inf}", "invalid-value", "/" STEM, 422},
		{"/profiles/x", SEND_YAML, STEM ": {mean: 1}\n" STEM ": {mean: 1}", "invalid-value", "/" STEM, 422},
		{"/profiles/x", SEND_YAML, "name: x", "invalid-value", "/name", 422},
		{"/profiles/x", SEND_YAML, STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n", "profile-mismatch", "",
		 422},
		{"/profiles/x?unit=us", SEND_YAML, "unit: s\n" STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n",
		 "invalid-value", "unit", 422},
		{"/profiles/x?unit=hours", SEND_YAML, STEM ": {mean: 1}", "invalid-value", "unit", 422},
		{"/profiles/x?unit=milliseconds", SEND_YAML, STEM ": {mean: 1}", "invalid-value", "unit", 422},
		{"/profiles/x?unit=us", SEND_JSON, "{\"limits\":{\"macs\":1}}", "invalid-value", "unit", 422},
		{"/profiles/x", SEND_JSON, "{\"" STEM "\":{\"mean\":1},\"" BLOCK "\":{\"mean\":1}}", "invalid-value",
		 "unit", 422},
		{"/profiles/x", SEND_JSON, "{\"" STEM "\":{\"mean\":-1}}", "invalid-value", "/" STEM, 422},
		{"/profiles/x", "Content-Type: text/plain", "a: b", "unsupported-media-type", "Content-Type", 415},
	};
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "refusals");
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		ask(&d, "PUT", cases[i].path, cases[i].headers, cases[i].body, &r);
		ck_assert_msg(r.status == cases[i].status, "%s: %ld", cases[i].body, r.status);
		json_decref(check_problem(&r, cases[i].status, cases[i].slug, cases[i].field));
		if (r.status == 415)
			ck_assert_str_eq(reply_header(&r, "Accept"),
					 "application/json, application/yaml, application/x-yaml, text/yaml");
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/x", NULL, NULL), 404);
	daemon_end(&d);
}
END_TEST

/* All that are wrong, up to 16, in their order and under the name that each has in the body. */
static void check_errors(const struct daemon *d, const char *headers, const char *body, const char *pointer,
			 size_t expected)
{
	char path[96];
	struct reply r;
	json_t *json, *errors;

	ask(d, "PUT", "/profiles/faulty", headers, body, &r);
	snprintf(path, sizeof(path), pointer, 1);
	json = check_problem(&r, 422, "invalid-value", path);
	errors = json_object_get(json, "errors");
	ck_assert_uint_eq(json_array_size(errors), expected);
	for (size_t i = 0; i < expected; i++) {
		const json_t *error = json_array_get(errors, i);

		snprintf(path, sizeof(path), pointer, (int)i + 1);
		ck_assert_str_eq(json_string_value(json_object_get(error, "pointer")), path);
		ck_assert_uint_gt(json_string_length(json_object_get(error, "detail")), 0);
	}
	ck_assert_str_eq(json_string_value(json_object_get(json, "detail")),
			 json_string_value(json_object_get(json_array_get(errors, 0), "detail")));
	json_decref(json);
	reply_release(&r);
}

#define ROW "Conv-input:%dx1x1-output:1x1x1"

/* A table of n rows, all of them wrong, as it is published and in a profile. */
static void refuse_faulty_rows(const struct daemon *d, int n)
{
	const size_t told = n < 16 ? (size_t)n : 16;
	char table[4096], profile[4096 + 128];
	size_t used = 0;

	for (int i = 1; i <= n; i++)
		used += (size_t)snprintf(table + used, sizeof(table) - used, "%s\"" ROW "\":{\"mean\":-1}",
					 i > 1 ? "," : "{", i);
	snprintf(table + used, sizeof(table) - used, "}");
	check_errors(d, SEND_YAML, table, "/" ROW, told);
	snprintf(profile, sizeof(profile), "{\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"20\":%s}}}",
		 table);
	check_errors(d, SEND_JSON, profile, "/latency_table/entries/20/" ROW "/mean", told);
}

START_TEST(test_faulty_rows)
{
	static const int rows[] = {1, 2, 16, 17, 40};
	struct daemon d;

	daemon_begin(&d, "faulty-rows");
	for (size_t i = 0; i < OFA_ARRAY_LEN(rows); i++)
		refuse_faulty_rows(&d, rows[i]);
	daemon_end(&d);
}
END_TEST

/* What the server says a table must have is what it demands: a table of just these keys is accepted, one without any of
 * them is refused by the name of the key. */
START_TEST(test_needed_keys)
{
	json_t *json, *keys, *key, *entries = json_object(), *profile;
	struct daemon d;
	struct reply r;
	char *body;
	size_t i;

	daemon_begin(&d, "needed");
	ask(&d, "GET", "/networks/" NETWORK "/latency-keys?resolutions=20", NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	json = reply_json(&r);
	reply_release(&r);
	ck_assert_uint_eq(json_object_size(json_object_get(json, "keys")), 1);
	keys = json_object_get(json_object_get(json, "keys"), "20");
	ck_assert_uint_gt(json_array_size(keys), 10);
	json_array_foreach(keys, i, key)
		json_object_set_new(entries, json_string_value(key), json_pack("{s:f}", "mean", 0.5));
	profile = json_pack("{s:{s:s, s:{s:o}}}", "latency_table", "unit", "ms", "entries", "20", entries);
	json_array_foreach(keys, i, key) {
		const char *missing = json_string_value(key);
		json_t *row = json_incref(json_object_get(entries, missing)), *problem;

		json_object_del(entries, missing);
		body = json_dumps(profile, 0);
		ask(&d, "PUT", "/profiles/a", SEND_JSON, body, &r);
		problem = check_problem(&r, 422, "profile-mismatch", "/latency_table/entries");
		ck_assert_msg(strstr(json_string_value(json_object_get(problem, "detail")), missing) != NULL, "%s",
			      missing);
		json_decref(problem);
		reply_release(&r);
		json_object_set_new(entries, missing, row);
		free(body);
	}
	body = json_dumps(profile, 0);
	ck_assert_int_eq(ask_status(&d, "PUT", "/profiles/a", SEND_JSON, body), 201);
	free(body);
	json_decref(json);
	json_decref(profile);
	daemon_end(&d);
}
END_TEST

START_TEST(test_key_queries)
{
	static const struct {
		const char *query;
		size_t resolutions; /* 0: refused */
	} cases[] = {
		{"", 4},
		{"?resolutions=", 4},
		{"?resolutions=20", 1},
		{"?resolutions=14,20", 2},
		{"?resolutions=20,20", 1},
		{"?resolutions=20%2C14", 2},
		{"?resolutions=0", 0},
		{"?resolutions=-20", 0},
		{"?resolutions=20,", 0},
		{"?resolutions=,20", 0},
		{"?resolutions=20;16", 0},
		{"?resolutions=%zz", 0},
		{"?resolutions=224", 0},
		{"?resolutions=20x", 0},
		{"?resolutions=+20", 0},
		{"?resolutions=020", 0},
		{"?resolutions=99999999999999999999", 0},
	};
	struct daemon d;
	struct reply r;
	char path[128];

	daemon_begin(&d, "queries");
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		snprintf(path, sizeof(path), "/networks/" NETWORK "/latency-keys%s", cases[i].query);
		ask(&d, "GET", path, NULL, NULL, &r);
		if (cases[i].resolutions > 0) {
			json_t *json = reply_json(&r);

			ck_assert_msg(json_object_size(json_object_get(json, "keys")) == cases[i].resolutions, "%s",
				      path);
			ck_assert_ptr_nonnull(reply_header(&r, "ETag"));
			json_decref(json);
		} else {
			json_t *problem = check_problem(&r, 422, "invalid-value", "resolutions");

			ck_assert_msg(strstr(json_string_value(json_object_get(problem, "detail")), "20") != NULL, "%s",
				      path);
			json_decref(problem);
		}
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "GET", "/networks/none/latency-keys", NULL, NULL), 404);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_tables, test_refusals, test_faulty_rows, test_needed_keys, test_key_queries};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("tables", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
