/* The stack machine behind ofa_unpickle(), shared by its opcodes (unpickle.c) and by what torch's names mean
 * (unpickle_torch.c).  Functions that fail leave the machine to be released. */
#ifndef OFA_IMPORT_UNPICKLE_MACHINE_H
#define OFA_IMPORT_UNPICKLE_MACHINE_H

#include "import/unpickle.h"

struct ofa_unpickler {
	const uint8_t *data;
	size_t size, at; /* at: the next byte */
	bool stopped;
	struct ofa_pickle out;
	size_t cap_values, cap_items, cap_storages, cap_tensors;
	uint32_t *stack, *memo; /* indices into out.values; an empty memo slot is 0 */
	size_t n_stack, cap_stack, n_memo, cap_memo;
	uint32_t marks[OFA_PICKLE_MAX_MARKS]; /* stack heights */
	size_t n_marks;
};

/* Makes row 0 of values and items, which stands for "none". */
enum ofa_status ofa_unpickler_begin(struct ofa_unpickler *u, struct ofa_error *err);
void ofa_unpickler_release(struct ofa_unpickler *u);
enum ofa_status ofa_unpickler_push(struct ofa_unpickler *u, struct ofa_pickled value, struct ofa_error *err);
enum ofa_status ofa_unpickler_push_index(struct ofa_unpickler *u, uint32_t value, struct ofa_error *err);
enum ofa_status ofa_unpickler_memo(struct ofa_unpickler *u, uint64_t at, uint32_t value, struct ofa_error *err);
/* Appends to the items of a tuple, list or dict (key 0 in the first two). */
enum ofa_status ofa_unpickler_add_item(struct ofa_unpickler *u, uint32_t container, uint32_t key, uint32_t value,
				       struct ofa_error *err);
/* Room for one more row of the tables of torch things. */
enum ofa_status ofa_unpickler_reserve_storage(struct ofa_unpickler *u, struct ofa_error *err);
enum ofa_status ofa_unpickler_reserve_tensor(struct ofa_unpickler *u, struct ofa_error *err);

/* module.name, pushed as a global when it is in the table of accepted ones. */
enum ofa_status ofa_unpickler_global(struct ofa_unpickler *u, const uint8_t *module, size_t module_size,
				     const uint8_t *name, size_t name_size, struct ofa_error *err);
/* callable(*arguments), pushed. */
enum ofa_status ofa_unpickler_reduce(struct ofa_unpickler *u, uint32_t callable, uint32_t arguments,
				     struct ofa_error *err);
/* The storage that a persistent id names, pushed. */
enum ofa_status ofa_unpickler_persistent(struct ofa_unpickler *u, uint32_t id, struct ofa_error *err);

#endif
