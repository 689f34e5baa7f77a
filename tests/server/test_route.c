/* The route matcher and the decoding of what it matches. */
#include <string.h>

#include "http/route.h"
#include "runner.h"

static const struct http_route routes[] = {
	{.method = "GET", .path = "/"},
	{.method = "GET", .path = "/things"},
	{.method = "POST", .path = "/things"},
	{.method = "GET", .path = "/things/{id}"},
	{.method = "GET", .path = "/things/{id}/parts/{part}"},
	{.method = "GET", .path = "/names/{name*}/history"},
	{.method = "GET", .path = "/names/{name*}"},
	{.method = "PUT", .path = "/names/{name*}"},
	{.method = "DELETE", .path = "/names/{name*}"},
	{.method = "GET", .path = "/files/{id}.sig"},
	{.method = "GET", .path = "/files/{id}"},
};

/* Index of the matched route, or -1 for no path, -2 for no method. */
static int find(const char *method, const char *path, struct http_params *params, char allow[HTTP_ALLOW_MAX])
{
	const struct http_route *route = NULL;

	switch (http_route_find(routes, OFA_ARRAY_LEN(routes), method, path, &route, params, allow)) {
	case HTTP_MATCH:
		return (int)(route - routes);
	case HTTP_NO_PATH:
		return -1;
	case HTTP_NO_METHOD:
		return -2;
	}
	return -3;
}

START_TEST(test_paths)
{
	static const struct {
		const char *method, *path;
		int expected;
	} cases[] = {
		{"GET", "/", 0},
		{"HEAD", "/", 0},
		{"POST", "/", -2},
		{"GET", "/things", 1},
		{"POST", "/things", 2},
		{"HEAD", "/things", 1},
		{"PUT", "/things", -2},
		{"GET", "/things/", -1},
		{"GET", "/things/7", 3},
		{"GET", "/things//7", -1},
		{"GET", "/things/7/", -1},
		{"GET", "/things/7/parts/8", 4},
		{"GET", "/things/7/parts", -1},
		{"GET", "/names/a", 6},
		{"GET", "/names/a/b/c", 6},
		{"GET", "/names/a/b/history", 5},
		{"PUT", "/names/a/b/history", -2},
		{"PUT", "/names/a/b", 7},
		{"GET", "/names", -1},
		{"GET", "/names/", -1},
		{"GET", "/files/7.sig", 9},
		{"GET", "/files/7", 10},
		{"GET", "/files/.sig", 10},
		{"GET", "/files/7.sig.", 10},
		{"GET", "/files/sig", 10},
		{"GET", "", -1},
		{"GET", "things", -1},
		{"GET", "*", -1},
		{"get", "/things", -2},
		{"GET", "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", -1},
	};
	char allow[HTTP_ALLOW_MAX];
	struct http_params params;

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++)
		ck_assert_msg(find(cases[i].method, cases[i].path, &params, allow) == cases[i].expected, "%s %s",
			      cases[i].method, cases[i].path);
}
END_TEST

START_TEST(test_params)
{
	char allow[HTTP_ALLOW_MAX];
	struct http_params params;

	ck_assert_int_eq(find("GET", "/things/a%2Db/parts/%41", &params, allow), 4);
	ck_assert_str_eq(http_param(&params, "id"), "a-b");
	ck_assert_str_eq(http_param(&params, "part"), "A");
	ck_assert_ptr_null(http_param(&params, "par"));
	ck_assert_int_eq(find("GET", "/names/acme/cam%2fm7", &params, allow), 6);
	ck_assert_str_eq(http_param(&params, "name"), "acme/cam/m7");
	ck_assert_int_eq(find("GET", "/files/a.sig.sig", &params, allow), 9);
	ck_assert_str_eq(http_param(&params, "id"), "a.sig");
	ck_assert_int_eq(find("GET", "/names/acme/cam/history", &params, allow), 5);
	ck_assert_str_eq(http_param(&params, "name"), "acme/cam");
}
END_TEST

/* An escaped slash must not smuggle a second segment into {id}; broken escapes match nothing. */
START_TEST(test_hostile_params)
{
	static const char *const paths[] = {"/things/a%2Fb", "/things/a%00b", "/things/%", "/things/%4",
					    "/things/%zz",   "/things/%0a",   "/names/%"};
	char allow[HTTP_ALLOW_MAX], path[HTTP_PARAM_MAX + 32] = "/things/";
	struct http_params params;

	for (size_t i = 0; i < OFA_ARRAY_LEN(paths); i++)
		ck_assert_msg(find("GET", paths[i], &params, allow) == -1, "%s", paths[i]);
	memset(path + 8, 'x', HTTP_PARAM_MAX - 1);
	ck_assert_int_eq(find("GET", path, &params, allow), 3);
	path[8 + HTTP_PARAM_MAX - 1] = 'x';
	ck_assert_int_eq(find("GET", path, &params, allow), -1);
}
END_TEST

START_TEST(test_allow)
{
	char allow[HTTP_ALLOW_MAX];
	struct http_params params;

	ck_assert_int_eq(find("PATCH", "/names/x", &params, allow), -2);
	ck_assert_str_eq(allow, "GET, HEAD, PUT, DELETE");
	ck_assert_int_eq(find("DELETE", "/things", &params, allow), -2);
	ck_assert_str_eq(allow, "GET, HEAD, POST");
}
END_TEST

START_TEST(test_query)
{
	char value[16];

	ck_assert(http_query("a=1&bb=x%20y&c=", "bb", value, sizeof(value)));
	ck_assert_str_eq(value, "x y");
	ck_assert(http_query("a=1&bb=2", "b", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert(http_query(NULL, "a", value, sizeof(value)));
	ck_assert_str_eq(value, "");
	ck_assert(!http_query("a=%0", "a", value, sizeof(value)));
	ck_assert(!http_query("a=0123456789abcdef", "a", value, sizeof(value)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_paths, test_params, test_hostile_params, test_allow, test_query};

	return run_tests("route", tests, OFA_ARRAY_LEN(tests));
}
