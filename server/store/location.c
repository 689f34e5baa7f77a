#include <stdio.h>
#include <string.h>
#include "store/location.h"
#include "store/store.h"

static const char file_scheme[] = "sqlite:";

bool store_url_shared(const char *url)
{
	return url && (strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0);
}

/* From its first colon to the last @, whatever a password with characters that should have been escaped makes of it;
 * what follows a parameter that speaks of a password is not shown either. */
void store_url_shown(const char *url, char *out, size_t cap)
{
	const char *host = strstr(url, "://"), *colon, *at = strrchr(url, '@'), *end = url + strlen(url);
	const char *secret;

	if (strncmp(url, file_scheme, strlen(file_scheme)) == 0) {
		snprintf(out, cap, "%s", url);
		return;
	}
	host = host ? host + 3 : url;
	colon = host + strcspn(host, ":");
	secret = strcasestr(at ? at : host, "pass");
	if (secret)
		end = secret + 4;
	if (at && colon < at)
		snprintf(out, cap, "%.*s:***%.*s%s", (int)(colon - url), url, (int)(end - at), at, secret ? "***" : "");
	else
		snprintf(out, cap, "%.*s%s", (int)(end - url), url, secret ? "***" : "");
}

enum ofa_status store_file(const char *url, const char *dir, char out[STORE_PATH_MAX], struct ofa_error *err)
{
	int n = 0;

	out[0] = '\0';
	if (!url)
		n = snprintf(out, STORE_PATH_MAX, "%s/ofad.db", dir);
	else if (strncmp(url, file_scheme, strlen(file_scheme)) == 0)
		n = snprintf(out, STORE_PATH_MAX, "%s", url + strlen(file_scheme));
	if (n < STORE_PATH_MAX)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, url ? "--store" : "--data", "the path of the database is too long");
}

enum ofa_status store_directory(const char *url, const char *dir, char out[STORE_PATH_MAX], struct ofa_error *err)
{
	enum ofa_status st = store_file(url, dir, out, err);
	char *slash;

	if (st != OFA_OK)
		return st;
	slash = strrchr(out, '/');
	if (!out[0])
		return snprintf(out, STORE_PATH_MAX, "%s", dir) < STORE_PATH_MAX
			       ? OFA_OK
			       : ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	if (!slash)
		snprintf(out, STORE_PATH_MAX, ".");
	else
		slash[slash == out] = '\0';
	return OFA_OK;
}

enum ofa_status store_reach(const char *url, struct reach *r, struct ofa_error *err)
{
	return store_url_shared(url) ? store_postgresql.reach(url, r, err) : OFA_OK;
}
