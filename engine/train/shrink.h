/* Progressive shrinking (spec 4.7): full network, elastic kernel, depth (two phases), width (two phases),
 * elastic resolution throughout, knowledge distillation from the full network. */
#ifndef OFA_TRAIN_SHRINK_H
#define OFA_TRAIN_SHRINK_H

#include <stdatomic.h>
#include <jansson.h>
#include "train/dataset.h"
#include "train/step.h"

#define OFA_MAX_PHASES 8
#define OFA_MAX_BATCH 4096 /* images of a step, of all ranks together */

/* One phase: the choices opened are by VALUE; a stage uses those of its own choices that are listed. */
struct ofa_phase {
	char name[32];                      /* "full", "kernel", "depth1", "depth2", "width1", "width2" */
	int n_kernels, n_expands, n_depths; /* 0: the largest only */
	uint8_t kernels[OFA_MAX_CHOICES], depths[OFA_MAX_CHOICES];
	float expands[OFA_MAX_CHOICES];
	int subnets;   /* per step */
	bool sandwich; /* a step's first subnet is the largest of the opened ones, its last the smallest */
	bool in_place; /* that largest one learns from the labels alone and teaches the step's others, instead of the
			* first phase's network (Yu et al., BigNAS, arXiv:2003.11142) */
	float epochs, warmup_epochs; /* warm-up is part of epochs */
	float lr;                    /* peak, reached linearly by the warm-up; then cosine to 0 */
	float kd;                    /* distillation weight; 0 = no teacher */
	int sort;                    /* 0 no; 1 global sort first; 2 band sort first */
	int n_resolutions;           /* 0: each step draws from the space's image sizes */
	uint16_t resolutions[OFA_MAX_CHOICES]; /* or from these; one listed twice comes twice as often */
	bool own_augment;            /* then `augment`, else the recipe's */
	struct ofa_augment augment;
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
	int n_class_names;
	char class_names[256][64];
};
/* JSON (defaults in brackets):
 *  {"name","seed"[1],"batch","holdout","momentum"[0.9],"weight_decay"[3e-5],"label_smoothing"[0.1],
 *   "calibration_images"[256],"license"[""],"classes"[[]]:["T-shirt",..],
 *   "augment"[{}]:{"flip","scale_min","scale_max","shift","rotate_degrees","brightness","contrast",
 *                  "erase_probability","erase_min","erase_max"}           (each off by default)
 *   "space":{see space/space.h},
 *   "phases":[{"name","epochs","warmup_epochs"[0],"lr","kd"[0],"subnets"[1],"sandwich"[false],"in_place"[false],
 *              "sort"[0],"kernels"[[]],"expands"[[]],"depths"[[]],"augment"[the recipe's],
 *              "resolutions"[the space's]}, ..]}
 * Unknown fields are refused, errors name the field as a JSON pointer. */
enum ofa_status ofa_recipe_parse(const json_t *json, struct ofa_recipe *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* New reference, every default spelled out, or NULL when out of memory.  parse(format(r)) == r. */
json_t *ofa_recipe_format(const struct ofa_recipe *r);

struct ofa_train_progress {
	const char *phase;
	int phase_index, n_phases;
	uint64_t step, steps /* of the phase */, total_step, total_steps;
	double loss, lr, images_per_second, eta_seconds;
};
struct ofa_train_options {
	const char *out_path;        /* the network file */
	const char *tool;            /* name and version for the lineage, e.g. "ofa 0.1.0"; or NULL */
	const char *log_path;        /* JSON lines, see train/log.h; appended on resume; or NULL */
	const char *checkpoint_path; /* written every checkpoint_seconds and at each phase's end; or NULL */
	double checkpoint_seconds;
	bool resume; /* from checkpoint_path, which must be of the same recipe and arch */
	/* Or NULL.  A network that this recipe's first phases made: the run begins with the phase after them.  The
	 * bytes are those of one whole run, but for phases taught by the first phase's network, which the file does
	 * not hold: there this network teaches.  Where `resume` is set too, the checkpoint is what counts. */
	const char *from;
	/* Or NULL: alone.  The ranks divide every batch, whose size must be a multiple of their number, and train as
	 * one rank does, up to the rounding of sums that are taken in another order.  All ranks call ofa_train_run()
	 * with the same recipe, data and options, and get the same status; rank 0 reads and writes the files. */
	struct ofa_comm *comm;
	const char *build; /* names the program; the ranks' must be the same; or NULL */
	const struct ofa_arch *only; /* train this one arch alone for the first phase's epochs; or NULL */
	/* The lineage gets a member "cost" with the processor time of all runs and ranks, {"cpu_seconds"}, unless one
	 * of them did not count it.  Then no two runs write the same bytes. */
	bool record_cost;
	uint64_t max_steps;      /* end after so many steps of this run, as if the schedule ended; 0 = all */
	const atomic_bool *stop; /* of any rank: finish the step, write a checkpoint, return OFA_ERR_CANCELLED */
	void (*progress)(void *ctx, const struct ofa_train_progress *p);
	void *ctx;
};
/* Runs the whole recipe; holdout is measured at each phase's end.  Same seed, threads and ranks: same bytes;
 * interrupted and resumed: the same too.  Therefore the network file holds no times unless record_cost is set: the log
 * does.
 * OFA_ERR_INVALID when the loss is no longer finite, OFA_ERR_MISMATCH when the data or the checkpoint
 * do not belong to the recipe, or when the ranks do not have or compute the same, OFA_ERR_IO when a rank is lost. */
enum ofa_status ofa_train_run(const struct ofa_recipe *recipe, const struct ofa_dataset *train,
			      const struct ofa_dataset *holdout, struct ofa_pool *pool,
			      const struct ofa_train_options *opt, struct ofa_error *err) OFA_MUST_CHECK;

#endif
