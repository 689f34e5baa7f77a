/* Whose packages are accepted: trusted keys, signed manifests, and the sequence that was accepted last.
 *
 * The decisions are the device runtime's (ofa_device_manifest.h), so that the tool refuses what a device would.  What
 * was accepted for PATH is kept in PATH.signed, the envelope as it came: it holds the sequence that later ones must
 * reach, and lets `ofa verify` check the file again without a server. */
#ifndef OFA_CLI_TRUST_H
#define OFA_CLI_TRUST_H

#include <jansson.h>

#include "ofa_device_manifest.h"
#include "options.h"

#include "base/status.h"

#define TRUST_KEYS_MAX 64
#define TRUST_KEY_NAME_MAX 17 /* an id as text, with the NUL */

struct trust {
	unsigned n;
	uint8_t keys[TRUST_KEYS_MAX][OFA_MANIFEST_PUBLIC_BYTES];
};

/* Keys of one file or answer: /.well-known/ofad-keys.json, or lines of minisign public keys, where those of comments
 * are skipped.  OFA_ERR_FORMAT, OFA_ERR_LIMIT; OFA_ERR_NOT_FOUND when it holds none. */
enum ofa_status trust_add_text(struct trust *t, const char *text, size_t size, struct ofa_error *err) OFA_MUST_CHECK;
/* The keys of --trust, each a file or one minisign public key.  Without any: those of the user's own file, which is
 * trusted-keys in $XDG_CONFIG_HOME/ofa or ~/.config/ofa; OFA_ERR_NOT_FOUND says what to do where that is missing. */
enum ofa_status trust_load(const struct opt_list *values, struct trust *ret, struct ofa_error *err) OFA_MUST_CHECK;

/* What a package has to be, beside signed. */
struct trust_wanted {
	const char *profile;    /* NAME or NAME@REVISION; NULL: any */
	uint64_t last_sequence; /* 0: none was accepted before */
	bool ignore_expiry;
};

/* A signed manifest that was accepted. */
struct trust_signed {
	struct ofa_manifest_envelope envelope;
	struct ofa_manifest manifest; /* refers to the envelope: do not copy the struct */
	char key[TRUST_KEY_NAME_MAX]; /* the trusted one that signed it */
};
/* Errors say what is wrong and what to do about it: OFA_ERR_FORMAT for what is no envelope, OFA_ERR_MISMATCH for all
 * that is not accepted. */
enum ofa_status trust_accept(const struct trust *t, const char *text, size_t size, const struct trust_wanted *wanted,
                             struct trust_signed *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Are these the bytes that were signed? */
enum ofa_status trust_check_package(const struct trust_signed *s, const void *data, size_t size,
                                    struct ofa_error *err) OFA_MUST_CHECK;
/* {"key_id":.., "sequence":.., "expires":.., "profile_revision":..} */
json_t *trust_signed_json(const struct trust_signed *s);

/* Of what was accepted for `path` before: 0 without PATH.signed, OFA_ERR_FORMAT when that is damaged. */
enum ofa_status trust_last_sequence(const char *path, uint64_t *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Writes PATH.signed, whole or not at all. */
enum ofa_status trust_remember(const char *path, const char *text, size_t size, struct ofa_error *err) OFA_MUST_CHECK;

#endif
