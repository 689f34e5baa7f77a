/* What is only of PostgreSQL: its schema's versions, and a server that refuses. */
#include <pthread.h>
#include <string.h>

#include "store/pg.h"
#include "store_fixture.h"

/* ---- migration ---- */

static void *open_and_close(void *arg)
{
	(void)arg;
	store_close(store_again());
	return NULL;
}

START_TEST(test_many_migrate)
{
	pthread_t threads[8];
	char expected[16];

	store_begin(STORE_POSTGRESQL);
	for (size_t i = 0; i < OFA_ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_close, NULL), 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	snprintf(expected, sizeof(expected), "%zu", pg_n_migrations);
	ck_assert_str_eq(store_sql("SELECT count(*) FROM schema_versions"), expected);
	ck_assert_str_eq(store_sql("SELECT name FROM schema_versions WHERE number = 1"), "0001-state");
	store_end();
}
END_TEST

static void open_fails(enum ofa_status expected, const char *say)
{
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_FAILS(store_open(store_url(), NULL, NULL, &s, &err), expected);
	ck_assert_msg(strstr(err.message, say) != NULL, "\"%s\" does not say \"%s\"", err.message, say);
}

/* A later program's database is used when the later program says that it may be, and left alone otherwise. */
START_TEST(test_versions)
{
	char sql[256];

	store_begin(STORE_POSTGRESQL);
	store_close(store_again());
	snprintf(sql, sizeof(sql), "INSERT INTO schema_versions VALUES (%zu, 'later', %zu)", pg_n_migrations + 1,
		 pg_n_migrations);
	store_sql(sql);
	store_close(store_again());
	store_sql("UPDATE schema_versions SET least_program = number WHERE name = 'later'");
	open_fails(OFA_ERR_UNSUPPORTED, "\"later\"");
	store_sql("UPDATE schema_versions SET number = number + 1 WHERE name = 'later'");
	open_fails(OFA_ERR_MISMATCH, "no number");
	store_sql("DELETE FROM schema_versions WHERE name = 'later'");
	store_sql("UPDATE schema_versions SET name = 'foreign' WHERE number = 1");
	open_fails(OFA_ERR_MISMATCH, "\"foreign\"");
	store_end();
}
END_TEST

/* Nothing of a migration that fails stays. */
START_TEST(test_migration_fails)
{
	store_begin(STORE_POSTGRESQL);
	store_sql("CREATE TABLE ledger (mine int)");
	open_fails(OFA_ERR_IO, "0001-state");
	ck_assert_str_eq(store_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
	store_end();
}
END_TEST

START_TEST(test_encoding)
{
	struct ofa_error err = {0};
	char url[512], name[64];
	struct store *s;

	store_begin(STORE_POSTGRESQL);
	snprintf(name, sizeof(name), "latin%ld", (long)getpid());
	snprintf(url, sizeof(url), "CREATE DATABASE %s ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'", name);
	store_sql(url);
	snprintf(url, sizeof(url), "%.*s/%s", (int)(strrchr(store_url(), '/') - store_url()), store_url(), name);
	ASSERT_FAILS(store_open(url, NULL, NULL, &s, &err), OFA_ERR_UNSUPPORTED);
	ck_assert_ptr_nonnull(strstr(err.message, "LATIN1"));
	snprintf(url, sizeof(url), "DROP DATABASE %s", name);
	store_sql(url);
	store_end();
}
END_TEST

/* ---- roles ---- */

/* The database's URL for another role. */
static const char *url_of(const char *role, const char *password)
{
	static char url[512];

	snprintf(url, sizeof(url), "postgresql://%s:%s@%s", role, password, strchr(store_url(), '@') + 1);
	return url;
}

static const char *make_role(const char *options)
{
	static char role[32];
	char sql[256];

	snprintf(role, sizeof(role), "r%ld", (long)getpid());
	snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN PASSWORD 'secret' %s", role, options);
	store_sql(sql);
	return role;
}

static void drop_role(const char *role)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "DROP OWNED BY %s; DROP ROLE %s", role, role);
	store_sql(sql);
}

