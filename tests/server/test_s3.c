/* Packages in S3: a server that refuses, breaks off, falls silent and lies. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>

#include "base/sha256.h"
#include "s3_server.h"
#include "service/packages.h"

/* ---- a server and its faults ---- */

static bool has_s3;
static char dir[512], id[PACKAGE_ID_CHARS + 1];

#define TEXT "a package of a few bytes"
#define SIZE (sizeof(TEXT) - 1)

static struct packages *open_packages(const char *url)
{
	const struct packages_options options = {.url = url, .dir = dir, .cache_bytes = 1 << 20};
	struct ofa_error err = {0};
	struct packages *s;

	ASSERT_OK(packages_new(&options, &s, &err), &err);
	return s;
}

static void make_dir(void)
{
	snprintf(dir, sizeof(dir), "%s", temporary_path("packages-XXXXXX"));
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* One package, in a place of this test's own.  NULL: there is no server. */
static struct packages *begin(void)
{
	char prefix[64], url[S3_URL_MAX];
	uint8_t sha256[OFA_SHA256_BYTES];
	struct ofa_error err = {0};
	struct packages *s;
	struct package *p;

	if (!has_s3)
		return NULL;
	make_dir();
	snprintf(prefix, sizeof(prefix), "faults/%ld", (long)getpid());
	s3_url(prefix, url);
	s = open_packages(url);
	ofa_sha256(TEXT, SIZE, sha256);
	ofa_hex(sha256, sizeof(sha256), id);
	ASSERT_OK(packages_add(s, (const uint8_t *)TEXT, SIZE, sha256, &p, &err), &err);
	package_unref(p);
	packages_free(s);
	return open_packages(url); /* that has nothing in memory */
}

static void end(struct packages *s)
{
	packages_free(s);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing is left */
}

static void check_got(struct packages *s)
{
	struct ofa_error err = {0};
	struct package *p;

	ASSERT_OK(packages_get(s, id, &p, &err), &err);
	ck_assert_uint_eq(p->size, SIZE);
	ck_assert_mem_eq(p->data, TEXT, SIZE);
	package_unref(p);
}

static void check_fails(struct packages *s, enum ofa_status expected, const char *told)
{
	struct ofa_error err = {0};
	struct package *p;
	enum ofa_status st = packages_get(s, id, &p, &err);

	ck_assert_msg(st == expected, "%s instead of %s: %s", ofa_status_name(st), ofa_status_name(expected),
		      err.message);
	ck_assert_msg(strstr(err.message, told) != NULL, "%s", err.message);
	ck_assert_ptr_null(strstr(err.message, getenv("AWS_SECRET_ACCESS_KEY")));
}

/* Faults that are over after a moment are nobody's concern. */
START_TEST(passing_faults_are_outlived)
{
	static const char *const kinds[] = {"500", "502", "503", "429", "409", "cut", "mute", "moved"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(kinds); i++) {
		struct packages *s = begin();

		if (!s)
			return;
		s3_fault(kinds[i], 1);
		if (strcmp(kinds[i], "moved") == 0) /* to where it is already: refused, not followed in a circle */
			check_fails(s, OFA_ERR_IO, "PermanentRedirect");
		else
			check_got(s);
		ck_assert_uint_eq(s3_faults_left(), 0);
		end(s);
	}
}
END_TEST

START_TEST(lasting_faults_are_told)
{
	static const struct {
		const char *kind, *told;
		enum ofa_status status;
		unsigned requests; /* that are made before it is told */
	} faults[] = {
		{"503", "SlowDown", OFA_ERR_UNAVAILABLE, 4},
		{"500", "500", OFA_ERR_UNAVAILABLE, 4},
		{"cut", "S3 at", OFA_ERR_UNAVAILABLE, 4},
		{"mute", "S3 at", OFA_ERR_UNAVAILABLE, 4},
		{"short", "altered", OFA_ERR_FORMAT, 1},
		{"endless", "altered", OFA_ERR_FORMAT, 1},
		{"other", "altered", OFA_ERR_FORMAT, 1},
		{"huge", "more than", OFA_ERR_LIMIT, 1},
		{"404", "404", OFA_ERR_IO, 1},
		{"html", "404", OFA_ERR_IO, 1},
		{"403", "403", OFA_ERR_IO, 1},
		{"507", "507", OFA_ERR_EXHAUSTED, 1},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(faults); i++) {
		struct packages *s = begin();

		if (!s)
			return;
		s3_fault(faults[i].kind, 10);
		check_fails(s, faults[i].status, faults[i].told);
		ck_assert_msg(s3_faults_left() == 10 - faults[i].requests, "%s", faults[i].kind);
		end(s);
	}
}
END_TEST

/* Who asks next is not kept waiting, and the server is not troubled. */
START_TEST(a_server_that_is_out_of_reach_is_let_rest)
{
	struct packages *s = begin();

	if (!s)
		return;
	s3_fault("503", 100);
	check_fails(s, OFA_ERR_UNAVAILABLE, "SlowDown");
	for (int i = 0; i < 20; i++)
		check_fails(s, OFA_ERR_UNAVAILABLE, "a moment ago");
	ck_assert_uint_eq(s3_faults_left(), 96);
	sleep(2);
	check_got(s);
	end(s);
}
END_TEST

START_TEST(a_server_that_stalls_is_given_up)
{
	struct packages *s = begin();

	if (!s)
		return;
	s3_fault("stall", 1);
	check_fails(s, OFA_ERR_UNAVAILABLE, "imeout");
	end(s);
}
END_TEST

START_TEST(uploads_outlive_faults_too)
{
	static const char *const kinds[] = {"500", "mute", "unconditional"};
	uint8_t sha256[OFA_SHA256_BYTES];
	char url[S3_URL_MAX], text[32];
	struct ofa_error err = {0};
	struct packages *s;
	struct package *p;

	if (!has_s3)
		return;
	make_dir();
	s3_url("uploads", url);
	for (size_t i = 0; i < OFA_ARRAY_LEN(kinds); i++) {
		/* the look for it is met by it first, or the upload */
		for (unsigned n = 1; n <= 2; n++) {
			s = open_packages(url);
			snprintf(text, sizeof(text), "%ld %s %u", (long)getpid(), kinds[i], n);
			ofa_sha256(text, strlen(text), sha256);
			s3_fault(kinds[i], n);
			ASSERT_OK(packages_add(s, (const uint8_t *)text, strlen(text), sha256, &p, &err), &err);
			ck_assert_uint_eq(s3_faults_left(), 0);
			package_unref(p);
			packages_free(s);
		}
	}
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* What was altered there is written anew by the next who makes the same. */
START_TEST(altered_objects_are_never_served_and_can_be_mended)
{
	struct packages *s = begin();
	struct ofa_error err = {0};
	uint8_t sha256[OFA_SHA256_BYTES];
	struct package *p;
	char name[256];
	FILE *f;

	if (!s)
		return;
	snprintf(name, sizeof(name), "faults/%ld/%s.ofa", (long)getpid(), id);
	f = fopen(s3_object(name), "r+b");
	ck_assert_ptr_nonnull(f);
	fputc('X', f);
	fclose(f);
	check_fails(s, OFA_ERR_FORMAT, "altered");
	ofa_sha256(TEXT, SIZE, sha256);
	ASSERT_OK(packages_add(s, (const uint8_t *)TEXT, SIZE, sha256, &p, &err), &err);
	package_unref(p);
	packages_free(s);
	s = begin();
	check_got(s);
	end(s);
}
END_TEST

/* ---- who may not ---- */

static void check_refused(const char *variable, const char *value, const char *told)
{
	char url[S3_URL_MAX];
	struct ofa_error err = {0};
	struct packages *s;
	char *kept = strdup(getenv(variable));

	make_dir();
	setenv(variable, value, 1);
	s3_url("refused", url);
	s = open_packages(url);
	ck_assert_int_eq(package_store_check(packages_store(s), &err), OFA_ERR_IO);
	ck_assert_msg(strstr(err.message, told) != NULL, "%s", err.message);
	ck_assert_ptr_null(strstr(err.message, value));
	packages_free(s);
	setenv(variable, kept, 1);
	free(kept);
	rmdir(dir);
}

START_TEST(wrong_keys_are_told_and_not_shown)
{
	if (!has_s3)
		return;
	check_refused("AWS_SECRET_ACCESS_KEY", "another-secret", "SignatureDoesNotMatch: see AWS_SECRET_ACCESS_KEY");
	check_refused("AWS_ACCESS_KEY_ID", "ANOTHERKEY", "InvalidAccessKeyId: see AWS_ACCESS_KEY_ID");
	check_refused("AWS_SESSION_TOKEN", "another-token", "InvalidToken: see AWS_SESSION_TOKEN");
}
END_TEST

START_TEST(another_region_is_learnt)
{
	char url[S3_URL_MAX], *region;
	struct ofa_error err = {0};
	struct packages *s;

	if (!has_s3)
		return;
	make_dir();
	s3_url("elsewhere", url);
	region = strstr(url, "&region=");
	ck_assert_ptr_nonnull(region);
	snprintf(region, sizeof(url) - (size_t)(region - url), "&region=us-west-2");
	s = open_packages(url);
	ASSERT_OK(package_store_check(packages_store(s), &err), &err);
	packages_free(s);
	rmdir(dir);
}
END_TEST

START_TEST(a_missing_bucket_is_no_missing_package)
{
	char url[S3_URL_MAX], other[S3_URL_MAX + 16];
	struct ofa_error err = {0};
	struct packages *s;

	if (!has_s3)
		return;
	make_dir();
	s3_url("a", url);
	snprintf(other, sizeof(other), "s3://missing%s", strchr(url, '?'));
	s = open_packages(other);
	ck_assert_int_eq(package_store_check(packages_store(s), &err), OFA_ERR_IO);
	ck_assert_msg(strstr(err.message, "NoSuchBucket") != NULL, "%s", err.message);
	packages_free(s);
	rmdir(dir);
}
END_TEST

START_TEST(nobody_there_is_unavailable)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct ofa_error err = {0};
	struct packages *s;
	char url[128];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* bound, and so nobody else's, but not listening */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
	setenv("AWS_SECRET_ACCESS_KEY", "hidden", 1);
	snprintf(url, sizeof(url), "s3://fleet?endpoint=http://127.0.0.1:%u", ntohs(address.sin_port));
	make_dir();
	s = open_packages(url);
	ck_assert_int_eq(package_store_check(packages_store(s), &err), OFA_ERR_UNAVAILABLE);
	packages_free(s);
	close(fd);
	rmdir(dir);
}
END_TEST

/* ---- many at once ---- */

enum { CROWD = 32 };

static void *get_one(void *ctx)
{
	check_got(ctx);
	return NULL;
}

START_TEST(a_crowd_is_one_fetch)
{
	struct packages *s = begin();
	pthread_t threads[CROWD];

	if (!s)
		return;
	s3_fault("slow", 100);
	for (int i = 0; i < CROWD; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get_one, s), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(s3_faults_left(), 99);
	end(s);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		passing_faults_are_outlived,
		lasting_faults_are_told,
		a_server_that_is_out_of_reach_is_let_rest,
		a_server_that_stalls_is_given_up,
		uploads_outlive_faults_too,
		altered_objects_are_never_served_and_can_be_mended,
		wrong_keys_are_told_and_not_shown,
		another_region_is_learnt,
		a_missing_bucket_is_no_missing_package,
		nobody_there_is_unavailable,
		a_crowd_is_one_fetch,
	};
	int failed;

	has_s3 = s3_start();
	if (!has_s3)
		printf("there is no S3 server: packages in S3 are not tested\n");
	failed = run_tests("s3", tests, OFA_ARRAY_LEN(tests));
	if (has_s3)
		s3_stop();
	return failed;
}
