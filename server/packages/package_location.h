/* What --packages names. */
#ifndef OFAD_PACKAGE_LOCATION_H
#define OFAD_PACKAGE_LOCATION_H

#include <stdbool.h>
#include "base/status.h"

#define PACKAGE_DIR_MAX 3968    /* bytes of a directory's path with its NUL, so that a file's is within PATH_MAX */
#define PACKAGE_BUCKET_MAX 64   /* S3: 3 to 63 characters */
#define PACKAGE_PREFIX_MAX 512  /* of an object's name, with its slash and NUL */
#define PACKAGE_ENDPOINT_MAX 256
#define PACKAGE_REGION_MAX 64

enum package_location_kind {
	PACKAGES_IN_DIR,   /* dir:PATH */
	PACKAGES_IN_STORE, /* postgresql */
	PACKAGES_IN_S3,    /* s3://BUCKET[/PREFIX][?endpoint=URL][&region=REGION] */
};

struct package_location {
	enum package_location_kind kind;
	bool in_data; /* a directory within the data directory, which no other server uses */
	char dir[PACKAGE_DIR_MAX];
	char bucket[PACKAGE_BUCKET_MAX];
	char prefix[PACKAGE_PREFIX_MAX];     /* "" or ends in a slash; nothing in it needs an escape in a URL */
	char endpoint[PACKAGE_ENDPOINT_MAX]; /* http(s)://HOST[:PORT]; "": that of AWS for the region */
	char region[PACKAGE_REGION_MAX];     /* "": not told */
};

/* Errors name --packages and what would be accepted. */
enum ofa_status package_location_parse(const char *url, struct package_location *ret,
				       struct ofa_error *err) OFA_MUST_CHECK;
/* Checks an endpoint, and a region, that come from elsewhere (`field`: which variable) and copies them. */
enum ofa_status package_endpoint_parse(const char *field, const char *text, size_t n, char out[PACKAGE_ENDPOINT_MAX],
				       struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status package_region_parse(const char *field, const char *text, size_t n, char out[PACKAGE_REGION_MAX],
				     struct ofa_error *err) OFA_MUST_CHECK;

#endif
