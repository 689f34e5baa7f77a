/* The Idempotency-Key field (draft-ietf-httpapi-idempotency-key-header-07). */
#ifndef OFAD_HTTP_IDEMPOTENCY_KEY_H
#define OFAD_HTTP_IDEMPOTENCY_KEY_H

#include <stdbool.h>

#define HTTP_IDEMPOTENCY_KEY_MAX 256 /* bytes of a key with its NUL */

/* The key in the field: a string in quotes (RFC 8941, 3.3.3), or, as many clients send it, 1 or more visible characters
 * other than quotes, backslashes, commas and semicolons.  False when it is neither, empty or too long. */
bool http_idempotency_key_parse(const char *field, char out[HTTP_IDEMPOTENCY_KEY_MAX]);

#endif
