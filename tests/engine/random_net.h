/* A network of any space with random weights, saved and loaded as a user's would be. */
#ifndef OFA_TESTS_RANDOM_NET_H
#define OFA_TESTS_RANDOM_NET_H

#include <string.h>

#include "net/supernet.h"
#include "runner.h"

struct random_net_options {
	uint64_t seed;
	bool class_names;
	int calibration_images; /* of 20 x 20 pixels */
};

static inline float random_net_scale(const struct ofa_param *p)
{
	size_t fan_in = p->rank > 1 ? p->elements / (size_t)p->shape[0] : 16;
	float scale = 2.0f;

	for (size_t n = 1; n < fan_in; n *= 4)
		scale /= 2;
	return scale;
}

/* Multiples of powers of two, so that every machine makes the same numbers. */
static inline float random_net_weight(const struct ofa_param *p, size_t i, struct ofa_rng *rng)
{
	float x = (float)((int)ofa_rng_below(rng, 129) - 64) / 64.0f;
	bool diagonal = p->rank == 2 && i % ((size_t)p->shape[1] + 1) == 0;

	switch (p->role) {
	case OFA_PARAM_BN_GAMMA:
		return 1.0f;
	case OFA_PARAM_BN_VAR:
		return 1.0f + x / 2;
	case OFA_PARAM_TRANSFORM:
		return (diagonal ? 1.0f : 0.0f) + x / 32;
	default:
		return x * random_net_scale(p);
	}
}

static inline float **random_net_data(const struct ofa_params *params, uint64_t seed)
{
	float **data = calloc((size_t)params->n, sizeof(*data));
	struct ofa_rng rng;

	ofa_rng_init(&rng, seed);
	for (int i = 0; i < params->n; i++) {
		const struct ofa_param *p = &params->list[i];

		data[i] = malloc(p->elements * sizeof(float));
		for (size_t j = 0; j < p->elements; j++)
			data[i][j] = random_net_weight(p, j, &rng);
	}
	return data;
}

static inline struct ofa_supernet *random_net(const struct ofa_space *space, const struct random_net_options *opt)
{
	enum { SIDE = 20 };
	static const float mean[] = {0.25f, 0.5f, 0.375f, 0.5f}, std[] = {0.25f, 0.5f, 0.25f, 0.75f};
	const char *path = temporary_path("random.safetensors");
	size_t pixels = (size_t)opt->calibration_images * SIDE * SIDE * (size_t)space->input_channels;
	char(*classes)[OFA_NET_MAX_CLASS_NAME] = calloc((size_t)space->classes, sizeof(*classes));
	uint8_t *images = malloc(pixels + 1);
	struct ofa_params params;
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	float **data;

	ASSERT_OK(ofa_params_init(space, &params, &err), &err);
	data = random_net_data(&params, opt->seed);
	for (size_t i = 0; i < pixels; i++)
		images[i] = (uint8_t)(i * i / 7 + i);
	for (int i = 0; i < space->classes; i++)
		snprintf(classes[i], sizeof(classes[i]), i == 1 ? "naïve \"%d\"" : "class %d", i);
	ASSERT_OK(ofa_supernet_save(
			  path,
			  &(struct ofa_supernet_parts){
				  .name = "random",
				  .space = space,
				  .params = &params,
				  .data = (const float *const *)data,
				  .classes = opt->class_names ? (const char(*)[OFA_NET_MAX_CLASS_NAME])classes : NULL,
				  .mean = mean,
				  .std = std,
				  .calibration = opt->calibration_images ? images : NULL,
				  .n_calibration = opt->calibration_images,
				  .calibration_h = SIDE,
				  .calibration_w = SIDE,
				  .license = "Apache-2.0",
			  },
			  &err),
		  &err);
	ASSERT_OK(ofa_supernet_load(path, &net, &err), &err);
	unlink(path);
	for (int i = 0; i < params.n; i++)
		free(data[i]);
	free(data);
	free(images);
	free(classes);
	ofa_params_release(&params);
	return net;
}

#endif
