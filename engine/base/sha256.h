/* SHA-256 by OpenSSL's EVP (uses the CPU's SHA instructions where it has them). */
#ifndef OFA_BASE_SHA256_H
#define OFA_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define OFA_SHA256_BYTES 32

struct ofa_sha256; /* running digest */
struct ofa_sha256 *ofa_sha256_new(void); /* NULL when out of memory */
void ofa_sha256_update(struct ofa_sha256 *h, const void *p, size_t n);
void ofa_sha256_final(struct ofa_sha256 *h, uint8_t out[OFA_SHA256_BYTES]); /* frees h */
void ofa_sha256(const void *p, size_t n, uint8_t out[OFA_SHA256_BYTES]);
void ofa_hex(const uint8_t *p, size_t n, char *out); /* out: 2n+1 chars, lower case */

#endif
