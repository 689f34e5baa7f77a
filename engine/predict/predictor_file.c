#include "predict/predictor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIDTH 4096

static const char *const order_names[] = {
	[OFA_FEATURES_K_E_R] = "k_e_r",
	[OFA_FEATURES_R_K_E] = "r_k_e",
};

static const char *const tensor_names[2 * OFA_PREDICTOR_MAX_LAYERS] = {
	"ofa.predictor.0.weight", "ofa.predictor.0.bias", "ofa.predictor.1.weight", "ofa.predictor.1.bias",
	"ofa.predictor.2.weight", "ofa.predictor.2.bias", "ofa.predictor.3.weight", "ofa.predictor.3.bias",
	"ofa.predictor.4.weight", "ofa.predictor.4.bias", "ofa.predictor.5.weight", "ofa.predictor.5.bias",
};

static const char *const kind_names[] = {
	[OFA_PREDICTOR_MLP] = "mlp",
	[OFA_PREDICTOR_PAIRWISE] = "pairwise",
};

static const char single_name[] = "ofa.predictor.single", pair_name[] = "ofa.predictor.pair";

/* Without a kind it is an MLP, as all were once. */
static enum ofa_status parse_kind(const json_t *json, struct ofa_predictor *p, struct ofa_error *err)
{
	const json_t *kind = json_object_get(json, "kind");

	p->kind = OFA_PREDICTOR_MLP;
	if (!kind)
		return OFA_OK;
	for (size_t i = 0; json_is_string(kind) && i < OFA_ARRAY_LEN(kind_names); i++) {
		if (strcmp(json_string_value(kind), kind_names[i]) == 0) {
			p->kind = (enum ofa_predictor_kind)i;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, "ofa.predictor/kind",
			"the predictor's kind is \"%.32s\"; mlp and pairwise are known",
			json_is_string(kind) ? json_string_value(kind) : "not a string");
}

static enum ofa_status parse_order(const json_t *json, struct ofa_predictor *p, struct ofa_error *err)
{
	const char *name = json_string_value(json_object_get(json, "order"));

	for (size_t i = 0; name && i < OFA_ARRAY_LEN(order_names); i++) {
		if (strcmp(name, order_names[i]) == 0) {
			p->order = (enum ofa_feature_order)i;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/order",
			"the feature order is \"%.32s\"; k_e_r and r_k_e are accepted", name ? name : "absent");
}

static enum ofa_status parse_resolutions(const json_t *json, struct ofa_predictor *p, struct ofa_error *err)
{
	const json_t *list = json_object_get(json, "resolutions");
	size_t n = json_array_size(list);
	json_int_t previous = 0;

	if (n < 1 || n > OFA_MAX_RESOLUTIONS)
		return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/resolutions",
				"an array of 1 to %d resolutions is needed", OFA_MAX_RESOLUTIONS);
	for (size_t i = 0; i < n; i++) {
		json_int_t r = json_integer_value(json_array_get(list, i));

		if (r <= previous || r > OFA_MAX_IMAGE_SIZE)
			return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/resolutions",
					"entry %zu is %" JSON_INTEGER_FORMAT
					"; ascending whole numbers from 1 to %d are accepted",
					i, r, OFA_MAX_IMAGE_SIZE);
		p->resolutions[i] = (uint16_t)r;
		previous = r;
	}
	p->n_resolutions = (int)n;
	return OFA_OK;
}

static enum ofa_status parse_widths(const json_t *json, struct ofa_predictor *p, struct ofa_error *err)
{
	const json_t *list = json_object_get(json, "widths");
	size_t n = json_array_size(list);

