/* A checkpoint's tensors under one spelling of their names.  The reference implementation's names changed over time:
 * "mobile_inverted_conv" became "conv", layers of elastic blocks are nested once deeper in some files (".conv.conv.",
 * ".bn.bn.", ".linear.linear."), and data-parallel training puts "module." before all of them.  Every name, asked for
 * or found, is brought to the shortest spelling, so that any of them finds the same tensor. */
#ifndef OFA_IMPORT_NAMES_H
#define OFA_IMPORT_NAMES_H

#include "tensor/safetensors.h"

struct ofa_import_names {
	struct ofa_import_name {
		const char *spelling; /* the shortest */
		const struct ofa_tensor *tensor;
		bool used; /* set by who takes the tensor */
	} * list;          /* sorted by spelling; owned */
	size_t n;
	size_t n_ignored; /* "num_batches_tracked" counters, which are not in the list */
	char *text;       /* behind spelling; owned */
};

/* `tensors` outlive the names.  OFA_ERR_FORMAT when two of them are one tensor in two spellings. */
enum ofa_status ofa_import_names_init(const struct ofa_tensor *tensors, size_t n, struct ofa_import_names *ret,
				      struct ofa_error *err) OFA_MUST_CHECK;
void ofa_import_names_release(struct ofa_import_names *names);

/* NULL when there is none. */
struct ofa_import_name *ofa_import_names_find(const struct ofa_import_names *names, const char *name);
/* The tensor of this name; OFA_ERR_MISMATCH when it is missing or has another rank. */
enum ofa_status ofa_import_names_get(const struct ofa_import_names *names, const char *name, int rank,
				     const struct ofa_tensor **ret, struct ofa_error *err) OFA_MUST_CHECK;

#define OFA_IMPORT_SHAPE_MAX 128
/* "(16, 3, 3, 3)".  Returns out. */
const char *ofa_import_shape(const struct ofa_tensor *t, char out[OFA_IMPORT_SHAPE_MAX]);

#endif
