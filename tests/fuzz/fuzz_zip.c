/* Any bytes as a zip archive whose entries are all read, and as a checkpoint of torch.save's zip format.
 *
 * With libFuzzer as fuzz_unpickle.c says, its corpus being tests/fuzz/corpus/zip. */
#include <stdlib.h>
#include <string.h>

#include "import/checkpoint.h"
#include "import/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ENTRY = 1 << 16 };

static void read_entries(struct ofa_zip *z)
{
	for (size_t i = 0; i < ofa_zip_count(z); i++) {
		uint64_t size = ofa_zip_size(z, i);
		uint8_t *out;

		if (size > MAX_ENTRY)
			continue;
		out = malloc(size ? (size_t)size : 1);
		if (!out)
			abort();
		if (ofa_zip_read(z, i, out, (size_t)size, NULL) == OFA_OK && ofa_zip_find(z, ofa_zip_name(z, i)) < 0)
			abort();
		free(out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofa_error err = {.status = OFA_OK};
	struct ofa_checkpoint c;
	struct ofa_zip *z;

	if (ofa_zip_open(data, size, &z, &err) == OFA_OK) {
		read_entries(z);
		ofa_zip_close(z);
	} else if (!err.message[0]) {
		abort(); /* a refusal says why */
	}
	memset(&err, 0, sizeof(err));
	if (ofa_checkpoint_parse(data, size, &c, &err) == OFA_OK)
		ofa_checkpoint_close(&c);
	else if (!err.message[0])
		abort();
	return 0;
}
