/* Servers that share packages, wherever these are: what one wrote every other one serves, byte for byte, under the same
 * tag.  Each has its own data directory, and its own database but where packages are in it. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/sha256.h"
#include "cluster.h"
#include "daemon.h"
#include "s3_server.h"

#define QUESTION "{\"limits\":{\"macs\":2000000}}"
#define ONNX "Accept: application/onnx"

static bool has_cluster, has_s3;

/* ---- where packages are ---- */

enum kind { IN_DIR, IN_DATABASE, IN_S3, KIND_COUNT };

static char packages[S3_URL_MAX], store[CLUSTER_URL_MAX];
static enum kind kind;

/* False: it cannot be had here. */
static bool begin(int i)
{
	char prefix[64];

	kind = (enum kind)i;
	if ((kind == IN_DATABASE && !has_cluster) || (kind == IN_S3 && !has_s3)) {
		printf("%s cannot be had here: not tested\n", kind == IN_S3 ? "S3" : "PostgreSQL");
		return false;
	}
	snprintf(prefix, sizeof(prefix), "shared-%ld", (long)getpid());
	snprintf(packages, sizeof(packages), "dir:%s", world_path(prefix));
	if (kind == IN_DATABASE) {
		cluster_database("shared", store);
		snprintf(packages, sizeof(packages), "postgresql");
	} else if (kind == IN_S3) {
		s3_url(prefix, packages);
	}
	return true;
}

/* A name in the world that no other check has. */
static const char *data_of(const char *name)
{
	static char names[4][64];
	static unsigned n;
	char *out = names[n++ % 4];

	snprintf(out, sizeof(names[0]), "%s-%ld", name, (long)getpid());
	return out;
}

static void start(struct daemon *d, const char *data, const char *cache)
{
	if (kind == IN_DATABASE)
		daemon_start(d, data_of(data), "--packages", packages, "--cache-bytes", cache, "--store", store, NULL);
	else
		daemon_start(d, data_of(data), "--packages", packages, "--cache-bytes", cache, NULL);
	daemon_wait_ready(d);
}

/* The path of the package that answers a question. */
static void ask_for(const struct daemon *d, const char *question, char path[128], struct reply *ret)
{
	post_subnet(d, "*/*", question, ret);
	ck_assert_int_eq(ret->status, 200);
	snprintf(path, 128, "%s", reply_header(ret, "Content-Location"));
}

static void check_digest(const char *path, const void *first, size_t n, const void *rest, size_t m)
{
	struct ofa_sha256 *h = ofa_sha256_new();
	uint8_t digest[OFA_SHA256_BYTES];
	char hex[2 * OFA_SHA256_BYTES + 1];

	ofa_sha256_update(h, first, n);
	ofa_sha256_update(h, rest, m);
	ofa_sha256_final(h, digest);
	ofa_hex(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, strrchr(path, '/') + 1);
}

/* ---- what is shared ---- */

START_TEST(a_download_goes_on_elsewhere)
{
	char path[128], headers[256], tag[128];
	struct reply first, rest, whole, export;
	struct daemon a, b;

	if (!begin(_i))
		return;
	start(&a, "a", "64M");
	start(&b, "b", "64M");
	ask_for(&a, QUESTION, path, &first);
	snprintf(tag, sizeof(tag), "%s", reply_header(&first, "ETag"));
	snprintf(headers, sizeof(headers), "Range: bytes=1000-\nIf-Range: %s", tag);
	ask(&b, "GET", path, headers, NULL, &rest);
	ck_assert_int_eq(rest.status, 206);
	ck_assert_str_eq(reply_header(&rest, "ETag"), tag);
	ck_assert_uint_eq(rest.body.len + 1000, first.body.len);
	check_digest(path, first.body.data, 1000, rest.body.data, rest.body.len);

	/* and what is made of it */
	ask(&b, "GET", path, ONNX, NULL, &export);
	ck_assert_int_eq(export.status, 200);
	reply_release(&export);

	/* whoever wrote it may be gone */
	daemon_stop(&a, SIGKILL);
	daemon_stop(&b, SIGTERM);
	start(&b, "b", "64M");
	ask(&b, "GET", path, NULL, NULL, &whole);
	ck_assert_int_eq(whole.status, 200);
	ck_assert_str_eq(reply_header(&whole, "ETag"), tag);
	check_digest(path, whole.body.data, whole.body.len, "", 0);
	daemon_end(&b);
	reply_release(&first);
	reply_release(&rest);
	reply_release(&whole);
}
END_TEST

