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

/* The network of golden/resnet50_small: ResNet50-D with narrower stages. */
static const char small_resnet_json[] =
	"{\"family\":\"resnet\",\"name\":\"resnet50_small\",\"input_channels\":3,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[32,48,64],\"expands\":[0.2,0.25,0.35],\"depths\":[0,1,2],"
	"\"stem\":{\"mid_widths\":[24,24,32],\"widths\":[40,48,64],\"depths\":[0,2]},"
	"\"stages\":[{\"widths\":[80,104,128],\"stride\":1,\"base_depth\":2},"
	"{\"widths\":[104,128,160],\"stride\":2,\"base_depth\":2},"
	"{\"widths\":[128,152,192],\"stride\":2,\"base_depth\":4},"
	"{\"widths\":[168,208,256],\"stride\":2,\"base_depth\":2}]}";

/* Odd in each way that the format allows: numbers of choices differ, a stage does not stride, a depth is single. */
static const char tiny_resnet_json[] =
	"{\"family\":\"resnet\",\"name\":\"tiny_resnet\",\"input_channels\":1,\"classes\":10,\"bn_eps\":1e-5,"
	"\"resolutions\":[15,28,33],\"expands\":[0.25,1],\"depths\":[0,2],"
	"\"stem\":{\"mid_widths\":[8],\"widths\":[12,20],\"depths\":[0,1]},"
	"\"stages\":[{\"widths\":[16,16,24],\"stride\":2,\"base_depth\":1},"
	"{\"widths\":[20],\"stride\":1,\"base_depth\":2,\"depths\":[0],\"expands\":[0.5]},"
	"{\"widths\":[24,40],\"stride\":2,\"base_depth\":1,\"expands\":[0.25,0.5,2]}]}";

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
