/* Accept, Accept-Encoding and Content-Type. */
#include "http/negotiate.h"
#include "runner.h"

static const char *const offers[] = {"application/vnd.ofa.subnet", "application/json"};

START_TEST(test_accept)
{
	static const struct {
		const char *accept;
		int expected;
	} cases[] = {
		{NULL, 0},
		{"", 0},
		{"  ", 0},
		{"*/*", 0},
		{"application/*", 0},
		{"application/json", 1},
		{"Application/JSON", 1},
		{"application/json;charset=utf-8", 1},
		{"application/json, */*;q=0.1", 1},
		{"application/json;q=0.5, application/vnd.ofa.subnet;q=0.4", 1},
		{"application/json;q=0.5,application/vnd.ofa.subnet", 0},
		{"application/json ; q=1.000, application/vnd.ofa.subnet;q=0.999", 1},
		{"application/vnd.ofa.subnet;q=0, */*", 1},
		{"*/*;q=0", -1},
		{"text/html", -1},
		{"application/jso", -1},
		{"application/jsonx", -1},
		{"json", -1},
		{"text/*, image/png", -1},
		{"application/json;q=0", -1},
		{"application/json;q=nonsense", -1},
		{", ,application/json,", 1},
		{";;;,,,===", -1},
		{"application/*;q=0.2, application/json;q=0.1", 0},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++)
		ck_assert_msg(http_accept_best(cases[i].accept, offers, 2) == cases[i].expected, "\"%s\"",
			      cases[i].accept ? cases[i].accept : "(none)");
}
END_TEST

START_TEST(test_accept_encoding)
{
	enum { NONE = HTTP_CODING_NONE, PLAIN = HTTP_CODING_IDENTITY, GZIP = HTTP_CODING_GZIP };
	static const struct {
		const char *field;
		int packed, plain; /* where there is gzip, and where there is not */
	} cases[] = {
		{NULL, PLAIN, PLAIN},
		{"", PLAIN, PLAIN},
		{" \t", PLAIN, PLAIN},
		{"gzip", GZIP, PLAIN},
		{"GZip", GZIP, PLAIN},
		{"x-gzip", GZIP, PLAIN},
		{"gzip, deflate, br, zstd", GZIP, PLAIN},
		{"br", PLAIN, PLAIN},
		{"gzi", PLAIN, PLAIN},
		{"gzipped", PLAIN, PLAIN},
		{"*", GZIP, PLAIN},
		{"gzip;q=0", PLAIN, PLAIN},
		{"gzip; q=0.000, *", PLAIN, PLAIN},
		{"x-gzip;q=0, *", PLAIN, PLAIN},
		{"*;q=0", NONE, NONE},
		{"*;q=0, gzip", GZIP, NONE},
		{"*;q=0, identity", PLAIN, PLAIN},
		{"identity;q=0", NONE, NONE},
		{"identity;q=0, gzip", GZIP, NONE},
		{"identity;q=0, *", GZIP, NONE},
		{"identity, *;q=0", PLAIN, PLAIN},
		{"identity;q=0, gzip;q=0, br", NONE, NONE},
		{"gzip;q=0.001", GZIP, PLAIN},
		{"gzip;q=0.5, identity", PLAIN, PLAIN},
		{"gzip;q=0.5, identity;q=0.5", GZIP, PLAIN},
		{"gzip;q=0.5, *;q=0.8", PLAIN, PLAIN},
		{"identity;q=0.4, *;q=0.8", GZIP, PLAIN},
		{", ,gzip,", GZIP, PLAIN},
		{";;;,,,===", PLAIN, PLAIN},
		{"gzip;q=nonsense", PLAIN, PLAIN},
		{"identity;q=nonsense", NONE, NONE},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		int packed = http_accept_coding(cases[i].field, true),
		    plain = http_accept_coding(cases[i].field, false);

		ck_assert_msg(packed == cases[i].packed && plain == cases[i].plain, "\"%s\": %d, %d",
			      cases[i].field ? cases[i].field : "(none)", packed, plain);
	}
}
END_TEST

START_TEST(test_content_type)
{
	static const char *const types[] = {"application/json", "text/yaml", NULL, "text/html"};

	ck_assert(http_media_type_is("application/json", "application/json"));
	ck_assert(http_media_type_is(" Application/Json ; charset=utf-8", "application/json"));
	ck_assert(!http_media_type_is("application/jsonp", "application/json"));
	ck_assert(!http_media_type_is("application/jso", "application/json"));
	ck_assert(!http_media_type_is("", "application/json"));
	ck_assert(http_media_type_in("text/yaml; charset=utf-8", types, OFA_ARRAY_LEN(types)));
	ck_assert(!http_media_type_in("text/plain", types, OFA_ARRAY_LEN(types)));
	ck_assert(!http_media_type_in("text/html", types, OFA_ARRAY_LEN(types)));
	ck_assert(!http_media_type_in(NULL, types, OFA_ARRAY_LEN(types)));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_accept, test_accept_encoding, test_content_type};

	return run_tests("negotiate", tests, OFA_ARRAY_LEN(tests));
}
