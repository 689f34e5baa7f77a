#include "tensor/safetensors.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8 /* of the header's length, little-endian */

static const struct dtype {
	const char *name;
	size_t size;
} dtypes[OFA_DTYPE_COUNT] = {
	[OFA_F32] = {"F32", 4}, [OFA_F64] = {"F64", 8},   [OFA_F16] = {"F16", 2}, [OFA_BF16] = {"BF16", 2},
	[OFA_I64] = {"I64", 8}, [OFA_I32] = {"I32", 4},   [OFA_I16] = {"I16", 2}, [OFA_I8] = {"I8", 1},
	[OFA_U8] = {"U8", 1},   [OFA_BOOL] = {"BOOL", 1},
};

size_t ofa_dtype_size(enum ofa_dtype t)
{
	return (unsigned)t < OFA_DTYPE_COUNT ? dtypes[t].size : 0;
}

const char *ofa_dtype_name(enum ofa_dtype t)
{
	return (unsigned)t < OFA_DTYPE_COUNT ? dtypes[t].name : "unknown";
}

int64_t ofa_tensor_elements(const struct ofa_tensor *t)
{
	int64_t n = 1;

	for (int i = 0; i < t->rank; i++)
		n *= t->shape[i];
	return n;
}

static enum ofa_status bad_tensor(struct ofa_error *err, const char *name, const char *what)
{
	return ofa_fail(err, OFA_ERR_FORMAT, name, "tensor \"%.100s\" %s", name, what);
}

static enum ofa_status parse_dtype(const json_t *entry, struct ofa_tensor *t, struct ofa_error *err)
{
	const char *name = json_string_value(json_object_get(entry, "dtype"));

	if (!name)
		return bad_tensor(err, t->name, "has no dtype");
	for (int i = 0; i < OFA_DTYPE_COUNT; i++) {
		if (strcmp(name, dtypes[i].name) == 0) {
			t->dtype = (enum ofa_dtype)i;
			return OFA_OK;
		}
	}
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, t->name,
			"tensor \"%.100s\" has dtype \"%.20s\", which is not handled", t->name, name);
}

/* Fills rank and shape; *ret_bytes is the size they ask for, refused when above `limit`. */
static enum ofa_status parse_shape(const json_t *entry, size_t limit, struct ofa_tensor *t, size_t *ret_bytes,
				   struct ofa_error *err)
{
	const json_t *shape = json_object_get(entry, "shape");
	size_t bytes = ofa_dtype_size(t->dtype), rank = json_array_size(shape);

	if (!json_is_array(shape) || rank > OFA_TENSOR_MAX_RANK)
		return bad_tensor(err, t->name, "must have a shape of at most 8 dimensions");
	for (size_t i = 0; i < rank; i++) {
		const json_t *v = json_array_get(shape, i);
		json_int_t n = json_integer_value(v);

		if (!json_is_integer(v) || n < 0)
			return bad_tensor(err, t->name, "has a dimension that is not a whole number");
		/* Dimensions after a zero are bounded too, so that products of shapes never overflow. */
		if ((uint64_t)n > limit || (bytes && (uint64_t)n > limit / bytes))
			return bad_tensor(err, t->name, "is larger than the file");
		t->shape[i] = n;
		bytes *= (size_t)n;
	}
	t->rank = (int)rank;
	*ret_bytes = bytes;
	return OFA_OK;
}

static enum ofa_status parse_range(const json_t *entry, const uint8_t *data, size_t size, struct ofa_tensor *t,
				   struct ofa_error *err)
{
	const json_t *range = json_object_get(entry, "data_offsets");
	const json_t *first = json_array_get(range, 0), *last = json_array_get(range, 1);
	json_int_t begin = json_integer_value(first), end = json_integer_value(last);
	size_t bytes = 0;
	enum ofa_status st;

	if (json_array_size(range) != 2 || !json_is_integer(first) || !json_is_integer(last))
		return bad_tensor(err, t->name, "must have data_offsets [begin, end]");
	if (begin < 0 || end < begin || (uint64_t)end > size)
		return bad_tensor(err, t->name, "reaches outside the file");
	st = parse_shape(entry, size, t, &bytes, err);
	if (st != OFA_OK)
		return st;
	if (bytes != (size_t)(end - begin))
		return ofa_fail(err, OFA_ERR_FORMAT, t->name,
				"tensor \"%.100s\" has %zu bytes of shape but %zu bytes of data", t->name, bytes,
				(size_t)(end - begin));
	t->data = data + begin;
	t->size = bytes;
	if ((uintptr_t)t->data % ofa_dtype_size(t->dtype))
		return bad_tensor(err, t->name, "is not aligned to its element size");
	return OFA_OK;
}

