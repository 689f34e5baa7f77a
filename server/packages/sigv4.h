/* AWS Signature Version 4, in the Authorization header (AWS, "Authenticating Requests").
 *
 * libcurl can sign too (CURLOPT_AWS_SIGV4), but what it signs differs between the versions at hand: up to 7.86 no
 * x-amz-* header, which S3 insists on; a hundred lines that AWS's own vectors are run against are the surer thing. */
#ifndef OFAD_SIGV4_H
#define OFAD_SIGV4_H

#include <stddef.h>
#include "base/status.h"

#define SIGV4_TIME_MAX 17          /* 20130524T000000Z and its NUL */
#define SIGV4_AUTHORIZATION_MAX 1024
#define SIGV4_KEY_ID_MAX 129       /* AWS: up to 128 characters */
#define SIGV4_SECRET_MAX 129
#define SIGV4_TOKEN_MAX 4096       /* of a session */

struct sigv4_credentials {
	char key_id[SIGV4_KEY_ID_MAX], secret[SIGV4_SECRET_MAX];
	char token[SIGV4_TOKEN_MAX]; /* "": none; it is a header like others */
};

struct sigv4_header {
	const char *name;  /* lower case */
	const char *value; /* without spaces around it or twice in it */
};

struct sigv4_request {
	const char *method, *path; /* the path as it is sent, which S3 wants escaped once */
	const char *query;         /* canonical: escaped, sorted, "" for none */
	const struct sigv4_header *headers; /* all that are to be signed, by name; host and x-amz-date among them */
	size_t n_headers;
	const char *payload_sha256; /* hex */
	const char *time;           /* UTC, as in x-amz-date */
	const char *region, *service;
};

/* The value of Authorization.  OFA_ERR_LIMIT for a request whose texts are too long. */
enum ofa_status sigv4_sign(const struct sigv4_request *r, const struct sigv4_credentials *c,
			   char out[SIGV4_AUTHORIZATION_MAX], struct ofa_error *err) OFA_MUST_CHECK;

#endif
