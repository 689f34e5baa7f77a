/* Checkpoints of a training run: one safetensors file, written atomically.  Tensors "param.NAME",
 * "momentum.NAME" and, once there is one, "teacher.NAME"; metadata "ofa.checkpoint" {position}. */
#ifndef OFA_TRAIN_CHECKPOINT_H
#define OFA_TRAIN_CHECKPOINT_H

#include "train/history.h"

/* Where a run stands; everything else follows from the recipe. */
struct ofa_position {
	int phase;                         /* index; n_phases: all done */
	uint64_t step;                     /* next step of the phase */
	double loss;                       /* running mean, negative before the first step of a phase */
	double seconds;                    /* spent so far, over all runs */
	double cpu_seconds;                /* likewise, of all threads; NAN: a run before did not count them */
	double phase_loss[OFA_MAX_PHASES]; /* at the end of each phase that has ended */
	struct ofa_phase_accuracy accuracy[OFA_MAX_PHASES]; /* likewise */
};

static inline int ofa_phases_begun(const struct ofa_position *p)
{
	return p->phase + (p->step > 0);
}

struct ofa_checkpoint {
	/* [n]: of the recipe with its first n phases only, arch, number and side of the images.  The one of the phases
	 * begun must be the checkpoint's: phases yet to come may change between two runs, nothing else. */
	const char (*identity)[65];
	struct ofa_train_params *student;
	struct ofa_train_params *teacher; /* saved from the second phase on */
	struct ofa_position *position;
};

enum ofa_status ofa_checkpoint_save(const char *path, const struct ofa_checkpoint *c,
				    struct ofa_error *err) OFA_MUST_CHECK;
/* Fills student, teacher and position.  OFA_ERR_MISMATCH: another recipe's; the contents of student and
 * teacher are undefined after a failure. */
enum ofa_status ofa_checkpoint_load(const char *path, const struct ofa_checkpoint *c, int n_phases,
				    struct ofa_error *err) OFA_MUST_CHECK;

#endif
