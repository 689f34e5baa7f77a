/* A runnable subnet of a network, with batch norm statistics from a stated source. */
#ifndef OFA_CLI_SUBNET_H
#define OFA_CLI_SUBNET_H

#include "files.h"
#include "net/subnet.h"

enum cli_bn_source {
	CLI_BN_BUILTIN, /* recalibrated on the network's calibration images; CLI_BN_SLICED when it has none */
	CLI_BN_SLICED,  /* the supernet's running statistics, cut to the subnet's channels */
	CLI_BN_IMAGES,  /* recalibrated on given images */
};
struct cli_bn {
	enum cli_bn_source source;
	const struct cli_images *images; /* CLI_BN_IMAGES only; of the arch's image size */
	int batch;                       /* CLI_BN_IMAGES only */
};

/* pool may be NULL. */
enum ofa_status cli_build_subnet(const struct ofa_supernet *net, const struct ofa_arch *arch, const struct cli_bn *bn,
                                 struct ofa_pool *pool, struct ofa_subnet **ret, struct ofa_error *err) OFA_MUST_CHECK;

/* Do images fit what an arch takes?  The error names both shapes. */
enum ofa_status cli_check_images(const struct cli_images *images, const char *option, int image_size, int channels,
                                 struct ofa_error *err) OFA_MUST_CHECK;

#endif
