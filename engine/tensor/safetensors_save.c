#include <stdlib.h>
#include <string.h>

#include "tensor/safetensors.h"

#define LENGTH_BYTES 8
#define DATA_ALIGNMENT 64

static enum ofa_status check_tensor(const json_t *header, const struct ofa_tensor *t, size_t begin,
				    struct ofa_error *err)
{
	size_t width = ofa_dtype_size(t->dtype);

	if (!t->name || strcmp(t->name, "__metadata__") == 0 || json_object_get(header, t->name))
		return ofa_fail(err, OFA_ERR_INVALID, t->name, "tensor name \"%.100s\" is reserved or repeated",
				t->name ? t->name : "");
	if (t->rank < 0 || t->rank > OFA_TENSOR_MAX_RANK || (size_t)ofa_tensor_elements(t) * width != t->size)
		return ofa_fail(err, OFA_ERR_INVALID, t->name,
				"tensor \"%.100s\" has %zu bytes, which is not its shape's size", t->name, t->size);
	if (begin % width)
		return ofa_fail(err, OFA_ERR_INVALID, t->name,
				"tensor \"%.100s\" would not be aligned: put wider elements first", t->name);
	return OFA_OK;
}

static json_t *describe(const struct ofa_tensor *t, size_t begin)
{
	json_t *shape = json_array();

	for (int i = 0; i < t->rank; i++) {
		if (json_array_append_new(shape, json_integer(t->shape[i])) < 0) {
			json_decref(shape);
			return NULL;
		}
	}
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", ofa_dtype_name(t->dtype), "shape", shape, "data_offsets",
			 (json_int_t)begin, (json_int_t)(begin + t->size));
}

/* The header object, in the tensors' order; *ret_size is the size of the data behind it. */
static enum ofa_status build_header(const struct ofa_tensor *tensors, size_t n, json_t *metadata, json_t **ret,
				    size_t *ret_size, struct ofa_error *err)
{
	json_t *header = json_object();
	enum ofa_status st = OFA_OK;
	size_t begin = 0;

	if (metadata && json_object_size(metadata) && json_object_set(header, "__metadata__", metadata) < 0)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	for (size_t i = 0; st == OFA_OK && i < n; i++) {
		st = check_tensor(header, &tensors[i], begin, err);
		if (st == OFA_OK && json_object_set_new(header, tensors[i].name, describe(&tensors[i], begin)) < 0)
			st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
		begin += tensors[i].size;
	}
	if (st != OFA_OK) {
		json_decref(header);
		return st;
	}
	*ret = header;
	*ret_size = begin;
	return OFA_OK;
}

static void write_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* Length, header text, spaces up to the alignment, data. */
static uint8_t *assemble(const char *text, const struct ofa_tensor *tensors, size_t n, size_t data_size,
			 size_t *ret_size)
{
	size_t length = strlen(text);
	size_t start = (LENGTH_BYTES + length + DATA_ALIGNMENT - 1) / DATA_ALIGNMENT * DATA_ALIGNMENT;
	uint8_t *file = malloc(start + data_size), *p;

	if (!file)
		return NULL;
	write_le64(file, start - LENGTH_BYTES);
	memcpy(file + LENGTH_BYTES, text, length);
	memset(file + LENGTH_BYTES + length, ' ', start - LENGTH_BYTES - length);
	p = file + start;
	for (size_t i = 0; i < n; i++) {
		if (tensors[i].size)
			memcpy(p, tensors[i].data, tensors[i].size);
		p += tensors[i].size;
	}
	*ret_size = start + data_size;
	return file;
}

enum ofa_status ofa_safetensors_format(const struct ofa_tensor *tensors, size_t n_tensors, json_t *metadata,
				       uint8_t **ret_data, size_t *ret_size, struct ofa_error *err)
{
	size_t data_size;
	uint8_t *file = NULL;
	json_t *header;
	char *text;
	enum ofa_status st = build_header(tensors, n_tensors, metadata, &header, &data_size, err);

	if (st != OFA_OK)
		return st;
	text = json_dumps(header, JSON_COMPACT);
	if (text)
		file = assemble(text, tensors, n_tensors, data_size, ret_size);
	free(text);
	json_decref(header);
	if (!file)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	*ret_data = file;
	return OFA_OK;
}

enum ofa_status ofa_safetensors_save(const char *path, const struct ofa_tensor *tensors, size_t n_tensors,
				     json_t *metadata, struct ofa_error *err)
{
	uint8_t *file;
	size_t size;
	enum ofa_status st = ofa_safetensors_format(tensors, n_tensors, metadata, &file, &size, err);

	if (st != OFA_OK)
		return st;
	st = ofa_file_write_atomic(path, file, size, err);
	free(file);
	return st;
}