	if (n < 2 || n > OFA_PREDICTOR_MAX_LAYERS + 1)
		return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/widths",
				"an array of 2 to %d layer widths is needed", OFA_PREDICTOR_MAX_LAYERS + 1);
	for (size_t i = 0; i < n; i++) {
		json_int_t w = json_integer_value(json_array_get(list, i));

		if (w < 1 || w > MAX_WIDTH)
			return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/widths",
					"entry %zu is %" JSON_INTEGER_FORMAT
					"; whole numbers from 1 to %d are accepted",
					i, w, MAX_WIDTH);
		p->width[i] = (int)w;
	}
	p->n_layers = (int)n - 1;
	return OFA_OK;
}

static enum ofa_status parse_promises(const json_t *json, struct ofa_predictor *p, struct ofa_error *err)
{
	const char *name;
	json_t *promise;

	json_object_foreach(json_object_get(json, "dtypes"), name, promise) {
		enum ofa_precision precision;
		char field[64];
		enum ofa_status st;

		snprintf(field, sizeof(field), "ofa.predictor/dtypes/%.16s", name);
		if (!ofa_precision_find(name, &precision))
			return ofa_fail(err, OFA_ERR_FORMAT, field,
					"is no type; " OFA_PRECISION_CHOICES " is accepted");
		st = ofa_promise_parse(promise, field, &p->promises[precision], err);
		if (st)
			return st;
	}
	return OFA_OK;
}

static enum ofa_status parse_metadata(const char *text, struct ofa_predictor *p, struct ofa_error *err)
{
	json_error_t where;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &where);
	enum ofa_status st;

	if (!json)
		return ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor", "is not JSON: %s", where.text);
	p->base = p->pairwise.base = (float)json_number_value(json_object_get(json, "base"));
	st = parse_kind(json, p, err);
	if (!st && p->kind == OFA_PREDICTOR_MLP)
		st = parse_order(json, p, err);
	if (!st)
		st = parse_resolutions(json, p, err);
	if (!st && p->kind == OFA_PREDICTOR_MLP)
		st = parse_widths(json, p, err);
	if (!st)
		st = parse_promises(json, p, err);
	if (!st && !isfinite(p->base))
		st = ofa_fail(err, OFA_ERR_FORMAT, "ofa.predictor/base", "is too large for a float");
	json_decref(json);
	return st;
}

static enum ofa_status find_layer(const struct ofa_safetensors *file, int l, struct ofa_predictor *p,
				  struct ofa_error *err)
{
	const struct ofa_tensor *w = ofa_safetensors_find(file, tensor_names[2 * l]);
	const struct ofa_tensor *b = ofa_safetensors_find(file, tensor_names[2 * l + 1]);

	if (!w || w->dtype != OFA_F32 || w->rank != 2 || w->shape[0] != p->width[l + 1] || w->shape[1] != p->width[l])
		return ofa_fail(err, OFA_ERR_MISMATCH, tensor_names[2 * l], "an F32 tensor of shape (%d, %d) is needed",
				p->width[l + 1], p->width[l]);
	if (b && (b->dtype != OFA_F32 || b->rank != 1 || b->shape[0] != p->width[l + 1]))
		return ofa_fail(err, OFA_ERR_MISMATCH, tensor_names[2 * l + 1], "an F32 tensor of shape (%d) is needed",
				p->width[l + 1]);
	p->w[l] = w->data;
	p->b[l] = b ? b->data : NULL;
	return OFA_OK;
}

static enum ofa_status find_values(const struct ofa_supernet *net, struct ofa_predictor *p, struct ofa_error *err)
{
	const struct ofa_tensor *single = ofa_safetensors_find(&net->file, single_name);
	const struct ofa_tensor *pair = ofa_safetensors_find(&net->file, pair_name);
	struct ofa_genes genes;

