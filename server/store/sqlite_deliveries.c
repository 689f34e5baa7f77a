#include "clock.h"
#include "store/sqlite_conn.h"

enum ofa_status db_delivery_put(struct store *s, const struct store_delivery *d, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, DELIVERY_PUT);
	char now[CLOCK_RFC3339_MAX];
	enum ofa_status st;

	clock_rfc3339(now);
	sqlite3_bind_blob(stmt, 1, d->question, OFA_SHA256_BYTES, SQLITE_STATIC);
	db_bind_text(stmt, 2, d->subnet);
	sqlite3_bind_int64(stmt, 3, (sqlite3_int64)d->size_bytes);
	db_bind_text(stmt, 4, d->network);
	db_bind_text(stmt, 5, d->arch);
	db_bind_text(stmt, 6, d->profile);
	db_bind_text(stmt, 7, d->limits);
	sqlite3_bind_int64(stmt, 8, (sqlite3_int64)d->seed);
	sqlite3_bind_int(stmt, 9, d->evaluations);
	db_bind_text(stmt, 10, d->manifest);
	db_bind_text(stmt, 11, now);
	sqlite3_bind_int64(stmt, 12, (sqlite3_int64)d->profile_revision);
	sqlite3_bind_double(stmt, 13, d->latency_ms); /* NULL when it is NAN */
	db_bind_text(stmt, 14, d->replaces);
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_delivery_by_question(struct store *s, const uint8_t question[OFA_SHA256_BYTES],
					    struct ofa_buf *manifest, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, DELIVERY_BY_QUESTION);
	enum ofa_status st;

	sqlite3_bind_blob(stmt, 1, question, OFA_SHA256_BYTES, SQLITE_STATIC);
	st = db_fetch_text(c, stmt, manifest, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_delivery_by_subnet(struct store *s, const char *subnet, struct ofa_buf *manifest,
					  struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, DELIVERY_BY_SUBNET);
	enum ofa_status st;

	db_bind_text(stmt, 1, subnet);
	st = db_fetch_text(c, stmt, manifest, err);
	db_end(c, stmt);
	return st;
}
