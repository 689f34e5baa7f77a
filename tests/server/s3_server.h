/* An S3 server of the test program's own (tests/services/s3). */
#ifndef OFA_TESTS_S3_SERVER_H
#define OFA_TESTS_S3_SERVER_H

#include <stdbool.h>
#include "runner.h"

#define S3_URL_MAX 512

/* Before the first test; the environment has its key afterwards.  False: it cannot be had here; ends the program when
 * it does not start. */
bool s3_start(void);
void s3_stop(void); /* and removes it */

/* What --packages takes, with this prefix. */
void s3_url(const char *prefix, char url[S3_URL_MAX]);
/* What the next n requests meet with: a word of tests/services/s3-server/server.mjs. */
void s3_fault(const char *kind, unsigned n);
/* Requests that are still to meet with it; those that come now do not. */
unsigned s3_faults_left(void);
/* The file of an object, by its name; valid until the next call. */
const char *s3_object(const char *name);

#endif
