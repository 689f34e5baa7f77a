/* From our reply to libmicrohttpd's response. */
#ifndef OFAD_HTTP_SEND_H
#define OFAD_HTTP_SEND_H

#include <stdbool.h>
#include "http/call.h"

struct MHD_Response;

/* Queues call->reply.  The body passes to libmicrohttpd, which releases it after the last byte.  False
 * when memory is out: the connection must then be dropped. */
bool http_send(struct http_call *call);

/* stream.c: the response, which owns the stream; NULL when memory is out. */
struct MHD_Response *http_stream_response(struct http_stream *s, struct MHD_Connection *connection);

#endif
