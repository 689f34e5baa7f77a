#include "space/arch.h"

#include <stdio.h>
#include <string.h>

int ofa_arch_depth(const struct ofa_space *s, const struct ofa_arch *a, int stage)
{
	return s->stages[stage].depths[a->d[stage]];
}

int ofa_arch_width(const struct ofa_space *s, const struct ofa_arch *a, int gene)
{
	return s->widths[gene].channels[a->w[gene]];
}

static int stage_of(const struct ofa_space *s, int block)
{
	int i = 0;

	while (i + 1 < s->n_stages && block >= s->stages[i + 1].first_block)
		i++;
	return i;
}

bool ofa_arch_active(const struct ofa_space *s, const struct ofa_arch *a, int block)
{
	int i = stage_of(s, block);

	return block - s->stages[i].first_block < ofa_arch_depth(s, a, i);
}

void ofa_arch_canonical(const struct ofa_space *s, struct ofa_arch *a)
{
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int j = ofa_arch_depth(s, a, i); j < t->max_depth; j++)
			a->k[t->first_block + j] = a->e[t->first_block + j] = 0;
	}
}

bool ofa_arch_equal(const struct ofa_arch *a, const struct ofa_arch *b)
{
	return a->image_size == b->image_size && memcmp(a->k, b->k, sizeof(a->k)) == 0 &&
	       memcmp(a->e, b->e, sizeof(a->e)) == 0 && memcmp(a->d, b->d, sizeof(a->d)) == 0 &&
	       memcmp(a->w, b->w, sizeof(a->w)) == 0;
}

/* Eight genes at a time, each step a bijection of the state (xor, odd multiplier, xor shift), so that any bits can
 * index a hash table. */
static uint64_t mix(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t genes;

		memcpy(&genes, p + i, sizeof(genes));
		h = (h ^ genes) * 0xD6E8FEB86659FD93u;
		h ^= h >> 32;
	}
	return h;
}

uint64_t ofa_arch_hash(const struct ofa_arch *a)
{
	uint64_t h = a->image_size;

	_Static_assert(OFA_MAX_BLOCKS % sizeof(uint64_t) == 0 && OFA_MAX_STAGES % sizeof(uint64_t) == 0 &&
	                       OFA_MAX_WIDTH_GENES % sizeof(uint64_t) == 0,
	               "genes come in whole words");
	h = mix(h, a->k, sizeof(a->k));
	h = mix(h, a->e, sizeof(a->e));
	h = mix(h, a->d, sizeof(a->d));
	return mix(h, a->w, sizeof(a->w));
}

void ofa_arch_smallest(const struct ofa_space *s, struct ofa_arch *ret)
{
	*ret = (struct ofa_arch){.image_size = s->resolutions[0]};
}

void ofa_arch_largest(const struct ofa_space *s, struct ofa_arch *ret)
{
	*ret = (struct ofa_arch){.image_size = s->resolutions[s->n_resolutions - 1]};
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		ret->d[i] = (uint8_t)(t->n_depths - 1);
		for (int b = t->first_block; b < t->first_block + t->max_depth; b++) {
			ret->k[b] = (uint8_t)(t->n_kernels - 1);
			ret->e[b] = (uint8_t)(t->n_expands - 1);
		}
	}
	for (int i = 0; i < s->n_width_genes; i++)
		ret->w[i] = (uint8_t)(s->widths[i].n - 1);
}

static uint8_t draw(struct ofa_rng *rng, int n)
{
	return (uint8_t)ofa_rng_below(rng, (uint32_t)n);
}

void ofa_arch_sample(const struct ofa_space *s, struct ofa_rng *rng, struct ofa_arch *ret)
{
	struct ofa_arch a = {0};

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int b = t->first_block; b < t->first_block + t->max_depth; b++) {
			a.k[b] = draw(rng, t->n_kernels);
			a.e[b] = draw(rng, t->n_expands);
		}
		a.d[i] = draw(rng, t->n_depths);
	}
	for (int i = 0; i < s->n_width_genes; i++)
		a.w[i] = draw(rng, s->widths[i].n);
	a.image_size = s->resolutions[ofa_rng_below(rng, (uint32_t)s->n_resolutions)];
	ofa_arch_canonical(s, &a);
	*ret = a;
}

void ofa_arch_mutate(const struct ofa_space *s, struct ofa_rng *rng, double p_gene, double p_resolution,
		     struct ofa_arch *a)
{
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *t = &s->stages[i];

		for (int b = t->first_block; b < t->first_block + t->max_depth; b++) {
			if (ofa_rng_double(rng) < p_gene)
				a->k[b] = draw(rng, t->n_kernels);
			if (ofa_rng_double(rng) < p_gene)
				a->e[b] = draw(rng, t->n_expands);
		}
		if (ofa_rng_double(rng) < p_gene)
			a->d[i] = draw(rng, t->n_depths);
	}
	for (int i = 0; i < s->n_width_genes; i++)
		if (ofa_rng_double(rng) < p_gene)
			a->w[i] = draw(rng, s->widths[i].n);
	if (ofa_rng_double(rng) < p_resolution)
		a->image_size = s->resolutions[ofa_rng_below(rng, (uint32_t)s->n_resolutions)];
	ofa_arch_canonical(s, a);
}

void ofa_arch_cross(const struct ofa_space *s, struct ofa_rng *rng, const struct ofa_arch *a, const struct ofa_arch *b,
		    struct ofa_arch *ret)
{
	struct ofa_arch child = {0};

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_arch *from = ofa_rng_below(rng, 2) ? b : a;
		const struct ofa_stage *t = &s->stages[i];
		size_t n = (size_t)t->max_depth;

		memcpy(child.k + t->first_block, from->k + t->first_block, n);
		memcpy(child.e + t->first_block, from->e + t->first_block, n);
		child.d[i] = from->d[i];
		/* Stage 0 of a resnet is its stem, which writes two widths. */
		if (i == 0 && s->n_width_genes)
			child.w[0] = from->w[0];
		if (i + 1 < s->n_width_genes)
			child.w[i + 1] = from->w[i + 1];
	}
	child.image_size = ofa_rng_below(rng, 2) ? b->image_size : a->image_size;
	*ret = child;
}
