/* What every package store keeps to, whichever kind it is: one contract, run on each. */
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/sha256.h"
#include "cluster.h"
#include "packages/package_store.h"
#include "runner.h"
#include "s3_server.h"
#include "store/store.h"

/* ---- the kinds ---- */

static char dir[512];

struct kind {
	const char *name;
	/* An empty one; false: it cannot be had here. */
	bool (*set_up)(void);
	/* Changes a byte of a stored package behind the store's back. */
	void (*alter)(const char *id);
	bool remote;
	bool in_pieces; /* who reads while it is written may see less: the tests' S3, unlike Amazon's */
};

/* Of the store under test: --packages and --store. */
static char url[1024], store_url[CLUSTER_URL_MAX];

static bool dir_set_up(void)
{
	snprintf(url, sizeof(url), "dir:%s/kept", dir);
	return true;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void alter_file(const char *path)
{
	FILE *f = fopen(path, "r+b");

	ck_assert_msg(f != NULL, "there is no %s", path);
	fputc('X', f);
	fclose(f);
}

static void dir_alter(const char *id)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/kept/%s.ofa", dir, id);
	alter_file(path);
}

static bool has_cluster, has_s3;

static bool postgresql_set_up(void)
{
	if (!has_cluster)
		return false;
	cluster_database("packages", store_url);
	snprintf(url, sizeof(url), "postgresql");
	return true;
}

static void postgresql_alter(const char *id)
{
	char sql[256], out[64];

	snprintf(sql, sizeof(sql),
		 "UPDATE package_bytes SET data = set_byte(data, 0, 88) WHERE id = '%s' AND number = 0", id);
	cluster_ask(store_url, sql, out, sizeof(out));
}

static char prefix[64];

static bool s3_set_up(void)
{
	if (!has_s3)
		return false;
	snprintf(prefix, sizeof(prefix), "fleet/%ld", (long)getpid());
	s3_url(prefix, url);
	return true;
}

static void s3_alter(const char *id)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/%s.ofa", prefix, id);
	alter_file(s3_object(name));
}

static const struct kind kinds[] = {
	{.name = "dir", .set_up = dir_set_up, .alter = dir_alter},
	/* a directory of another machine, whose files are copied */
	{.name = "dir, far away", .set_up = dir_set_up, .alter = dir_alter, .remote = true},
	{.name = "postgresql", .set_up = postgresql_set_up, .alter = postgresql_alter, .remote = true},
	{.name = "s3", .set_up = s3_set_up, .alter = s3_alter, .remote = true, .in_pieces = true},
};

/* ---- a store of the kind under test ---- */

static const struct kind *kind;
static struct store *database; /* this process's; NULL: none is open */

static struct package_store *open_store(void)
{
	struct package_store_options options = {.dir = dir};
	struct ofa_error err = {0};
	struct package_store *s;

	if (*store_url && !database)
		ASSERT_OK(store_open(store_url, dir, NULL, &database, &err), &err);
	options.store = database;
	ASSERT_OK(package_store_open(url, &options, &s, &err), &err);
	if (kind->remote)
		s->remote = true;
	return s;
}

