/* An answer that comes into being while it is sent, such as server-sent events.  Its connection is suspended while
 * there is nothing to send, so that it costs no thread; a client that does not read what is sent loses the
 * connection. */
#ifndef OFAD_HTTP_STREAM_H
#define OFAD_HTTP_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"

/* Bytes of what next() may add at once. */
#define HTTP_STREAM_PIECE_MAX ((size_t)64 << 10)

enum http_stream_next {
	HTTP_STREAM_MORE, /* something was appended */
	HTTP_STREAM_WAIT, /* there is nothing now */
	HTTP_STREAM_END,  /* this was the last, or nothing was appended and nothing will be */
};

struct MHD_Connection;

/* First member of whatever makes the answer; zeroed but for the functions. */
struct http_stream {
	/* On an HTTP thread, once all that came before was handed out. */
	enum http_stream_next (*next)(struct http_stream *self, struct ofa_buf *out);
	/* After WAIT, the connection being suspended: sees to it that http_stream_wake() is called when next() is to be
	 * asked again, and may call it itself. */
	void (*arm)(struct http_stream *self);
	/* The last byte was handed out or the client is gone: nothing is called any more, and the call is no longer
	 * there.  Frees the stream. */
	void (*close)(struct http_stream *self);
	/* the server's */
	struct MHD_Connection *connection;
	struct ofa_buf piece; /* what next() appended last */
	uint64_t begin;       /* the position of its first byte */
	bool ended;
	atomic_bool asleep;
};

/* Any thread, any number of times, as long as the stream is there: it goes on if it is suspended. */
void http_stream_wake(struct http_stream *s);

#endif
