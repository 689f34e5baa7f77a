/* What this machine's runtime says of a firmware's images: logits PACKAGE IMAGES, a line per image as the firmware
 * `classify` prints them, up to the instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ofa_device.h"

#define HEAD_BYTES 12

static void print_image(int i, int label, const float *logits, uint32_t classes)
{
	uint32_t best = 0;

	for (uint32_t c = 1; c < classes; c++)
		if (logits[c] > logits[best])
			best = c;
	printf("image %d: label %d, class %u, logits", i, label, best);
	for (uint32_t c = 0; c < classes; c++) {
		int32_t bits;
		memcpy(&bits, &logits[c], sizeof bits);
		printf(" %d", bits);
	}
	printf("\n");
}

static int run_images(const struct ofa_device_model *m, const uint8_t *images, size_t size)
{
	size_t each = (size_t)m->height * m->width * m->channels, n = images[4] | (size_t)images[5] << 8;
	float *arena = aligned_alloc(64, (ofa_device_arena_bytes(m) + 63) / 64 * 64);
	float *logits = malloc(m->classes * sizeof *logits);
	int rc = arena && logits && size == HEAD_BYTES + n * (each + 1) ? 0 : 1;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		float *input = ofa_device_input(m, arena);
		ofa_device_normalise(m, images + HEAD_BYTES + n + i * each, input);
		if (ofa_device_run(m, arena, ofa_device_arena_bytes(m), input, logits) != OFA_DEVICE_OK)
			rc = 1;
		else
			print_image((int)i, images[HEAD_BYTES + i], logits, m->classes);
	}
	free(arena);
	free(logits);
	return rc;
}

int main(int argc, char **argv)
{
	struct ofa_map package, images;
	struct ofa_device_model m;
	struct ofa_error err = {0};

	if (argc != 3 || ofa_map_open(argv[1], &package, &err) != OFA_OK ||
	    ofa_map_open(argv[2], &images, &err) != OFA_OK || images.size < HEAD_BYTES ||
	    ofa_device_load(package.data, package.size, &m, NULL) != OFA_DEVICE_OK) {
		fprintf(stderr, "logits: %s\n", err.message);
		return 1;
	}
	return run_images(&m, images.data, images.size);
}
