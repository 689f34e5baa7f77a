/* How accuracy went (cost/history.h), told by a run or by its log. */
#ifndef OFA_TRAIN_HISTORY_H
#define OFA_TRAIN_HISTORY_H

#include "cost/history.h"
#include "train/shrink.h"

/* Of the subnets that a phase opened, on the hold-out at the largest image size, when it ended; NAN: not measured, and
 * of the smallest: there was but one. */
struct ofa_phase_accuracy {
	double largest, smallest;
};

struct ofa_trained_phase {
	const char *name; /* borrowed */
	uint64_t steps;
	struct ofa_phase_accuracy accuracy;
};

/* What was trained. */
struct ofa_trained {
	int n;
	struct ofa_trained_phase phases[OFA_MAX_PHASES];
	uint64_t epoch_steps;
	int holdout_images, image_size;
};
void ofa_trained_history(const struct ofa_trained *t, struct ofa_history *ret);

#define OFA_TRAIN_LOG_MAX_LINE (1u << 20)

/* From the log (train/log.h) of the run that made the network, or of runs one after the other: each begins anew at the
 * phase that its "start" or "resume" names, and what was before from there on does not count.  The network's lineage
 * must tell the phases and their steps, and those of the log be the same (OFA_ERR_MISMATCH).  Errors name the line. */
enum ofa_status ofa_train_log_history(const struct ofa_supernet *net, const char *text, size_t size,
				      struct ofa_history *ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
