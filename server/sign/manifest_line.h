/* What is signed about a delivery: one line of JSON with its members in a fixed order and no spaces, so that there is
 * exactly one text for each content (doc/signing.md). */
#ifndef OFAD_SIGN_MANIFEST_LINE_H
#define OFAD_SIGN_MANIFEST_LINE_H

#include <stddef.h>
#include <stdint.h>
#include "base/status.h"

#define MANIFEST_LINE_MAX 512 /* bytes, with the NUL */

struct manifest_claims {
	const char *id;               /* of the package, lower-case hex of its SHA-256 */
	uint64_t size_bytes;          /* of the package */
	unsigned major, minor;        /* of its format */
	const char *profile_revision; /* NULL: it was searched for without a profile */
	uint64_t sequence;
	uint64_t expires; /* Unix seconds */
};

/* OFA_ERR_INVALID when the revision has a character that no profile's name has, OFA_ERR_LIMIT when the line would
 * be longer than devices accept. */
enum ofa_status manifest_line_format(const struct manifest_claims *c, char out[MANIFEST_LINE_MAX],
				     struct ofa_error *err) OFA_MUST_CHECK;

#endif
