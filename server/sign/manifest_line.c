#include <stdio.h>
#include <string.h>
#include "sign/manifest_line.h"

/* Names of profiles, with what joins them to a revision. */
#define REVISION_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/@"

enum ofa_status manifest_line_format(const struct manifest_claims *c, char out[MANIFEST_LINE_MAX],
				     struct ofa_error *err)
{
	const char *revision = c->profile_revision, *quote = revision ? "\"" : "";
	int n;

	if (revision && revision[strspn(revision, REVISION_CHARS)] != '\0')
		return ofa_fail(err, OFA_ERR_INVALID, "profile_revision", "\"%.100s\" cannot be signed", revision);
	n = snprintf(out, MANIFEST_LINE_MAX,
		     "{\"expires\":%llu,\"format_version\":\"%u.%u\",\"id\":\"%s\",\"profile_revision\":%s%s%s,"
		     "\"sequence\":%llu,\"sha256\":\"%s\",\"size\":%llu}",
		     (unsigned long long)c->expires, c->major, c->minor, c->id, quote, revision ? revision : "null",
		     quote, (unsigned long long)c->sequence, c->id, (unsigned long long)c->size_bytes);
	if (n < 0 || n >= MANIFEST_LINE_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the signed manifest would be longer than %d bytes",
				MANIFEST_LINE_MAX - 1);
	return OFA_OK;
}
