/* One signed request to an S3 server and its answer, by libcurl. */
#ifndef OFAD_S3_HTTP_H
#define OFAD_S3_HTTP_H

#include "packages/s3_account.h"
#include "packages/s3_error.h"
#include "packages/spool.h"

#define S3_CONNECT_S 5L     /* for which a connection is waited for */
#define S3_STALL_S 10L      /* of less than S3_STALL_BYTES a second, after which a request is given up */
#define S3_STALL_BYTES 1024L
#define S3_REQUEST_S 120L   /* for which it may take altogether */
#define S3_IDLE_MAX 16      /* connections that are kept for the next ones */

struct s3_http; /* connections; thread-safe */

/* `account` is borrowed.  To be called by the only thread there is, as long as libcurl was not used yet. */
enum ofa_status s3_http_new(const struct s3_account *account, struct s3_http **ret,
			    struct ofa_error *err) OFA_MUST_CHECK;
void s3_http_free(struct s3_http *h); /* NULL is allowed */

struct s3_exchange {
	const char *method; /* HEAD, GET, PUT or DELETE */
	const char *id;     /* the package's */
	char region[PACKAGE_REGION_MAX];
	const uint8_t *data; /* of PUT, size bytes */
	size_t size;
	bool only_new;    /* PUT: unless it is there, where the server knows If-None-Match */
	struct spool *to; /* GET: the body of an answer 200, and nothing of others */

	long status;
	char code[S3_CODE_MAX]; /* of an error; "" */
	char region_told[PACKAGE_REGION_MAX]; /* x-amz-bucket-region, where the bucket is; "" */
	bool cut; /* no whole answer came, for a reason that may be over in a moment */
};

/* OFA_OK: an answer came whole, whatever it says.  OFA_ERR_UNAVAILABLE: none did; OFA_ERR_LIMIT, OFA_ERR_EXHAUSTED: its
 * body cannot be taken; OFA_ERR_IO: the server is not the one it should be. */
enum ofa_status s3_http_send(struct s3_http *h, struct s3_exchange *x, struct ofa_error *err) OFA_MUST_CHECK;

#endif