static enum ofa_status parse_entry(const char *name, const json_t *entry, const uint8_t *data, size_t size,
				   struct ofa_tensor *t, struct ofa_error *err)
{
	enum ofa_status st;

	*t = (struct ofa_tensor){.name = name};
	if (!json_is_object(entry) || json_object_size(entry) != 3)
		return bad_tensor(err, name, "must be described by dtype, shape and data_offsets");
	st = parse_dtype(entry, t, err);
	return st == OFA_OK ? parse_range(entry, data, size, t, err) : st;
}

static enum ofa_status parse_metadata(const json_t *header, json_t **ret, struct ofa_error *err)
{
	json_t *meta = json_object_get(header, "__metadata__"), *value;
	const char *key;

	if (!meta) {
		*ret = json_object();
		return *ret ? OFA_OK : ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	if (!json_is_object(meta))
		return ofa_fail(err, OFA_ERR_FORMAT, "__metadata__", "__metadata__ must be an object of strings");
	json_object_foreach(meta, key, value) if (!json_is_string(value)) return ofa_fail(
		err, OFA_ERR_FORMAT, key, "__metadata__ \"%.100s\" must be a string", key);
	*ret = json_incref(meta);
	return OFA_OK;
}

static int by_offset(const void *a, const void *b)
{
	const struct ofa_tensor *x = a, *y = b;

	if (x->data != y->data)
		return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct ofa_tensor *const *)a)->name, (*(const struct ofa_tensor *const *)b)->name);
}

/* Sorted by offset, each tensor must begin where the one before it ended. */
static enum ofa_status check_cover(const struct ofa_safetensors *st, const uint8_t *data, size_t size,
				   struct ofa_error *err)
{
	const uint8_t *end = data;

	for (size_t i = 0; i < st->n_tensors; i++) {
		const struct ofa_tensor *t = &st->tensors[i];

		if ((const uint8_t *)t->data < end)
			return bad_tensor(err, t->name, "overlaps another tensor");
		if ((const uint8_t *)t->data > end)
			return bad_tensor(err, t->name, "leaves bytes before it that belong to no tensor");
		end = (const uint8_t *)t->data + t->size;
	}
	if (end != data + size)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "%zu bytes after the last tensor belong to none",
				(size_t)(data + size - end));
	return OFA_OK;
}

/* Copies the names, which the header owns, and prepares the look-up by name. */
static enum ofa_status keep_names(struct ofa_safetensors *st, struct ofa_error *err)
{
	size_t total = 0;
	char *p;

	for (size_t i = 0; i < st->n_tensors; i++)
		total += strlen(st->tensors[i].name) + 1;
	st->names = malloc(total ? total : 1);
	st->by_name = calloc(st->n_tensors ? st->n_tensors : 1, sizeof(*st->by_name));
	if (!st->names || !st->by_name)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p = st->names;
	for (size_t i = 0; i < st->n_tensors; i++) {
		size_t n = strlen(st->tensors[i].name) + 1;

		st->tensors[i].name = memcpy(p, st->tensors[i].name, n);
		st->by_name[i] = &st->tensors[i];
		p += n;
	}
	qsort(st->by_name, st->n_tensors, sizeof(*st->by_name), by_name);
	return OFA_OK;
}

static enum ofa_status parse_header(const json_t *header, const uint8_t *data, size_t size, struct ofa_safetensors *st,
				    struct ofa_error *err)
{
	enum ofa_status status = parse_metadata(header, &st->metadata, err);
	const char *key;
	json_t *entry;

	if (status != OFA_OK)
		return status;
	st->tensors = calloc(json_object_size(header) + 1, sizeof(*st->tensors));
	if (!st->tensors)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	json_object_foreach((json_t *)(uintptr_t)header, key, entry)
	{
		if (strcmp(key, "__metadata__") == 0)
			continue;
		status = parse_entry(key, entry, data, size, &st->tensors[st->n_tensors++], err);
		if (status != OFA_OK)
			return status;
	}
	qsort(st->tensors, st->n_tensors, sizeof(*st->tensors), by_offset);
	status = check_cover(st, data, size, err);
	return status == OFA_OK ? keep_names(st, err) : status;
}

static uint64_t read_le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

enum ofa_status ofa_safetensors_parse(const uint8_t *data, size_t size, struct ofa_safetensors *ret,
				      struct ofa_error *err)
{
	struct ofa_safetensors st = {0};
	uint64_t header_size = size >= LENGTH_BYTES ? read_le64(data) : 0;
	enum ofa_status status;
	json_error_t json_error;
	json_t *header;

