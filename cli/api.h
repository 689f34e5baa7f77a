/* The HTTP side of the tool; api.c is the only user of libcurl. */
#ifndef OFA_CLI_API_H
#define OFA_CLI_API_H

#include <jansson.h>

#include "base/buf.h"

#define API_MAX_BODY_BYTES (1u << 30)
#define API_MAX_HEADER 256

struct api_request {
	const char *method; /* "POST" */
	const char *url;    /* of the server, e.g. "http://127.0.0.1:8080"; a slash at its end is fine */
	const char *path;   /* "/subnets"; appended to url as it is */
	const char *accept;
	const json_t *body; /* sent as application/json; NULL: none; borrowed */
};

struct api_response {
	long status;
	char repr_digest[API_MAX_HEADER];      /* header values, "" when absent or longer than that */
	char content_location[API_MAX_HEADER];
	char server_timing[API_MAX_HEADER];
	struct ofa_buf body; /* owned */
};

/* One exchange.  2xx is OFA_OK.  A problem document (RFC 9457) of the server becomes the error: its title and
 * detail, with the pointer of its first error as the field and the feasible ranges of an OFA_ERR_INFEASIBLE
 * appended.  No connection, no answer: OFA_ERR_IO saying what to check. */
enum ofa_status api_send(const struct api_request *req, struct api_response *ret, struct ofa_error *err) OFA_MUST_CHECK;
void api_response_release(struct api_response *r);

/* Is `repr_digest` (RFC 9530, e.g. "sha-256=:BASE64:") the SHA-256 of the bytes?  OFA_ERR_FORMAT when it is
 * absent or has no sha-256, OFA_ERR_MISMATCH when the bytes are others. */
enum ofa_status api_check_digest(const char *repr_digest, const void *data, size_t size,
                                 struct ofa_error *err) OFA_MUST_CHECK;

#endif
