#include "predict/genes.h"

static void add(struct ofa_genes *g, enum ofa_gene_kind kind, int index, int n)
{
	if (n < 2 && kind != OFA_GENE_RESOLUTION)
		return;
	g->list[g->n++] = (struct ofa_gene){.kind = kind, .index = index, .at = g->n_features, .n = n};
	g->n_features += n;
}

void ofa_genes_init(const struct ofa_space *s, int n_resolutions, struct ofa_genes *ret)
{
	*ret = (struct ofa_genes){0};
	add(ret, OFA_GENE_RESOLUTION, 0, n_resolutions);
	for (int i = 0; i < s->n_stages; i++)
		add(ret, OFA_GENE_DEPTH, i, s->stages[i].n_depths);
	for (int i = 0; i < s->n_stages; i++)
		for (int b = 0; b < s->stages[i].max_depth; b++)
			add(ret, OFA_GENE_KERNEL, s->stages[i].first_block + b, s->stages[i].n_kernels);
	for (int i = 0; i < s->n_stages; i++)
		for (int b = 0; b < s->stages[i].max_depth; b++)
			add(ret, OFA_GENE_EXPAND, s->stages[i].first_block + b, s->stages[i].n_expands);
	for (int i = 0; i < s->n_width_genes; i++)
		add(ret, OFA_GENE_WIDTH, i, s->widths[i].n);
}

static int read_gene(const struct ofa_space *s, const struct ofa_gene *g, const struct ofa_arch *a, int resolution)
{
	switch (g->kind) {
	case OFA_GENE_RESOLUTION:
		return resolution;
	case OFA_GENE_DEPTH:
		return a->d[g->index];
	case OFA_GENE_KERNEL:
		return ofa_arch_active(s, a, g->index) ? a->k[g->index] : OFA_GENE_SKIPPED;
	case OFA_GENE_EXPAND:
		return ofa_arch_active(s, a, g->index) ? a->e[g->index] : OFA_GENE_SKIPPED;
	case OFA_GENE_WIDTH:
		return a->w[g->index];
	}
	return OFA_GENE_SKIPPED;
}

void ofa_genes_read(const struct ofa_space *s, const struct ofa_genes *genes, const struct ofa_arch *a, int resolution,
		    int16_t option[OFA_MAX_GENES])
{
	for (int i = 0; i < genes->n; i++)
		option[i] = (int16_t)read_gene(s, &genes->list[i], a, resolution);
}
