#include "predict/features.h"

#include <string.h>

/* A group for each block, from a stage on; returns where they end. */
static int add_blocks(const struct ofa_space *s, int first_stage, bool kernels, int at, int *group)
{
	for (int i = first_stage; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = 0; b < st->max_depth; b++, at += kernels ? st->n_kernels : st->n_expands)
			group[st->first_block + b] = at;
	}
	return at;
}

void ofa_feature_layout_init(const struct ofa_space *s, enum ofa_feature_order order, int n_resolutions,
			     struct ofa_feature_layout *ret)
{
	int at = order == OFA_FEATURES_R_K_E ? n_resolutions : 0;

	memset(ret, -1, sizeof(*ret));
	if (s->family == OFA_FAMILY_RESNET) {
		ret->stem = at;
		at += 2;
		for (int i = 0; i < s->n_width_genes; i++) {
			ret->width[i] = at;
			at += s->widths[i].n;
		}
		at = add_blocks(s, 1, false, at, ret->expand);
	} else {
		at = add_blocks(s, 0, true, at, ret->kernel);
		at = add_blocks(s, 0, false, at, ret->expand);
	}
	ret->resolution = order == OFA_FEATURES_R_K_E ? 0 : at;
	ret->n = order == OFA_FEATURES_R_K_E ? at : at + n_resolutions;
}

int ofa_predictor_feature_count(const struct ofa_space *s, int n_resolutions)
{
	struct ofa_feature_layout l;

	ofa_feature_layout_init(s, OFA_FEATURES_K_E_R, n_resolutions, &l);
	return l.n;
}

static int resolution_index(const struct ofa_predictor *p, int image_size)
{
	for (int i = 0; i < p->n_resolutions; i++)
		if (p->resolutions[i] == image_size)
			return i;
	return -1;
}

bool ofa_predictor_has_resolution(const struct ofa_predictor *p, int image_size)
{
	return resolution_index(p, image_size) >= 0;
}

int ofa_predictor_active(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			 uint16_t *index)
{
	int r = resolution_index(p, a->image_size), n = 0;
	struct ofa_feature_layout l;

	ofa_feature_layout_init(s, p->order, p->n_resolutions, &l);
	if (l.stem >= 0)
		index[n++] = (uint16_t)(l.stem + ofa_arch_active(s, a, 0));
	for (int i = 0; i < s->n_width_genes; i++)
		index[n++] = (uint16_t)(l.width[i] + a->w[i]);
	for (int b = 0; b < s->n_blocks; b++) {
		bool active = ofa_arch_active(s, a, b);

		if (active && l.kernel[b] >= 0)
			index[n++] = (uint16_t)(l.kernel[b] + a->k[b]);
		if (active && l.expand[b] >= 0)
			index[n++] = (uint16_t)(l.expand[b] + a->e[b]);
	}
	if (r >= 0)
		index[n++] = (uint16_t)(l.resolution + r);
	return n;
}

void ofa_predictor_features(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			    float *x)
{
	uint16_t index[OFA_PREDICTOR_MAX_ACTIVE];
	int n = ofa_predictor_active(s, p, a, index);

	memset(x, 0, (size_t)p->n_features * sizeof(*x));
	for (int i = 0; i < n; i++)
		x[index[i]] = 1;
}
