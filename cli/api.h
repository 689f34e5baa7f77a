/* The HTTP side of the tool; api.c is the only user of libcurl. */
#ifndef OFA_CLI_API_H
#define OFA_CLI_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

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

/* Where the body of a 200 or 206 goes that is not to be held in memory. */
struct api_receiver {
	/* Before its first byte: the bytes that follow are those from `from` on. */
	enum ofa_status (*begin)(void *ctx, uint64_t from, struct ofa_error *err);
	enum ofa_status (*take)(void *ctx, const void *data, size_t size, struct ofa_error *err);
	void *ctx;
};

struct api_request {
	const char *method; /* "POST" */
	const char *url;    /* of the server, e.g. "http://127.0.0.1:8080"; a slash at its end is fine */
	const char *path;   /* "/subnets"; appended to url as it is */
	const char *accept;
	const json_t *body; /* sent as application/json; NULL: none; borrowed */
	const struct api_access *access; /* NULL: nothing but $OFA_TOKEN */
	const char *prefer; /* RFC 7240, or NULL */
	const char *if_match, *if_none_match; /* preconditions of a write, or NULL */
	/* Only what follows the first `from` bytes is wanted, if the entity tag is still this one; NULL: all. */
	const char *if_range;
	uint64_t from;
	const struct api_receiver *receiver; /* NULL: the body is kept in memory */
};

struct api_response {
	long status;                      /* 0: no answer came */
	char repr_digest[API_MAX_HEADER]; /* header values, "" when absent or longer than that */
	char content_location[API_MAX_HEADER];
	char location[API_MAX_HEADER];
	char server_timing[API_MAX_HEADER];
	char content_range[API_MAX_HEADER];
	char etag[API_MAX_HEADER];
	double retry_after_s; /* 0: the server did not say */
	bool transient;       /* it failed for a reason that passes: another attempt may succeed */
	struct ofa_buf body;  /* owned; empty where a receiver took it */
};

/* One exchange.  2xx is OFA_OK.  A problem document (RFC 9457) of the server becomes the error: its title and
 * detail, with the pointer of its first error as the field and the feasible ranges of an OFA_ERR_INFEASIBLE
 * appended.  No connection, no answer, an answer that breaks off: OFA_ERR_IO saying what to check.  `ret` is
 * filled in whatever comes, and to be released. */
enum ofa_status api_send(const struct api_request *req, struct api_response *ret, struct ofa_error *err) OFA_MUST_CHECK;
void api_response_release(struct api_response *r);
/* The error that a problem document of the server at `url` tells; anything else, NULL too, is told by its status. */
enum ofa_status api_problem(const json_t *problem, long status, const char *url, struct ofa_error *err) OFA_MUST_CHECK;

#endif
