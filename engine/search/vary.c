/* Children by mutation and stage-aligned crossover, brought under the limits instead of being drawn again. */
#include "search/run.h"

#include <math.h>

#define CHILDREN 64
#define P_GENE 0.06
#define P_RESOLUTION 0.05
#define P_CROSS 0.3

static bool lower(uint8_t *gene)
{
	if (*gene == 0)
		return false;
	--*gene;
	return true;
}

/* Lowers one randomly chosen gene; false when it was at its smallest already. */
static bool shrink_once(struct ofa_search_run *run, struct ofa_arch *a)
{
	const struct ofa_space *s = run->p->space;
	int genes = 2 * s->n_blocks + s->n_stages;
	int gene = (int)ofa_rng_below(&run->rng, (uint32_t)genes);

	if (gene < s->n_blocks)
		return lower(&a->k[gene]);
	if (gene < 2 * s->n_blocks)
		return lower(&a->e[gene - s->n_blocks]);
	return lower(&a->d[gene - 2 * s->n_blocks]);
}

bool ofa_run_repair(struct ofa_search_run *run, struct ofa_arch *a)
{
	int resolution = ofa_problem_resolution(run->p, a->image_size);

	/* Each miss has a chance to hit next time; each hit brings the arch nearer to the smallest one. */
	for (int tries = 0; tries < 40 * OFA_MAX_BLOCKS; tries++) {
		if (ofa_problem_within(run->p, &run->limits, resolution, a))
			return true;
		if (shrink_once(run, a))
			ofa_arch_canonical(run->p->space, a);
	}
	return false;
}

/* Raises one gene if it can be raised; the arch is only written when it then stays within the limits. */
static void grow_once(struct ofa_search_run *run, int resolution, int gene, struct ofa_arch *a)
{
	const struct ofa_space *s = run->p->space;
	struct ofa_arch next = *a;

	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		int b = gene % s->n_blocks;

		if (gene == 2 * s->n_blocks + i && next.d[i] + 1 < st->n_depths)
			next.d[i]++;
		if (gene >= 2 * s->n_blocks || b < st->first_block || b >= st->first_block + st->depths[a->d[i]])
			continue;
		if (gene < s->n_blocks && next.k[b] + 1 < st->n_kernels)
			next.k[b]++;
		else if (gene >= s->n_blocks && next.e[b] + 1 < st->n_expands)
			next.e[b]++;
	}
	if (ofa_problem_within(run->p, &run->limits, resolution, &next))
		*a = next;
}

void ofa_run_fill(struct ofa_search_run *run, struct ofa_arch *a)
{
	int resolution = ofa_problem_resolution(run->p, a->image_size);
	uint32_t order[2 * OFA_MAX_BLOCKS + OFA_MAX_STAGES], n;

	n = (uint32_t)(2 * run->p->space->n_blocks + run->p->space->n_stages);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	ofa_rng_shuffle_u32(&run->rng, order, n);
	for (uint32_t i = 0; i < n; i++)
		grow_once(run, resolution, (int)order[i], a);
}

/* The space may know sizes that this search does not: mutation of the resolution is done here. */
static void mutate(struct ofa_search_run *run, struct ofa_arch *a)
{
	ofa_arch_mutate(run->p->space, &run->rng, P_GENE, 0, a);
	if (ofa_rng_double(&run->rng) < P_RESOLUTION)
		a->image_size = run->p->resolutions[ofa_rng_below(&run->rng, (uint32_t)run->p->n_resolutions)];
}

void ofa_run_vary(struct ofa_search_run *run)
{
	for (int i = 0; i < CHILDREN; i++) {
		int band = (int)ofa_rng_below(&run->rng, OFA_BANDS), resolution;
		struct ofa_elite a, b;
		struct ofa_arch child;

		if (!ofa_run_pick(run, band, &a, &resolution))
			continue;
		child = a.arch;
		if (ofa_rng_double(&run->rng) < P_CROSS && ofa_run_pick(run, OFA_BAND_EXACT, &b, &resolution))
			ofa_arch_cross(run->p->space, &run->rng, &a.arch, &b.arch, &child);
		mutate(run, &child);
		if (!ofa_run_repair(run, &child))
			continue;
		if (ofa_rng_below(&run->rng, 2))
			ofa_run_fill(run, &child);
		ofa_run_push(run, &child);
	}
	ofa_run_score(run);
}
