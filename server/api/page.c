#include <stdlib.h>
#include <string.h>
#include "api/page.h"
#include "api/problem.h"

/* First byte of what a cursor encodes: cursors of another form are told from ours. */
#define CURSOR_VERSION '1'

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void page_cursor_format(const char *key, char out[PAGE_CURSOR_MAX])
{
	unsigned char text[PAGE_KEY_MAX + 1] = {CURSOR_VERSION};
	size_t n = strlen(key) + 1, len = 0;
	unsigned bits = 0, held = 0;

	memcpy(text + 1, key, n - 1);
	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | text[i];
		for (held += 8; held >= 6; held -= 6)
			out[len++] = digits[bits >> (held - 6) & 63];
	}
	if (held > 0)
		out[len++] = digits[bits << (6 - held) & 63];
	out[len] = '\0';
}

bool page_cursor_parse(const char *cursor, char out[PAGE_KEY_MAX])
{
	char text[PAGE_KEY_MAX + 1];
	unsigned bits = 0, held = 0;
	size_t len = 0;

	for (; *cursor; cursor++) {
		const char *digit = strchr(digits, *cursor);

		if (!digit)
			return false;
		bits = bits << 6 | (unsigned)(digit - digits);
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (len == PAGE_KEY_MAX)
			return false;
		text[len] = (char)(bits >> held & 255);
		if ((unsigned char)text[len] < 0x20 || (unsigned char)text[len] > 0x7e)
			return false;
		len++;
	}
	if (len < 2 || text[0] != CURSOR_VERSION)
		return false;
	text[len] = '\0';
	memcpy(out, text + 1, len);
	return true;
}

bool page_parse(struct http_call *call, struct page *ret)
{
	char cursor[PAGE_CURSOR_MAX], limit[16], *end = limit;
	long n = PAGE_LIMIT_DEFAULT;

	if (!http_query(call->request.query, "limit", limit, sizeof(limit)))
		n = 0;
	else if (*limit)
		n = *limit >= '0' && *limit <= '9' ? strtol(limit, &end, 10) : 0;
	if (*end || n < 1 || n > PAGE_LIMIT_MAX) {
		problem_reply(call, PROBLEM_INVALID, "limit", "limit must be a whole number from 1 to %d",
			      PAGE_LIMIT_MAX);
		return false;
	}
	ret->limit = (unsigned)n;
	ret->after[0] = '\0';
	if (http_query(call->request.query, "cursor", cursor, sizeof(cursor)) &&
	    (!*cursor || page_cursor_parse(cursor, ret->after)))
		return true;
	problem_reply(call, PROBLEM_INVALID, "cursor",
		      "this cursor is none of ours; take it from the Link header of the page before, or leave it out");
	return false;
}

void page_link_next(struct http_call *call, const struct page *page, const char *path, const char *last_key)
{
	char cursor[PAGE_CURSOR_MAX];

	page_cursor_format(last_key, cursor);
	http_reply_header(&call->reply, "Link", "<%s?limit=%u&cursor=%s>; rel=\"next\"", path, page->limit, cursor);
}
