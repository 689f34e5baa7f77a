/* If-Match and If-None-Match fields of any bytes, and cursors of lists, which are foreign text as well.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this
 * file with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_precondition tests/fuzz/corpus/precondition. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/page.h"
#include "http/precondition.h"

#define TAG "\"sha256-aa\""

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const char *field)
{
	bool ok = http_etag_list_ok(field);
	bool weak = http_etag_list_has(field, TAG, false), strong = http_etag_list_has(field, TAG, true);
	size_t n = strlen(field);
	char *longer = malloc(n + sizeof(", " TAG));

	if (!longer || (strong && !weak) || (weak && !ok))
		abort();
	memcpy(longer, field, n);
	memcpy(longer + n, ", " TAG, sizeof(", " TAG));
	/* behind a list that is well formed another tag is found, behind anything else nothing is */
	if (!strchr(field, '*') && http_etag_list_has(longer, TAG, true) != ok)
		abort();
	free(longer);
}

static void check_cursor(const char *text)
{
	char key[PAGE_KEY_MAX], again[PAGE_KEY_MAX], cursor[PAGE_CURSOR_MAX];

	if (!page_cursor_parse(text, key))
		return;
	page_cursor_format(key, cursor);
	if (!page_cursor_parse(cursor, again) || strcmp(key, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as many bytes as there are, so that the sanitizer sees a step over their end */
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_list(text);
	check_cursor(text);
	free(text);
	return 0;
}
