#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "service/profiles.h"

/* Above what a profile of the largest accepted body can become in canonical form. */
#define CONTENT_MAX ((size_t)64 << 20)
#define REVISION_DIGITS_MAX 15

struct profiles {
	struct store *store;
	/* Held for moments, not while the database is asked: what a reader has fetched he keeps in the cache only if no
	 * profile was taken out of it since he began, so that old content cannot come over the new. */
	pthread_mutex_t lock;
	struct lru *cache;
};

/* ---- names ---- */

bool profile_name_ok(const char *name)
{
	static const char *const reserved[] = {"revisions", "calibration"};

	if (!ofa_profile_name_ok(name))
		return false;
	for (const char *part = strchr(name, '/'); part; part = strchr(part, '/')) {
		size_t n = strcspn(++part, "/");

		for (size_t i = 0; i < OFA_ARRAY_LEN(reserved); i++)
			if (strlen(reserved[i]) == n && memcmp(part, reserved[i], n) == 0)
				return false;
	}
	return true;
}

/* NAME or NAME@N; *ret_revision = 0 without N. */
static bool split_reference(const char *reference, char name[OFA_PROFILE_NAME_MAX], uint64_t *ret_revision)
{
	size_t n = strcspn(reference, "@");
	const char *digits = reference + n + 1;
	uint64_t revision = 0;

	if (n >= OFA_PROFILE_NAME_MAX)
		return false;
	memcpy(name, reference, n);
	name[n] = '\0';
	*ret_revision = 0;
	if (!ofa_profile_name_ok(name) || !reference[n])
		return ofa_profile_name_ok(name);
	if (*digits < '1' || *digits > '9' || strlen(digits) > REVISION_DIGITS_MAX)
		return false;
	for (; *digits >= '0' && *digits <= '9'; digits++)
		revision = revision * 10 + (uint64_t)(*digits - '0');
	*ret_revision = revision;
	return *digits == '\0';
}

bool profile_reference_ok(const char *reference)
{
	char name[OFA_PROFILE_NAME_MAX];
	uint64_t revision;

	return split_reference(reference, name, &revision);
}

/* ---- one profile ---- */

static void known_profile_destroy(struct shared *self)
{
	struct known_profile *p = (struct known_profile *)(void *)self;

	ofa_profile_release(&p->profile);
	free(p->content);
	free(p);
}

void known_profile_unref(struct known_profile *p)
{
	if (p)
		shared_unref(&p->shared);
}

bool known_profile_times(const struct known_profile *p, enum ofa_precision precision)
{
	return p && p->profile.has_table && p->profile.table.precision == precision;
}

static enum ofa_status set_content(struct known_profile *p, struct ofa_error *err)
{
	json_t *json = ofa_profile_format(&p->profile);

	p->content = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	json_decref(json);
	if (!p->content)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p->content_size = strlen(p->content);
	ofa_sha256(p->content, p->content_size, p->sha256);
	return OFA_OK;
}

enum ofa_status known_profile_new(json_t *json, const char *default_name, struct known_profile **ret,
				  struct ofa_error *err)
{
	struct known_profile *p;
	enum ofa_status st;

	if (json_is_object(json) && !json_object_get(json, "name") &&
	    json_object_set_new(json, "name", json_string(default_name)))
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	p = calloc(1, sizeof(*p));
	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	st = ofa_profile_parse(json, &p->profile, err);
	if (st != OFA_OK) {
		free(p);
		return st;
	}
	shared_init(&p->shared, known_profile_destroy);
	st = set_content(p, err);
	if (st != OFA_OK) {
		known_profile_unref(p);
		return st;
	}
	*ret = p;
	return OFA_OK;
}

/* ---- all of them ---- */

enum ofa_status profiles_new(struct store *store, size_t cache_bytes, struct profiles **ret, struct ofa_error *err)
{
	struct profiles *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->store = store;
	st = lru_new(cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		free(s);
		return st;
	}
	pthread_mutex_init(&s->lock, NULL);
	*ret = s;
	return OFA_OK;
}

struct lru *profiles_cache(struct profiles *s)
{
	return s->cache;
}

