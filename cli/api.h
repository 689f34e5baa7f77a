/* The HTTP side of the tool; api.c is the only user of libcurl. */
#ifndef OFA_CLI_API_H
#define OFA_CLI_API_H

#include <jansson.h>

#include "base/buf.h"

#define API_MAX_BODY_BYTES (1u << 30)
#define API_MAX_HEADER 256

/* Who we are, and whom we believe.  What is NULL is not asked for; all borrowed. */
struct api_access {
	const char *token_file; /* its first line is the bearer token; without it, the variable OFA_TOKEN is */
	const char *cacert;     /* PEM: authorities instead of the system's */
	const char *cert, *key; /* PEM: our certificate for the server, and its key where it is in another file */
};

/* Rows for the option table of a command that has a struct api_access.  There is no --token: arguments are shown to
 * everybody on the machine. */
#define API_ACCESS_OPTIONS(a)                                                                                          \
	{.name = "token-file", .kind = OPT_TEXT, .value = "FILE", .to.text = &(a)->token_file,                         \
	 .help = "send the token in FILE (default: the one in $OFA_TOKEN, if any)"},                                   \
	{.name = "cacert", .kind = OPT_TEXT, .value = "FILE", .to.text = &(a)->cacert,                                 \
	 .help = "believe servers whose certificates these authorities (PEM) signed"},                                 \
	{.name = "cert", .kind = OPT_TEXT, .value = "FILE", .to.text = &(a)->cert,                                     \
	 .help = "show this certificate (PEM) to the server"},                                                         \
	{.name = "key", .kind = OPT_TEXT, .value = "FILE", .to.text = &(a)->key,                                       \
	 .help = "its key, when it is not in the same file"}

struct api_request {
	const char *method; /* "POST" */
	const char *url;    /* of the server, e.g. "http://127.0.0.1:8080"; a slash at its end is fine */
	const char *path;   /* "/subnets"; appended to url as it is */
	const char *accept;
	const json_t *body; /* sent as application/json; NULL: none; borrowed */
	const struct api_access *access; /* NULL: nothing but $OFA_TOKEN */
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
