#include <stdlib.h>
#include <string.h>
#include <microhttpd.h>
#include "http/send.h"

static void release_owner(void *owner)
{
	shared_unref(owner);
}

/* Buffers where the bytes are there, not callbacks or file descriptors: both are several times slower here. */
static struct MHD_Response *make_response(struct http_reply *r, struct MHD_Connection *connection)
{
	/* the response only reads the bytes; its interface is not const */
	void *data = (void *)(uintptr_t)r->data;
	struct MHD_Response *response;

	if (r->stream) {
		response = http_stream_response(r->stream, connection);
		if (response)
			r->stream = NULL;
	} else if (r->owner) {
		response =
			MHD_create_response_from_buffer_with_free_callback_cls(r->size, data, release_owner, r->owner);
		if (response)
			r->owner = NULL;
	} else if (r->heap) {
		response = MHD_create_response_from_buffer_with_free_callback(r->size, data, free);
		if (response)
			r->heap = NULL;
	} else {
		response = MHD_create_response_from_buffer(r->size, data, MHD_RESPMEM_PERSISTENT);
	}
	return response;
}

static bool add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

static bool add_headers(struct MHD_Response *response, const struct http_call *call)
{
	const struct http_reply *r = &call->reply;
	bool ok = add(response, "X-Request-Id", call->request.id);

	for (unsigned i = 0; i < r->n_headers; i++)
		ok = ok && add(response, r->headers[i].name, r->headers[i].value);
	if (r->etag[0])
		ok = ok && add(response, "ETag", r->etag);
	if (r->ranges)
		ok = ok && add(response, "Accept-Ranges", "bytes");
	if (r->close)
		ok = ok && add(response, "Connection", "close");
	return ok;
}

/* libmicrohttpd 0.9.75 ends a chunked answer to HEAD by an empty chunk, which the client takes for the beginning of the
 * next answer.  In this mode it uses no chunks and closes the connection. */
static void avoid_chunks(struct MHD_Response *response, const struct http_call *call, bool stream)
{
	if (stream && strcmp(call->request.method, "HEAD") == 0)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

bool http_send(struct http_call *call)
{
	bool stream = call->reply.stream != NULL, ok;
	struct MHD_Response *response = make_response(&call->reply, call->connection);

	if (!response)
		return false;
	avoid_chunks(response, call, stream);
	ok = add_headers(response, call) &&
	     MHD_queue_response(call->connection, call->reply.status, response) == MHD_YES;
	MHD_destroy_response(response);
	return ok;
}
