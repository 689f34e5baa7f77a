/* A cache of shared objects, bounded in bytes: the one unused for longest goes first.  Thread-safe. */
#ifndef OFAD_JOBS_LRU_H
#define OFAD_JOBS_LRU_H

#include <stdint.h>
#include "base/status.h"
#include "jobs/key.h"
#include "shared.h"

struct lru;

enum ofa_status lru_new(size_t max_bytes, struct lru **ret, struct ofa_error *err) OFA_MUST_CHECK;
void lru_free(struct lru *c); /* NULL is allowed */

/* A new reference, or NULL. */
struct shared *lru_get(struct lru *c, const struct job_key *key);
/* Takes a reference of its own and replaces what the key held.  `bytes` is what the object weighs; one
 * heavier than the whole cache is not kept, nor is anything when memory runs out: a cache may forget. */
void lru_put(struct lru *c, const struct job_key *key, struct shared *object, size_t bytes);
void lru_remove(struct lru *c, const struct job_key *key);
void lru_remove_all(struct lru *c);
/* How often lru_remove() or lru_remove_all() was called: what was made of objects before may be out of date. */
uint64_t lru_removals(struct lru *c);
size_t lru_bytes(struct lru *c); /* weight of all it holds */
size_t lru_max_bytes(const struct lru *c);

#endif