/* Two that answer the same question put the same package; neither minds. */
START_TEST(two_make_the_same)
{
	char path[128], same[128];
	struct reply first, second;
	struct daemon a, b;

	if (!begin(_i))
		return;
	start(&a, "a", "64M");
	start(&b, "b", "64M");
	ask_for(&a, QUESTION, path, &first);
	ask_for(&b, QUESTION, same, &second);
	ck_assert_str_eq(path, same);
	ck_assert_uint_eq(first.body.len, second.body.len);
	ck_assert_mem_eq(first.body.data, second.body.data, first.body.len);
	daemon_end(&a);
	daemon_end(&b);
	reply_release(&first);
	reply_release(&second);
}
END_TEST

/* Files without names go with who had them open, and so does the memory that counts them. */
START_TEST(what_was_fetched_leaves_nothing)
{
	static const char *const questions[] = {
		"{\"limits\":{\"macs\":2000000}}",
		"{\"limits\":{\"macs\":2000000},\"dtype\":\"int8\"}",
		"{\"limits\":{\"macs\":2000000},\"dtype\":\"float16\"}",
	};
	char paths[OFA_ARRAY_LEN(questions)][128], command[1200];
	struct reply r;
	struct daemon a, b;

	if (!begin(_i))
		return;
	start(&a, "a", "64M");
	start(&b, "b", "1M"); /* room for a few, or for none */
	for (size_t i = 0; i < OFA_ARRAY_LEN(questions); i++) {
		ask_for(&a, questions[i], paths[i], &r);
		reply_release(&r);
	}
	for (size_t n = 0; n < 4; n++)
		for (size_t i = 0; i < OFA_ARRAY_LEN(questions); i++) {
			ask(&b, "GET", paths[i], NULL, NULL, &r);
			ck_assert_int_eq(r.status, 200);
			check_digest(paths[i], r.body.data, r.body.len, "", 0);
			reply_release(&r);
		}
	snprintf(command, sizeof(command), "! find '%s' -name '*.ofa' -o -name '*.tmp.*' | grep .",
		 world_path(data_of("b")));
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_le((int)metric_of(&b, "ofad_cache_bytes{cache=\"packages\"}"), 1 << 20);
	daemon_end(&a);
	daemon_end(&b);
}
END_TEST

