#include "import/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "import/torch.h"

const char *ofa_checkpoint_format_name(enum ofa_checkpoint_format f)
{
	static const char *const names[OFA_CHECKPOINT_FORMAT_COUNT] = {
		[OFA_CHECKPOINT_TORCH_ZIP] = "torch-zip",
		[OFA_CHECKPOINT_TORCH_LEGACY] = "torch-legacy",
		[OFA_CHECKPOINT_SAFETENSORS] = "safetensors",
	};

	return (unsigned)f < OFA_CHECKPOINT_FORMAT_COUNT ? names[f] : "unknown";
}

static enum ofa_status parse_safetensors(const uint8_t *data, size_t size, struct ofa_checkpoint *c,
					 struct ofa_error *err)
{
	enum ofa_status st = ofa_safetensors_parse(data, size, &c->safetensors, err);

	if (st != OFA_OK)
		return st;
	if (c->safetensors.n_tensors > OFA_CHECKPOINT_MAX_TENSORS)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "the file has %zu tensors, at most %d are read",
				c->safetensors.n_tensors, OFA_CHECKPOINT_MAX_TENSORS);
	c->container = "";
	c->tensors = c->safetensors.tensors;
	c->n_tensors = c->safetensors.n_tensors;
	return OFA_OK;
}

/* By the first bytes: a zip's local header; a pickle's protocol mark; else a header length and "{". */
static enum ofa_status parse(const uint8_t *data, size_t size, struct ofa_checkpoint *c, struct ofa_error *err)
{
	static const uint8_t zip[] = {'P', 'K', 3, 4};

	if (size >= sizeof(zip) && memcmp(data, zip, sizeof(zip)) == 0) {
		c->format = OFA_CHECKPOINT_TORCH_ZIP;
		return ofa_torch_zip_parse(data, size, c, err);
	}
	if (size >= 2 && data[0] == 0x80 && data[1] <= 5) {
		c->format = OFA_CHECKPOINT_TORCH_LEGACY;
		return ofa_torch_legacy_parse(data, size, c, err);
	}
	if (size > 8 && data[8] == '{') {
		c->format = OFA_CHECKPOINT_SAFETENSORS;
		return parse_safetensors(data, size, c, err);
	}
	return ofa_fail(err, OFA_ERR_FORMAT, NULL,
			"not a checkpoint: neither torch.save's zip format nor its older one nor safetensors");
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct ofa_tensor *const *)a)->name, (*(const struct ofa_tensor *const *)b)->name);
}

static enum ofa_status sort_names(struct ofa_checkpoint *c, struct ofa_error *err)
{
	c->by_name = calloc(c->n_tensors + 1, sizeof(*c->by_name));
	if (!c->by_name)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; i < c->n_tensors; i++)
		c->by_name[i] = &c->tensors[i];
	qsort(c->by_name, c->n_tensors, sizeof(*c->by_name), compare_names);
	for (size_t i = 1; i < c->n_tensors; i++)
		if (strcmp(c->by_name[i - 1]->name, c->by_name[i]->name) == 0)
			return ofa_fail(err, OFA_ERR_FORMAT, c->by_name[i]->name,
					"tensor \"%s\" stands twice in the file", c->by_name[i]->name);
	return OFA_OK;
}

enum ofa_status ofa_checkpoint_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *ret,
				     struct ofa_error *err)
{
	struct ofa_checkpoint c = {0};
	enum ofa_status st = parse(data, size, &c, err);

	if (st == OFA_OK)
		st = sort_names(&c, err);
	if (st == OFA_OK)
		*ret = c;
	else
		ofa_checkpoint_close(&c);
	return st;
}

enum ofa_status ofa_checkpoint_open(const char *path, struct ofa_checkpoint *ret, struct ofa_error *err)
{
	struct ofa_checkpoint c;
	struct ofa_map map;
	enum ofa_status st = ofa_map_open(path, &map, err);

	if (st != OFA_OK)
		return st;
	st = ofa_checkpoint_parse(map.data, map.size, &c, err);
	if (st != OFA_OK) {
		ofa_error_prefix(err, "%s", path);
		ofa_map_close(&map);
		return st;
	}
	c.map = map;
	*ret = c;
	return OFA_OK;
}

void ofa_checkpoint_close(struct ofa_checkpoint *c)
{
	/* Those of a safetensors file are the file object's. */
	if (c->tensors != c->safetensors.tensors)
		free(c->tensors);
	ofa_safetensors_close(&c->safetensors);
	free(c->by_name);
	free(c->data);
	free(c->names);
	ofa_map_close(&c->map);
	*c = (struct ofa_checkpoint){0};
}

const struct ofa_tensor *ofa_checkpoint_find(const struct ofa_checkpoint *c, const char *name)
{
	const struct ofa_tensor key = {.name = name}, *k = &key;
	const struct ofa_tensor **found = NULL;

	if (c->n_tensors)
		found = bsearch(&k, c->by_name, c->n_tensors, sizeof(*c->by_name), compare_names);
	return found ? *found : NULL;
}
