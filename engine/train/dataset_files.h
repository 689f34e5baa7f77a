/* The file formats behind ofa_dataset_load(): whole files in memory, every field distrusted. */
#ifndef OFA_TRAIN_DATASET_FILES_H
#define OFA_TRAIN_DATASET_FILES_H

#include "train/dataset.h"

#define OFA_DATASET_MAX_BYTES ((size_t)1 << 30) /* of one file, unpacked, and of one data set */
#define OFA_DATASET_MAX_SIDE 256
#define OFA_DATASET_MAX_IMAGES 4000000

/* A whole file, gzip or plain, of at most OFA_DATASET_MAX_BYTES unpacked, into malloc'ed memory. */
enum ofa_status ofa_dataset_read_file(const char *path, uint8_t **ret_data, size_t *ret_size,
				      struct ofa_error *err) OFA_MUST_CHECK;

/* IDX (yann.lecun.com/exdb/mnist): big-endian magic 0x00000803 + three sizes + bytes, and 0x00000801 + one
 * size + bytes.  parse_images fills n,h,w,c and images, parse_labels (after it) labels and classes; a count
 * that differs, or a size that is not exactly what the header says, is OFA_ERR_FORMAT. */
enum ofa_status ofa_idx_parse_images(const uint8_t *data, size_t size, struct ofa_dataset *d,
				     struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_idx_parse_labels(const uint8_t *data, size_t size, struct ofa_dataset *d,
				     struct ofa_error *err) OFA_MUST_CHECK;

/* CIFAR-10 binary (cs.toronto.edu/~kriz/cifar.html): records of one label byte and three 32x32 planes,
 * appended to *d as NHWC. */
enum ofa_status ofa_cifar_append(const uint8_t *data, size_t size, struct ofa_dataset *d,
				 struct ofa_error *err) OFA_MUST_CHECK;

/* OFA_ERR_NOT_FOUND when DIR does not hold the format's files at all. */
enum ofa_status ofa_idx_load(const char *dir, struct ofa_dataset *train, struct ofa_dataset *test,
			     struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_cifar_load(const char *dir, struct ofa_dataset *train, struct ofa_dataset *test,
			       struct ofa_error *err) OFA_MUST_CHECK;

#endif
