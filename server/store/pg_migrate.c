#include <stdio.h>
#include <string.h>
#include "store/pg.h"

#define LOCK_WAIT "60s" /* while another program migrates */
/* Who waits for a table stands before everybody who comes later: not for long. */
#define TABLE_WAIT "5s"

/* What the database says of itself. */
struct standing {
	int known; /* of our migrations, those that it has: from the first on */
	int version;
};

/* ---- reading ---- */

/* Not by to_regclass(), which remembers what was not there before an advisory lock was waited for. */
static enum ofa_status has_versions(PGconn *pq, bool *ret, struct ofa_error *err)
{
	static const char sql[] = "SELECT count(*) > 0 FROM pg_catalog.pg_class "
				  "WHERE relname = 'schema_versions' AND pg_catalog.pg_table_is_visible(oid)";
	PGresult *res;
	enum ofa_status st = pg_plain(pq, sql, &res, err);

	if (st != OFA_OK)
		return st;
	*ret = pg_get_boolean(res, 0, 0);
	PQclear(res);
	return OFA_OK;
}

/* One row of schema_versions: ours, or a later program's that lets us go on? */
static enum ofa_status judge(const PGresult *rows, int row, struct standing *standing, struct ofa_error *err)
{
	int number = (int)pg_get_integer(rows, row, 0), least = (int)pg_get_integer(rows, row, 2);
	const char *name = pg_get_text(rows, row, 1);
	const int n = (int)pg_n_migrations;

	if (number != row + 1)
		return ofa_fail(err, OFA_ERR_MISMATCH, "--store",
				"the database's schema_versions has no number %d; it is not a database of ofad",
				row + 1);
	if (number <= n && strcmp(name, pg_migrations[row].name) != 0)
		return ofa_fail(err, OFA_ERR_MISMATCH, "--store",
				"the database's schema %d is \"%.60s\", this program's is \"%s\"", number, name,
				pg_migrations[row].name);
	if (number > n && least > n)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--store",
				"the database has schema %d (\"%.60s\"), which needs a program that knows schema %d; "
				"this one knows up to %d",
				number, name, least, n);
	standing->version = number;
	if (number <= n)
		standing->known = number;
	return OFA_OK;
}

static enum ofa_status read_standing(PGconn *pq, struct standing *ret, struct ofa_error *err)
{
	struct standing standing = {0};
	bool there;
	enum ofa_status st = has_versions(pq, &there, err);
	PGresult *rows;

	if (st == OFA_OK && there)
		st = pg_plain(pq, "SELECT number, name, least_program FROM schema_versions ORDER BY number", &rows,
			      err);
	if (st == OFA_OK && there) {
		for (int i = 0; st == OFA_OK && i < PQntuples(rows); i++)
			st = judge(rows, i, &standing, err);
		PQclear(rows);
	}
	if (st == OFA_OK)
		*ret = standing;
	return st;
}

/* ---- migrating ---- */

static enum ofa_status apply(PGconn *pq, int i, struct ofa_error *err)
{
	const struct pg_migration *m = &pg_migrations[i];
	char record[256];
	enum ofa_status st = pg_plain(pq, m->sql, NULL, err);

	snprintf(record, sizeof(record),
		 "INSERT INTO schema_versions (number, name, least_program) VALUES (%d, '%s', %d)", i + 1, m->name,
		 m->least_program);
	if (st == OFA_OK)
		st = pg_plain(pq, record, NULL, err);
	if (st != OFA_OK)
		ofa_error_prefix(err, "schema \"%s\"", m->name);
	return st;
}

static enum ofa_status may_create(PGconn *pq, const struct standing *standing, struct ofa_error *err)
{
	PGresult *res = NULL;
	enum ofa_status st = pg_plain(
		pq, "SELECT pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE')", &res, err);

