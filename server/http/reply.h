/* One answer, built by a handler and sent by http/send.c. */
#ifndef OFAD_HTTP_REPLY_H
#define OFAD_HTTP_REPLY_H

#include <jansson.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/sha256.h"
#include "base/status.h"
#include "http/stream.h"
#include "shared.h"

#define HTTP_REPLY_HEADERS_MAX 16
#define HTTP_REPLY_TEXT_MAX 1024
#define HTTP_ETAG_MAX 80

struct http_reply {
	unsigned status; /* 0: no answer yet */
	unsigned n_headers;
	struct {
		const char *name;  /* borrowed, static */
		const char *value; /* in text, on the heap or somebody else's */
		char *heap;        /* owned, or NULL */
	} headers[HTTP_REPLY_HEADERS_MAX];
	char etag[HTTP_ETAG_MAX]; /* with quotes; "" = none */
	bool ranges;              /* single byte ranges are served */
	bool volatile_content;    /* a reading of the moment: no entity tag is made */
	bool close;               /* the connection ends after this answer */
	bool failed;              /* memory ran out while it was built: it is replaced by a bare 500 */
	/* The body: size bytes at data, kept alive by either owner or, when that is NULL, heap. */
	const uint8_t *data;
	size_t size;
	struct shared *owner; /* a reference, or NULL */
	char *heap;           /* malloc'ed, or NULL */
	/* Or else a body that is made while it is sent; owned.  data and size are then 0. */
	struct http_stream *stream;
	/* The headers' values, so that a usual answer allocates none; a reply is therefore never copied. */
	size_t text_len;
	char text[HTTP_REPLY_TEXT_MAX];
};

void http_reply_init(struct http_reply *r);
void http_reply_release(struct http_reply *r);
/* As new: forgets everything that was set. */
void http_reply_reset(struct http_reply *r);

/* Adds a header; the value is printed.  At most HTTP_REPLY_HEADERS_MAX. */
void http_reply_header(struct http_reply *r, const char *name, const char *format, ...) OFA_PRINTF(3, 4);
/* The same for a value that stays alive as long as the reply: a constant, or part of what it refers to. */
void http_reply_header_lasting(struct http_reply *r, const char *name, const char *value);
/* The value of a header that was added under this name, or NULL. */
const char *http_reply_find(const struct http_reply *r, const char *name);
/* Takes a header back, if it was added. */
void http_reply_drop_header(struct http_reply *r, const char *name);
void http_reply_drop_body(struct http_reply *r);

/* In all of these `type` must be a constant. */
/* Text that stays alive for ever, e.g. embedded documents. */
void http_reply_static(struct http_reply *r, unsigned status, const char *type, const char *text, size_t size);
/* A JSON document; takes the reference (NULL: out of memory). */
void http_reply_json(struct http_reply *r, unsigned status, const char *type, json_t *json);
/* Text that is JSON already; copied. */
void http_reply_json_text(struct http_reply *r, unsigned status, const char *type, const char *text, size_t size);
/* The content of the buffer, which is left empty. */
void http_reply_buf(struct http_reply *r, unsigned status, const char *type, struct ofa_buf *buf);
/* `size` bytes at `data` inside a shared object; takes a reference of its own. */
void http_reply_shared(struct http_reply *r, unsigned status, const char *type, struct shared *owner,
		       const uint8_t *data, size_t size);

/* A body that is made while it is sent; takes the stream over. */
void http_reply_stream(struct http_reply *r, unsigned status, const char *type, struct http_stream *stream);

/* The strong entity tag of content whose SHA-256 is known: "sha256-<hex>", quotes included. */
void http_reply_etag(struct http_reply *r, const uint8_t sha256[OFA_SHA256_BYTES]);
/* Repr-Digest (RFC 9530) of the whole representation, the same on partial answers. */
void http_reply_digest(struct http_reply *r, const uint8_t sha256[OFA_SHA256_BYTES]);

#endif
