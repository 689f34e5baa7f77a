#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packages/s3_account.h"

/* Of the endpoint's own making, as of S3-compatible servers that have no regions. */
#define REGION_OF_ENDPOINT "us-east-1"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Whatever is copied into a header or a signature: printable, without spaces. */
static enum ofa_status load(const char *name, bool required, char *out, size_t cap, struct ofa_error *err)
{
	const char *value = variable(name);
	size_t n = value ? strlen(value) : 0;

	if (!value && required)
		return ofa_fail(err, OFA_ERR_INVALID, name, "%s is not set, which --packages s3://... needs", name);
	for (size_t i = 0; i < n; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return ofa_fail(err, OFA_ERR_INVALID, name,
					"%s has a character that is none of ASCII's visible ones", name);
	if (n >= cap)
		return ofa_fail(err, OFA_ERR_INVALID, name, "%s is longer than %zu characters", name, cap - 1);
	memcpy(out, value ? value : "", n + 1);
	return OFA_OK;
}

static enum ofa_status settle_endpoint(struct package_location *at, struct ofa_error *err)
{
	static const char *const names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(names) && !*at->endpoint; i++) {
		const char *value = variable(names[i]);

		if (value)
			return package_endpoint_parse(names[i], value, strlen(value), at->endpoint, err);
	}
	return OFA_OK;
}

static enum ofa_status settle_region(struct package_location *at, struct ofa_error *err)
{
	static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(names) && !*at->region; i++) {
		const char *value = variable(names[i]);

		if (value)
			return package_region_parse(names[i], value, strlen(value), at->region, err);
	}
	if (*at->region)
		return OFA_OK;
	if (!*at->endpoint)
		return ofa_fail(err, OFA_ERR_INVALID, "--packages",
				"--packages: in which region is the bucket %s?  region=REGION after the ? or "
				"AWS_REGION says so; another S3 than Amazon's needs endpoint=URL or AWS_ENDPOINT_URL",
				at->bucket);
	snprintf(at->region, sizeof(at->region), "%s", REGION_OF_ENDPOINT);
	return OFA_OK;
}

enum ofa_status s3_account_load(const struct package_location *at, struct s3_account *ret, struct ofa_error *err)
{
	struct sigv4_credentials *c = &ret->credentials;
	enum ofa_status st;

	memset(ret, 0, sizeof(*ret));
	ret->at = *at;
	st = settle_endpoint(&ret->at, err);
	if (st == OFA_OK)
		st = settle_region(&ret->at, err);
	if (st == OFA_OK)
		st = load("AWS_ACCESS_KEY_ID", true, c->key_id, sizeof(c->key_id), err);
	if (st == OFA_OK)
		st = load("AWS_SECRET_ACCESS_KEY", true, c->secret, sizeof(c->secret), err);
	if (st == OFA_OK)
		st = load("AWS_SESSION_TOKEN", false, c->token, sizeof(c->token), err);
	if (st == OFA_OK)
		st = load("AWS_CA_BUNDLE", false, ret->ca_file, sizeof(ret->ca_file), err);
	if (st != OFA_OK)
		s3_account_forget(ret);
	return st;
}

void s3_account_forget(struct s3_account *a)
{
	explicit_bzero(a, sizeof(*a));
}

static unsigned long port_of(const struct s3_account *a)
{
	struct s3_place place;
	const char *port;

	s3_account_place(a, a->at.region, &place);
	port = strrchr(place.host, ':');
	if (port && port[1 + strspn(port + 1, "0123456789")] == '\0')
		return strtoul(port + 1, NULL, 10);
	return strcmp(place.scheme, "https://") == 0 ? 443 : 80;
}

enum ofa_status s3_reach(const struct package_location *at, struct reach *r, struct ofa_error *err)
{
	struct s3_account account;
	enum ofa_status st = s3_account_load(at, &account, err);

	if (st != OFA_OK)
		return st;
	st = reach_port(r, port_of(&account), err);
	if (st == OFA_OK)
		st = reach_path(r, account.ca_file, err);
	if (st == OFA_OK)
		st = reach_names(r, err);
	if (st == OFA_OK)
		st = reach_certificates(r, err);
	s3_account_forget(&account);
	return st;
}

/* Without the port that its scheme has anyhow, as libcurl and browsers write Host. */
static void place_of_endpoint(const struct package_location *at, struct s3_place *ret)
{
	const char *host = strstr(at->endpoint, "://") + 3;
	bool tls = strncmp(at->endpoint, "https:", 6) == 0;
	const char *port = tls ? ":443" : ":80";
	size_t n = strlen(host), drop = strlen(port);

	if (n > drop && strcmp(host + n - drop, port) == 0)
		n -= drop;
	ret->scheme = tls ? "https://" : "http://";
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)n, host);
	snprintf(ret->path, sizeof(ret->path), "/%s/%s", at->bucket, at->prefix);
}

/* A bucket's dots are within no certificate's wildcard. */
void s3_account_place(const struct s3_account *a, const char *region, struct s3_place *ret)
{
	const struct package_location *at = &a->at;
	const char *china = strncmp(region, "cn-", 3) == 0 ? ".cn" : "";

	if (*at->endpoint) {
		place_of_endpoint(at, ret);
		return;
	}
	ret->scheme = "https://";
	if (strchr(at->bucket, '.')) {
		snprintf(ret->host, sizeof(ret->host), "s3.%s.amazonaws.com%s", region, china);
		snprintf(ret->path, sizeof(ret->path), "/%s/%s", at->bucket, at->prefix);
	} else {
		snprintf(ret->host, sizeof(ret->host), "%s.s3.%s.amazonaws.com%s", at->bucket, region, china);
		snprintf(ret->path, sizeof(ret->path), "/%s", at->prefix);
	}
}
