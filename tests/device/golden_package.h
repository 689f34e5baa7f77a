/* The small packages that are kept in the tree: found, and made anew. */
#ifndef OFA_TESTS_GOLDEN_PACKAGE_H
#define OFA_TESTS_GOLDEN_PACKAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* One operation of each kind of format version 1.0, activations, strides of 1 and 2, widths off the panel of eight. */
static const char golden_space[] =
	"{\"family\":\"mbconv\",\"name\":\"golden\",\"input_channels\":2,\"classes\":3,\"bn_eps\":1e-5,"
	"\"resolutions\":[9],\"stem\":{\"width\":10,\"stride\":2,\"act\":\"h_swish\"},"
	"\"first\":{\"width\":10,\"kernel\":3,\"act\":\"relu\",\"se\":true,\"residual\":true},"
	"\"kernels\":[3],\"expands\":[1.5],\"depths\":[1],"
	"\"stages\":[{\"width\":12,\"stride\":2,\"act\":\"relu6\",\"se\":false},"
	"{\"width\":12,\"stride\":1,\"act\":\"h_swish\",\"se\":true,\"kernels\":[5]}],"
	"\"head\":{\"expand_width\":20,\"expand_act\":\"none\",\"mix_width\":12,\"mix_act\":\"relu\"}}";

/* The other kinds, shortcuts of each sort, odd sides; of the largest subnet. */
static const char golden_resnet_space[] =
	"{\"family\":\"resnet\",\"name\":\"golden_resnet\",\"input_channels\":2,\"classes\":3,\"bn_eps\":1e-5,"
	"\"resolutions\":[19],\"expands\":[0.5],\"depths\":[0],"
	"\"stem\":{\"mid_widths\":[6],\"widths\":[10],\"depths\":[0,2]},"
	"\"stages\":[{\"widths\":[12],\"stride\":1,\"base_depth\":2},{\"widths\":[14],\"stride\":2,\"base_depth\":1}]}";

/* A file below the source tree, whole, in memory of exactly its size at a multiple of 64. */
static inline uint8_t *read_source_file(const char *name, size_t *ret_size)
{
	const char *root = getenv("OFA_SRCDIR");
	uint8_t *data = NULL;
	char path[1024];
	long size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root ? root : ".", name);
	f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) <= 0 || fseek(f, 0, SEEK_SET) != 0 ||
	    posix_memalign((void **)&data, 64, (size_t)size) != 0 || fread(data, 1, (size_t)size, f) != (size_t)size) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	fclose(f);
	*ret_size = (size_t)size;
	return data;
}

#define GOLDEN_PACKAGE "tests/device/golden.ofa"
#define GOLDEN_RESNET "tests/device/golden_resnet.ofa"
#define GOLDEN_FLOAT16 "tests/device/golden_float16.ofa"
/* The same networks, after calibration. */
#define GOLDEN_INT8 "tests/device/golden_int8.ofa"
#define GOLDEN_RESNET_INT8 "tests/device/golden_resnet_int8.ofa"

#endif
