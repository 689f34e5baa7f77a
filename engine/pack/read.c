#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "ofa_device.h"
#include "ofa_format.h"
#include "pack/pack.h"

static enum ofa_status load(const uint8_t *data, size_t size, struct ofa_device_model *ret, struct ofa_error *err)
{
	char field[32];
	uint32_t where = 0;
	enum ofa_device_status status = ofa_device_load(data, size, ret, &where);
	bool newer = status == OFA_DEVICE_ERR_VERSION || status == OFA_DEVICE_ERR_RESERVED;

	if (status != OFA_DEVICE_OK) {
		snprintf(field, sizeof(field), "byte %" PRIu32, where);
		return ofa_fail(err, newer ? OFA_ERR_UNSUPPORTED : OFA_ERR_FORMAT, field, "%s",
				ofa_device_strerror(status));
	}
	if (ret->size != size)
		return ofa_fail(err, OFA_ERR_FORMAT, "size", "the file has %zu bytes; the package in it has %" PRIu32,
				size, ret->size);
	return OFA_OK;
}

/* Of all before the trailer, and of each tensor in it: messages[0] and messages[1...]. */
static enum ofa_status compare_digests(const struct ofa_device_model *m, const struct ofa_sha256_message *messages,
				       struct ofa_error *err)
{
	char field[32];

	if (memcmp(messages[0].digest, m->data + messages[0].size, sizeof(messages[0].digest)) != 0)
		return ofa_fail(err, OFA_ERR_FORMAT, "trailer", "%s", ofa_device_strerror(OFA_DEVICE_ERR_DIGEST));
	for (uint32_t i = 0; i < m->n_tensors; i++) {
		struct ofa_device_tensor t;

		ofa_device_tensor(m, i, &t);
		if (memcmp(messages[1 + i].digest, t.hash, OFA_FMT_HASH_BYTES) != 0) {
			snprintf(field, sizeof(field), "tensor %" PRIu32, i);
			return ofa_fail(err, OFA_ERR_FORMAT, field, "%s",
					ofa_device_strerror(OFA_DEVICE_ERR_TENSOR_DIGEST));
		}
	}
	return OFA_OK;
}

/* Like ofa_device_verify(), but in one pass: while the first digest goes over everything, those of the tensors go over
 * the same bytes beside it. */
static enum ofa_status check_digests(const struct ofa_device_model *m, uint8_t sha256[OFA_SHA256_BYTES],
				     struct ofa_error *err)
{
	struct ofa_sha256_message *messages = calloc((size_t)m->n_tensors + 1, sizeof(*messages));
	atomic_uint next = 0;
	enum ofa_status st;

	if (!messages)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "no memory for %" PRIu32 " digests", m->n_tensors);
	messages[0].data = m->data;
	messages[0].size = m->size - OFA_FMT_TRAILER_BYTES;
	messages[0].sealed = sha256;
	for (uint32_t i = 0; i < m->n_tensors; i++) {
		struct ofa_device_tensor t;

		ofa_device_tensor(m, i, &t);
		messages[1 + i].data = t.data;
		messages[1 + i].size = t.size;
	}
	ofa_sha256_many(messages, m->n_tensors + 1, &next);
	st = compare_digests(m, messages, err);
	free(messages);
	return st;
}

/* A member that must be a whole number of at least 0. */
static enum ofa_status member_count(const json_t *meta, const char *name, uint64_t *ret, struct ofa_error *err)
{
	const json_t *v = json_object_get(meta, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return ofa_fail(err, OFA_ERR_FORMAT, name,
				"the package's metadata lacks \"%s\", a whole number of at least 0", name);
	*ret = (uint64_t)json_integer_value(v);
	return OFA_OK;
}

/* A member that repeats what the tables say. */
static enum ofa_status member_equals(const json_t *meta, const char *name, uint64_t want, struct ofa_error *err)
{
	uint64_t got = 0;
	enum ofa_status st = member_count(meta, name, &got, err);

	if (st == OFA_OK && got != want)
		return ofa_fail(err, OFA_ERR_FORMAT, name, "the metadata says %" PRIu64 ", the tables say %" PRIu64,
				got, want);
	return st;
}

static enum ofa_precision precision_of(const struct ofa_device_model *m)
{
	return m->type == OFA_DEVICE_INT8 ? OFA_INT8 : m->type == OFA_DEVICE_FLOAT16 ? OFA_FLOAT16 : OFA_FLOAT32;
}

static enum ofa_status check_meta(const json_t *meta, const struct ofa_device_model *m, struct ofa_package_summary *s,
				  struct ofa_error *err)
{
	const char *dtype = json_string_value(json_object_get(meta, "dtype"));
	const char *want = ofa_precision_name(precision_of(m));
	const struct {
		const char *name;
		uint64_t value;
	} repeated[] = {
		{"image_size", m->height}, {"image_size", m->width},   {"channels", m->channels},
		{"macs", m->macs},         {"storage_bytes", m->size}, {"peak_memory_bytes", m->arena_bytes},
	};
	enum ofa_status st = OFA_OK;

	if (!json_is_object(json_object_get(meta, "arch")))
		return ofa_fail(err, OFA_ERR_FORMAT, "arch", "the package's metadata lacks \"arch\", an object");
	if (!dtype || strcmp(dtype, want) != 0)
		return ofa_fail(err, OFA_ERR_FORMAT, "dtype", "the metadata says \"%.16s\", the tables say \"%s\"",
				dtype ? dtype : "", want);
	for (size_t i = 0; st == OFA_OK && i < OFA_ARRAY_LEN(repeated); i++)
		st = member_equals(meta, repeated[i].name, repeated[i].value, err);
	if (st == OFA_OK)
		st = member_count(meta, "params", &s->params, err);
	s->precision = precision_of(m);
	snprintf(s->dtype, sizeof(s->dtype), "%s", want);
	return st;
}

static enum ofa_status parse_meta(const struct ofa_device_model *m, json_t **ret, struct ofa_error *err)
{
	json_error_t je;
	json_t *meta = json_loadb(m->meta, m->meta_bytes, JSON_REJECT_DUPLICATES, &je);

	if (!json_is_object(meta)) {
		json_decref(meta);
		return ofa_fail(err, OFA_ERR_FORMAT, "metadata", "the package's metadata is no JSON object%s%s",
				meta ? "" : ": ", meta ? "" : je.text);
	}
	*ret = meta;
	return OFA_OK;
}

enum ofa_status ofa_package_read(const uint8_t *data, size_t size, struct ofa_package_summary *ret,
				 struct ofa_error *err)
{
	struct ofa_package_summary s = {.meta = NULL};
	struct ofa_device_model m;
	enum ofa_status st = load(data, size, &m, err);

	if (st == OFA_OK)
		st = check_digests(&m, s.sha256, err);
	if (st == OFA_OK)
		st = parse_meta(&m, &s.meta, err);
	if (st == OFA_OK)
		st = check_meta(s.meta, &m, &s, err);
	if (st != OFA_OK) {
		json_decref(s.meta);
		return st;
	}
	s.size_bytes = m.size;
	s.arena_bytes = m.arena_bytes;
	s.macs = m.macs;
	s.image_size = (int)m.height;
	s.channels = (int)m.channels;
	s.classes = (int)m.classes;
	*ret = s;
	return OFA_OK;
}

void ofa_package_summary_release(struct ofa_package_summary *s)
{
	json_decref(s->meta);
	s->meta = NULL;
}
