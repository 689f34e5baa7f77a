/* PUT /profiles/{name} of latency tables as others publish them. */
#include <curl/curl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/file.h"
#include "daemon.h"

#define SEND_JSON "Content-Type: application/json"
#define SEND_YAML "Content-Type: application/yaml"

static void begin(struct daemon *d, const char *data)
{
	daemon_start(d, data, NULL);
	daemon_wait_ready(d);
}

static void end(struct daemon *d)
{
	int status = daemon_stop(d, SIGTERM);

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ofad ended with status %x", (unsigned)status);
}

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

	begin(&d, "tables");
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
	end(&d);
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
		{"/profiles/x", SEND_YAML, STEM ": {mean: .inf}", "invalid-value", STEM, 422},
		{"/profiles/x", SEND_YAML, STEM ": {mean: 1}\n" STEM ": {mean: 1}", "invalid-value", STEM, 422},
		{"/profiles/x", SEND_YAML, "name: x", "invalid-value", "name", 422},
		{"/profiles/x", SEND_YAML, STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n", "profile-mismatch",
		 "/latency_table/entries", 422},
		{"/profiles/x?unit=us", SEND_YAML, "unit: s\n" STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n",
		 "invalid-value", "unit", 422},
		{"/profiles/x?unit=hours", SEND_YAML, STEM ": {mean: 1}", "invalid-value", "unit", 422},
		{"/profiles/x?unit=milliseconds", SEND_YAML, STEM ": {mean: 1}", "invalid-value", "unit", 422},
		{"/profiles/x?unit=us", SEND_JSON, "{\"limits\":{\"macs\":1}}", "invalid-value", "unit", 422},
		{"/profiles/x", SEND_JSON, "{\"" STEM "\":{\"mean\":1},\"" BLOCK "\":{\"mean\":1}}", "invalid-value",
		 "unit", 422},
		{"/profiles/x", SEND_JSON, "{\"" STEM "\":{\"mean\":-1}}", "invalid-value", STEM, 422},
		{"/profiles/x", "Content-Type: text/plain", "a: b", "unsupported-media-type", "Content-Type", 415},
	};
	struct daemon d;
	struct reply r;

	begin(&d, "refusals");
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
	end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_tables, test_refusals};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("tables", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
