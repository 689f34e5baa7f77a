#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "clock.h"
#include "embedded.h"
#include "store/store.h"

#define BUSY_MS 5000

enum statement {
	PROFILE_EXISTS,
	PROFILE_PUT,
	PROFILE_GET,
	PROFILE_DELETE,
	PROFILE_LIST,
	DELIVERY_PUT,
	DELIVERY_BY_QUESTION,
	DELIVERY_BY_SUBNET,
	STATEMENT_COUNT
};

/* clang-format off */
static const char *const statement_sql[STATEMENT_COUNT] = {
	[PROFILE_EXISTS] =
		"SELECT 1 FROM profiles WHERE name = ?1",
	[PROFILE_PUT] =
		"INSERT INTO profiles (name, content, sha256, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4) "
		"ON CONFLICT (name) DO UPDATE SET content = ?2, sha256 = ?3, updated_at = ?4",
	[PROFILE_GET] =
		"SELECT content FROM profiles WHERE name = ?1",
	[PROFILE_DELETE] =
		"DELETE FROM profiles WHERE name = ?1",
	[PROFILE_LIST] =
		"SELECT name, sha256, created_at, updated_at FROM profiles WHERE name > ?1 ORDER BY name LIMIT ?2",
	[DELIVERY_PUT] =
		"INSERT INTO deliveries (question, subnet, size_bytes, network, arch, profile, limits, seed, "
		"evaluations, manifest, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
		"ON CONFLICT (question) DO NOTHING",
	[DELIVERY_BY_QUESTION] =
		"SELECT manifest FROM deliveries WHERE question = ?1",
	[DELIVERY_BY_SUBNET] =
		"SELECT manifest FROM deliveries WHERE subnet = ?1 ORDER BY number LIMIT 1",
};
/* clang-format on */

/* In order; user_version of the database counts those that were applied. */
static const char *const schema[] = {
	embedded_schema_0001,
};

/* A connection with its prepared statements, used by one thread at a time. */
struct conn {
	pthread_mutex_t lock;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* Readers have a connection of their own: with a write-ahead log they need not wait for the disk that a
 * writer is waiting for. */
struct store_sqlite {
	struct store base;
	struct conn writer, reader;
};

static struct store_sqlite *of(struct store *s)
{
	return (struct store_sqlite *)(void *)s;
}

static enum ofa_status fail(struct conn *c, struct ofa_error *err)
{
	return ofa_fail(err, OFA_ERR_IO, NULL, "database: %s", sqlite3_errmsg(c->db));
}

static enum ofa_status exec(struct conn *c, const char *sql, struct ofa_error *err)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OFA_OK : fail(c, err);
}

/* ---- opening ---- */

static enum ofa_status conn_open(struct conn *c, const char *path, struct ofa_error *err)
{
	enum ofa_status st;

	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot open %s: %s", path,
				c->db ? sqlite3_errmsg(c->db) : "out of memory");
	sqlite3_busy_timeout(c->db, BUSY_MS);
	st = exec(c, "PRAGMA journal_mode = WAL", err);
	if (st == OFA_OK)
		st = exec(c, "PRAGMA synchronous = FULL", err);
	if (st == OFA_OK)
		st = exec(c, "PRAGMA trusted_schema = OFF", err);
	return st;
}

static enum ofa_status conn_prepare(struct conn *c, struct ofa_error *err)
{
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(c->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i],
				       NULL) != SQLITE_OK)
			return fail(c, err);
	return OFA_OK;
}

static void conn_close(struct conn *c)
{
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	pthread_mutex_destroy(&c->lock);
}

static enum ofa_status schema_version(struct conn *c, int *ret, struct ofa_error *err)
{
	sqlite3_stmt *stmt;
	enum ofa_status st = OFA_OK;

	if (sqlite3_prepare_v2(c->db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK)
		return fail(c, err);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*ret = sqlite3_column_int(stmt, 0);
	else
		st = fail(c, err);
	sqlite3_finalize(stmt);
	return st;
}

static enum ofa_status apply(struct conn *c, int number, struct ofa_error *err)
{
	char stamp[64];
	enum ofa_status st = exec(c, schema[number], err);

