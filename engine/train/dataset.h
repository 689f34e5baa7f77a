/* Image data sets for training: IDX (plain or gzip; MNIST, Fashion-MNIST) and CIFAR-10 binary batches. */
#ifndef OFA_TRAIN_DATASET_H
#define OFA_TRAIN_DATASET_H

#include "base/rng.h"
#include "base/status.h"
#include <stddef.h>

struct ofa_dataset {
	int n, h, w, c, classes;
	uint8_t *images; /* (n,h,w,c) raw pixels; owned */
	uint8_t *labels; /* (n); owned */
};
void ofa_dataset_release(struct ofa_dataset *d);

/* DIR with train-images-idx3-ubyte[.gz] etc., or data_batch_{1..5}.bin + test_batch.bin (also one level
 * below, "cifar-10-batches-bin").  OFA_ERR_NOT_FOUND names the files that were looked for. */
enum ofa_status ofa_dataset_load(const char *dir, struct ofa_dataset *ret_train, struct ofa_dataset *ret_test,
				 struct ofa_error *err) OFA_MUST_CHECK;
/* Moves n_holdout images, drawn by seed, from train to ret_holdout. */
enum ofa_status ofa_dataset_split(struct ofa_dataset *train, int n_holdout, uint64_t seed,
				  struct ofa_dataset *ret_holdout, struct ofa_error *err) OFA_MUST_CHECK;
/* Per-channel mean and std of pixel/255. */
void ofa_dataset_statistics(const struct ofa_dataset *d, float *mean, float *std);

/* What augmentation does to one training image; zero = off. */
struct ofa_augment {
	float scale_min, scale_max; /* random resized crop: side of the crop relative to the image, e.g. 0.8..1.1 */
	float shift;                /* crop centre moves by whole pixels, up to this fraction of the image, uniform */
	float rotate_degrees;
	bool flip; /* horizontal, p = 0.5 */
	float brightness, contrast;
	float erase_probability, erase_min, erase_max; /* random erasing: area fraction */
};
/* count images data->images[index[i]] -> x (count,r,r,c) float32 NHWC, normalised, resized to r with
 * bilinear filtering (area averaging below the original size), augmented when a is not NULL.
 * Image i draws from its own stream (seed, epoch, index[i]): order and threads do not matter. */
void ofa_dataset_batch(const struct ofa_dataset *d, const uint32_t *index, int count, int r, const float *mean,
		       const float *std, const struct ofa_augment *a, uint64_t seed, uint64_t epoch, float *x,
		       uint8_t *labels);

#endif
