/* From our reply to libmicrohttpd's response. */
#ifndef OFAD_HTTP_SEND_H
#define OFAD_HTTP_SEND_H

#include <stdbool.h>
#include "http/call.h"

/* Queues call->reply.  The body passes to libmicrohttpd, which releases it after the last byte.  False
 * when memory is out: the connection must then be dropped. */
bool http_send(struct http_call *call);

#endif