START_TEST(other_names_are_not_found)
{
	static const char id[] = "/subnets/0123456789012345678901234567890123456789012345678901234567890123";
	struct reply r;
	struct daemon a;

	if (!begin(_i))
		return;
	start(&a, "a", "64M");
	ask(&a, "GET", id, NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	daemon_end(&a);
}
END_TEST

/* ---- when the store is away ---- */

START_TEST(a_store_that_is_away_is_told_as_such)
{
	char path[128];
	struct reply r;
	struct daemon a, b;

	if (!begin(IN_S3))
		return;
	start(&a, "a", "64M");
	start(&b, "b", "64M");
	ask_for(&a, QUESTION, path, &r);
	reply_release(&r);
	s3_fault("503", 1000);
	ask(&b, "GET", path, NULL, NULL, &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
	/* what needs no package is answered */
	ck_assert_int_eq(ask_status(&b, "GET", "/profiles", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&b, "GET", "/healthz", NULL, NULL), 200);
	/* what is in memory, too */
	ck_assert_int_eq(ask_status(&a, "GET", path, NULL, NULL), 200);
	/* an answer that cannot be kept is none */
	post_subnet(&b, "*/*", "{\"limits\":{\"macs\":1900000}}", &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	reply_release(&r);
	s3_faults_left();
	sleep(2);
	ck_assert_int_eq(ask_status(&b, "GET", path, NULL, NULL), 200);
	daemon_end(&a);
	daemon_end(&b);
}
END_TEST

enum { SILENT = 24 };
#define IN_FLIGHT "ofad_http_requests_in_flight{listener=\"main\"}"

static void *get_package(void *ctx)
{
	const struct daemon *d = ctx;

	(void)ask_status(d, "GET", "/subnets/0123456789012345678901234567890123456789012345678901234567890123", NULL,
			 NULL);
	return NULL;
}

/* A store that says nothing holds up who asks for packages, and nobody else. */
START_TEST(a_silent_store_holds_up_packages_alone)
{
	pthread_t threads[SILENT];
	struct daemon a;

	if (!begin(IN_S3))
		return;
	start(&a, "a", "64M");
	s3_fault("silent", 1000);
	for (int i = 0; i < SILENT; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get_package, &a), 0);
	while (metric_of(&a, IN_FLIGHT) < SILENT)
		usleep(10000);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(ask_status(&a, "GET", "/profiles", NULL, NULL), 200);
	/* not because it was over by then */
	ck_assert_int_ge((int)metric_of(&a, IN_FLIGHT), SILENT);
	s3_faults_left();
	for (int i = 0; i < SILENT; i++)
		pthread_join(threads[i], NULL);
	daemon_end(&a);
}
END_TEST

/* ---- configuration ---- */

START_TEST(a_store_that_refuses_is_told_at_start)
{
	char output[4096], network[1024], data[1024], missing[S3_URL_MAX + 16];

	if (!begin(IN_S3))
		return;
	snprintf(network, sizeof(network), "%s", world_path("a.safetensors"));
	snprintf(data, sizeof(data), "%s", world_path(data_of("refused")));
	snprintf(missing, sizeof(missing), "s3://missing%s", strchr(packages, '?'));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", packages, NULL),
			 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", missing, NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "NoSuchBucket"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", network, "--data", data, "--listen",
				    "127.0.0.1:0", "--packages", missing, NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "NoSuchBucket"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", "postgresql", NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "--store postgresql://"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", "ftp://host", NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "are accepted"));
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", "dir:/proc/none/packages", NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "/proc/none/packages"));
	setenv("AWS_SECRET_ACCESS_KEY", "another-secret", 1);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--check-config", "--network", network, "--data", data,
				    "--packages", packages, NULL),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "SignatureDoesNotMatch"));
	ck_assert_ptr_null(strstr(output, "another-secret"));
}
END_TEST

int main(void)
{
	const TTest *const of_all[] = {
		a_download_goes_on_elsewhere,
		two_make_the_same,
		what_was_fetched_leaves_nothing,
		other_names_are_not_found,
	};
	const TTest *const of_s3[] = {
		a_store_that_is_away_is_told_as_such,
		a_silent_store_holds_up_packages_alone,
		a_store_that_refuses_is_told_at_start,
	};
	Suite *suite;
	TCase *tcase;
	SRunner *runner;
	int failed;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	has_cluster = cluster_start();
	has_s3 = s3_start();
	suite = suite_create("shared packages");
	tcase = tcase_create("shared packages");
	runner = srunner_create(suite);
	tcase_set_timeout(tcase, 300);
	suite_add_tcase(suite, tcase);
	for (size_t i = 0; i < OFA_ARRAY_LEN(of_all); i++)
		tcase_add_loop_test(tcase, of_all[i], 0, KIND_COUNT);
	for (size_t i = 0; i < OFA_ARRAY_LEN(of_s3); i++)
		tcase_add_test(tcase, of_s3[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (has_cluster)
		cluster_stop();
	if (has_s3)
		s3_stop();
	world_remove();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
