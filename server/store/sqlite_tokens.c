#include "clock.h"
#include "store/sqlite_conn.h"

enum ofa_status db_token_add(struct store *s, const struct store_token *t, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, TOKEN_ADD);
	char now[CLOCK_RFC3339_MAX];
	enum ofa_status st;

	clock_rfc3339(now);
	db_bind_text(stmt, 1, t->id);
	sqlite3_bind_blob(stmt, 2, t->sha256, OFA_SHA256_BYTES, SQLITE_STATIC);
	db_bind_text(stmt, 3, t->name);
	db_bind_text(stmt, 4, t->owner);
	db_bind_text(stmt, 5, t->scopes);
	db_bind_text(stmt, 6, now);
	sqlite3_bind_int64(stmt, 7, t->expires);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_token_list(struct store *s, enum ofa_status (*each)(void *ctx, const struct store_token *row),
			      void *ctx, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, TOKEN_LIST);
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	while (st == OFA_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_token row = {
			.id = (const char *)sqlite3_column_text(stmt, 0),
			.sha256 = sqlite3_column_blob(stmt, 1),
			.name = (const char *)sqlite3_column_text(stmt, 2),
			.owner = (const char *)sqlite3_column_text(stmt, 3),
			.scopes = (const char *)sqlite3_column_text(stmt, 4),
			.created_at = (const char *)sqlite3_column_text(stmt, 5),
			.expires = sqlite3_column_int64(stmt, 6),
			.revoked_at = (const char *)sqlite3_column_text(stmt, 7),
		};

		st = each(ctx, &row);
	}
	if (st == OFA_OK && rc != SQLITE_DONE)
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_token_revoke(struct store *s, const char *id, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, TOKEN_REVOKE);
	char now[CLOCK_RFC3339_MAX];
	enum ofa_status st;

	clock_rfc3339(now);
	db_bind_text(stmt, 1, id);
	db_bind_text(stmt, 2, now);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	if (st == OFA_OK && sqlite3_changes(c->db) == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no token %.40s; ofad token list shows them", id);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_token_purge(struct store *s, int64_t now, unsigned *ret_n, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, TOKEN_PURGE);
	enum ofa_status st;

	sqlite3_bind_int64(stmt, 1, now);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	if (st == OFA_OK)
		*ret_n = (unsigned)sqlite3_changes(c->db);
	db_end(c, stmt);
	return st;
}
