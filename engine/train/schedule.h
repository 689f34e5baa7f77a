/* The schedule of progressive shrinking as pure functions of (recipe, position): nothing is carried from
 * step to step, so a run that was interrupted continues as if it had not been. */
#ifndef OFA_TRAIN_SCHEDULE_H
#define OFA_TRAIN_SCHEDULE_H

#include "train/shrink.h"

/* The genes a phase opens, as choice indices per stage, ascending. */
struct ofa_opened {
	struct {
		int n_k, n_e, n_d;
		uint8_t k[OFA_MAX_CHOICES], e[OFA_MAX_CHOICES], d[OFA_MAX_CHOICES];
	} stages[OFA_MAX_STAGES];
};
/* A stage none of whose choices is listed keeps its largest. */
void ofa_phase_open(const struct ofa_space *s, const struct ofa_phase *p, struct ofa_opened *ret);
/* Canonical archs of image size r; genes uniform over the opened choices. */
void ofa_opened_sample(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_rng *rng,
		       struct ofa_arch *ret);
void ofa_opened_largest(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_arch *ret);
void ofa_opened_smallest(const struct ofa_space *s, const struct ofa_opened *o, int r, struct ofa_arch *ret);

/* Steps per epoch (the last, partial batch is dropped) and of the phase, at least 1. */
uint64_t ofa_epoch_steps(const struct ofa_recipe *r, int n_train);
uint64_t ofa_phase_steps(const struct ofa_recipe *r, const struct ofa_phase *p, int n_train);
/* Learning rate of the phase's step (0-based). */
float ofa_phase_lr(const struct ofa_recipe *r, const struct ofa_phase *p, int n_train, uint64_t step);

/* What a step of a phase trains on: image size, and `subnets` archs of that size. */
int ofa_step_resolution(const struct ofa_recipe *r, int phase, uint64_t step);
void ofa_step_archs(const struct ofa_recipe *r, int phase, const struct ofa_opened *o, uint64_t step, int resolution,
		    struct ofa_arch *ret);

/* The order of the training images in an epoch, n entries. */
void ofa_epoch_order(const struct ofa_recipe *r, int phase, uint64_t epoch, uint32_t *order, uint32_t n);
/* The epoch's number for ofa_dataset_batch(), different in every phase. */
uint64_t ofa_epoch_key(int phase, uint64_t epoch);
uint64_t ofa_augment_seed(const struct ofa_recipe *r);

#define OFA_MAX_STEP_SUBNETS 16

#endif
