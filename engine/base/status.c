#include "base/status.h"

#include <stdio.h>
#include <string.h>

static const char *const status_names[OFA_STATUS_COUNT] = {
	[OFA_OK] = "ok",
	[OFA_ERR_NOMEM] = "out_of_memory",
	[OFA_ERR_INVALID] = "invalid",
	[OFA_ERR_FORMAT] = "format",
	[OFA_ERR_IO] = "io",
	[OFA_ERR_NOT_FOUND] = "not_found",
	[OFA_ERR_LIMIT] = "limit",
	[OFA_ERR_INFEASIBLE] = "infeasible",
	[OFA_ERR_MISMATCH] = "mismatch",
	[OFA_ERR_UNSUPPORTED] = "unsupported",
	[OFA_ERR_CANCELLED] = "cancelled",
	[OFA_ERR_EXHAUSTED] = "exhausted",
	[OFA_ERR_UNAVAILABLE] = "unavailable",
	[OFA_ERR_GONE] = "gone",
};

const char *ofa_status_name(enum ofa_status status)
{
	return (unsigned)status < OFA_STATUS_COUNT ? status_names[status] : "unknown";
}

/* Length of the UTF-8 sequence at s, 0 when it is none.  The lead byte decides; stray, cut and
 * overlong two-byte forms are what file names and truncation produce. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80                   ? 1
		   : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
		   : (s[0] & 0xF0) == 0xE0       ? 3
		   : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
						 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if (n == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] >= 0xA0)))
		return 0;
	if (n == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] >= 0x90)))
		return 0;
	return n;
}

void ofa_make_printable(char *text)
{
	unsigned char *s = (unsigned char *)text;

	while (*s) {
		size_t n = utf8_length(s);

		if (n == 0 || *s < 0x20 || *s == 0x7F) {
			*s = '?';
			n = 1;
		}
		s += n;
	}
}

enum ofa_status ofa_fail(struct ofa_error *err, enum ofa_status status, const char *field, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->status != OFA_OK)
		return status;
	err->status = status;
	snprintf(err->field, sizeof(err->field), "%s", field ? field : "");
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	ofa_make_printable(err->field);
	ofa_make_printable(err->message);
	return status;
}

bool ofa_error_go_on(struct ofa_error *err, const struct ofa_error *part)
{
	struct ofa_faults *further = err ? err->further : NULL;

	if (err && err->status == OFA_OK) {
		*err = *part;
		err->further = further;
	} else if (further && further->n < OFA_FAULTS_MAX) {
		further->list[further->n++] = *part;
	}
	/* a document without memory is not judged any further, and one with too many faults is judged enough */
	return further && further->n < OFA_FAULTS_MAX && part->status == OFA_ERR_INVALID;
}

void ofa_error_prefix(struct ofa_error *err, const char *fmt, ...)
{
	char old[sizeof(err->message)];
	size_t len;
	va_list ap;

	if (!err || err->status == OFA_OK)
		return;
	memcpy(old, err->message, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", old);
	ofa_make_printable(err->message);
}
