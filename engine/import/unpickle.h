/* A distrustful reader of the pickles inside PyTorch checkpoints.
 *
 * Python's unpickler calls whatever a pickle names.  This one calls nothing: it knows the few things that a state
 * dict is made of (None, booleans, numbers, strings, bytes, tuples, lists, dicts, OrderedDict, torch's typed storages
 * and its two functions that rebuild a tensor from one) and refuses everything else by its name.  Protocols 2 to 5;
 * the opcodes are those of CPython's Lib/pickletools.py.
 *
 * Nothing is trusted: each count is checked against the bytes that are left before memory is taken, whose amount is
 * proportional to the bytes read; there is no recursion; the maxima below end everything else. */
#ifndef OFA_IMPORT_UNPICKLE_H
#define OFA_IMPORT_UNPICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "tensor/safetensors.h"

#define OFA_PICKLE_MAX_BYTES (64u << 20)
#define OFA_PICKLE_MAX_VALUES (1u << 20)
#define OFA_PICKLE_MAX_ITEMS (1u << 20) /* of all containers together */
#define OFA_PICKLE_MAX_MEMO (1u << 20)
#define OFA_PICKLE_MAX_STACK (1u << 16)
#define OFA_PICKLE_MAX_MARKS 256u
#define OFA_PICKLE_MAX_TENSORS (1u << 16)

enum ofa_pickled_kind {
	OFA_PICKLED_NONE,
	OFA_PICKLED_BOOL, /* integer is 0 or 1 */
	OFA_PICKLED_INT,
	OFA_PICKLED_BIG, /* an integer of more than 64 bits; text is two's complement, little-endian */
	OFA_PICKLED_FLOAT,
	OFA_PICKLED_STRING,  /* text, as encoded in the pickle; not NUL-terminated */
	OFA_PICKLED_BYTES,   /* text */
	OFA_PICKLED_TUPLE,   /* items */
	OFA_PICKLED_LIST,    /* items */
	OFA_PICKLED_DICT,    /* items with keys, in insertion order; a repeated key stands twice */
	OFA_PICKLED_GLOBAL,  /* integer: row of the table of accepted names */
	OFA_PICKLED_STORAGE, /* integer: index into storages */
	OFA_PICKLED_TENSOR,  /* integer: index into tensors */
	OFA_PICKLED_COUNT
};
const char *ofa_pickled_kind_name(enum ofa_pickled_kind kind); /* "a dict", ... */

struct ofa_pickled {
	enum ofa_pickled_kind kind;
	union {
		int64_t integer;
		double number;
		struct {
			const uint8_t *p; /* into the pickle */
			size_t n;
		} text;
		struct {
			uint32_t first, last, n; /* indices into items, 0: none */
		} items;
	};
};

struct ofa_pickled_item {
	uint32_t key, value; /* indices into values; key only in dicts */
	uint32_t next;       /* index into items, 0: the last one */
};

/* What a persistent id names: elements that lie elsewhere in the checkpoint, under the key. */
struct ofa_pickled_storage {
	enum ofa_dtype dtype;
	const uint8_t *key; /* into the pickle, not NUL-terminated */
	size_t key_size;
	uint64_t elements;     /* of the whole storage */
	uint64_t offset, view; /* this one is the elements [offset, offset + view) of it */
};

/* Checked: not empty, no more elements than its storage has, each of them inside it. */
struct ofa_pickled_tensor {
	uint32_t storage; /* index into storages */
	int rank;
	int64_t shape[OFA_TENSOR_MAX_RANK];
	int64_t stride[OFA_TENSOR_MAX_RANK]; /* in elements, not negative */
	uint64_t offset;                     /* of the first element, from the storage's begin */
	uint64_t elements;
};

struct ofa_pickle {
	uint32_t root; /* index into values */
	size_t size;   /* bytes up to and including STOP; other data may follow */
	struct ofa_pickled *values;
	struct ofa_pickled_item *items;
	struct ofa_pickled_storage *storages;
	struct ofa_pickled_tensor *tensors;
	size_t n_values, n_items, n_storages, n_tensors;
};

/* The pickle that begins at data, whose bytes stay the caller's and must outlive *ret.
 * OFA_ERR_UNSUPPORTED names what is refused, OFA_ERR_LIMIT a maximum, OFA_ERR_FORMAT the byte that is wrong. */
enum ofa_status ofa_unpickle(const uint8_t *data, size_t size, struct ofa_pickle *ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_pickle_release(struct ofa_pickle *p);

/* Is value v the string `text`? */
bool ofa_pickled_is_string(const struct ofa_pickle *p, uint32_t v, const char *text);
/* The value under a string key of dict v (of repeated ones the last, as Python has it), 0 when there is none or v is
 * no dict. */
uint32_t ofa_pickled_lookup(const struct ofa_pickle *p, uint32_t v, const char *key);

#endif
