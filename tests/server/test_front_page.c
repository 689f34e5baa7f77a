/* GET /front: the page for those without JavaScript; what is from outside stays text. */
#include <curl/curl.h>
#include <sqlite3.h>
#include <string.h>

#include "api/html.h"
#include "daemon.h"

#define TYPE "text/html; charset=utf-8"
#define SEND_JSON "Content-Type: application/json"
#define POLICY "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
#define HOSTILE "\"><script>alert(1)</script>&'"
#define HOSTILE_QUERY "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%26'"
#define HOSTILE_ESCAPED "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;&#39;"

/* ---- the writer ---- */

static const char *written(struct html *h)
{
	const char *text;

	ck_assert_int_eq(h->status, OFA_OK);
	ck_assert_int_eq(ofa_buf_cstr(&h->buf, &text), OFA_OK);
	return text;
}

START_TEST(test_writer)
{
	struct html h;

	html_init(&h, 1 << 16);
	html_markup(&h, "<p title=\"");
	html_text(&h, HOSTILE);
	html_markup(&h, "\">");
	html_text(&h, "\xc3\xa9 \xff \x01 ");
	html_textf(&h, "%d %s", 7, "<b>");
	html_markup(&h, "<a href=\"?");
	html_query(&h, "a", "b/c@1 \"&<\xc3");
	ck_assert_str_eq(written(&h),
			 "<p title=\"" HOSTILE_ESCAPED "\">\xc3\xa9 ? ? 7 &lt;b&gt;"
			 "<a href=\"?a=b/c%401%20%22%26%3C%C3");
	html_release(&h);
}
END_TEST

/* Past its bound nothing is written, and the reply is none. */
START_TEST(test_writer_is_bounded)
{
	struct http_reply reply;
	struct html h;

	html_init(&h, 8);
	html_text(&h, "1234567");
	html_text(&h, "<");
	html_markup(&h, "8");
	ck_assert_int_eq(h.status, OFA_ERR_LIMIT);
	ck_assert_uint_eq(h.buf.len, 7);
	http_reply_init(&reply);
	html_reply(&h, &reply, 200);
	ck_assert(reply.failed);
	http_reply_release(&reply);
	html_release(&h);
}
END_TEST

/* ---- the page ---- */

static void get(const struct daemon *d, const char *query, long status, struct reply *ret)
{
	char path[2048];

	snprintf(path, sizeof(path), "/front%s%s", *query ? "?" : "", query);
	ask(d, "GET", path, NULL, NULL, ret);
	ck_assert_msg(ret->status == status, "%s: %ld instead of %ld", query, ret->status, status);
	ck_assert_str_eq(reply_header(ret, "Content-Type"), TYPE);
	ck_assert_str_eq(reply_header(ret, "Content-Security-Policy"), POLICY);
	ck_assert_str_eq(reply_header(ret, "Cache-Control"), status == 200 ? "no-cache" : "no-store");
	ASSERT_OK(ofa_buf_append(&ret->body, "", 1), &(struct ofa_error){0});
}

static const char *text_of(const struct reply *r)
{
	return (const char *)r->body.data;
}

static bool says(const struct reply *r, const char *text)
{
	return strstr(text_of(r), text) != NULL;
}

