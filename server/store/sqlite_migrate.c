#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "embedded.h"
#include "store/sqlite_conn.h"

#define VERSION_OFFSET 60 /* in the file: user_version, big-endian */

/* In order, numbered from 1; user_version of the database is the number of the last that was applied.  A program that
 * does not know one goes on with a database that has it when it knows at least `least_program` of them. */
static const struct {
	const char *name, *sql;
	int least_program;
} schema[] = {
	{"0001-profiles-deliveries", embedded_schema_0001, 1},
	{"0002-fleet", embedded_schema_0002, 2},
	{"0003-packages", embedded_schema_0003, 2},
};
static const int known = (int)OFA_ARRAY_LEN(schema);

/* The only number that a statement gives. */
static enum ofa_status read_number(struct db_conn *c, const char *sql, int *ret, struct ofa_error *err)
{
	sqlite3_stmt *stmt;
	enum ofa_status st = OFA_OK;

	if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		return db_fail(c, err);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*ret = sqlite3_column_int(stmt, 0);
	else
		st = db_fail(c, err);
	sqlite3_finalize(stmt);
	return st;
}

/* A later program has said of each of its migrations who may go on, in a table that databases have since 0003. */
static enum ofa_status check_later(struct db_conn *c, int version, struct ofa_error *err)
{
	char sql[128];
	int understood = 0;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM schema_versions WHERE number > %d AND least_program <= %d",
		 known, known);
	if (version <= known)
		return OFA_OK;
	if (read_number(c, sql, &understood, NULL) == OFA_OK && understood == version - known)
		return OFA_OK;
	return ofa_fail(err, OFA_ERR_UNSUPPORTED, NULL,
			"the database has schema %d, which needs a later program; this one knows up to %d", version,
			known);
}

static enum ofa_status apply(struct db_conn *c, int i, struct ofa_error *err)
{
	static const char versions[] = "CREATE TABLE IF NOT EXISTS schema_versions (number INTEGER PRIMARY KEY, "
				       "name TEXT NOT NULL, least_program INTEGER NOT NULL, "
				       "applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)";
	char record[256];
	enum ofa_status st = db_exec(c, versions, err);

	snprintf(record, sizeof(record),
		 "INSERT INTO schema_versions (number, name, least_program) VALUES (%d, '%s', %d); "
		 "PRAGMA user_version = %d",
		 i + 1, schema[i].name, schema[i].least_program, i + 1);
	if (st == OFA_OK)
		st = db_exec(c, schema[i].sql, err);
	return st == OFA_OK ? db_exec(c, record, err) : st;
}

/* All in one transaction that takes the write lock first: two programs that start at once do not both
 * migrate. */
enum ofa_status db_migrate(struct db_conn *c, struct ofa_error *err)
{
	enum ofa_status st = db_exec(c, "BEGIN IMMEDIATE", err);
	int version = 0;

	if (st == OFA_OK)
		st = read_number(c, "PRAGMA user_version", &version, err);
	if (st == OFA_OK)
		st = check_later(c, version, err);
	for (int i = version; st == OFA_OK && i < known; i++)
		st = apply(c, i, err);
	if (st == OFA_OK)
		return db_exec(c, "COMMIT", err);
	sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

/* ---- without changing anything ---- */

static enum ofa_status check_later_file(const char *path, int version, struct ofa_error *err)
{
	struct db_conn c = {.db = NULL};
	enum ofa_status st;

	if (sqlite3_open_v2(path, &c.db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
		st = check_later(&c, version, err);
	else
		st = ofa_fail(err, OFA_ERR_IO, NULL, "cannot open %s", path);
	sqlite3_close(c.db);
	return st;
}

/* What stands in its first bytes (SQLite, "Database File Format", 1.3): opening it would make files beside it, and is
 * only done for one of a later program. */
enum ofa_status db_check(const char *path, bool *ret_tokens, struct ofa_error *err)
{
	static const char magic[] = "SQLite format 3";
	uint8_t head[100];
	FILE *f = fopen(path, "rb");
	uint32_t version = 0;
	size_t n;

	*ret_tokens = false;
	if (!f && errno == ENOENT)
		return OFA_OK; /* it is yet to be made */
	if (!f)
		return ofa_fail(err, OFA_ERR_IO, NULL, "cannot read %s: %s", path, strerror(errno));
	n = fread(head, 1, sizeof(head), f);
	fclose(f);
	if (n == 0)
		return OFA_OK;
	if (n < sizeof(head) || memcmp(head, magic, sizeof(magic)) != 0)
		return ofa_fail(err, OFA_ERR_IO, NULL, "%s is no database of SQLite", path);
	for (int i = 0; i < 4; i++)
		version = version << 8 | head[VERSION_OFFSET + i];
	return version > (uint32_t)known ? check_later_file(path, (int)(version & INT32_MAX), err) : OFA_OK;
}
