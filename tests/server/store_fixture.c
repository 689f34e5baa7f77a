#include <libpq-fe.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>

#include "store_fixture.h"

#define URL_MAX 512

static char cluster[512]; /* directory; "" without one */
static char server_url[URL_MAX];
static char dir[512], url[URL_MAX];
static int kind_now;

/* ---- PostgreSQL ---- */

static int run_script(const char *verb, const char *more, char *out, size_t cap)
{
	const char *srcdir = getenv("OFA_SRCDIR");
	char command[2048];
	FILE *f;
	int status;

	snprintf(command, sizeof(command), "'%s/tests/services/postgresql' %s '%s' %s", srcdir ? srcdir : ".", verb,
		 cluster, more);
	f = popen(command, "r");
	if (!f)
		return -1;
	if (!fgets(out, (int)cap, f))
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void postgresql(const char *verb, const char *more)
{
	char out[URL_MAX];

	ck_assert_int_eq(run_script(verb, more, out, sizeof(out)), 0);
}

bool stores_begin(void)
{
	int status;

	snprintf(cluster, sizeof(cluster), "%s", temporary_path("postgresql-XXXXXX"));
	if (!mkdtemp(cluster)) {
		perror(cluster);
		exit(99);
	}
	status = run_script("start", "", server_url, sizeof(server_url));
	if (status == 0)
		return true;
	stores_end();
	if (status != 77)
		exit(99);
	fprintf(stderr, "its store is not tested\n");
	return false;
}

void stores_end(void)
{
	char command[600], out[URL_MAX];

	if (server_url[0])
		(void)run_script("stop", "immediate", out, sizeof(out));
	snprintf(command, sizeof(command), "rm -rf '%s'", cluster);
	if (system(command) != 0)
		perror(cluster);
	cluster[0] = server_url[0] = '\0';
}

static const char *run_sql(const char *where, const char *sql)
{
	static char value[256];
	PGconn *pq = PQconnectdb(where);
	PGresult *res = PQexec(pq, sql);

	ck_assert_msg(PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK, "%s: %s", sql,
		      PQerrorMessage(pq));
	snprintf(value, sizeof(value), "%s", PQntuples(res) ? PQgetvalue(res, 0, 0) : "");
	PQclear(res);
	PQfinish(pq);
	return value;
}

const char *store_sql(const char *sql)
{
	return run_sql(url, sql);
}

/* Of a name of its own: tests are processes of their own. */
static void make_database(bool drop)
{
	char sql[128];

	snprintf(sql, sizeof(sql), drop ? "DROP DATABASE t%ld WITH (FORCE)" : "CREATE DATABASE t%ld", (long)getpid());
	run_sql(server_url, sql);
	snprintf(url, sizeof(url), "%.*s/t%ld", (int)(strrchr(server_url, '/') - server_url), server_url,
		 (long)getpid());
}

int run_store_tests(const char *name, const TTest *const *tests, size_t n)
{
	SRunner *runner;
	TCase *tcase = tcase_create(name);
	Suite *suite = suite_create(name);
	int failed;

	(void)!stores_begin();
	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < n; i++)
		tcase_add_loop_test(tcase, tests[i], 0, server_url[0] ? STORE_KINDS : STORE_POSTGRESQL);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	stores_end();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* ---- a database for each test ---- */

void store_begin(int kind)
{
	kind_now = kind;
	if (kind == STORE_POSTGRESQL) {
		make_database(false);
		return;
	}
	snprintf(dir, sizeof(dir), "%s", temporary_path("store-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	static const char *const files[] = {"ofad.db", "ofad.db-wal", "ofad.db-shm"};
	char path[600];

	for (size_t i = 0; i < OFA_ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

void store_end(void)
{
	if (kind_now == STORE_POSTGRESQL)
		make_database(true);
	else
		remove_dir();
}

struct store *store_again(void)
{
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_OK(store_open(kind_now == STORE_POSTGRESQL ? url : NULL, dir, NULL, &s, &err), &err);
	return s;
}

const char *store_dir(void)
{
	return dir;
}

const char *store_url(void)
{
	return url;
}

/* ---- what tests do with a store ---- */

void put_gated(struct store *s, const char *name, const char *content, const struct store_gate *gate,
	       enum store_written expected, uint64_t revision)
{
	struct store_profile_state state;
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	enum store_written written;

	ofa_sha256(content, strlen(content), sha256);
	ASSERT_OK(s->driver->profile_put(s,
					 &(struct store_profile){.name = name,
								 .content = content,
								 .content_size = strlen(content),
								 .sha256 = sha256,
								 .author = "tester"},
					 gate, &written, &state, &err),
		  &err);
	ck_assert_int_eq(written, expected);
	ck_assert_uint_eq(state.revision, revision);
	if (written != STORE_REFUSED)
		ck_assert_mem_eq(state.sha256, sha256, sizeof(sha256));
}

void put_profile(struct store *s, const char *name, const char *content, uint64_t revision)
{
	put_gated(s, name, content, NULL, revision == 1 ? STORE_CREATED : STORE_REPLACED, revision);
}

void check_profile(struct store *s, const char *name, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;
	uint64_t revision;

	ofa_buf_init(&buf, (size_t)1 << 27);
	ASSERT_OK(s->driver->profile_get(s, name, &buf, &revision, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

enum ofa_status put_predicted(struct store *s, uint8_t question, const char *subnet, const char *manifest,
			      double predicted_ms, struct ofa_error *err)
{
	uint8_t digest[OFA_SHA256_BYTES] = {question};
	const struct store_delivery d = {
		.question = digest,
		.subnet = subnet,
		.size_bytes = 5,
		.network = "net",
		.arch = "{}",
		.limits = "{}",
		.seed = ((uint64_t)1 << 53) - 1,
		.evaluations = 3,
		.profile = predicted_ms > 0 ? "cam" : NULL,
		.profile_revision = predicted_ms > 0 ? 2 : 0,
		.latency_ms = predicted_ms > 0 ? predicted_ms : NAN,
		.manifest = manifest,
	};

	return s->driver->delivery_put(s, &d, err);
}

void put_delivery(struct store *s, uint8_t question, const char *subnet, const char *manifest)
{
	struct ofa_error err = {0};

	ASSERT_OK(put_predicted(s, question, subnet, manifest, 0, &err), &err);
}

void check_manifest(struct store *s, const char *subnet, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;

	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->delivery_by_subnet(s, subnet, &buf, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

void check_revision(struct store *s, const char *name, uint64_t revision, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;

	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->revision_get(s, name, revision, &buf, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}
