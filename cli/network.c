#include "network.h"

#include <stdio.h>
#include <string.h>

#include "import/family.h"
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

/* Bare tensors, as long as they are spelled as ours are. */
static bool infer_space(const struct ofa_safetensors *file, struct ofa_space *ret)
{
	struct ofa_import_names names;
	struct ofa_import_space found;
	bool inferred;

	if (ofa_import_names_init(file->tensors, file->n_tensors, &names, NULL) != OFA_OK)
		return false;
	inferred = ofa_import_infer(&names, &found, NULL) == OFA_OK;
	ofa_import_names_release(&names);
	if (inferred)
		*ret = found.space;
	return inferred;
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
		                "expected a network written by `ofa train` or `ofa import`");
	return ofa_supernet_load_as(path, &space, ret_net, err);
}

enum ofa_status cli_save_metadata(const struct ofa_supernet *net, json_t *metadata, const char *out,
                                  struct ofa_error *err)
{
	struct ofa_supernet_parts parts;

	ofa_supernet_parts(net, &parts);
	parts.extra_metadata = metadata;
	return ofa_supernet_save(out, &parts, err);
}
