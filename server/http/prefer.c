#include <stddef.h>
#include <string.h>
#include <strings.h>
#include "http/prefer.h"

#define TOKEN "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define SPACE " \t"
#define DIGITS "0123456789"

/* A piece of the field. */
struct span {
	const char *at;
	size_t n;
};

struct preference {
	struct span name, value; /* a quoted value without its quotes; of none, n is 0 */
};

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.at, text, s.n) == 0;
}

static struct span take_token(const char **p)
{
	struct span s = {*p, strspn(*p, TOKEN)};

	*p += s.n;
	return s;
}

/* token or quoted-string; escapes stay as they are, for no value that matters has any. */
static bool take_word(const char **p, struct span *ret)
{
	const char *c = *p;

	if (*c != '"') {
		*ret = take_token(p);
		return ret->n > 0;
	}
	for (c++; *c && *c != '"'; c++)
		if (*c == '\\' && c[1])
			c++;
	if (*c != '"')
		return false;
	*ret = (struct span){*p + 1, (size_t)(c - *p) - 1};
	*p = c + 1;
	return true;
}

/* token [BWS "=" BWS [word]] */
static bool take_pair(const char **p, struct preference *ret)
{
	ret->name = take_token(p);
	ret->value = (struct span){*p, 0};
	if (ret->name.n == 0)
		return false;
	*p += strspn(*p, SPACE);
	if (**p != '=')
		return true;
	(*p)++;
	*p += strspn(*p, SPACE);
	return **p == '\0' || strchr(",;", **p) || take_word(p, &ret->value);
}

/* One element of the list with its parameters, none of which is known.  False: it is malformed. */
static bool take_preference(const char **p, struct preference *ret)
{
	struct preference parameter;

	if (!take_pair(p, ret))
		return false;
	for (;;) {
		*p += strspn(*p, SPACE);
		if (**p != ';')
			return **p == ',' || **p == '\0';
		(*p)++;
		*p += strspn(*p, SPACE);
		if (**p != ';' && **p != ',' && **p != '\0' && !take_pair(p, &parameter))
			return false;
	}
}

/* delta-seconds; -1 for anything else. */
static int parse_seconds(struct span s)
{
	int seconds = 0;

	if (s.n == 0 || strspn(s.at, DIGITS) < s.n)
		return -1;
	for (size_t i = 0; i < s.n && seconds < HTTP_PREFER_WAIT_MAX; i++)
		seconds = 10 * seconds + (s.at[i] - '0');
	return seconds < HTTP_PREFER_WAIT_MAX ? seconds : HTTP_PREFER_WAIT_MAX;
}

struct http_prefer http_prefer_parse(const char *field)
{
	struct http_prefer prefer = {.wait_s = -1};
	const char *p = field ? field : "";
	bool waits = false;

	while (*p) {
		struct preference preference;

		p += strspn(p, SPACE ",");
		if (!*p)
			break;
		if (!take_preference(&p, &preference)) {
			/* what was malformed ends at the next comma */
			p += strcspn(p, ",");
			continue;
		}
		if (span_is(preference.name, "respond-async"))
			prefer.respond_async = true;
		if (span_is(preference.name, "wait") && !waits) {
			prefer.wait_s = parse_seconds(preference.value);
			waits = true;
		}
	}
	return prefer;
}
