/* Packages in the formats of others (export/export.h), made when they are asked for and the recently used ones kept in
 * memory: a package is on disk, and its exports follow from it. */
#ifndef OFAD_SERVICE_EXPORTS_H
#define OFAD_SERVICE_EXPORTS_H

#include "export/export.h"
#include "jobs/lru.h"
#include "service/packages.h"

/* Immutable. */
struct exported {
	struct shared shared;
	const char *media_type; /* static */
	uint8_t *data;          /* owned */
	size_t size;
	uint8_t sha256[OFA_SHA256_BYTES];
};
void exported_unref(struct exported *x); /* NULL is allowed */

struct exports;

enum ofa_status exports_new(size_t cache_bytes, struct exports **ret, struct ofa_error *err) OFA_MUST_CHECK;
void exports_free(struct exports *s); /* NULL is allowed */
struct lru *exports_cache(struct exports *s); /* borrowed, for its size */

/* A new reference to what is in memory of the package with this id, or NULL. */
struct exported *exports_peek(struct exports *s, const char *id, enum ofa_export_format format);
/* A new reference; makes it if need be, which takes milliseconds: on a worker.  OFA_ERR_UNSUPPORTED for what the format
 * cannot hold. */
enum ofa_status exports_get(struct exports *s, const struct package *p, enum ofa_export_format format,
			    struct exported **ret, struct ofa_error *err) OFA_MUST_CHECK;

#endif