/* False: this kind cannot be had here, and the check says so. */
static bool begin(int i)
{
	kind = &kinds[i];
	snprintf(dir, sizeof(dir), "%s", temporary_path("packages-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
	*store_url = '\0';
	if (kind->set_up())
		return true;
	rmdir(dir);
	printf("%s cannot be had here: not tested\n", kind->name);
	return false;
}

static void end(void)
{
	char command[600];

	store_close(database);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void id_of(const void *data, size_t size, char id[PACKAGE_ID_CHARS + 1])
{
	uint8_t sha256[OFA_SHA256_BYTES];

	ofa_sha256(data, size, sha256);
	ofa_hex(sha256, sizeof(sha256), id);
}

static bool put(struct package_store *s, const char *id, const char *text, size_t size, enum package_put how)
{
	struct ofa_error err = {0};
	bool present;

	ASSERT_OK(s->driver->put(s, id, (const uint8_t *)text, size, how, &present, &err), &err);
	return present;
}

static void check_is(struct package_store *s, const char *id, const char *text, size_t size)
{
	struct ofa_error err = {0};
	struct ofa_map map;

	ASSERT_OK(s->driver->get(s, id, &map, &err), &err);
	ck_assert_uint_eq(map.size, size);
	if (size)
		ck_assert_mem_eq(map.data, text, size);
	ofa_map_close(&map);
}

static void check_absent(struct package_store *s, const char *id)
{
	struct ofa_error err = {0};
	struct ofa_map map;

	ck_assert_int_eq(s->driver->get(s, id, &map, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, id));
}

/* ---- the contract ---- */

START_TEST(what_is_put_is_there_for_all)
{
	char id[PACKAGE_ID_CHARS + 1];
	struct package_store *s, *other;
	struct ofa_error err = {0};

	if (!begin(_i))
		return;
	s = open_store();
	other = open_store();
	id_of("package", 7, id);
	ASSERT_OK(package_store_check(s, &err), &err);
	check_absent(s, id);
	ck_assert(!put(s, id, "package", 7, PACKAGE_PUT_NEW));
	check_is(s, id, "package", 7);
	check_is(other, id, "package", 7);
	ck_assert(put(other, id, "package", 7, PACKAGE_PUT_NEW));
	package_store_close(s);
	package_store_close(other);
	s = open_store();
	check_is(s, id, "package", 7);
	ASSERT_OK(package_store_check(s, &err), &err);
	package_store_close(s);
	end();
}
END_TEST

START_TEST(one_that_is_there_is_replaced_only_by_intent)
{
	char id[PACKAGE_ID_CHARS + 1];
	struct package_store *s;

	if (!begin(_i))
		return;
	s = open_store();
	id_of("package", 7, id);
	ck_assert(!put(s, id, "package", 7, PACKAGE_PUT_NEW));
	kind->alter(id);
	check_is(s, id, "Xackage", 7);
	ck_assert(put(s, id, "package", 7, PACKAGE_PUT_NEW));
	check_is(s, id, "Xackage", 7);
	put(s, id, "package", 7, PACKAGE_PUT_REPLACE);
	check_is(s, id, "package", 7);
	package_store_close(s);
	end();
}
END_TEST

START_TEST(dropped_ones_are_gone_and_maps_stay)
{
	char id[PACKAGE_ID_CHARS + 1];
	struct ofa_error err = {0};
	struct package_store *s;
	struct ofa_map map;

	if (!begin(_i))
		return;
	s = open_store();
	id_of("package", 7, id);
	ASSERT_OK(s->driver->drop(s, id, &err), &err); /* there is none */
	put(s, id, "package", 7, PACKAGE_PUT_NEW);
	ASSERT_OK(s->driver->get(s, id, &map, &err), &err);
	ASSERT_OK(s->driver->drop(s, id, &err), &err);
	check_absent(s, id);
	ck_assert_mem_eq(map.data, "package", 7);
	ck_assert(!put(s, id, "package", 7, PACKAGE_PUT_NEW));
	check_is(s, id, "package", 7);
	ck_assert_mem_eq(map.data, "package", 7);
	ofa_map_close(&map);
	package_store_close(s);
	end();
}
END_TEST

enum { LARGE = 20 << 20 };

START_TEST(any_size_comes_back)
{
	static const size_t sizes[] = {0, 1, 4096, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, LARGE};
	char *bytes = malloc(LARGE), id[PACKAGE_ID_CHARS + 1];
	struct package_store *s;

	ck_assert_ptr_nonnull(bytes);
	for (uint32_t i = 0, x = 1; i < LARGE; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 24);
	}
	if (!begin(_i))
		return;
	s = open_store();
	for (size_t i = 0; i < OFA_ARRAY_LEN(sizes); i++) {
		id_of(bytes, sizes[i], id);
		put(s, id, bytes, sizes[i], PACKAGE_PUT_NEW);
		check_is(s, id, bytes, sizes[i]);
	}
	package_store_close(s);
	free(bytes);
	end();
}
END_TEST

enum { PROCESSES = 4, PUTS = 25 };

static void one_of_many(int i, char text[32], char id[PACKAGE_ID_CHARS + 1])
{
	memset(text, 0, 32);
	snprintf(text, 32, "package %02d", i);
	id_of(text, 32, id);
}

static void put_many(void)
{
	struct package_store *s = open_store();
	char text[32], id[PACKAGE_ID_CHARS + 1];

	for (int i = 0; i < PUTS; i++) {
		one_of_many(i, text, id);
		put(s, id, text, sizeof(text), i % 5 == 4 ? PACKAGE_PUT_REPLACE : PACKAGE_PUT_NEW);
		if (!kind->in_pieces)
			check_is(s, id, text, sizeof(text));
	}
	package_store_close(s);
	store_close(database);
}

static void check_many(void)
{
	struct package_store *s = open_store();
	char text[32], id[PACKAGE_ID_CHARS + 1];

	for (int i = 0; i < PUTS; i++) {
		one_of_many(i, text, id);
		check_is(s, id, text, sizeof(text));
	}
	package_store_close(s);
}

START_TEST(several_processes_put_the_same_at_once)
{
	pid_t children[PROCESSES];
	int status;

	if (!begin(_i))
		return;
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		ck_assert_int_ge(children[i], 0);
		if (children[i] == 0) {
			put_many();
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d failed: %d", i, status);
	}
	check_many();
	end();
}
END_TEST

struct listing {
	unsigned n;
	char id[PACKAGE_ID_CHARS + 1];
	uint64_t size_bytes;
};

static enum ofa_status take_listed(void *ctx, const char *id, uint64_t size_bytes)
{
	struct listing *l = ctx;

	l->n++;
	snprintf(l->id, sizeof(l->id), "%s", id);
	l->size_bytes = size_bytes;
	return OFA_OK;
}

START_TEST(a_listing_has_packages_and_nothing_else)
{
	char id[PACKAGE_ID_CHARS + 1], path[600];
	struct listing l = {0};
	struct ofa_error err = {0};
	struct package_store *s;

	if (!begin(_i))
		return;
	s = open_store();
	id_of("package", 7, id);
	if (s->driver->list) {
		put(s, id, "package", 7, PACKAGE_PUT_NEW);
		if (strcmp(s->driver->name, "dir") == 0) {
			snprintf(path, sizeof(path), "%s/kept/README", dir);
			write_file(path, "not a package");
		}
		ASSERT_OK(s->driver->list(s, take_listed, &l, &err), &err);
		ck_assert_uint_eq(l.n, 1);
		ck_assert_str_eq(l.id, id);
		ck_assert_uint_eq(l.size_bytes, 7);
	}
	package_store_close(s);
	end();
}
END_TEST

/* ---- a directory's own ---- */

START_TEST(a_crash_leaves_nothing_and_others_are_let_finish)
{
	char ours[600], fresh[600];
	const struct package_store_options options = {.dir = dir};
	struct ofa_error err = {0};
	struct package_store *s;

	begin(0);
	snprintf(ours, sizeof(ours), "%s/packages", dir);
	ck_assert_int_eq(mkdir(ours, 0700), 0);
	snprintf(ours, sizeof(ours), "%s/packages/abc.ofa.tmp.1", dir);
	write_file(ours, "half");
	ASSERT_OK(package_store_open(NULL, &options, &s, &err), &err);
	package_store_close(s);
	ck_assert_int_ne(access(ours, F_OK), 0);

	/* another server may be writing it */
	s = open_store();
	package_store_close(s);
	snprintf(fresh, sizeof(fresh), "%s/kept/abc.ofa.tmp.1", dir);
	write_file(fresh, "half");
	s = open_store();
	package_store_close(s);
	ck_assert_int_eq(access(fresh, F_OK), 0);
	end();
}
END_TEST

/* ---- the database's own ---- */

START_TEST(sqlite_keeps_no_packages)
{
	struct package_store_options options = {.dir = dir};
	struct ofa_error err = {0};
	struct package_store *s;

	begin(0);
	ASSERT_OK(store_open(NULL, dir, NULL, &database, &err), &err);
	options.store = database;
	ck_assert_int_eq(package_store_open("postgresql", &options, &s, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "--packages");
	ck_assert_ptr_nonnull(strstr(err.message, "sqlite"));
	end();
}
END_TEST

/* ---- what --packages takes ---- */

START_TEST(locations_are_read)
{
	struct ofa_error err = {0};
	struct package_location l;

	ASSERT_OK(package_location_parse("dir:/var/lib/packages", &l, &err), &err);
	ck_assert_int_eq(l.kind, PACKAGES_IN_DIR);
	ck_assert_str_eq(l.dir, "/var/lib/packages");
	ASSERT_OK(package_location_parse("postgresql", &l, &err), &err);
	ck_assert_int_eq(l.kind, PACKAGES_IN_STORE);
	ASSERT_OK(package_location_parse("s3://fleet", &l, &err), &err);
	ck_assert_int_eq(l.kind, PACKAGES_IN_S3);
	ck_assert_str_eq(l.bucket, "fleet");
	ck_assert_str_eq(l.prefix, "");
	ASSERT_OK(package_location_parse("s3://fleet.eu/a/b?endpoint=http://[::1]:9000/&region=eu-central-1", &l, &err),
		  &err);
	ck_assert_str_eq(l.bucket, "fleet.eu");
	ck_assert_str_eq(l.prefix, "a/b/");
	ck_assert_str_eq(l.endpoint, "http://[::1]:9000");
	ck_assert_str_eq(l.region, "eu-central-1");
	ASSERT_OK(package_location_parse("s3://fleet/a/?region=auto", &l, &err), &err);
	ck_assert_str_eq(l.prefix, "a/");
	ck_assert_str_eq(l.region, "auto");
}
END_TEST

START_TEST(other_locations_are_refused_by_name)
{
	static const struct {
		const char *url, *told;
	} wrong[] = {
		{"", "dir:PATH, postgresql"},
		{"/var/lib/packages", "dir:PATH, postgresql"},
		{"dir:", "needs the path"},
		{"postgresql://host/db", "dir:PATH, postgresql"},
		{"s3://", "name of a bucket"},
		{"s3://Fleet", "name of a bucket"},
		{"s3://a", "name of a bucket"},
		{"s3://-fleet", "name of a bucket"},
		{"s3://fl..eet", "name of a bucket"},
		{"s3://key:secret@fleet/", "name of a bucket"},
		{"s3://fleet/a b", "the prefix"},
		{"s3://fleet/a//b", "the prefix"},
		{"s3://fleet//", "the prefix"},
		{"s3://fleet/../b", "the prefix"},
		{"s3://fleet/a/..", "the prefix"},
		{"s3://fleet/%2e", "the prefix"},
		{"s3://fleet?", "endpoint=URL and region=REGION"},
		{"s3://fleet?secret=hidden", "AWS_SECRET_ACCESS_KEY"},
		{"s3://fleet?region=a&region=b", "each once"},
		{"s3://fleet?region=", "region"},
		{"s3://fleet?region=EU", "region"},
		{"s3://fleet?endpoint=ftp://host", "endpoint"},
		{"s3://fleet?endpoint=http://", "endpoint"},
		{"s3://fleet?endpoint=http://user@host", "endpoint"},
		{"s3://fleet?endpoint=http://host/path", "endpoint"},
		{"s3://fleet?endpoint=http://host:0", "endpoint"},
		{"s3://fleet?endpoint=http://host:65536", "endpoint"},
		{"s3://fleet?endpoint=http://[::1", "endpoint"},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(wrong); i++) {
		struct ofa_error err = {0};
		struct package_location l;

		ck_assert_int_eq(package_location_parse(wrong[i].url, &l, &err), OFA_ERR_INVALID);
		ck_assert_str_eq(err.field, "--packages");
		ck_assert_msg(strstr(err.message, wrong[i].told) != NULL, "%s: %s", wrong[i].url, err.message);
		ck_assert_msg(!strstr(err.message, "hidden"), "%s", err.message);
	}
}
END_TEST

START_TEST(ids_are_64_hex_digits)
{
	char id[PACKAGE_ID_CHARS + 1];

	id_of("", 0, id);
	ck_assert(package_id_valid(id));
	id[0] = 'A';
	ck_assert(!package_id_valid(id));
	ck_assert(!package_id_valid(""));
	ck_assert(!package_id_valid("../../../etc/passwd"));
	id_of("", 0, id);
	id[63] = '\0';
	ck_assert(!package_id_valid(id));
}
END_TEST

int main(void)
{
	const TTest *const contract[] = {
		what_is_put_is_there_for_all,
		one_that_is_there_is_replaced_only_by_intent,
		dropped_ones_are_gone_and_maps_stay,
		any_size_comes_back,
		several_processes_put_the_same_at_once,
		a_listing_has_packages_and_nothing_else,
	};
	const TTest *const others[] = {
		a_crash_leaves_nothing_and_others_are_let_finish,
		sqlite_keeps_no_packages,
		locations_are_read,
		other_locations_are_refused_by_name,
		ids_are_64_hex_digits,
	};
	Suite *suite;
	TCase *tcase;
	SRunner *runner;
	int failed;

	has_cluster = cluster_start();
	has_s3 = s3_start();
	suite = suite_create("package stores");
	tcase = tcase_create("package stores");
	runner = srunner_create(suite);

	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < OFA_ARRAY_LEN(contract); i++)
		tcase_add_loop_test(tcase, contract[i], 0, (int)OFA_ARRAY_LEN(kinds));
	for (size_t i = 0; i < OFA_ARRAY_LEN(others); i++)
		tcase_add_test(tcase, others[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (has_cluster)
		cluster_stop();
	if (has_s3)
		s3_stop();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
