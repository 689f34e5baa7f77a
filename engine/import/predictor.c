#include "import/predictor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WIDTH 4096
#define NOTHING 0x1p-63f /* ofa_predictor_bind() takes smaller weights for 0 */
#define NOT_DECAYED 0.9  /* of the initial root mean square */

/* The resolutions that a layout has slots for when there are n of them. */
struct slots {
	int n;
	uint16_t sizes[8];
};

struct layout {
	const char *before, *after; /* hidden layer l is called BEFORE<l*step>AFTER, the last one BEFORE<l*step> */
	int step;
	enum ofa_feature_order order;
	const char *base; /* NULL: none */
	struct slots known[3];
};

static const struct layout layouts[] = {
	{
		.before = "",
		.after = "",
		.step = 2,
		.order = OFA_FEATURES_K_E_R,
		.known = {{8, {112, 128, 144, 160, 176, 192, 208, 224}}},
	},
	{
		.before = "layers.",
		.after = ".0",
		.step = 1,
		.order = OFA_FEATURES_R_K_E,
		.base = "base_acc",
		.known = {{1, {224}}, {4, {128, 160, 192, 224}}, {8, {128, 144, 160, 176, 192, 224, 240, 256}}},
	},
};

static const char *const prefixes[] = {"", "model.", "module."};

struct source {
	const struct ofa_space *space;
	const struct ofa_tensor *tensors;
	size_t n;
	const struct layout *layout;
	const char *prefix;
	int n_slots;
	uint16_t sizes[OFA_MAX_RESOLUTIONS]; /* what each slot means */
	bool keep[OFA_MAX_RESOLUTIONS];
};

static const struct ofa_tensor *find(const struct source *src, const char *name)
{
	size_t skip = strlen(src->prefix);

	for (size_t i = 0; i < src->n; i++)
		if (strncmp(src->tensors[i].name, src->prefix, skip) == 0 &&
		    strcmp(src->tensors[i].name + skip, name) == 0)
			return &src->tensors[i];
	return NULL;
}

static const struct ofa_tensor *find_part(const struct source *src, int layer, const char *after, const char *part)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%d%s.%s", src->layout->before, layer * src->layout->step, after, part);
	return find(src, name);
}

static enum ofa_status find_layout(struct source *src, struct ofa_error *err)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(layouts); i++) {
		for (size_t j = 0; j < OFA_ARRAY_LEN(prefixes); j++) {
			src->layout = &layouts[i];
			src->prefix = prefixes[j];
			if (find_part(src, 0, layouts[i].after, "weight"))
				return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_NOT_FOUND, "predictor",
			"no accuracy predictor: a tensor \"0.weight\" or \"layers.0.0.weight\" is needed");
}

static enum ofa_status check_tensor(const struct ofa_tensor *t, int rank, struct ofa_error *err)
{
	if (t->dtype != OFA_F32)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, t->name, "is %s; F32 is accepted", ofa_dtype_name(t->dtype));
	if (t->rank != rank)
		return ofa_fail(err, OFA_ERR_MISMATCH, t->name, "has %d dimensions; %d are needed", t->rank, rank);
	for (int i = 0; i < rank; i++)
		if (t->shape[i] < 1 || t->shape[i] > MAX_WIDTH)
			return ofa_fail(err, OFA_ERR_MISMATCH, t->name, "has a dimension of %lld; 1 to %d are accepted",
					(long long)t->shape[i], MAX_WIDTH);
	return OFA_OK;
}

static enum ofa_status read_layer(const struct source *src, const char *after, struct ofa_predictor *p,
				  struct ofa_error *err)
{
	const struct ofa_tensor *w = find_part(src, p->n_layers, after, "weight");
	const struct ofa_tensor *b = find_part(src, p->n_layers, after, "bias");
	enum ofa_status st = check_tensor(w, 2, err);

