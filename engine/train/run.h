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
	double started, seconds_before, last_checkpoint, images_per_second;
	double cpu_started, cpu_before; /* processor time of the program, and of runs before; NAN: they did not say */
};

int ofa_run_phases(const struct ofa_run *run); /* phases to train: all, or the first alone */
double ofa_run_clock(void);                    /* seconds, monotonic */
double ofa_run_seconds(const struct ofa_run *run);
double ofa_run_cpu_seconds(const struct ofa_run *run); /* NAN when a run before did not count them */
bool ofa_run_cancelled(const struct ofa_run *run);

/* run_setup.c: everything owned; release also after a failed init. */
enum ofa_status ofa_run_init(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_run_release(struct ofa_run *run);

/* run_from.c: weights and position of opt->from; OFA_ERR_MISMATCH when its lineage is not the recipe's beginning. */
enum ofa_status ofa_run_from_network(struct ofa_run *run, const char *path, struct ofa_error *err) OFA_MUST_CHECK;

/* run_report.c: lines of the log, and the caller's progress function. */
enum ofa_status ofa_run_log_start(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_phase(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_step(struct ofa_run *run, int image_size, double loss, float lr,
				 struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_log_end(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
/* Largest and smallest opened subnets at the largest and the smallest resolution, on the hold-out. */
enum ofa_status ofa_run_evaluate(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_run_progress(const struct ofa_run *run, double lr);

/* run_save.c */
enum ofa_status ofa_run_checkpoint(struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_run_save_network(const struct ofa_run *run, struct ofa_error *err) OFA_MUST_CHECK;

#endif
