#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "packages/package_store.h"

bool package_id_valid(const char *id)
{
	return strspn(id, "0123456789abcdef") == PACKAGE_ID_CHARS && !id[PACKAGE_ID_CHARS];
}

enum ofa_status package_store_init(struct package_store *s, const struct package_store_driver *driver,
				   const struct package_store_options *opt, struct ofa_error *err)
{
	s->driver = driver;
	s->fetched_in = strdup(opt->dir);
	return s->fetched_in ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
}

void package_store_release(struct package_store *s)
{
	free(s->fetched_in);
}

enum ofa_status package_absent(const char *id, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no subnet %s", id);
}

static enum ofa_status locate(const char *url, const char *dir, struct package_location *ret, struct ofa_error *err)
{
	if (url)
		return package_location_parse(url, ret, err);
	ret->kind = PACKAGES_IN_DIR;
	ret->in_data = true;
	if (snprintf(ret->dir, sizeof(ret->dir), "%s/packages", dir) >= (int)sizeof(ret->dir))
		return ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	return OFA_OK;
}

enum ofa_status package_store_open(const char *url, const struct package_store_options *opt, struct package_store **ret,
				   struct ofa_error *err)
{
	static const struct package_store_driver *const drivers[] = {
		[PACKAGES_IN_DIR] = &package_store_dir,
		[PACKAGES_IN_STORE] = &package_store_in_store,
		[PACKAGES_IN_S3] = &package_store_s3,
	};
	struct package_location at = {.kind = PACKAGES_IN_DIR};
	enum ofa_status st = locate(url, opt->dir, &at, err);

	return st == OFA_OK ? drivers[at.kind]->open(&at, opt, ret, err) : st;
}

enum ofa_status package_store_check(struct package_store *s, struct ofa_error *err)
{
	/* the digest of no bytes that anybody knows */
	static const char nobody[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct ofa_error absent = {0};
	struct ofa_map map = {0};
	enum ofa_status st = s->driver->get(s, nobody, &map, &absent);

	ofa_map_close(&map);
	if (st == OFA_OK || st == OFA_ERR_NOT_FOUND)
		return OFA_OK;
	return ofa_fail(err, st, "--packages", "%s", absent.message);
}
