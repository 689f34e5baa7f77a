#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "ofa_format.h"
#include "packages/spool.h"
#include "service/packages.h"

/* Of fetched packages that are in use at once, in memory or being sent: by how much of the memory for packages, and at
 * least.  Each is a file without a name in the data directory. */
#define FETCHED_FACTOR 8
#define FETCHED_BYTES_MIN ((size_t)1 << 30)

/* Lives as long as the last of them. */
struct fetched {
	struct shared shared;
	atomic_size_t bytes;
};

/* A package on its way here, on the stack of who fetches it. */
struct fetch {
	const char *id;
	struct fetch *next;
	unsigned waiting; /* who would have fetched it too; it stays until they are gone */
	bool over;
	enum ofa_status status;
	struct package *package; /* of OFA_OK */
	struct ofa_error error;  /* of anything else */
};

struct packages {
	struct lru *cache;
	struct package_store *store;
	struct package_uses uses;
	struct fetched *fetched;
	size_t fetched_max;
	pthread_mutex_t writing; /* two questions may have the same answer at the same time */
	pthread_mutex_t fetching;
	pthread_cond_t fetch_over;
	struct fetch *fetches; /* under way */
	unsigned n_fetches;
};

/* ---- packages ---- */

static void fetched_destroy(struct shared *self)
{
	free(self);
}

static void package_destroy(struct shared *self)
{
	struct package *p = (struct package *)(void *)self;

	if (p->fetched) {
		atomic_fetch_sub(&p->fetched->bytes, p->size);
		shared_unref(&p->fetched->shared);
	}
	ofa_map_close(&p->map);
	free(p);
}

void package_unref(struct package *p)
{
	if (p)
		shared_unref(&p->shared);
}

void package_format(const struct package *p, unsigned *ret_major, unsigned *ret_minor)
{
	*ret_major = p->data[OFA_FMT_HEADER_MAJOR] | (unsigned)p->data[OFA_FMT_HEADER_MAJOR + 1] << 8;
	*ret_minor = p->data[OFA_FMT_HEADER_MINOR] | (unsigned)p->data[OFA_FMT_HEADER_MINOR + 1] << 8;
}

/* Takes the map over. */
static enum ofa_status package_new(struct packages *s, struct ofa_map *map, const uint8_t sha256[OFA_SHA256_BYTES],
				   struct package **ret, struct ofa_error *err)
{
	struct package *p = calloc(1, sizeof(*p));

	if (!p) {
		ofa_map_close(map);
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	}
	shared_init(&p->shared, package_destroy);
	atomic_init(&p->noted, PACKAGE_USES_NEVER);
	p->map = *map;
	p->data = map->data;
	p->size = map->size;
	memcpy(p->sha256, sha256, sizeof(p->sha256));
	ofa_hex(p->sha256, OFA_SHA256_BYTES, p->id);
	if (s->store->remote) {
		atomic_fetch_add(&s->fetched->bytes, p->size);
		shared_ref(&s->fetched->shared);
		p->fetched = s->fetched;
	}
	*ret = p;
	return OFA_OK;
}

/* ---- all of them ---- */

enum ofa_status packages_new(const struct packages_options *opt, struct packages **ret, struct ofa_error *err)
{
	const struct package_store_options options = {.dir = opt->dir, .store = opt->store};
	struct packages *s = calloc(1, sizeof(*s));
	enum ofa_status st = OFA_OK;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	package_uses_init(&s->uses);
	pthread_mutex_init(&s->writing, NULL);
	pthread_mutex_init(&s->fetching, NULL);
	pthread_cond_init(&s->fetch_over, NULL);
	s->fetched = calloc(1, sizeof(*s->fetched));
	if (!s->fetched)
		st = ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	else
		shared_init(&s->fetched->shared, fetched_destroy);
	s->fetched_max = opt->cache_bytes > SIZE_MAX / FETCHED_FACTOR ? SIZE_MAX : opt->cache_bytes * FETCHED_FACTOR;
	if (s->fetched_max < FETCHED_BYTES_MIN)
		s->fetched_max = FETCHED_BYTES_MIN;
	if (st == OFA_OK)
		st = package_store_open(opt->url, &options, &s->store, err);
	if (st == OFA_OK)
		st = lru_new(opt->cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		packages_free(s);
		return st;
	}
	*ret = s;
	return OFA_OK;
}

