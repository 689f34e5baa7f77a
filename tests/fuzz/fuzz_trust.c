/* Any bytes as a list of trusted keys, such as a server publishes: what is accepted is keys, and never too many.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine -Idevice -Icli tests/fuzz/fuzz_trust.c cli/trust.c \
 *		engine/base/{buf,file,status}.c device/{manifest,ed25519,sha512,sha256}.c -ljansson -o fuzz_trust
 *	mkdir -p new-inputs && ./fuzz_trust -max_len=3000 new-inputs tests/fuzz/corpus/trust
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdlib.h>
#include <string.h>

#include "trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as many bytes as there are, so that the sanitizer sees a step over their end */
	char *copy = malloc(size ? size : 1);
	struct ofa_error err = {.status = OFA_OK};
	struct trust trust;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	trust.n = 0;
	if (trust_add_text(&trust, copy, size, &err) == OFA_OK) {
		if (trust.n == 0 || trust.n > TRUST_KEYS_MAX)
			abort();
	} else if (err.message[0] == '\0') {
		abort(); /* a refusal says why */
	}
	free(copy);
	return 0;
}
