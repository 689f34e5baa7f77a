#include <stdlib.h>
#include "store/sqlite_conn.h"

#define BUSY_MS 5000

struct store_sqlite *db_of(struct store *s)
{
	return (struct store_sqlite *)(void *)s;
}

enum ofa_status db_fail(struct db_conn *c, struct ofa_error *err)
{
	enum ofa_status st = OFA_ERR_IO;

	switch (sqlite3_errcode(c->db)) {
	case SQLITE_BUSY: /* another program has had it locked for BUSY_MS */
	case SQLITE_LOCKED:
	case SQLITE_FULL:
		st = OFA_ERR_EXHAUSTED;
		break;
	}
	return ofa_fail(err, st, NULL, "database: %s", sqlite3_errmsg(c->db));
}

enum ofa_status db_exec(struct db_conn *c, const char *sql, struct ofa_error *err)
{
	return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OFA_OK : db_fail(c, err);
}

/* ---- opening ---- */

static enum ofa_status conn_open(struct db_conn *c, const char *path, struct ofa_error *err)
{
	enum ofa_status st;

	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot open %s: %s", path,
				c->db ? sqlite3_errmsg(c->db) : "out of memory");
	sqlite3_busy_timeout(c->db, BUSY_MS);
	st = db_exec(c, "PRAGMA journal_mode = WAL", err);
	if (st == OFA_OK)
		st = db_exec(c, "PRAGMA synchronous = FULL", err);
	if (st == OFA_OK)
		st = db_exec(c, "PRAGMA trusted_schema = OFF", err);
	/* no file outside the data directory: a sandbox would not let it be made */
	if (st == OFA_OK)
		st = db_exec(c, "PRAGMA temp_store = MEMORY", err);
	return st;
}

static enum ofa_status conn_prepare(struct db_conn *c, struct ofa_error *err)
{
	for (int i = 0; i < DB_STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(c->db, db_statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i],
				       NULL) != SQLITE_OK)
			return db_fail(c, err);
	return OFA_OK;
}

static void conn_close(struct db_conn *c)
{
	for (int i = 0; i < DB_STATEMENT_COUNT; i++)
		sqlite3_finalize(c->statements[i]);
	sqlite3_close(c->db);
	pthread_mutex_destroy(&c->lock);
}

static void sqlite_close(struct store *base)
{
	struct store_sqlite *s = db_of(base);

	conn_close(&s->reader);
	conn_close(&s->writer);
	free(s);
}

static enum ofa_status sqlite_open(const char *path, const struct store_options *opt, struct store **ret,
				   struct ofa_error *err)
{
	struct store_sqlite *s = calloc(1, sizeof(*s));
	enum ofa_status st;

	(void)opt;
	if (!s)
		return ofa_fail(err, OFA_ERR_NOMEM, NULL, "out of memory");
	s->base.driver = &store_sqlite;
	pthread_mutex_init(&s->writer.lock, NULL);
	pthread_mutex_init(&s->reader.lock, NULL);
	st = conn_open(&s->writer, path, err);
	if (st == OFA_OK)
		st = db_migrate(&s->writer, err);
	if (st == OFA_OK)
		st = conn_prepare(&s->writer, err);
	if (st == OFA_OK)
		st = conn_open(&s->reader, path, err);
	if (st == OFA_OK)
		st = conn_prepare(&s->reader, err);
	if (st != OFA_OK) {
		sqlite_close(&s->base);
		return st;
	}
	*ret = &s->base;
	return OFA_OK;
}

/* ---- running one statement ---- */

sqlite3_stmt *db_begin(struct db_conn *c, enum db_statement which)
{
	pthread_mutex_lock(&c->lock);
	return c->statements[which];
}

void db_end(struct db_conn *c, sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	pthread_mutex_unlock(&c->lock);
}

void db_bind_text(sqlite3_stmt *stmt, int at, const char *s)
{
	sqlite3_bind_text(stmt, at, s, -1, SQLITE_STATIC);
}

enum ofa_status db_run(struct db_conn *c, sqlite3_stmt *stmt, struct ofa_error *err)
{
	enum ofa_status st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);

	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return st;
}

enum ofa_status db_finish(struct db_conn *c, enum ofa_status st, struct ofa_error *err)
{
	if (st == OFA_OK)
		st = db_exec(c, "COMMIT", err);
	if (st != OFA_OK)
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

enum ofa_status db_fetch_text(struct db_conn *c, sqlite3_stmt *stmt, struct ofa_buf *buf, struct ofa_error *err)
{
	const void *text;
	enum ofa_status st;

	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		break;
	case SQLITE_DONE:
		return OFA_ERR_NOT_FOUND;
	default:
		return db_fail(c, err);
	}
	/* the text first: asking for it may convert, and with it the number of bytes */
	text = sqlite3_column_text(stmt, 0);
	st = ofa_buf_append(buf, text, (size_t)sqlite3_column_bytes(stmt, 0));
	return st == OFA_OK ? st : ofa_fail(err, st, NULL, "the database row is larger than expected");
}

const struct store_driver store_sqlite = {
	.name = "sqlite",
	.open = sqlite_open,
	.close = sqlite_close,
	.check = db_check,
	.profile_put = db_profile_put,
	.profile_get = db_profile_get,
	.profile_delete = db_profile_delete,
	.profile_list = db_profile_list,
	.revision_get = db_revision_get,
	.revision_list = db_revision_list,
	.measurement_put = db_measurement_put,
	.measurement_list = db_measurement_list,
	.measurement_of_profile = db_measurement_of_profile,
	.delivery_put = db_delivery_put,
	.delivery_by_question = db_delivery_by_question,
	.delivery_by_subnet = db_delivery_by_subnet,
	.token_add = db_token_add,
	.token_list = db_token_list,
	.token_revoke = db_token_revoke,
	.token_purge = db_token_purge,
	.counter_get = db_counter_get,
	.counter_next = db_counter_next,
	.ledger_add = db_ledger_add,
	.ledger_get = db_ledger_get,
	.package_add = db_package_add,
	.package_used = db_package_used,
	.package_find = db_package_find,
	.package_oldest = db_package_oldest,
	.package_dropped = db_package_dropped,
	.package_totals = db_package_totals,
};