void packages_free(struct packages *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	package_store_close(s->store);
	if (s->fetched)
		shared_unref(&s->fetched->shared);
	pthread_cond_destroy(&s->fetch_over);
	pthread_mutex_destroy(&s->fetching);
	pthread_mutex_destroy(&s->writing);
	package_uses_release(&s->uses);
	free(s);
}

struct lru *packages_cache(struct packages *s)
{
	return s->cache;
}

struct package_store *packages_store(struct packages *s)
{
	return s->store;
}

size_t packages_take_uses(struct packages *s, char (*ids)[PACKAGE_ID_CHARS + 1], size_t max)
{
	return package_uses_take(&s->uses, ids, max);
}

static int hex_value(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static bool parse_id(const char *id, struct job_key *ret)
{
	if (!package_id_valid(id))
		return false;
	for (int i = 0; i < OFA_SHA256_BYTES; i++)
		ret->bytes[i] = (uint8_t)(hex_value(id[2 * i]) << 4 | hex_value(id[2 * i + 1]));
	return true;
}

static struct package *recall(struct packages *s, const char *id)
{
	struct job_key key;

	return parse_id(id, &key) ? (struct package *)(void *)lru_get(s->cache, &key) : NULL;
}

static void remember(struct packages *s, struct package *p)
{
	struct job_key key;

	memcpy(key.bytes, p->sha256, sizeof(key.bytes));
	lru_put(s->cache, &key, &p->shared, p->size);
}

/* ---- reading ---- */

/* The stored package of an id that is well-formed; its bytes are checked against it. */
static enum ofa_status read_stored(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	struct package *p;
	struct ofa_map map;
	enum ofa_status st;

	if (s->store->remote && atomic_load(&s->fetched->bytes) > s->fetched_max)
		return ofa_fail(err, OFA_ERR_EXHAUSTED, NULL,
				"%zu bytes of fetched packages are in use already, and no more are fetched until some "
				"are sent",
				s->fetched_max);
	st = s->store->driver->get(s->store, id, &map, err);
	if (st != OFA_OK)
		return st;
	ofa_sha256(map.data, map.size, sha256);
	st = package_new(s, &map, sha256, &p, err);
	if (st == OFA_OK && strcmp(p->id, id) != 0) {
		package_unref(p);
		st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "the stored package of subnet %s was altered", id);
	}
	if (st == OFA_OK)
		*ret = p;
	return st;
}

static struct fetch **find_fetch(struct packages *s, const char *id)
{
	struct fetch **at = &s->fetches;

	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	return at;
}

/* Under the lock; what another thread fetches. */
static enum ofa_status await_fetch(struct packages *s, struct fetch *f, struct package **ret, struct ofa_error *err)
{
	enum ofa_status st;

	f->waiting++;
	while (!f->over)
		pthread_cond_wait(&s->fetch_over, &s->fetching);
	st = f->status;
	if (st == OFA_OK) {
		shared_ref(&f->package->shared);
		*ret = f->package;
	} else {
		ofa_fail(err, st, NULL, "%s", f->error.message);
	}
	if (--f->waiting == 0)
		pthread_cond_broadcast(&s->fetch_over);
	return st;
}

/* Under the lock, which is given up meanwhile. */
static enum ofa_status fetch(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	struct fetch f = {.id = id, .next = s->fetches};

	s->fetches = &f;
	while (s->n_fetches >= PACKAGES_FETCHES)
		pthread_cond_wait(&s->fetch_over, &s->fetching);
	s->n_fetches++;
	pthread_mutex_unlock(&s->fetching);
	f.status = read_stored(s, id, &f.package, &f.error);
	if (f.status == OFA_OK)
		remember(s, f.package); /* before it can be fetched again */
	pthread_mutex_lock(&s->fetching);
	s->n_fetches--;
	*find_fetch(s, id) = f.next;
	f.over = true;
	pthread_cond_broadcast(&s->fetch_over);
	while (f.waiting)
		pthread_cond_wait(&s->fetch_over, &s->fetching);
	if (f.status == OFA_OK)
		*ret = f.package;
	else
		ofa_fail(err, f.status, NULL, "%s", f.error.message);
	return f.status;
}

