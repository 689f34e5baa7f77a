#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "jobs/lru.h"
#include "sign/envelope.h"
#include "sign/signer.h"

#define SEQUENCE "signatures" /* name of the counter */
#define DAY 86400u

struct signer {
	struct signer_options opt;
	char dir[SIGNER_DIR_MAX]; /* of opt */
	pthread_mutex_t lock;    /* of ring and generation */
	struct key_ring *ring;   /* a reference */
	unsigned generation;     /* counts changes of the ring */
	atomic_bool active;
	pthread_mutex_t signing; /* one at a time: what comes into the cache later has the higher sequence */
	uint64_t last;           /* sequence that is known to be given out, here or elsewhere; under `signing` */
	struct lru *cache;
};

/* ---- keys ---- */

enum ofa_status signer_dir(const char *dir, const char *data, char ret[SIGNER_DIR_MAX], struct ofa_error *err)
{
	int n = dir ? snprintf(ret, SIGNER_DIR_MAX, "%s", dir) : snprintf(ret, SIGNER_DIR_MAX, "%s/keys", data);

	if (n < 0 || n >= SIGNER_DIR_MAX)
		return ofa_fail(err, OFA_ERR_INVALID, dir ? "--keys" : "--data", "the path is too long");
	return OFA_OK;
}

enum ofa_status signer_no_key(const char *dir, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_NOT_FOUND, "--keys",
			"there is no secret key in %.200s; `ofad keygen --keys %.200s` makes one", dir, dir);
}

struct key_ring *signer_keys(struct signer *s)
{
	struct key_ring *ring;

	pthread_mutex_lock(&s->lock);
	ring = s->ring;
	shared_ref(&ring->shared);
	pthread_mutex_unlock(&s->lock);
	return ring;
}

bool signer_active(const struct signer *s)
{
	return atomic_load_explicit(&s->active, memory_order_relaxed);
}

static void log_keys(const struct signer *s, const struct key_ring *ring)
{
	if (ring->n_signing == 0)
		log_message(s->opt.log, LOG_LEVEL_WARN,
			    "deliveries are not signed: there is no key in %s; `ofad keygen --keys %s` makes one",
			    s->opt.dir, s->opt.dir);
	else
		log_message(s->opt.log, LOG_LEVEL_INFO,
			    "deliveries are signed by key %s; keys that sign: %u, published: %u",
			    ring->keys[0].name, ring->n_signing, ring->n);
}

static bool same_keys(const struct key_ring *a, const struct key_ring *b)
{
	if (!a || a->n != b->n || a->n_signing != b->n_signing)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (memcmp(a->keys[i].public_half, b->keys[i].public_half, SIGN_PUBLIC_BYTES) != 0)
			return false;
	return true;
}

enum ofa_status signer_reload(struct signer *s, struct ofa_error *err)
{
	struct key_ring *ring, *old;
	enum ofa_status st = key_ring_load(s->opt.dir, &ring, err);

	if (st == OFA_OK && ring->n_signing == 0 && s->opt.required) {
		key_ring_unref(ring);
		return signer_no_key(s->opt.dir, err);
	}
	if (st != OFA_OK)
		return st;
	log_keys(s, ring);
	pthread_mutex_lock(&s->lock);
	old = s->ring;
	s->ring = ring;
	if (!same_keys(old, ring))
		s->generation++;
	atomic_store(&s->active, ring->n_signing > 0);
	pthread_mutex_unlock(&s->lock);
	key_ring_unref(old);
	return OFA_OK;
}

/* ---- life ---- */

