/* Packages, named by their SHA-256: the recently used ones in memory, all of them in a package store. */
#ifndef OFAD_SERVICE_PACKAGES_H
#define OFAD_SERVICE_PACKAGES_H

#include "base/file.h"
#include "base/sha256.h"
#include "jobs/lru.h"
#include "packages/package_store.h"
#include "service/package_uses.h"

/* The bytes of one package; immutable.  They are those of a file, mapped: the kernel keeps what is asked for
 * in memory and drops the rest, and the heap holds no package once it is stored. */
struct package {
	struct shared shared;
	const uint8_t *data; /* the map's */
	size_t size;
	uint8_t sha256[OFA_SHA256_BYTES];
	char id[PACKAGE_ID_CHARS + 1];
	struct ofa_map map;
	struct fetched *fetched; /* counts it; NULL: the map is of the stored file */
	atomic_llong noted;      /* package_uses.h */
};
void package_unref(struct package *p); /* NULL is allowed */
/* The version of its format, as its header says. */
void package_format(const struct package *p, unsigned *ret_major, unsigned *ret_minor);

struct packages;

struct packages_options {
	const char *url;     /* as --packages has it; NULL: a directory in the data directory */
	const char *dir;     /* the data directory */
	struct store *store; /* borrowed; for packages in the database */
	size_t cache_bytes;
};

enum ofa_status packages_new(const struct packages_options *opt, struct packages **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
void packages_free(struct packages *s);         /* NULL is allowed */
struct lru *packages_cache(struct packages *s); /* borrowed, for its size */
struct package_store *packages_store(struct packages *s); /* borrowed */
/* Moves up to `max` of the ids that were asked for to `ids`; how many. */
size_t packages_take_uses(struct packages *s, char (*ids)[PACKAGE_ID_CHARS + 1], size_t max);

/* Stores the bytes, whose digest the caller has, unless they are there, and returns a reference. */
enum ofa_status packages_add(struct packages *s, const uint8_t *data, size_t size,
			     const uint8_t sha256[OFA_SHA256_BYTES], struct package **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* A new reference.  OFA_ERR_NOT_FOUND for an id that is none of ours or malformed; bytes that do not have the digest
 * they are named by are refused with OFA_ERR_FORMAT, whoever changed them; otherwise as the package store has it.
 * Who asks for what is being fetched waits for that, and PACKAGES_FETCHES are fetched at once: on workers only. */
#define PACKAGES_FETCHES 8
enum ofa_status packages_get(struct packages *s, const char *id, struct package **ret,
			     struct ofa_error *err) OFA_MUST_CHECK;
/* The same from memory only: NULL when it is not there. */
struct package *packages_peek(struct packages *s, const char *id);

#endif
