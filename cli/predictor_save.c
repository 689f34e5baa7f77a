#include "predictor_save.h"

#include <string.h>

#include "network.h"

static const char *const kind_names[] = {
	[OFA_PREDICTOR_MLP] = "mlp",
	[OFA_PREDICTOR_PAIRWISE] = "pairwise",
};

enum ofa_status cli_parse_predictor_kind(const char *text, enum ofa_predictor_kind otherwise,
                                         enum ofa_predictor_kind *ret, struct ofa_error *err)
{
	if (!text) {
		*ret = otherwise;
		return OFA_OK;
	}
	for (size_t i = 0; i < OFA_ARRAY_LEN(kind_names); i++) {
		if (strcmp(text, kind_names[i]) == 0) {
			*ret = (enum ofa_predictor_kind)i;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_INVALID, "--kind", "no kind of predictor is called '%.40s'; mlp and pairwise are",
	                text);
}

const char *cli_predictor_kind_name(enum ofa_predictor_kind kind)
{
	return kind_names[kind];
}

/* The file's metadata with the predictor's own and the figures of its fit in it. */
static enum ofa_status describe(const struct ofa_supernet *net, const struct ofa_predictor *p, json_t *figures,
                                json_t **ret, struct ofa_error *err)
{
	json_t *description = ofa_predictor_metadata(p), *metadata = json_copy(net->file.metadata);
	const bool whole = description && figures && json_object_update(description, figures) == 0;

	json_decref(figures);
	if (!whole) {
		json_decref(description);
		description = NULL;
	}
	if (!ofa_supernet_set_metadata(metadata, "ofa.predictor", description)) {
		json_decref(metadata);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL,
		                "out of memory for the predictor's metadata, or a name in it is not UTF-8");
	}
	*ret = metadata;
	return OFA_OK;
}

enum ofa_status cli_save_predictor(const struct ofa_supernet *net, const struct ofa_predictor *p, json_t *figures,
                                   const char *out, struct ofa_error *err)
{
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	struct ofa_supernet_parts parts;
	json_t *metadata = NULL;
	enum ofa_status st = describe(net, p, figures, &metadata, err);

	if (st != OFA_OK)
		return st;
	ofa_supernet_parts(net, &parts);
	parts.extra_metadata = metadata;
	parts.extra = tensors;
	parts.n_extra = ofa_predictor_tensors(p, tensors);
	st = ofa_supernet_save(out, &parts, err);
	json_decref(metadata);
	return st;
}

/* A new reference: what the file says of its predictor, with the promise in "dtypes". */
static json_t *describe_promise(const struct ofa_supernet *net, enum ofa_precision precision,
                                const struct ofa_promise *promise, json_t *figures)
{
	const char *text = ofa_safetensors_meta(&net->file, "ofa.predictor");
	json_t *meta = text ? json_loads(text, 0, NULL) : NULL, *one = ofa_promise_format(promise);
	json_t *dtypes = json_object_get(meta, "dtypes");
	int failed = !meta || !figures || json_object_update(one, figures) != 0;

	if (!failed && !dtypes) {
		dtypes = json_object();
		failed = json_object_set_new(meta, "dtypes", dtypes) != 0;
	}
	failed |= json_object_set(dtypes, ofa_precision_name(precision), one) != 0;
	json_decref(one);
	if (failed) {
		json_decref(meta);
		return NULL;
	}
	return meta;
}

enum ofa_status cli_save_promise(const struct ofa_supernet *net, enum ofa_precision precision,
                                 const struct ofa_promise *promise, json_t *figures, const char *out,
                                 struct ofa_error *err)
{
	json_t *meta = describe_promise(net, precision, promise, figures), *metadata = json_copy(net->file.metadata);
	enum ofa_status st;

	if (ofa_supernet_set_metadata(metadata, "ofa.predictor", meta))
		st = cli_save_metadata(net, metadata, out, err);
	else
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory for the predictor's metadata");
	json_decref(metadata);
	json_decref(figures);
	return st;
}
