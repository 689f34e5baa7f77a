/* Any bytes as a safetensors file: what is accepted has every tensor inside it, and every byte of each can be read.
 * Its names and shapes then go through the families' inference.
 *
 * With libFuzzer as fuzz_unpickle.c says, with engine/import/names.c, engine/import/family*.c, engine/space/?*.c and
 * engine/base/{rng,sha256}.c beside, -lcrypto and -lm; its corpus is tests/fuzz/corpus/safetensors. */
#include <stdlib.h>
#include <string.h>

#include "import/checkpoint.h"
#include "import/family.h"
#include "space/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t sum_of(const struct ofa_tensor *t)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < t->size; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)t->data)[i]);
	return sum;
}

static void infer(const struct ofa_safetensors *st)
{
	struct ofa_error err = {.status = OFA_OK};
	struct ofa_import_names names;
	struct ofa_import_space found;
	struct ofa_params params;

	if (ofa_import_names_init(st->tensors, st->n_tensors, &names, &err) != OFA_OK)
		return;
	if (ofa_import_infer(&names, &found, &err) == OFA_OK) {
		/* what was inferred is a space like any other */
		if (ofa_params_init(&found.space, &params, NULL) != OFA_OK)
			abort();
		ofa_params_release(&params);
	} else if (!err.message[0]) {
		abort();
	}
	ofa_import_names_release(&names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ofa_error err = {.status = OFA_OK};
	struct ofa_safetensors st;
	volatile uint8_t sum = 0;
	/* aligned as a mapped file is, and of exactly its size */
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (ofa_safetensors_parse(copy, size, &st, &err) == OFA_OK) {
		for (size_t i = 0; i < st.n_tensors; i++) {
			const struct ofa_tensor *t = &st.tensors[i];

			sum = (uint8_t)(sum + sum_of(t));
			if ((size_t)ofa_tensor_elements(t) * ofa_dtype_size(t->dtype) != t->size ||
			    ofa_safetensors_find(&st, t->name) != t)
				abort();
		}
		infer(&st);
		ofa_safetensors_close(&st);
	} else if (!err.message[0]) {
		abort(); /* a refusal says why */
	}
	free(copy);
	return 0;
}
