/* Signing without a daemon: key files, the line that is signed, and many threads at once. */
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "runner.h"
#include "sign/signer.h"

enum { THREADS = 6, ROUNDS = 40 };

static char dir[512];
static const struct log quiet = {.level = LOG_LEVEL_ERROR, .fd = 2};

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "%s", temporary_path("signer-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
	(void)info;
	(void)type;
	(void)at;
	return remove(path);
}

static void remove_dir(void)
{
	ck_assert_int_eq(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static const char *path_in_dir(const char *name)
{
	static char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_key_file(const char *name, const char *text)
{
	struct ofa_error err = {0};

	ASSERT_OK(ofa_file_write_atomic(path_in_dir(name), text, strlen(text), &err), &err);
	ck_assert_int_eq(chmod(path_in_dir(name), 0600), 0);
}

static struct key_ring *load(void)
{
	struct ofa_error err = {0};
	struct key_ring *ring;

	ASSERT_OK(key_ring_load(dir, &ring, &err), &err);
	return ring;
}

static struct sign_key create(void)
{
	struct ofa_error err = {0};
	struct sign_key key;

	ASSERT_OK(sign_key_create(dir, &key, &err), &err);
	return key;
}

START_TEST(test_ring)
{
	struct sign_key first, second;
	struct key_ring *ring;
	char name[64];

	make_dir();
	ring = load();
	ck_assert_uint_eq(ring->n, 0);
	key_ring_unref(ring);
	first = create();
	usleep(2000); /* times are told apart by milliseconds */
	second = create();
	ring = load();
	ck_assert_uint_eq(ring->n, 2);
	ck_assert_uint_eq(ring->n_signing, 2);
	ck_assert_str_eq(ring->keys[0].name, second.name);
	ck_assert_str_eq(ring->keys[1].name, first.name);
	ck_assert_str_eq(ring->keys[1].created, first.created);
	ck_assert_mem_eq(ring->keys[1].public_half, first.public_half, SIGN_PUBLIC_BYTES);
	key_ring_unref(ring);
	snprintf(name, sizeof(name), "%s.key", second.name);
	ck_assert_int_eq(unlink(path_in_dir(name)), 0);
	/* one that signs comes before a newer one that does not */
	ring = load();
	ck_assert_uint_eq(ring->n_signing, 1);
	ck_assert_str_eq(ring->keys[0].name, first.name);
	ck_assert(!ring->keys[1].signs);
	key_ring_unref(ring);
	remove_dir();
}
END_TEST

START_TEST(test_key_files)
{
	static const struct {
		const char *name, *text;
		enum ofa_status expected;
	} cases[] = {
		{"readme.txt", "not looked at", OFA_OK},
		{"0123456789abcdef.pub", "nor is this", OFA_OK},
		{"0123456789ABCDEF.pub.old", "nor this", OFA_OK},
		{"0123456789ABCDEF.pub", "", OFA_ERR_FORMAT},
		{"0123456789ABCDEF.pub", "untrusted comment: ofad public key 0123456789ABCDEF", OFA_ERR_FORMAT},
		{"0123456789ABCDEF.pub",
		 "untrusted comment: ofad public key 0123456789ABCDEF made 2026-11-25T03:10:01.112Z\nRWQ=\n",
		 OFA_ERR_FORMAT},
		{"0123456789ABCDEF.pub",
		 "untrusted comment: ofad public key 0123456789ABCDEF made 2026-11-25T03:10:01.112Z\n"
		 "RWQImrB1wixbUXeUv2bXGlRWSii65XoTNarcU/Zcwcfho/3ginp/sNG4\n",
		 OFA_ERR_MISMATCH},
		{"515B2CC275B09A08.pub",
		 "untrusted comment: ofad public key 515B2CC275B09A08 made 2026-11-25T03:10:01.112Z\n"
		 "RWQImrB1wixbUXeUv2bXGlRWSii65XoTNarcU/Zcwcfho/3ginp/sNG4\n",
		 OFA_OK},
		{"515B2CC275B09A08.key",
		 "ofad secret key 515B2CC275B09A08 made 2026-11-25T03:10:01.112Z\nAAAA\n", OFA_ERR_FORMAT},
		{"515B2CC275B09A08.key",
		 "ofad secret key 515B2CC275B09A08 made 2026-11-25T03:10:01.112Z\n"
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		 OFA_ERR_MISMATCH},
	};

	make_dir();
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct key_ring *ring = NULL;
		struct ofa_error err = {0};
		enum ofa_status st;

		write_key_file(cases[i].name, cases[i].text);
		st = key_ring_load(dir, &ring, &err);
		ck_assert_msg(st == cases[i].expected, "%zu: %s: %s", i, ofa_status_name(st), err.message);
		if (st != OFA_OK) /* which file, and what is wrong with it */
			ck_assert_ptr_nonnull(strstr(err.message, cases[i].name));
		key_ring_unref(ring);
		ck_assert_int_eq(unlink(path_in_dir(cases[i].name)), 0);
	}
	remove_dir();
}
END_TEST

#define ID "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

START_TEST(test_line)
{
	struct manifest_claims c = {.id = ID, .size_bytes = 7, .major = 1, .minor = 1, .sequence = 3, .expires = 9};
	char line[MANIFEST_LINE_MAX], revision[400];
	struct ofa_error err = {0};

	ASSERT_OK(manifest_line_format(&c, line, &err), &err);
	ck_assert_str_eq(line, "{\"expires\":9,\"format_version\":\"1.1\",\"id\":\"" ID "\",\"profile_revision\":null,"
			       "\"sequence\":3,\"sha256\":\"" ID "\",\"size\":7}");
	c.profile_revision = "a\"b";
	ASSERT_FAILS(manifest_line_format(&c, line, NULL), OFA_ERR_INVALID);
	/* the longest name with the longest revision fits */
	memset(revision, 'n', sizeof(revision));
	snprintf(revision + 127, 80, "@sha256-%s", ID);
	c = (struct manifest_claims){.id = ID, .size_bytes = 0x7fffffff, .major = 65535, .minor = 65535,
				     .sequence = UINT64_MAX, .expires = UINT64_MAX, .profile_revision = revision};
	ASSERT_OK(manifest_line_format(&c, line, &err), &err);
	memset(revision, 'n', sizeof(revision) - 1);
	revision[sizeof(revision) - 1] = '\0';
	ASSERT_FAILS(manifest_line_format(&c, line, NULL), OFA_ERR_LIMIT);
}
END_TEST

/* ---- threads ---- */

struct worker {
	struct signer *signer;
	unsigned number;
	uint64_t sequences[ROUNDS];
	pthread_t thread;
};

/* Signs what others sign too and what they do not; each answer is one of its own kind. */
static void *work(void *arg)
{
	struct worker *w = arg;
	const struct manifest_claims claims = {.id = ID, .size_bytes = 1, .major = 1};
	struct ofa_error err = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct job_key own = {{(uint8_t)w->number, (uint8_t)i, 1}}, common = {{(uint8_t)i}};
		struct signed_text *t;

		ASSERT_OK(signer_manifest(w->signer, &own, &claims, 0, &t, &err), &err);
		w->sequences[i] = t->sequence;
		signed_text_unref(t);
		ASSERT_OK(signer_manifest(w->signer, &common, &claims, 0, &t, &err), &err);
		ck_assert_ptr_nonnull(strstr(t->text, ID));
		signed_text_unref(t);
		ASSERT_OK(signer_minisig(w->signer, &own, "other", (const uint8_t *)ID, sizeof(ID), &t, &err), &err);
		ck_assert_int_eq(strncmp(t->text, "untrusted comment: ", 19), 0);
		signed_text_unref(t);
		t = signer_recall(w->signer, &common, ID, 0);
		signed_text_unref(t);
	}
	return NULL;
}

static void *reload(void *arg)
{
	struct ofa_error err = {0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct key_ring *ring;

		if (i % 16 == 3)
			create();
		ASSERT_OK(signer_reload(arg, &err), &err);
		ring = signer_keys(arg);
		ck_assert_uint_ge(ring->n_signing, 1);
		key_ring_unref(ring);
		ck_assert(signer_active(arg));
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(test_threads)
{
	static struct worker workers[THREADS];
	static uint64_t all[THREADS * ROUNDS];
	struct signer_options opt = {.dir = dir, .days = 30, .log = &quiet, .cache_bytes = 1 << 20};
	struct ofa_error err = {0};
	struct signer *signer;
	struct signed_text *t;
	pthread_t reloader;

	make_dir();
	create();
	ASSERT_OK(store_open(NULL, dir, NULL, &opt.store, &err), &err);
	ASSERT_OK(signer_new(&opt, &signer, &err), &err);
	ck_assert_int_eq(pthread_create(&reloader, NULL, reload, signer), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.signer = signer, .number = i};
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		memcpy(&all[i * ROUNDS], workers[i].sequences, sizeof(workers[i].sequences));
	}
	pthread_join(reloader, NULL);
	qsort(all, THREADS * ROUNDS, sizeof(all[0]), compare);
	for (unsigned i = 1; i < THREADS * ROUNDS; i++)
		ck_assert_uint_lt(all[i - 1], all[i]);
	signer_free(signer);

	/* a later run goes on above all of them */
	ASSERT_OK(signer_new(&opt, &signer, &err), &err);
	ASSERT_OK(signer_manifest(signer, &(struct job_key){{9}}, &(struct manifest_claims){.id = ID, .major = 1}, 0,
				  &t, &err),
		  &err);
	ck_assert_uint_gt(t->sequence, all[THREADS * ROUNDS - 1]);
	signed_text_unref(t);
	signer_free(signer);
	opt.store->driver->close(opt.store);
	remove_dir();
}
END_TEST

/* Two servers that share a database, and the clock of one is ahead: what a device has from it, the other one goes on
 * from. */
START_TEST(test_replicas)
{
	struct signer_options opt = {.dir = dir, .days = 30, .log = &quiet, .cache_bytes = 1 << 20};
	const struct manifest_claims claims = {.id = ID, .major = 1};
	struct signer *first, *second;
	struct ofa_error err = {0};
	struct signed_text *t;
	uint64_t ahead = 0, old;

	make_dir();
	create();
	ASSERT_OK(store_open(NULL, dir, NULL, &opt.store, &err), &err);
	ASSERT_OK(signer_new(&opt, &first, &err), &err);
	ASSERT_OK(signer_new(&opt, &second, &err), &err);
	ASSERT_OK(signer_manifest(first, &(struct job_key){{1}}, &claims, 0, &t, &err), &err);
	old = t->sequence;
	signed_text_unref(t);
	old += 3600000; /* an hour */
	ASSERT_OK(opt.store->driver->counter_next(opt.store, "signatures", old, &ahead, &err), &err);
	ck_assert_uint_eq(ahead, old);
	ASSERT_OK(signer_manifest(first, &(struct job_key){{1}}, &claims, ahead, &t, &err), &err);
	ck_assert_uint_gt(t->sequence, ahead);
	old = t->sequence;
	signed_text_unref(t);
	ASSERT_OK(signer_manifest(second, &(struct job_key){{2}}, &claims, old, &t, &err), &err);
	ck_assert_uint_gt(t->sequence, old);
	old = t->sequence;
	signed_text_unref(t);
	/* nobody has given this one out */
	old += 3600000;
	ASSERT_FAILS(signer_manifest(first, &(struct job_key){{1}}, &claims, old, &t, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "min_sequence");
	signer_free(first);
	signer_free(second);
	store_close(opt.store);
	remove_dir();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_ring, test_key_files, test_line, test_threads, test_replicas};

	return run_tests("signer", tests, OFA_ARRAY_LEN(tests));
}
