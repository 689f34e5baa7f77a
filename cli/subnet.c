#include "subnet.h"

#include <limits.h>

enum ofa_status cli_check_images(const struct cli_images *images, const char *option, int image_size, int channels,
                                 struct ofa_error *err)
{
	if (images->size == image_size && images->channels == channels)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, option, "images have %d channels of %dx%d; the subnet takes %d of %dx%d",
	                images->channels, images->size, images->size, channels, image_size, image_size);
}

static enum ofa_status gather_stats(const struct ofa_supernet *net, const struct ofa_plan *plan,
                                    const struct cli_bn *bn, struct ofa_pool *pool,
                                    struct ofa_bn_stats *ret, struct ofa_error *err)
{
	enum ofa_status st;

	if (bn->source == CLI_BN_BUILTIN)
		return ofa_calibrate_builtin(net, plan, INT_MAX, pool, ret, err);
	st = cli_check_images(bn->images, "--recalibrate", plan->arch.image_size, net->space.input_channels, err);
	if (st != OFA_OK)
		return st;
	return ofa_calibrate(net, plan, bn->images->x, bn->images->n, bn->batch, NULL, pool, ret, err);
}

enum ofa_status cli_build_subnet(const struct ofa_supernet *net, const struct ofa_arch *arch, const struct cli_bn *bn,
                                 struct ofa_pool *pool, struct ofa_subnet **ret, struct ofa_error *err)
{
	bool sliced = bn->source == CLI_BN_SLICED || (bn->source == CLI_BN_BUILTIN && net->calibration.n == 0);
	struct ofa_bn_stats stats;
	struct ofa_plan plan;
	enum ofa_status st;

	ofa_plan_init(&net->space, &net->params, arch, &plan);
	if (sliced)
		return ofa_subnet_extract(net, &plan, NULL, ret, err);
	st = gather_stats(net, &plan, bn, pool, &stats, err);
	if (st != OFA_OK)
		return st;
	st = ofa_subnet_extract(net, &plan, &stats, ret, err);
	ofa_bn_stats_release(&stats);
	return st;
}