	ofa_genes_init(&net->space, p->n_resolutions, &genes);
	if (!single || single->dtype != OFA_F32 || single->rank != 1 || single->shape[0] != genes.n_features)
		return ofa_fail(err, OFA_ERR_MISMATCH, single_name,
				"an F32 tensor of shape (%d) is needed for space \"%s\" and %d resolutions",
				genes.n_features, net->space.name, p->n_resolutions);
	if (!pair || pair->dtype != OFA_F32 || pair->rank != 2 || pair->shape[0] != genes.n_features ||
	    pair->shape[1] != genes.n_features)
		return ofa_fail(err, OFA_ERR_MISMATCH, pair_name, "an F32 tensor of shape (%d, %d) is needed",
				genes.n_features, genes.n_features);
	p->pairwise.single = single->data;
	p->pairwise.pair = pair->data;
	return OFA_OK;
}

enum ofa_status ofa_predictor_load(const struct ofa_supernet *net, struct ofa_predictor *ret, struct ofa_error *err)
{
	const char *text = ofa_safetensors_meta(&net->file, "ofa.predictor");
	struct ofa_predictor p = {0};
	enum ofa_status st;

	if (!text)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, "ofa.predictor",
				"network \"%s\" has no accuracy predictor; fit one with \"ofa predictor fit\"",
				net->name);
	st = parse_metadata(text, &p, err);
	if (!st && p.kind == OFA_PREDICTOR_PAIRWISE)
		st = find_values(net, &p, err);
	for (int l = 0; !st && l < p.n_layers; l++)
		st = find_layer(&net->file, l, &p, err);
	if (!st)
		st = ofa_predictor_bind(&net->space, &p, err);
	if (st)
		return st;
	*ret = p;
	return OFA_OK;
}

static size_t pairwise_tensors(const struct ofa_pairwise *p, struct ofa_tensor *ret_tensors)
{
	const int64_t n = p->genes.n_features;

	ret_tensors[0] = (struct ofa_tensor){
		.name = single_name,
		.dtype = OFA_F32,
		.rank = 1,
		.shape = {n},
		.data = p->single,
		.size = (size_t)n * sizeof(float),
	};
	ret_tensors[1] = (struct ofa_tensor){
		.name = pair_name,
		.dtype = OFA_F32,
		.rank = 2,
		.shape = {n, n},
		.data = p->pair,
		.size = (size_t)(n * n) * sizeof(float),
	};
	return 2;
}

size_t ofa_predictor_tensors(const struct ofa_predictor *p, struct ofa_tensor *ret_tensors)
{
	size_t n = 0;

	if (p->kind == OFA_PREDICTOR_PAIRWISE)
		return pairwise_tensors(&p->pairwise, ret_tensors);
	for (int l = 0; l < p->n_layers; l++) {
		int64_t in = p->width[l], out = p->width[l + 1];

		ret_tensors[n++] = (struct ofa_tensor){
			.name = tensor_names[2 * l],
			.dtype = OFA_F32,
			.rank = 2,
			.shape = {out, in},
			.data = p->w[l],
			.size = (size_t)(out * in) * sizeof(float),
		};
		if (p->b[l])
			ret_tensors[n++] = (struct ofa_tensor){
				.name = tensor_names[2 * l + 1],
				.dtype = OFA_F32,
				.rank = 1,
				.shape = {out},
				.data = p->b[l],
				.size = (size_t)out * sizeof(float),
			};
	}
	return n;
}

json_t *ofa_predictor_metadata(const struct ofa_predictor *p)
{
	json_t *resolutions = json_array(), *widths = json_array();

	for (int i = 0; i < p->n_resolutions; i++)
		json_array_append_new(resolutions, json_integer(p->resolutions[i]));
	if (p->kind == OFA_PREDICTOR_PAIRWISE) {
		json_decref(widths);
		return json_pack("{s:s, s:o, s:f}", "kind", kind_names[p->kind], "resolutions", resolutions, "base",
				 (double)p->pairwise.base);
	}
	for (int l = 0; l <= p->n_layers; l++)
		json_array_append_new(widths, json_integer(p->width[l]));
	return json_pack("{s:s, s:o, s:o, s:f}", "order", order_names[p->order], "resolutions", resolutions, "widths",
			 widths, "base", (double)p->base);
}
