/* Ranks as threads of one program, which sum in the order of ranks: what mpirun's do, without it. */
#ifndef OFA_TESTS_THREAD_RANKS_H
#define OFA_TESTS_THREAD_RANKS_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/comm.h"

enum { MAX_THREAD_RANKS = 4 };

struct thread_ranks {
	int n;
	size_t lose_at; /* from so many calls of a rank on nobody reaches anybody; 0: never */
	bool corrupt;   /* rank 1 gets sums of floats of its own */
	pthread_barrier_t barrier;
	void *values[MAX_THREAD_RANKS];
	struct thread_rank {
		struct thread_ranks *all;
		struct ofa_comm comm;
		size_t calls;
	} ranks[MAX_THREAD_RANKS];
};

static inline bool thread_ranks_meet(struct thread_rank *r, void *v)
{
	if (r->all->lose_at && ++r->calls >= r->all->lose_at)
		return false;
	r->all->values[r->comm.rank] = v;
	pthread_barrier_wait(&r->all->barrier);
	return true;
}

#define THREAD_RANKS_SUM(name, type)                                                                                   \
	static inline bool name(void *ctx, type *v, size_t n)                                                          \
	{                                                                                                              \
		struct thread_rank *r = ctx;                                                                           \
		type *sum = calloc(n ? n : 1, sizeof *sum);                                                            \
		bool met = sum && thread_ranks_meet(r, v);                                                             \
                                                                                                                       \
		for (int from = 0; met && from < r->all->n; from++)                                                    \
			for (size_t i = 0; i < n; i++)                                                                 \
				sum[i] += ((type *)r->all->values[from])[i];                                           \
		if (met) {                                                                                             \
			pthread_barrier_wait(&r->all->barrier);                                                        \
			memcpy(v, sum, n * sizeof *v);                                                                 \
		}                                                                                                      \
		free(sum);                                                                                             \
		return met;                                                                                            \
	}

THREAD_RANKS_SUM(thread_ranks_sum_doubles, double)
THREAD_RANKS_SUM(thread_ranks_sum_exactly, float)

static inline bool thread_ranks_sum_floats(void *ctx, float *v, size_t n)
{
	struct thread_rank *r = ctx;
	bool met = thread_ranks_sum_exactly(ctx, v, n);

	if (r->all->corrupt && r->comm.rank == 1)
		v[n / 2] += 1e-3f;
	return met;
}

static inline bool thread_ranks_broadcast(void *ctx, int root, void *data, size_t size)
{
	struct thread_rank *r = ctx;

	if (!thread_ranks_meet(r, data))
		return false;
	if (r->comm.rank != root)
		memcpy(data, r->all->values[root], size);
	pthread_barrier_wait(&r->all->barrier);
	return true;
}

static inline void thread_ranks_init(struct thread_ranks *all, int n)
{
	static const struct ofa_comm_driver driver = {
		.sum_floats = thread_ranks_sum_floats,
		.sum_doubles = thread_ranks_sum_doubles,
		.broadcast = thread_ranks_broadcast,
	};

	memset(all, 0, sizeof *all);
	all->n = n;
	pthread_barrier_init(&all->barrier, NULL, (unsigned)n);
	for (int i = 0; i < n; i++) {
		struct thread_rank *r = &all->ranks[i];

		r->all = all;
		r->comm = (struct ofa_comm){.driver = &driver, .ctx = r, .rank = i, .size = n};
	}
}

static inline void thread_ranks_release(struct thread_ranks *all)
{
	pthread_barrier_destroy(&all->barrier);
}

#endif
