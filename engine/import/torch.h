/* What PyTorch's two formats share: finding the state dict in the unpickled content, and copying its tensors out of the
 * storages. */
#ifndef OFA_IMPORT_TORCH_H
#define OFA_IMPORT_TORCH_H

#include "import/checkpoint.h"
#include "import/unpickle.h"

/* Where the state dict's tensors and its storages' bytes are. */
struct ofa_torch {
	struct ofa_pickle pickle; /* owned */
	uint32_t dict;            /* the state dict, index into pickle.values */
	const char *container;    /* as in ofa_checkpoint */
	struct ofa_torch_data {
		const struct ofa_pickled_storage *storage; /* one of those with this key */
		bool needed;                               /* by a tensor of the state dict */
		const uint8_t *bytes;                      /* little-endian elements, not aligned; NULL at first */
		size_t size;
	} * data; /* one row per storage key, sorted by key; owned */
	size_t n_data;
	size_t *data_of; /* per pickle.storages: its row of data; owned */
};

/* Takes the pickle over, also on failure.  Finds the state dict and the storages; refuses a dict with something else
 * than tensors in it, and one key used for storages that differ. */
enum ofa_status ofa_torch_init(struct ofa_pickle *pickle, struct ofa_torch *ret, struct ofa_error *err) OFA_MUST_CHECK;
void ofa_torch_release(struct ofa_torch *t);
/* The row of a key, NULL when there is none. */
struct ofa_torch_data *ofa_torch_find(const struct ofa_torch *t, const uint8_t *key, size_t key_size);
/* Bytes of a storage's elements: its number of elements is bounded so that this fits. */
uint64_t ofa_torch_data_size(const struct ofa_torch_data *d);
/* Copies the tensors, strided or not, once the rows that are needed have their bytes. */
enum ofa_status ofa_torch_collect(const struct ofa_torch *t, struct ofa_checkpoint *c,
				  struct ofa_error *err) OFA_MUST_CHECK;

/* Fill format, container, tensors, data and names of *c from the bytes of a file of that format. */
enum ofa_status ofa_torch_zip_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *c,
				    struct ofa_error *err) OFA_MUST_CHECK;
enum ofa_status ofa_torch_legacy_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *c,
				       struct ofa_error *err) OFA_MUST_CHECK;

#endif
