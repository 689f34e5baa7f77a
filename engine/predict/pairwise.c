#include "predict/pairwise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE 1e6f /* sums of as many as there may be stay finite */

/* Features that count together, with their signs. */
struct terms {
	int n;
	struct {
		uint16_t feature;
		int16_t sign;
	} list[OFA_MAX_STAGES + 1];
};

static void add_term(struct terms *t, int feature, int sign)
{
	t->list[t->n].feature = (uint16_t)feature;
	t->list[t->n++].sign = (int16_t)sign;
}

static const struct ofa_gene *find_gene(const struct ofa_genes *genes, enum ofa_gene_kind kind, int index)
{
	for (int i = 0; i < genes->n; i++)
		if (genes->list[i].kind == kind && genes->list[i].index == index)
			return &genes->list[i];
	return NULL;
}

static void add_option(const struct ofa_genes *genes, enum ofa_gene_kind kind, int index, int option, struct terms *t)
{
	const struct ofa_gene *g = find_gene(genes, kind, index);

	if (g)
		add_term(t, g->at + option, 1);
}

/* A stage has its m-th depth where the last block of that depth is there: the block brings that depth's features and
 * takes those of the depth before.  The least depth is there always. */
static void add_depth(const struct ofa_genes *genes, const struct ofa_stage *st, int stage, int block, struct terms *t)
{
	const struct ofa_gene *g = find_gene(genes, OFA_GENE_DEPTH, stage);

	for (int m = 1; g && m < st->n_depths; m++) {
		if (st->first_block + st->depths[m] - 1 != block)
			continue;
		add_term(t, g->at + m, 1);
		add_term(t, g->at + m - 1, -1);
	}
}

/* The features of every option, in the order of struct ofa_pairwise; how many. */
static int list_options(const struct ofa_space *s, struct ofa_pairwise *p, struct terms *t)
{
	int n = 0;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			p->block_at[b] = (uint16_t)n;
			for (int o = 0; o < st->n_kernels * st->n_expands; o++, n++) {
				add_option(&p->genes, OFA_GENE_KERNEL, b, o / st->n_expands, &t[n]);
				add_option(&p->genes, OFA_GENE_EXPAND, b, o % st->n_expands, &t[n]);
				add_depth(&p->genes, st, i, b, &t[n]);
			}
		}
	}
	for (int i = 0; i < s->n_width_genes; i++) {
		p->width_at[i] = (uint16_t)n;
		for (int o = 0; o < s->widths[i].n; o++, n++)
			add_option(&p->genes, OFA_GENE_WIDTH, i, o, &t[n]);
	}
	return n;
}

static int count_options(const struct ofa_space *s)
{
	int n = 0;

	for (int i = 0; i < s->n_stages; i++)
		n += s->stages[i].max_depth * s->stages[i].n_kernels * s->stages[i].n_expands;
	for (int i = 0; i < s->n_width_genes; i++)
		n += s->widths[i].n;
	return n;
}

static double sum_single(const struct ofa_pairwise *p, const struct terms *t)
{
	double sum = 0;

	for (int i = 0; i < t->n; i++)
		sum += t->list[i].sign * (double)p->single[t->list[i].feature];
	return sum;
}

/* Bilinear; features of one gene do not meet, as their entries are 0. */
static double sum_pairs(const struct ofa_pairwise *p, const struct terms *t, const struct terms *u)
{
	double sum = 0;

	for (int i = 0; i < t->n; i++) {
		for (int j = 0; j < u->n; j++) {
			size_t a = t->list[i].feature, b = u->list[j].feature, n = (size_t)p->genes.n_features;

			sum += t->list[i].sign * u->list[j].sign * (double)p->pair[a < b ? a * n + b : b * n + a];
		}
	}
	return sum;
}

/* What counts at one resolution whatever the options: the resolution and the least depths. */
static struct terms always(const struct ofa_space *s, const struct ofa_genes *genes, int resolution)
{
	struct terms t = {0};

	add_term(&t, genes->list[0].at + resolution, 1);
	for (int i = 0; i < s->n_stages; i++)
		add_option(genes, OFA_GENE_DEPTH, i, 0, &t);
	return t;
}

static void collapse(const struct ofa_space *s, int n_resolutions, const struct ofa_pairwise *p, const struct terms *t,
		     float *at)
{
	float *constant = at, *own = constant + n_resolutions, *together = own + n_resolutions * p->n_options;

	for (int r = 0; r < n_resolutions; r++) {
		struct terms fixed = always(s, &p->genes, r);

		constant[r] = (float)((double)p->base + sum_single(p, &fixed) + 0.5 * sum_pairs(p, &fixed, &fixed));
		for (int o = 0; o < p->n_options; o++)
			*own++ = (float)(sum_single(p, &t[o]) + sum_pairs(p, &fixed, &t[o]) +
					 0.5 * sum_pairs(p, &t[o], &t[o]));
	}
	for (int o = 0; o < p->n_options; o++)
		for (int q = 0; q < p->n_options; q++)
			*together++ = (float)sum_pairs(p, &t[o], &t[q]);
}

/* Options of one block exclude each other. */
static void clear_own(const struct ofa_pairwise *p, int from, int to, float *together)
{
	for (int o = from; o < to; o++)
		for (int q = from; q < to; q++)
			together[o * p->n_options + q] = 0;
}

