/* The SQLite store: what is written is there, also for the next process. */
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "runner.h"
#include "store/store.h"

static char dir[512];

static struct store *open_store(void)
{
	struct ofa_error err = {0};
	struct store *s;

	ASSERT_OK(store_open(NULL, dir, NULL, &s, &err), &err);
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

static void put_gated(struct store *s, const char *name, const char *content, const struct store_gate *gate,
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

static void put_profile(struct store *s, const char *name, const char *content, bool expect_created)
{
	put_gated(s, name, content, NULL, expect_created ? STORE_CREATED : STORE_REPLACED, expect_created ? 1 : 2);
}

static void delete_profile(struct store *s, const char *name, const struct store_gate *gate,
			   enum store_written expected, uint64_t revision)
{
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;

	ASSERT_OK(s->driver->profile_delete(s, name, gate, &written, &state, &err), &err);
	ck_assert_int_eq(written, expected);
	ck_assert_uint_eq(state.revision, revision);
}

static void check_profile(struct store *s, const char *name, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;
	uint64_t revision;

	ofa_buf_init(&buf, 1 << 20);
	ASSERT_OK(s->driver->profile_get(s, name, &buf, &revision, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

START_TEST(test_profiles)
{
	struct store_profile_state state;
	struct ofa_error err = {0};
	enum store_written written;
	struct ofa_buf buf;
	uint64_t revision;
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
	delete_profile(s, "acme/cam", NULL, STORE_REPLACED, 2);
	ASSERT_FAILS(s->driver->profile_delete(s, "acme/cam", NULL, &written, &state, NULL), OFA_ERR_NOT_FOUND);
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->profile_get(s, "acme/cam", &buf, &revision, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "acme/cam"));
	ck_assert_uint_eq(buf.len, 0);
	ofa_buf_release(&buf);
	s->driver->close(s);
	remove_dir();
}
END_TEST

static void put_predicted(struct store *s, uint8_t question, const char *subnet, const char *manifest,
			  double predicted_ms)
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
								   .profile = predicted_ms > 0 ? "cam" : NULL,
								   .profile_revision = predicted_ms > 0 ? 2 : 0,
								   .latency_ms = predicted_ms > 0 ? predicted_ms : NAN,
								   .manifest = manifest},
					  &err),
		  &err);
}

static void put_delivery(struct store *s, uint8_t question, const char *subnet, const char *manifest)
{
	put_predicted(s, question, subnet, manifest, 0);
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

static bool watch(void *ctx, const struct store_profile_state *state, bool same)
{
	struct {
		uint64_t revision;
		bool same, open;
	} *seen = ctx;

	seen->revision = state->revision;
	seen->same = same;
	return seen->open;
}

static enum ofa_status take_revision(void *ctx, const struct store_revision_entry *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert_str_eq(e->author, "tester");
	ck_assert_uint_gt(strlen(e->created_at), 19);
	snprintf(text + n, 64 - n, "%llu:%llu ", (unsigned long long)e->revision, (unsigned long long)e->size_bytes);
	return OFA_OK;
}

static void check_revision(struct store *s, const char *name, uint64_t revision, const char *expected)
{
	struct ofa_error err = {0};
	struct ofa_buf buf;

	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->revision_get(s, name, revision, &buf, &err), &err);
	ck_assert_uint_eq(buf.len, strlen(expected));
	ck_assert_mem_eq(buf.data, expected, buf.len);
	ofa_buf_release(&buf);
}

/* Numbers run per name and are never given out again; contents stay; a closed gate writes nothing. */
START_TEST(test_revisions)
{
	struct {
		uint64_t revision;
		bool same, open;
	} seen = {.open = false};
	const struct store_gate gate = {.open = watch, .ctx = &seen};
	struct ofa_error err = {0};
	struct ofa_buf buf;
	struct store *s;
	char text[64] = "";

	make_dir();
	s = open_store();
	put_gated(s, "a", "one", &gate, STORE_REFUSED, 0);
	ck_assert(seen.revision == 0 && !seen.same);
	seen.open = true;
	put_gated(s, "a", "one", &gate, STORE_CREATED, 1);
	put_gated(s, "a", "one", &gate, STORE_UNCHANGED, 1);
	ck_assert(seen.revision == 1 && seen.same);
	put_gated(s, "a", "three", &gate, STORE_REPLACED, 2);
	ck_assert(seen.revision == 1 && !seen.same);
	put_gated(s, "a", "one", NULL, STORE_REPLACED, 3);
	put_gated(s, "b", "one", NULL, STORE_CREATED, 1);
	seen.open = false;
	put_gated(s, "a", "four", &gate, STORE_REFUSED, 3);
	delete_profile(s, "a", &gate, STORE_REFUSED, 3);
	check_profile(s, "a", "one");
	seen.open = true;
	delete_profile(s, "a", &gate, STORE_REPLACED, 3);
	s->driver->close(s);

	s = open_store();
	put_gated(s, "a", "one", &gate, STORE_CREATED, 4);
	ck_assert_uint_eq(seen.revision, 0);
	check_revision(s, "a", 1, "one");
	check_revision(s, "a", 2, "three");
	check_revision(s, "a", 4, "one");
	ofa_buf_init(&buf, 100);
	ASSERT_FAILS(s->driver->revision_get(s, "a", 5, &buf, &err), OFA_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(err.message, "revision 5"));
	ofa_buf_release(&buf);
	ASSERT_OK(s->driver->revision_list(s, "a", 0, 3, take_revision, text, &err), &err);
	ck_assert_str_eq(text, "4:3 3:3 2:5 ");
	ASSERT_OK(s->driver->revision_list(s, "a", 2, 3, take_revision, text, &err), &err);
	ck_assert_str_eq(text, "4:3 3:3 2:5 1:3 ");
	ASSERT_OK(s->driver->revision_list(s, "nobody", 0, 3, take_revision, NULL, &err), &err);
	s->driver->close(s);
	remove_dir();
}
END_TEST

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

	make_dir();
	snprintf(path, sizeof(path), "%s/server/store/schema/0001-profiles-deliveries.sql",
		 getenv("OFA_SRCDIR") ? getenv("OFA_SRCDIR") : ".");
	ASSERT_OK(ofa_file_read(path, 1 << 16, &schema, &size, &err), &err);
	snprintf(path, sizeof(path), "%s/ofad.db", dir);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	text = strndup((char *)schema, size);
	ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, rows, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	free(schema);
	free(text);

	s = open_store();
	ofa_buf_init(&buf, 100);
	ASSERT_OK(s->driver->profile_get(s, "acme/cam", &buf, &revision, &err), &err);
	ck_assert_uint_eq(revision, 1);
	ofa_buf_release(&buf);
	check_revision(s, "acme/cam", 1, "{\"name\":\"acme/cam\"}");
	check_manifest(s, "aa", "kept");
	put_gated(s, "acme/cam", "new", NULL, STORE_REPLACED, 2);
	put_gated(s, "b", "{}", NULL, STORE_REPLACED, 2); /* its digest was no digest */
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

