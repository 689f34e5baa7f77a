#include "train/schedule.h"
#include <math.h>

/* Each purpose draws from streams of its own; the numbers are arbitrary and fixed. */
enum purpose { RESOLUTION = 1, ARCHS, ORDER, AUGMENT };

static uint64_t purpose_seed(const struct ofa_recipe *r, enum purpose purpose)
{
	return r->seed * 8 + (uint64_t)purpose;
}

uint64_t ofa_augment_seed(const struct ofa_recipe *r)
{
	return purpose_seed(r, AUGMENT);
}

uint64_t ofa_epoch_key(int phase, uint64_t epoch)
{
	return (uint64_t)phase << 32 | epoch;
}

/* Each own choice is opened at most once, whatever the list repeats: ret holds n_own. */
static int open_bytes(const uint8_t *own, int n_own, const uint8_t *listed, int n_listed, uint8_t *ret)
{
	int n = 0;
	for (int i = 0; i < n_own; i++) {
		int j = 0;
		while (j < n_listed && own[i] != listed[j])
			j++;
		if (j < n_listed)
			ret[n++] = (uint8_t)i;
	}
	if (!n)
		ret[n++] = (uint8_t)(n_own - 1);
	return n;
}

static int open_floats(const float *own, int n_own, const float *listed, int n_listed, uint8_t *ret)
{
	int n = 0;
	for (int i = 0; i < n_own; i++) {
		int j = 0;
		while (j < n_listed && !(fabsf(own[i] - listed[j]) < 1e-6f))
			j++;
		if (j < n_listed)
			ret[n++] = (uint8_t)i;
	}
	if (!n)
		ret[n++] = (uint8_t)(n_own - 1);
	return n;
}

void ofa_phase_open(const struct ofa_space *s, const struct ofa_phase *p, struct ofa_opened *ret)
{
	*ret = (struct ofa_opened){0};
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		ret->stages[i].n_k = open_bytes(st->kernels, st->n_kernels, p->kernels, p->n_kernels, ret->stages[i].k);
		ret->stages[i].n_e =
			open_floats(st->expands, st->n_expands, p->expands, p->n_expands, ret->stages[i].e);
		ret->stages[i].n_d = open_bytes(st->depths, st->n_depths, p->depths, p->n_depths, ret->stages[i].d);
	}
}

enum pick { SMALLEST, LARGEST, RANDOM };

static uint8_t pick_one(const uint8_t *choices, int n, enum pick pick, struct ofa_rng *rng)
{
	switch (pick) {
	case SMALLEST:
		return choices[0];
	case LARGEST:
		return choices[n - 1];
	case RANDOM:
		return choices[ofa_rng_below(rng, (uint32_t)n)];
	}
	return 0;
}

static void pick_arch(const struct ofa_space *s, const struct ofa_opened *o, int r, enum pick pick, struct ofa_rng *rng,
		      struct ofa_arch *ret)
{
	*ret = (struct ofa_arch){.image_size = (uint16_t)r};
	for (int i = 0; i < s->n_stages; i++) {
		const struct ofa_stage *st = &s->stages[i];
		ret->d[i] = pick_one(o->stages[i].d, o->stages[i].n_d, pick, rng);
		for (int b = st->first_block; b < st->first_block + st->max_depth; b++) {
			ret->k[b] = pick_one(o->stages[i].k, o->stages[i].n_k, pick, rng);
			ret->e[b] = pick_one(o->stages[i].e, o->stages[i].n_e, pick, rng);
		}
	}
	ofa_arch_canonical(s, ret);
}

void ofa_opened_sample(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_rng *rng,
		       struct ofa_arch *ret)
{
	pick_arch(s, o, r, RANDOM, rng, ret);
}

void ofa_opened_largest(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_arch *ret)
{
	pick_arch(s, o, r, LARGEST, NULL, ret);
}

void ofa_opened_smallest(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_arch *ret)
{
	pick_arch(s, o, r, SMALLEST, NULL, ret);
}

uint64_t ofa_epoch_steps(const struct ofa_recipe *r, int n_train)
{
	uint64_t steps = (uint64_t)(n_train / r->batch);
	return steps ? steps : 1;
}

static uint64_t to_steps(const struct ofa_recipe *r, float epochs, int n_train)
{
	return (uint64_t)llround((double)epochs * (double)ofa_epoch_steps(r, n_train));
}

uint64_t ofa_phase_steps(const struct ofa_recipe *r, const struct ofa_phase *p, int n_train)
{
	uint64_t steps = to_steps(r, p->epochs, n_train);
	return steps ? steps : 1;
}

float ofa_phase_lr(const struct ofa_recipe *r, const struct ofa_phase *p, int n_train, uint64_t step)
{
	uint64_t warm = to_steps(r, p->warmup_epochs, n_train), steps = ofa_phase_steps(r, p, n_train);
	if (step < warm)
		return (float)(p->lr * (double)(step + 1) / (double)(warm + 1));
	return (float)(0.5 * p->lr * (1 + cos(M_PI * (double)(step - warm) / (double)(steps - warm))));
}

int ofa_step_resolution(const struct ofa_recipe *r, int phase, uint64_t step)
{
	const struct ofa_phase *p = &r->phases[phase];
	const uint16_t *sizes = p->n_resolutions ? p->resolutions : r->space.resolutions;
	struct ofa_rng rng;
	ofa_rng_init3(&rng, purpose_seed(r, RESOLUTION), (uint64_t)phase, step);
	return sizes[ofa_rng_below(&rng, (uint32_t)(p->n_resolutions ? p->n_resolutions : r->space.n_resolutions))];
}

void ofa_step_archs(const struct ofa_recipe *r, int phase, const struct ofa_opened *o, uint64_t step, int resolution,
		    struct ofa_arch *ret)
{
	const struct ofa_phase *p = &r->phases[phase];
	for (int i = 0; i < p->subnets; i++) {
		struct ofa_rng rng;
		ofa_rng_init3(&rng, purpose_seed(r, ARCHS), (uint64_t)phase, step * OFA_MAX_STEP_SUBNETS + (uint64_t)i);
		if (p->sandwich && i == 0)
			ofa_opened_largest(&r->space, o, resolution, &ret[i]);
		else if (p->sandwich && i == p->subnets - 1)
			ofa_opened_smallest(&r->space, o, resolution, &ret[i]);
		else
			ofa_opened_sample(&r->space, o, resolution, &rng, &ret[i]);
	}
}

void ofa_epoch_order(const struct ofa_recipe *r, int phase, uint64_t epoch, uint32_t *order, uint32_t n)
{
	struct ofa_rng rng;
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	ofa_rng_init3(&rng, purpose_seed(r, ORDER), (uint64_t)phase, epoch);
	ofa_rng_shuffle_u32(&rng, order, n);
}
