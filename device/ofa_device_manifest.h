/* Decides whether a package is to be used: signed manifests (doc/signing.md), verified on a device.  C99, no
 * allocation, no dependency beyond libc; a program that does not call these functions does not carry them.
 *
 * In order: ofa_manifest_open() takes the server's answer apart, ofa_manifest_verify() checks signature, format,
 * profile, age and sequence, ofa_manifest_check_package() that the package is the one that was signed.  Then the device
 * stores the manifest's sequence, which is the next call's trust.last_sequence. */
#ifndef OFA_DEVICE_MANIFEST_H
#define OFA_DEVICE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OFA_MANIFEST_LINE_BYTES 511 /* of the signed line, at most */
#define OFA_MANIFEST_SIGNATURES 8   /* in one envelope, at most */
#define OFA_MANIFEST_KEY_ID_BYTES 8
#define OFA_MANIFEST_PUBLIC_BYTES 32
#define OFA_MANIFEST_SIGNATURE_BYTES 64
#define OFA_MANIFEST_SHA256_BYTES 32

enum ofa_manifest_status {
	OFA_MANIFEST_OK = 0,
	OFA_MANIFEST_ERR_SYNTAX,    /* not an envelope, or not a signed line, in the one form that it has */
	OFA_MANIFEST_ERR_UNSIGNED,  /* the envelope has no signature */
	OFA_MANIFEST_ERR_KEY,       /* none of the signatures is by a trusted key */
	OFA_MANIFEST_ERR_SIGNATURE, /* one that claims to be is not */
	OFA_MANIFEST_ERR_FORMAT,    /* the package has a format version that this runtime does not know */
	OFA_MANIFEST_ERR_PROFILE,   /* made for another profile */
	OFA_MANIFEST_ERR_EXPIRED,
	OFA_MANIFEST_ERR_ROLLBACK, /* signed before one that was accepted already */
	OFA_MANIFEST_ERR_SIZE,     /* the package is longer or shorter */
	OFA_MANIFEST_ERR_DIGEST,   /* the package's bytes are others */
	OFA_MANIFEST_STATUS_COUNT
};

/* One English sentence without a full stop; "unknown status" outside the enum. */
const char *ofa_manifest_strerror(enum ofa_manifest_status status);

/* What GET /subnets/{id}/signed-manifest answers, taken apart. */
struct ofa_manifest_envelope {
	size_t line_bytes;
	char line[OFA_MANIFEST_LINE_BYTES + 1]; /* with a NUL behind it */
	unsigned n_signatures;
	struct {
		uint8_t key_id[OFA_MANIFEST_KEY_ID_BYTES];
		uint8_t bytes[OFA_MANIFEST_SIGNATURE_BYTES];
	} signatures[OFA_MANIFEST_SIGNATURES];
};
/* Only ERR_SYNTAX; *ret is then undefined.  Nothing in *ret is trustworthy before ofa_manifest_verify(). */
enum ofa_manifest_status ofa_manifest_open(const char *text, size_t size, struct ofa_manifest_envelope *ret);

/* Whom and what a device accepts. */
struct ofa_manifest_trust {
	const uint8_t (*keys)[OFA_MANIFEST_PUBLIC_BYTES]; /* Ed25519 public keys; borrowed */
	unsigned n_keys;
	uint64_t now;           /* Unix seconds; 0 = the device has no clock: expiry is not looked at */
	uint64_t last_sequence; /* of the manifest that was accepted last; 0 = none was */
	const char *profile;    /* the profile's name, or NAME@REVISION; NULL = any, or none */
};

/* The facts that were signed. */
struct ofa_manifest {
	uint8_t sha256[OFA_MANIFEST_SHA256_BYTES]; /* of the package: its id */
	uint32_t size;                             /* of the package in bytes */
	uint32_t major, minor;                     /* of its format */
	uint64_t sequence, expires;                /* expires: Unix seconds */
	const char *profile; /* NAME@REVISION, profile_bytes of it, inside the envelope's line; NULL = none */
	size_t profile_bytes;
	unsigned key; /* which of the trusted keys signed it; 0 in what was only read */
};
/* *ret is untouched on failure and refers to *envelope. */
enum ofa_manifest_status ofa_manifest_verify(const struct ofa_manifest_envelope *envelope,
					     const struct ofa_manifest_trust *trust, struct ofa_manifest *ret);
/* The facts of a line, whoever wrote it: for showing, not for deciding.  ERR_SYNTAX. */
enum ofa_manifest_status ofa_manifest_read(const char *line, size_t bytes, struct ofa_manifest *ret);

/* Is this the package that was signed?  ERR_SIZE, ERR_DIGEST. */
enum ofa_manifest_status ofa_manifest_check_package(const struct ofa_manifest *manifest, const void *data, size_t size);
/* The same where the digest was taken while the package came in. */
enum ofa_manifest_status ofa_manifest_check_digest(const struct ofa_manifest *manifest,
						   const uint8_t sha256[OFA_MANIFEST_SHA256_BYTES], size_t size);

/* What a public key is called in envelopes: the first bytes of its SHA-512. */
void ofa_manifest_key_id(const uint8_t key[OFA_MANIFEST_PUBLIC_BYTES], uint8_t ret_id[OFA_MANIFEST_KEY_ID_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
