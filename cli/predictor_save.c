#include "predictor_save.h"

#include <stdlib.h>
#include <string.h>

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

/* "ofa.predictor": the predictor's own metadata with the figures of its fit, as JSON text. */
static enum ofa_status describe(const struct ofa_predictor *p, json_t *figures, json_t **ret, struct ofa_error *err)
{
	json_t *meta = ofa_predictor_metadata(p);
	char *text = NULL;
	json_t *extra = NULL;

	if (meta && figures && json_object_update(meta, figures) == 0)
		text = json_dumps(meta, JSON_COMPACT | JSON_REAL_PRECISION(9));
	if (text)
		extra = json_pack("{s:s}", "ofa.predictor", text);
	json_decref(meta);
	json_decref(figures);
	free(text);
	if (!extra)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL,
		                "out of memory for the predictor's metadata, or a name in it is not UTF-8");
	*ret = extra;
	return OFA_OK;
}

enum ofa_status cli_save_predictor(const struct ofa_supernet *net, const struct ofa_predictor *p, json_t *figures,
                                   const char *out, struct ofa_error *err)
{
	struct ofa_tensor tensors[2 * OFA_PREDICTOR_MAX_LAYERS];
	struct ofa_supernet_parts parts;
	json_t *extra;
	enum ofa_status st = describe(p, figures, &extra, err);

	if (st != OFA_OK)
		return st;
	ofa_supernet_parts(net, &parts);
	parts.extra_metadata = extra;
	parts.extra = tensors;
	parts.n_extra = ofa_predictor_tensors(p, tensors);
	st = ofa_supernet_save(out, &parts, err);
	json_decref(extra);
	return st;
}