/* Once for all who want it. */
static enum ofa_status read_once(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	struct fetch *other;
	struct package *p;
	enum ofa_status st;

	pthread_mutex_lock(&s->fetching);
	other = *find_fetch(s, id);
	p = other ? NULL : recall(s, id); /* it may have come between our look into memory and now */
	if (p) {
		*ret = p;
		st = OFA_OK;
	} else {
		st = other ? await_fetch(s, other, ret, err) : fetch(s, id, ret, err);
	}
	pthread_mutex_unlock(&s->fetching);
	return st;
}

/* For who was asked for it. */
static struct package *noted(struct packages *s, struct package *p)
{
	if (p)
		package_uses_note(&s->uses, p->id, &p->noted);
	return p;
}

struct package *packages_peek(struct packages *s, const char *id)
{
	return noted(s, recall(s, id));
}

enum ofa_status packages_get(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	struct package *p = packages_peek(s, id);
	enum ofa_status st;

	if (p) {
		*ret = p;
		return OFA_OK;
	}
	if (!package_id_valid(id))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "\"%.80s\" is not the id of a subnet: 64 hex digits are",
				id);
	st = read_once(s, id, &p, err);
	if (st == OFA_OK)
		*ret = noted(s, p);
	return st;
}

/* ---- writing ---- */

/* The bytes as the store would give them back, without asking it for them where that takes time. */
static enum ofa_status map_stored(struct packages *s, const char *id, const uint8_t *data, size_t size,
				  struct ofa_map *ret, struct ofa_error *err)
{
	return s->store->remote ? spool_bytes(s->store->fetched_in, data, size, ret, err)
				: s->store->driver->get(s->store, id, ret, err);
}

/* One that is there already is believed no more than any other. */
static enum ofa_status put(struct packages *s, const char *id, const uint8_t *data, size_t size, struct package **ret,
			   struct ofa_error *err)
{
	struct ofa_error altered = {0};
	bool present;
	enum ofa_status st = s->store->driver->put(s->store, id, data, size, PACKAGE_PUT_NEW, &present, err);

	if (st != OFA_OK || !present)
		return st;
	st = read_stored(s, id, ret, &altered);
	if (st == OFA_ERR_FORMAT || st == OFA_ERR_NOT_FOUND || st == OFA_ERR_LIMIT)
		return s->store->driver->put(s->store, id, data, size, PACKAGE_PUT_REPLACE, &present, err);
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "%s", altered.message);
}

enum ofa_status packages_add(struct packages *s, const uint8_t *data, size_t size,
			     const uint8_t sha256[OFA_SHA256_BYTES], struct package **ret, struct ofa_error *err)
{
	char id[PACKAGE_ID_CHARS + 1];
	struct package *p = NULL;
	struct ofa_map map;
	enum ofa_status st;

	ofa_hex(sha256, OFA_SHA256_BYTES, id);
	if (size > PACKAGE_BYTES_MAX)
		return ofa_fail(err, OFA_ERR_LIMIT, NULL, "a package of %zu bytes is larger than any that is kept: %zu",
				size, PACKAGE_BYTES_MAX);
	if (!s->store->remote)
		pthread_mutex_lock(&s->writing);
	st = put(s, id, data, size, &p, err);
	if (st == OFA_OK && !p) {
		st = map_stored(s, id, data, size, &map, err);
		if (st == OFA_OK)
			st = package_new(s, &map, sha256, &p, err);
	}
	if (!s->store->remote)
		pthread_mutex_unlock(&s->writing);
	if (st != OFA_OK)
		return st;
	remember(s, p);
	*ret = p;
	return OFA_OK;
}
