/* If-Match and If-None-Match of requests that change something. */
#include <string.h>

#include "http/precondition.h"
#include "runner.h"

#define TAG "\"sha256-aa\""

START_TEST(test_lists)
{
	static const struct {
		const char *field;
		bool ok, weak, strong;
	} cases[] = {
		{"*", true, true, true},
		{" * ", true, true, true},
		{TAG, true, true, true},
		{"W/" TAG, true, true, false},
		{"\"x\", " TAG, true, true, true},
		{"\"x\"," TAG ",", true, true, true},
		{",, \"x\" ,\t" TAG, true, true, true},
		{"\"x\", W/" TAG ", \"\"", true, true, false},
		{"W/" TAG ", " TAG, true, true, true},
		{"\"sha256-a\"", true, false, false},
		{"\"sha256-aab\"", true, false, false},
		{"\"x,y\"", true, false, false},
		{"\"\xc3\xa4\"", true, false, false},
		{"", true, false, false},
		{" , ,", true, false, false},
		{"sha256-aa", false, false, false},
		{"\"", false, false, false},
		{TAG " " TAG, false, false, false},
		{TAG "x", false, false, false},
		{"*, " TAG, false, false, false},
		{TAG ", *", false, false, false},
		{"**", false, false, false},
		{"w/" TAG, false, false, false},
		{"W/ " TAG, false, false, false},
		{"\"a b\"", false, false, false},
		{"\"a\x7f\"", false, false, false},
		{TAG ", \"open", false, false, false},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		const char *field = cases[i].field;

		ck_assert_msg(http_etag_list_ok(field) == cases[i].ok, "%s", field);
		ck_assert_msg(http_etag_list_has(field, TAG, false) == cases[i].weak, "%s, weak", field);
		ck_assert_msg(http_etag_list_has(field, TAG, true) == cases[i].strong, "%s, strong", field);
	}
}
END_TEST

START_TEST(test_outcomes)
{
	static char any[] = "*", own[] = TAG, weak[] = "W/" TAG, other[] = "\"x\"";
	static const struct {
		char *if_match, *if_none_match;
		enum http_precondition there, absent;
	} cases[] = {
		{NULL, NULL, HTTP_PRECONDITION_NONE, HTTP_PRECONDITION_NONE},
		{any, NULL, HTTP_PRECONDITION_HOLDS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{own, NULL, HTTP_PRECONDITION_HOLDS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{weak, NULL, HTTP_PRECONDITION_IF_MATCH_FAILS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{other, NULL, HTTP_PRECONDITION_IF_MATCH_FAILS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{NULL, any, HTTP_PRECONDITION_IF_NONE_MATCH_FAILS, HTTP_PRECONDITION_HOLDS},
		{NULL, weak, HTTP_PRECONDITION_IF_NONE_MATCH_FAILS, HTTP_PRECONDITION_HOLDS},
		{NULL, other, HTTP_PRECONDITION_HOLDS, HTTP_PRECONDITION_HOLDS},
		{own, any, HTTP_PRECONDITION_IF_NONE_MATCH_FAILS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{other, any, HTTP_PRECONDITION_IF_MATCH_FAILS, HTTP_PRECONDITION_IF_MATCH_FAILS},
		{own, other, HTTP_PRECONDITION_HOLDS, HTTP_PRECONDITION_IF_MATCH_FAILS},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct http_request r = {.method = "PUT"};

		r.header[HTTP_IF_MATCH] = cases[i].if_match;
		r.header[HTTP_IF_NONE_MATCH] = cases[i].if_none_match;
		ck_assert_msg(http_precondition(&r, TAG) == cases[i].there, "case %zu, there", i);
		ck_assert_msg(http_precondition(&r, NULL) == cases[i].absent, "case %zu, absent", i);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_lists, test_outcomes};

	return run_tests("precondition", tests, OFA_ARRAY_LEN(tests));
}
