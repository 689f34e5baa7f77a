#include "import/torch.h"

#include <string.h>

#define PROTOCOL 1001
#define COUNT_BYTES 8

/* torch.serialization's magic number 0x1950a86a20f9469cfc6c as the first pickle of the file holds it. */
static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

struct reader {
	const uint8_t *data;
	size_t size, at;
};

static enum ofa_status next_pickle(struct reader *r, struct ofa_pickle *ret, struct ofa_error *err)
{
	enum ofa_status st = ofa_unpickle(r->data + r->at, r->size - r->at, ret, err);

	if (st == OFA_OK)
		r->at += ret->size;
	return st;
}

static enum ofa_status read_magic(struct reader *r, struct ofa_error *err)
{
	struct ofa_pickle p;
	enum ofa_status st = next_pickle(r, &p, err);
	const struct ofa_pickled *v;

	if (st != OFA_OK)
		return st;
	v = &p.values[p.root];
	if (v->kind != OFA_PICKLED_BIG || v->text.n != sizeof(magic) || memcmp(v->text.p, magic, sizeof(magic)) != 0)
		st = ofa_fail(err, OFA_ERR_FORMAT, "magic", "not a checkpoint: torch.save's magic number is missing");
	ofa_pickle_release(&p);
	return st;
}

static enum ofa_status read_protocol(struct reader *r, struct ofa_error *err)
{
	struct ofa_pickle p;
	enum ofa_status st = next_pickle(r, &p, err);
	const struct ofa_pickled *v;

	if (st != OFA_OK)
		return st;
	v = &p.values[p.root];
	if (v->kind != OFA_PICKLED_INT || v->integer != PROTOCOL)
		st = ofa_fail(err, OFA_ERR_UNSUPPORTED, "protocol", "torch.save's protocol %d is read, no other",
			      PROTOCOL);
	ofa_pickle_release(&p);
	return st;
}

static enum ofa_status read_system(struct reader *r, struct ofa_error *err)
{
	struct ofa_pickle p;
	enum ofa_status st = next_pickle(r, &p, err);
	uint32_t little;

	if (st != OFA_OK)
		return st;
	little = ofa_pickled_lookup(&p, p.root, "little_endian");
	if (!little || p.values[little].kind != OFA_PICKLED_BOOL)
		st = ofa_fail(err, OFA_ERR_FORMAT, "little_endian", "the checkpoint does not say its byte order");
	else if (!p.values[little].integer)
		st = ofa_fail(err, OFA_ERR_UNSUPPORTED, "little_endian",
			      "the checkpoint's numbers are big-endian, little-endian ones are read");
	ofa_pickle_release(&p);
	return st;
}

static uint64_t little_endian(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = COUNT_BYTES - 1; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* The storage at the reader's position belongs to `key`. */
static enum ofa_status place_storage(struct reader *r, const struct ofa_torch *t, const struct ofa_pickled *key,
				     struct ofa_error *err)
{
	struct ofa_torch_data *d = key->kind == OFA_PICKLED_STRING ? ofa_torch_find(t, key->text.p, key->text.n) : NULL;
	int n = key->kind == OFA_PICKLED_STRING && key->text.n < 40 ? (int)key->text.n : 0;
	uint64_t elements;

	if (!d || d->bytes)
		return ofa_fail(err, OFA_ERR_FORMAT, "storage", "the list of storages has the key \"%.*s\", which %s",
				n, n ? (const char *)key->text.p : "", d ? "stands twice in it" : "no tensor has");
	if (COUNT_BYTES > r->size - r->at)
		return ofa_fail(err, OFA_ERR_FORMAT, "storage", "the file ends before storage \"%.*s\"", n,
				(const char *)key->text.p);
	elements = little_endian(r->data + r->at);
	r->at += COUNT_BYTES;
	if (elements != d->storage->elements)
		return ofa_fail(err, OFA_ERR_FORMAT, "storage",
				"storage \"%.*s\" has %llu elements, its tensors say %llu", n,
				(const char *)key->text.p, (unsigned long long)elements,
				(unsigned long long)d->storage->elements);
	if (ofa_torch_data_size(d) > r->size - r->at)
		return ofa_fail(err, OFA_ERR_FORMAT, "storage",
				"the file ends inside storage \"%.*s\": %llu bytes are needed, %zu are left", n,
				(const char *)key->text.p, (unsigned long long)ofa_torch_data_size(d), r->size - r->at);
	d->bytes = r->data + r->at;
	d->size = (size_t)ofa_torch_data_size(d);
	r->at += d->size;
	return OFA_OK;
}

static enum ofa_status place_storages(struct reader *r, const struct ofa_torch *t, struct ofa_error *err)
{
	struct ofa_pickle p;
	enum ofa_status st = next_pickle(r, &p, err);

	if (st != OFA_OK)
		return st;
	if (p.values[p.root].kind != OFA_PICKLED_LIST)
		st = ofa_fail(err, OFA_ERR_FORMAT, "storage", "the list of storages is missing");
	for (uint32_t i = p.values[p.root].items.first; st == OFA_OK && i; i = p.items[i].next)
		st = place_storage(r, t, &p.values[p.items[i].value], err);
	ofa_pickle_release(&p);
	for (size_t i = 0; st == OFA_OK && i < t->n_data; i++)
		if (!t->data[i].bytes && t->data[i].needed)
			st = ofa_fail(err, OFA_ERR_FORMAT, "storage", "storage \"%.*s\" is missing from the file",
				      t->data[i].storage->key_size < 40 ? (int)t->data[i].storage->key_size : 40,
				      (const char *)t->data[i].storage->key);
	return st;
}

enum ofa_status ofa_torch_legacy_parse(const uint8_t *data, size_t size, struct ofa_checkpoint *c,
				       struct ofa_error *err)
{
	struct reader r = {.data = data, .size = size};
	struct ofa_pickle pickle;
	struct ofa_torch t;
	enum ofa_status st = read_magic(&r, err);

	if (st == OFA_OK)
		st = read_protocol(&r, err);
	if (st == OFA_OK)
		st = read_system(&r, err);
	if (st == OFA_OK)
		st = next_pickle(&r, &pickle, err);
	if (st == OFA_OK)
		st = ofa_torch_init(&pickle, &t, err);
	if (st != OFA_OK)
		return st;
	st = place_storages(&r, &t, err);
	if (st == OFA_OK)
		st = ofa_torch_collect(&t, c, err);
	if (st == OFA_OK && r.at != r.size)
		st = ofa_fail(err, OFA_ERR_FORMAT, "storage", "%zu bytes after the last storage belong to nothing",
			      r.size - r.at);
	ofa_torch_release(&t);
	return st;
}
