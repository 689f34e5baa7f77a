/* Where a delivery comes from: its signed manifest, fetched and judged before anything else of it is. */
#ifndef OFA_CLI_PROVENANCE_H
#define OFA_CLI_PROVENANCE_H

#include "download.h"
#include "trust.h"

struct provenance_options {
	struct opt_list trust;
	bool required; /* also without --trust: by the user's own file of keys */
};

/* Rows for the option table of a command that has a struct provenance_options. */
#define PROVENANCE_OPTIONS(o)                                                                                          \
	{.name = "trust", .kind = OPT_LIST, .value = "KEY|FILE", .to.list = &(o)->trust,                               \
	 .help = "accept only what this public key signed, or one of the file's; repeatable"},                         \
	{.name = "require-signature", .kind = OPT_FLAG, .to.flag = &(o)->required,                                     \
	 .help = "the same by the keys in ~/.config/ofa/trusted-keys"}

/* What is asked for; all borrowed. */
struct provenance_wanted {
	const struct download_source *source;
	const json_t *manifest; /* what the server said about the delivery; not trusted */
	const char *profile;    /* that it was asked for */
	const char *out;        /* the file that it is for */
};

struct provenance {
	bool checked;                 /* a signature was asked for, and is good */
	struct trust_signed accepted; /* then; do not copy */
	struct ofa_buf envelope;
};

/* Fetches the signed manifest and accepts it, or says why not; does nothing unless the options ask for it.
 * OFA_ERR_MISMATCH when the delivery is unsigned, altered, expired, for another profile, or older than what was
 * accepted for the file before. */
enum ofa_status provenance_check(const struct provenance_options *o, const struct provenance_wanted *wanted,
                                 struct retry *retry, struct provenance *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* These do nothing when nothing was checked. */
enum ofa_status provenance_check_package(const struct provenance *p, const void *data, size_t size,
                                         struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status provenance_remember(const struct provenance *p, const char *out, struct ofa_error *err) OFA_MUST_CHECK;
json_t *provenance_json(const struct provenance *p); /* null then */
void provenance_release(struct provenance *p);

#endif
