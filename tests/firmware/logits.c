/* What this machine's runtime says of a firmware's images: logits PACKAGE IMAGES, a line per image as the firmware
 * `classify` prints them, up to the instructions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ofa_device.h"

#define HEAD_BYTES 12

/* As the firmware says them: int8, or the bits of floats in their order. */
static int32_t logit(const struct ofa_device_model *m, const void *logits, uint32_t i)
{
	int32_t bits;

	if (m->type == OFA_DEVICE_INT8)
		return ((const int8_t *)logits)[i];
	memcpy(&bits, (const float *)logits + i, sizeof bits);
	return bits < 0 ? INT32_MIN - bits : bits;
}

static void print_image(const struct ofa_device_model *m, int i, int label, const void *logits)
{
	uint32_t best = 0;

	for (uint32_t c = 1; c < m->classes; c++)
		if (logit(m, logits, c) > logit(m, logits, best))
			best = c;
	printf("image %d: label %d, class %u, logits", i, label, best);
	for (uint32_t c = 0; c < m->classes; c++)
		printf(" %d", logit(m, logits, c));
	printf("\n");
}

static enum ofa_device_status run(const struct ofa_device_model *m, void *arena, const uint8_t *pixels, void *logits)
{
	ofa_device_put_pixels(m, pixels, arena);
	return m->type == OFA_DEVICE_INT8 ? ofa_device_run_int8(m, arena, m->arena_bytes, NULL, logits)
	                                  : ofa_device_run(m, arena, m->arena_bytes, NULL, logits);
}

static int run_images(const struct ofa_device_model *m, const uint8_t *images, size_t size)
{
	size_t each = (size_t)m->height * m->width * m->channels, n = images[4] | (size_t)images[5] << 8;
	void *arena = aligned_alloc(64, (ofa_device_arena_bytes(m) + 63) / 64 * 64);
	void *logits = malloc(m->classes * sizeof(float));
	int rc = arena && logits && size == HEAD_BYTES + n * (each + 1) ? 0 : 1;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		if (run(m, arena, images + HEAD_BYTES + n + i * each, logits) != OFA_DEVICE_OK)
			rc = 1;
		else
			print_image(m, (int)i, images[HEAD_BYTES + i], logits);
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
