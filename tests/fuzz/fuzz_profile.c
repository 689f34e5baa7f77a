/* Bodies of PUT /profiles/{name}: any bytes as JSON, then as a profile.  What is accepted is stored as text, which must
 * mean the same when it is read again.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this file and the
 * libraries of `make server/ofad CC=clang` with clang -fsanitize=fuzzer,address,undefined and run
 *	mkdir -p new-inputs && ./fuzz_profile -max_len=5000 new-inputs tests/fuzz/corpus/profile */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct known_profile *p)
{
	json_t *json = json_loadb(p->content, p->content_size, JSON_REJECT_DUPLICATES, NULL);
	struct known_profile *again;
	struct ofa_error err = {0};

	if (!json || known_profile_new(json, "other", &again, &err) != OFA_OK)
		abort();
	if (memcmp(again->sha256, p->sha256, sizeof(p->sha256)) != 0 || again->content_size != p->content_size)
		abort();
	known_profile_unref(again);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct known_profile *profile;
	struct ofa_error err = {0};

	if (json_is_object(json)) {
		if (known_profile_new(json, "fuzz", &profile, &err) == OFA_OK) {
			check_again(profile);
			known_profile_unref(profile);
		} else if (err.message[0] == '\0') {
			abort(); /* a refusal says why */
		}
	}
	json_decref(json);
	return 0;
}
