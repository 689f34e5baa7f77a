/* Header sections, honest and hostile. */
#include <string.h>

#include "http/request.h"
#include "runner.h"

/* Lines are "Name: value", up to NULL. */
static void read_headers(struct http_request *r, const char *const *lines)
{
	ck_assert_int_eq(http_request_init(r, "POST", "/subnets?x=1"), OFA_OK);
	for (; *lines; lines++) {
		const char *colon = strchr(*lines, ':');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(colon - *lines), *lines);
		ck_assert_int_eq(http_request_header(r, name, colon + 2), OFA_OK);
	}
	http_request_headers_end(r, "ours-1");
}

START_TEST(test_honest)
{
	static const char *const lines[] = {
		"Host: x", "ACCEPT: a/b", "accept: c/d;q=0.1", "Content-Length: 17", "X-Request-Id: abc.DEF-1:2_3",
		NULL};
	struct http_request r;
	uint64_t length;

	read_headers(&r, lines);
	ck_assert_ptr_null(r.fault);
	ck_assert_str_eq(r.target, "/subnets");
	ck_assert_str_eq(r.query, "x=1");
	ck_assert_str_eq(r.header[HTTP_ACCEPT], "a/b, c/d;q=0.1");
	ck_assert_str_eq(r.id, "abc.DEF-1:2_3");
	ck_assert(http_request_has_body(&r, &length));
	ck_assert_uint_eq(length, 17);
	http_request_release(&r);
}
END_TEST

START_TEST(test_framing)
{
	static const char *const cases[][4] = {
		{"Content-Length: 5", "Transfer-Encoding: chunked", NULL},
		{"Transfer-Encoding: chunked", "Content-Length: 5", NULL},
		{"Content-Length: 5", "Content-Length: 5", NULL},
		{"Content-Length: 5", "content-length: 6", NULL},
		{"Content-Length: -5", NULL},
		{"Content-Length: 5x", NULL},
		{"Content-Length: 0x5", NULL},
		{"Content-Length: 99999999999999999999999", NULL},
		{"Content-Length: ", NULL},
		{"Transfer-Encoding: gzip", NULL},
		{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked", NULL},
		{"Range: bytes=0-1", "Range: bytes=2-3", NULL},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct http_request r;

		read_headers(&r, cases[i]);
		ck_assert_msg(r.fault != NULL, "case %zu was accepted", i);
		http_request_release(&r);
	}
}
END_TEST

START_TEST(test_no_body)
{
	static const char *const lines[] = {"Content-Length: 0", NULL};
	static const char *const chunked[] = {"Transfer-Encoding: Chunked", NULL};
	struct http_request r;
	uint64_t length;

	read_headers(&r, lines);
	ck_assert(!http_request_has_body(&r, &length));
	http_request_release(&r);
	read_headers(&r, chunked);
	ck_assert_ptr_null(r.fault);
	ck_assert(http_request_has_body(&r, &length));
	ck_assert(length == UINT64_MAX);
	http_request_release(&r);
}
END_TEST

START_TEST(test_ids)
{
	static const char *const bad[] = {"", "a b", "a\"b", "a\r\nX: y", "\xc3\xa9", "a/b"};
	char line[256] = "X-Request-Id: ";
	const char *lines[] = {line, NULL};
	struct http_request r;

	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof(line), "X-Request-Id: %s", bad[i]);
		read_headers(&r, lines);
		ck_assert_msg(strcmp(r.id, "ours-1") == 0, "\"%s\" was taken", bad[i]);
		http_request_release(&r);
	}
	memset(line + 14, 'a', HTTP_REQUEST_ID_MAX);
	line[14 + HTTP_REQUEST_ID_MAX] = '\0';
	read_headers(&r, lines);
	ck_assert_str_eq(r.id, "ours-1");
	http_request_release(&r);
}
END_TEST

/* A list may be repeated, but not without end. */
START_TEST(test_long_list)
{
	struct http_request r;
	char value[1024];

	memset(value, 'a', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	ck_assert_int_eq(http_request_init(&r, "GET", "/"), OFA_OK);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(http_request_header(&r, "Accept", value), OFA_OK);
	ck_assert_ptr_null(r.fault);
	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(http_request_header(&r, "Accept", value), OFA_OK);
	ck_assert_ptr_nonnull(r.fault);
	http_request_release(&r);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_honest, test_framing, test_no_body, test_ids, test_long_list};

	return run_tests("request", tests, OFA_ARRAY_LEN(tests));
}
