#include "cost/uniform.h"

#include <string.h>

void ofa_space_choices(const struct ofa_space *s, int *ret_kernels, int *ret_expands)
{
	*ret_kernels = *ret_expands = 0;
	for (int i = 0; i < s->n_stages; i++) {
		if (s->stages[i].n_kernels > *ret_kernels)
			*ret_kernels = s->stages[i].n_kernels;
		if (s->stages[i].n_expands > *ret_expands)
			*ret_expands = s->stages[i].n_expands;
	}
}

int ofa_block_stage(const struct ofa_space *s, int block)
{
	int i = s->n_stages - 1;

	while (i > 0 && block < s->stages[i].first_block)
		i--;
	return i;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

bool ofa_arch_uniform(const struct ofa_space *s, int image_size, int k, int e, struct ofa_arch *ret)
{
	int kernels, expands;

	ofa_space_choices(s, &kernels, &expands);
	if (k >= kernels || e >= expands)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->image_size = (uint16_t)image_size;
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];

		ret->d[i] = (uint8_t)(st->n_depths - 1);
		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			ret->k[b] = (uint8_t)smaller(k, st->n_kernels - 1);
			ret->e[b] = (uint8_t)smaller(e, st->n_expands - 1);
		}
	}
	return true;
}
