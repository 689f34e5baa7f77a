#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "access/limits.h"

#define SETS 4096 /* a power of two */
#define WAYS 4
#define LOCKS 64
#define CACHE_LINE 64

struct bucket {
	uint64_t caller; /* hashed */
	double full_ms;  /* when it is full again; not after now: as good as empty */
	double turn_ms;  /* the last turn that a refused caller was told */
};

struct limits {
	double interval_ms, burst_ms;
	uint64_t seed[2]; /* so that nobody can choose callers that share a set */
	struct {
		_Alignas(CACHE_LINE) pthread_mutex_t mutex;
	} locks[LOCKS]; /* of the sets with this number, modulo */
	struct bucket sets[SETS][WAYS];
};

enum ofa_status limits_new(const struct limits_options *opt, struct limits **ret, struct ofa_error *err)
{
	struct limits *l;

	if (opt->per_second == 0) {
		*ret = NULL;
		return OFA_OK;
	}
	l = aligned_alloc(CACHE_LINE, sizeof(*l));
	if (!l)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	memset(l, 0, sizeof(*l));
	if (getrandom(l->seed, sizeof(l->seed), 0) != (ssize_t)sizeof(l->seed)) {
		free(l);
		return ofa_fail(err, OFA_ERR_IO, NULL, "no random bits");
	}
	l->interval_ms = 1e3 / opt->per_second;
	l->burst_ms = l->interval_ms * (opt->burst ? opt->burst : 1);
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&l->locks[i].mutex, NULL);
	*ret = l;
	return OFA_OK;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&l->locks[i].mutex);
	free(l);
}

/* Both halves of a product: every bit of the caller reaches every bit of the hash. */
static uint64_t hash(const struct limits *l, uint64_t caller)
{
	unsigned __int128 p = (unsigned __int128)(caller ^ l->seed[0]) * (l->seed[1] | 1);

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* The caller's, or the one that is forgotten for it. */
static struct bucket *find(struct bucket set[WAYS], uint64_t caller)
{
	struct bucket *oldest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (set[i].caller == caller)
			return &set[i];
		if (set[i].full_ms < oldest->full_ms)
			oldest = &set[i];
	}
	*oldest = (struct bucket){.caller = caller};
	return oldest;
}

static double take(const struct limits *l, struct bucket *b, double now_ms)
{
	double full_ms = (b->full_ms > now_ms ? b->full_ms : now_ms) + l->interval_ms;

	if (full_ms - now_ms <= l->burst_ms) {
		b->full_ms = full_ms;
		return 0;
	}
	/* the first turn is when the next call would be allowed */
	if (b->turn_ms < full_ms - l->burst_ms)
		b->turn_ms = full_ms - l->burst_ms;
	else if (b->turn_ms + l->interval_ms <= now_ms + LIMITS_WAIT_MAX_MS)
		b->turn_ms += l->interval_ms;
	return b->turn_ms - now_ms;
}

double limits_take(struct limits *l, uint64_t caller, double now_ms)
{
	uint64_t h = hash(l, caller);
	size_t set = h % SETS;
	pthread_mutex_t *lock = &l->locks[set % LOCKS].mutex;
	double wait_ms;

	pthread_mutex_lock(lock);
	wait_ms = take(l, find(l->sets[set], h), now_ms);
	pthread_mutex_unlock(lock);
	return wait_ms;
}
