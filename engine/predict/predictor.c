#include "predict/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/kernels.h"
#include "predict/features.h"

static size_t n_options(const struct ofa_space *s)
{
	size_t n = 0;

	for (int i = 0; i < s->n_stages; i++)
		n += (size_t)(s->stages[i].max_depth * s->stages[i].n_kernels * s->stages[i].n_expands);
	for (int i = 0; i < s->n_width_genes; i++)
		n += (size_t)s->widths[i].n;
	return n;
}

static enum ofa_status check_shape(const struct ofa_space *s, const struct ofa_predictor *p, struct ofa_error *err)
{
	int features = ofa_predictor_feature_count(s, p->n_resolutions);

	if (p->n_layers < 1 || p->n_layers > OFA_PREDICTOR_MAX_LAYERS || p->width[p->n_layers] != 1)
		return ofa_fail(err, OFA_ERR_MISMATCH, "ofa.predictor",
				"a predictor has 1 to %d layers, the last of one output", OFA_PREDICTOR_MAX_LAYERS);
	if (p->width[0] != features)
		return ofa_fail(
			err, OFA_ERR_MISMATCH, "ofa.predictor",
			"the predictor takes %d features, but archs of space \"%s\" with %d resolutions have %d",
			p->width[0], s->name, p->n_resolutions, features);
	for (int l = 0; l < p->n_layers; l++) {
		size_t n = (size_t)p->width[l] * (size_t)p->width[l + 1];

		for (size_t i = 0; i < n; i++)
			if (!isfinite(p->w[l][i]))
				return ofa_fail(err, OFA_ERR_INVALID, "ofa.predictor",
						"layer %d has a weight that is not finite", l);
		for (int i = 0; p->b[l] && i < p->width[l + 1]; i++)
			if (!isfinite(p->b[l][i]))
				return ofa_fail(err, OFA_ERR_INVALID, "ofa.predictor",
						"layer %d has a bias that is not finite", l);
	}
	return OFA_OK;
}

static size_t storage_floats(const struct ofa_space *s, const struct ofa_predictor *p)
{
	size_t n = ((size_t)p->n_resolutions + n_options(s)) * (size_t)p->pitch[1];

	for (int l = 0; l < p->n_layers; l++)
		n += ((size_t)p->width[l] + 1) * (size_t)p->width[l + 1] +
		     ((size_t)p->pitch[l] + 1) * (size_t)p->pitch[l + 1];
	return n;
}

/* Weights that decayed to almost nothing become 0: arithmetic with denormal numbers is many times slower on some
 * processors.  Two numbers that stay have a product that is not denormal. */
static const float *copy(float **at, const float *from, size_t n)
{
	float *to = *at;

	for (size_t i = 0; i < n; i++)
		to[i] = fabsf(from[i]) < 0x1p-63f ? 0 : from[i];
	*at += n;
	return to;
}

/* row += sign times the weights of one option of a group: a column of the first layer; without a group nothing. */
static void add_feature(const struct ofa_predictor *p, int group, int option, float sign, float *row)
{
	for (int j = 0; group >= 0 && j < p->width[1]; j++)
		row[j] += sign * p->w[0][(size_t)j * (size_t)p->width[0] + (size_t)(group + option)];
}

static void end_group(struct ofa_predictor *p, float *from, float *to)
{
	p->row_group[p->n_row_groups + 1] =
		p->row_group[p->n_row_groups] + (uint32_t)((size_t)(to - from) / (size_t)p->pitch[1]);
	p->n_row_groups++;
}

/* That a stem's block is left out is a feature, too: it counts with the resolution, and the block takes it back. */
static float *build_blocks(const struct ofa_space *s, const struct ofa_feature_layout *l, struct ofa_predictor *p,
			   float *rows)
{
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			float *first = rows;

			for (int o = 0; o < st->n_kernels * st->n_expands; o++, rows += p->pitch[1]) {
				add_feature(p, l->kernel[b], o / st->n_expands, 1, rows);
				add_feature(p, l->expand[b], o % st->n_expands, 1, rows);
				if (b == 0) {
					add_feature(p, l->stem, 1, 1, rows);
					add_feature(p, l->stem, 0, -1, rows);
				}
			}
			end_group(p, first, rows);
		}
	}
	return rows;
}

static void build_rows(const struct ofa_space *s, struct ofa_predictor *p, float *rows)
{
	struct ofa_feature_layout l;
	float *first = rows;

	ofa_feature_layout_init(s, p->order, p->n_resolutions, &l);
	p->rows = rows;
	p->n_row_groups = 0;
	p->row_group[0] = 0;
	for (int r = 0; r < p->n_resolutions; r++, rows += p->pitch[1]) {
		if (p->b[0])
			memcpy(rows, p->b[0], (size_t)p->width[1] * sizeof(*rows));
		add_feature(p, l.resolution, r, 1, rows);
		add_feature(p, l.stem, 0, 1, rows);
	}
	end_group(p, first, rows);
	rows = build_blocks(s, &l, p, rows);
	for (int i = 0; i < s->n_width_genes; i++) {
		first = rows;
		for (int o = 0; o < s->widths[i].n; o++, rows += p->pitch[1])
			add_feature(p, l.width[i], o, 1, rows);
		end_group(p, first, rows);
	}
}

/* The layers after the first as the kernel `dense` wants them. */
static float *build_panels(struct ofa_predictor *p, float *at)
{
	for (int l = 1; l < p->n_layers; l++) {
		int in = p->pitch[l], out = p->pitch[l + 1];

		p->panels[l] = at;
		for (int j = 0; j < p->width[l + 1]; j++)
			for (int k = 0; k < p->width[l]; k++)
				at[((size_t)(j / OFA_PANEL) * (size_t)in + (size_t)k) * OFA_PANEL +
				   (size_t)(j % OFA_PANEL)] = p->w[l][(size_t)j * (size_t)p->width[l] + (size_t)k];
		at += (size_t)in * (size_t)out;
		p->panel_bias[l] = at;
		if (p->b[l])
			memcpy(at, p->b[l], (size_t)p->width[l + 1] * sizeof(*at));
		at += out;
	}
	return at;
}

static enum ofa_status bind_mlp(const struct ofa_space *s, struct ofa_predictor *p, struct ofa_error *err)
{
	enum ofa_status st = check_shape(s, p, err);
	float *at;

	if (st)
		return st;
	for (int l = 0; l <= p->n_layers; l++)
		p->pitch[l] = (p->width[l] + OFA_PANEL - 1) / OFA_PANEL * OFA_PANEL;
	at = calloc(storage_floats(s, p), sizeof(*at));
	if (!at)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p->storage = at;
	p->n_features = p->width[0];
	for (int l = 0; l < p->n_layers; l++) {
		p->w[l] = copy(&at, p->w[l], (size_t)p->width[l] * (size_t)p->width[l + 1]);
		if (p->b[l])
			p->b[l] = copy(&at, p->b[l], (size_t)p->width[l + 1]);
	}
	build_rows(s, p, build_panels(p, at));
	return OFA_OK;
}

enum ofa_status ofa_predictor_bind(const struct ofa_space *s, struct ofa_predictor *p, struct ofa_error *err)
{
	if (p->kind == OFA_PREDICTOR_PAIRWISE)
		return ofa_pairwise_bind(s, p->n_resolutions, &p->pairwise, err);
	return bind_mlp(s, p, err);
}

void ofa_predictor_release(struct ofa_predictor *p)
{
	ofa_pairwise_release(&p->pairwise);
	free(p->storage);
	memset(p, 0, sizeof(*p));
}