	if (size < LENGTH_BYTES)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "%zu bytes are too few for a safetensors file", size);
	if (header_size > OFA_SAFETENSORS_MAX_HEADER || header_size > size - LENGTH_BYTES)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL,
				"not a safetensors file: a header of %llu bytes in a file of %zu (at most %u are read)",
				(unsigned long long)header_size, size, OFA_SAFETENSORS_MAX_HEADER);
	header =
		json_loadb((const char *)data + LENGTH_BYTES, (size_t)header_size, JSON_REJECT_DUPLICATES, &json_error);
	if (!header)
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the header is not JSON: %s", json_error.text);
	if (!json_is_object(header)) {
		json_decref(header);
		return ofa_fail(err, OFA_ERR_FORMAT, NULL, "the header is not a JSON object");
	}
	status = parse_header(header, data + LENGTH_BYTES + header_size, size - LENGTH_BYTES - (size_t)header_size, &st,
			      err);
	json_decref(header);
	if (status != OFA_OK) {
		ofa_safetensors_close(&st);
		return status;
	}
	*ret = st;
	return OFA_OK;
}

enum ofa_status ofa_safetensors_open(const char *path, struct ofa_safetensors *ret, struct ofa_error *err)
{
	struct ofa_safetensors st;
	struct ofa_map map;
	enum ofa_status status = ofa_map_open(path, &map, err);

	if (status != OFA_OK)
		return status;
	status = ofa_safetensors_parse(map.data, map.size, &st, err);
	if (status != OFA_OK) {
		ofa_error_prefix(err, "%s", path);
		ofa_map_close(&map);
		return status;
	}
	st.map = map;
	*ret = st;
	return OFA_OK;
}

void ofa_safetensors_close(struct ofa_safetensors *st)
{
	free(st->tensors);
	free(st->names);
	free(st->by_name);
	json_decref(st->metadata);
	ofa_map_close(&st->map);
	*st = (struct ofa_safetensors){0};
}

const struct ofa_tensor *ofa_safetensors_find(const struct ofa_safetensors *st, const char *name)
{
	const struct ofa_tensor key = {.name = name}, *k = &key;
	const struct ofa_tensor **found = NULL;

	if (st->n_tensors)
		found = bsearch(&k, st->by_name, st->n_tensors, sizeof(*st->by_name), by_name);
	return found ? *found : NULL;
}

const char *ofa_safetensors_meta(const struct ofa_safetensors *st, const char *key)
{
	return json_string_value(json_object_get(st->metadata, key));
}

enum ofa_status ofa_safetensors_open_tensor(const char *file_colon_tensor, struct ofa_safetensors *ret_file,
					    const struct ofa_tensor **ret_tensor, struct ofa_error *err)
{
	const char *colon = strrchr(file_colon_tensor, ':');
	struct ofa_safetensors file;
	const struct ofa_tensor *t;
	enum ofa_status st;
	char *path;

	if (!colon || colon == file_colon_tensor || !colon[1])
		return ofa_fail(err, OFA_ERR_INVALID, file_colon_tensor, "\"%s\" must be FILE.safetensors:TENSOR",
				file_colon_tensor);
	path = strndup(file_colon_tensor, (size_t)(colon - file_colon_tensor));
	if (!path)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_safetensors_open(path, &file, err);
	if (st != OFA_OK)
		goto out;
	t = ofa_safetensors_find(&file, colon + 1);
	if (!t) {
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, colon + 1, "%s has no tensor \"%s\"", path, colon + 1);
		ofa_safetensors_close(&file);
		goto out;
	}
	*ret_file = file;
	*ret_tensor = t;
out:
	free(path);
	return st;
}

enum ofa_status ofa_safetensors_open_ref(const char *file_colon_tensor, int rank, struct ofa_safetensors *ret_file,
					 const struct ofa_tensor **ret_tensor, struct ofa_error *err)
{
	struct ofa_safetensors file;
	const struct ofa_tensor *t;
	enum ofa_status st = ofa_safetensors_open_tensor(file_colon_tensor, &file, &t, err);

	if (st != OFA_OK)
		return st;
	if (t->dtype != OFA_F32 || t->rank != rank) {
		st = ofa_fail(err, OFA_ERR_INVALID, t->name, "tensor \"%s\" is %s of rank %d, must be F32 of rank %d",
			      t->name, ofa_dtype_name(t->dtype), t->rank, rank);
		ofa_safetensors_close(&file);
		return st;
	}
	*ret_file = file;
	*ret_tensor = t;
	return OFA_OK;
}
