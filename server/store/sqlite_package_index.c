#include "store/sqlite_conn.h"

enum ofa_status db_package_add(struct store *s, const struct store_indexed *p, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_ADD);
	enum ofa_status st;

	db_bind_text(stmt, 1, p->id);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)p->size_bytes);
	db_bind_text(stmt, 3, p->network);
	db_bind_text(stmt, 4, p->network_sha256);
	sqlite3_bind_int64(stmt, 5, p->used_at);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	db_end(c, stmt);
	return st;
}

/* One transaction, so that the disk is waited for once. */
enum ofa_status db_package_used(struct store *s, const char *const *ids, size_t n, int64_t now, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_USED);
	enum ofa_status st = db_exec(c, "BEGIN IMMEDIATE", err);

	for (size_t i = 0; st == OFA_OK && i < n; i++) {
		db_bind_text(stmt, 1, ids[i]);
		sqlite3_bind_int64(stmt, 2, now);
		st = db_run(c, stmt, err);
	}
	st = db_finish(c, st, err);
	db_end(c, stmt);
	return st;
}

static struct store_indexed row_of(sqlite3_stmt *stmt)
{
	return (struct store_indexed){
		.id = (const char *)sqlite3_column_text(stmt, 0),
		.size_bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
		.network = (const char *)sqlite3_column_text(stmt, 2),
		.network_sha256 = (const char *)sqlite3_column_text(stmt, 3),
		.used_at = sqlite3_column_int64(stmt, 4),
		.dropped = sqlite3_column_int(stmt, 5),
	};
}

enum ofa_status db_package_find(struct store *s, const char *id,
				enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_FIND);
	struct store_indexed p;
	enum ofa_status st;

	db_bind_text(stmt, 1, id);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		p = row_of(stmt);
		st = each(ctx, &p);
		break;
	case SQLITE_DONE:
		st = OFA_ERR_NOT_FOUND;
		break;
	default:
		st = db_fail(c, err);
		break;
	}
	db_end(c, stmt);
	return st;
}

enum ofa_status db_package_oldest(struct store *s, int64_t before, unsigned limit,
				  enum ofa_status (*each)(void *ctx, const struct store_indexed *p), void *ctx,
				  struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_OLDEST);
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	sqlite3_bind_int64(stmt, 1, before);
	sqlite3_bind_int64(stmt, 2, limit);
	while (st == OFA_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const struct store_indexed p = row_of(stmt);

		st = each(ctx, &p);
	}
	if (st == OFA_OK && rc != SQLITE_DONE)
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_package_dropped(struct store *s, const char *id, int64_t used_at, int64_t now, bool *ret,
				   struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_DROPPED);
	enum ofa_status st;

	db_bind_text(stmt, 1, id);
	sqlite3_bind_int64(stmt, 2, used_at);
	sqlite3_bind_int64(stmt, 3, now);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	if (st == OFA_OK)
		*ret = sqlite3_changes(c->db) > 0;
	db_end(c, stmt);
	return st;
}

enum ofa_status db_package_totals(struct store *s, struct store_package_totals *ret, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PACKAGE_TOTALS);
	enum ofa_status st = OFA_OK;

	if (sqlite3_step(stmt) == SQLITE_ROW)
		*ret = (struct store_package_totals){.n = (uint64_t)sqlite3_column_int64(stmt, 0),
						     .bytes = (uint64_t)sqlite3_column_int64(stmt, 1)};
	else
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}
