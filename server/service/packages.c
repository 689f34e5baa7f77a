#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ofa_format.h"
#include "service/packages.h"

#define PATH_MAX_BYTES 4096

struct packages {
	struct lru *cache;
	pthread_mutex_t writing; /* two questions may have the same answer at the same time */
	char dir[PATH_MAX_BYTES - PACKAGE_ID_CHARS - 8];
};

static void package_destroy(struct shared *self)
{
	struct package *p = (struct package *)(void *)self;

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

/* What a crash left half written was never announced to anybody. */
static void remove_leftovers(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strstr(entry->d_name, ".tmp."))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

enum ofa_status packages_new(const char *dir, size_t cache_bytes, struct packages **ret, struct ofa_error *err)
{
	struct packages *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (snprintf(s->dir, sizeof(s->dir), "%s/packages", dir) >= (int)sizeof(s->dir))
		st = ofa_fail(err, OFA_ERR_INVALID, "--data", "the path of the data directory is too long");
	else if (mkdir(s->dir, 0777) && errno != EEXIST)
		st = ofa_fail(err, OFA_ERR_IO, "--data", "cannot make %.300s: %s", s->dir, strerror(errno));
	else
		st = lru_new(cache_bytes, &s->cache, err);
	if (st != OFA_OK) {
		free(s);
		return st;
	}
	remove_leftovers(s->dir);
	pthread_mutex_init(&s->writing, NULL);
	*ret = s;
	return OFA_OK;
}

struct lru *packages_cache(struct packages *s)
{
	return s->cache;
}

void packages_free(struct packages *s)
{
	if (!s)
		return;
	lru_free(s->cache);
	pthread_mutex_destroy(&s->writing);
	free(s);
}

static void path_of(const struct packages *s, const char *id, char path[PATH_MAX_BYTES])
{
	snprintf(path, PATH_MAX_BYTES, "%s/%s.ofa", s->dir, id);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for anything but 64 lower-case hex digits: no other text ever becomes part of a path. */
static bool parse_id(const char *id, struct job_key *ret)
{
	if (strlen(id) != PACKAGE_ID_CHARS)
		return false;
	for (int i = 0; i < OFA_SHA256_BYTES; i++) {
		int hi = hex_value(id[2 * i]), lo = hex_value(id[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret->bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static void set_digest(struct package *p, const uint8_t sha256[OFA_SHA256_BYTES])
{
	memcpy(p->sha256, sha256, sizeof(p->sha256));
	ofa_hex(p->sha256, OFA_SHA256_BYTES, p->id);
}

static void remember(struct packages *s, struct package *p)
{
	struct job_key key;

	memcpy(key.bytes, p->sha256, sizeof(key.bytes));
	lru_put(s->cache, &key, &p->shared, p->size);
}

/* Maps the file of p->id. */
static enum ofa_status map_file(struct packages *s, struct package *p, struct ofa_error *err)
{
	char path[PATH_MAX_BYTES];
	enum ofa_status st;

	path_of(s, p->id, path);
	st = ofa_map_open(path, &p->map, err);
	p->data = p->map.data;
	p->size = p->map.size;
	return st;
}

static struct package *package_new(void)
{
	struct package *p = calloc(1, sizeof(*p));

	if (p)
		shared_init(&p->shared, package_destroy);
	return p;
}

/* The stored package of an id that is well-formed; its bytes are checked against it. */
static enum ofa_status open_file(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	struct package *p = package_new();
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_error inner = {0};
	enum ofa_status st;

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	memcpy(p->id, id, sizeof(p->id));
	st = map_file(s, p, &inner);
	if (st == OFA_ERR_NOT_FOUND) {
		ofa_fail(err, st, NULL, "there is no subnet %s", id);
	} else if (st != OFA_OK) {
		ofa_fail(err, st, NULL, "%s", inner.message);
	} else {
		ofa_sha256(p->data, p->size, sha256);
		set_digest(p, sha256);
		if (strcmp(p->id, id) != 0)
			st = ofa_fail(err, OFA_ERR_FORMAT, NULL, "the stored package of subnet %s was altered", id);
	}
	if (st != OFA_OK) {
		package_unref(p);
		return st;
	}
	*ret = p;
	return OFA_OK;
}

/* Puts the bytes on disk and maps them there. */
static enum ofa_status write_file(struct packages *s, const uint8_t *data, size_t size, struct package *p,
				  struct ofa_error *err)
{
	char path[PATH_MAX_BYTES];
	enum ofa_status st;

	path_of(s, p->id, path);
	st = ofa_file_write_atomic(path, data, size, err);
	return st == OFA_OK ? map_file(s, p, err) : st;
}

enum ofa_status packages_add(struct packages *s, const uint8_t *data, size_t size,
			     const uint8_t sha256[OFA_SHA256_BYTES], struct package **ret, struct ofa_error *err)
{
	struct package *p = package_new(), *present = NULL;
	enum ofa_status st;

	if (!p)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	set_digest(p, sha256);
	pthread_mutex_lock(&s->writing);
	st = open_file(s, p->id, &present, NULL) == OFA_OK ? OFA_OK : write_file(s, data, size, p, err);
	pthread_mutex_unlock(&s->writing);
	if (present || st != OFA_OK)
		package_unref(p);
	if (st != OFA_OK)
		return st;
	*ret = present ? present : p;
	remember(s, *ret);
	return OFA_OK;
}

struct package *packages_peek(struct packages *s, const char *id)
{
	struct job_key key;

	return parse_id(id, &key) ? (struct package *)(void *)lru_get(s->cache, &key) : NULL;
}

enum ofa_status packages_get(struct packages *s, const char *id, struct package **ret, struct ofa_error *err)
{
	struct package *p = packages_peek(s, id);
	struct job_key key;
	enum ofa_status st = OFA_OK;

	if (!p && !parse_id(id, &key))
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "\"%.80s\" is not the id of a subnet: 64 hex digits are",
				id);
	if (!p) {
		st = open_file(s, id, &p, err);
		if (st == OFA_OK)
			remember(s, p);
	}
	if (st == OFA_OK)
		*ret = p;
	return st;
}
