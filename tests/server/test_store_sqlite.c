/* What is only of SQLite: files of earlier versions, and files that are none of ours. */
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "store_fixture.h"

/* Packages from before there was an index. */
static enum ofa_status is_taken_in(void *ctx, const struct store_indexed *p)
{
	(void)ctx;
	ck_assert(p->size_bytes == 5 && !p->dropped);
	ck_assert_str_eq(p->network, "net");
	ck_assert_str_eq(p->network_sha256, "");
	ck_assert_int_gt(p->used_at, 1700000000);
	return OFA_OK;
}

/* A database as the first schema left it. */
START_TEST(test_migration)
{
	static const char rows[] =
		"INSERT INTO profiles VALUES ('acme/cam', '{\"name\":\"acme/cam\"}', zeroblob(32), "
		"'2026-01-02T03:04:05Z', '2026-02-03T04:05:06Z'), ('b', '{}', zeroblob(32), 'x', 'y');"
		"INSERT INTO deliveries VALUES (7, zeroblob(32), 'aa', 5, 'net', '{}', 'acme/cam', '{}', 1, 3, 'kept', "
		"'2026-01-02T03:04:05Z'); PRAGMA user_version = 1;";
	struct ofa_error err = {0};
	uint64_t revision;
	struct ofa_buf buf;
	struct store *s;
	char path[600], *text;
	uint8_t *schema;
	size_t size;
	sqlite3 *db;

	store_begin(STORE_SQLITE);
	snprintf(path, sizeof(path), "%s/server/store/schema/0001-profiles-deliveries.sql",
		 getenv("OFA_SRCDIR") ? getenv("OFA_SRCDIR") : ".");
	ASSERT_OK(ofa_file_read(path, 1 << 16, &schema, &size, &err), &err);
	snprintf(path, sizeof(path), "%s/ofad.db", store_dir());
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	text = strndup((char *)schema, size);
	ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(schema);
	free(text);

	s = store_again();
	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->profile_get(s, "acme/cam", &buf, &revision, &err), &err);
	ck_assert_uint_eq(revision, 1);
	ofa_buf_release(&buf);
	check_revision(s, "acme/cam", 1, "{\"name\":\"acme/cam\"}");
	check_manifest(s, "aa", "kept");
	ASSERT_OK(s->driver->package_find(s, "aa", is_taken_in, NULL, &err), &err);
	put_gated(s, "acme/cam", "new", NULL, STORE_REPLACED, 2);
	put_gated(s, "b", "{}", NULL, STORE_REPLACED, 2); /* its digest was no digest */
	s->driver->close(s);
	store_end();
}
END_TEST

static void run(const char *path, const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static int last_schema(const char *path)
{
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

/* As a program left it that knows `version` schemas and says of the last that `least` are enough. */
static void leave(const char *path, int version, int least)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM schema_versions WHERE name = 'later'; INSERT INTO schema_versions "
		 "(number, name, least_program) VALUES (%d, 'later', %d); PRAGMA user_version = %d;",
		 version, least, version);
	run(path, sql);
}

/* A later program's database is used when that program says that it may be: who goes back to this one loses nothing. */
START_TEST(test_later)
{
	struct ofa_error err = {0};
	struct store *s;
	char path[600];
	bool tokens;
	int known;

	store_begin(STORE_SQLITE);
	store_close(store_again());
	snprintf(path, sizeof(path), "%s/ofad.db", store_dir());
	known = last_schema(path);
	/* of the one between them nothing is said */
	leave(path, known + 2, known);
	ASSERT_FAILS(store_open(NULL, store_dir(), NULL, &s, NULL), OFA_ERR_UNSUPPORTED);
	ASSERT_FAILS(store_check(NULL, store_dir(), &tokens, NULL), OFA_ERR_UNSUPPORTED);
	leave(path, known + 1, known);
	ASSERT_OK(store_check(NULL, store_dir(), &tokens, &err), &err);
	s = store_again();
	put_profile(s, "cam", "{}", 1);
	store_close(s);
	ck_assert_int_eq(last_schema(path), known + 1);
	leave(path, known + 1, known + 1);
	ASSERT_FAILS(store_check(NULL, store_dir(), &tokens, NULL), OFA_ERR_UNSUPPORTED);
	ASSERT_FAILS(store_open(NULL, store_dir(), NULL, &s, &err), OFA_ERR_UNSUPPORTED);
	store_end();
}
END_TEST

/* A database of a later version is left alone; so is a file that is none. */
START_TEST(test_foreign)
{
	struct ofa_error err = {0};
	struct store *s;
	char path[600];
	sqlite3 *db;
	FILE *f;

	store_begin(STORE_SQLITE);
	s = store_again();
	s->driver->close(s);
	snprintf(path, sizeof(path), "%s/ofad.db", store_dir());
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ASSERT_FAILS(store_open(NULL, store_dir(), NULL, &s, &err), OFA_ERR_UNSUPPORTED);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	ASSERT_FAILS(store_open(NULL, store_dir(), NULL, &s, NULL), OFA_ERR_IO);
	store_end();
	ASSERT_FAILS(store_open(NULL, store_dir(), NULL, &s, NULL), OFA_ERR_IO);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_migration, test_later, test_foreign};

	return run_tests("store-sqlite", tests, OFA_ARRAY_LEN(tests));
}
