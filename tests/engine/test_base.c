/* Status and error reports, the byte buffer, files and digests. */
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "runner.h"

START_TEST(first_error_wins)
{
	struct ofa_error err = {0};

	ck_assert_int_eq(ofa_fail(&err, OFA_ERR_INVALID, "/a", "value %d", 3), OFA_ERR_INVALID);
	ck_assert_int_eq(ofa_fail(&err, OFA_ERR_IO, "/b", "later"), OFA_ERR_IO);
	ck_assert_int_eq(err.status, OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/a");
	ck_assert_str_eq(err.message, "value 3");
	ofa_error_prefix(&err, "file %s", "x");
	ck_assert_str_eq(err.message, "file x: value 3");
	ck_assert_int_eq(ofa_fail(NULL, OFA_ERR_IO, NULL, "nobody listens"), OFA_ERR_IO);
}
END_TEST

START_TEST(prefix_needs_an_error)
{
	struct ofa_error err = {0};

	ofa_error_prefix(&err, "file");
	ck_assert_str_eq(err.message, "");
	ofa_error_prefix(NULL, "file");
}
END_TEST

START_TEST(messages_are_valid_utf8)
{
	struct ofa_error err = {0};
	char cut[1024];

	ofa_fail(&err, OFA_ERR_FORMAT, "a\xFFz", "caf\xC3\xA9 \x01 \xC3( \xE2\x82 \xED\xA0\x80 \xF0\x9F\x98\x80");
	ck_assert_str_eq(err.field, "a?z");
	ck_assert_str_eq(err.message, "caf\xC3\xA9 ? ?( ?? ??? \xF0\x9F\x98\x80");
	/* A sequence cut by the end of the buffer must not stay behind in half. */
	memset(cut, 'x', sizeof(cut));
	memcpy(cut + sizeof(err.message) - 2, "\xC3\xA9", 3);
	memset(&err, 0, sizeof(err));
	ofa_fail(&err, OFA_ERR_FORMAT, NULL, "%s", cut);
	ck_assert_int_eq(strlen(err.message), sizeof(err.message) - 1);
	ck_assert_int_eq(err.message[sizeof(err.message) - 2], '?');
}
END_TEST

START_TEST(every_status_has_a_name)
{
	for (int i = 0; i < OFA_STATUS_COUNT; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(ofa_status_name((enum ofa_status)i), ofa_status_name((enum ofa_status)j));
	ck_assert_str_eq(ofa_status_name(OFA_STATUS_COUNT), "unknown");
}
END_TEST

START_TEST(buffer_grows_to_its_ceiling)
{
	struct ofa_buf b;
	const char *text;
	uint8_t bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	ofa_buf_init(&b, 1000);
	ck_assert_int_eq(ofa_buf_cstr(&b, &text), OFA_OK);
	ck_assert_str_eq(text, "");
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ofa_buf_append(&b, bytes, sizeof(bytes)), OFA_OK);
	ck_assert_int_eq(ofa_buf_append(&b, bytes, 101), OFA_ERR_LIMIT);
	ck_assert_int_eq(b.len, 900);
	ck_assert_int_eq(ofa_buf_append(&b, bytes, 100), OFA_OK);
	ck_assert_int_eq(ofa_buf_printf(&b, "x"), OFA_ERR_LIMIT);
	ck_assert_int_eq(ofa_buf_cstr(&b, &text), OFA_OK);
	ck_assert_int_eq(b.len, 1000);
	for (size_t i = 0; i < 900; i++)
		ck_assert_int_eq(b.data[i], (uint8_t)(i % 300));
	ofa_buf_reset(&b);
	ck_assert_int_eq(ofa_buf_printf(&b, "%s-%d", "abc", 7), OFA_OK);
	ck_assert_int_eq(ofa_buf_cstr(&b, &text), OFA_OK);
	ck_assert_str_eq(text, "abc-7");
	ofa_buf_release(&b);
}
END_TEST

START_TEST(files_round_trip)
{
	const char *path = temporary_path("file");
	struct ofa_error err = {0};
	struct ofa_map map;
	uint8_t *data;
	size_t size;

	ASSERT_OK(ofa_file_write_atomic(path, "old content", 11, &err), &err);
	ASSERT_OK(ofa_file_write_atomic(path, "new", 3, &err), &err);
	ASSERT_OK(ofa_file_read(path, 3, &data, &size, &err), &err);
	ck_assert_int_eq(size, 3);
	ck_assert_str_eq((char *)data, "new");
	free(data);
	ASSERT_OK(ofa_map_open(path, &map, &err), &err);
	ck_assert_int_eq(map.size, 3);
	ck_assert_mem_eq(map.data, "new", 3);
	ofa_map_close(&map);
	ASSERT_FAILS(ofa_file_read(path, 2, &data, &size, &err), OFA_ERR_LIMIT);
	ASSERT_OK(ofa_file_write_atomic(path, "", 0, NULL), &err);
	ASSERT_OK(ofa_map_open(path, &map, NULL), &err);
	ck_assert_int_eq(map.size, 0);
	ofa_map_close(&map);
	unlink(path);
}
END_TEST

START_TEST(bad_paths_are_errors)
{
	struct ofa_map map;
	uint8_t *data;
	size_t size;

	ASSERT_FAILS(ofa_map_open("/nonexistent/file", &map, NULL), OFA_ERR_NOT_FOUND);
	ASSERT_FAILS(ofa_map_open("/", &map, NULL), OFA_ERR_IO);
	ASSERT_FAILS(ofa_file_read("/", 10, &data, &size, NULL), OFA_ERR_IO);
	ASSERT_FAILS(ofa_file_write_atomic("/nonexistent/file", "x", 1, NULL), OFA_ERR_NOT_FOUND);
}
END_TEST

START_TEST(failed_write_keeps_the_old_file)
{
	const char *dir = temporary_path("dir");
	char beside[600];
	glob_t found;

	/* The target is a folder: everything but the last step succeeds. */
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(beside, sizeof(beside), "%s.tmp.*", dir);
	ASSERT_FAILS(ofa_file_write_atomic(dir, "x", 1, NULL), OFA_ERR_IO);
	ck_assert_int_eq(glob(beside, 0, NULL, &found), GLOB_NOMATCH);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(digest_matches_the_standard)
{
	/* FIPS 180-2, appendix B.1 */
	static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct ofa_sha256 *h = ofa_sha256_new();
	uint8_t digest[OFA_SHA256_BYTES];
	char hex[2 * OFA_SHA256_BYTES + 1];

	ck_assert_ptr_nonnull(h);
	ofa_sha256_update(h, "a", 1);
	ofa_sha256_update(h, "bc", 2);
	ofa_sha256_final(h, digest);
	ofa_hex(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, abc);
	ofa_sha256("abc", 3, digest);
	ofa_hex(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, abc);
}
END_TEST

enum { LENGTHS = 301, LONG = 70001, MESSAGES = 2 * LENGTHS + 1 };

struct messages {
	uint8_t bytes[LONG + 3], sealed[MESSAGES][OFA_SHA256_BYTES];
	struct ofa_sha256_message m[MESSAGES];
	atomic_uint next;
	void (*digests)(struct ofa_sha256_message *m, unsigned n, atomic_uint *next);
};

static void take_messages(void *ctx, unsigned t, unsigned threads)
{
	struct messages *all = ctx;

	(void)t;
	(void)threads;
	all->digests(all->m, MESSAGES, &all->next);
}

/* Every length around the ends of blocks, up and down again so that neighbours differ, and one that outlasts them. */
static void set_messages(struct messages *all)
{
	memset(all->m, 0, sizeof(all->m));
	memset(all->sealed, 0, sizeof(all->sealed));
	atomic_store(&all->next, 0);
	for (size_t i = 0; i < MESSAGES; i++) {
		all->m[i].size = i == 0 ? LONG : i <= LENGTHS ? i - 1 : MESSAGES - 1 - i;
		all->m[i].data = all->m[i].size == 0 ? NULL : all->bytes + i % 4;
		all->m[i].sealed = i % 2 ? NULL : all->sealed[i];
	}
}

static void check_messages(const struct messages *all)
{
	static uint8_t both[LONG + OFA_SHA256_BYTES];
	uint8_t want[OFA_SHA256_BYTES];

	for (size_t i = 0; i < MESSAGES; i++) {
		const struct ofa_sha256_message *m = &all->m[i];

		ofa_sha256(m->data, m->size, want);
		ck_assert_mem_eq(m->digest, want, sizeof(want));
		if (!m->sealed)
			continue;
		if (m->size > 0)
			memcpy(both, m->data, m->size);
		memcpy(both + m->size, want, sizeof(want));
		ofa_sha256(both, m->size + sizeof(want), want);
		ck_assert_mem_eq(m->sealed, want, sizeof(want));
	}
}

START_TEST(many_digests_are_those_of_one)
{
	struct messages *all = calloc(1, sizeof(*all));

	ck_assert_ptr_nonnull(all);
	for (size_t i = 0; i < sizeof(all->bytes); i++)
		all->bytes[i] = (uint8_t)(i * i >> 3 ^ i);
	for (unsigned threads = 1; threads <= 3; threads++) {
		struct ofa_pool *pool;

		ck_assert_int_eq(ofa_pool_new(threads, &pool), OFA_OK);
		all->digests = ofa_sha256_many;
		set_messages(all);
		ofa_pool_run(pool, take_messages, all);
		check_messages(all);
		all->digests = ofa_sha256_many_portable;
		set_messages(all);
		ofa_pool_run(pool, take_messages, all);
		check_messages(all);
		ofa_pool_free(pool);
	}
	free(all);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		first_error_wins,        prefix_needs_an_error,           messages_are_valid_utf8,
		every_status_has_a_name, buffer_grows_to_its_ceiling,     files_round_trip,
		bad_paths_are_errors,    failed_write_keeps_the_old_file, digest_matches_the_standard,
		many_digests_are_those_of_one,
	};

	return run_tests("base", tests, OFA_ARRAY_LEN(tests));
}
