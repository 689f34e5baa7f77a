/* Packages that the loader accepts, whatever their numbers are, through every exporter: digests and what the metadata
 * repeats are put right first, as whoever writes a hostile package would.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Idevice -Iengine tests/fuzz/fuzz_export.c device/?*.c \
 *		engine/export/?*.c engine/pack/read.c engine/tensor/safetensors*.c engine/base/{buf,file,precision}.c \
 *		engine/base/{sha256,sha256_many,status}.c -ljansson -lcrypto -lm -o fuzz_export
 *	mkdir -p new-inputs && ./fuzz_export new-inputs tests/fuzz/corpus/export
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "export/export.h"
#include "ofa_device.h"
#include "ofa_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger ones are correct too, but slow. */
enum { MAX_SIZE = 1 << 18 };

static void seal(uint8_t *data, const struct ofa_device_model *m)
{
	uint8_t digest[OFA_SHA256_BYTES];

	for (uint32_t i = 0; i < m->n_tensors; i++) {
		uint8_t *record = data + m->tensor_offset + i * OFA_FMT_TENSOR_BYTES;
		struct ofa_device_tensor t;

		ofa_device_tensor(m, i, &t);
		ofa_sha256(t.data, t.size, digest);
		memcpy(record + OFA_FMT_TENSOR_HASH, digest, OFA_FMT_HASH_BYTES);
	}
	ofa_sha256(data, m->size - OFA_FMT_TRAILER_BYTES, digest);
	memcpy(data + m->size - OFA_FMT_TRAILER_BYTES, digest, sizeof(digest));
}

static void export_all(const uint8_t *data, size_t size)
{
	static const enum ofa_export_io ends[] = {OFA_EXPORT_IO_DEFAULT, OFA_EXPORT_IO_FLOAT32, OFA_EXPORT_IO_INT8};

	for (int format = 0; format < OFA_EXPORT_FORMAT_COUNT; format++) {
		for (size_t i = 0; i < OFA_ARRAY_LEN(ends); i++) {
			struct ofa_error err = {.status = OFA_OK};
			uint8_t *out = NULL;
			size_t n = 0;

			if (ofa_export(data, size, (enum ofa_export_format)format,
				       &(struct ofa_export_options){.io = ends[i]}, &out, &n, &err) == OFA_OK) {
				if (n == 0)
					abort();
				free(out);
			} else if (err.status == OFA_OK || err.message[0] == 0) {
				abort(); /* a refusal says why */
			}
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofa_device_model m;
	uint8_t *copy = aligned_alloc(64, (size + 64) / 64 * 64);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (size <= MAX_SIZE && ofa_device_load(copy, size, &m, NULL) == OFA_DEVICE_OK && m.size == size) {
		seal(copy, &m);
		export_all(copy, size);
	}
	free(copy);
	return 0;
}
