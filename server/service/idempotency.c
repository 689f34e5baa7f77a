#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/idempotency.h"

#define BUCKETS 1024

struct entry {
	struct job_key key, fingerprint;
	struct entry *chain;          /* same bucket */
	struct entry *later, **link; /* in the list of those that are settled; link is NULL while under way */
	double settled_ms;
	uint8_t *result;
	size_t size;
};

struct idempotency {
	pthread_mutex_t lock;
	size_t bytes, max_bytes;
	double keep_ms;
	struct entry *settled, **last; /* in the order in which they were settled */
	struct entry *bucket[BUCKETS];
};

static size_t weight(size_t result)
{
	return sizeof(struct entry) + result + 64;
}

static struct entry **find(struct idempotency *s, const struct job_key *key)
{
	struct entry **at = &s->bucket[job_key_bucket(key, BUCKETS)];

	while (*at && !job_key_equal(&(*at)->key, key))
		at = &(*at)->chain;
	return at;
}

static void forget(struct idempotency *s, struct entry *e)
{
	*find(s, &e->key) = e->chain;
	if (e->link) {
		*e->link = e->later;
		if (e->later)
			e->later->link = e->link;
		else
			s->last = e->link;
	}
	s->bytes -= weight(e->size);
	free(e->result);
	free(e);
}

/* Forgets what is too old, and the oldest for as long as there is no room. */
static bool make_room(struct idempotency *s, size_t bytes)
{
	double oldest = clock_ms() - s->keep_ms;

	while (s->settled && (s->settled->settled_ms < oldest || s->bytes + bytes > s->max_bytes))
		forget(s, s->settled);
	return s->bytes + bytes <= s->max_bytes;
}

enum ofa_status idempotency_new(size_t max_bytes, double keep_ms, struct idempotency **ret, struct ofa_error *err)
{
	struct idempotency *s = calloc(1, sizeof(*s));

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	pthread_mutex_init(&s->lock, NULL);
	s->max_bytes = max_bytes;
	s->keep_ms = keep_ms;
	s->last = &s->settled;
	*ret = s;
	return OFA_OK;
}

void idempotency_free(struct idempotency *s)
{
	if (!s)
		return;
	for (int i = 0; i < BUCKETS; i++)
		while (s->bucket[i])
			forget(s, s->bucket[i]);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static enum idempotency_state begin_first(struct idempotency *s, const struct job_key *key,
					  const struct job_key *fingerprint)
{
	struct entry *e = make_room(s, weight(0)) ? calloc(1, sizeof(*e)) : NULL;
	struct entry **at = &s->bucket[job_key_bucket(key, BUCKETS)];

	if (!e)
		return IDEMPOTENCY_FULL;
	e->key = *key;
	e->fingerprint = *fingerprint;
	e->chain = *at;
	*at = e;
	s->bytes += weight(0);
	return IDEMPOTENCY_FIRST;
}

enum idempotency_state idempotency_begin(struct idempotency *s, const struct job_key *key,
					 const struct job_key *fingerprint, struct ofa_buf *result)
{
	enum idempotency_state state;
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	(void)make_room(s, 0);
	e = *find(s, key);
	if (!e)
		state = begin_first(s, key, fingerprint);
	else if (!job_key_equal(&e->fingerprint, fingerprint))
		state = IDEMPOTENCY_OTHER;
	else if (!e->link)
		state = IDEMPOTENCY_BUSY;
	else
		state = ofa_buf_append(result, e->result, e->size) == OFA_OK ? IDEMPOTENCY_DONE : IDEMPOTENCY_FULL;
	pthread_mutex_unlock(&s->lock);
	return state;
}

void idempotency_settle(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
{
	uint8_t *copy = size <= IDEMPOTENCY_RESULT_MAX ? malloc(size ? size : 1) : NULL;
	struct entry *e;

	if (copy)
		memcpy(copy, result, size);
	pthread_mutex_lock(&s->lock);
	e = *find(s, key);
	if (e && !e->link) {
		if (!copy || !make_room(s, size)) {
			forget(s, e);
		} else {
			e->result = copy;
			e->size = size;
			e->settled_ms = clock_ms();
			e->link = s->last;
			*s->last = e;
			s->last = &e->later;
			s->bytes += size;
			copy = NULL;
		}
	}
	pthread_mutex_unlock(&s->lock);
	free(copy);
}

void idempotency_drop(struct idempotency *s, const struct job_key *key)
{
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	e = *find(s, key);
	if (e)
		forget(s, e);
	pthread_mutex_unlock(&s->lock);
}