/* Where everything is there the role needs rights to the rows alone. */
START_TEST(test_rights)
{
	struct ofa_error err = {0};
	const char *role;
	struct store *s;
	uint64_t value;
	char sql[256];

	store_begin(STORE_POSTGRESQL);
	role = make_role("");
	ASSERT_FAILS(store_open(url_of(role, "secret"), NULL, NULL, &s, &err), OFA_ERR_IO);
	ck_assert_msg(strstr(err.message, "may not create") != NULL, "%s", err.message);
	store_close(store_again());
	snprintf(sql, sizeof(sql), "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %s", role);
	store_sql(sql);
	err = (struct ofa_error){0};
	ASSERT_OK(store_open(url_of(role, "secret"), NULL, NULL, &s, &err), &err);
	ASSERT_OK(s->driver->counter_next(s, "a", 0, &value, &err), &err);
	put_delivery(s, 1, "aa", "manifest");
	put_profile(s, "cam", "{}", 1);
	store_close(s);
	drop_role(role);
	store_end();
}
END_TEST

/* A role that has fewer connections than the pool would make. */
static void *count_often(void *arg)
{
	struct store *s = arg;
	struct ofa_error err = {0};
	uintptr_t refused = 0;
	uint64_t value;

	for (int i = 0; i < 100; i++) {
		enum ofa_status st = s->driver->counter_next(s, "a", 0, &value, &err);

		ck_assert_msg(st == OFA_OK || st == OFA_ERR_UNAVAILABLE, "%s", err.message);
		refused += st != OFA_OK;
	}
	return (void *)refused;
}

START_TEST(test_too_many_connections)
{
	struct ofa_error err = {0};
	pthread_t threads[8];
	uintptr_t refused = 0;
	const char *role;
	struct store *s;
	uint64_t value;
	char sql[256];

	store_begin(STORE_POSTGRESQL);
	role = make_role("CONNECTION LIMIT 2");
	store_close(store_again());
	snprintf(sql, sizeof(sql), "GRANT ALL ON ALL TABLES IN SCHEMA public TO %s", role);
	store_sql(sql);
	ASSERT_OK(store_open(url_of(role, "secret"), NULL, NULL, &s, &err), &err);
	for (size_t i = 0; i < OFA_ARRAY_LEN(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_often, s), 0);
	for (size_t i = 0; i < OFA_ARRAY_LEN(threads); i++) {
		void *n;

		pthread_join(threads[i], &n);
		refused += (uintptr_t)n;
	}
	ASSERT_OK(s->driver->counter_next(s, "a", 0, &value, &err), &err);
	ck_assert_uint_eq(value, 800 - refused + 1);
	store_close(s);
	drop_role(role);
	store_end();
}
END_TEST

/* ---- what is never told ---- */

START_TEST(test_password)
{
	static const char *const urls[] = {
		"postgresql://ofad:hunter2@127.0.0.1:1/ofad",
		"postgresql://ofad:hunter2@hunter2@127.0.0.1:1/ofad",
		"postgresql://ofad:hun/hunter2@127.0.0.1:1/ofad",
		"postgresql://ofad:x?hunter2@127.0.0.1:1/ofad",
		"postgresql://ofad:x#hunter2@127.0.0.1:1/ofad",
		"postgresql://ofad:%hunter2@127.0.0.1:1/ofad",
		"postgresql://127.0.0.1:1/ofad?password=hunter2&hunter2",
		"postgresql://127.0.0.1:1/ofad?password=hunter2=hunter2",
		"postgresql://[::1:hunter2@127.0.0.1/ofad",
		"mysql://ofad:hunter2@127.0.0.1/ofad",
		"ofad:hunter2",
	};
	struct store *s;

	for (size_t i = 0; i < OFA_ARRAY_LEN(urls); i++) {
		struct ofa_error err = {0};

		ck_assert_int_ne(store_open(urls[i], NULL, NULL, &s, &err), OFA_OK);
		ck_assert_msg(!strstr(err.message, "hunter2"), "%s: %s", urls[i], err.message);
	}
	store_begin(STORE_POSTGRESQL);
	for (int i = 0; i < 2; i++) {
		struct ofa_error err = {0};

		ASSERT_FAILS(store_open(url_of(i ? "ofad" : "nobody", "hunter2"), NULL, NULL, &s, &err),
			     OFA_ERR_UNAVAILABLE);
		ck_assert_msg(!strstr(err.message, "hunter2") && strstr(err.message, "authentication"), "%s",
			      err.message);
	}
	store_end();
}
END_TEST

/* ---- a server that refuses ---- */

static enum ofa_status next_number(struct store *s, struct ofa_error *err)
{
	uint64_t value;

	*err = (struct ofa_error){0};
	return s->driver->counter_next(s, "a", 0, &value, err);
}

