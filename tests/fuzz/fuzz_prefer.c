/* Any bytes as a Prefer field and as an Idempotency-Key: what is understood is within its bounds, and understood the
 * same when it is written by the book.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Iserver tests/fuzz/fuzz_prefer.c \
 *		server/http/prefer.c server/http/idempotency_key.c -o fuzz_prefer
 *	mkdir -p new-inputs && ./fuzz_prefer -max_len=1000 new-inputs tests/fuzz/corpus/prefer
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/idempotency_key.h"
#include "http/prefer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_prefer(const char *field)
{
	struct http_prefer p = http_prefer_parse(field), again;
	char text[64];

	if (p.wait_s < -1 || p.wait_s > HTTP_PREFER_WAIT_MAX)
		abort();
	snprintf(text, sizeof(text), "x, wait=%d%s", p.wait_s, p.respond_async ? ", respond-async" : "");
	again = http_prefer_parse(text);
	if (again.wait_s != p.wait_s || again.respond_async != p.respond_async)
		abort();
}

static void check_key(const char *field)
{
	char key[HTTP_IDEMPOTENCY_KEY_MAX], again[HTTP_IDEMPOTENCY_KEY_MAX], text[2 * HTTP_IDEMPOTENCY_KEY_MAX + 2];
	size_t n = 0;

	if (!http_idempotency_key_parse(field, key))
		return;
	if (strlen(key) == 0 || strlen(key) > strlen(field))
		abort();
	text[n++] = '"';
	for (const char *c = key; *c; c++) {
		if (*c == '"' || *c == '\\')
			text[n++] = '\\';
		text[n++] = *c;
	}
	text[n++] = '"';
	text[n] = '\0';
	if (!http_idempotency_key_parse(text, again) || strcmp(key, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* a field as the server has it: exactly as long as its text */
	char *field = malloc(size + 1);

	if (!field)
		abort();
	if (size)
		memcpy(field, data, size);
	field[size] = '\0';
	check_prefer(field);
	check_key(field);
	free(field);
	return 0;
}
