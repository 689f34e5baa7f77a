#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ofa_device.h"
#include "pack/pack.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* A sink into memory of known size. */
struct fill {
	uint8_t *data;
	size_t size, used;
};

static enum ofa_status fill_write(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	struct fill *f = ctx;

	if (size > f->size - f->used)
		return ofa_fail(err, OFA_ERR_LIMIT, "size", "the package is longer than the %zu bytes foretold",
				f->size);
	memcpy(f->data + f->used, data, size);
	f->used += size;
	return OFA_OK;
}

/* What is delivered has run: the device runtime must accept it and reproduce the engine's logits. */
static enum ofa_status self_test(const uint8_t *data, size_t size, struct ofa_error *err)
{
	struct ofa_device_model model;
	enum ofa_device_status status = ofa_device_load(data, size, &model, NULL);
	void *arena = NULL;

	if (status == OFA_DEVICE_OK) {
		arena = aligned_alloc(64, (ofa_device_arena_bytes(&model) + 63) / 64 * 64);
		if (!arena)
			return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the self-test's arena");
		status = ofa_device_self_test(&model, arena, model.arena_bytes);
		free(arena);
	}
	if (status != OFA_DEVICE_OK)
		return ofa_fail(err, OFA_ERR_MISMATCH, "package", "the device runtime refuses the package: %s",
				ofa_device_strerror(status));
	return OFA_OK;
}

static enum ofa_status pack(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			    const struct ofa_pack_info *info, uint8_t **ret_data, size_t *ret_size,
			    struct ofa_error *err)
{
	struct ofa_packer *packer;
	struct fill fill = {0};
	struct ofa_sink sink = {.write = fill_write, .ctx = &fill};
	enum ofa_status st = ofa_packer_new(net, sub, info, &packer, err);

	if (st != OFA_OK)
		return st;
	fill.size = ofa_packer_size(packer);
	fill.data = aligned_alloc(64, (fill.size + 63) / 64 * 64);
	st = fill.data ? ofa_packer_write(packer, &sink, err)
		       : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %zu bytes of package", fill.size);
	ofa_packer_free(packer);
	if (st == OFA_OK)
		st = self_test(fill.data, fill.used, err);
	if (st != OFA_OK) {
		free(fill.data);
		return st;
	}
	*ret_data = fill.data;
	*ret_size = fill.used;
	return OFA_OK;
}

enum ofa_status ofa_pack_build(const struct ofa_supernet *net, const struct ofa_arch *arch,
			       const struct ofa_pack_info *info, struct ofa_pool *pool, uint8_t **ret_data,
			       size_t *ret_size, struct ofa_pack_timing *ret_timing, struct ofa_error *err)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_bn_stats stats = {.storage = NULL};
	struct ofa_subnet *sub = NULL;
	const double start = now_ms();
	double calibrated;
	enum ofa_status st = OFA_OK;

	if (!plan)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan");
	ofa_plan_init(&net->space, &net->params, arch, plan);
	if (net->calibration.n > 0)
		st = ofa_calibrate_builtin(net, plan, net->calibration.n, pool, &stats, err);
	calibrated = now_ms();
	if (st == OFA_OK)
		st = ofa_subnet_extract(net, plan, net->calibration.n > 0 ? &stats : NULL, &sub, err);
	if (st == OFA_OK)
		st = pack(net, sub, info, ret_data, ret_size, err);
	if (st == OFA_OK && ret_timing)
		*ret_timing =
			(struct ofa_pack_timing){.calibrate_ms = calibrated - start, .pack_ms = now_ms() - calibrated};
	ofa_subnet_free(sub);
	ofa_bn_stats_release(&stats);
	free(plan);
	return st;
}
