/* safetensors: an 8-byte little-endian header length, a JSON header, raw tensor bytes.
 * Format: huggingface/safetensors README.  The reader distrusts everything: header at most
 * 16 MiB, ranges inside the file, disjoint and covering it, size = product of shape x element
 * size, no duplicate names, data aligned to the element size (OFA_ERR_FORMAT naming the tensor);
 * dtypes not listed below are OFA_ERR_UNSUPPORTED. */
#ifndef OFA_TENSOR_SAFETENSORS_H
#define OFA_TENSOR_SAFETENSORS_H

#include <jansson.h>
#include <stdint.h>
#include "base/file.h"
#include "base/status.h"

#define OFA_TENSOR_MAX_RANK 8
#define OFA_SAFETENSORS_MAX_HEADER (16u << 20)

enum ofa_dtype {
	OFA_F32,
	OFA_F64,
	OFA_F16,
	OFA_BF16,
	OFA_I64,
	OFA_I32,
	OFA_I16,
	OFA_I8,
	OFA_U8,
	OFA_BOOL,
	OFA_DTYPE_COUNT
};
size_t ofa_dtype_size(enum ofa_dtype t);
const char *ofa_dtype_name(enum ofa_dtype t); /* "F32", ... */

struct ofa_tensor {
	const char *name; /* borrowed from the file object, or the caller's when writing */
	enum ofa_dtype dtype;
	int rank;
	int64_t shape[OFA_TENSOR_MAX_RANK];
	const void *data; /* borrowed; aligned to the element size */
	size_t size;      /* bytes */
};
int64_t ofa_tensor_elements(const struct ofa_tensor *t);

struct ofa_safetensors {
	struct ofa_map map;    /* owned when opened from a path */
	struct ofa_tensor *tensors; /* in file order */
	size_t n_tensors;
	json_t *metadata; /* object of strings; {} when the file has none; owned */
	char *names; /* storage behind tensors[].name; owned */
	const struct ofa_tensor **by_name; /* sorted; owned */
};

enum ofa_status ofa_safetensors_open(const char *path, struct ofa_safetensors *ret,
                                     struct ofa_error *err) OFA_MUST_CHECK;
/* Over bytes that stay the caller's and outlive the object; `data` aligned to 8. */
enum ofa_status ofa_safetensors_parse(const uint8_t *data, size_t size, struct ofa_safetensors *ret,
                                      struct ofa_error *err) OFA_MUST_CHECK;
void ofa_safetensors_close(struct ofa_safetensors *st);
/* NULL when there is none; find is O(log n). */
const struct ofa_tensor *ofa_safetensors_find(const struct ofa_safetensors *st, const char *name);
const char *ofa_safetensors_meta(const struct ofa_safetensors *st, const char *key);

/* A file in malloc'ed memory; free() it.  The header is padded with spaces so that data begins at a multiple of 64;
 * larger-aligned dtypes are the caller's business: put tensors of wide elements first.
 * OFA_ERR_INVALID names a tensor that repeats a name, whose size is not its shape's or that would not
 * be aligned to its elements. */
enum ofa_status ofa_safetensors_format(const struct ofa_tensor *tensors, size_t n_tensors, json_t *metadata,
                                       uint8_t **ret_data, size_t *ret_size, struct ofa_error *err) OFA_MUST_CHECK;
/* The same into a file, atomically. */
enum ofa_status ofa_safetensors_save(const char *path, const struct ofa_tensor *tensors, size_t n_tensors,
                                     json_t *metadata, struct ofa_error *err) OFA_MUST_CHECK;

/* Opens "FILE.safetensors:TENSOR".  The file object must be closed by the caller. */
enum ofa_status ofa_safetensors_open_tensor(const char *file_colon_tensor, struct ofa_safetensors *ret_file,
                                            const struct ofa_tensor **ret_tensor, struct ofa_error *err) OFA_MUST_CHECK;
/* The same, and checks that it is F32 of the given rank (shape left to the caller). */
enum ofa_status ofa_safetensors_open_ref(const char *file_colon_tensor, int rank, struct ofa_safetensors *ret_file,
                                         const struct ofa_tensor **ret_tensor, struct ofa_error *err) OFA_MUST_CHECK;

#endif
