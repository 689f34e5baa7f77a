/* A real daemon, sandboxed, whose database is not in its data directory: a file elsewhere, a PostgreSQL that goes away
 * and comes back. */
#include <string.h>
#include <sys/stat.h>

#include "daemon.h"
#include "store_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX "auto" /* a sanitizer cannot live in one */
#else
#define SANDBOX "on"
#endif
#define JSON_TYPE "Content-Type: application/json"
#define FIRST 2000000 /* limit of a profile that is not there yet */
#define MODEL "application/vnd.ofa.subnet"

static long put_profile_at(const struct daemon *d, const char *name, int macs)
{
	char path[64], body[128];

	snprintf(path, sizeof(path), "/profiles/%s", name);
	snprintf(body, sizeof(body), "{\"name\":\"%s\",\"limits\":{\"macs\":%d}}", name, macs);
	return ask_status(d, "PUT", path, macs == FIRST ? JSON_TYPE : JSON_TYPE "\nIf-Match: *", body);
}

/* ---- a file elsewhere ---- */

START_TEST(test_file_elsewhere)
{
	char url[600], directory[512], output[4096], token[128];
	struct daemon d;

	snprintf(directory, sizeof(directory), "%s", world_path("databases"));
	ck_assert_int_eq(mkdir(directory, 0700), 0);
	snprintf(url, sizeof(url), "sqlite:%s/fleet.db", directory);
	daemon_start(&d, "file", "--store", url, "--sandbox", SANDBOX, NULL);
	daemon_wait_ready(&d);
	ck_assert_int_eq(put_profile_at(&d, "cam", FIRST), 201);

	/* a second one, with a data directory of its own, would not know what this one remembers */
	ck_assert_int_ne(daemon_run(output, sizeof(output), "--store", url, "--data", world_path("other"), "--network",
				    world_path("a.safetensors"), "--listen", "127.0.0.1:0", NULL),
			 0);
	ck_assert_msg(strstr(output, "fleet.db is in use by another ofad") != NULL, "%s", output);

	/* a token that is made beside it holds at once */
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/cam", NULL, NULL), 200);
	ck_assert_int_eq(daemon_run(token, sizeof(token), "token", "add", "--scope", "read", "--store", url, "--data",
				    world_path("file"), NULL),
			 0);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/cam", NULL, NULL), 401);
	daemon_end(&d);
	ck_assert_int_eq(access(world_path("file/ofad.db"), F_OK), -1);
}
END_TEST

/* ---- --check-config ---- */

static int check_config(const char *url, char *output, size_t cap)
{
	return daemon_run(output, cap, "--check-config", "--store", url, "--data", world_path("checked"), "--network",
			  world_path("a.safetensors"), "--listen", "127.0.0.1:0", NULL);
}

/* It says whether the database would do, and leaves it as it was. */
START_TEST(test_check_config)
{
	char output[16384], path[512], url[600];
	FILE *f;

	store_begin(STORE_POSTGRESQL);
	ck_assert_msg(check_config(store_url(), output, sizeof(output)) == 0, "%s", output);
	ck_assert_ptr_nonnull(strstr(output, ":***@127.0.0.1"));
	ck_assert_str_eq(store_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
	store_close(store_again());
	ck_assert_int_eq(check_config(store_url(), output, sizeof(output)), 0);
	store_sql("UPDATE schema_versions SET name = 'foreign' WHERE number = 1");
	ck_assert_int_ne(check_config(store_url(), output, sizeof(output)), 0);
	ck_assert_ptr_nonnull(strstr(output, "foreign"));
	store_end();
	ck_assert_int_ne(check_config(store_url(), output, sizeof(output)), 0);
	ck_assert_ptr_nonnull(strstr(output, "does not exist"));

	snprintf(path, sizeof(path), "%s", world_path("no-database"));
	snprintf(url, sizeof(url), "sqlite:%s", path);
	ck_assert_int_eq(check_config(url, output, sizeof(output)), 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	f = fopen(path, "w");
	fputs("this is none", f);
	fclose(f);
	ck_assert_int_ne(check_config(url, output, sizeof(output)), 0);
	ck_assert_ptr_nonnull(strstr(output, "no database of SQLite"));
}
END_TEST

/* ---- an outage ---- */

static void check_unavailable(const struct daemon *d, const char *method, const char *path, const char *body)
{
	struct reply r;

	ask(d, method, path, JSON_TYPE "\nIf-Match: *", body, &r);
	json_decref(check_problem(&r, 503, "unavailable", NULL));
	ck_assert_ptr_nonnull(reply_header(&r, "Retry-After"));
	reply_release(&r);
}

/* Until a write is answered so. */
static void wait_for(const struct daemon *d, long expected)
{
	long status = 0;

	for (int macs = 1; macs < 600 && status != expected; macs++) {
		status = put_profile_at(d, "cam", macs);
		ck_assert_msg(status == 200 || status == 503, "%ld", status);
		usleep(50000);
	}
	ck_assert_int_eq(status, expected);
}

/* Each connection is made anew by who needs it, after a rest: until a question is answered. */
static void ask_until_answered(const struct daemon *d)
{
	struct reply r;
	int status = 0;

	for (int i = 0; i < 600 && status != 200; i++) {
		post_subnet(d, MODEL, "{\"limits\":{\"macs\":2100000}}", &r);
		status = r.status;
		reply_release(&r);
		ck_assert_msg(status == 200 || status == 503, "%d", status);
		usleep(50000);
	}
	ck_assert_int_eq(status, 200);
}

static void outage(const char *verb, const char *mode)
{
	char path[128];
	struct daemon d;
	struct reply r;

	store_begin(STORE_POSTGRESQL);
	daemon_start(&d, verb, "--store", store_url(), "--sandbox", SANDBOX, NULL);
	daemon_wait_ready(&d);
	ck_assert_int_eq(put_profile_at(&d, "cam", FIRST), 201);
	post_subnet(&d, MODEL, "{\"profile\":\"cam\"}", &r);
	ck_assert_int_eq(r.status, 200);
	snprintf(path, sizeof(path), "%s", reply_header(&r, "Content-Location"));
	reply_release(&r);

	postgresql(verb, mode);
	wait_for(&d, 503); /* backends outlive a server that is killed, for a moment */
	check_unavailable(&d, "PUT", "/profiles/cam", "{\"name\":\"cam\",\"limits\":{\"macs\":1000000}}");
	check_unavailable(&d, "GET", "/profiles", NULL);
	check_unavailable(&d, "DELETE", "/profiles/cam", NULL);
	check_unavailable(&d, "POST", "/subnets", "{\"limits\":{\"macs\":2100000}}");
	/* it lives, and serves what it has at hand */
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	ck_assert_int_eq(ask_status(&d, "GET", path, NULL, NULL), 200);

	postgresql("start", "");
	wait_for(&d, 200);
	daemon_wait_ready(&d);
	ask_until_answered(&d);
	ck_assert_int_eq(ask_status(&d, "GET", "/profiles/cam", NULL, NULL), 200);
	daemon_end(&d);
	store_end();
}

START_TEST(test_restarted)
{
	outage("stop", "fast");
}
END_TEST

START_TEST(test_killed)
{
	outage("kill", "");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_file_elsewhere, test_check_config, test_restarted, test_killed};
	int status;

	if (!stores_begin())
		return 77;
	world_make();
	status = run_tests("store-daemon", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	stores_end();
	return status;
}