	if (!st && b)
		st = check_tensor(b, 1, err);
	if (st)
		return st;
	if (p->n_layers > 0 && w->shape[1] != p->width[p->n_layers])
		return ofa_fail(err, OFA_ERR_MISMATCH, w->name,
				"takes %lld inputs, but the layer before has %d outputs", (long long)w->shape[1],
				p->width[p->n_layers]);
	if (b && b->shape[0] != w->shape[0])
		return ofa_fail(err, OFA_ERR_MISMATCH, b->name, "has %lld elements; its layer has %lld outputs",
				(long long)b->shape[0], (long long)w->shape[0]);
	p->w[p->n_layers] = w->data;
	p->b[p->n_layers] = b ? b->data : NULL;
	p->width[p->n_layers] = (int)w->shape[1];
	p->width[++p->n_layers] = (int)w->shape[0];
	return OFA_OK;
}

static enum ofa_status read_layers(const struct source *src, struct ofa_predictor *p, struct ofa_error *err)
{
	const struct layout *l = src->layout;
	enum ofa_status st = OFA_OK;
	const struct ofa_tensor *base = l->base ? find(src, l->base) : NULL;

	while (!st && p->n_layers < OFA_PREDICTOR_MAX_LAYERS && find_part(src, p->n_layers, l->after, "weight"))
		st = read_layer(src, l->after, p, err);
	if (!st && p->n_layers < OFA_PREDICTOR_MAX_LAYERS && find_part(src, p->n_layers, "", "weight"))
		st = read_layer(src, "", p, err);
	if (!st && p->width[p->n_layers] != 1)
		st = ofa_fail(err, OFA_ERR_MISMATCH, "predictor",
			      "its layer %d has %d outputs; the last of at most %d must have one", p->n_layers - 1,
			      p->width[p->n_layers], OFA_PREDICTOR_MAX_LAYERS);
	if (st || !base)
		return st;
	st = check_tensor(base, base->rank ? 1 : 0, err);
	if (!st && ofa_tensor_elements(base) != 1)
		st = ofa_fail(err, OFA_ERR_MISMATCH, base->name, "has %lld elements; one is needed",
			      (long long)ofa_tensor_elements(base));
	if (!st)
		p->base = *(const float *)base->data;
	return st;
}

/* The layout's own sizes for so many slots, or NULL. */
static const uint16_t *known_sizes(const struct source *src)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(src->layout->known); i++)
		if (src->layout->known[i].n == src->n_slots)
			return src->layout->known[i].sizes;
	return NULL;
}

static bool listed(const struct ofa_import_predictor_options *opt, int size)
{
	for (int i = 0; i < opt->n_resolutions; i++)
		if (opt->resolutions[i] == size)
			return true;
	return false;
}

static enum ofa_status check_list(const struct ofa_import_predictor_options *opt, struct ofa_error *err)
{
	for (int i = 0; i < opt->n_resolutions; i++)
		if (opt->resolutions[i] < 1 || opt->resolutions[i] > OFA_MAX_IMAGE_SIZE ||
		    (i && opt->resolutions[i] <= opt->resolutions[i - 1]))
			return ofa_fail(err, OFA_ERR_INVALID, "resolutions",
					"entry %d is %d; ascending sizes from 1 to %d are accepted", i,
					opt->resolutions[i], OFA_MAX_IMAGE_SIZE);
	return OFA_OK;
}

/* Keeps the listed ones of the layout's sizes. */
static enum ofa_status keep_listed(struct source *src, const struct ofa_import_predictor_options *opt,
				   struct ofa_error *err)
{
	int kept = 0;

	for (int i = 0; i < src->n_slots; i++) {
		src->keep[i] = listed(opt, src->sizes[i]);
		kept += src->keep[i];
	}
	if (kept == opt->n_resolutions)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, "resolutions",
			"%d of the %d resolutions asked for are among the predictor's %d, which are %d to %d", kept,
			opt->n_resolutions, src->n_slots, src->sizes[0], src->sizes[src->n_slots - 1]);
}

/* What the slots mean, and which of them are asked for: all where nothing is said. */
static enum ofa_status name_slots(struct source *src, int n_features, const struct ofa_import_predictor_options *opt,
				  struct ofa_error *err)
{
	int genes = ofa_predictor_feature_count(src->space, 0);
	const uint16_t *known;

