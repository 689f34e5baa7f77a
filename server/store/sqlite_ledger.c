#include <stdio.h>
#include "store/sqlite_conn.h"

enum ofa_status db_ledger_add(struct store *s, const struct store_ledger *more, struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->writer;
	sqlite3_stmt *stmt = db_begin(c, LEDGER_ADD);
	enum ofa_status st;

	db_bind_text(stmt, 1, more->network);
	db_bind_text(stmt, 2, more->name);
	db_bind_text(stmt, 3, more->since);
	sqlite3_bind_int64(stmt, 4, (sqlite3_int64)more->deliveries);
	for (int w = 0; w < STORE_LEDGER_WORKS; w++) {
		sqlite3_bind_int64(stmt, 5 + 2 * w, (sqlite3_int64)more->n[w]);
		sqlite3_bind_double(stmt, 6 + 2 * w, more->cpu_seconds[w]);
	}
	st = sqlite3_step(stmt) == SQLITE_DONE ? OFA_OK : db_fail(c, err);
	db_end(c, stmt);
	return st;
}

enum ofa_status db_ledger_get(struct store *s, const char *network, char ret_since[STORE_TIME_MAX],
			      uint64_t *ret_deliveries, uint64_t ret_n[STORE_LEDGER_WORKS],
			      double ret_cpu_seconds[STORE_LEDGER_WORKS], struct ofa_error *err)
{
	struct db_conn *c = &db_of(s)->reader;
	sqlite3_stmt *stmt = db_begin(c, LEDGER_GET);
	enum ofa_status st = OFA_OK;

	db_bind_text(stmt, 1, network);
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		snprintf(ret_since, STORE_TIME_MAX, "%s", (const char *)sqlite3_column_text(stmt, 0));
		*ret_deliveries = (uint64_t)sqlite3_column_int64(stmt, 1);
		for (int w = 0; w < STORE_LEDGER_WORKS; w++) {
			ret_n[w] = (uint64_t)sqlite3_column_int64(stmt, 2 + 2 * w);
			ret_cpu_seconds[w] = sqlite3_column_double(stmt, 3 + 2 * w);
		}
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
