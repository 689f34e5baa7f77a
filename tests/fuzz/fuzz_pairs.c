/* Any bytes as a CSV file of pairs, for a space with kernels and for one with widths.
 *
 * Without libFuzzer, tests/fuzz/replay.c runs the corpus and simple mutations of it; with it, link this file and
 * engine/libofaengine.a with clang -fsanitize=fuzzer,address,undefined and run ./fuzz_pairs tests/fuzz/corpus/pairs. */
#include <stdlib.h>

#include "import/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse(const char *family, const uint8_t *data, size_t size)
{
	struct ofa_space space;
	struct ofa_pairs_file file;
	struct ofa_error err = {0};

	if (ofa_space_preset(family, 0.5, 10, &space, NULL) != OFA_OK)
		abort();
	if (ofa_pairs_parse(&space, (const char *)data, size, &file, &err) == OFA_OK) {
		if (file.pairs.n < 1 || file.pairs.n_batches < 1)
			abort();
		for (int i = 0; i < file.pairs.n; i++)
			if (file.batch[i] >= file.pairs.n_batches || !(file.accuracy[i] >= 0 && file.accuracy[i] <= 1))
				abort();
		ofa_pairs_file_release(&file);
	} else if (err.status == OFA_OK || err.message[0] == 0) {
		abort(); /* a refusal says why */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	parse("mbv3", data, size);
	parse("resnet50", data, size);
	return 0;
}
