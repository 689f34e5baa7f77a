#include <string.h>
#include <microhttpd.h>
#include "http/connections.h"
#include "http/send.h"
#include "http/stream.h"

/* How long a client may take to read a piece. */
#define READ_MS 30e3
/* What libmicrohttpd is handed at once; it keeps a buffer of this size for every stream. */
#define BLOCK_BYTES 1024

void http_stream_wake(struct http_stream *s)
{
	if (atomic_exchange(&s->asleep, false))
		MHD_resume_connection(s->connection);
}

static void set_deadline(struct http_stream *s, double ms)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(s->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	connection_deadline(info ? info->socket_context : NULL, ms);
}

/* The next piece begins at this position; false: there is none now. */
static bool refill(struct http_stream *s, uint64_t position)
{
	enum http_stream_next next;

	s->begin = position;
	s->piece.len = 0;
	next = s->next(s, &s->piece);
	s->ended = next == HTTP_STREAM_END;
	return next != HTTP_STREAM_WAIT;
}

static void sleep_until_woken(struct http_stream *s)
{
	set_deadline(s, 0);
	MHD_suspend_connection(s->connection);
	atomic_store(&s->asleep, true);
	s->arm(s);
}

/* A function of the position alone: asked for the same one again, it gives the same bytes. */
static ssize_t read_stream(void *cls, uint64_t position, char *out, size_t max)
{
	struct http_stream *s = cls;
	size_t n;

	if (position == s->begin + s->piece.len) {
		if (s->ended)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (!refill(s, position)) {
			sleep_until_woken(s);
			return 0;
		}
		if (s->piece.len == 0)
			return MHD_CONTENT_READER_END_OF_STREAM;
		set_deadline(s, READ_MS);
	}
	n = s->begin + s->piece.len - position;
	if (n > max)
		n = max;
	memcpy(out, s->piece.data + (position - s->begin), n);
	return (ssize_t)n;
}

static void end_stream(void *cls)
{
	struct http_stream *s = cls;

	ofa_buf_release(&s->piece);
	s->close(s);
}

struct MHD_Response *http_stream_response(struct http_stream *s, struct MHD_Connection *connection)
{
	s->connection = connection;
	ofa_buf_init(&s->piece, HTTP_STREAM_PIECE_MAX);
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, s, end_stream);
}