/* A standby: it is opened and read, and comes to itself when it is the leader. */
START_TEST(test_only_readable)
{
	struct ofa_error err = {0};
	struct store *s;
	char sql[128];
	uint64_t value;

	store_begin(STORE_POSTGRESQL);
	snprintf(sql, sizeof(sql), "ALTER DATABASE t%ld SET default_transaction_read_only = on", (long)getpid());
	store_close(store_again());
	store_sql(sql);
	s = store_again();
	ASSERT_OK(s->driver->counter_get(s, "a", &value, &err), &err);
	ASSERT_FAILS(next_number(s, &err), OFA_ERR_UNAVAILABLE);
	ASSERT_FAILS(next_number(s, &err), OFA_ERR_UNAVAILABLE);
	snprintf(sql, sizeof(sql), "BEGIN READ WRITE; ALTER DATABASE t%ld RESET ALL; COMMIT",
		 (long)getpid());
	store_sql(sql);
	ASSERT_OK(next_number(s, &err), &err);
	store_close(s);
	store_end();
}
END_TEST

/* Whatever a trigger says the server could say for itself. */
START_TEST(test_states)
{
	static const struct {
		const char *state;
		enum ofa_status expected;
	} cases[] = {
		{"53100", OFA_ERR_EXHAUSTED}, {"53200", OFA_ERR_UNAVAILABLE}, {"57014", OFA_ERR_UNAVAILABLE},
		{"40001", OFA_ERR_UNAVAILABLE}, {"55P03", OFA_ERR_UNAVAILABLE}, {"XX000", OFA_ERR_IO},
	};
	struct ofa_error err = {0};
	struct store *s;
	char sql[512];

	store_begin(STORE_POSTGRESQL);
	s = store_again();
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		snprintf(sql, sizeof(sql),
			 "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
			 "'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''%s''; END'; "
			 "CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON counters EXECUTE FUNCTION refuse()",
			 cases[i].state);
		store_sql(sql);
		ASSERT_FAILS(next_number(s, &err), cases[i].expected);
		ck_assert_str_eq(err.message, "database: no");
	}
	store_sql("DROP TRIGGER refuse ON counters");
	ASSERT_OK(next_number(s, &err), &err);
	store_close(s);
	store_end();
}
END_TEST

/* What is only a moment's misfortune is tried again at once, unseen. */
START_TEST(test_unlucky)
{
	struct ofa_error err = {0};
	struct store *s;

	store_begin(STORE_POSTGRESQL);
	s = store_again();
	store_sql("CREATE TABLE tries (n int); CREATE SEQUENCE attempts; CREATE FUNCTION once() RETURNS trigger "
		  "LANGUAGE plpgsql AS 'BEGIN IF nextval(''attempts'') = 1 THEN "
		  "RAISE EXCEPTION ''deadlock'' USING ERRCODE = ''40P01''; END IF; RETURN NEW; END'; "
		  "CREATE TRIGGER once BEFORE INSERT ON counters FOR EACH ROW EXECUTE FUNCTION once()");
	ASSERT_OK(next_number(s, &err), &err);
	ck_assert_str_eq(store_sql("SELECT last_value FROM attempts"), "2");
	store_close(s);
	store_end();
}
END_TEST

/* Whether the statement was run that the connection was lost with is not known: it is run again where a second time
 * does nothing, and nowhere else. */
START_TEST(test_unknown)
{
	static const struct store_ledger more = {.network = "aa", .name = "net", .since = "now", .deliveries = 1};
	struct ofa_error err = {0};
	struct store *s;

	store_begin(STORE_POSTGRESQL);
	s = store_again();
	store_sql("CREATE SEQUENCE attempts; CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS "
		  "'BEGIN IF nextval(''attempts'') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
		  "RETURN NEW; END'; "
		  "CREATE TRIGGER once BEFORE INSERT ON counters FOR EACH ROW EXECUTE FUNCTION once(); "
		  "CREATE TRIGGER once BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION once()");
	ASSERT_FAILS(s->driver->ledger_add(s, &more, &err), OFA_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(err.message, "whether it was done is not known"));
	ck_assert_str_eq(store_sql("SELECT last_value FROM attempts"), "1");
	store_sql("ALTER SEQUENCE attempts RESTART");
	ASSERT_OK(next_number(s, &err), &err);
	ck_assert_str_eq(store_sql("SELECT last_value FROM attempts"), "2");
	store_close(s);
	store_end();
}
END_TEST

