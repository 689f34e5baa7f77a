#include "network.h"

#include <stdio.h>
#include <string.h>

#include "ofa_format.h"

#define MAGIC_BYTES (sizeof OFA_FMT_MAGIC - 1)

enum ofa_status cli_is_package(const char *path, bool *ret_is_package, struct ofa_error *err)
{
	char head[MAGIC_BYTES] = {0};
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(path, &map, err);

	if (st != OFA_OK)
		return st;
	if (map.size >= sizeof head)
		memcpy(head, map.data, sizeof head);
	ofa_map_close(&map);
	*ret_is_package = memcmp(head, OFA_FMT_MAGIC, sizeof head) == 0;
	return OFA_OK;
}

static bool shape_equal(const struct ofa_param *p, const struct ofa_tensor *t)
{
	if (t->rank != p->rank)
		return false;
	for (int i = 0; i < p->rank; i++)
		if (t->shape[i] != p->shape[i])
			return false;
	return true;
}

static bool space_fits(const struct ofa_space *space, const struct ofa_safetensors *file)
{
	struct ofa_params params;
	bool fits = true;

	if (ofa_params_init(space, &params, NULL) != OFA_OK)
		return false;
	for (int i = 0; fits && i < params.n; i++) {
		const struct ofa_tensor *t = ofa_safetensors_find(file, params.list[i].name);
		fits = t && shape_equal(&params.list[i], t);
	}
	ofa_params_release(&params);
	return fits;
}

/* Widths are rounded to multiples of 8, so several multipliers may give one network; the first will do. */
static bool infer_space(const struct ofa_safetensors *file, struct ofa_space *ret)
{
	static const char *const families[] = {"mbv3", "proxyless"};
	const struct ofa_tensor *bias = ofa_safetensors_find(file, "classifier.linear.bias");

	if (!bias || bias->rank != 1 || bias->shape[0] < 1 || bias->shape[0] > OFA_MAX_CLASSES)
		return false;
	for (size_t f = 0; f < OFA_ARRAY_LEN(families); f++) {
		for (int twentieths = 1; twentieths <= 40; twentieths++) {
			int classes = (int)bias->shape[0];
			if (ofa_space_preset(families[f], twentieths / 20.0, classes, ret, NULL) == OFA_OK &&
			    space_fits(ret, file))
				return true;
		}
	}
	return false;
}

enum ofa_status cli_open_network(const char *path, struct ofa_supernet **ret_net, struct ofa_error *err)
{
	struct ofa_safetensors file;
	struct ofa_space space;
	bool bare, inferred;
	enum ofa_status st = ofa_safetensors_open(path, &file, err);

	if (st != OFA_OK)
		return st;
	bare = !ofa_safetensors_meta(&file, "ofa.space");
	inferred = bare && infer_space(&file, &space);
	ofa_safetensors_close(&file);
	if (!bare)
		return ofa_supernet_load(path, ret_net, err);
	if (!inferred)
		return ofa_fail(err, OFA_ERR_FORMAT, path,
		                "no ofa.space in its metadata and no published once-for-all family has these tensors; "
		                "expected a network written by `ofa train`");
	return ofa_supernet_load_as(path, &space, ret_net, err);
}
