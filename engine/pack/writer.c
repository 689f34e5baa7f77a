#include <stdlib.h>

#include "base/sha256.h"
#include "pack/head.h"
#include "pack/pack.h"

struct ofa_packer {
	const struct ofa_subnet *sub;
	struct ofa_pack_layout layout;
	uint8_t *head; /* all before the data section */
	struct ofa_pack_pieces pieces;
};

enum ofa_status ofa_packer_new(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			       const struct ofa_pack_info *info, struct ofa_packer **ret, struct ofa_error *err)
{
	struct ofa_packer *p = calloc(1, sizeof(*p));
	enum ofa_status st;

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a packer");
	p->sub = sub;
	ofa_pack_layout_init(net, &sub->plan, &p->layout);
	if (p->layout.size > OFA_FMT_MAX_BYTES)
		st = ofa_fail(err, OFA_ERR_LIMIT, "size", "the package would take %llu bytes; at most %lu are accepted",
			      (unsigned long long)p->layout.size, (unsigned long)OFA_FMT_MAX_BYTES);
	else
		st = ofa_pack_pieces_init(&sub->plan, &p->pieces, err);
	if (st != OFA_OK)
		goto out;
	p->head = calloc(1, p->layout.data_offset);
	if (p->head)
		st = ofa_pack_head_write(net, sub, &p->layout, info, &p->pieces, p->head, err);
	else
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for the package's tables");
out:
	if (st == OFA_OK)
		*ret = p;
	else
		ofa_packer_free(p);
	return st;
}

void ofa_packer_free(struct ofa_packer *p)
{
	if (!p)
		return;
	ofa_pack_pieces_release(&p->pieces);
	free(p->head);
	free(p);
}

uint64_t ofa_packer_size(const struct ofa_packer *p)
{
	return p->layout.size;
}

/* The sink and the digest of all that went into it. */
struct stream {
	const struct ofa_sink *sink;
	struct ofa_sha256 *hash;
};

static enum ofa_status stream_write(void *ctx, const void *data, size_t size, struct ofa_error *err)
{
	struct stream *s = ctx;

	ofa_sha256_update(s->hash, data, size);
	return s->sink->write(s->sink->ctx, data, size, err);
}

static enum ofa_status stream_data(struct ofa_packer *p, const struct ofa_sink *sink, struct ofa_error *err)
{
	static const uint8_t zeros[OFA_FMT_ALIGN];
	struct ofa_pack_tensor tensors[OFA_FMT_MAX_OP_TENSORS];
	enum ofa_status st = OFA_OK;

	for (int i = 0; i < p->sub->plan.n_layers; i++) {
		int n = ofa_pack_layer_tensors(&p->sub->plan.layers[i], tensors);

		for (int j = 0; st == OFA_OK && j < n; j++) {
			uint64_t bytes = ofa_pack_tensor_bytes(&tensors[j]);

			st = ofa_pack_pieces_write(&p->pieces, &p->sub->weights[i], &tensors[j], sink, err);
			if (st == OFA_OK && ofa_pack_round(bytes) > bytes)
				st = sink->write(sink->ctx, zeros, ofa_pack_round(bytes) - bytes, err);
		}
	}
	return st;
}

enum ofa_status ofa_packer_write(struct ofa_packer *p, const struct ofa_sink *sink, struct ofa_error *err)
{
	struct stream s = {.sink = sink, .hash = ofa_sha256_new()};
	const struct ofa_sink hashed = {.write = stream_write, .ctx = &s};
	uint8_t digest[OFA_SHA256_BYTES];
	enum ofa_status st;

	if (!s.hash)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a digest");
	st = hashed.write(hashed.ctx, p->head, p->layout.data_offset, err);
	if (st == OFA_OK)
		st = stream_data(p, &hashed, err);
	ofa_sha256_final(s.hash, digest);
	return st == OFA_OK ? sink->write(sink->ctx, digest, sizeof(digest), err) : st;
}
