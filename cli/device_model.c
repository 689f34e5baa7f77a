#include "device_model.h"

#include <stdlib.h>

#define ARENA_ALIGN 64

void *cli_device_new_arena(const struct ofa_device_model *model)
{
	size_t size = (ofa_device_arena_bytes(model) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;

	return aligned_alloc(ARENA_ALIGN, size);
}

enum ofa_status cli_device_load(const void *data, size_t size, struct cli_device_model *ret, struct ofa_error *err)
{
	struct cli_device_model d = {0};
	uint32_t where = 0;
	enum ofa_device_status ds = ofa_device_load(data, size, &d.model, &where);

	if (ds == OFA_DEVICE_OK)
		ds = ofa_device_verify(&d.model, &where);
	if (ds != OFA_DEVICE_OK)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the device runtime refuses the package: %s (byte %u)",
		                ofa_device_strerror(ds), where);
	d.arena = cli_device_new_arena(&d.model);
	if (!d.arena)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for an arena of %zu bytes",
		                ofa_device_arena_bytes(&d.model));
	ds = ofa_device_self_test(&d.model, d.arena, ofa_device_arena_bytes(&d.model));
	if (ds != OFA_DEVICE_OK) {
		free(d.arena);
		return ofa_fail(err, OFA_ERR_MISMATCH, NULL, "the package fails its self-test: %s",
		                ofa_device_strerror(ds));
	}
	*ret = d;
	return OFA_OK;
}

enum ofa_status cli_device_open(const char *path, struct cli_device_model *ret, struct ofa_error *err)
{
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(path, &map, err);

	if (st != OFA_OK)
		return st;
	st = cli_device_load(map.data, map.size, ret, err);
	if (st == OFA_OK) {
		ret->map = map;
		return OFA_OK;
	}
	ofa_error_prefix(err, "%s", path);
	ofa_map_close(&map);
	return st;
}

void cli_device_close(struct cli_device_model *d)
{
	free(d->arena);
	if (d->map.data)
		ofa_map_close(&d->map);
	*d = (struct cli_device_model){0};
}
