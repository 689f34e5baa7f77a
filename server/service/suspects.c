#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/suspects.h"

#define SUSPECTS_MAX 32

struct suspect {
	char owner[STORE_REPLICA_CHARS + 1]; /* "": none */
	double since_ms;
};

struct suspects {
	struct store *store;
	pthread_mutex_t lock; /* what follows */
	struct suspect list[SUSPECTS_MAX];
};

enum ofa_status suspects_new(struct store *store, struct suspects **ret, struct ofa_error *err)
{
	struct suspects *l = calloc(1, sizeof(*l));

	if (!l)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	l->store = store;
	pthread_mutex_init(&l->lock, NULL);
	*ret = l;
	return OFA_OK;
}

void suspects_free(struct suspects *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* With the lock held: its entry, or one that it may have: a free one, or that which is there for longest. */
static struct suspect *find(struct suspects *l, const char *owner)
{
	struct suspect *best = &l->list[0];

	for (int i = 0; i < SUSPECTS_MAX; i++) {
		if (strcmp(l->list[i].owner, owner) == 0)
			return &l->list[i];
		if (l->list[i].since_ms < best->since_ms)
			best = &l->list[i];
	}
	return best;
}

/* Has it been dead for long enough? */
static bool judge(struct suspects *l, const char *owner, bool lives)
{
	struct suspect *suspect;
	bool gone = false;

	pthread_mutex_lock(&l->lock);
	suspect = find(l, owner);
	if (strcmp(suspect->owner, owner) == 0) {
		gone = !lives && clock_ms() - suspect->since_ms >= SUSPECTS_GONE_MS;
		if (lives)
			*suspect = (struct suspect){0};
	} else if (!lives) {
		memcpy(suspect->owner, owner, strlen(owner) + 1);
		suspect->since_ms = clock_ms();
	}
	pthread_mutex_unlock(&l->lock);
	return gone;
}

enum ofa_status suspects_gone(struct suspects *l, const char *owner, bool *ret, struct ofa_error *err)
{
	const struct store_sharing *sharing = store_sharing(l->store);
	bool lives;
	enum ofa_status st;

	*ret = !*owner || strlen(owner) > STORE_REPLICA_CHARS || strcmp(owner, sharing->replica(l->store)) == 0;
	if (*ret)
		return OFA_OK;
	st = sharing->replica_lives(l->store, owner, &lives, err);
	if (st == OFA_OK)
		*ret = judge(l, owner, lives);
	return st;
}
