#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "ofa_device.h"
#include "pack/pack.h"

#define MOST_THREADS 2 /* the self-test and the hashes; after them a single digest over all */

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
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

static enum ofa_status pack(const struct ofa_supernet *net, const struct ofa_plan *plan,
			    const struct ofa_bn_stats *stats, const struct ofa_pack_info *info,
			    struct ofa_pool *helpers, uint8_t **ret_data, size_t *ret_size, struct ofa_error *err)
{
	const uint64_t size = ofa_pack_size(net, plan, info->precision);
	uint8_t *data = ofa_large_alloc(size);
	enum ofa_status st;

	if (!data)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %llu bytes of package",
				(unsigned long long)size);
	st = ofa_pack_into(net, plan, stats, info, true, helpers, data, err);
	if (st == OFA_OK)
		st = self_test(data, size, err);
	if (st != OFA_OK) {
		free(data);
		return st;
	}
	*ret_data = data;
	*ret_size = size;
	return OFA_OK;
}

enum ofa_status ofa_pack_build(const struct ofa_supernet *net, const struct ofa_arch *arch,
			       const struct ofa_pack_info *info, struct ofa_pool *pool, uint8_t **ret_data,
			       size_t *ret_size, struct ofa_pack_timing *ret_timing, struct ofa_error *err)
{
	struct ofa_plan *plan = malloc(sizeof(*plan));
	struct ofa_bn_stats stats = {.storage = NULL};
	const bool calibrated = net->calibration.n > 0;
	const double start = now_ms();
	struct ofa_pool *helpers = NULL;
	double middle;
	enum ofa_status st = OFA_OK;

	/* before the first product: from here on BLAS runs on one thread, and so gives the same bits every time */
	if (!plan || ofa_pool_new(ofa_cpu_count() < MOST_THREADS ? ofa_cpu_count() : MOST_THREADS, &helpers)) {
		free(plan);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a plan or a thread");
	}
	ofa_plan_init(&net->space, &net->params, arch, plan);
	if (calibrated)
		st = ofa_calibrate_builtin(net, plan, net->calibration.n, pool, &stats, err);
	middle = now_ms();
	if (st == OFA_OK)
		st = pack(net, plan, calibrated ? &stats : NULL, info, helpers, ret_data, ret_size, err);
	if (st == OFA_OK && ret_timing)
		*ret_timing = (struct ofa_pack_timing){
			.calibrate_ms = middle - start,
			.pack_ms = now_ms() - middle,
			.helpers_cpu_ms = ofa_pool_cpu_seconds(helpers) * 1e3,
		};
	ofa_pool_free(helpers);
	ofa_bn_stats_release(&stats);
	free(plan);
	return st;
}