static uint64_t measure(struct store *s, const char *subnet, const char *author, const char *device, double ms)
{
	const struct store_keep keep = {.per_device = 3, .per_subnet = 5};
	const struct store_measurement m = {.subnet = subnet,
					    .author = author,
					    .device = device,
					    .latency_ms = ms,
					    .p50_ms = NAN,
					    .p95_ms = 2 * ms,
					    .accuracy = NAN};
	struct ofa_error err = {0};
	uint64_t number;

	ASSERT_OK(s->driver->measurement_put(s, &m, &keep, &number, &err), &err);
	return number;
}

static enum ofa_status take_measurement(void *ctx, const struct store_measurement_entry *e)
{
	char *text = ctx;
	size_t n = strlen(text);

	ck_assert(isnan(e->measured.p50_ms) && e->measured.p95_ms == 2 * e->measured.latency_ms);
	snprintf(text + n, 256 - n, "%s/%s/%s=%g(%s@%d:%g) ", e->measured.subnet, e->measured.author,
		 e->measured.device, e->measured.latency_ms, e->profile ? e->profile : "-", (int)e->profile_revision,
		 isnan(e->predicted_ms) ? 0 : e->predicted_ms);
	return OFA_OK;
}

/* The newest of each device and of each subnet are kept; each knows what was predicted for it. */
START_TEST(test_measurements)
{
	const struct store_keep keep = {.per_device = 1, .per_subnet = 1};
	struct ofa_error err = {0};
	char text[256] = "";
	uint64_t number;
	struct store *s;

	make_dir();
	s = open_store();
	put_delivery(s, 1, "aa", "first");
	measure(s, "aa", "", "d", 1);
	put_predicted(s, 2, "aa", "second", 7.5);
	put_delivery(s, 3, "aa", "third");
	for (int i = 2; i < 6; i++)
		measure(s, "aa", "", "d", i);
	ASSERT_OK(s->driver->measurement_list(s, "aa", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa//d=5(cam@2:7.5) aa//d=4(cam@2:7.5) aa//d=3(cam@2:7.5) ");
	/* the same name said by another token is another device */
	measure(s, "aa", "t", "d", 9);
	number = measure(s, "aa", "t", "", 8);
	measure(s, "aa", "t", "e", 1);
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "aa", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa/t/e=1(cam@2:7.5) aa/t/=8(cam@2:7.5) aa/t/d=9(cam@2:7.5) aa//d=5(cam@2:7.5) "
			       "aa//d=4(cam@2:7.5) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "aa", number, 1, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa/t/d=9(cam@2:7.5) ");

	put_delivery(s, 4, "bb", "none");
	measure(s, "bb", "", "d", 3);
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_list(s, "bb", 0, 10, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "bb//d=3(-@0:0) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_of_profile(s, "cam", 2, 4, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "aa//d=5(cam@2:7.5) aa/t/=8(cam@2:7.5) aa/t/d=9(cam@2:7.5) aa/t/e=1(cam@2:7.5) ");
	text[0] = '\0';
	ASSERT_OK(s->driver->measurement_of_profile(s, "cam", 1, 4, take_measurement, text, &err), &err);
	ck_assert_str_eq(text, "");
	ASSERT_FAILS(s->driver->measurement_put(
			     s,
			     &(struct store_measurement){
				     .subnet = "cc", .author = "", .device = "", .latency_ms = 1},
			     &keep, &number, &err),
		     OFA_ERR_NOT_FOUND);
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
	ASSERT_FAILS(store_open(NULL, dir, NULL, &s, &err), OFA_ERR_UNSUPPORTED);
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", f);
	fclose(f);
	ASSERT_FAILS(store_open(NULL, dir, NULL, &s, NULL), OFA_ERR_IO);
	remove_dir();
	ASSERT_FAILS(store_open(NULL, dir, NULL, &s, NULL), OFA_ERR_IO);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_profiles, test_revisions, test_migration, test_pages, test_deliveries,
		test_measurements, test_counters, test_threads, test_foreign,
	};

	return run_tests("store", tests, OFA_ARRAY_LEN(tests));
}
