#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/suspects.h"

struct suspect {
	char owner[STORE_REPLICA_CHARS + 1]; /* "": none */
	double since_ms, seen_ms; /* dead, at first and at last */
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

/* With the lock held: its entry, or one that it may have: a free one, or that which was not looked at for longest. */
static struct suspect *find(struct suspects *l, const char *owner)
{
	struct suspect *best = &l->list[0];

	for (int i = 0; i < SUSPECTS_MAX; i++) {
		if (strcmp(l->list[i].owner, owner) == 0)
			return &l->list[i];
		if (l->list[i].seen_ms < best->seen_ms)
			best = &l->list[i];
	}
	return best;
}

bool suspects_judge(struct suspects *l, const char *owner, bool lives, double now_ms)
{
	struct suspect *suspect;
	bool known, gone = false;

	pthread_mutex_lock(&l->lock);
	suspect = find(l, owner);
	known = strcmp(suspect->owner, owner) == 0;
	if (lives && known) {
		*suspect = (struct suspect){0};
	} else if (!lives) {
		if (!known || now_ms - suspect->seen_ms > SUSPECTS_PAUSE_MS) {
			memcpy(suspect->owner, owner, strlen(owner) + 1);
			suspect->since_ms = now_ms;
		}
		suspect->seen_ms = now_ms;
		gone = now_ms - suspect->since_ms >= SUSPECTS_GONE_MS;
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
		*ret = suspects_judge(l, owner, lives, clock_ms());
	return st;
}
