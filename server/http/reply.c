#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "http/reply.h"

void http_reply_init(struct http_reply *r)
{
	memset(r, 0, offsetof(struct http_reply, text)); /* values are written before they are read */
}

void http_reply_drop_body(struct http_reply *r)
{
	shared_unref(r->owner);
	free(r->heap);
	if (r->stream)
		r->stream->close(r->stream);
	r->stream = NULL;
	r->owner = NULL;
	r->heap = NULL;
	r->data = NULL;
	r->size = 0;
}

void http_reply_release(struct http_reply *r)
{
	http_reply_drop_body(r);
	for (unsigned i = 0; i < r->n_headers; i++)
		free(r->headers[i].heap);
}

void http_reply_reset(struct http_reply *r)
{
	http_reply_release(r);
	http_reply_init(r);
}

/* `heap` is taken over. */
static void add_header(struct http_reply *r, const char *name, const char *value, char *heap)
{
	if (r->n_headers == HTTP_REPLY_HEADERS_MAX) {
		r->failed = true;
		free(heap);
		return;
	}
	r->headers[r->n_headers].name = name;
	r->headers[r->n_headers].value = value;
	r->headers[r->n_headers].heap = heap;
	r->n_headers++;
}

void http_reply_header(struct http_reply *r, const char *name, const char *format, ...)
{
	char *text = r->text + r->text_len, *heap;
	size_t room = sizeof(r->text) - r->text_len;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, room, format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room) {
		r->text_len += (size_t)n + 1;
		add_header(r, name, text, NULL);
		return;
	}
	va_start(ap, format);
	n = vasprintf(&heap, format, ap);
	va_end(ap);
	if (n < 0)
		r->failed = true;
	else
		add_header(r, name, heap, heap);
}

const char *http_reply_find(const struct http_reply *r, const char *name)
{
	for (unsigned i = 0; i < r->n_headers; i++)
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

void http_reply_drop_header(struct http_reply *r, const char *name)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < r->n_headers; i++) {
		if (strcmp(r->headers[i].name, name) == 0)
			free(r->headers[i].heap);
		else
			r->headers[kept++] = r->headers[i];
	}
	r->n_headers = kept;
}

void http_reply_header_lasting(struct http_reply *r, const char *name, const char *value)
{
	add_header(r, name, value, NULL);
}

static void set_body(struct http_reply *r, unsigned status, const char *type, const void *data, size_t size)
{
	http_reply_drop_body(r);
	r->status = status;
	r->data = data;
	r->size = size;
	http_reply_header_lasting(r, "Content-Type", type);
}

void http_reply_static(struct http_reply *r, unsigned status, const char *type, const char *text, size_t size)
{
	set_body(r, status, type, text, size);
}

/* Takes the malloc'ed text; NULL means that memory ran out. */
static void set_heap(struct http_reply *r, unsigned status, const char *type, char *text, size_t size)
{
	if (!text) {
		r->failed = true;
		return;
	}
	set_body(r, status, type, text, size);
	r->heap = text;
}

void http_reply_json(struct http_reply *r, unsigned status, const char *type, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	set_heap(r, status, type, text, text ? strlen(text) : 0);
}

void http_reply_json_text(struct http_reply *r, unsigned status, const char *type, const char *text, size_t size)
{
	char *copy = malloc(size ? size : 1);

	if (copy)
		memcpy(copy, text, size);
	set_heap(r, status, type, copy, size);
}

void http_reply_buf(struct http_reply *r, unsigned status, const char *type, struct ofa_buf *buf)
{
	size_t size = buf->len, max = buf->max;

	set_heap(r, status, type, (char *)buf->data, size);
	ofa_buf_init(buf, max);
}

void http_reply_shared(struct http_reply *r, unsigned status, const char *type, struct shared *owner,
		       const uint8_t *data, size_t size)
{
	set_body(r, status, type, data, size);
	r->owner = shared_ref(owner);
}

void http_reply_stream(struct http_reply *r, unsigned status, const char *type, struct http_stream *stream)
{
	set_body(r, status, type, NULL, 0);
	r->stream = stream;
	r->volatile_content = true;
}

void http_reply_etag(struct http_reply *r, const uint8_t sha256[OFA_SHA256_BYTES])
{
	char hex[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(sha256, OFA_SHA256_BYTES, hex);
	snprintf(r->etag, sizeof(r->etag), "\"sha256-%s\"", hex);
}

static void base64(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = '\0';
}

void http_reply_digest(struct http_reply *r, const uint8_t sha256[OFA_SHA256_BYTES])
{
	char text[4 * ((OFA_SHA256_BYTES + 2) / 3) + 1];

	base64(sha256, OFA_SHA256_BYTES, text);
	http_reply_header(r, "Repr-Digest", "sha-256=:%s:", text);
}
