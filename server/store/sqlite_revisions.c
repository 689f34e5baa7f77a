#include "store/sqlite_conn.h"

enum ofa_status db_revision_get(struct store *s, const char *name, uint64_t revision, struct ofa_buf *content,
				struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, REVISION_GET);
	enum ofa_status st;

	db_bind_text(stmt, 1, name);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)revision);
	st = db_fetch_text(c, stmt, content, err);
	db_end(c, stmt);
	if (st == OFA_ERR_NOT_FOUND)
		return ofa_fail(err, st, NULL, "there is no revision %llu of a profile \"%s\"",
				(unsigned long long)revision, name);
	return st;
}

enum ofa_status db_revision_list(struct store *s, const char *name, uint64_t before, unsigned limit,
				 enum ofa_status (*each)(void *ctx, const struct store_revision_entry *entry),
				 void *ctx, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, REVISION_LIST);
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	db_bind_text(stmt, 1, name);
	sqlite3_bind_int64(stmt, 2, before ? (sqlite3_int64)before : INT64_MAX);
	sqlite3_bind_int64(stmt, 3, limit);
	while (st == OFA_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_revision_entry entry = {
			.revision = (uint64_t)sqlite3_column_int64(stmt, 0),
			.sha256 = sqlite3_column_blob(stmt, 1),
			.size_bytes = (uint64_t)sqlite3_column_int64(stmt, 2),
			.author = (const char *)sqlite3_column_text(stmt, 3),
			.created_at = (const char *)sqlite3_column_text(stmt, 4),
		};

		st = each(ctx, &entry);
	}
	if (st == OFA_OK && rc != SQLITE_DONE)
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}
