#include <string.h>
#include "http/precondition.h"

enum step { STEP_TAG, STEP_END, STEP_BROKEN };

struct tag {
	const char *s; /* its opening quote */
	size_t n;      /* with both quotes */
	bool weak;
};

/* etagc of RFC 9110; a NUL ends the field and so belongs to no tag. */
static bool in_tag(char c)
{
	unsigned char u = (unsigned char)c;

	return u == 0x21 || (u >= 0x23 && u != 0x7f);
}

/* Takes the next tag off the list; commas of empty elements before it go with it. */
static enum step next_tag(const char **at, struct tag *ret)
{
	const char *s = *at + strspn(*at, ", \t"), *end;

	if (!*s)
		return STEP_END;
	ret->weak = s[0] == 'W' && s[1] == '/';
	if (ret->weak)
		s += 2;
	if (*s != '"')
		return STEP_BROKEN;
	for (end = s + 1; in_tag(*end); end++)
		;
	if (*end != '"')
		return STEP_BROKEN;
	ret->s = s;
	ret->n = (size_t)(++end - s);
	end += strspn(end, " \t");
	if (*end && *end != ',')
		return STEP_BROKEN;
	*at = end;
	return STEP_TAG;
}

static bool is_any(const char *field)
{
	field += strspn(field, " \t");
	return field[0] == '*' && field[1 + strspn(field + 1, " \t")] == '\0';
}

bool http_etag_list_ok(const char *field)
{
	struct tag tag;
	enum step step;

	if (is_any(field))
		return true;
	while ((step = next_tag(&field, &tag)) == STEP_TAG)
		;
	return step == STEP_END;
}

bool http_etag_list_has(const char *field, const char *etag, bool strong)
{
	size_t n = strlen(etag);
	struct tag tag;

	if (is_any(field))
		return true;
	if (!http_etag_list_ok(field))
		return false;
	while (next_tag(&field, &tag) == STEP_TAG)
		if (tag.n == n && memcmp(tag.s, etag, n) == 0 && !(strong && tag.weak))
			return true;
	return false;
}

enum http_precondition http_precondition(const struct http_request *request, const char *etag)
{
	const char *if_match = request->header[HTTP_IF_MATCH];
	const char *if_none_match = request->header[HTTP_IF_NONE_MATCH];

	if (if_match && !(etag && http_etag_list_has(if_match, etag, true)))
		return HTTP_PRECONDITION_IF_MATCH_FAILS;
	if (if_none_match && etag && http_etag_list_has(if_none_match, etag, false))
		return HTTP_PRECONDITION_IF_NONE_MATCH_FAILS;
	return if_match || if_none_match ? HTTP_PRECONDITION_HOLDS : HTTP_PRECONDITION_NONE;
}
