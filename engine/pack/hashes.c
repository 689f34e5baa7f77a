#include "pack/hashes.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "pack/bytes.h"
#include "pack/selftest.h"

/* The first thread runs the self-test; threads that have nothing else to do take the next tensors that nobody has. */
struct job {
	const struct ofa_supernet *net;
	const struct ofa_pack_stored *stored;
	const struct ofa_pack_layout *layout;
	uint8_t *head;
	struct ofa_sha256_message *messages; /* the tensors, from the last, where the large ones are, to the first */
	atomic_uint next;
	enum ofa_status status; /* of the self-test */
	struct ofa_error *err;
};

static uint8_t *record(const struct job *j, uint32_t message)
{
	return j->head + j->layout->tensor_offset +
	       (uint64_t)(j->layout->tensors - 1 - message) * OFA_FMT_TENSOR_BYTES;
}

static void run(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;

	(void)threads;
	if (t == 0)
		j->status = ofa_pack_self_test(j->net, j->stored, j->head + j->layout->pixels_offset,
					       j->head + j->layout->logits_offset, j->err);
	ofa_sha256_many(j->messages, j->layout->tensors, &j->next);
}

enum ofa_status ofa_pack_complete(const struct ofa_supernet *net, const struct ofa_pack_stored *stored,
				  const struct ofa_pack_layout *layout, struct ofa_pool *pool, uint8_t *head,
				  struct ofa_error *err)
{
	struct job j = {.net = net, .stored = stored, .layout = layout, .head = head, .err = err};

	j.messages = calloc(layout->tensors, sizeof(*j.messages));
	if (!j.messages)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %u digests", layout->tensors);
	for (uint32_t i = 0; i < layout->tensors; i++) {
		const uint8_t *r = record(&j, i);

		j.messages[i].data =
			stored->data + ofa_get_u32(r + OFA_FMT_TENSOR_OFFSET) - layout->data_offset;
		j.messages[i].size = ofa_get_u32(r + OFA_FMT_TENSOR_SIZE);
	}
	ofa_pool_run(pool, run, &j);
	for (uint32_t i = 0; i < layout->tensors; i++)
		memcpy(record(&j, i) + OFA_FMT_TENSOR_HASH, j.messages[i].digest, OFA_FMT_HASH_BYTES);
	free(j.messages);
	return j.status;
}
