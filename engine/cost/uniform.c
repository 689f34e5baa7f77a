#include "cost/uniform.h"

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

void ofa_space_choices(const struct ofa_space *s, struct ofa_choices *ret)
{
	*ret = (struct ofa_choices){.widths = 1};
	for (int i = 0; i < s->n_stages; i++) {
		ret->kernels = larger(ret->kernels, s->stages[i].n_kernels);
		ret->expands = larger(ret->expands, s->stages[i].n_expands);
	}
	for (int i = 0; i < s->n_width_genes; i++)
		ret->widths = larger(ret->widths, s->widths[i].n);
}

int ofa_uniform_count(const struct ofa_space *s)
{
	struct ofa_choices c;

	ofa_space_choices(s, &c);
	return c.kernels * c.expands * c.widths * c.widths;
}

void ofa_arch_uniform(const struct ofa_space *s, int image_size, int i, struct ofa_arch *ret)
{
	struct ofa_choices c;
	int width[2], k, e;

	ofa_space_choices(s, &c);
	width[0] = i % c.widths;
	i /= c.widths;
	width[1] = i % c.widths;
	i /= c.widths;
	e = i % c.expands;
	k = i / c.expands;
	*ret = (struct ofa_arch){.image_size = (uint16_t)image_size};
	for (int j = 0; j < s->n_stages; j++) {
		const struct ofa_stage *st = &s->stages[j];

		ret->d[j] = (uint8_t)(st->n_depths - 1);
		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			ret->k[b] = (uint8_t)smaller(k, st->n_kernels - 1);
			ret->e[b] = (uint8_t)smaller(e, st->n_expands - 1);
		}
	}
	for (int j = 0; j < s->n_width_genes; j++)
		ret->w[j] = (uint8_t)smaller(width[j % 2], s->widths[j].n - 1);
}

int ofa_unit_width_in(const struct ofa_unit *u, const struct ofa_arch *a)
{
	return u->gene_in < 0 ? 0 : a->w[u->gene_in];
}

int ofa_unit_width_out(const struct ofa_unit *u, const struct ofa_arch *a)
{
	return u->gene_out < 0 ? 0 : a->w[u->gene_out];
}

int ofa_block_stage(const struct ofa_space *s, int block)
{
	int i = s->n_stages - 1;

	while (i > 0 && block < s->stages[i].first_block)
		i--;
	return i;
}

int ofa_block_gene_in(const struct ofa_space *s, int block)
{
	int i = ofa_block_stage(s, block);

	if (s->n_width_genes == 0)
		return -1;
	return block == s->stages[i].first_block ? i : ofa_block_gene_out(s, block);
}

int ofa_block_gene_out(const struct ofa_space *s, int block)
{
	int i = ofa_block_stage(s, block);

	if (s->n_width_genes == 0)
		return -1;
	return i ? i + 1 : 0; /* the stem's optional layer writes what it reads */
}
