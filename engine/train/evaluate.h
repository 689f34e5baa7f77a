/* Accuracy of one subnet of a network that is being trained. */
#ifndef OFA_TRAIN_EVALUATE_H
#define OFA_TRAIN_EVALUATE_H

#include "net/supernet.h"
#include "train/dataset.h"
#include "train/step.h"

/* What every evaluation of a run shares; all borrowed. */
struct ofa_evaluation {
	const struct ofa_train_params *params;
	const struct ofa_dataset *calibration; /* raw images for BN recalibration */
	const struct ofa_dataset *data;        /* images to classify */
	const float *mean, *std;
	struct ofa_pool *pool;
	struct ofa_comm *comm; /* whose ranks divide the images; NULL: this one alone */
};

/* BN recalibration on the plain calibration images, extraction, inference; top-1 in [0,1].  Every rank has all the
 * images and gets the same result; the ranks agree upon the status. */
enum ofa_status ofa_evaluate_arch(const struct ofa_evaluation *e, const struct ofa_arch *arch, double *ret_accuracy,
				  struct ofa_error *err) OFA_MUST_CHECK;

#endif
