#include <stdio.h>
#include <string.h>
#include "packages/package_location.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ACCEPTED "dir:PATH, postgresql, and s3://BUCKET/PREFIX?endpoint=URL&region=REGION are accepted"

static bool only(const char *text, size_t n, const char *characters)
{
	for (size_t i = 0; i < n; i++)
		if (!text[i] || !strchr(characters, text[i]))
			return false;
	return true;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* ---- S3 ---- */

/* As S3 names buckets, whose name may become part of a host's. */
static enum ofa_status parse_bucket(const char *text, size_t n, char out[PACKAGE_BUCKET_MAX], struct ofa_error *err)
{
	bool ok = n >= 3 && n < PACKAGE_BUCKET_MAX && only(text, n, LOWER DIGITS ".-");

	ok = ok && only(text, 1, LOWER DIGITS) && only(text + n - 1, 1, LOWER DIGITS);
	for (size_t i = 0; ok && i + 1 < n; i++)
		ok = text[i] != '.' || text[i + 1] != '.';
	if (!ok)
		return ofa_fail(err, OFA_ERR_INVALID, "--packages",
				"--packages: \"%.*s\" is not the name of a bucket: 3 to 63 of a-z, 0-9, - and . are, "
				"with a letter or digit at both ends",
				n > 80 ? 80 : (int)n, text);
	memcpy(out, text, n);
	out[n] = '\0';
	return OFA_OK;
}

/* "." and ".." would be taken away on the way to the server, under a signature that holds them. */
static bool prefix_valid(const char *text, size_t n)
{
	size_t segment = 0;

	if (!only(text, n, LOWER UPPER DIGITS "._-/"))
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && text[i] != '/')
			continue;
		if ((i == segment && i < n) || (i - segment == 1 && text[segment] == '.') ||
		    (i - segment == 2 && text[segment] == '.' && text[segment + 1] == '.'))
			return false;
		segment = i + 1;
	}
	return true;
}

static enum ofa_status parse_prefix(const char *text, size_t n, char out[PACKAGE_PREFIX_MAX], struct ofa_error *err)
{
	if (n + 2 > PACKAGE_PREFIX_MAX || !prefix_valid(text, n))
		return ofa_fail(err, OFA_ERR_INVALID, "--packages",
				"--packages: the prefix \"%.*s\" is not accepted: up to %d of A-Z, a-z, 0-9, ., _, - "
				"and / are, without empty segments, \".\" and \"..\"",
				n > 80 ? 80 : (int)n, text, PACKAGE_PREFIX_MAX - 2);
	snprintf(out, PACKAGE_PREFIX_MAX, "%.*s%s", (int)n, text, n && text[n - 1] != '/' ? "/" : "");
	return OFA_OK;
}

/* HOST or [IPv6], and perhaps :PORT. */
static bool authority_valid(const char *text, size_t n)
{
	const char *end = text + n, *port = NULL;
	unsigned number = 0;
	size_t host;

	if (n && text[0] == '[') {
		host = strspn(text, "[]:." DIGITS "abcdefABCDEF");
		host = host > n ? n : host;
		while (host && text[host - 1] != ']')
			host--;
		if (host < 4 || !only(text + 1, host - 2, ":." DIGITS "abcdefABCDEF"))
			return false;
	} else {
		host = strspn(text, LOWER UPPER DIGITS ".-");
		host = host > n ? n : host;
		if (host == 0)
			return false;
	}
	if (host == n)
		return true;
	if (text[host] != ':')
		return false;
	port = text + host + 1;
	if (port == end || end - port > 5 || !only(port, (size_t)(end - port), DIGITS))
		return false;
	for (; port < end; port++)
		number = number * 10 + (unsigned)(*port - '0');
	return number > 0 && number < 65536;
}

enum ofa_status package_endpoint_parse(const char *field, const char *text, size_t n, char out[PACKAGE_ENDPOINT_MAX],
				       struct ofa_error *err)
{
	size_t scheme = starts(text, "https://") ? 8 : starts(text, "http://") ? 7 : 0;
	size_t len = n && text[n - 1] == '/' ? n - 1 : n;

