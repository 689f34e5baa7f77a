/* The tensors of a checkpoint, whoever wrote it: PyTorch's zip format (torch.save since 1.6), its older format without
 * a zip (which the official once-for-all files are of), or safetensors.
 *
 * Both PyTorch formats are a pickle that says what there is, read by import/unpickle.h without running anything, and
 * raw storages that tensors are views of:
 *   zip    PREFIX/data.pkl; PREFIX/data/KEY per storage; optionally PREFIX/byteorder, which must be "little".  Entries
 *          may be stored or deflated.
 *   legacy five pickles in a row: a magic number, the protocol 1001, a dict that says "little_endian", the content, the
 *          list of storage keys; then per key, in that order, 8 bytes with the number of elements, and the elements.
 * The state dict is the content itself or what it has under one of "state_dict", "model", "state_dict_ema", "net"; what
 * else a training script puts beside it is not looked at, as long as the pickle has nothing that is refused. */
#ifndef OFA_IMPORT_CHECKPOINT_H
#define OFA_IMPORT_CHECKPOINT_H

#include "tensor/safetensors.h"

#define OFA_CHECKPOINT_MAX_TENSORS 65536
#define OFA_CHECKPOINT_MAX_NAME 256
#define OFA_CHECKPOINT_MAX_BYTES (UINT64_C(1) << 33) /* of all tensors */
#define OFA_CHECKPOINT_MAX_INFLATION 16              /* entries to file: weights do not compress, bombs do */
#define OFA_CHECKPOINT_MAX_SHARING 4                 /* tensors to storages: a few may be tied */

enum ofa_checkpoint_format {
	OFA_CHECKPOINT_TORCH_ZIP,
	OFA_CHECKPOINT_TORCH_LEGACY,
	OFA_CHECKPOINT_SAFETENSORS,
	OFA_CHECKPOINT_FORMAT_COUNT
};
const char *ofa_checkpoint_format_name(enum ofa_checkpoint_format f); /* "torch-zip", "torch-legacy", "safetensors" */

struct ofa_checkpoint {
	enum ofa_checkpoint_format format;
	const char *container;      /* key that the state dict was found under, "" for none; static */
	struct ofa_tensor *tensors; /* in file order, names and dtypes as in the file, contiguous, little-endian */
	size_t n_tensors;
	const struct ofa_tensor **by_name;  /* sorted */
	struct ofa_map map;                 /* the file; of size 0 when parsed from memory */
	struct ofa_safetensors safetensors; /* what tensors borrow from when it is one */
	uint8_t *data;                      /* copies of the elements, from PyTorch's formats */
	char *names;
};

/* Errors name the file and the tensor, entry or byte: OFA_ERR_FORMAT what is damaged or is no checkpoint,
 * OFA_ERR_UNSUPPORTED what is refused or of a kind that is not read, OFA_ERR_LIMIT what is larger than it may be. */
enum ofa_status ofa_checkpoint_open(const char *path, struct ofa_checkpoint *ret, struct ofa_error *err) OFA_MUST_CHECK;
/* The same over bytes that stay the caller's and outlive the object; `data` aligned to 8. */
enum ofa_status ofa_checkpoint_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *ret,
				     struct ofa_error *err) OFA_MUST_CHECK;
void ofa_checkpoint_close(struct ofa_checkpoint *c);
/* NULL when there is none; O(log n). */
const struct ofa_tensor *ofa_checkpoint_find(const struct ofa_checkpoint *c, const char *name);

#endif
