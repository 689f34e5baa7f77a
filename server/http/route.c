#include <stdio.h>
#include <string.h>
#include "http/route.h"

#define SEGMENTS_MAX 16

struct segment {
	const char *s;
	size_t n;
};

/* The segments between slashes; -1 for a path that does not start with '/' or has too many. */
static int split(const char *path, struct segment seg[SEGMENTS_MAX])
{
	int n = 0;

	if (*path != '/')
		return -1;
	while (*path == '/') {
		if (n == SEGMENTS_MAX)
			return -1;
		seg[n].s = ++path;
		seg[n].n = strcspn(path, "/");
		path += seg[n].n;
		n++;
	}
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool http_unescape(const char *s, size_t n, char *out, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '%') {
			int hi = n - i > 2 ? hex_digit(s[i + 1]) : -1;
			int lo = hi >= 0 ? hex_digit(s[i + 2]) : -1;

			if (lo < 0)
				return false;
			c = (unsigned char)(hi * 16 + lo);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || len + 1 >= cap)
			return false;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return true;
}

static bool add_param(struct http_params *params, const struct segment *name, const char *from, const char *to,
		      bool one_segment)
{
	char *value;

	if (params->n == HTTP_PARAMS_MAX || from == to)
		return false;
	value = params->list[params->n].value;
	if (!http_unescape(from, (size_t)(to - from), value, HTTP_PARAM_MAX))
		return false;
	if (one_segment && strchr(value, '/'))
		return false;
	params->list[params->n].name = name->s;
	params->list[params->n].name_len = name->n;
	params->n++;
	return true;
}

/* One pattern segment against `count` path segments starting at path[0]. */
static bool match_segment(const struct segment *pattern, const struct segment *path, int count,
			  struct http_params *params)
{
	const struct segment *last = &path[count - 1];
	const char *end = last->s + last->n, *brace;
	struct segment name, suffix;
	bool several;

	if (pattern->n < 2 || pattern->s[0] != '{')
		return pattern->n == path->n && memcmp(pattern->s, path->s, path->n) == 0;
	brace = strchr(pattern->s, '}');
	several = brace[-1] == '*';
	name = (struct segment){pattern->s + 1, (size_t)(brace - pattern->s) - 1 - several};
	suffix = (struct segment){brace + 1, (size_t)(pattern->s + pattern->n - brace) - 1};
	if (last->n < suffix.n || memcmp(end - suffix.n, suffix.s, suffix.n) != 0)
		return false;
	return add_param(params, &name, path->s, end - suffix.n, !several);
}

static bool is_wildcard(const struct segment *s)
{
	return s->n >= 3 && s->s[s->n - 2] == '*';
}

static bool match(const char *pattern, const struct segment *path, int n_path, struct http_params *params)
{
	struct segment seg[SEGMENTS_MAX];
	int n = split(pattern, seg), at = 0;

	params->n = 0;
	for (int i = 0; i < n; i++) {
		/* the wildcard takes whatever the other segments leave over */
		int count = is_wildcard(&seg[i]) ? n_path - n + 1 : 1;

		if (count < 1 || at + count > n_path || !match_segment(&seg[i], &path[at], count, params))
			return false;
		at += count;
	}
	return at == n_path;
}

static void add_method(char allow[HTTP_ALLOW_MAX], const char *method)
{
	size_t n = strlen(allow);

	snprintf(allow + n, HTTP_ALLOW_MAX - n, "%s%s%s", n ? ", " : "", method,
		 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

static bool method_is(const char *offered, const char *asked)
{
	return strcmp(offered, asked) == 0 || (strcmp(offered, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

/* Does the path begin as the pattern does before its first {name}?  Most routes are told apart by that alone. */
static bool begins_alike(const char *pattern, const char *path)
{
	while (*pattern && *pattern != '{')
		if (*pattern++ != *path++)
			return false;
	return *pattern == '{' || *path == '\0';
}

enum http_match http_route_find(const struct http_route *routes, size_t n, const char *method, const char *path,
				const struct http_route **ret_route, struct http_params *ret_params,
				char allow[HTTP_ALLOW_MAX])
{
	struct segment seg[SEGMENTS_MAX];
	const char *matched = NULL;
	int n_seg = split(path, seg);

	allow[0] = '\0';
	for (size_t i = 0; n_seg >= 0 && i < n; i++) {
		/* once a path has matched, a less specific one further down is not an alternative */
		if (matched && strcmp(matched, routes[i].path) != 0)
			continue;
		if (!begins_alike(routes[i].path, path) || !match(routes[i].path, seg, n_seg, ret_params))
			continue;
		if (method_is(routes[i].method, method)) {
			*ret_route = &routes[i];
			return HTTP_MATCH;
		}
		matched = routes[i].path;
		add_method(allow, routes[i].method);
	}
	return matched ? HTTP_NO_METHOD : HTTP_NO_PATH;
}

const char *http_param(const struct http_params *params, const char *name)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < params->n; i++)
		if (params->list[i].name_len == len && memcmp(params->list[i].name, name, len) == 0)
			return params->list[i].value;
	return NULL;
}

bool http_query(const char *query, const char *name, char *out, size_t cap)
{
	size_t len = strlen(name);

	out[0] = '\0';
	while (query && *query) {
		size_t n = strcspn(query, "&");

		if (n > len && query[len] == '=' && memcmp(query, name, len) == 0)
			return http_unescape(query + len + 1, n - len - 1, out, cap);
		query += n + (query[n] == '&');
	}
	return true;
}