	if (!scheme || len <= scheme || len >= PACKAGE_ENDPOINT_MAX || !authority_valid(text + scheme, len - scheme))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"%s: the endpoint is not accepted: https://HOST[:PORT] or http://HOST[:PORT] is, "
				"without a user and without a path",
				field);
	memcpy(out, text, len);
	out[len] = '\0';
	return OFA_OK;
}

enum ofa_status package_region_parse(const char *field, const char *text, size_t n, char out[PACKAGE_REGION_MAX],
				     struct ofa_error *err)
{
	if (n == 0 || n >= PACKAGE_REGION_MAX || !only(text, n, LOWER DIGITS "-"))
		return ofa_fail(err, OFA_ERR_INVALID, field,
				"%s: the region \"%.*s\" is not accepted: a-z, 0-9 and - are, as in eu-central-1",
				field, n > 80 ? 80 : (int)n, text);
	memcpy(out, text, n);
	out[n] = '\0';
	return OFA_OK;
}

static enum ofa_status parse_parameter(const char *text, size_t n, struct package_location *l, struct ofa_error *err)
{
	static const char endpoint[] = "endpoint=", region[] = "region=";
	size_t name = strcspn(text, "=") + 1;

	if (n >= strlen(endpoint) && starts(text, endpoint) && !*l->endpoint)
		return package_endpoint_parse("--packages", text + name, n - name, l->endpoint, err);
	if (n >= strlen(region) && starts(text, region) && !*l->region)
		return package_region_parse("--packages", text + name, n - name, l->region, err);
	/* somebody may have put a key here */
	return ofa_fail(err, OFA_ERR_INVALID, "--packages",
			"--packages: \"%.*s\" is not accepted after the ?: endpoint=URL and region=REGION are, each "
			"once; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
			n < name ? (n > 32 ? 32 : (int)n) : (name > 33 ? 32 : (int)name - 1), text);
}

static enum ofa_status parse_s3(const char *text, struct package_location *l, struct ofa_error *err)
{
	size_t bucket = strcspn(text, "/?"), prefix = 0;
	enum ofa_status st = parse_bucket(text, bucket, l->bucket, err);

	text += bucket;
	if (*text == '/')
		text++;
	prefix = strcspn(text, "?");
	if (st == OFA_OK)
		st = parse_prefix(text, prefix, l->prefix, err);
	text += prefix;
	while (st == OFA_OK && *text) {
		size_t n = strcspn(++text, "&");

		st = parse_parameter(text, n, l, err);
		text += n;
	}
	return st;
}

/* ---- all ---- */

static enum ofa_status parse_dir(const char *text, char out[PACKAGE_DIR_MAX], struct ofa_error *err)
{
	size_t n = strlen(text);

	if (n == 0 || n >= PACKAGE_DIR_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, "--packages",
				"--packages: dir: needs the path of a directory, of up to %d bytes",
				PACKAGE_DIR_MAX - 1);
	memcpy(out, text, n + 1);
	return OFA_OK;
}

enum ofa_status package_location_parse(const char *url, struct package_location *ret, struct ofa_error *err)
{
	struct package_location l = {.kind = PACKAGES_IN_DIR};
	enum ofa_status st;

	if (starts(url, "dir:")) {
		st = parse_dir(url + 4, l.dir, err);
	} else if (strcmp(url, "postgresql") == 0) {
		l.kind = PACKAGES_IN_STORE;
		st = OFA_OK;
	} else if (starts(url, "s3://")) {
		l.kind = PACKAGES_IN_S3;
		st = parse_s3(url + 5, &l, err);
	} else {
		st = ofa_fail(err, OFA_ERR_INVALID, "--packages", "--packages is \"%.*s...\"; " ACCEPTED,
			      (int)strcspn(url, ":/@?") > 40 ? 40 : (int)strcspn(url, ":/@?"), url);
	}
	if (st == OFA_OK)
		*ret = l;
	return st;
}
