/* A package from a server to a file, over links that break: what came is kept and the rest asked for. */
#ifndef OFA_CLI_DOWNLOAD_H
#define OFA_CLI_DOWNLOAD_H

#include "retry.h"

#define DOWNLOAD_ID_CHARS 64 /* lower-case hex of a SHA-256 */

struct download_source {
	const char *url;                /* of the server */
	const struct api_access *access;
	char id[DOWNLOAD_ID_CHARS + 1]; /* of the subnet: the SHA-256 of its package */
	uint64_t size_bytes;
};

/* A file under construction, PATH.part.  While it is open no other process writes it. */
struct download {
	int fd;
	char *part;    /* its path; owned */
	uint64_t have; /* bytes in it */
};

/* Opens PATH.part, with what an earlier attempt left in it.  OFA_ERR_IO when another process is at it. */
enum ofa_status download_open(const char *path, struct download *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* Fetches GET /subnets/{id} until the file holds size_bytes bytes that are the package's: resumes after every
 * break where it broke off (Range under If-Range), and begins anew when the bytes of an earlier attempt turn out
 * to be of something else.  Shows its progress on stderr from the second second on.  OFA_ERR_NOT_FOUND: the server
 * dropped the package; OFA_ERR_MISMATCH: the bytes came whole and are others. */
enum ofa_status download_run(struct download *d, const struct download_source *source, struct retry *retry,
                             struct ofa_error *err) OFA_MUST_CHECK;
/* Makes the file durable and gives it its name. */
enum ofa_status download_keep(struct download *d, const char *path, struct ofa_error *err) OFA_MUST_CHECK;
/* Removes the file: it is of no use. */
void download_discard(struct download *d);
void download_close(struct download *d); /* leaves PATH.part, if it is there, for the next attempt */

#endif
