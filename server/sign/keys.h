/* Signing keys: Ed25519 pairs, each in two files of one directory, and those that a daemon has loaded from there.
 *
 * ID.key (mode 0600) holds the secret half, ID.pub the public one as minisign(1) writes it.  A key whose .key file is
 * there signs; one of which only the .pub file is left is still published, so that what it signed stays verifiable.
 * The id of a key is the first 8 bytes of the SHA-512 of its public half; as text the upper-case hex of these bytes
 * read as a little-endian number, which is how minisign prints it. */
#ifndef OFAD_SIGN_KEYS_H
#define OFAD_SIGN_KEYS_H

#include <stdint.h>
#include "base/status.h"
#include "clock.h"
#include "shared.h"

#define SIGN_KEY_ID_BYTES 8
#define SIGN_KEY_ID_CHARS 16
#define SIGN_PUBLIC_BYTES 32
#define SIGN_SECRET_BYTES 64 /* libsodium's: seed, then public half */
#define SIGN_BYTES 64        /* of a signature */
#define SIGN_KEYS_MAX 8      /* of one directory */
/* The public half as minisign -P takes it: base64 of "Ed", id and key. */
#define SIGN_MINISIGN_BYTES (2 + SIGN_KEY_ID_BYTES + SIGN_PUBLIC_BYTES)
#define SIGN_MINISIGN_CHARS 56
#define SIGN_BASE64_CHARS(n) (((n) + 2) / 3 * 4)

struct sign_key {
	uint8_t id[SIGN_KEY_ID_BYTES];
	char name[SIGN_KEY_ID_CHARS + 1]; /* the id as text */
	char created[CLOCK_RFC3339_MAX];  /* RFC 3339, UTC */
	uint8_t public_half[SIGN_PUBLIC_BYTES];
	uint8_t secret[SIGN_SECRET_BYTES]; /* zero unless `signs` */
	bool signs;
};

/* What a directory held; immutable. */
struct key_ring {
	struct shared shared;
	unsigned n, n_signing;
	struct sign_key keys[SIGN_KEYS_MAX]; /* those that sign first, each group from the newest to the oldest */
};
void key_ring_unref(struct key_ring *r); /* NULL is allowed; the secrets are wiped with the last reference */

/* Reads every ID.key and ID.pub of the directory; one that does not exist or is empty gives an empty ring.
 * OFA_ERR_INVALID when a secret file may be read by others than its owner, OFA_ERR_FORMAT for a malformed file,
 * OFA_ERR_LIMIT for more than SIGN_KEYS_MAX keys. */
enum ofa_status key_ring_load(const char *dir, struct key_ring **ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Makes a new key in the directory, which is made (0700) with its parents if need be.  No file is ever overwritten.
 * *ret has the secret wiped. */
enum ofa_status sign_key_create(const char *dir, struct sign_key *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* From 32 random bytes. */
enum ofa_status sign_key_from_seed(const uint8_t seed[32], struct sign_key *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Standard base64 with padding; out has SIGN_BASE64_CHARS(n) + 1 bytes. */
void sign_base64(const uint8_t *p, size_t n, char *out);
/* The public half in minisign's form; out has SIGN_MINISIGN_CHARS + 1 bytes. */
void sign_key_minisign(const struct sign_key *k, char *out);

/* Signature of n bytes by a key that signs. */
void sign_bytes(const struct sign_key *k, const void *p, size_t n, uint8_t out[SIGN_BYTES]);

#endif
