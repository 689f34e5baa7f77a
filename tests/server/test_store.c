/* The SQLite store: what is written is there, also for the next process. */
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "runner.h"
#include "store/store.h"

static char dir[512];

static struct store *open_store(void)
{
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_OK(store_sqlite.open(dir, &s, &err), &err);
	return s;
}

/* Each test has a directory of its own. */
static void make_dir(void)
{
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

static void put_profile(struct store *s, const char *name, const char *content, bool expect_created)
{
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	bool created;

	ofa_sha256(content, strlen(content), sha256);
	ASSERT_OK(s->driver->profile_put(
			  s,
			  &(struct store_profile){
				  .name = name, .content = content, .content_size = strlen(content), .sha256 = sha256},
			  &created, &err),
		  &err);
	ck_assert_int_eq(created, expect_created);
}

static void check_profile(struct store *s, const char *name, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;

	ofa_buf_init(&buf, 1 << 20);
	ASSERT_OK(s->driver->profile_get(s, name, &buf, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

START_TEST(test_profiles)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;
	struct store *s;

	make_dir();
	s = open_store();
	put_profile(s, "acme/cam", "{\"name\":\"acme/cam\"}", true);
	put_profile(s, "acme/cam", "{\"name\":\"acme/cam\",\"limits\":{}}", false);
	put_profile(s, "o'brien\"; DROP TABLE profiles; --", "{}", true);
	s->driver->close(s);

	s = open_store();
	check_profile(s, "acme/cam", "{\"name\":\"acme/cam\",\"limits\":{}}");
	check_profile(s, "o'brien\"; DROP TABLE profiles; --", "{}");
	ASSERT_OK(s->driver->profile_delete(s, "acme/cam", &err), &err);
	ASSERT_FAILS(s->driver->profile_delete(s, "acme/cam", NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->profile_get(s, "acme/cam", &buf, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "acme/cam"));
	ck_assert_uint_eq(buf.len, 0);
	ofa_buf_release(&buf);
	s->driver->close(s);
	remove_dir();
}
END_TEST

struct names {
	int n;
	char list[8][32];
};

static enum ofa_status take_name(void *ctx, const struct store_profile_entry *entry)
{
	struct names *names = ctx;

	ck_assert_uint_gt(strlen(entry->created_at), 19);
	snprintf(names->list[names->n++], 32, "%s", entry->name);
	return names->n == 8 ? OFA_ERR_CANCELLED : OFA_OK;
}

START_TEST(test_pages)
{
	struct names names = {0};
	struct ofa_error err = {0};
	struct store *s;
	char name[16];

	make_dir();
	s = open_store();
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "p%02d", (i * 7) % 20);
		put_profile(s, name, "{}", true);
	}
	ASSERT_OK(s->driver->profile_list(s, "", 3, take_name, &names, &err), &err);
	ck_assert_int_eq(names.n, 3);
	ck_assert_str_eq(names.list[0], "p00");
	ck_assert_str_eq(names.list[2], "p02");
	names.n = 0;
	ASSERT_OK(s->driver->profile_list(s, "p17", 5, take_name, &names, &err), &err);
	ck_assert_int_eq(names.n, 2);
	ck_assert_str_eq(names.list[0], "p18");
	names.n = 0;
	ASSERT_FAILS(s->driver->profile_list(s, "", 20, take_name, &names, &err), OFA_ERR_CANCELLED);
	ck_assert_int_eq(names.n, 8);
	s->driver->close(s);
	remove_dir();
}
END_TEST

static void put_delivery(struct store *s, uint8_t question, const char *subnet, const char *manifest)
{
	uint8_t digest[OFA_SHA256_BYTES] = {question};
	struct ofa_error err = {0};

	ASSERT_OK(s->driver->delivery_put(s,
					  &(struct store_delivery){.question = digest,
								   .subnet = subnet,
								   .size_bytes = 5,
								   .network = "net",
								   .arch = "{}",
								   .limits = "{}",
								   .seed = ((uint64_t)1 << 53) - 1,
								   .evaluations = 3,
								   .manifest = manifest},
					  &err),
		  &err);
}

static void check_manifest(struct store *s, const char *subnet, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;

	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->delivery_by_subnet(s, subnet, &buf, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

START_TEST(test_deliveries)
{
	uint8_t question[OFA_SHA256_BYTES] = {2};
	struct ofa_error err = {0};
	struct ofa_buf buf;
	struct store *s;

	make_dir();
	s = open_store();
	put_delivery(s, 1, "aa", "first");
	put_delivery(s, 2, "aa", "second");
	put_delivery(s, 2, "bb", "third"); /* a question keeps its first answer */
	check_manifest(s, "aa", "first");
	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->delivery_by_question(s, question, &buf, &err), &err);
	ck_assert_mem_eq(buf.data, "second", 6);
	ASSERT_FAILS(s->driver->delivery_by_subnet(s, "bb", &buf, NULL), OFA_ERR_NOT_FOUND);
	question[0] = 9;
	ASSERT_FAILS(s->driver->delivery_by_question(s, question, &buf, NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_release(&buf);
	s->driver->close(s);
	remove_dir();
}
END_TEST

static uint64_t next_number(struct store *s, const char *name, uint64_t floor)
{
	struct ofa_error err = {0};
	uint64_t given, read;

	ASSERT_OK(s->driver->counter_next(s, name, floor, &given, &err), &err);
	ASSERT_OK(s->driver->counter_get(s, name, &read, &err), &err);
	ck_assert_uint_eq(read, given);
	return given;
}

START_TEST(test_counters)
{
	struct ofa_error err = {0};
	struct store *s;
	uint64_t value;

	make_dir();
	s = open_store();
	ASSERT_OK(s->driver->counter_get(s, "a", &value, &err), &err);
	ck_assert_uint_eq(value, 0);
	ck_assert_uint_eq(next_number(s, "a", 0), 1);
	ck_assert_uint_eq(next_number(s, "a", 100), 100);
	ck_assert_uint_eq(next_number(s, "a", 50), 101);
	s->driver->close(s);
	s = open_store();
	ck_assert_uint_eq(next_number(s, "a", 0), 102);
	ck_assert_uint_eq(next_number(s, "b", 7), 7);
	s->driver->close(s);
	remove_dir();
}
END_TEST

static void *write_many(void *arg)
{
	struct store *s = arg;
	char name[32];

	for (int i = 0; i < 25; i++) {
		snprintf(name, sizeof(name), "%lx-%d", (unsigned long)pthread_self(), i);
		put_profile(s, name, "{}", true);
		check_profile(s, name, "{}");
	}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];
	struct store *s;

	make_dir();
	s = open_store();
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, s), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	s->driver->close(s);
	remove_dir();
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

	make_dir();
	s = open_store();
	s->driver->close(s);
	snprintf(path, sizeof(path), "%s/ofad.db", dir);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	ASSERT_FAILS(store_sqlite.open(dir, &s, &err), OFA_ERR_UNSUPPORTED);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	ASSERT_FAILS(store_sqlite.open(dir, &s, NULL), OFA_ERR_IO);
	remove_dir();
	ASSERT_FAILS(store_sqlite.open(dir, &s, NULL), OFA_ERR_IO);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_profiles, test_pages, test_deliveries, test_counters, test_threads, test_foreign,
	};

	return run_tests("store", tests, OFA_ARRAY_LEN(tests));
}
