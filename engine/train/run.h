/* One training run: the state that shrink.c steps, run_report.c reports and run_save.c writes out. */
#ifndef OFA_TRAIN_RUN_H
#define OFA_TRAIN_RUN_H

#include "train/checkpoint.h"
#include "train/log.h"
#include "train/schedule.h"

struct ofa_run {
	/* borrowed */
	const struct ofa_recipe *recipe;
	const struct ofa_dataset *train, *holdout;
	struct ofa_pool *pool;
	const struct ofa_train_options *opt;
	struct ofa_comm *comm; /* NULL: alone */
	int batch;             /* images of a step that are this rank's */
	/* owned */
	struct ofa_params params;
	struct ofa_train_params *student, *teacher; /* the teacher's gradients stay unused */
	struct ofa_trainer *trainer;
	struct ofa_plan *plan;
	struct ofa_dataset calibration; /* raw images drawn from train */
	struct ofa_train_log log;
	uint32_t *order; /* the epoch's training images */
	float *x, *logits, *teacher_logits, *dlogits;
	uint8_t *labels;
	char identity[OFA_MAX_PHASES + 1][65]; /* see checkpoint.h */
	/* the current phase */
	struct ofa_opened opened;
	uint64_t order_epoch; /* of `order`; UINT64_MAX: none yet */
	/* of the data */
	float mean[4], std[4];
	/* progress of this run */
	struct ofa_position position;
	uint64_t steps_done;
	bool cancelled, checkpoint_due; /* what the ranks agreed upon before a step */
	double started, seconds_before, last_checkpoint, images_per_second;
	double cpu_started, cpu_before; /* processor time of the program, and of runs before; NAN: they did not say */
};

int ofa_run_phases(const struct ofa_run *run); /* phases to train: all, or the first alone */
double ofa_run_clock(void);                    /* seconds, monotonic */
double ofa_run_seconds(const struct ofa_run *run);
/* Of all ranks, which call it together; NAN when a run before did not count them. */
double ofa_run_cpu_seconds(const struct ofa_run *run);

/* run_setup.c: everything owned; release also after a failed init. */
enum ofa_status ofa_run_init(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_run_release(struct ofa_run *run);

/* run_ranks.c: what the ranks of a run do together.  Each agrees upon its status. */
/* Program, recipe, options and data are those of rank 0.  OFA_ERR_MISMATCH names what is not. */
enum ofa_status ofa_run_compare(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
/* Every rank begins where rank 0 does: its weights, momenta, teacher and position.  Not where that one failed. */
enum ofa_status ofa_run_share(struct ofa_run *run, enum ofa_status status, struct ofa_error *err) OFA_MUST_CHECK;
/* Before a step: whether one of the ranks is to stop, and whether rank 0 wants a checkpoint. */
void ofa_run_meet(struct ofa_run *run);
/* OFA_ERR_MISMATCH when a rank's weights are not those of rank 0, bit for bit. */
enum ofa_status ofa_run_check_weights(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;

/* run_from.c: weights and position of opt->from; OFA_ERR_MISMATCH when its lineage is not the recipe's beginning. */
enum ofa_status ofa_run_from_network(struct ofa_run *run, const char *path, struct ofa_error *err) OFA_MUST_CHECK;

/* run_report.c: lines of the log, which rank 0 keeps, and the caller's progress function. */
enum ofa_status ofa_run_log_start(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_phase(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_step(struct ofa_run *run, int image_size, double loss, float lr,
				 struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_end(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
/* Largest and smallest opened subnets at the largest and the smallest resolution, on the hold-out. */
enum ofa_status ofa_run_evaluate(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_run_progress(const struct ofa_run *run, double lr);

/* run_save.c: rank 0 writes, after the ranks compared their weights; all agree upon the status. */
enum ofa_status ofa_run_checkpoint(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_save_network(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;

#endif
