/* The training log: one JSON object a line, flushed, with "event" and "seconds" (spent so far, over all
 * runs) in each:
 *   start, resume  recipe, seed, train_images, holdout_images, threads (of one rank), ranks, batch (of all ranks),
 *                  mean, std, phase, step
 *   phase          phase, steps, subnets (per step), archs (drawn in the phase), lr, kd, sort
 *   step           phase, step, epoch, image_size, loss (this step), mean_loss, lr, images_per_second (of all ranks)
 *   epoch          phase, epoch, mean_loss
 *   evaluation     phase, arch, holdout_accuracy
 *   end            network (path) */
#ifndef OFA_TRAIN_LOG_H
#define OFA_TRAIN_LOG_H

#include <jansson.h>
#include <stdio.h>
#include "base/status.h"

struct ofa_train_log {
	FILE *file; /* NULL: none is written */
	const char *path;
};

/* path NULL: a log that takes lines and keeps none. */
enum ofa_status ofa_train_log_open(struct ofa_train_log *log, const char *path, bool append,
				   struct ofa_error *err) OFA_MUST_CHECK;
/* Drops the reference; NULL is OFA_ERR_NOMEM. */
enum ofa_status ofa_train_log_line(struct ofa_train_log *log, json_t *owned, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_train_log_close(struct ofa_train_log *log);

#endif
