/* Pages of lists: ?limit=N&cursor=OPAQUE, and Link: <..>; rel="next" (RFC 8288) while there is more. */
#ifndef OFAD_API_PAGE_H
#define OFAD_API_PAGE_H

#include "http/call.h"

#define PAGE_LIMIT_MAX 1000
#define PAGE_LIMIT_DEFAULT 1000
#define PAGE_KEY_MAX 160

/* What the client asks for.  A page is read by asking the store for limit + 1 rows after the key: the one too many is
 * not shown, but says that there is a next page. */
struct page {
	unsigned limit;
	char after[PAGE_KEY_MAX]; /* key of the last row of the page before; "" for the first page */
};

/* False: the reply says what is wrong. */
bool page_parse(struct http_call *call, struct page *ret);
/* Adds the link to the page that begins after the row of this key. */
void page_link_next(struct http_call *call, const struct page *page, const char *path, const char *last_key);

/* A key as it is in a cursor, opaque to clients: base64url of a version and the key. */
#define PAGE_CURSOR_MAX (4 * ((PAGE_KEY_MAX + 3) / 3) + 1)
void page_cursor_format(const char *key, char out[PAGE_CURSOR_MAX]);
bool page_cursor_parse(const char *cursor, char out[PAGE_KEY_MAX]);

#endif
