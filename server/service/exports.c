#include <stdlib.h>
#include <string.h>
#include "service/exports.h"

struct exports {
	struct lru *cache;
};

static void exported_destroy(struct shared *self)
{
	struct exported *x = (struct exported *)(void *)self;

	free(x->data);
	free(x);
}

void exported_unref(struct exported *x)
{
	if (x)
		shared_unref(&x->shared);
}

enum ofa_status exports_new(size_t cache_bytes, struct exports **ret, struct ofa_error *err)
{
	struct exports *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = lru_new(cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void exports_free(struct exports *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	free(s);
}

struct lru *exports_cache(struct exports *s)
{
	return s->cache;
}

/* Whatever the id is: what is no package's has no exports either. */
static struct job_key key_of(const char *id, enum ofa_export_format format)
{
	char text[PACKAGE_ID_CHARS + 2];
	struct job_key key;
	size_t n = strnlen(id, PACKAGE_ID_CHARS + 1);

	memcpy(text, id, n);
	text[n] = (char)format;
	ofa_sha256(text, n + 1, key.bytes);
	return key;
}

struct exported *exports_peek(struct exports *s, const char *id, enum ofa_export_format format)
{
	const struct job_key key = key_of(id, format);

	return (struct exported *)(void *)lru_get(s->cache, &key);
}

static enum ofa_status make(const struct package *p, enum ofa_export_format format, struct exported **ret,
			    struct ofa_error *err)
{
	static const struct ofa_export_options options = {.io = OFA_EXPORT_IO_DEFAULT};
	struct exported *x = calloc(1, sizeof(*x));
	enum ofa_status st;

	if (!x)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	shared_init(&x->shared, exported_destroy);
	x->media_type = ofa_export_format_info(format)->media_type;
	st = ofa_export(p->data, p->size, format, &options, &x->data, &x->size, err);
	if (st != OFA_OK) {
		exported_unref(x);
		return st;
	}
	ofa_sha256(x->data, x->size, x->sha256);
	*ret = x;
	return OFA_OK;
}

enum ofa_status exports_get(struct exports *s, const struct package *p, enum ofa_export_format format,
			    struct exported **ret, struct ofa_error *err)
{
	const struct job_key key = key_of(p->id, format);
	struct exported *x = (struct exported *)(void *)lru_get(s->cache, &key);
	enum ofa_status st = OFA_OK;

	if (!x) {
		st = make(p, format, &x, err);
		if (st == OFA_OK)
			lru_put(s->cache, &key, &x->shared, sizeof(*x) + x->size);
	}
	if (st == OFA_OK)
		*ret = x;
	return st;
}
