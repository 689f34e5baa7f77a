/* SHA-256 by OpenSSL's EVP (uses the CPU's SHA instructions where it has them), and of many messages at once. */
#ifndef OFA_BASE_SHA256_H
#define OFA_BASE_SHA256_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OFA_SHA256_BYTES 32

struct ofa_sha256; /* running digest */
struct ofa_sha256 *ofa_sha256_new(void); /* NULL when out of memory */
void ofa_sha256_update(struct ofa_sha256 *h, const void *p, size_t n);
void ofa_sha256_final(struct ofa_sha256 *h, uint8_t out[OFA_SHA256_BYTES]); /* frees h */
void ofa_sha256(const void *p, size_t n, uint8_t out[OFA_SHA256_BYTES]);
/* In a time that does not depend on the bytes. */
bool ofa_sha256_equal(const uint8_t a[OFA_SHA256_BYTES], const uint8_t b[OFA_SHA256_BYTES]);

/* One of many messages.  A digest mostly waits for itself, block after block; two messages side by side take less time
 * than one after the other. */
struct ofa_sha256_message {
	const void *data; /* borrowed; NULL is allowed where size is 0 */
	size_t size;
	uint8_t digest[OFA_SHA256_BYTES];
	uint8_t *sealed; /* NULL, or 32 bytes for the digest of the message with its digest after it: a sealed file's */
};
/* Fills in the digests of n messages, two at a time where the processor has SHA instructions.  next, 0 at first, counts
 * the messages that were taken: threads that call this with the same arguments divide them, in this order. */
void ofa_sha256_many(struct ofa_sha256_message *messages, unsigned n, atomic_uint *next);
/* The same by OpenSSL, one at a time, as it is done without those instructions. */
void ofa_sha256_many_portable(struct ofa_sha256_message *messages, unsigned n, atomic_uint *next);

void ofa_hex(const uint8_t *p, size_t n, char *out); /* out: 2n+1 chars, lower case */

#endif
