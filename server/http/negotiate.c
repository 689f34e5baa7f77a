#include <string.h>
#include <strings.h>
#include "http/negotiate.h"

/* One element of an Accept or Accept-Encoding field. */
struct range {
	const char *type; /* or coding */
	size_t len;
	int quality; /* thousandths */
};

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* "0", "0.5", "1.000": thousandths; anything else counts as 0, so nonsense is never preferred. */
static int parse_quality(const char *s)
{
	int q = 0, unit = 100;

	if (*s != '0' && *s != '1')
		return 0;
	q = (*s++ - '0') * 1000;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9' && unit > 0; s++, unit /= 10)
			q += (*s - '0') * unit;
	return q > 1000 ? 1000 : q;
}

/* Reads the element at *s and moves past its comma; false at the end. */
static bool next_range(const char **s, struct range *ret)
{
	const char *p = skip_space(*s), *end;

	p += strspn(p, ", \t");
	if (!*p)
		return false;
	ret->type = p;
	ret->len = strcspn(p, ",; \t");
	ret->quality = 1000;
	end = p + strcspn(p, ",");
	for (p += ret->len; p < end; p += strcspn(p, ";,")) {
		p = skip_space(p);
		if (*p == ';')
			p = skip_space(p + 1);
		if ((p[0] == 'q' || p[0] == 'Q') && p[1] == '=')
			ret->quality = parse_quality(p + 2);
	}
	*s = end;
	return true;
}

/* 0: no match, 1: any type, 2: its main type, 3: the type itself. */
static int specificity(const struct range *r, const char *offer)
{
	size_t main_len = strcspn(offer, "/") + 1;

	if (r->len == 3 && memcmp(r->type, "*/*", 3) == 0)
		return 1;
	if (r->len == main_len + 1 && r->type[main_len] == '*' && strncasecmp(r->type, offer, main_len) == 0)
		return 2;
	return r->len == strlen(offer) && strncasecmp(r->type, offer, r->len) == 0 ? 3 : 0;
}

static int quality_of(const char *accept, const char *offer)
{
	int quality = 0, best = 0;
	struct range r;

	while (next_range(&accept, &r)) {
		int s = specificity(&r, offer);

		if (s > best) {
			best = s;
			quality = r.quality;
		}
	}
	return quality;
}

int http_accept_best(const char *accept, const char *const *offers, size_t n)
{
	int best = -1, best_quality = 0;

	if (!accept || !*skip_space(accept))
		return 0;
	for (size_t i = 0; i < n; i++) {
		int q = quality_of(accept, offers[i]);

		if (q > best_quality) {
			best_quality = q;
			best = (int)i;
		}
	}
	return best;
}

static bool names(const struct range *r, const char *coding)
{
	return r->len == strlen(coding) && strncasecmp(r->type, coding, r->len) == 0;
}

/* In thousandths; `otherwise` when neither the coding nor "*" is in the list. */
static int coding_quality(const char *field, const char *coding, const char *alias, int otherwise)
{
	int any = otherwise;
	bool any_seen = false;
	struct range r;

	while (next_range(&field, &r)) {
		if (names(&r, coding) || names(&r, alias))
			return r.quality;
		if (names(&r, "*") && !any_seen) {
			any = r.quality;
			any_seen = true;
		}
	}
	return any;
}

enum http_coding http_accept_coding(const char *field, bool gzip)
{
	int as_is, packed = 0;

	if (!field)
		return HTTP_CODING_IDENTITY;
	/* what is not spoken of is acceptable, and less than anything that is */
	as_is = coding_quality(field, "identity", "identity", 1);
	if (gzip)
		packed = coding_quality(field, "gzip", "x-gzip", 0);
	if (packed > 0 && packed >= as_is)
		return HTTP_CODING_GZIP;
	return as_is > 0 ? HTTP_CODING_IDENTITY : HTTP_CODING_NONE;
}

bool http_media_type_is(const char *content_type, const char *type)
{
	size_t n;

	content_type = skip_space(content_type);
	n = strcspn(content_type, "; \t");
	return n == strlen(type) && strncasecmp(content_type, type, n) == 0;
}

bool http_media_type_in(const char *content_type, const char *const *types, size_t n)
{
	for (size_t i = 0; content_type && i < n && types[i]; i++)
		if (http_media_type_is(content_type, types[i]))
			return true;
	return false;
}
