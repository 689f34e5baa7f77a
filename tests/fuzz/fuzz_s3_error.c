/* Any bytes as the body of an S3 server's error: a code is a short word of letters and digits, or none.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iengine -Iserver tests/fuzz/fuzz_s3_error.c \
 *		server/packages/s3_error.c -o fuzz_s3_error
 *	mkdir -p new-inputs && ./fuzz_s3_error -max_len=1000 new-inputs tests/fuzz/corpus/s3_error
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "packages/s3_error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as long as the body: what is read behind it is found */
	char *body = malloc(size ? size : 1), code[S3_CODE_MAX];

	if (!body)
		abort();
	if (size)
		memcpy(body, data, size);
	memset(code, 'x', sizeof(code));
	s3_error_code(body, size, code);
	if (strnlen(code, sizeof(code)) == sizeof(code))
		abort();
	for (const char *c = code; *c; c++)
		if (!isalnum((unsigned char)*c))
			abort();
	if (*code && !memmem(body, size, code, strlen(code)))
		abort();
	if (!s3_error_advice(code))
		abort();
	free(body);
	return 0;
}
