/* Progressive shrinking (spec 4.7): full network, elastic kernel, depth (two phases), width (two phases),
 * elastic resolution throughout, knowledge distillation from the full network. */
#ifndef OFA_TRAIN_SHRINK_H
#define OFA_TRAIN_SHRINK_H

#include <stdatomic.h>
#include <jansson.h>
#include "train/dataset.h"
#include "train/step.h"

#define OFA_MAX_PHASES 8

/* One phase: the choices opened are by VALUE; a stage uses those of its own choices that are listed. */
struct ofa_phase {
	char name[32]; /* "full", "kernel", "depth1", "depth2", "width1", "width2" */
	int n_kernels, n_expands, n_depths; /* 0: the largest only */
	uint8_t kernels[OFA_MAX_CHOICES], depths[OFA_MAX_CHOICES];
	float expands[OFA_MAX_CHOICES];
	int subnets;            /* per step */
	float epochs, warmup_epochs;
	float lr;               /* peak; cosine to 0 */
	float kd;               /* distillation weight; 0 = no teacher */
	int sort;               /* 0 no; 1 global sort first; 2 band sort first */
};
struct ofa_recipe {
	char name[64];
	struct ofa_space space;
	uint64_t seed;
	int batch, holdout;
	float momentum, weight_decay, label_smoothing;
	struct ofa_augment augment;
	int n_phases;
	struct ofa_phase phases[OFA_MAX_PHASES];
	int calibration_images;
	char license[64];
	int n_class_names; char class_names[256][64];
};
/* JSON; unknown fields are refused, errors name the field. */
enum ofa_status ofa_recipe_parse(const json_t *json, struct ofa_recipe *ret, struct ofa_error *err) OFA_MUST_CHECK;

struct ofa_train_progress { const char *phase; int phase_index, n_phases; uint64_t step, steps /* of the phase */, total_step, total_steps;
	double loss, lr, images_per_second, eta_seconds; };
struct ofa_train_options {
	const char *out_path;        /* the network file */
	const char *log_path;        /* JSON lines; appended on resume */
	const char *checkpoint_path; /* written every checkpoint_seconds and at each phase's end */
	double checkpoint_seconds;
	bool resume;
	const struct ofa_arch *only; /* train this one arch alone (the full phase's epochs; scratch baseline); or NULL */
	int max_steps;               /* stop after so many steps (tests); 0 = all */
	const atomic_bool *stop;     /* finish the step, write a checkpoint, return OFA_ERR_CANCELLED */
	void (*progress)(void *ctx, const struct ofa_train_progress *p); void *ctx;
};
/* Runs the whole recipe.  Same seed and threads: same bytes; interrupted and resumed: the same too. */
enum ofa_status ofa_train_run(const struct ofa_recipe *recipe, const struct ofa_dataset *train, const struct ofa_dataset *holdout,
                              struct ofa_pool *pool, const struct ofa_train_options *opt, struct ofa_error *err) OFA_MUST_CHECK;

#endif
