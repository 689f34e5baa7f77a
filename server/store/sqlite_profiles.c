#include "clock.h"
#include "store/sqlite_conn.h"

static enum ofa_status profile_exists(struct db_conn *c, const char *name, bool *ret, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[PROFILE_EXISTS];
	int rc;

	db_bind_text(stmt, 1, name);
	rc = sqlite3_step(stmt);
	*ret = rc == SQLITE_ROW;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? OFA_OK : db_fail(c, err);
}

enum ofa_status db_profile_put(struct store *s, const struct store_profile *p, bool *ret_created,
				   struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, PROFILE_PUT);
	char now[CLOCK_RFC3339_MAX];
	bool existed;
	enum ofa_status st = profile_exists(c, p->name, &existed, err);

	if (st == OFA_OK) {
		clock_rfc3339(now);
		db_bind_text(stmt, 1, p->name);
		sqlite3_bind_text64(stmt, 2, p->content, p->content_size, SQLITE_STATIC, SQLITE_UTF8);
		sqlite3_bind_blob(stmt, 3, p->sha256, OFA_SHA256_BYTES, SQLITE_STATIC);
		db_bind_text(stmt, 4, now);
		st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	}
	db_end(c, stmt);
	if (st == OFA_OK)
		*ret_created = !existed;
	return st;
}

enum ofa_status db_profile_get(struct store *s, const char *name, struct ofa_buf *content, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PROFILE_GET);
	enum ofa_status st;

	db_bind_text(stmt, 1, name);
	st = db_fetch_text(c, stmt, content, err);
	db_end(c, stmt);
	if (st == OFA_ERR_NOT_FOUND)
		return ofa_fail(err, st, NULL, "there is no profile \"%s\"", name);
	return st;
}

enum ofa_status db_profile_delete(struct store *s, const char *name, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, PROFILE_DELETE);
	enum ofa_status st;

	db_bind_text(stmt, 1, name);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	if (st == OFA_OK && sqlite3_changes(c->db) == 0)
		st = ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_profile_list(struct store *s, const char *after, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry),
				    void *ctx, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PROFILE_LIST);
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	db_bind_text(stmt, 1, after);
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
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}
