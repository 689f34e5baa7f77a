/* Spaces that the engine's tests share. */
#ifndef OFA_TESTS_SPACES_H
#define OFA_TESTS_SPACES_H

#include "runner.h"
#include "space/space.h"

/* One odd stage of each kind: kernel subsets, fractional ratios, a single depth, strides of one. */
static const char tiny_json[] =
	"{\"family\":\"mbconv\",\"name\":\"tiny\",\"input_channels\":1,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[15,20,28],\"stem\":{\"width\":8,\"stride\":1,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":8,\"kernel\":3,\"act\":\"relu\",\"se\":true,\"residual\":true},"
	"\"kernels\":[3,5],\"expands\":[2.5,4],\"depths\":[1,2,4],"
	"\"stages\":[{\"width\":8,\"stride\":1,\"act\":\"relu\",\"se\":true},"
	"{\"width\":16,\"stride\":2,\"act\":\"h_swish\",\"se\":false,\"kernels\":[5,7],\"depths\":[2]},"
	"{\"width\":24,\"stride\":2,\"act\":\"h_swish\",\"se\":true,\"kernels\":[3,7],\"expands\":[6]},"
	"{\"width\":32,\"stride\":1,\"act\":\"relu6\",\"se\":false,\"kernels\":[7]}],"
	"\"head\":{\"expand_width\":96,\"expand_act\":\"h_swish\",\"mix_width\":40,\"mix_act\":\"h_swish\"}}";

static inline void load_space(const char *text, struct ofa_space *ret)
{
	struct ofa_error err = {0};
	json_t *json = json_loads(text, 0, NULL);

	ck_assert_ptr_nonnull(json);
	ASSERT_OK(ofa_space_parse(json, ret, &err), &err);
	json_decref(json);
}

static inline void preset_space(const char *family, double width, int classes, struct ofa_space *ret)
{
	struct ofa_error err = {0};

	ASSERT_OK(ofa_space_preset(family, width, classes, ret, &err), &err);
}

#endif
