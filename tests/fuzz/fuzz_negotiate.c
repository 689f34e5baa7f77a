/* Any bytes as Accept and as Accept-Encoding: what is chosen was offered, is acceptable alone too, and having more to
 * choose from makes nothing unacceptable.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Iserver tests/fuzz/fuzz_negotiate.c \
 *		server/http/negotiate.c -o fuzz_negotiate
 *	mkdir -p new-inputs && ./fuzz_negotiate -max_len=1000 new-inputs tests/fuzz/corpus/negotiate
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/negotiate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_accept(const char *field)
{
	static const char *const offers[] = {"application/vnd.ofa.subnet", "application/json", "text/html"};
	int best = http_accept_best(field, offers, 3), alone;

	if (best < -1 || best > 2)
		abort();
	for (int i = 0; i < 3; i++) {
		alone = http_accept_best(field, &offers[i], 1);
		if (alone != 0 && (alone != -1 || best == i))
			abort();
		if (best == -1 && alone == 0)
			abort();
	}
}

static void check_coding(const char *field)
{
	enum http_coding packed = http_accept_coding(field, true), plain = http_accept_coding(field, false);

	if (plain == HTTP_CODING_GZIP)
		abort();
	/* gzip is chosen, or makes no difference */
	if (packed != plain && packed != HTTP_CODING_GZIP)
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
	check_accept(field);
	check_coding(field);
	free(field);
	return 0;
}
