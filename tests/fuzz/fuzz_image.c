/* Any bytes as a picture: decoded, then cropped.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -Iengine tests/fuzz/fuzz_image.c \
 *		engine/import/image*.c engine/base/status.c engine/base/file.c engine/base/buf.c -ljpeg -lpng -lm \
 *		-o fuzz_image
 *	mkdir -p new-inputs && ./fuzz_image new-inputs tests/fuzz/corpus/image */
#include <stdlib.h>

#include "import/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIDE = 16, MAX_PIXELS = 1 << 16 }; /* larger ones are correct too, but slow */

static void try(const uint8_t *data, size_t size, int channels,
		enum ofa_status (*decode)(const uint8_t *, size_t, int, struct ofa_image *, struct ofa_error *))
{
	struct ofa_error err = {.status = OFA_OK};
	uint8_t out[SIDE * SIDE * 3];
	struct ofa_image image;

	if (decode(data, size, channels, &image, &err) != OFA_OK) {
		if (!err.message[0])
			abort(); /* a refusal says why */
		return;
	}
	if (image.c != channels ||
	    (image.w * image.h <= MAX_PIXELS && ofa_image_crop(&image, SIDE, out, NULL) != OFA_OK))
		abort();
	ofa_image_release(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int channels = size & 1 ? 1 : 3;

	if (size > 0 && data[0] == 0xff)
		try(data, size, channels, ofa_image_decode_jpeg);
	else
		try(data, size, channels, ofa_image_decode_png);
	return 0;
}
