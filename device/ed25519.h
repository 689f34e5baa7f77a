/* Ed25519 signatures, verified.  Not installed; ofa_device_manifest.h is the interface. */
#ifndef OFA_DEVICE_ED25519_H
#define OFA_DEVICE_ED25519_H

#include <stddef.h>
#include <stdint.h>

#define OFA_DEVICE_SHA512_BYTES 64

/* SHA-512 (FIPS 180-4) of a message that comes in pieces. */
struct ofa_device_sha512 {
	uint64_t state[8];
	uint64_t bytes; /* so far */
	uint8_t block[128];
};
void ofa_device_sha512_init(struct ofa_device_sha512 *h);
void ofa_device_sha512_update(struct ofa_device_sha512 *h, const uint8_t *p, size_t n);
void ofa_device_sha512_final(struct ofa_device_sha512 *h, uint8_t out[OFA_DEVICE_SHA512_BYTES]);

/* 1 when `signature` (64 bytes) is one of the n bytes at `message` by this public key (32 bytes), else 0.
 *
 * RFC 8032, 5.1.7, without the factor 8, as strict as libsodium: S must be below the order of the group, the key must
 * be encoded canonically, and neither the key nor R may be of small order.  The time depends on the arguments, which
 * are all public. */
int ofa_device_ed25519_verify(const uint8_t signature[64], const uint8_t *message, size_t n,
			      const uint8_t public_key[32]);

#endif