static int count(const struct reply *r, const char *text)
{
	int n = 0;

	for (const char *at = text_of(r); (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

/* Every element is closed in its turn, and nothing but the style sheet is asked for. */
static void check_markup(const struct reply *r)
{
	char stack[32][16];
	int depth = 0;

	for (const char *at = strstr(text_of(r), "<html"); (at = strchr(at, '<')); at++) {
		const char *end = strchr(at, '>');
		char name[16] = "";

		ck_assert_ptr_nonnull(end);
		ck_assert_int_eq(sscanf(at[1] == '/' ? at + 2 : at + 1, "%15[a-z0-9]", name), 1);
		if (at[1] == '/')
			ck_assert_msg(depth-- > 0 && strcmp(stack[depth], name) == 0, "</%s> ends %s", name,
				      stack[depth]);
		else if (end[-1] != '/')
			strcpy(stack[depth++], name);
		ck_assert_int_lt(depth, 32);
		ck_assert_ptr_null(memmem(at, (size_t)(end - at), " on", 3));
		ck_assert_ptr_null(memmem(at, (size_t)(end - at), " style", 6));
		ck_assert_ptr_null(memmem(at, (size_t)(end - at), " src", 4));
		at = end;
	}
	ck_assert_int_eq(depth, 0);
	ck_assert(!says(r, "<script") && !says(r, "http:") && !says(r, "https:") && !says(r, "data:"));
	ck_assert_int_eq(count(r, "<link "), 1);
	ck_assert(says(r, "<html lang=\"en\">") && says(r, "<title>") && says(r, "<h1>"));
	ck_assert_int_eq(count(r, "<label for="), count(r, "<select "));
	ck_assert(says(r, "<form method=\"get\" action=\"front\">"));
}

static void put_profile(const struct daemon *d, const char *name, const char *dtype)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);
	char *text, path[160];

	json_object_del(json, "name");
	json_object_set_new(json_object_get(json, "latency_table"), "dtype", json_string(dtype));
	text = json_dumps(json, 0);
	snprintf(path, sizeof(path), "/profiles/%s", name);
	ck_assert_int_eq(ask_status(d, "PUT", path, SEND_JSON, text), 201);
	json_decref(json);
	free(text);
}

/* 1,234,567 without its commas. */
static double ungrouped(const char *text)
{
	double value = 0;

	for (; (*text >= '0' && *text <= '9') || *text == ','; text++)
		if (*text != ',')
			value = 10 * value + (*text - '0');
	return value;
}

/* Is the escaped text this arch? */
static bool is_arch(const char *escaped, const json_t *arch)
{
	char text[512], *to = text;
	json_t *json;
	bool equal;

	for (; *escaped && to < text + sizeof(text) - 1; to++) {
		bool quote = strncmp(escaped, "&quot;", 6) == 0;

		*to = quote ? '"' : *escaped;
		escaped += quote ? 6 : 1;
	}
	*to = '\0';
	json = json_loads(text, 0, NULL);
	equal = json_equal(json, arch);
	json_decref(json);
	return equal;
}

/* The rows are the points of the JSON, to the digits that are shown. */
static void check_rows(const struct daemon *d, const char *query, const struct reply *page)
{
	const char *at = strstr(text_of(page), "<tbody>");
	json_t *front, *points;
	char path[256];
	struct reply r;

	snprintf(path, sizeof(path), "/networks/" NETWORK "/pareto?%s", query);
	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	front = reply_json(&r);
	points = json_object_get(front, "points");
	ck_assert_uint_gt(json_array_size(points), 3);
	ck_assert_int_eq(count(page, "<tr><th scope=\"row\">"), (int)json_array_size(points));
	for (size_t i = 0; i < json_array_size(points); i++) {
		json_t *point = json_array_get(points, i), *latency = json_object_get(point, "latency_ms");
		char cells[7][512];

		at = strstr(at, "<tr>");
		ck_assert_int_eq(sscanf(at,
					"<tr><th scope=\"row\">%511[^<]</th><td>%511[^<]</td><td>%511[^<]</td>"
					"<td>%511[^<]</td><td>%511[^<]</td><td>%511[^<]</td><td><code>%511[^<]</code>",
					cells[0], cells[1], cells[2], cells[3], cells[4], cells[5], cells[6]),
				 7);
		ck_assert_double_eq_tol(strtod(cells[0], NULL), 100 * number_at(point, "predicted_accuracy"), 0.00501);
		if (json_is_null(latency))
			ck_assert_str_eq(cells[1], "unknown");
		else
			ck_assert_double_eq_tol(strtod(cells[1], NULL) / json_real_value(latency), 1, 5e-4);
		ck_assert_double_eq(ungrouped(cells[2]), number_at(point, "macs"));
		ck_assert_double_eq(ungrouped(cells[3]), number_at(point, "peak_memory_bytes"));
		ck_assert_double_eq(ungrouped(cells[4]), number_at(point, "storage_bytes"));
		ck_assert_double_eq(strtod(cells[5], NULL), number_at(json_object_get(point, "arch"), "image_size"));
		ck_assert(is_arch(cells[6], json_object_get(point, "arch")));
		at += 4;
	}
	json_decref(front);
	reply_release(&r);
}

static bool selected(const struct reply *r, const char *value)
{
	char text[256];

	snprintf(text, sizeof(text), "<option value=\"%s\" selected=\"selected\">", value);
	return says(r, text);
}

/* Each parameter, alone and together: the table is the front, and the form shows what was asked for. */
START_TEST(test_parameters)
{
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "parameters");
	put_profile(&d, "acme/cam-m7", "float32");
	put_profile(&d, "mcu", "int8");
	get(&d, "", 200, &r);
	check_markup(&r);
	check_rows(&d, "", &r);
	ck_assert(selected(&r, NETWORK) && selected(&r, "float32"));
	ck_assert_int_eq(count(&r, "selected=\"selected\""), 4);
	ck_assert(says(&r, "<option value=\"mcu\">") && says(&r, "<option value=\"" OTHER_NETWORK "\">"));
	ck_assert(says(&r, "<th scope=\"col\" aria-sort=\"ascending\">MACs</th>"));
	ck_assert(says(&r, "networks/" NETWORK "/pareto?metric=macs&amp;dtype=float32\""));
	reply_release(&r);
	get(&d, "network=" NETWORK "&profile=acme%2Fcam-m7&metric=&dtype=float32", 200, &r);
	check_markup(&r);
	check_rows(&d, "profile=acme/cam-m7", &r);
	ck_assert(selected(&r, "acme/cam-m7"));
	ck_assert(says(&r, "<th scope=\"col\" aria-sort=\"ascending\">Latency, ms</th>"));
	ck_assert(says(&r, "metric=latency_ms&amp;dtype=float32&amp;profile=acme/cam-m7\""));
	reply_release(&r);
	get(&d, "profile=acme/cam-m7@1&metric=storage_bytes", 200, &r);
	check_rows(&d, "profile=acme/cam-m7&metric=storage_bytes", &r);
	ck_assert(selected(&r, "acme/cam-m7@1") && selected(&r, "storage_bytes"));
	ck_assert(says(&r, "<option value=\"acme/cam-m7\">"));
	reply_release(&r);
	get(&d, "network=" OTHER_NETWORK "&dtype=int8&metric=peak_memory_bytes", 200, &r);
	check_markup(&r);
	ck_assert(selected(&r, OTHER_NETWORK) && selected(&r, "int8") && selected(&r, "peak_memory_bytes"));
	reply_release(&r);
	get(&d, "dtype=float16", 200, &r);
	ck_assert(says(&r, "<tr><th scope=\"row\">unknown</th>"));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* An error is a page: the form is there, with what was understood, and the control to blame is marked. */
static void check_error(const struct daemon *d, const char *query, long status, const char *text, const char *control)
{
	char marked[128];
	struct reply r;

	get(d, query, status, &r);
	check_markup(&r);
	ck_assert_msg(says(&r, text), "%s: no \"%s\" in\n%s", query, text, text_of(&r));
	ck_assert(says(&r, "<section id=\"problem\"") && !says(&r, "<table"));
	snprintf(marked, sizeof(marked), "name=\"%s\" aria-invalid=\"true\" aria-describedby=\"problem\">", control);
	ck_assert_msg(says(&r, marked) == (*control != '\0'), "%s: %s", query, text_of(&r));
	ck_assert_int_eq(count(&r, "aria-invalid"), *control ? 1 : 0);
	reply_release(&r);
}

START_TEST(test_errors)
{
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "errors");
	put_profile(&d, "mcu", "int8");
	check_error(&d, "network=nothing", 404, "there is no network &quot;nothing&quot;; there is tiny, second",
		    "network");
	check_error(&d, "network=" HOSTILE_QUERY, 404, "network &quot;" HOSTILE_ESCAPED "&quot;", "network");
	check_error(&d, "network=%ff%fe", 404, "network &quot;??&quot;", "network");
	check_error(&d, "network=%zz", 422, "network must be", "network");
	check_error(&d, "profile=" HOSTILE_QUERY, 422, "profile must be the name", "profile");
	check_error(&d, "profile=nobody/nothing", 404, "nobody/nothing", "");
	check_error(&d, "metric=" HOSTILE_QUERY, 422, "metric must be", "metric");
	check_error(&d, "metric=latency_ms", 422, "latency table", "metric");
	check_error(&d, "metric=latency_ms&profile=mcu", 422, "`ofa measure --dtype float32`", "metric");
	check_error(&d, "dtype=" HOSTILE_QUERY, 422, "dtype must be", "dtype");
	get(&d, "profile=mcu&dtype=int4", 422, &r);
	ck_assert(selected(&r, "mcu"));
	reply_release(&r);
	ask(&d, "GET", "/front", "Accept: application/json", NULL, &r);
	json_decref(check_problem(&r, 406, "not-acceptable", "Accept"));
	reply_release(&r);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("errors", "\"level\":\"error\""), 0);
}
END_TEST

