/* A fixed set of threads that run one function together: static partition, so results that
 * are reduced in thread order do not depend on timing. */
#ifndef OFA_BASE_POOL_H
#define OFA_BASE_POOL_H

#include <stddef.h>
#include "base/status.h"

#define OFA_MAX_THREADS 64 /* of one pool, the caller included */

struct ofa_pool;

/* `threads` counts the caller: 1 creates none; OFA_ERR_LIMIT above OFA_MAX_THREADS.  Also pins OpenBLAS to one
 * thread. */
enum ofa_status ofa_pool_new(unsigned threads, struct ofa_pool **ret_pool) OFA_MUST_CHECK;
void ofa_pool_free(struct ofa_pool *pool);
/* A NULL pool counts as one thread, in every function here. */
unsigned ofa_pool_size(const struct ofa_pool *pool);

/* Processor time that its threads but the caller have used so far, seconds. */
double ofa_pool_cpu_seconds(const struct ofa_pool *pool);

typedef void ofa_pool_fn(void *ctx, unsigned thread, unsigned threads);
/* Runs fn(ctx, t, size) for every t in [0,size), t=0 on the caller; returns when all have ended.
 * One run at a time per pool.  Waits by spinning briefly, then by sleeping. */
void ofa_pool_run(struct ofa_pool *pool, ofa_pool_fn *fn, void *ctx);

/* The part [*ret_begin, *ret_end) of n items that thread t of `threads` works on. */
void ofa_pool_part(size_t n, unsigned t, unsigned threads, size_t *ret_begin, size_t *ret_end);

/* Processors this process may run on (affinity mask, cgroup quota), at least 1. */
unsigned ofa_cpu_count(void);

#endif
