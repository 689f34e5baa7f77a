#include <math.h>
#include "clock.h"
#include "store/sqlite_conn.h"

/* NAN: nothing was said. */
static void bind_known(sqlite3_stmt *stmt, int at, double v)
{
	if (isnan(v))
		sqlite3_bind_null(stmt, at);
	else
		sqlite3_bind_double(stmt, at, v);
}

static double column_known(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, at);
}

/* Was this subnet ever delivered? */
static enum ofa_status find_subnet(struct db_conn *c, const char *subnet, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[DELIVERY_BY_SUBNET];
	int rc;

	db_bind_text(stmt, 1, subnet);
	rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	if (rc == SQLITE_ROW)
		return OFA_OK;
	return rc == SQLITE_DONE ? ofa_fail(err, OFA_ERR_NOT_FOUND, NULL, "there is no subnet %.80s", subnet)
				 : db_fail(c, err);
}

static enum ofa_status insert(struct db_conn *c, const struct store_measurement *m, struct ofa_error *err)
{
	sqlite3_stmt *stmt = c->statements[MEASUREMENT_PUT];
	char now[CLOCK_RFC3339_MAX];

	clock_rfc3339(now);
	db_bind_text(stmt, 1, m->subnet);
	db_bind_text(stmt, 2, m->author);
	db_bind_text(stmt, 3, m->device);
	sqlite3_bind_double(stmt, 4, m->latency_ms);
	bind_known(stmt, 5, m->p50_ms);
	bind_known(stmt, 6, m->p95_ms);
	bind_known(stmt, 7, m->accuracy);
	db_bind_text(stmt, 8, now);
	return db_run(c, stmt, err);
}

/* Older ones go where there are more than are kept. */
static enum ofa_status prune(struct db_conn *c, const struct store_measurement *m, const struct store_keep *keep,
			     struct ofa_error *err)
{
	sqlite3_stmt *of_device = c->statements[MEASUREMENT_PRUNE_DEVICE];
	sqlite3_stmt *of_subnet = c->statements[MEASUREMENT_PRUNE_SUBNET];
	enum ofa_status st;

	db_bind_text(of_device, 1, m->subnet);
	db_bind_text(of_device, 2, m->author);
	db_bind_text(of_device, 3, m->device);
	sqlite3_bind_int64(of_device, 4, keep->per_device);
	st = db_run(c, of_device, err);
	if (st != OFA_OK)
		return st;
	db_bind_text(of_subnet, 1, m->subnet);
	sqlite3_bind_int64(of_subnet, 2, keep->per_subnet);
	return db_run(c, of_subnet, err);
}

enum ofa_status db_measurement_put(struct store *s, const struct store_measurement *m, const struct store_keep *keep,
				   uint64_t *ret_number, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	uint64_t number = 0;
	enum ofa_status st;

	pthread_mutex_lock(&c->lock);
	st = db_exec(c, "BEGIN IMMEDIATE", err);
	if (st == OFA_OK) {
		st = find_subnet(c, m->subnet, err);
		if (st == OFA_OK)
			st = insert(c, m, err);
		if (st == OFA_OK) {
			number = (uint64_t)sqlite3_last_insert_rowid(c->db);
			st = prune(c, m, keep, err);
		}
		st = db_finish(c, st, err);
	}
	pthread_mutex_unlock(&c->lock);
	if (st == OFA_OK)
		*ret_number = number;
	return st;
}

static enum ofa_status each_row(struct db_conn *c, sqlite3_stmt *stmt,
				enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				void *ctx, struct ofa_error *err)
{
	enum ofa_status st = OFA_OK;
	int rc = SQLITE_DONE;

	while (st == OFA_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_measurement_entry entry = {
			.number = (uint64_t)sqlite3_column_int64(stmt, 0),
			.measured =
				{
					.subnet = (const char *)sqlite3_column_text(stmt, 1),
					.author = (const char *)sqlite3_column_text(stmt, 2),
					.device = (const char *)sqlite3_column_text(stmt, 3),
					.latency_ms = sqlite3_column_double(stmt, 4),
					.p50_ms = column_known(stmt, 5),
					.p95_ms = column_known(stmt, 6),
					.accuracy = column_known(stmt, 7),
				},
			.profile = (const char *)sqlite3_column_text(stmt, 8),
			.profile_revision = (uint64_t)sqlite3_column_int64(stmt, 9),
			.predicted_ms = column_known(stmt, 10),
			.created_at = (const char *)sqlite3_column_text(stmt, 11),
		};

		st = each(ctx, &entry);
	}
	return st == OFA_OK && rc != SQLITE_DONE ? db_fail(c, err) : st;
}

enum ofa_status db_measurement_list(struct store *s, const char *subnet, uint64_t before, unsigned limit,
				    enum ofa_status (*each)(void *ctx, const struct store_measurement_entry *entry),
				    void *ctx, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, MEASUREMENT_LIST);
	enum ofa_status st;

	db_bind_text(stmt, 1, subnet);
	sqlite3_bind_int64(stmt, 2, before ? (sqlite3_int64)before : INT64_MAX);
	sqlite3_bind_int64(stmt, 3, limit);
	st = each_row(c, stmt, each, ctx, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_measurement_of_profile(struct store *s, const char *profile, uint64_t revision, unsigned limit,
					  enum ofa_status (*each)(void *ctx,
								  const struct store_measurement_entry *entry),
					  void *ctx, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, MEASUREMENT_OF_PROFILE);
	enum ofa_status st;

	db_bind_text(stmt, 1, profile);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)revision);
	sqlite3_bind_int64(stmt, 3, limit);
	st = each_row(c, stmt, each, ctx, err);
	db_end(c, stmt);
	return st;
}
