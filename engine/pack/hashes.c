#include "pack/hashes.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "pack/bytes.h"
#include "pack/selftest.h"

/* One part is the self-test, each other one a tensor; threads take the next part that nobody has. */
struct job {
	const struct ofa_supernet *net;
	const struct ofa_subnet *sub;
	const struct ofa_pack_layout *layout;
	uint8_t *head;
	atomic_uint next;
	enum ofa_status status; /* of the self-test */
	struct ofa_error *err;
};

static enum ofa_status self_test(const struct job *j)
{
	const int classes = j->sub->plan.classes;
	float *logits = calloc((size_t)classes, sizeof(*logits));
	enum ofa_status st;

	if (!logits)
		return ofa_fail(j->err, OFA_ERR_NOMEM, NULL, "no memory for logits");
	st = ofa_pack_self_test(j->net, j->sub, j->head + j->layout->pixels_offset, logits, j->err);
	ofa_put_floats(j->head + j->layout->logits_offset, logits, (size_t)classes);
	free(logits);
	return st;
}

static void hash_tensor(const struct job *j, uint32_t i)
{
	uint8_t *r = j->head + j->layout->tensor_offset + (uint64_t)i * OFA_FMT_TENSOR_BYTES;
	const uint64_t at = ofa_get_u32(r + OFA_FMT_TENSOR_OFFSET) - j->layout->data_offset;
	uint8_t digest[OFA_SHA256_BYTES];

	ofa_sha256((const uint8_t *)j->sub->storage + at, ofa_get_u32(r + OFA_FMT_TENSOR_SIZE), digest);
	memcpy(r + OFA_FMT_TENSOR_HASH, digest, OFA_FMT_HASH_BYTES);
}

static void run(void *ctx, unsigned t, unsigned threads)
{
	struct job *j = ctx;
	unsigned part;

	(void)t;
	(void)threads;
	while ((part = atomic_fetch_add(&j->next, 1)) <= j->layout->tensors) {
		if (part == 0)
			j->status = self_test(j);
		else
			hash_tensor(j, part - 1);
	}
}

enum ofa_status ofa_pack_complete(const struct ofa_supernet *net, const struct ofa_subnet *sub,
				  const struct ofa_pack_layout *layout, struct ofa_pool *pool, uint8_t *head,
				  struct ofa_error *err)
{
	struct job j = {.net = net, .sub = sub, .layout = layout, .head = head, .err = err};

	ofa_pool_run(pool, run, &j);
	return j.status;
}