	snprintf(stamp, sizeof(stamp), "PRAGMA user_version = %d", number + 1);
	return st == OFA_OK ? exec(c, stamp, err) : st;
}

/* All in one transaction that takes the write lock first: two programs that start at once do not both
 * migrate. */
static enum ofa_status migrate(struct conn *c, struct ofa_error *err)
{
	const int known = (int)OFA_ARRAY_LEN(schema);
	enum ofa_status st = exec(c, "BEGIN IMMEDIATE", err);
	int version = 0;

	if (st == OFA_OK)
		st = schema_version(c, &version, err);
	if (st == OFA_OK && version > known)
		st = ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL, "the database has schema %d; this program knows up to %d",
			      version, known);
	for (int i = version; st == OFA_OK && i < known; i++)
		st = apply(c, i, err);
	if (st == OFA_OK)
		return exec(c, "COMMIT", err);
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

static void store_close(struct store *base)
{
	struct store_sqlite *s = of(base);

	conn_close(&s->reader);
	conn_close(&s->writer);
	free(s);
}

static enum ofa_status store_open(const char *dir, struct store **ret, struct ofa_error *err)
{
	struct store_sqlite *s = calloc(1, sizeof(*s));
	char path[4096];
	enum ofa_status st;

	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	if (snprintf(path, sizeof(path), "%s/ofad.db", dir) >= (int)sizeof(path)) {
		free(s);
		return ofa_fail(err, OFA_ERR_INVALID, NULL, "the path of the data directory is too long");
	}
	s->base.driver = &store_sqlite;
	pthread_mutex_init(&s->writer.lock, NULL);
	pthread_mutex_init(&s->reader.lock, NULL);
	st = conn_open(&s->writer, path, err);
	if (st == OFA_OK)
		st = migrate(&s->writer, err);
	if (st == OFA_OK)
		st = conn_prepare(&s->writer, err);
	if (st == OFA_OK)
		st = conn_open(&s->reader, path, err);
	if (st == OFA_OK)
		st = conn_prepare(&s->reader, err);
	if (st != OFA_OK) {
		store_close(&s->base);
		return st;
	}
	*ret = &s->base;
	return OFA_OK;
}

/* ---- running one statement ---- */

static sqlite3_stmt *begin(struct conn *c, enum statement which)
{
	pthread_mutex_lock(&c->lock);
	return c->statements[which];
}

static void end(struct conn *c, sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	pthread_mutex_unlock(&c->lock);
}

/* The values bound outlive the statement's run, so none is copied. */
static void bind_text(sqlite3_stmt *stmt, int at, const char *s)
{
	sqlite3_bind_text(stmt, at, s, -1, SQLITE_STATIC);
}

/* Appends the first column of the only row to buf. */
static enum ofa_status fetch_text(struct conn *c, sqlite3_stmt *stmt, struct ofa_buf *buf, struct ofa_error *err)
{
	const void *text;
	enum ofa_status st;

	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		break;
	case SQLITE_DONE:
		return OFA_ERR_NOT_FOUND;
	default:
		return fail(c, err);
	}
	/* the text first: asking for it may convert, and with it the number of bytes */
	text = sqlite3_column_text(stmt, 0);
	st = ofa_buf_append(buf, text, (size_t)sqlite3_column_bytes(stmt, 0));
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "the database row is larger than expected");
}

/* ---- profiles ---- */

static enum ofa_status profile_exists(struct conn *c, const char *name, bool *ret, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[PROFILE_EXISTS];
	int rc;

	bind_text(stmt, 1, name);
	rc = sqlite3_step(stmt);
	*ret = rc == SQLITE_ROW;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? OFA_OK : fail(c, err);
}

static enum ofa_status profile_put(struct store *s, const struct store_profile *p, bool *ret_created,
				   struct ofa_error *err)
{
	struct conn *c = &of(s)->writer;
	sqlite3_stmt *stmt = begin(c, PROFILE_PUT);
	char now[CLOCK_RFC3339_MAX];
	bool existed;
	enum ofa_status st = profile_exists(c, p->name, &existed, err);

	if (st == OFA_OK) {
		clock_rfc3339(now);
		bind_text(stmt, 1, p->name);
		sqlite3_bind_text64(stmt, 2, p->content, p->content_size, SQLITE_STATIC, SQLITE_UTF8);
		sqlite3_bind_blob(stmt, 3, p->sha256, OFA_SHA256_BYTES, SQLITE_STATIC);
		bind_text(stmt, 4, now);
		st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : fail(c, err);
	}
	end(c, stmt);
	if (st == OFA_OK)
		*ret_created = !existed;
	return st;
}

