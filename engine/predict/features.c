#include "predict/predictor.h"

#include <string.h>

/* Where the one-hot groups of each gene begin in the feature vector. */
struct layout {
	int resolution;
	int kernel[OFA_MAX_BLOCKS], expand[OFA_MAX_BLOCKS];
	int n;
};

static void layout_init(const struct ofa_space *s, enum ofa_feature_order order, int n_resolutions, struct layout *l)
{
	int at = order == OFA_FEATURES_R_K_E ? n_resolutions : 0;

	for (int i = 0; i < s->n_stages; i++) {
		for (int b = 0; b < s->stages[i].max_depth; b++, at += s->stages[i].n_kernels)
			l->kernel[s->stages[i].first_block + b] = at;
	}
	for (int i = 0; i < s->n_stages; i++) {
		for (int b = 0; b < s->stages[i].max_depth; b++, at += s->stages[i].n_expands)
			l->expand[s->stages[i].first_block + b] = at;
	}
	l->resolution = order == OFA_FEATURES_R_K_E ? 0 : at;
	l->n = order == OFA_FEATURES_R_K_E ? at : at + n_resolutions;
}

int ofa_predictor_feature_count(const struct ofa_space *s, int n_resolutions)
{
	struct layout l;

	layout_init(s, OFA_FEATURES_K_E_R, n_resolutions, &l);
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
	struct layout l;

	layout_init(s, p->order, p->n_resolutions, &l);
	for (int i = 0; i < s->n_stages; i++) {
		int first = s->stages[i].first_block, depth = ofa_arch_depth(s, a, i);

		for (int b = first; b < first + depth; b++) {
			index[n++] = (uint16_t)(l.kernel[b] + a->k[b]);
			index[n++] = (uint16_t)(l.expand[b] + a->e[b]);
		}
	}
	if (r >= 0)
		index[n++] = (uint16_t)(l.resolution + r);
	return n;
}

void ofa_predictor_features(const struct ofa_space *s, const struct ofa_predictor *p, const struct ofa_arch *a,
			    float *x)
{
	uint16_t index[2 * OFA_MAX_BLOCKS + 1];
	int n = ofa_predictor_active(s, p, a, index);

	memset(x, 0, (size_t)p->n_features * sizeof(*x));
	for (int i = 0; i < n; i++)
		x[index[i]] = 1;
}
