/* Entity tags, ranges and what they make of an answer. */
#include <string.h>

#include "http/conditional.h"
#include "runner.h"

static const char body[] = "0123456789";
static const char tag[] = "\"sha256-aa\"";

START_TEST(test_etag_list)
{
	static const struct {
		const char *field;
		bool expected;
	} cases[] = {
		{"\"sha256-aa\"", true},
		{"W/\"sha256-aa\"", true},
		{"\"x\", \"sha256-aa\"", true},
		{"\"x\",W/\"y\" , W/\"sha256-aa\"", true},
		{"*", true},
		{"\"sha256-a\"", false},
		{"\"sha256-aab\"", false},
		{"sha256-aa", false},
		{"\"a, \"sha256-aa\"", false},
		{"", false},
		{"\"", false},
		{",,,", false},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++)
		ck_assert_msg(http_etag_listed(cases[i].field, tag) == cases[i].expected, "%s", cases[i].field);
}
END_TEST

START_TEST(test_range_parse)
{
	static const struct {
		const char *field;
		uint64_t size;
		enum http_range expected;
		uint64_t first, last;
	} cases[] = {
		{"bytes=0-0", 10, HTTP_RANGE_PART, 0, 0},    {"bytes=2-5", 10, HTTP_RANGE_PART, 2, 5},
		{"Bytes=2-", 10, HTTP_RANGE_PART, 2, 9},     {"bytes=2-99", 10, HTTP_RANGE_PART, 2, 9},
		{"bytes=-3", 10, HTTP_RANGE_PART, 7, 9},     {"bytes=-99", 10, HTTP_RANGE_PART, 0, 9},
		{"bytes=10-", 10, HTTP_RANGE_OUTSIDE, 0, 0}, {"bytes=10-20", 10, HTTP_RANGE_OUTSIDE, 0, 0},
		{"bytes=-0", 10, HTTP_RANGE_OUTSIDE, 0, 0},  {"bytes=0-", 0, HTTP_RANGE_OUTSIDE, 0, 0},
		{"bytes=-1", 0, HTTP_RANGE_OUTSIDE, 0, 0},   {"bytes=5-2", 10, HTTP_RANGE_ALL, 0, 0},
		{"bytes=0-1,3-4", 10, HTTP_RANGE_ALL, 0, 0}, {"bytes=", 10, HTTP_RANGE_ALL, 0, 0},
		{"bytes=-", 10, HTTP_RANGE_ALL, 0, 0},       {"bytes=a-b", 10, HTTP_RANGE_ALL, 0, 0},
		{"bytes=1", 10, HTTP_RANGE_ALL, 0, 0},       {"bytes=+1-2", 10, HTTP_RANGE_ALL, 0, 0},
		{"bytes=--1", 10, HTTP_RANGE_ALL, 0, 0},     {"bytes=99999999999999999999-", 10, HTTP_RANGE_ALL, 0, 0},
		{"lines=0-1", 10, HTTP_RANGE_ALL, 0, 0},     {"", 10, HTTP_RANGE_ALL, 0, 0},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		uint64_t first = 0, last = 0;

		ck_assert_msg(http_range_parse(cases[i].field, cases[i].size, &first, &last) == cases[i].expected &&
				      first == cases[i].first && last == cases[i].last,
			      "%s", cases[i].field);
	}
}
END_TEST

/* Runs one request against the body above; the caller releases the reply. */
static void condition(const char *method, enum http_header h, char *value, char *if_range, struct http_reply *reply)
{
	struct http_request request = {.method = method};

	request.header[h] = value;
	if (if_range)
		request.header[HTTP_IF_RANGE] = if_range;
	http_reply_init(reply);
	http_reply_static(reply, 200, "text/plain", body, sizeof(body) - 1);
	memcpy(reply->etag, tag, sizeof(tag));
	reply->ranges = true;
	http_reply_condition(&request, reply);
}

static const char *header_of(const struct http_reply *reply, const char *name)
{
	for (unsigned i = 0; i < reply->n_headers; i++)
		if (strcmp(reply->headers[i].name, name) == 0)
			return reply->headers[i].value;
	return "";
}

START_TEST(test_partial)
{
	static char range[] = "bytes=3-5", outside[] = "bytes=10-", own[] = "\"sha256-aa\"", other[] = "\"x\"",
		    weak[] = "W/\"sha256-aa\"";
	struct http_reply reply;

	condition("GET", HTTP_RANGE, range, NULL, &reply);
	ck_assert_uint_eq(reply.status, 206);
	ck_assert_uint_eq(reply.size, 3);
	ck_assert_mem_eq(reply.data, "345", 3);
	ck_assert_str_eq(header_of(&reply, "Content-Range"), "bytes 3-5/10");
	http_reply_release(&reply);

	condition("GET", HTTP_RANGE, outside, NULL, &reply);
	ck_assert_uint_eq(reply.status, 416);
	ck_assert_uint_eq(reply.size, 0);
	ck_assert_str_eq(header_of(&reply, "Content-Range"), "bytes */10");
	http_reply_release(&reply);

	condition("GET", HTTP_RANGE, range, own, &reply);
	ck_assert_uint_eq(reply.status, 206);
	http_reply_release(&reply);
	condition("GET", HTTP_RANGE, range, other, &reply);
	ck_assert_uint_eq(reply.status, 200);
	http_reply_release(&reply);
	condition("GET", HTTP_RANGE, range, weak, &reply);
	ck_assert_uint_eq(reply.status, 200);
	http_reply_release(&reply);
	condition("HEAD", HTTP_RANGE, range, NULL, &reply);
	ck_assert_uint_eq(reply.status, 200);
	http_reply_release(&reply);
}
END_TEST

START_TEST(test_not_modified)
{
	static char own[] = "\"sha256-aa\"", other[] = "\"x\"";
	struct http_reply reply;

	condition("HEAD", HTTP_IF_NONE_MATCH, own, NULL, &reply);
	ck_assert_uint_eq(reply.status, 304);
	ck_assert_uint_eq(reply.size, 0);
	ck_assert_str_eq(reply.etag, tag);
	http_reply_release(&reply);
	condition("GET", HTTP_IF_NONE_MATCH, other, NULL, &reply);
	ck_assert_uint_eq(reply.status, 200);
	ck_assert_uint_eq(reply.size, 10);
	http_reply_release(&reply);
	condition("POST", HTTP_IF_NONE_MATCH, own, NULL, &reply);
	ck_assert_uint_eq(reply.status, 200);
	http_reply_release(&reply);
}
END_TEST

/* The digest of RFC 9530's own example. */
START_TEST(test_digest)
{
	static const char json[] = "{\"hello\": \"world\"}\n";
	uint8_t sha256[OFA_SHA256_BYTES];
	struct http_reply reply;

	ofa_sha256(json, sizeof(json) - 1, sha256);
	http_reply_init(&reply);
	http_reply_digest(&reply, sha256);
	ck_assert_str_eq(header_of(&reply, "Repr-Digest"), "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
	http_reply_release(&reply);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_etag_list, test_range_parse, test_partial, test_not_modified, test_digest};

	return run_tests("conditional", tests, OFA_ARRAY_LEN(tests));
}
