#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "service/idempotency.h"
#include "service/suspects.h"

#define BUCKETS 1024
#define PRUNE_MS 60e3

struct entry {
	struct job_key key, fingerprint;
	struct entry *chain;          /* same bucket */
	struct entry *later, **link; /* in the list of those that are settled; link is NULL while under way */
	double settled_ms;
	uint8_t *result;
	size_t size;
};

struct idempotency {
	struct idempotency_options opt;
	const struct store_sharing *sharing; /* NULL: nothing is shared */
	struct suspects *suspects;           /* of replicas that share */
	pthread_mutex_t lock;                /* what follows */
	double prune_ms;                     /* when the shared ones are next */
	size_t bytes;
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
	double oldest = clock_ms() - s->opt.keep_ms;

	while (s->settled && (s->settled->settled_ms < oldest || s->bytes + bytes > s->opt.max_bytes))
		forget(s, s->settled);
	return s->bytes + bytes <= s->opt.max_bytes;
}

enum ofa_status idempotency_new(const struct idempotency_options *opt, struct idempotency **ret, struct ofa_error *err)
{
	struct idempotency *s = calloc(1, sizeof(*s));
	enum ofa_status st = OFA_OK;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->opt = *opt;
	s->sharing = opt->store ? store_sharing(opt->store) : NULL;
	if (s->sharing)
		st = suspects_new(opt->store, &s->suspects, err);
	if (st != OFA_OK) {
		free(s);
		return st;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->last = &s->settled;
	*ret = s;
	return OFA_OK;
}

bool idempotency_shared(const struct idempotency *s)
{
	return s->sharing != NULL;
}

void idempotency_free(struct idempotency *s)
{
	if (!s)
		return;
	for (int i = 0; i < BUCKETS; i++)
		while (s->bucket[i])
			forget(s, s->bucket[i]);
	suspects_free(s->suspects);
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

static enum idempotency_state begin_here(struct idempotency *s, const struct job_key *key,
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

static void settle_here(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
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

static void drop_here(struct idempotency *s, const struct job_key *key)
{
	struct entry *e;

	pthread_mutex_lock(&s->lock);
	e = *find(s, key);
	if (e)
		forget(s, e);
	pthread_mutex_unlock(&s->lock);
}

/* ---- in a store that replicas share ---- */

static void prune_now_and_then(struct idempotency *s)
{
	double now = clock_ms();
	bool turn;

	pthread_mutex_lock(&s->lock);
	turn = now >= s->prune_ms;
	if (turn)
		s->prune_ms = now + PRUNE_MS;
	pthread_mutex_unlock(&s->lock);
	if (turn)
		(void)!s->sharing->key_prune(s->opt.store, IDEMPOTENCY_KEYS_MAX, NULL);
}

/* One that is under way according to the store, and not here: whose is it? */
static enum ofa_status take_over(struct idempotency *s, const struct job_key *key, const char *owner, bool *ret_taken,
				 struct ofa_error *err)
{
	bool gone = false;
	enum ofa_status st = *owner ? suspects_gone(s->suspects, owner, &gone, err) : OFA_OK;

	*ret_taken = false;
	if (st != OFA_OK || !gone)
		return st;
	return s->sharing->key_take(s->opt.store, key->bytes, owner, s->opt.pending_ms * 1e-3, ret_taken, err);
}

static enum idempotency_state begin_there(struct idempotency *s, const struct job_key *key,
					  const struct job_key *fingerprint, struct ofa_buf *result,
					  struct ofa_error *err)
{
	static const enum idempotency_state states[] = {
		[STORE_KEY_FIRST] = IDEMPOTENCY_FIRST,
		[STORE_KEY_BUSY] = IDEMPOTENCY_BUSY,
		[STORE_KEY_OTHER] = IDEMPOTENCY_OTHER,
		[STORE_KEY_DONE] = IDEMPOTENCY_DONE,
	};
	char owner[STORE_REPLICA_CHARS + 1];
	enum store_key found = STORE_KEY_BUSY;
	bool taken = false;
	enum ofa_status st = s->sharing->key_begin(s->opt.store, key->bytes, fingerprint->bytes,
						   s->opt.pending_ms * 1e-3, &found, result, owner, err);

	if (st == OFA_OK && found == STORE_KEY_BUSY)
		st = take_over(s, key, owner, &taken, err);
	if (st != OFA_OK)
		return IDEMPOTENCY_ERROR;
	return taken ? IDEMPOTENCY_FIRST : states[found];
}

/* What is under way here has an entry in memory, and nothing else has. */
static enum idempotency_state begin_shared(struct idempotency *s, const struct job_key *key,
					   const struct job_key *fingerprint, struct ofa_buf *result,
					   struct ofa_error *err)
{
	enum idempotency_state state = begin_here(s, key, fingerprint, result);

	if (state != IDEMPOTENCY_FIRST)
		return state;
	prune_now_and_then(s);
	state = begin_there(s, key, fingerprint, result, err);
	if (state != IDEMPOTENCY_FIRST)
		drop_here(s, key);
	return state;
}

/* What cannot be written is as if it had not been done: who repeats the request has the same answer. */
static void end_shared(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
{
	if (result && size <= IDEMPOTENCY_RESULT_MAX)
		(void)!s->sharing->key_settle(s->opt.store, key->bytes, result, size, s->opt.keep_ms * 1e-3, NULL);
	else
		(void)!s->sharing->key_drop(s->opt.store, key->bytes, false, NULL);
	drop_here(s, key);
}

struct ending {
	struct task task;
	struct idempotency *s;
	struct job_key key;
	bool settled;
	size_t size;
	uint8_t result[];
};

static void run_ending(struct task *task)
{
	struct ending *e = (struct ending *)(void *)task;

	end_shared(e->s, &e->key, e->settled ? e->result : NULL, e->size);
	free(e);
}

/* Without a worker the row stays until it is too old, or this replica gone. */
static void end_later(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
{
	struct ending *e = size <= IDEMPOTENCY_RESULT_MAX ? malloc(sizeof(*e) + size) : NULL;

	if (e) {
		*e = (struct ending){.task.run = run_ending, .s = s, .key = *key, .settled = result, .size = size};
		if (result)
			memcpy(e->result, result, size);
		if (workers_submit(s->opt.workers, TASK_CALL, &e->task))
			return;
	}
	free(e);
	drop_here(s, key);
}

/* ---- wherever they are ---- */

enum idempotency_state idempotency_begin(struct idempotency *s, const struct job_key *key,
					 const struct job_key *fingerprint, struct ofa_buf *result,
					 struct ofa_error *err)
{
	return s->sharing ? begin_shared(s, key, fingerprint, result, err) : begin_here(s, key, fingerprint, result);
}

void idempotency_settle(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
{
	if (s->sharing)
		end_shared(s, key, result, size);
	else
		settle_here(s, key, result, size);
}

void idempotency_drop(struct idempotency *s, const struct job_key *key)
{
	if (s->sharing)
		end_shared(s, key, NULL, 0);
	else
		drop_here(s, key);
}

void idempotency_forget(struct idempotency *s, const struct job_key *key)
{
	if (s->sharing)
		(void)!s->sharing->key_drop(s->opt.store, key->bytes, true, NULL);
	else
		drop_here(s, key);
}

void idempotency_settle_later(struct idempotency *s, const struct job_key *key, const void *result, size_t size)
{
	if (s->sharing)
		end_later(s, key, result, size);
	else if (result)
		settle_here(s, key, result, size);
	else
		drop_here(s, key);
}
