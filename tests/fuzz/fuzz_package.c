/* Any bytes as a package: through the device loader, its run, and the engine's reader.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Idevice -Iengine tests/fuzz/fuzz_package.c device/?*.c \
 *		engine/pack/read.c engine/base/status.c engine/base/sha256.c -ljansson -lcrypto -lm -o fuzz_package
 *	mkdir -p new-inputs && ./fuzz_package new-inputs tests/fuzz/corpus/package
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdlib.h>
#include <string.h>

#include "ofa_device.h"
#include "pack/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger ones are correct too, but slow. */
enum { MAX_ARENA = 1 << 22, MAX_MACS = 1 << 22 };

/* The arena has exactly the size asked for, so that the sanitizer sees a step over its end. */
static void run(const struct ofa_device_model *m)
{
	float *logits = malloc(m->classes * sizeof(*logits));
	void *arena = malloc(ofa_device_arena_bytes(m));

	if (!arena || !logits)
		abort();
	ofa_device_self_test(m, arena, m->arena_bytes);
	ofa_device_put_pixels(m, m->pixels, arena);
	if (ofa_device_run(m, arena, m->arena_bytes, NULL, logits) != OFA_DEVICE_OK)
		abort(); /* what was loaded must run */
	free(arena);
	free(logits);
}

static void read_summary(const uint8_t *data, size_t size)
{
	struct ofa_package_summary summary;
	struct ofa_error err = {.status = OFA_OK};

	if (ofa_package_read(data, size, &summary, &err) == OFA_OK)
		ofa_package_summary_release(&summary);
	else if (err.status == OFA_OK || err.message[0] == 0)
		abort(); /* a refusal says why */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofa_device_model m;
	uint32_t where = 0;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (ofa_device_load(copy, size, &m, &where) == OFA_DEVICE_OK) {
		ofa_device_verify(&m, &where);
		ofa_device_class_name(&m, m.classes - 1);
		if (m.arena_bytes <= MAX_ARENA && m.macs <= MAX_MACS)
			run(&m);
	} else if (where > size) {
		abort(); /* the place named must be inside, if only just */
	}
	read_summary(copy, size);
	free(copy);
	return 0;
}
