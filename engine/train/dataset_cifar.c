#include "train/dataset_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, IMAGE = 3 * PLANE, RECORD = 1 + IMAGE, CLASSES = 10 };

static void planes_to_pixels(const uint8_t *planes, uint8_t *pixels)
{
	for (int i = 0; i < PLANE; i++)
		for (int c = 0; c < 3; c++)
			pixels[3 * i + c] = planes[c * PLANE + i];
}

static enum ofa_status grow(struct ofa_dataset *d, size_t n, struct ofa_error *err)
{
	if (n > OFA_DATASET_MAX_BYTES / IMAGE)
		return ofa_fail(err, OFA_ERR_LIMIT, "images", "%zu images, at most %zu are accepted", n,
				OFA_DATASET_MAX_BYTES / IMAGE);
	uint8_t *images = realloc(d->images, n * IMAGE);
	if (images)
		d->images = images;
	uint8_t *labels = realloc(d->labels, n);
	if (labels)
		d->labels = labels;
	if (!images || !labels)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %zu images", n);
	return OFA_OK;
}

enum ofa_status ofa_cifar_append(const uint8_t *data, size_t size, struct ofa_dataset *d, struct ofa_error *err)
{
	if (!size || size % RECORD)
		return ofa_fail(err, OFA_ERR_FORMAT, "size",
				"%zu bytes, a multiple of %d (label and 3x32x32) is expected", size, RECORD);
	size_t n = size / RECORD;
	for (size_t i = 0; i < n; i++)
		if (data[i * RECORD] >= CLASSES)
			return ofa_fail(err, OFA_ERR_FORMAT, "label", "record %zu has label %d, 0..%d are accepted", i,
					data[i * RECORD], CLASSES - 1);
	enum ofa_status status = grow(d, (size_t)d->n + n, err);
	if (status)
		return status;
	for (size_t i = 0; i < n; i++) {
		d->labels[(size_t)d->n + i] = data[i * RECORD];
		planes_to_pixels(data + i * RECORD + 1, d->images + ((size_t)d->n + i) * IMAGE);
	}
	d->n += (int)n;
	d->h = d->w = SIDE;
	d->c = 3;
	d->classes = CLASSES;
	return OFA_OK;
}

static enum ofa_status append_file(const char *dir, const char *name, struct ofa_dataset *d, struct ofa_error *err)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return ofa_fail(err, OFA_ERR_INVALID, "data", "the directory's name is too long");
	uint8_t *data;
	size_t size;
	enum ofa_status status = ofa_dataset_read_file(path, &data, &size, err);
	if (status)
		return status;
	status = ofa_cifar_append(data, size, d, err);
	if (status)
		ofa_error_prefix(err, "%s", path);
	free(data);
	return status;
}

enum ofa_status ofa_cifar_load(const char *dir, struct ofa_dataset *train, struct ofa_dataset *test,
			       struct ofa_error *err)
{
	static const char *const batches[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
					      "data_batch_4.bin", "data_batch_5.bin"};
	static const char *const places[] = {"", "/cifar-10-batches-bin"};
	char where[4096] = "", probe[4200];
	for (size_t i = 0; i < OFA_ARRAY_LEN(places) && !where[0]; i++) {
		snprintf(probe, sizeof(probe), "%s%s/%s", dir, places[i], batches[0]);
		if (!access(probe, F_OK))
			snprintf(where, sizeof(where), "%s%s", dir, places[i]);
	}
	if (!where[0])
		return ofa_fail(err, OFA_ERR_NOT_FOUND, batches[0], "%s has no %s", dir, batches[0]);
	enum ofa_status status = OFA_OK;
	for (size_t i = 0; i < OFA_ARRAY_LEN(batches) && !status; i++)
		status = append_file(where, batches[i], train, err);
	return status ? status : append_file(where, "test_batch.bin", test, err);
}
