/* A supernet out of somebody's checkpoint: the file's tensors (import/checkpoint.h) matched to the parameters of the
 * space that they tell (import/family.h), ready to be written as our network file. */
#ifndef OFA_IMPORT_IMPORT_H
#define OFA_IMPORT_IMPORT_H

#include "import/checkpoint.h"
#include "import/family.h"
#include "net/supernet.h"

struct ofa_import {
	struct ofa_checkpoint checkpoint;
	struct ofa_import_space found;
	struct ofa_params params;
	const float **data; /* by parameter id; in the checkpoint or in `converted` */
	float *converted;   /* those that were not stored as F32 */
	size_t n_converted; /* how many tensors; F64 is rounded, F16 and BF16 are exact */
	size_t n_ignored;   /* "num_batches_tracked" counters */
	json_t *lineage;    /* {"tool", "import": {"file", "sha256", "format", "container"}} */
};

/* Reads a checkpoint of a published family.  Refused, naming the tensor: missing and unknown ones, other shapes, types
 * that are no floating point, values that are not finite, negative variances. */
enum ofa_status ofa_import_open(const char *path, const char *tool, struct ofa_import *ret,
				struct ofa_error *err) OFA_MUST_CHECK;
void ofa_import_close(struct ofa_import *i);

/* The parts of the network file, borrowing from it: mean and std are ImageNet's, which the published families take. */
void ofa_import_parts(const struct ofa_import *i, struct ofa_supernet_parts *ret);

/* n elements of F32, F64, F16 or BF16 -> float.  False for other types. */
bool ofa_import_floats(const struct ofa_tensor *t, float *out);

#endif