enum ofa_status signer_new(const struct signer_options *opt, struct signer **ret, struct ofa_error *err)
{
	struct signer *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->opt = *opt;
	snprintf(s->dir, sizeof(s->dir), "%s", opt->dir);
	s->opt.dir = s->dir;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->signing, NULL);
	st = lru_new(opt->cache_bytes, &s->cache, err);
	if (st == OFA_OK)
		st = opt->store->driver->counter_get(opt->store, SEQUENCE, &s->last, err);
	if (st == OFA_OK)
		st = signer_reload(s, err);
	if (st != OFA_OK) {
		signer_free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void signer_free(struct signer *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	key_ring_unref(s->ring);
	pthread_mutex_destroy(&s->signing);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- what was signed ---- */

static void text_destroy(struct shared *self)
{
	struct signed_text *t = (struct signed_text *)(void *)self;

	free(t->text);
	free(t);
}

void signed_text_unref(struct signed_text *t)
{
	if (t)
		shared_unref(&t->shared);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec > 0 ? (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 : 0;
}

static uint64_t now(void)
{
	return now_ms() / 1000;
}

/* Takes the malloc'ed text, on failure too. */
static struct signed_text *text_new(char *text)
{
	struct signed_text *t = text ? calloc(1, sizeof(*t)) : NULL;

	if (!t) {
		free(text);
		return NULL;
	}
	shared_init(&t->shared, text_destroy);
	t->text = text;
	t->size = strlen(text);
	return t;
}

/* More left than a lifetime: the clock was wrong when it was signed, or is now. */
static bool is_fresh(const struct signer *s, const struct signed_text *t)
{
	uint64_t lifetime = (uint64_t)s->opt.days * DAY, at = now();

	return t->expires > at + lifetime / 2 && t->expires <= at + lifetime;
}

struct signed_text *signer_recall(struct signer *s, const struct job_key *key, const char *id, uint64_t min_sequence)
{
	struct signed_text *t = (struct signed_text *)(void *)lru_get(s->cache, key);
	unsigned generation;

	if (!t)
		return NULL;
	pthread_mutex_lock(&s->lock);
	generation = s->generation;
	pthread_mutex_unlock(&s->lock);
	if (strcmp(t->id, id) == 0 && t->generation == generation && t->sequence >= min_sequence && is_fresh(s, t))
		return t;
	signed_text_unref(t);
	return NULL;
}

/* ---- signing ---- */

/* One signature to be made. */
struct signing {
	const struct manifest_claims *claims; /* or NULL: a .minisig */
	const char *id;
	const uint8_t *data;
	size_t size;
};

static bool lies_ahead(const struct signer *s, uint64_t sequence, uint64_t floor)
{
	return sequence > s->last + 1 && sequence > floor;
}

/* At least the time, which goes on where a database that was lost or restored has forgotten the count; in
 * milliseconds, so that the count does not run ahead of it when much is signed at once. */
static enum ofa_status next_sequence(struct signer *s, uint64_t min_sequence, struct ofa_error *err)
{
	uint64_t floor = now_ms(), sequence;
	enum ofa_status st = OFA_OK;

	/* another replica, whose clock is ahead of ours, may have given it out */
	if (lies_ahead(s, min_sequence, floor))
		st = s->opt.store->driver->counter_get(s->opt.store, SEQUENCE, &s->last, err);
	if (st != OFA_OK)
		return st;
	if (lies_ahead(s, min_sequence, floor))
		return ofa_fail(err, OFA_ERR_INVALID, "min_sequence",
				"min_sequence is %llu, but the newest signature here has %llu: is this server's "
				"database an old copy?",
				(unsigned long long)min_sequence, (unsigned long long)s->last);
	st = s->opt.store->driver->counter_next(s->opt.store, SEQUENCE, floor, &sequence, err);
	if (st == OFA_OK)
		s->last = sequence;
	return st;
}

static enum ofa_status sign_text(const struct key_ring *ring, const struct signing *what, uint64_t sequence,
				 uint64_t expires, struct signed_text **ret, struct ofa_error *err)
{
	struct manifest_claims claims;
	char line[MANIFEST_LINE_MAX];
	struct signed_text *t;
	enum ofa_status st;

	if (what->claims) {
		claims = *what->claims;
		claims.sequence = sequence;
		claims.expires = expires;
		st = manifest_line_format(&claims, line, err);
		if (st != OFA_OK)
			return st;
		t = text_new(envelope_format(ring, line));
	} else {
		t = text_new(minisig_format(&ring->keys[0], what->id, what->data, what->size, sequence, expires));
	}
	if (!t)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	t->sequence = sequence;
	t->expires = expires;
	*ret = t;
	return OFA_OK;
}

static enum ofa_status sign_anew(struct signer *s, const struct job_key *key, const struct signing *what,
				 uint64_t min_sequence, struct signed_text **ret, struct ofa_error *err)
{
	uint64_t expires = now() + (uint64_t)s->opt.days * DAY;
	struct signed_text *t;
	struct key_ring *ring;
	unsigned generation;
	enum ofa_status st;

	pthread_mutex_lock(&s->lock);
	ring = s->ring;
	shared_ref(&ring->shared);
	generation = s->generation;
	pthread_mutex_unlock(&s->lock);
	if (ring->n_signing == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "this server has no key and signs nothing");
	else
		st = next_sequence(s, min_sequence, err);
	if (st == OFA_OK)
		st = sign_text(ring, what, s->last, expires, &t, err);
	key_ring_unref(ring);
	if (st != OFA_OK)
		return st;
	t->generation = generation;
	snprintf(t->id, sizeof(t->id), "%s", what->id);
	lru_put(s->cache, key, &t->shared, sizeof(*t) + t->size);
	*ret = t;
	return OFA_OK;
}

static enum ofa_status sign_or_recall(struct signer *s, const struct job_key *key, const struct signing *what,
				      uint64_t min_sequence, struct signed_text **ret, struct ofa_error *err)
{
	struct signed_text *t;
	enum ofa_status st = OFA_OK;

	pthread_mutex_lock(&s->signing);
	t = signer_recall(s, key, what->id, min_sequence);
	if (t)
		*ret = t;
	else
		st = sign_anew(s, key, what, min_sequence, ret, err);
	pthread_mutex_unlock(&s->signing);
	return st;
}

enum ofa_status signer_manifest(struct signer *s, const struct job_key *key, const struct manifest_claims *claims,
				uint64_t min_sequence, struct signed_text **ret, struct ofa_error *err)
{
	return sign_or_recall(s, key, &(struct signing){.id = claims->id, .claims = claims}, min_sequence, ret, err);
}

enum ofa_status signer_minisig(struct signer *s, const struct job_key *key, const char *id, const uint8_t *data,
			       size_t size, struct signed_text **ret, struct ofa_error *err)
{
	return sign_or_recall(s, key, &(struct signing){.id = id, .data = data, .size = size}, 0, ret, err);
}
