#include "train/dataset_files.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void ofa_dataset_release(struct ofa_dataset *d)
{
	free(d->images);
	free(d->labels);
	*d = (struct ofa_dataset){0};
}

/* Reads to the end in doubling steps; *ret_data is the caller's even after a failure. */
static enum ofa_status slurp(gzFile file, const char *path, uint8_t **ret_data, size_t *ret_size, struct ofa_error *err)
{
	size_t cap = 0, len = 0;
	for (;;) {
		if (len == cap) {
			if (cap > OFA_DATASET_MAX_BYTES)
				return ofa_fail(err, OFA_ERR_LIMIT, path, "unpacks to more than %zu bytes",
						OFA_DATASET_MAX_BYTES);
			cap = cap ? 2 * cap : (size_t)1 << 20;
			uint8_t *grown = realloc(*ret_data, cap);
			if (!grown)
				return ofa_fail(err, OFA_ERR_NOMEM, path, "no memory for %zu bytes", cap);
			*ret_data = grown;
		}
		size_t room = cap - len;
		int n = gzread(file, *ret_data + len, room > 1u << 30 ? 1u << 30 : (unsigned)room);
		int code = Z_OK;
		const char *why = gzerror(file, &code);
		if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
			return ofa_fail(err, code == Z_ERRNO ? OFA_ERR_IO : OFA_ERR_FORMAT, path,
					"cannot be unpacked: %s", why);
		if (!n)
			break;
		len += (size_t)n;
	}
	*ret_size = len;
	return OFA_OK;
}

enum ofa_status ofa_dataset_read_file(const char *path, uint8_t **ret_data, size_t *ret_size, struct ofa_error *err)
{
	gzFile file = gzopen(path, "rb");
	if (!file)
		return ofa_fail(err, errno == ENOENT ? OFA_ERR_NOT_FOUND : OFA_ERR_IO, path, "cannot be opened: %s",
				strerror(errno));
	gzbuffer(file, 1 << 17);
	uint8_t *data = NULL;
	size_t size = 0;
	enum ofa_status status = slurp(file, path, &data, &size, err);
	gzclose(file);
	if (status) {
		free(data);
		return status;
	}
	*ret_data = data;
	*ret_size = size;
	return OFA_OK;
}

static enum ofa_status check_pair(const struct ofa_dataset *train, const struct ofa_dataset *test, const char *dir,
				  struct ofa_error *err)
{
	if (train->h == test->h && train->w == test->w && train->c == test->c && test->classes <= train->classes)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_MISMATCH, dir,
			"training images are %dx%dx%d of %d classes, test images %dx%dx%d of %d", train->h, train->w,
			train->c, train->classes, test->h, test->w, test->c, test->classes);
}

enum ofa_status ofa_dataset_load(const char *dir, struct ofa_dataset *ret_train, struct ofa_dataset *ret_test,
				 struct ofa_error *err)
{
	static enum ofa_status (*const loaders[])(const char *, struct ofa_dataset *, struct ofa_dataset *,
						  struct ofa_error *) = {ofa_idx_load, ofa_cifar_load};
	struct ofa_dataset train = {0}, test = {0};
	enum ofa_status status = OFA_ERR_NOT_FOUND;
	struct ofa_error why;
	for (size_t i = 0; i < OFA_ARRAY_LEN(loaders); i++) {
		why = (struct ofa_error){0};
		status = loaders[i](dir, &train, &test, &why);
		if (status != OFA_ERR_NOT_FOUND || train.n)
			break;
	}
	if (status == OFA_ERR_NOT_FOUND && !train.n) {
		status = ofa_fail(err, status, "data",
				  "%s holds neither train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz] and the "
				  "t10k- pair, nor data_batch_1.bin to data_batch_5.bin and test_batch.bin",
				  dir);
	} else if (status) {
		status = ofa_fail(err, status, why.field, "%s", why.message);
	} else {
		status = check_pair(&train, &test, dir, err);
	}
	if (status) {
		ofa_dataset_release(&train);
		ofa_dataset_release(&test);
		return status;
	}
	test.classes = train.classes;
	*ret_train = train;
	*ret_test = test;
	return OFA_OK;
}

static size_t image_bytes(const struct ofa_dataset *d)
{
	return (size_t)d->h * (size_t)d->w * (size_t)d->c;
}

/* Allocates room for n images shaped as those of d. */
static bool like(const struct ofa_dataset *d, int n, struct ofa_dataset *ret)
{
	*ret = *d;
	ret->n = 0;
	ret->images = malloc((size_t)n * image_bytes(d));
	ret->labels = malloc((size_t)n);
	return ret->images && ret->labels;
}

static void push(struct ofa_dataset *to, const struct ofa_dataset *from, int i)
{
	size_t bytes = image_bytes(from);
	memmove(to->images + (size_t)to->n * bytes, from->images + (size_t)i * bytes, bytes);
	to->labels[to->n++] = from->labels[i];
}

enum ofa_status ofa_dataset_split(struct ofa_dataset *train, int n_holdout, uint64_t seed,
				  struct ofa_dataset *ret_holdout, struct ofa_error *err)
{
	if (n_holdout < 1 || n_holdout >= train->n)
		return ofa_fail(err, OFA_ERR_INVALID, "/holdout", "%d images, 1..%d are accepted", n_holdout,
				train->n - 1);
	struct ofa_dataset holdout = {0};
	uint32_t *order = malloc((size_t)train->n * sizeof(*order));
	uint8_t *held = calloc((size_t)train->n, 1);
	enum ofa_status status = OFA_OK;
	if (!order || !held || !like(train, n_holdout, &holdout)) {
		ofa_dataset_release(&holdout);
		status = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %d hold-out images", n_holdout);
		goto out;
	}
	for (int i = 0; i < train->n; i++)
		order[i] = (uint32_t)i;
	struct ofa_rng rng;
	ofa_rng_init(&rng, seed);
	ofa_rng_shuffle_u32(&rng, order, (uint32_t)train->n);
	for (int i = 0; i < n_holdout; i++)
		held[order[i]] = 1;
	int n = train->n;
	train->n = 0;
	for (int i = 0; i < n; i++)
		push(held[i] ? &holdout : train, train, i);
	*ret_holdout = holdout;
out:
	free(order);
	free(held);
	return status;
}

void ofa_dataset_statistics(const struct ofa_dataset *d, float *mean, float *std)
{
	size_t pixels = (size_t)d->n * (size_t)d->h * (size_t)d->w, channels = (size_t)d->c;
	for (size_t c = 0; c < channels; c++) {
		uint64_t sum = 0, squares = 0;
		for (size_t i = 0; i < pixels; i++) {
			uint64_t v = d->images[i * channels + c];
			sum += v;
			squares += v * v;
		}
		double m = (double)sum / (double)pixels, var = (double)squares / (double)pixels - m * m;
		mean[c] = (float)(m / 255);
		std[c] = (float)(sqrt(var > 1e-6 ? var : 1) / 255);
	}
}
