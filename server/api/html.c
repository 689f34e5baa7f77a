#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/html.h"

#define TEXT_MAX 1024

static void put(struct html *h, const char *bytes, size_t n)
{
	if (h->status == OFA_OK)
		h->status = ofa_buf_append(&h->buf, bytes, n);
}

void html_init(struct html *h, size_t max_bytes)
{
	ofa_buf_init(&h->buf, max_bytes);
	h->status = OFA_OK;
}

void html_release(struct html *h)
{
	ofa_buf_release(&h->buf);
}

void html_markup(struct html *h, const char *markup)
{
	put(h, markup, strlen(markup));
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(struct html *h, const char *text)
{
	char *copy = strdup(text);

	if (!copy) {
		h->status = OFA_ERR_NOMEM;
		return;
	}
	ofa_make_printable(copy);
	for (const char *at = copy; *at;) {
		size_t plain = strcspn(at, "&<>\"'");

		put(h, at, plain);
		at += plain;
		if (*at)
			html_markup(h, entity(*at++));
	}
	free(copy);
}

void html_textf(struct html *h, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	html_text(h, text);
}

void html_query(struct html *h, const char *name, const char *value)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";

	html_textf(h, "%s=", name);
	for (; *value; value++) {
		if (strchr(plain, *value))
			put(h, value, 1);
		else
			html_textf(h, "%%%02X", (unsigned)(unsigned char)*value);
	}
}

void html_reply(struct html *h, struct http_reply *reply, unsigned status)
{
	if (h->status != OFA_OK)
		reply->failed = true;
	http_reply_buf(reply, status, HTML_TYPE, &h->buf);
}
