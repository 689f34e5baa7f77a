#include "store/sqlite_conn.h"

enum ofa_status db_counter_get(struct store *s, const char *name, uint64_t *ret, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, COUNTER_GET);
	enum ofa_status st = OFA_OK;
	uint64_t value = 0;

	db_bind_text(stmt, 1, name);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		value = (uint64_t)sqlite3_column_int64(stmt, 0);
		break;
	case SQLITE_DONE:
		break;
	default:
		st = db_fail(c, err);
	}
	db_end(c, stmt);
	if (st == OFA_OK)
		*ret = value;
	return st;
}

enum ofa_status db_counter_next(struct store *s, const char *name, uint64_t floor, uint64_t *ret, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, COUNTER_NEXT);
	enum ofa_status st = OFA_OK;
	uint64_t value = 0;

	db_bind_text(stmt, 1, name);
	sqlite3_bind_int64(stmt, 2, (sqlite3_int64)floor);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = (uint64_t)sqlite3_column_int64(stmt, 0);
	else
		st = db_fail(c, err);
	/* the change is committed by the step that finds no further row */
	if (st == OFA_OK && sqlite3_step(stmt) != SQLITE_DONE)
		st = db_fail(c, err);
	db_end(c, stmt);
	if (st == OFA_OK)
		*ret = value;
	return st;
}
