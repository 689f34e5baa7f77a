#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http/request.h"

/* A joined list longer than this is cut off by refusing the request. */
#define LIST_MAX 8192

static const struct {
	const char *name;
	bool list; /* several lines mean one list */
} header_table[HTTP_HEADER_COUNT] = {
	[HTTP_ACCEPT] = {"Accept", true},
	[HTTP_ACCEPT_ENCODING] = {"Accept-Encoding", true},
	[HTTP_AUTHORIZATION] = {"Authorization", false},
	[HTTP_CONTENT_LENGTH] = {"Content-Length", false},
	[HTTP_CONTENT_TYPE] = {"Content-Type", false},
	[HTTP_IDEMPOTENCY_KEY] = {"Idempotency-Key", false},
	[HTTP_IF_MATCH] = {"If-Match", true},
	[HTTP_IF_NONE_MATCH] = {"If-None-Match", true},
	[HTTP_IF_RANGE] = {"If-Range", false},
	[HTTP_LAST_EVENT_ID] = {"Last-Event-ID", false},
	[HTTP_PREFER] = {"Prefer", true},
	[HTTP_RANGE] = {"Range", false},
	[HTTP_TRANSFER_ENCODING] = {"Transfer-Encoding", true},
	[HTTP_USER_AGENT] = {"User-Agent", true},
	[HTTP_X_FORWARDED_FOR] = {"X-Forwarded-For", true},
	[HTTP_X_REQUEST_ID] = {"X-Request-Id", false},
};

const char *http_header_name(enum http_header h)
{
	return header_table[h].name;
}

enum ofa_status http_request_init(struct http_request *r, const char *method, const char *target)
{
	char *mark;

	memset(r, 0, sizeof(*r));
	ofa_buf_init(&r->body, 0);
	r->method = method;
	r->target = strdup(target);
	if (!r->target)
		return OFA_ERR_NOMEM;
	mark = strchr(r->target, '?');
	if (mark) {
		*mark = '\0';
		r->query = mark + 1;
	}
	return OFA_OK;
}

void http_request_release(struct http_request *r)
{
	for (int i = 0; i < HTTP_HEADER_COUNT; i++)
		free(r->header[i]);
	free(r->target);
	ofa_buf_release(&r->body);
}

static void set_fault(struct http_request *r, const char *fault)
{
	if (!r->fault)
		r->fault = fault;
}

static enum ofa_status join(struct http_request *r, char **list, const char *value)
{
	size_t a = strlen(*list), b = strlen(value);
	char *joined;

	if (a + b > LIST_MAX) {
		set_fault(r, "a header list is too long");
		return OFA_OK;
	}
	joined = malloc(a + b + 3);
	if (!joined)
		return OFA_ERR_NOMEM;
	memcpy(joined, *list, a);
	memcpy(joined + a, ", ", 2);
	memcpy(joined + a + 2, value, b + 1);
	free(*list);
	*list = joined;
	return OFA_OK;
}

enum ofa_status http_request_header(struct http_request *r, const char *name, const char *value)
{
	int h = 0;

	/* all begin with a letter, whose case is one bit */
	while (h < HTTP_HEADER_COUNT &&
	       ((header_table[h].name[0] ^ name[0]) & ~0x20 || strcasecmp(header_table[h].name, name) != 0))
		h++;
	if (h == HTTP_HEADER_COUNT)
		return OFA_OK;
	if (!r->header[h]) {
		r->header[h] = strdup(value);
		return r->header[h] ? OFA_OK : OFA_ERR_NOMEM;
	}
	if (header_table[h].list)
		return join(r, &r->header[h], value);
	set_fault(r, h == HTTP_CONTENT_LENGTH ? "Content-Length was sent more than once"
					      : "a header that may be sent once was repeated");
	return OFA_OK;
}

static bool parse_length(const char *s, uint64_t *ret)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*ret = strtoull(s, &end, 10);
	return errno == 0 && *end == '\0' && *ret < UINT64_MAX;
}

/* Ids go into logs and headers: only letters that can do no harm there. */
static bool id_ok(const char *id)
{
	size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

	return n > 0 && n < HTTP_REQUEST_ID_MAX && id[n] == '\0';
}

void http_request_format_id(uint32_t prefix, unsigned long long number, char id[HTTP_REQUEST_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *at = id;
	int n = 1;

	for (int i = 7; i >= 0; i--)
		*at++ = digits[prefix >> (4 * i) & 15];
	*at++ = '-';
	while (n < 16 && number >> (4 * n))
		n++;
	while (n-- > 0)
		*at++ = digits[number >> (4 * n) & 15];
	*at = '\0';
}

void http_request_headers_end(struct http_request *r, const char *fallback_id)
{
	const char *length = r->header[HTTP_CONTENT_LENGTH], *id = r->header[HTTP_X_REQUEST_ID];
	uint64_t n;

	if (length && !parse_length(length, &n))
		set_fault(r, "Content-Length is not a number");
	if (length && r->header[HTTP_TRANSFER_ENCODING])
		set_fault(r, "Content-Length and Transfer-Encoding were both sent");
	if (r->header[HTTP_TRANSFER_ENCODING] && strcasecmp(r->header[HTTP_TRANSFER_ENCODING], "chunked") != 0)
		set_fault(r, "the only Transfer-Encoding that is understood is chunked");
	if (!id || !id_ok(id))
		id = fallback_id;
	memcpy(r->id, id, strlen(id) + 1);
}

bool http_request_has_body(const struct http_request *r, uint64_t *ret_length)
{
	uint64_t n = 0;

	if (r->header[HTTP_TRANSFER_ENCODING])
		n = UINT64_MAX;
	else if (r->header[HTTP_CONTENT_LENGTH] && !parse_length(r->header[HTTP_CONTENT_LENGTH], &n))
		n = UINT64_MAX;
	*ret_length = n;
	return n > 0;
}