/* The list of profiles is escaped too, should a name ever be in the database that the API takes from nobody. */
START_TEST(test_hostile_profile)
{
	char path[1100];
	struct daemon d;
	struct reply r;
	sqlite3 *db;

	daemon_begin(&d, "hostile");
	put_profile(&d, "board", "float32");
	daemon_end(&d);
	snprintf(path, sizeof(path), "%s/ofad.db", world_path("hostile"));
	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db,
				      "UPDATE profile_revisions SET name = '\"><script>alert(1)</script>&''';"
				      "UPDATE profile_names SET name = '\"><script>alert(1)</script>&''';",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_changes(db), 1);
	sqlite3_close(db);
	daemon_begin(&d, "hostile");
	get(&d, "", 200, &r);
	check_markup(&r);
	ck_assert(says(&r, "<option value=\"" HOSTILE_ESCAPED "\">" HOSTILE_ESCAPED "</option>"));
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* HEAD and If-None-Match, as of any page. */
START_TEST(test_representation)
{
	struct reply page, other;
	char headers[200];
	struct daemon d;

	daemon_begin(&d, "representation");
	get(&d, "metric=macs", 200, &page);
	ask(&d, "HEAD", "/front?metric=macs", NULL, NULL, &other);
	ck_assert_int_eq(other.status, 200);
	ck_assert_uint_eq(other.body.len, 0);
	ck_assert_str_eq(reply_header(&other, "Content-Type"), TYPE);
	ck_assert_str_eq(reply_header(&other, "Content-Length"), reply_header(&page, "Content-Length"));
	ck_assert_str_eq(reply_header(&other, "Content-Security-Policy"), POLICY);
	reply_release(&other);
	snprintf(headers, sizeof(headers), "If-None-Match: %s", reply_header(&page, "ETag"));
	ask(&d, "GET", "/front?metric=macs", headers, NULL, &other);
	ck_assert_int_eq(other.status, 304);
	ck_assert_uint_eq(other.body.len, 0);
	reply_release(&other);
	put_profile(&d, "board", "float32");
	ck_assert_int_eq(ask_status(&d, "GET", "/front?metric=macs", headers, NULL), 200);
	reply_release(&page);
	ask(&d, "HEAD", "/front?metric=beauty", NULL, NULL, &other);
	ck_assert_int_eq(other.status, 422);
	reply_release(&other);
	daemon_end(&d);
}
END_TEST

/* Where tokens are asked for, a browser has none to show. */
START_TEST(test_tokens)
{
	char command[2400], token[256] = "", header[300];
	struct daemon d;
	struct reply r;
	FILE *f;

	daemon_begin(&d, "tokens");
	snprintf(command, sizeof(command), "'%s/server/ofad' token add --scope read --data '%s' 2>/dev/null",
		 getenv("OFA_BUILDDIR") ? getenv("OFA_BUILDDIR") : ".", world_path("tokens"));
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(token, sizeof(token), f));
	ck_assert_int_eq(pclose(f), 0);
	token[strcspn(token, "\n")] = '\0';
	ask(&d, "GET", "/front", "Accept: text/html", NULL, &r);
	json_decref(check_problem(&r, 401, "unauthenticated", NULL));
	reply_release(&r);
	snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
	ck_assert_int_eq(ask_status(&d, "GET", "/front", header, NULL), 200);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_writer,         test_writer_is_bounded, test_parameters, test_errors,
				      test_hostile_profile, test_representation,    test_tokens};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("front_page", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
