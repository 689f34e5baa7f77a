/* Cursors and the parameters of pages. */
#include <string.h>

#include "api/page.h"
#include "runner.h"

START_TEST(test_cursors)
{
	char key[PAGE_KEY_MAX], back[PAGE_KEY_MAX], cursor[PAGE_CURSOR_MAX];

	/* base64url of "1acme/cam-m7", as any other program makes it */
	page_cursor_format("acme/cam-m7", cursor);
	ck_assert_str_eq(cursor, "MWFjbWUvY2FtLW03");
	for (size_t n = 1; n < PAGE_KEY_MAX; n++) {
		memset(key, '~', n);
		key[n] = '\0';
		page_cursor_format(key, cursor);
		ck_assert_uint_lt(strlen(cursor), PAGE_CURSOR_MAX);
		ck_assert(page_cursor_parse(cursor, back));
		ck_assert_str_eq(back, key);
	}
}
END_TEST

START_TEST(test_foreign_cursors)
{
	static const char *const cursors[] = {"", "M", "MQ", "MmFi", "MWE=",
					      "MWE b", "MWE/", "acme/cam", "MQoK", "MX8"};
	char key[PAGE_KEY_MAX], longest[PAGE_CURSOR_MAX + 8];

	for (size_t i = 0; i < OFA_ARRAY_LEN(cursors); i++)
		ck_assert_msg(!page_cursor_parse(cursors[i], key), "%s", cursors[i]);
	memset(longest, 'M', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ck_assert(!page_cursor_parse(longest, key));
}
END_TEST

START_TEST(test_parameters)
{
	static const struct {
		const char *query;
		unsigned limit; /* 0: refused */
		const char *after;
	} cases[] = {
		{NULL, PAGE_LIMIT_DEFAULT, ""},
		{"", PAGE_LIMIT_DEFAULT, ""},
		{"limit=1", 1, ""},
		{"limit=1000&cursor=MWE", 1000, "a"},
		{"cursor=MWE&limit=", PAGE_LIMIT_DEFAULT, "a"},
		{"cursor=", PAGE_LIMIT_DEFAULT, ""},
		{"limit=0", 0, NULL},
		{"limit=1001", 0, NULL},
		{"limit=-1", 0, NULL},
		{"limit=+5", 0, NULL},
		{"limit=%205", 0, NULL},
		{"limit=5x", 0, NULL},
		{"limit=99999999999999999999", 0, NULL},
		{"limit=%zz", 0, NULL},
		{"cursor=nonsense!", 0, NULL},
		{"cursor=%", 0, NULL},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct http_call call = {.request.query = cases[i].query, .request.id = "id"};
		struct page page;
		bool ok = page_parse(&call, &page);

		ck_assert_msg(ok == (cases[i].limit > 0), "%s", cases[i].query);
		if (ok) {
			ck_assert_uint_eq(page.limit, cases[i].limit);
			ck_assert_str_eq(page.after, cases[i].after);
		} else {
			ck_assert_uint_eq(call.reply.status, 422);
		}
		http_reply_release(&call.reply);
	}
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_cursors, test_foreign_cursors, test_parameters};

	return run_tests("page", tests, OFA_ARRAY_LEN(tests));
}