/* Of every connection that the store has: a plan that a migration made out of date, a statement that is gone. */
START_TEST(test_prepared)
{
	struct ofa_error err = {0};
	struct store *s;
	uint64_t value;

	store_begin(STORE_POSTGRESQL);
	s = store_again();
	ASSERT_OK(next_number(s, &err), &err);
	ASSERT_OK(s->driver->counter_get(s, "a", &value, &err), &err);
	store_sql("ALTER TABLE counters ALTER COLUMN value TYPE numeric");
	ASSERT_OK(s->driver->counter_get(s, "a", &value, &err), &err);
	ck_assert_uint_eq(value, 1);
	ASSERT_OK(next_number(s, &err), &err);
	store_sql("ALTER TABLE counters ADD COLUMN note text");
	ASSERT_OK(next_number(s, &err), &err);
	store_close(s);
	store_end();
}
END_TEST

/* Connections that are ended while they are idle are nobody's errors. */
START_TEST(test_ended)
{
	static const char end[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
				  "WHERE datname = current_database() AND pid <> pg_backend_pid()";
	struct ofa_error err = {0};
	uint64_t number;
	struct store *s;

	store_begin(STORE_POSTGRESQL);
	s = store_again();
	put_delivery(s, 1, "aa", "manifest");
	for (int i = 0; i < 5; i++) {
		const struct store_measurement m = {.subnet = "aa", .author = "", .device = "", .latency_ms = 1};

		store_sql(end);
		ASSERT_OK(s->driver->measurement_put(s, &m, &(struct store_keep){10, 10}, &number, &err), &err);
		ck_assert_uint_eq(number, (uint64_t)i + 1);
		store_sql(end);
		put_gated(s, "cam", i % 2 ? "{}" : "{} ", NULL, i ? STORE_REPLACED : STORE_CREATED, (uint64_t)i + 1);
	}
	store_close(s);
	store_end();
}
END_TEST

/* A server that is cut off in the middle of a transaction, whose end the database would not notice for hours, holds the
 * others up for some seconds. */
START_TEST(test_cut_off)
{
	struct ofa_error err = {0};
	struct store *a, *b;
	struct pg_conn *c;

	store_begin(STORE_POSTGRESQL);
	a = store_again();
	b = store_again();
	ASSERT_OK(pg_begin_locked(pg_of(a), PG_LOCK_PROFILE, "cam", &c, &err), &err);
	put_profile(b, "cam", "{}", 1);
	ASSERT_FAILS(pg_end(pg_of(a), c, OFA_OK, &err), OFA_ERR_UNAVAILABLE);
	put_gated(a, "cam", "{} ", NULL, STORE_REPLACED, 2);
	store_close(b);
	store_close(a);
	store_end();
}
END_TEST

/* A lock that is not to be had leaves a connection in a transaction that has failed: nobody gets it like that. */
START_TEST(test_not_to_be_had)
{
	const struct store_profile p = {.name = "cam",
					.content = "{}",
					.content_size = 2,
					.sha256 = (const uint8_t[OFA_SHA256_BYTES]){1},
					.author = ""};
	struct store_profile_state state;
	enum store_written written;
	struct ofa_error err = {0};
	struct store *a, *b;
	struct pg_conn *c;

	store_begin(STORE_POSTGRESQL);
	a = store_again();
	store_sql("DO 'BEGIN EXECUTE format(''ALTER DATABASE %I SET lock_timeout = 100'', current_database()); END'");
	b = store_again();
	ASSERT_OK(pg_begin_locked(pg_of(a), PG_LOCK_PROFILE, "cam", &c, &err), &err);
	ASSERT_FAILS(b->driver->profile_put(b, &p, NULL, &written, &state, &err), OFA_ERR_UNAVAILABLE);
	ASSERT_FAILS(pg_end(pg_of(a), c, OFA_ERR_LIMIT, &err), OFA_ERR_LIMIT);
	put_profile(b, "cam", "{}", 1);
	store_close(b);
	store_close(a);
	store_end();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_many_migrate, test_versions, test_migration_fails, test_encoding, test_rights,
		test_too_many_connections, test_password, test_only_readable, test_states, test_unlucky,
		test_unknown, test_prepared, test_ended, test_cut_off,
		test_not_to_be_had,
	};
	int status;

	if (!stores_begin())
		return 77;
	status = run_tests("store-postgresql", tests, OFA_ARRAY_LEN(tests));
	stores_end();
	return status;
}