static enum ofa_status profile_get(struct store *s, const char *name, struct ofa_buf *content, struct ofa_error *err)
{
	struct conn *c = &of(s)->reader;
	sqlite3_stmt *stmt = begin(c, PROFILE_GET);
	enum ofa_status st;

	bind_text(stmt, 1, name);
	st = fetch_text(c, stmt, content, err);
	end(c, stmt);
	if (st == OFA_ERR_NOT_FOUND)
		return ofa_fail(err, st, NULL, "there is no profile \"%s\"", name);
	return st;
}

static enum ofa_status profile_delete(struct store *s, const char *name, struct ofa_error *err)
{
	struct conn *c = &of(s)->writer;
	sqlite3_stmt *stmt = begin(c, PROFILE_DELETE);
	enum ofa_status st;

	bind_text(stmt, 1, name);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : fail(c, err);
	if (st == OFA_OK && sqlite3_changes(c->db) == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	end(c, stmt);
	return st;
}

static enum ofa_status profile_list(struct store *s, const char *after, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry),
				    void *ctx, struct ofa_error *err)
{
	struct conn *c = &of(s)->reader;
	sqlite3_stmt *stmt = begin(c, PROFILE_LIST);
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	bind_text(stmt, 1, after);
	sqlite3_bind_int64(stmt, 2, limit);
	while (st == OFA_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_profile_entry entry = {
			.name = (const char *)sqlite3_column_text(stmt, 0),
			.sha256 = sqlite3_column_blob(stmt, 1),
			.created_at = (const char *)sqlite3_column_text(stmt, 2),
			.updated_at = (const char *)sqlite3_column_text(stmt, 3),
		};

		st = each(ctx, &entry);
	}
	if (st == OFA_OK && rc != SQLITE_DONE)
		st = fail(c, err);
	end(c, stmt);
	return st;
}

/* ---- deliveries ---- */

static enum ofa_status delivery_put(struct store *s, const struct store_delivery *d, struct ofa_error *err)
{
	struct conn *c = &of(s)->writer;
	sqlite3_stmt *stmt = begin(c, DELIVERY_PUT);
	char now[CLOCK_RFC3339_MAX];
	enum ofa_status st;

	clock_rfc3339(now);
	sqlite3_bind_blob(stmt, 1, d->question, OFA_SHA256_BYTES, SQLITE_STATIC);
	bind_text(stmt, 2, d->subnet);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)d->size_bytes);
	bind_text(stmt, 4, d->network);
	bind_text(stmt, 5, d->arch);
	bind_text(stmt, 6, d->profile);
	bind_text(stmt, 7, d->limits);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)d->seed);
	sqlite3_bind_int(stmt, 9, d->evaluations);
	bind_text(stmt, 10, d->manifest);
	bind_text(stmt, 11, now);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : fail(c, err);
	end(c, stmt);
	return st;
}

static enum ofa_status delivery_by_question(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
					    struct ofa_buf *manifest, struct ofa_error *err)
{
	struct conn *c = &of(s)->reader;
	sqlite3_stmt *stmt = begin(c, DELIVERY_BY_QUESTION);
	enum ofa_status st;

	sqlite3_bind_blob(stmt, 1, question, OFA_SHA256_BYTES, SQLITE_STATIC);
	st = fetch_text(c, stmt, manifest, err);
	end(c, stmt);
	return st;
}

static enum ofa_status delivery_by_subnet(struct store *s, const char *subnet, struct ofa_buf *manifest,
					  struct ofa_error *err)
{
	struct conn *c = &of(s)->reader;
	sqlite3_stmt *stmt = begin(c, DELIVERY_BY_SUBNET);
	enum ofa_status st;

	bind_text(stmt, 1, subnet);
	st = fetch_text(c, stmt, manifest, err);
	end(c, stmt);
	return st;
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.open = store_open,
	.close = store_close,
	.profile_put = profile_put,
	.profile_get = profile_get,
	.profile_delete = profile_delete,
	.profile_list = profile_list,
	.delivery_put = delivery_put,
	.delivery_by_question = delivery_by_question,
	.delivery_by_subnet = delivery_by_subnet,
};