	src->n_slots = n_features - genes;
	if (src->n_slots < 1 || src->n_slots > OFA_MAX_RESOLUTIONS)
		return ofa_fail(err, OFA_ERR_MISMATCH, "predictor",
				"takes %d features, but archs of space \"%s\" have %d and one for each of 1 to %d "
				"resolutions",
				n_features, src->space->name, genes, OFA_MAX_RESOLUTIONS);
	known = known_sizes(src);
	if (opt->n_resolutions == src->n_slots)
		known = opt->resolutions;
	if (!known)
		return ofa_fail(err, OFA_ERR_MISMATCH, "resolutions",
				"the predictor takes %d features, of which archs of space \"%s\" fill %d: if it was "
				"made for this space it knows %d resolutions, and which must be given",
				n_features, src->space->name, genes, src->n_slots);
	for (int i = 0; i < src->n_slots; i++) {
		src->sizes[i] = known[i];
		src->keep[i] = true;
	}
	if (opt->n_resolutions && opt->n_resolutions != src->n_slots)
		return keep_listed(src, opt, err);
	return OFA_OK;
}

/* The first feature of the resolutions. */
static int slots_at(const struct source *src, const struct ofa_predictor *p)
{
	return src->layout->order == OFA_FEATURES_R_K_E ? 0 : p->width[0] - src->n_slots;
}

static enum ofa_status drop_untrained(struct source *src, const struct ofa_predictor *p, struct ofa_error *err)
{
	const size_t in = (size_t)p->width[0], out = (size_t)p->width[1];
	const float bound = 1 / sqrtf((float)in);
	double square = 0, n = (double)in * (double)out;
	bool any = false, fresh;

	for (size_t i = 0; i < in * out; i++)
		square += (double)p->w[0][i] * (double)p->w[0][i];
	fresh = sqrt(square / n) >= NOT_DECAYED * (double)bound / sqrt(3);
	for (int i = 0; i < src->n_slots; i++) {
		float max = 0;

		for (size_t j = 0; j < out; j++)
			max = fmaxf(max, fabsf(p->w[0][j * in + (size_t)(slots_at(src, p) + i)]));
		src->keep[i] = max >= (fresh ? bound * (1 + 1e-6f) : NOTHING);
		any = any || src->keep[i];
	}
	if (any)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_INVALID, "resolutions",
			"none of the predictor's %d resolutions looks trained; those to use must be given",
			src->n_slots);
}

/* The first layer without the columns of slots that are not kept; *ret_owned holds it until the predictor is bound. */
static enum ofa_status keep_columns(const struct source *src, struct ofa_predictor *p, float **ret_owned,
				    struct ofa_error *err)
{
	const int in = p->width[0], at = slots_at(src, p);
	float *w = malloc((size_t)in * (size_t)p->width[1] * sizeof(*w)), *to = w;

	if (!w)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (int j = 0; j < p->width[1]; j++)
		for (int i = 0; i < in; i++)
			if (i < at || i >= at + src->n_slots || src->keep[i - at])
				*to++ = p->w[0][(size_t)j * (size_t)in + (size_t)i];
	for (int i = 0; i < src->n_slots; i++) {
		if (src->keep[i])
			p->resolutions[p->n_resolutions++] = src->sizes[i];
		else
			p->width[0]--;
	}
	p->w[0] = w;
	*ret_owned = w;
	return OFA_OK;
}

enum ofa_status ofa_import_predictor(const struct ofa_space *s, const struct ofa_tensor *tensors, size_t n,
				     const struct ofa_import_predictor_options *opt, struct ofa_predictor *ret,
				     struct ofa_error *err)
{
	struct source src = {.space = s, .tensors = tensors, .n = n};
	struct ofa_predictor p = {0};
	float *first = NULL;
	enum ofa_status st = check_list(opt, err);

	if (!st)
		st = find_layout(&src, err);
	if (!st)
		st = read_layers(&src, &p, err);
	if (!st)
		st = name_slots(&src, p.width[0], opt, err);
	if (!st && !opt->n_resolutions)
		st = drop_untrained(&src, &p, err);
	if (!st)
		st = keep_columns(&src, &p, &first, err);
	if (!st) {
		p.order = src.layout->order;
		st = ofa_predictor_bind(s, &p, err);
	}
	free(first);
	if (!st)
		*ret = p;
	return st;
}
