#include "import/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/zip.h"

#define PICKLE_NAME "data.pkl"

/* Length of the archive's prefix, "NAME/", in the name of the only data.pkl. */
static enum ofa_status find_pickle(const struct ofa_zip *z, size_t *ret_index, size_t *ret_prefix,
				   struct ofa_error *err)
{
	size_t found = ofa_zip_count(z), tail = strlen(PICKLE_NAME);

	for (size_t i = 0; i < ofa_zip_count(z); i++) {
		const char *name = ofa_zip_name(z, i);
		size_t n = strlen(name);

		if (n < tail || strcmp(name + n - tail, PICKLE_NAME) != 0 || (n > tail && name[n - tail - 1] != '/'))
			continue;
		if (found < ofa_zip_count(z))
			return ofa_fail(err, OFA_ERR_FORMAT, name,
					"the archive has both %.100s and %.100s; a checkpoint has one " PICKLE_NAME,
					ofa_zip_name(z, found), name);
		found = i;
		*ret_prefix = n - tail;
	}
	if (found == ofa_zip_count(z))
		return ofa_fail(err, OFA_ERR_FORMAT, PICKLE_NAME,
				"a zip archive, but no checkpoint: it has no " PICKLE_NAME);
	*ret_index = found;
	return OFA_OK;
}

static enum ofa_status read_pickle(struct ofa_zip *z, size_t index, size_t file_size, uint8_t **ret, size_t *ret_size,
				   struct ofa_error *err)
{
	uint64_t size = ofa_zip_size(z, index);
	enum ofa_status st;
	uint8_t *data;

	if (size > OFA_PICKLE_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_LIMIT, PICKLE_NAME, PICKLE_NAME " has %llu bytes, at most %u are read",
				(unsigned long long)size, OFA_PICKLE_MAX_BYTES);
	if (size > (uint64_t)file_size * OFA_CHECKPOINT_MAX_INFLATION)
		return ofa_fail(err, OFA_ERR_LIMIT, PICKLE_NAME,
				PICKLE_NAME " inflates to %llu bytes, more than %d times the file's %zu",
				(unsigned long long)size, OFA_CHECKPOINT_MAX_INFLATION, file_size);
	data = malloc(size ? (size_t)size : 1);
	if (!data)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_zip_read(z, index, data, (size_t)size, err);
	if (st != OFA_OK) {
		free(data);
		return st;
	}
	*ret = data;
	*ret_size = (size_t)size;
	return OFA_OK;
}

/* "PREFIX" + name, looked up; a key that is no part of a legal name finds nothing. */
static int64_t find_entry(const struct ofa_zip *z, const char *prefix, size_t prefix_size, const char *folder,
			  const uint8_t *key, size_t key_size)
{
	char name[OFA_ZIP_MAX_NAME + 1];
	int n;

	if (prefix_size + strlen(folder) + key_size > OFA_ZIP_MAX_NAME)
		return -1;
	n = snprintf(name, sizeof(name), "%.*s%s%.*s", (int)prefix_size, prefix, folder, (int)key_size,
		     (const char *)key);
	return n < (int)sizeof(name) ? ofa_zip_find(z, name) : -1;
}

static enum ofa_status check_byte_order(struct ofa_zip *z, const char *prefix, size_t prefix_size,
					struct ofa_error *err)
{
	static const char little[] = "little";
	int64_t index = find_entry(z, prefix, prefix_size, "byteorder", NULL, 0);
	uint8_t text[sizeof(little) - 1];
	enum ofa_status st = OFA_OK;

	if (index < 0)
		return OFA_OK;
	if (ofa_zip_size(z, (size_t)index) == sizeof(text))
		st = ofa_zip_read(z, (size_t)index, text, sizeof(text), err);
	if (st == OFA_OK && (ofa_zip_size(z, (size_t)index) != sizeof(text) || memcmp(text, little, sizeof(text)) != 0))
		st = ofa_fail(err, OFA_ERR_UNSUPPORTED, "byteorder",
			      "the checkpoint's byteorder is not \"little\": only such numbers are read");
	return st;
}

/* Finds the entries of all storages first: what they add up to is checked before any is read. */
static enum ofa_status measure_storages(const struct ofa_zip *z, const struct ofa_torch *t, const char *prefix,
					size_t prefix_size, size_t file_size, uint64_t *ret_bytes,
					struct ofa_error *err)
{
	uint64_t bytes = 0, most = (uint64_t)file_size * OFA_CHECKPOINT_MAX_INFLATION;

