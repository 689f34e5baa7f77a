/* A page of HTML that is written piece by piece.  Markup and text have calls of their own, so that nothing from outside
 * becomes markup. */
#ifndef OFAD_API_HTML_H
#define OFAD_API_HTML_H

#include "base/buf.h"
#include "http/reply.h"

#define HTML_TYPE "text/html; charset=utf-8"

/* Under construction; the first failure is kept and ends the writing. */
struct html {
	struct ofa_buf buf; /* owned */
	enum ofa_status status;
};

void html_init(struct html *h, size_t max_bytes);
void html_release(struct html *h);

/* Markup as it is: constants only. */
void html_markup(struct html *h, const char *markup);
/* Text, or what is between the quotes of an attribute: escaped; what is no UTF-8 becomes '?', as do control
 * characters. */
void html_text(struct html *h, const char *text);
/* The same, printed; at most 1023 bytes. */
void html_textf(struct html *h, const char *format, ...) OFA_PRINTF(2, 3);
/* One pair of a query string within an attribute, percent-encoded. */
void html_query(struct html *h, const char *name, const char *value);

/* The page as the reply's body; h is left empty. */
void html_reply(struct html *h, struct http_reply *reply, unsigned status);

#endif
