#include <stdlib.h>
#include <string.h>
#include "pack/bytes.h"
#include "service/samples.h"

#define VERSION 1
#define HEADER_BYTES 32

struct samples {
	struct lru *cache;
	struct bindings *bindings;
	const atomic_bool *cancel;
};

static void sampled_destroy(struct shared *self)
{
	struct sampled *x = (struct sampled *)(void *)self;

	free(x->data);
	free(x);
}

void sampled_unref(struct sampled *x)
{
	if (x)
		shared_unref(&x->shared);
}

enum ofa_status samples_new(struct bindings *bindings, size_t cache_bytes, const atomic_bool *cancel,
			    struct samples **ret, struct ofa_error *err)
{
	struct samples *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = lru_new(cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		free(s);
		return st;
	}
	s->bindings = bindings;
	s->cancel = cancel;
	*ret = s;
	return OFA_OK;
}

void samples_free(struct samples *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	free(s);
}

struct lru *samples_cache(struct samples *s)
{
	return s->cache;
}

static struct job_key key_of(const struct samples_question *q)
{
	const struct job_key binding = binding_key(q->network, q->profile, q->precision);
	uint8_t all[sizeof(binding.bytes) + 12];
	struct job_key key;

	memcpy(all, binding.bytes, sizeof(binding.bytes));
	ofa_put_u32(all + sizeof(binding.bytes), (uint32_t)q->n);
	ofa_put_u32(all + sizeof(binding.bytes) + 4, q->seed & UINT32_MAX);
	ofa_put_u32(all + sizeof(binding.bytes) + 8, q->seed >> 32);
	ofa_sha256(all, sizeof(all), key.bytes);
	return key;
}

struct sampled *samples_peek(struct samples *s, const struct samples_question *q)
{
	const struct job_key key = key_of(q);

	return (struct sampled *)(void *)lru_get(s->cache, &key);
}

static void put_header(uint8_t header[HEADER_BYTES], int n)
{
	memset(header, 0, HEADER_BYTES);
	memcpy(header, "OFASMPL", 8);
	ofa_put_u32(header + 8, VERSION);
	ofa_put_u32(header + 12, (uint32_t)n);
	ofa_put_u32(header + 16, OFA_SAMPLE_COLUMNS);
	ofa_put_u32(header + 20, HEADER_BYTES);
}

static enum ofa_status draw(const struct samples *s, const struct samples_question *q, struct sampled *x,
			    struct ofa_error *err)
{
	const struct ofa_samples_options options = {.n = q->n, .seed = q->seed, .cancel = s->cancel};
	const size_t values = (size_t)q->n * OFA_SAMPLE_COLUMNS;
	struct binding *binding;
	float *columns;
	enum ofa_status st;

	x->size = HEADER_BYTES + values * sizeof(*columns);
	x->data = malloc(x->size);
	if (!x->data)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	columns = (float *)(void *)(x->data + HEADER_BYTES);
	st = bindings_get(s->bindings, q->network, q->profile, q->precision, &binding, err);
	if (st != OFA_OK)
		return st;
	st = ofa_samples_draw(binding_problem(binding), &options, columns, err);
	binding_unref(binding);
	if (st != OFA_OK)
		return st;
	put_header(x->data, q->n);
	ofa_put_floats(x->data + HEADER_BYTES, columns, values); /* in place */
	ofa_sha256(x->data, x->size, x->sha256);
	return OFA_OK;
}

static enum ofa_status make(const struct samples *s, const struct samples_question *q, struct sampled **ret,
			    struct ofa_error *err)
{
	struct sampled *x = calloc(1, sizeof(*x));
	enum ofa_status st;

	if (!x)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	shared_init(&x->shared, sampled_destroy);
	st = draw(s, q, x, err);
	if (st != OFA_OK) {
		sampled_unref(x);
		return st;
	}
	*ret = x;
	return OFA_OK;
}

enum ofa_status samples_of(struct samples *s, const struct samples_question *q, struct sampled **ret,
			   struct ofa_error *err)
{
	const struct job_key key = key_of(q);
	struct sampled *x = (struct sampled *)(void *)lru_get(s->cache, &key);
	enum ofa_status st = OFA_OK;

	if (!x) {
		st = make(s, q, &x, err);
		if (st == OFA_OK)
			lru_put(s->cache, &key, &x->shared, sizeof(*x) + x->size);
	}
	if (st == OFA_OK)
		*ret = x;
	return st;
}