	for (size_t i = 0; i < t->n_data; i++) {
		const struct ofa_torch_data *d = &t->data[i];
		const char *key = (const char *)d->storage->key;
		int n = d->storage->key_size < 40 ? (int)d->storage->key_size : 40;
		int64_t index;

		if (!d->needed)
			continue;
		index = find_entry(z, prefix, prefix_size, "data/", d->storage->key, d->storage->key_size);
		if (index < 0)
			return ofa_fail(err, OFA_ERR_FORMAT, "data", "the archive has no storage data/%.*s", n, key);
		if (ofa_zip_size(z, (size_t)index) != ofa_torch_data_size(d))
			return ofa_fail(err, OFA_ERR_FORMAT, "data",
					"storage data/%.*s has %llu bytes, its tensors say %llu", n, key,
					(unsigned long long)ofa_zip_size(z, (size_t)index),
					(unsigned long long)ofa_torch_data_size(d));
		bytes += ofa_torch_data_size(d);
		if (bytes > most || bytes > OFA_CHECKPOINT_MAX_BYTES)
			return ofa_fail(
				err, OFA_ERR_LIMIT, "data",
				"the storages inflate to more than %d times the file's %zu bytes, or to more than "
				"%llu bytes",
				OFA_CHECKPOINT_MAX_INFLATION, file_size, (unsigned long long)OFA_CHECKPOINT_MAX_BYTES);
	}
	*ret_bytes = bytes;
	return OFA_OK;
}

static enum ofa_status read_storages(struct ofa_zip *z, struct ofa_torch *t, const char *prefix, size_t prefix_size,
				     uint8_t *to, struct ofa_error *err)
{
	for (size_t i = 0; i < t->n_data; i++) {
		struct ofa_torch_data *d = &t->data[i];
		int64_t index;
		enum ofa_status st;

		if (!d->needed)
			continue;
		index = find_entry(z, prefix, prefix_size, "data/", d->storage->key, d->storage->key_size);
		d->bytes = to;
		d->size = (size_t)ofa_torch_data_size(d);
		st = ofa_zip_read(z, (size_t)index, to, d->size, err);
		if (st != OFA_OK)
			return st;
		to += d->size;
	}
	return OFA_OK;
}

static enum ofa_status collect(struct ofa_zip *z, struct ofa_torch *t, const char *prefix, size_t prefix_size,
			       size_t file_size, struct ofa_checkpoint *c, struct ofa_error *err)
{
	uint8_t *storages = NULL;
	uint64_t bytes = 0;
	enum ofa_status st = measure_storages(z, t, prefix, prefix_size, file_size, &bytes, err);

	if (st != OFA_OK)
		return st;
	storages = malloc(bytes ? (size_t)bytes : 1);
	st = storages ? read_storages(z, t, prefix, prefix_size, storages, err)
		      : ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %llu bytes of tensors",
				 (unsigned long long)bytes);
	if (st == OFA_OK)
		st = ofa_torch_collect(t, c, err);
	free(storages);
	return st;
}

enum ofa_status ofa_torch_zip_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *c, struct ofa_error *err)
{
	struct ofa_pickle pickle = {0};
	struct ofa_torch t = {0};
	uint8_t *text = NULL;
	struct ofa_zip *z;
	size_t index = 0, prefix = 0, text_size = 0;
	enum ofa_status st = ofa_zip_open(data, size, &z, err);

	if (st != OFA_OK)
		return st;
	st = find_pickle(z, &index, &prefix, err);
	if (st == OFA_OK)
		st = check_byte_order(z, ofa_zip_name(z, index), prefix, err);
	if (st == OFA_OK)
		st = read_pickle(z, index, size, &text, &text_size, err);
	if (st == OFA_OK)
		st = ofa_unpickle(text, text_size, &pickle, err);
	if (st == OFA_OK)
		st = ofa_torch_init(&pickle, &t, err);
	if (st == OFA_OK)
		st = collect(z, &t, ofa_zip_name(z, index), prefix, size, c, err);
	ofa_torch_release(&t);
	free(text);
	ofa_zip_close(z);
	return st;
}