	if (st == OFA_OK && !pg_get_boolean(res, 0, 0))
		st = ofa_fail(err, OFA_ERR_IO, "--store",
			      "the database has schema %d, this program needs %d, and the role may not create tables: "
			      "let one that may open it first",
			      standing->version, (int)pg_n_migrations);
	PQclear(res);
	return st;
}

/* Others may have done it while this one waited for its turn. */
static enum ofa_status in_turn(PGconn *pq, struct ofa_error *err)
{
	static const char versions[] = "CREATE TABLE IF NOT EXISTS schema_versions (number integer PRIMARY KEY, "
				       "name text NOT NULL, least_program integer NOT NULL, "
				       "applied_at timestamptz NOT NULL DEFAULT now())";
	struct standing standing = {0};
	char turn[160];
	enum ofa_status st;

	snprintf(turn, sizeof(turn),
		 "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '%s'; "
		 "SELECT pg_advisory_xact_lock(%d, 0); SET LOCAL lock_timeout = '%s'",
		 LOCK_WAIT, PG_LOCK_SCHEMA, TABLE_WAIT);
	st = pg_plain(pq, turn, NULL, err);
	if (st == OFA_OK)
		st = read_standing(pq, &standing, err);
	if (st == OFA_OK && standing.known < (int)pg_n_migrations)
		st = may_create(pq, &standing, err);
	if (st == OFA_OK && standing.known < (int)pg_n_migrations)
		st = pg_plain(pq, versions, NULL, err);
	for (int i = standing.known; st == OFA_OK && i < (int)pg_n_migrations; i++)
		st = apply(pq, i, err);
	return st;
}

/* UTF-8 is what is written, and identity columns are of version 10. */
static enum ofa_status suits(PGconn *pq, struct ofa_error *err)
{
	const char *encoding = PQparameterStatus(pq, "server_encoding");

	if (PQserverVersion(pq) < 100000)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--store",
				"the database is PostgreSQL %d; 10 and later are supported",
				PQserverVersion(pq) / 10000);
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return ofa_fail(err, OFA_ERR_UNSUPPORTED, "--store", "the database's encoding is %.20s; UTF8 is needed",
				encoding ? encoding : "unknown");
	return OFA_OK;
}

enum ofa_status pg_migrate(PGconn *pq, struct ofa_error *err)
{
	struct standing standing;
	enum ofa_status st = suits(pq, err);

	if (st == OFA_OK)
		st = read_standing(pq, &standing, err);
	/* a role that may not create tables is enough where nothing is to be created */
	if (st != OFA_OK || standing.known == (int)pg_n_migrations)
		return st;
	st = pg_plain(pq, "BEGIN", NULL, err);
	if (st == OFA_OK)
		st = in_turn(pq, err);
	if (st == OFA_OK)
		return pg_plain(pq, "COMMIT", NULL, err);
	if (PQstatus(pq) == CONNECTION_OK)
		(void)!pg_plain(pq, "ROLLBACK", NULL, NULL);
	return st;
}

/* A table that is not there yet has none. */
static enum ofa_status has_tokens(PGconn *pq, const struct standing *standing, bool *ret, struct ofa_error *err)
{
	PGresult *res;
	enum ofa_status st;

	*ret = false;
	if (standing->version == 0)
		return OFA_OK;
	st = pg_plain(pq, "SELECT EXISTS (SELECT FROM tokens)", &res, err);
	if (st != OFA_OK)
		return st;
	*ret = pg_get_boolean(res, 0, 0);
	PQclear(res);
	return OFA_OK;
}

enum ofa_status pg_may_migrate(PGconn *pq, bool *ret_tokens, struct ofa_error *err)
{
	struct standing standing = {0};
	enum ofa_status st = suits(pq, err);

	if (st == OFA_OK)
		st = read_standing(pq, &standing, err);
	if (st == OFA_OK && standing.known < (int)pg_n_migrations)
		st = may_create(pq, &standing, err);
	return st == OFA_OK ? has_tokens(pq, &standing, ret_tokens, err) : st;
}
