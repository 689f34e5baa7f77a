#include <string.h>
#include "clock.h"
#include "store/sqlite_conn.h"

/* What a name stands for, and the last number that was given out under it. */
struct standing {
	struct store_profile_state state;
	uint64_t last;
};

/* On the writer, which the caller holds. */
static enum ofa_status read_standing(struct db_conn *c, const char *name, struct standing *ret, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[PROFILE_STATE];
	struct standing standing = {.last = 0};
	enum ofa_status st = OFA_OK;
	int rc;

	db_bind_text(stmt, 1, name);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		standing.last = (uint64_t)sqlite3_column_int64(stmt, 0);
		if (!sqlite3_column_int(stmt, 1)) {
			standing.state.revision = standing.last;
			memcpy(standing.state.sha256, sqlite3_column_blob(stmt, 2), OFA_SHA256_BYTES);
		}
	} else if (rc != SQLITE_DONE) {
		st = db_fail(c, err);
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (st == OFA_OK)
		*ret = standing;
	return st;
}

static bool gate_open(const struct store_gate *gate, const struct store_profile_state *state, bool same)
{
	return !gate || gate->open(gate->ctx, state, same);
}

/* The revision, then the name that leads to it. */
static enum ofa_status write_revision(struct db_conn *c, const struct store_profile *p, uint64_t revision,
				      struct ofa_error *err)
{
	sqlite3_stmt *row = c->statements[REVISION_PUT], *name = c->statements[PROFILE_PUT];
	char now[CLOCK_RFC3339_MAX];
	enum ofa_status st;

	clock_rfc3339(now);
	db_bind_text(row, 1, p->name);
	sqlite3_bind_int64(row, 2, (sqlite3_int64)revision);
	sqlite3_bind_blob(row, 3, p->sha256, OFA_SHA256_BYTES, SQLITE_STATIC);
	sqlite3_bind_int64(row, 4, (sqlite3_int64)p->content_size);
	db_bind_text(row, 5, p->author);
	db_bind_text(row, 6, now);
	sqlite3_bind_text64(row, 7, p->content, p->content_size, SQLITE_STATIC, SQLITE_UTF8);
	st = db_run(c, row, err);
	if (st != OFA_OK)
		return st;
	db_bind_text(name, 1, p->name);
	sqlite3_bind_int64(name, 2, (sqlite3_int64)revision);
	db_bind_text(name, 3, now);
	return db_run(c, name, err);
}

static enum ofa_status put(struct db_conn *c, const struct store_profile *p, const struct store_gate *gate,
			   enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	struct standing standing;
	enum ofa_status st = read_standing(c, p->name, &standing, err);
	bool there, same;

	if (st != OFA_OK)
		return st;
	there = standing.state.revision > 0;
	same = there && memcmp(standing.state.sha256, p->sha256, OFA_SHA256_BYTES) == 0;
	*ret = !gate_open(gate, &standing.state, same) ? STORE_REFUSED
	       : same				       ? STORE_UNCHANGED
	       : there				       ? STORE_REPLACED
						       : STORE_CREATED;
	if (*ret == STORE_REPLACED || *ret == STORE_CREATED) {
		standing.state.revision = standing.last + 1;
		memcpy(standing.state.sha256, p->sha256, OFA_SHA256_BYTES);
		st = write_revision(c, p, standing.state.revision, err);
	}
	*ret_state = standing.state;
	return st;
}

enum ofa_status db_profile_put(struct store *s, const struct store_profile *p, const struct store_gate *gate,
			       enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	struct store_profile_state state = {.revision = 0};
	enum store_written written = STORE_REFUSED;
	enum ofa_status st;

	pthread_mutex_lock(&c->lock);
	st = db_exec(c, "BEGIN IMMEDIATE", err);
	if (st == OFA_OK)
		st = db_finish(c, put(c, p, gate, &written, &state, err), err);
	pthread_mutex_unlock(&c->lock);
	if (st == OFA_OK) {
		*ret = written;
		*ret_state = state;
	}
	return st;
}

static enum ofa_status erase(struct db_conn *c, const char *name, const struct store_gate *gate,
			     enum store_written *ret, struct store_profile_state *ret_state, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[PROFILE_DELETE];
	char now[CLOCK_RFC3339_MAX];
	struct standing standing;
	enum ofa_status st = read_standing(c, name, &standing, err);

	if (st != OFA_OK)
		return st;
	if (standing.state.revision == 0)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	*ret_state = standing.state;
	*ret = gate_open(gate, &standing.state, false) ? STORE_REPLACED : STORE_REFUSED;
	if (*ret == STORE_REFUSED)
		return OFA_OK;
	clock_rfc3339(now);
	db_bind_text(stmt, 1, name);
	db_bind_text(stmt, 2, now);
	return db_run(c, stmt, err);
}

enum ofa_status db_profile_delete(struct store *s, const char *name, const struct store_gate *gate,
				  enum store_written *ret, struct store_profile_state *ret_state,
				  struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	struct store_profile_state state = {.revision = 0};
	enum store_written written = STORE_REFUSED;
	enum ofa_status st;

	pthread_mutex_lock(&c->lock);
	st = db_exec(c, "BEGIN IMMEDIATE", err);
	if (st == OFA_OK)
		st = db_finish(c, erase(c, name, gate, &written, &state, err), err);
	pthread_mutex_unlock(&c->lock);
	if (st == OFA_OK) {
		*ret = written;
		*ret_state = state;
	}
	return st;
}

/* A name that has revisions and no profile was deleted: what to say of it. */
static enum ofa_status missing(struct db_conn *c, const char *name, struct ofa_error *err)
{
	sqlite3_stmt *stmt = db_begin(c, PROFILE_STATE);
	uint64_t last = 0;

	db_bind_text(stmt, 1, name);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		last = (uint64_t)sqlite3_column_int64(stmt, 0);
	db_end(c, stmt);
	if (last == 0)
		return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no profile \"%s\"", name);
	return ofa_fail(err, OFA_ERR_NOT_FOUND, NULL,
			"the profile \"%s\" was deleted; its revisions can still be named, \"%s@%llu\" being the last",
			name, name, (unsigned long long)last);
}

enum ofa_status db_profile_get(struct store *s, const char *name, struct ofa_buf *content, uint64_t *ret_revision,
			       struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, PROFILE_GET);
	enum ofa_status st;

	db_bind_text(stmt, 1, name);
	st = db_fetch_text(c, stmt, content, err);
	if (st == OFA_OK)
		*ret_revision = (uint64_t)sqlite3_column_int64(stmt, 1);
	db_end(c, stmt);
	return st == OFA_ERR_NOT_FOUND ? missing(c, name, err) : st;
}

enum ofa_status db_profile_list(struct store *s, const char *after, unsigned limit,
				enum ofa_status (*each)(void *ctx, const struct store_profile_entry *entry), void *ctx,
				struct ofa_error *err)
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
			.revision = (uint64_t)sqlite3_column_int64(stmt, 1),
			.sha256 = sqlite3_column_blob(stmt, 2),
			.created_at = (const char *)sqlite3_column_text(stmt, 3),
			.updated_at = (const char *)sqlite3_column_text(stmt, 4),
		};

		st = each(ctx, &entry);
	}
	if (st == OFA_OK && rc != SQLITE_DONE)
		st = db_fail(c, err);
	db_end(c, stmt);
	return st;
}
