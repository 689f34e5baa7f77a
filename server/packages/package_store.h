/* Where packages are kept: a directory, the store's database, or an object store.  One interface, a const table of
 * functions per kind.  A package is written once, under its digest, and never changed; several servers may share one
 * store, and each reads what the others wrote.  Thread-safe.  What a store gives back is not believed: service/packages
 * checks the bytes against their digest.
 *
 * Errors: OFA_ERR_NOT_FOUND for a package that is not there and for nothing else; OFA_ERR_UNAVAILABLE when the store
 * cannot be reached now; OFA_ERR_EXHAUSTED when it, or the disk of this machine, is full; OFA_ERR_LIMIT for more than
 * PACKAGE_BYTES_MAX bytes; OFA_ERR_IO when it refuses.  None tells a credential. */
#ifndef OFAD_PACKAGE_STORE_H
#define OFAD_PACKAGE_STORE_H

#include <stdbool.h>
#include "base/file.h"
#include "packages/package_location.h"

struct store;

#define PACKAGE_ID_CHARS 64                    /* lower-case hex of the SHA-256 */
#define PACKAGE_BYTES_MAX ((size_t)1 << 30)    /* of one package */

/* What is done where a package of the id is already. */
enum package_put {
	PACKAGE_PUT_NEW,     /* nothing: *ret_present is set */
	PACKAGE_PUT_REPLACE, /* it is written over: its bytes were found to be others */
};

struct package_store;

struct package_store_options {
	const char *dir;     /* the data directory, for what is fetched */
	struct store *store; /* borrowed, for "postgresql" */
};

/* `id` is well-formed everywhere: package_id_valid(). */
struct package_store_driver {
	const char *name;
	enum ofa_status (*open)(const struct package_location *at, const struct package_store_options *opt,
				struct package_store **ret, struct ofa_error *err);
	void (*close)(struct package_store *s);
	/* On OFA_OK a package of this id is there for good.  Any number of servers may put the same one at once. */
	enum ofa_status (*put)(struct package_store *s, const char *id, const uint8_t *data, size_t size,
			       enum package_put how, bool *ret_present, struct ofa_error *err);
	/* Maps the bytes: those of the stored file itself, or of a file without a name that they were fetched into,
	 * which goes with the map. */
	enum ofa_status (*get)(struct package_store *s, const char *id, struct ofa_map *ret, struct ofa_error *err);
	/* OFA_OK too where there is none.  Maps that were given out stay whole. */
	enum ofa_status (*drop)(struct package_store *s, const char *id, struct ofa_error *err);
	/* All that are there, in no order; a non-OK status ends the listing and is returned.  NULL: the store is not
	 * one to be listed, and only servers put something there. */
	enum ofa_status (*list)(struct package_store *s,
				enum ofa_status (*each)(void *ctx, const char *id, uint64_t size_bytes), void *ctx,
				struct ofa_error *err);
};

/* First member of every driver's state. */
struct package_store {
	const struct package_store_driver *driver;
	/* What get() maps was fetched: it takes as long as a network does, and room on this machine's disk.  So does
	 * put(). */
	bool remote;
	char *fetched_in; /* the directory for that; package_store_release() frees it */
};

extern const struct package_store_driver package_store_dir;
extern const struct package_store_driver package_store_in_store;
extern const struct package_store_driver package_store_s3;

/* `url` as --packages has it; NULL: dir:DIR/packages in the data directory.  Another machine is not asked for
 * anything yet. */
enum ofa_status package_store_open(const char *url, const struct package_store_options *opt,
				   struct package_store **ret, struct ofa_error *err) OFA_MUST_CHECK;
static inline void package_store_close(struct package_store *s) /* NULL is allowed */
{
	if (s)
		s->driver->close(s);
}

/* Can packages be read there?  Asks for one that there cannot be. */
enum ofa_status package_store_check(struct package_store *s, struct ofa_error *err) OFA_MUST_CHECK;

/* 64 lower-case hex digits: no other text ever becomes part of a path or an address. */
bool package_id_valid(const char *id);

/* ---- for drivers ---- */

enum ofa_status package_store_init(struct package_store *s, const struct package_store_driver *driver,
				   const struct package_store_options *opt, struct ofa_error *err) OFA_MUST_CHECK;
void package_store_release(struct package_store *s);
enum ofa_status package_absent(const char *id, struct ofa_error *err); /* OFA_ERR_NOT_FOUND, as all of them say it */

#endif
