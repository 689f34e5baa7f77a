/* Where a bucket is and who asks for it: --packages, and what it leaves open from the environment. */
#ifndef OFAD_S3_ACCOUNT_H
#define OFAD_S3_ACCOUNT_H

#include "packages/package_location.h"
#include "packages/sigv4.h"
#include "reach.h"

#define S3_HOST_MAX (PACKAGE_BUCKET_MAX + PACKAGE_ENDPOINT_MAX)
#define S3_CA_MAX 1024

struct s3_account {
	struct package_location at; /* region is set */
	struct sigv4_credentials credentials;
	char ca_file[S3_CA_MAX]; /* AWS_CA_BUNDLE; "": the system's authorities */
};

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN; AWS_REGION or AWS_DEFAULT_REGION and AWS_ENDPOINT_URL_S3
 * or AWS_ENDPOINT_URL where `at` does not say; AWS_CA_BUNDLE.  Errors name the variable and never tell its value. */
enum ofa_status s3_account_load(const struct package_location *at, struct s3_account *ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void s3_account_forget(struct s3_account *a);
/* Adds the port of its endpoint, and what is read to connect there. */
enum ofa_status s3_reach(const struct package_location *at, struct reach *r, struct ofa_error *err) OFA_MUST_CHECK;

/* In a region, which may be another than the account's: "https://" or "http://", the value of Host, and the path before
 * an object's name. */
struct s3_place {
	const char *scheme;
	char host[S3_HOST_MAX];
	char path[PACKAGE_BUCKET_MAX + PACKAGE_PREFIX_MAX + 2];
};
void s3_account_place(const struct s3_account *a, const char *region, struct s3_place *ret);

#endif
