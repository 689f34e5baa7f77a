/* Packages on disk, named by their SHA-256, and the recently used ones in memory. */
#ifndef OFAD_SERVICE_PACKAGES_H
#define OFAD_SERVICE_PACKAGES_H

#include "base/file.h"
#include "jobs/lru.h"

#define PACKAGE_ID_CHARS 64 /* lower-case hex of the SHA-256 */

/* The bytes of one package; immutable.  They are those of its file, mapped: the kernel keeps what is asked for
 * in memory and drops the rest, and the heap holds no package once it is on disk. */
struct package {
	struct shared shared;
	const uint8_t *data; /* the map's */
	size_t size;
	uint8_t sha256[OFA_SHA256_BYTES];
	char id[PACKAGE_ID_CHARS + 1];
	struct ofa_map map;
};
void package_unref(struct package *p); /* NULL is allowed */
/* The version of its format, as its header says. */
void package_format(const struct package *p, unsigned *ret_major, unsigned *ret_minor);

struct packages;

/* Files DIR/packages/<id>.ofa; the directory is made. */
enum ofa_status packages_new(const char *dir, size_t cache_bytes, struct packages **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void packages_free(struct packages *s); /* NULL is allowed */
struct lru *packages_cache(struct packages *s); /* borrowed, for its size */

/* Writes the bytes, whose digest the caller has, to disk whole, unless they are there, and returns a reference. */
enum ofa_status packages_add(struct packages *s, const uint8_t *data, size_t size,
			     const uint8_t sha256[OFA_SHA256_BYTES], struct package **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* A new reference.  OFA_ERR_NOT_FOUND for an id that is none of ours or malformed; a file whose bytes do
 * not have the digest in its name is refused with OFA_ERR_FORMAT, whoever changed it. */
enum ofa_status packages_get(struct packages *s, const char *id, struct package **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* The same from memory only: NULL when it is not there. */
struct package *packages_peek(struct packages *s, const char *id);

#endif