static void clear_excluding(const struct ofa_space *s, const struct ofa_pairwise *p, float *together)
{
	for (int i = 0; i < s->n_stages; i++) {
		int n = s->stages[i].n_kernels * s->stages[i].n_expands;

		for (int b = 0; b < s->stages[i].max_depth; b++) {
			int at = p->block_at[s->stages[i].first_block + b];

			clear_own(p, at, at + n, together);
		}
	}
	for (int i = 0; i < s->n_width_genes; i++)
		clear_own(p, p->width_at[i], p->width_at[i] + s->widths[i].n, together);
}

static enum ofa_status check_values(const float *x, size_t n, struct ofa_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (!(fabsf(x[i]) <= MAX_VALUE))
			return ofa_fail(err, OFA_ERR_INVALID, "ofa.predictor",
					"has the value %g; numbers from -%g to %g are accepted", (double)x[i],
					(double)MAX_VALUE, (double)MAX_VALUE);
	return OFA_OK;
}

static enum ofa_status check_model(const struct ofa_pairwise *p, struct ofa_error *err)
{
	size_t n = (size_t)p->genes.n_features;
	enum ofa_status st = check_values(&p->base, 1, err);

	if (!st)
		st = check_values(p->single, n, err);
	return st ? st : check_values(p->pair, n * n, err);
}

/* Copies of single and pair, the latter with only what counts. */
static float *copy_values(struct ofa_pairwise *p, float *at)
{
	const size_t n = (size_t)p->genes.n_features;
	float *pair = at + n;

	memcpy(at, p->single, n * sizeof(*at));
	memset(pair, 0, n * n * sizeof(*pair));
	for (int g = 0; g < p->genes.n; g++) {
		size_t end = (size_t)(p->genes.list[g].at + p->genes.list[g].n);

		for (size_t f = (size_t)p->genes.list[g].at; f < end; f++)
			memcpy(pair + f * n + end, p->pair + f * n + end, (n - end) * sizeof(*pair));
	}
	p->single = at;
	p->pair = pair;
	return pair + n * n;
}

enum ofa_status ofa_pairwise_bind(const struct ofa_space *s, int n_resolutions, struct ofa_pairwise *p,
				  struct ofa_error *err)
{
	const int n_options = count_options(s);
	struct ofa_pairwise q = *p;
	struct terms *terms;
	float *at;
	size_t n;
	enum ofa_status st;

	ofa_genes_init(s, n_resolutions, &q.genes);
	st = check_model(&q, err);
	if (st)
		return st;
	n = (size_t)q.genes.n_features * (size_t)(q.genes.n_features + 1) + (size_t)n_resolutions +
	    (size_t)n_options * (size_t)(n_resolutions + n_options);
	at = malloc(n * sizeof(*at));
	terms = calloc((size_t)n_options, sizeof(*terms));
	if (!at || !terms) {
		free(at);
		free(terms);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	q.storage = at;
	at = copy_values(&q, at);
	q.n_options = list_options(s, &q, terms);
	q.constant = at;
	q.own = q.constant + n_resolutions;
	q.together = q.own + (size_t)n_resolutions * (size_t)n_options;
	collapse(s, n_resolutions, &q, terms, at);
	clear_excluding(s, &q, at + n_resolutions + (size_t)n_resolutions * (size_t)n_options);
	free(terms);
	*p = q;
	return OFA_OK;
}

void ofa_pairwise_release(struct ofa_pairwise *p)
{
	free(p->storage);
	memset(p, 0, sizeof(*p));
}

int ofa_pairwise_active(const struct ofa_space *s, const struct ofa_pairwise *p, const struct ofa_arch *a,
			uint16_t option[OFA_PAIRWISE_MAX_ACTIVE])
{
	int n = 0;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		for (int b = st->first_block; b < st->first_block + st->depths[a->d[i]]; b++)
			option[n++] = (uint16_t)(p->block_at[b] + a->k[b] * st->n_expands + a->e[b]);
	}
	for (int i = 0; i < s->n_width_genes; i++)
		option[n++] = (uint16_t)(p->width_at[i] + a->w[i]);
	return n;
}

float ofa_pairwise_value(const struct ofa_pairwise *p, int resolution, const uint16_t *option, int n)
{
	const float *own = p->own + (size_t)resolution * (size_t)p->n_options;
	float sum = p->constant[resolution];

	for (int i = 0; i < n; i++) {
		const float *row = p->together + (size_t)option[i] * (size_t)p->n_options;
		float pairs = own[option[i]];

		for (int j = 0; j < i; j++)
			pairs += row[option[j]];
		sum += pairs;
	}
	return sum;
}

double ofa_pairwise_value_by_genes(const struct ofa_space *s, const struct ofa_pairwise *p, const struct ofa_arch *a,
				   int resolution)
{
	int16_t option[OFA_MAX_GENES];
	double sum = (double)p->base;

	ofa_genes_read(s, &p->genes, a, resolution, option);
	for (int i = 0; i < p->genes.n; i++) {
		int f = p->genes.list[i].at + option[i];

		if (option[i] == OFA_GENE_SKIPPED)
			continue;
		sum += (double)p->single[f];
		for (int j = 0; j < i; j++)
			if (option[j] != OFA_GENE_SKIPPED)
				sum += (double)p->pair[(p->genes.list[j].at + option[j]) * p->genes.n_features + f];
	}
	return sum;
}
