/* A package over a data set, by the device runtime. */
#ifndef OFA_CLI_DEVICE_EVAL_H
#define OFA_CLI_DEVICE_EVAL_H

#include "base/pool.h"
#include "device_model.h"
#include "train/dataset.h"

struct cli_device_result {
	double accuracy; /* in [0,1] */
	double images_per_second; /* of all threads together, resizing included */
};

/* Classifies the first n images, resized as the engine's evaluation does it, and shows progress on stderr.  Images and
 * package agree in channels and classes.  Each thread of the pool has an arena of its own. */
enum ofa_status cli_device_evaluate(const struct cli_device_model *d, const struct ofa_dataset *data, int n,
                                    struct ofa_pool *pool, struct cli_device_result *ret,
                                    struct ofa_error *err) OFA_MUST_CHECK;

#endif
