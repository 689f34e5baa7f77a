#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "pack/hashes.h"
#include "pack/head.h"
#include "pack/pack.h"
#include "quantise/quantise.h"

/* Bytes that are hashed and handed on together, while they are in the cache. */
#define PIECE_BYTES ((uint64_t)256 << 10)

struct ofa_packer {
	struct ofa_pack_layout layout;
	struct ofa_pack_stored stored;
	uint8_t *head; /* all before the data section */
};

static enum ofa_status layout_init(const struct ofa_supernet *net, const struct ofa_plan *plan,
				   enum ofa_precision precision, struct ofa_pack_layout *ret, struct ofa_error *err)
{
	ofa_pack_layout_init(net, plan, precision, ret);
	if (ret->size > OFA_FMT_MAX_BYTES)
		return ofa_fail(err, OFA_ERR_LIMIT, "size",
				"the package would take %llu bytes; at most %lu are accepted",
				(unsigned long long)ret->size, (unsigned long)OFA_FMT_MAX_BYTES);
	assert(precision != OFA_FLOAT32 || ret->data_bytes == ofa_subnet_floats(plan) * sizeof(float));
	assert(precision != OFA_INT8 || ret->data_bytes == ofa_quantised_bytes(plan));
	return OFA_OK;
}

/* Head and, if asked for, what it says of the data. */
static enum ofa_status write_head(const struct ofa_supernet *net, const struct ofa_pack_layout *layout,
				  const struct ofa_pack_stored *stored, const struct ofa_pack_info *info,
				  bool complete, struct ofa_pool *pool, uint8_t *head, struct ofa_error *err)
{
	enum ofa_status st = ofa_pack_head_write(net, stored, layout, info, head, err);

	if (st == OFA_OK && complete)
		st = ofa_pack_complete(net, stored, layout, pool, head, err);
	return st;
}

enum ofa_status ofa_packer_new(const struct ofa_supernet *net, const struct ofa_subnet *sub,
			       const struct ofa_pack_info *info, struct ofa_packer **ret, struct ofa_error *err)
{
	struct ofa_packer *p = calloc(1, sizeof(*p));
	enum ofa_status st;

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a packer");
	st = layout_init(net, &sub->plan, info->precision, &p->layout, err);
	if (st == OFA_OK)
		st = ofa_pack_store(net, sub, &p->layout, NULL, NULL, NULL, &p->stored, err);
	if (st != OFA_OK)
		goto out;
	p->head = calloc(1, p->layout.data_offset);
	if (p->head)
		st = write_head(net, &p->layout, &p->stored, info, true, NULL, p->head, err);
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
	ofa_pack_stored_release(&p->stored);
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

static enum ofa_status stream_write(const struct stream *s, const void *data, uint64_t size, struct ofa_error *err)
{
	const uint8_t *at = data;
	enum ofa_status st = OFA_OK;

	for (uint64_t n; st == OFA_OK && size > 0; size -= n, at += n) {
		n = size < PIECE_BYTES ? size : PIECE_BYTES;
		ofa_sha256_update(s->hash, at, n);
		st = s->sink->write(s->sink->ctx, at, n, err);
	}
	return st;
}

enum ofa_status ofa_packer_write(struct ofa_packer *p, const struct ofa_sink *sink, struct ofa_error *err)
{
	struct stream s = {.sink = sink, .hash = ofa_sha256_new()};
	uint8_t digest[OFA_SHA256_BYTES];
	enum ofa_status st;

	if (!s.hash)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for a digest");
	st = stream_write(&s, p->head, p->layout.data_offset, err);
	if (st == OFA_OK)
		st = stream_write(&s, p->stored.data, p->layout.data_bytes, err);
	ofa_sha256_final(s.hash, digest);
	return st == OFA_OK ? sink->write(sink->ctx, digest, sizeof(digest), err) : st;
}

/* float32 weights go to their place at once, others are converted on the way there. */
static enum ofa_status extract(const struct ofa_supernet *net, const struct ofa_plan *plan,
			       const struct ofa_bn_stats *stats, enum ofa_precision precision, uint8_t *data,
			       struct ofa_subnet **ret, struct ofa_error *err)
{
	if (precision == OFA_FLOAT32)
		return ofa_subnet_extract_into(net, plan, stats, (float *)(void *)data, ret, err);
	return ofa_subnet_extract(net, plan, stats, ret, err);
}

static enum ofa_status write_all(const struct ofa_supernet *net, const struct ofa_pack_layout *layout,
				 const struct ofa_pack_stored *stored, const struct ofa_pack_info *info, bool complete,
				 struct ofa_pool *pool, uint8_t *dest, struct ofa_error *err)
{
	const uint64_t trailer = layout->size - OFA_FMT_TRAILER_BYTES;
	enum ofa_status st;

	memset(dest, 0, layout->data_offset);
	st = write_head(net, layout, stored, info, complete, pool, dest, err);
	if (st == OFA_OK && complete)
		ofa_sha256(dest, trailer, dest + trailer);
	return st;
}

enum ofa_status ofa_pack_into(const struct ofa_supernet *net, const struct ofa_plan *plan,
			      const struct ofa_bn_stats *stats, const struct ofa_pack_info *info, bool complete,
			      struct ofa_pool *pool, uint8_t *dest, struct ofa_error *err)
{
	struct ofa_pack_stored stored;
	struct ofa_pack_layout layout;
	struct ofa_subnet *sub;
	uint8_t *data;
	enum ofa_status st = layout_init(net, plan, info->precision, &layout, err);

	if (st != OFA_OK)
		return st;
	data = dest + layout.data_offset;
	st = extract(net, plan, stats, info->precision, data, &sub, err);
	if (st != OFA_OK)
		return st;
	st = ofa_pack_store(net, sub, &layout, pool, sub, data, &stored, err);
	if (st == OFA_OK) {
		st = write_all(net, &layout, &stored, info, complete, pool, dest, err);
		ofa_pack_stored_release(&stored);
	}
	ofa_subnet_free(sub);
	return st;
}
