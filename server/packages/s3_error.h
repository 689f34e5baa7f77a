/* What an S3 server says went wrong. */
#ifndef OFAD_S3_ERROR_H
#define OFAD_S3_ERROR_H

#include <stddef.h>

#define S3_ERROR_BODY_MAX 4096 /* bytes of an error's body that are looked at */
#define S3_CODE_MAX 64

/* The first <Code> of an error's body, which is XML; "" when there is none that could be one: letters and digits. */
void s3_error_code(const char *body, size_t n, char out[S3_CODE_MAX]);
/* What to do about a code, to be put after it in a message; "" for one of which nothing is known. */
const char *s3_error_advice(const char *code);

#endif
