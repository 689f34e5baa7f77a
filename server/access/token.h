/* A bearer token: 256 random bits in a text that scanners for leaked secrets recognise, "ofad_" and 43 characters of
 * base64url (RFC 4648, 5).  Only its SHA-256 is kept: the bits are random, so that nothing slower is needed. */
#ifndef OFAD_ACCESS_TOKEN_H
#define OFAD_ACCESS_TOKEN_H

#include "base/sha256.h"
#include "base/status.h"

#define TOKEN_PREFIX "ofad_"
#define TOKEN_TEXT_MAX 49 /* with its NUL */
#define TOKEN_ID_MAX 13   /* with its NUL */

/* A new one; OFA_ERR_IO when the kernel has no random bits. */
enum ofa_status token_make(char out[TOKEN_TEXT_MAX], struct ofa_error *err) OFA_MUST_CHECK;
/* Does the text have a token's form? */
bool token_ok(const char *text, size_t n);
/* What is kept of it. */
void token_hash(const char *text, size_t n, uint8_t out[OFA_SHA256_BYTES]);
/* What it is called in lists and logs: the first digits of the hash, which say nothing about the token and let the
 * holder of a leaked one find out which to revoke. */
void token_id(const uint8_t sha256[OFA_SHA256_BYTES], char out[TOKEN_ID_MAX]);

#endif
