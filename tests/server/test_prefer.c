/* The Prefer field (RFC 7240). */
#include <stddef.h>

#include "http/prefer.h"
#include "runner.h"

static const struct {
	const char *field;
	bool respond_async;
	int wait_s;
} cases[] = {
	{NULL, false, -1},
	{"", false, -1},
	{"respond-async", true, -1},
	{"Respond-Async", true, -1},
	{"wait=10", false, 10},
	{"wait = 10", false, 10},
	{"wait=\"10\"", false, 10},
	{"WAIT=0", false, 0},
	{"respond-async, wait=10", true, 10},
	{"respond-async,wait=10", true, 10},
	{" ,, wait=3 ,, respond-async ,", true, 3},
	/* parameters, other preferences and quoted commas are stepped over */
	{"respond-async; a=b; c, wait=2;x=\"1,2;\\\"\"", true, 2},
	{"foo=\"wait=9, respond-async\", wait=4", false, 4},
	{"respond-async;", true, -1},
	{"return=minimal, handling=lenient", false, -1},
	/* the first one counts */
	{"wait=1, wait=2", false, 1},
	{"wait=x, wait=2", false, -1},
	/* no number of seconds */
	{"wait", false, -1},
	{"wait=", false, -1},
	{"wait=-1", false, -1},
	{"wait=1.5", false, -1},
	{"wait=1e3", false, -1},
	{"wait=99999999999999999999", false, HTTP_PREFER_WAIT_MAX},
	/* what is malformed goes as far as the next comma */
	{"wait=1 2, respond-async", true, -1},
	{"(respond-async), wait=5", false, 5},
	{"wait=\"5", false, -1},
	{"respond-asynchronous", false, -1},
	{"respond-async=1", true, -1},
	{"\x80\xff, wait=7", false, 7},
};

START_TEST(test_fields)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct http_prefer p = http_prefer_parse(cases[i].field);

		ck_assert_msg(p.respond_async == cases[i].respond_async && p.wait_s == cases[i].wait_s,
			      "%s: %s, %d", cases[i].field ? cases[i].field : "(none)",
			      p.respond_async ? "respond-async" : "wait", p.wait_s);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_fields};

	return run_tests("prefer", tests, OFA_ARRAY_LEN(tests));
}
