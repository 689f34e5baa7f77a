/* Any bytes as a pickle, and as a checkpoint of torch.save's older format.
 *
 * With libFuzzer, from the source tree, new inputs going to new-inputs/:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -I. -Iengine tests/fuzz/fuzz_unpickle.c \
 *		engine/import/checkpoint.c engine/import/unpickle*.c engine/import/torch*.c engine/import/zip.c \
 *		engine/base/status.c engine/base/file.c engine/base/buf.c engine/tensor/safetensors.c -ljansson -lzip \
 *		-o fuzz_unpickle
 *	mkdir -p new-inputs && ./fuzz_unpickle new-inputs tests/fuzz/corpus/unpickle
 * Without it, tests/fuzz/replay.c runs the corpus and simple mutations of it. */
#include <stdlib.h>
#include <string.h>

#include "import/checkpoint.h"
#include "import/unpickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Follows every index that an unpickled thing holds. */
static void check_pickle(const struct ofa_pickle *p)
{
	for (size_t v = 0; v < p->n_values; v++) {
		const struct ofa_pickled *x = &p->values[v];
		uint32_t n = 0;

		if (x->kind == OFA_PICKLED_TENSOR && (size_t)x->integer >= p->n_tensors)
			abort();
		if (x->kind != OFA_PICKLED_TUPLE && x->kind != OFA_PICKLED_LIST && x->kind != OFA_PICKLED_DICT)
			continue;
		for (uint32_t i = x->items.first; i; i = p->items[i].next, n++)
			if (i >= p->n_items || p->items[i].value >= p->n_values || p->items[i].key >= p->n_values)
				abort();
		if (n != x->items.n)
			abort();
	}
	for (size_t t = 0; t < p->n_tensors; t++)
		if (p->tensors[t].storage >= p->n_storages || p->tensors[t].elements == 0)
			abort();
}

static void must_say_why(enum ofa_status st, const struct ofa_error *err)
{
	if (st == OFA_OK || err->status != st || !err->message[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofa_error err = {.status = OFA_OK};
	struct ofa_checkpoint c;
	struct ofa_pickle p;
	enum ofa_status st = ofa_unpickle(data, size, &p, &err);

	if (st == OFA_OK) {
		check_pickle(&p);
		ofa_pickle_release(&p);
	} else {
		must_say_why(st, &err);
	}
	if (size < 1 || data[0] != 0x80)
		return 0;
	memset(&err, 0, sizeof(err));
	st = ofa_checkpoint_parse(data, size, &c, &err);
	if (st == OFA_OK)
		ofa_checkpoint_close(&c);
	else
		must_say_why(st, &err);
	return 0;
}
