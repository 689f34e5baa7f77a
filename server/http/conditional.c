#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http/conditional.h"
#include "http/precondition.h"

bool http_etag_listed(const char *field, const char *etag)
{
	return http_etag_list_has(field, etag, false);
}

/* Digits only, unlike strtoull(); false on none or on overflow. */
static bool parse_position(const char **s, uint64_t *ret)
{
	char *end;

	if (**s < '0' || **s > '9')
		return false;
	errno = 0;
	*ret = strtoull(*s, &end, 10);
	*s = end;
	return errno == 0;
}

enum http_range http_range_parse(const char *field, uint64_t size, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t first, last;
	bool suffix, open;

	if (strncasecmp(field, "bytes=", 6) != 0)
		return HTTP_RANGE_ALL;
	field += 6;
	suffix = *field == '-';
	if (!suffix && (!parse_position(&field, &first) || *field != '-'))
		return HTTP_RANGE_ALL;
	field++;
	open = *field == '\0';
	if (!open && !parse_position(&field, &last))
		return HTTP_RANGE_ALL;
	if (*field || (suffix && open))
		return HTTP_RANGE_ALL;
	if (suffix) {
		if (last == 0 || size == 0)
			return HTTP_RANGE_OUTSIDE;
		*ret_first = last < size ? size - last : 0;
		*ret_last = size - 1;
		return HTTP_RANGE_PART;
	}
	if (!open && last < first)
		return HTTP_RANGE_ALL;
	if (first >= size)
		return HTTP_RANGE_OUTSIDE;
	*ret_first = first;
	*ret_last = open || last >= size ? size - 1 : last;
	return HTTP_RANGE_PART;
}

/* Only a strong tag that is ours lets a range through; a date never does, as we send none. */
static bool range_wanted(const struct http_request *request, const struct http_reply *reply)
{
	const char *if_range = request->header[HTTP_IF_RANGE];

	if (!reply->ranges || !request->header[HTTP_RANGE] || strcmp(request->method, "GET") != 0)
		return false;
	return !if_range || strcmp(if_range, reply->etag) == 0;
}

static void apply_range(const struct http_request *request, struct http_reply *reply)
{
	uint64_t first, last, size = reply->size;

	switch (http_range_parse(request->header[HTTP_RANGE], size, &first, &last)) {
	case HTTP_RANGE_ALL:
		return;
	case HTTP_RANGE_PART:
		reply->status = 206;
		http_reply_header(reply, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, size);
		reply->data += first;
		reply->size = last - first + 1;
		return;
	case HTTP_RANGE_OUTSIDE:
		/* nothing that was said of the representation holds: least of all for how long it may be kept */
		http_reply_reset(reply);
		reply->status = 416;
		reply->ranges = true;
		http_reply_header(reply, "Content-Range", "bytes */%" PRIu64, size);
		return;
	}
}

void http_reply_condition(const struct http_request *request, struct http_reply *reply)
{
	const char *if_none_match = request->header[HTTP_IF_NONE_MATCH];
	uint8_t digest[OFA_SHA256_BYTES];

	if (reply->status != 200 || (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0))
		return;
	if (!reply->etag[0] && !reply->volatile_content) {
		ofa_sha256(reply->data, reply->size, digest);
		http_reply_etag(reply, digest);
	}
	if (if_none_match && reply->etag[0] && http_etag_listed(if_none_match, reply->etag)) {
		http_reply_drop_body(reply);
		/* said of bytes that are not sent (RFC 9110, 15.4.5) */
		http_reply_drop_header(reply, "Content-Encoding");
		reply->status = 304;
		return;
	}
	if (range_wanted(request, reply))
		apply_range(request, reply);
}
