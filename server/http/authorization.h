/* The Authorization field: bearer tokens (RFC 6750, 2.1).  They come in no other place: one in the query or the body is
 * not looked for. */
#ifndef OFAD_HTTP_AUTHORIZATION_H
#define OFAD_HTTP_AUTHORIZATION_H

#include <stddef.h>

enum http_credentials {
	HTTP_CREDENTIALS_NONE,      /* no field */
	HTTP_CREDENTIALS_BEARER,    /* a token, which may be anybody's */
	HTTP_CREDENTIALS_OTHER,     /* of another scheme */
	HTTP_CREDENTIALS_MALFORMED, /* the scheme is Bearer, what follows is no token */
};

/* `field` may be NULL.  The token is inside the field, without a NUL after it; the scheme's case does not matter. */
enum http_credentials http_authorization_parse(const char *field, const char **ret_token, size_t *ret_len);

#endif
