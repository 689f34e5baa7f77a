/* Signing deliveries: the keys in use, what was signed lately, and the sequence that never goes back.
 *
 * Every manifest is signed with every key whose secret is there, so that during a rotation devices that know
 * either key accept it.  What was signed is kept in memory and handed out again until half of its lifetime is
 * over; then, after a restart or when the keys change, it is signed anew, with the next sequence number. */
#ifndef OFAD_SIGN_SIGNER_H
#define OFAD_SIGN_SIGNER_H

#include "jobs/key.h"
#include "log.h"
#include "sign/keys.h"
#include "sign/manifest_line.h"
#include "store/store.h"

#define SIGNATURE_DAYS_MAX 3650

#define SIGNER_DIR_MAX 4096

/* Where the keys are: in `dir`, or without one in "keys" beneath `data`. */
enum ofa_status signer_dir(const char *dir, const char *data, char ret[SIGNER_DIR_MAX],
			   struct ofa_error *err) OFA_MUST_CHECK;
/* OFA_ERR_NOT_FOUND, saying how to make one. */
enum ofa_status signer_no_key(const char *dir, struct ofa_error *err);

struct signer;

struct signer_options {
	const char *dir;     /* of the keys; copied */
	bool required;       /* OFA_ERR_NOT_FOUND when there is none */
	unsigned days;       /* for which a signature holds */
	struct store *store; /* borrowed, for the sequence */
	const struct log *log;
	size_t cache_bytes; /* of what was signed */
};

/* With no key it signs nothing and says so in the log. */
enum ofa_status signer_new(const struct signer_options *opt, struct signer **ret, struct ofa_error *err) OFA_MUST_CHECK;
void signer_free(struct signer *s); /* NULL is allowed */
/* Reads the directory again; on failure the keys stay those that were.  Any thread. */
enum ofa_status signer_reload(struct signer *s, struct ofa_error *err) OFA_MUST_CHECK;
/* The keys now: a new reference. */
struct key_ring *signer_keys(struct signer *s);
/* Does it sign at all?  Any thread, without a lock. */
bool signer_active(const struct signer *s);

/* What was signed, as it is handed out. */
struct signed_text {
	struct shared shared;
	char id[2 * OFA_SHA256_BYTES + 1]; /* of the package */
	char *text; /* the envelope, JSON; or the .minisig file */
	size_t size;
	uint64_t sequence, expires;
	unsigned generation; /* of the keys */
};
void signed_text_unref(struct signed_text *t); /* NULL is allowed */

/* What was signed under this key for this package lately and has at least this sequence: a new reference or NULL.
 * Any thread. */
struct signed_text *signer_recall(struct signer *s, const struct job_key *key, const char *id, uint64_t min_sequence);

/* Signs the claims, whose sequence and expires are filled in here, unless signer_recall() would give something.
 * Touches the disk.  OFA_ERR_NOT_FOUND without keys; OFA_ERR_INVALID with field "min_sequence" when that number was
 * not given out yet. */
enum ofa_status signer_manifest(struct signer *s, const struct job_key *key, const struct manifest_claims *claims,
				uint64_t min_sequence, struct signed_text **ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same for minisign(1): a signature over the package's bytes by the newest key, with id, sequence and expiry in the
 * trusted comment.  Reads all bytes. */
enum ofa_status signer_minisig(struct signer *s, const struct job_key *key, const char *id, const uint8_t *data,
			       size_t size, struct signed_text **ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
