/* A recipe of all kinds of phases, and images to train by it in a second. */
#ifndef OFA_TESTS_TINY_TRAINING_H
#define OFA_TESTS_TINY_TRAINING_H

#include <stdlib.h>

#include "train/dataset.h"

static const char tiny_recipe[] =
	"{\"name\":\"tiny\",\"seed\":4,\"batch\":16,\"holdout\":32,\"calibration_images\":32,"
	"\"classes\":[\"left\",\"right\",\"top\",\"bottom\"],\"license\":\"MIT\","
	"\"augment\":{\"scale_min\":0.9,\"scale_max\":1.1,\"shift\":0.05},"
	"\"space\":{\"family\":\"mbconv\",\"name\":\"tiny\",\"input_channels\":1,\"classes\":4,\"bn_eps\":1e-5,"
	"\"resolutions\":[8,12],\"stem\":{\"width\":8,\"stride\":1,\"act\":\"h_swish\"},\"first\":null,"
	"\"kernels\":[3,5],\"expands\":[1.5,2,3],\"depths\":[1,2],"
	"\"stages\":[{\"width\":8,\"stride\":2,\"act\":\"relu\",\"se\":true},"
	"{\"width\":16,\"stride\":2,\"act\":\"h_swish\",\"se\":false}],"
	"\"head\":{\"expand_width\":32,\"expand_act\":\"h_swish\",\"mix_width\":0,\"mix_act\":\"none\"}},"
	"\"phases\":["
	"{\"name\":\"full\",\"epochs\":4,\"warmup_epochs\":0.5,\"lr\":0.1},"
	"{\"name\":\"kernel\",\"epochs\":1,\"lr\":0.02,\"kd\":1,\"kernels\":[3,5]},"
	"{\"name\":\"depth\",\"epochs\":1,\"lr\":0.02,\"kd\":1,\"subnets\":2,\"kernels\":[3,5],\"depths\":[1,2]},"
	"{\"name\":\"width1\",\"epochs\":1,\"lr\":0.02,\"kd\":1,\"subnets\":2,\"sort\":1,\"kernels\":[3,5],"
	"\"depths\":[1,2],\"expands\":[2,3]},"
	"{\"name\":\"width2\",\"epochs\":1,\"lr\":0.02,\"kd\":1,\"subnets\":3,\"sandwich\":true,\"in_place\":true,"
	"\"sort\":2,\"kernels\":[3,5],\"depths\":[1,2],\"expands\":[1.5,2,3]}]}";

enum { TINY_IMAGES = 208, TINY_HOLDOUT = 32, TINY_SIDE = 12, TINY_CLASSES = 4 };

/* Noise with one bright half; the class says which. */
static inline struct ofa_dataset tiny_images(void)
{
	struct ofa_dataset d = {.n = TINY_IMAGES, .h = TINY_SIDE, .w = TINY_SIDE, .c = 1, .classes = TINY_CLASSES};
	struct ofa_rng rng;

	d.images = malloc(TINY_IMAGES * TINY_SIDE * TINY_SIDE);
	d.labels = malloc(TINY_IMAGES);
	ofa_rng_init(&rng, 11);
	for (int i = 0; i < TINY_IMAGES; i++) {
		d.labels[i] = (uint8_t)ofa_rng_below(&rng, TINY_CLASSES);
		for (int p = 0; p < TINY_SIDE * TINY_SIDE; p++) {
			int row = p / TINY_SIDE, col = p % TINY_SIDE, half = TINY_SIDE / 2;
			const bool bright[TINY_CLASSES] = {col < half, col >= half, row < half, row >= half};
			d.images[i * TINY_SIDE * TINY_SIDE + p] =
				(uint8_t)(ofa_rng_below(&rng, 120) + (bright[d.labels[i]] ? 100 : 0));
		}
	}
	return d;
}

#endif