void profiles_free(struct profiles *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Whoever changes a profile takes it out of the cache. */
uint64_t profiles_generation(struct profiles *s)
{
	return lru_removals(s->cache);
}

static struct job_key key_of(const char *reference)
{
	struct job_key key;

	ofa_sha256(reference, strlen(reference), key.bytes);
	return key;
}

static void forget(struct profiles *s, const struct job_key *key)
{
	pthread_mutex_lock(&s->lock);
	lru_remove(s->cache, key);
	pthread_mutex_unlock(&s->lock);
}

void profiles_forget(struct profiles *s, const char *name)
{
	struct job_key key = key_of(name);

	forget(s, &key);
}

void profiles_forget_all(struct profiles *s)
{
	pthread_mutex_lock(&s->lock);
	lru_remove_all(s->cache);
	pthread_mutex_unlock(&s->lock);
}

/* A parsed table is about as large as its text again. */
static size_t weight(const struct known_profile *p)
{
	return sizeof(*p) + 3 * p->content_size;
}

static enum ofa_status fetch(struct profiles *s, const char *name, uint64_t revision, struct known_profile **ret,
			     struct ofa_error *err)
{
	const struct store_driver *driver = s->store->driver;
	struct known_profile *p;
	struct ofa_buf content;
	json_t *json = NULL;
	enum ofa_status st;

	ofa_buf_init(&content, CONTENT_MAX);
	st = revision ? driver->revision_get(s->store, name, revision, &content, err)
		      : driver->profile_get(s->store, name, &content, &revision, err);
	if (st == OFA_OK) {
		json = json_loadb((const char *)content.data, content.len, JSON_REJECT_DUPLICATES, NULL);
		st = json ? known_profile_new(json, name, &p, err)
			  : ofa_fail(err, OFA_ERR_FORMAT, NULL, "the stored profile \"%s\" is not JSON", name);
	}
	json_decref(json);
	ofa_buf_release(&content);
	if (st != OFA_OK)
		return st;
	p->revision = revision;
	*ret = p;
	return OFA_OK;
}

static void remember(struct profiles *s, const struct job_key *key, struct known_profile *p, uint64_t generation)
{
	pthread_mutex_lock(&s->lock);
	if (profiles_generation(s) == generation)
		lru_put(s->cache, key, &p->shared, weight(p));
	pthread_mutex_unlock(&s->lock);
}

struct known_profile *profiles_peek(struct profiles *s, const char *reference)
{
	struct job_key key = key_of(reference);

	return (struct known_profile *)(void *)lru_get(s->cache, &key);
}

enum ofa_status profiles_get(struct profiles *s, const char *reference, struct known_profile **ret,
			     struct ofa_error *err)
{
	struct job_key key = key_of(reference);
	struct known_profile *p = (struct known_profile *)(void *)lru_get(s->cache, &key);
	char name[OFA_PROFILE_NAME_MAX];
	uint64_t revision;
	enum ofa_status st = OFA_OK;

	if (!p && !split_reference(reference, name, &revision))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%.200s\"", reference);
	if (!p) {
		uint64_t generation = profiles_generation(s); /* before it is fetched */

		st = fetch(s, name, revision, &p, err);
		if (st == OFA_OK)
			remember(s, &key, p, generation);
	}
	if (st == OFA_OK)
		*ret = p;
	return st;
}

enum ofa_status profiles_put(struct profiles *s, struct known_profile *p, const char *author,
			     const struct store_gate *gate, enum store_written *ret,
			     struct store_profile_state *ret_state, struct ofa_error *err)
{
	const struct store_profile row = {
		.name = p->profile.name,
		.content = p->content,
		.content_size = p->content_size,
		.sha256 = p->sha256,
		.author = author,
	};
	struct job_key key = key_of(p->profile.name);
	enum ofa_status st;

	st = s->store->driver->profile_put(s->store, &row, gate, ret, ret_state, err);
	if (st != OFA_OK || *ret == STORE_CREATED || *ret == STORE_REPLACED)
		forget(s, &key);
	if (st == OFA_OK && *ret != STORE_REFUSED)
		p->revision = ret_state->revision;
	return st;
}

enum ofa_status profiles_delete(struct profiles *s, const char *name, const struct store_gate *gate,
				enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	struct job_key key = key_of(name);
	enum ofa_status st;

	st = s->store->driver->profile_delete(s->store, name, gate, ret, ret_state, err);
	if (st != OFA_OK || *ret != STORE_REFUSED)
		forget(s, &key);
	return st;
}

enum ofa_status profile_check_coverage(const struct ofa_profile *p, const struct networks *networks,
				       struct ofa_error *err)
{
	struct ofa_latency_model *model;
	struct ofa_error first = {0};

	if (!p->has_table)
		return OFA_OK;
	for (size_t i = 0; i < networks->n; i++) {
		const struct ofa_supernet *net = networks->list[i].net;
		struct ofa_error why = {0};

		if (ofa_latency_model_new(&net->space, &net->params, &p->table, &model, &why) == OFA_OK) {
			ofa_latency_model_free(model);
			return OFA_OK;
		}
		if (why.status != OFA_ERR_MISMATCH) {
			*err = why;
			return why.status;
		}
		ofa_error_prefix(&why, "network %s", net->name);
		if (i == 0)
			first = why;
	}
	*err = first;
	return first.status;
}
