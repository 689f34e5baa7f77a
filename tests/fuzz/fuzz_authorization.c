/* The Authorization field: whatever comes, a token is a part of it.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_authorization tests/fuzz/corpus/authorization. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "access/token.h"
#include "http/authorization.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *field = malloc(size + 1);
	const char *token = NULL;
	size_t n = 0;

	if (!field)
		return 0;
	memcpy(field, data, size);
	field[size] = '\0';
	if (http_authorization_parse(field, &token, &n) == HTTP_CREDENTIALS_BEARER) {
		if (n == 0 || token < field || token + n != field + strlen(field))
			abort();
		(void)token_ok(token, n);
	}
	free(field);
	return 0;
}
