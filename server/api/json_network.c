#include "api/json_network.h"
#include "base/sha256.h"

#define COUNT_MAX 512 /* digits of a number of subnets */

static json_t *integers(const uint16_t *v, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_integer(v[i]));
	return list;
}

static json_t *reals(const float *v, int n)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_real(v[i]));
	return list;
}

static json_t *classes(const struct ofa_supernet *net)
{
	json_t *list;

	if (!net->classes)
		return NULL;
	list = json_array();
	for (int i = 0; i < net->space.classes; i++)
		json_array_append_new(list, json_string(net->classes[i]));
	return list;
}

static json_int_t parameter_count(const struct ofa_supernet *net)
{
	json_int_t n = 0;

	for (int i = 0; i < net->params.n; i++)
		n += (json_int_t)net->params.list[i].elements;
	return n;
}

/* What the network file says of its predictor: how it was made and how well it does. */
static json_t *metadata_object(const struct ofa_supernet *net, const char *key)
{
	const char *text = ofa_safetensors_meta(&net->file, key);

	return text ? json_loads(text, 0, NULL) : NULL;
}

static json_t *feasible(const struct network *n)
{
	struct ofa_feasible f;

	ofa_search_feasible(n->problem, &f);
	return ofa_feasible_format(&f);
}

json_t *network_summary_format(const struct network *n)
{
	const struct ofa_supernet *net = n->net;
	char sha256[2 * OFA_SHA256_BYTES + 1];

	ofa_hex(net->sha256, OFA_SHA256_BYTES, sha256);
	return json_pack("{s:s, s:s, s:i, s:o, s:{s:o}}", "name", net->name, "sha256", sha256, "classes",
			 net->space.classes, "resolutions", integers(net->space.resolutions, net->space.n_resolutions),
			 "links", "self", json_sprintf("/networks/%s", net->name));
}

json_t *network_format(const struct network *n)
{
	const struct ofa_supernet *net = n->net;
	const struct ofa_space *space = &net->space;
	char sha256[2 * OFA_SHA256_BYTES + 1], count[COUNT_MAX];

	ofa_hex(net->sha256, OFA_SHA256_BYTES, sha256);
	ofa_space_count(space, count, sizeof(count));
	/* clang-format off */
	return json_pack("{s:s, s:s, s:o, s:o*, s:{s:i, s:o, s:o}, s:o, s:o, s:s, s:I, s:I, s:o*, s:o*, s:s*, s:o*,"
	                 " s:o*, s:o}",
	                 "name", net->name,
	                 "sha256", sha256,
	                 "space", ofa_space_format(space),
	                 "classes", classes(net),
	                 "input",
	                 "channels", space->input_channels,
	                 "mean", reals(net->mean, space->input_channels),
	                 "std", reals(net->std, space->input_channels),
	                 "resolutions", integers(space->resolutions, space->n_resolutions),
	                 "searched_resolutions", integers(n->predictor.resolutions, n->predictor.n_resolutions),
	                 "subnets_per_resolution", count,
	                 "params", parameter_count(net),
	                 "calibration_images", (json_int_t)net->calibration.n,
	                 "predictor", metadata_object(net, "ofa.predictor"),
	                 "lineage", metadata_object(net, "ofa.lineage"),
	                 "license", ofa_safetensors_meta(&net->file, "ofa.license"),
	                 "references", n->references.n ? ofa_references_format(&n->references) : NULL,
	                 "history", n->history.n_phases ? ofa_history_format(&n->history) : NULL,
	                 "feasible", feasible(n));
	/* clang-format on */
}
