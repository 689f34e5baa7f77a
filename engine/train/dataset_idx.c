#include "train/dataset_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum ofa_status ofa_idx_parse_images(const uint8_t *data, size_t size, struct ofa_dataset *d, struct ofa_error *err)
{
	if (size < 16)
		return ofa_fail(err, OFA_ERR_FORMAT, "header",
				"IDX images need a 16-byte header, the file has %zu bytes", size);
	if (be32(data) != 0x803)
		return ofa_fail(err, OFA_ERR_FORMAT, "magic",
				"magic 0x%08x where 0x00000803 (bytes, 3 dimensions) belongs", (unsigned)be32(data));
	uint32_t n = be32(data + 4), h = be32(data + 8), w = be32(data + 12);
	if (n < 1 || n > OFA_DATASET_MAX_IMAGES)
		return ofa_fail(err, OFA_ERR_FORMAT, "images", "%u images, 1..%d are accepted", (unsigned)n,
				OFA_DATASET_MAX_IMAGES);
	if (h < 1 || h > OFA_DATASET_MAX_SIDE || w < 1 || w > OFA_DATASET_MAX_SIDE)
		return ofa_fail(err, OFA_ERR_FORMAT, "size", "images of %ux%u pixels, 1..%d per side are accepted",
				(unsigned)h, (unsigned)w, OFA_DATASET_MAX_SIDE);
	uint64_t bytes = (uint64_t)n * h * w;
	if (bytes != size - 16)
		return ofa_fail(err, OFA_ERR_FORMAT, "images", "%u images of %ux%u need %llu bytes, the file has %zu",
				(unsigned)n, (unsigned)h, (unsigned)w, (unsigned long long)bytes, size - 16);
	uint8_t *images = malloc(bytes);
	if (!images)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %llu bytes of images",
				(unsigned long long)bytes);
	memcpy(images, data + 16, bytes);
	*d = (struct ofa_dataset){.n = (int)n, .h = (int)h, .w = (int)w, .c = 1, .images = images};
	return OFA_OK;
}

enum ofa_status ofa_idx_parse_labels(const uint8_t *data, size_t size, struct ofa_dataset *d, struct ofa_error *err)
{
	if (size < 8)
		return ofa_fail(err, OFA_ERR_FORMAT, "header",
				"IDX labels need an 8-byte header, the file has %zu bytes", size);
	if (be32(data) != 0x801)
		return ofa_fail(err, OFA_ERR_FORMAT, "magic",
				"magic 0x%08x where 0x00000801 (bytes, 1 dimension) belongs", (unsigned)be32(data));
	if (be32(data + 4) != (uint32_t)d->n || size - 8 != (size_t)d->n)
		return ofa_fail(err, OFA_ERR_FORMAT, "labels", "%u labels announced, %zu present, %d images",
				(unsigned)be32(data + 4), size - 8, d->n);
	uint8_t *labels = malloc(size - 8);
	if (!labels)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d labels", d->n);
	memcpy(labels, data + 8, size - 8);
	d->labels = labels;
	for (int i = 0; i < d->n; i++)
		if (labels[i] >= d->classes)
			d->classes = labels[i] + 1;
	return OFA_OK;
}

/* DIR/NAME or DIR/NAME.gz, whichever exists. */
static enum ofa_status read_either(const char *dir, const char *name, uint8_t **ret_data, size_t *ret_size,
				   struct ofa_error *err)
{
	static const char *const suffixes[] = {"", ".gz"};
	char path[4096];
	for (size_t i = 0; i < OFA_ARRAY_LEN(suffixes); i++) {
		int len = snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffixes[i]);
		if (len < 0 || (size_t)len >= sizeof(path))
			return ofa_fail(err, OFA_ERR_INVALID, "data", "the directory's name is too long");
		if (!access(path, F_OK))
			return ofa_dataset_read_file(path, ret_data, ret_size, err);
	}
	return ofa_fail(err, OFA_ERR_NOT_FOUND, name, "%s has neither %s nor %s.gz", dir, name, name);
}

static enum ofa_status load_part(const char *dir, const char *images, const char *labels, struct ofa_dataset *d,
				 struct ofa_error *err)
{
	uint8_t *data = NULL;
	size_t size = 0;
	enum ofa_status status = read_either(dir, images, &data, &size, err);
	if (!status && (status = ofa_idx_parse_images(data, size, d, err)))
		ofa_error_prefix(err, "%s/%s", dir, images);
	free(data);
	data = NULL;
	if (!status)
		status = read_either(dir, labels, &data, &size, err);
	if (!status && data && (status = ofa_idx_parse_labels(data, size, d, err)))
		ofa_error_prefix(err, "%s/%s", dir, labels);
	free(data);
	return status;
}

enum ofa_status ofa_idx_load(const char *dir, struct ofa_dataset *train, struct ofa_dataset *test,
			     struct ofa_error *err)
{
	enum ofa_status status = load_part(dir, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", train, err);
	if (!status)
		status = load_part(dir, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", test, err);
	return status;
}
