#include <stddef.h>
#include <string.h>
#include "http/idempotency_key.h"

static bool is_visible(char c)
{
	return c > ' ' && c < 0x7f;
}

/* From behind the opening quote to the closing one, which must be the last character. */
static bool parse_string(const char *p, char *out)
{
	size_t n = 0;

	for (; *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		else if (*p == '\\' || (*p != ' ' && !is_visible(*p)))
			return false; /* the end of the field, too */
		if (n == HTTP_IDEMPOTENCY_KEY_MAX - 1)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0 && p[1] == '\0';
}

static bool parse_bare(const char *p, char *out)
{
	size_t n = 0;

	for (; *p; p++) {
		if (!is_visible(*p) || strchr("\"\\,;", *p) || n == HTTP_IDEMPOTENCY_KEY_MAX - 1)
			return false;
		out[n++] = *p;
	}
	out[n] = '\0';
	return n > 0;
}

bool http_idempotency_key_parse(const char *field, char out[HTTP_IDEMPOTENCY_KEY_MAX])
{
	return *field == '"' ? parse_string(field + 1, out) : parse_bare(field, out);
}
