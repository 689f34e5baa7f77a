#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "jobs/lru.h"

#define BUCKETS 4096
/* Added to each object's own weight, so that many tiny ones are bounded too. */
#define ENTRY_OVERHEAD (sizeof(struct entry) + 64)

struct entry {
	struct job_key key;
	struct shared *object;
	size_t bytes;
	struct entry *chain; /* same bucket */
	struct entry *newer, *older;
};

struct lru {
	pthread_mutex_t lock;
	size_t bytes, max_bytes;
	_Atomic uint64_t removals;
	struct entry *newest, *oldest;
	struct entry *bucket[BUCKETS];
};

enum ofa_status lru_new(size_t max_bytes, struct lru **ret, struct ofa_error *err)
{
	struct lru *c = calloc(1, sizeof(*c));

	if (!c)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	c->max_bytes = max_bytes;
	*ret = c;
	return OFA_OK;
}

static struct entry **find(struct lru *c, const struct job_key *key)
{
	struct entry **at = &c->bucket[job_key_bucket(key, BUCKETS)];

	while (*at && !job_key_equal(&(*at)->key, key))
		at = &(*at)->chain;
	return at;
}

static void list_remove(struct lru *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void list_push(struct lru *c, struct entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

/* Unlinks the entry that *at points to; the caller frees it outside the lock. */
static struct entry *take_out(struct lru *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain;
	list_remove(c, e);
	c->bytes -= e->bytes;
	return e;
}

static void entry_free(struct entry *e)
{
	shared_unref(e->object);
	free(e);
}

void lru_free(struct lru *c)
{
	struct entry *e, *older;

	if (!c)
		return;
	for (e = c->newest; e; e = older) {
		older = e->older;
		entry_free(e);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct shared *lru_get(struct lru *c, const struct job_key *key)
{
	struct shared *object = NULL;
	struct entry *e;

	pthread_mutex_lock(&c->lock);
	e = *find(c, key);
	if (e) {
		list_remove(c, e);
		list_push(c, e);
		object = shared_ref(e->object);
	}
	pthread_mutex_unlock(&c->lock);
	return object;
}

void lru_put(struct lru *c, const struct job_key *key, struct shared *object, size_t bytes)
{
	struct entry *e, *gone = NULL, **at;

	bytes += ENTRY_OVERHEAD;
	if (bytes > c->max_bytes) {
		lru_remove(c, key);
		return;
	}
	e = malloc(sizeof(*e));
	if (!e) {
		lru_remove(c, key);
		return;
	}
	*e = (struct entry){.key = *key, .object = shared_ref(object), .bytes = bytes};

	pthread_mutex_lock(&c->lock);
	at = find(c, key);
	if (*at) {
		gone = take_out(c, at);
		gone->chain = NULL;
	}
	while (c->bytes + bytes > c->max_bytes) {
		struct entry *old = take_out(c, find(c, &c->oldest->key));

		old->chain = gone;
		gone = old;
	}
	at = &c->bucket[job_key_bucket(key, BUCKETS)];
	e->chain = *at;
	*at = e;
	list_push(c, e);
	c->bytes += bytes;
	pthread_mutex_unlock(&c->lock);

	while (gone) {
		struct entry *next = gone->chain;

		entry_free(gone);
		gone = next;
	}
}

void lru_remove(struct lru *c, const struct job_key *key)
{
	struct entry *gone = NULL, **at;

	pthread_mutex_lock(&c->lock);
	at = find(c, key);
	if (*at)
		gone = take_out(c, at);
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_add_explicit(&c->removals, 1, memory_order_release);
	if (gone)
		entry_free(gone);
}

void lru_remove_all(struct lru *c)
{
	struct entry *gone = NULL, *next;

	pthread_mutex_lock(&c->lock);
	while (c->oldest) {
		next = take_out(c, find(c, &c->oldest->key));
		next->chain = gone;
		gone = next;
	}
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_add_explicit(&c->removals, 1, memory_order_release);
	for (; gone; gone = next) {
		next = gone->chain;
		entry_free(gone);
	}
}

uint64_t lru_removals(struct lru *c)
{
	return atomic_load_explicit(&c->removals, memory_order_acquire);
}

size_t lru_bytes(struct lru *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->bytes;
	pthread_mutex_unlock(&c->lock);
	return n;
}

size_t lru_max_bytes(const struct lru *c)
{
	return c->max_bytes;
}
