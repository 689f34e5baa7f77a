/* Packages that were dropped: made again in the same bytes for who asks, or told why not; and what is kept track of. */
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "daemon.h"

#define JSON "application/json"
#define PACKAGE "application/vnd.ofa.subnet"
#define SEND_JSON "Content-Type: application/json"
#define LONG_AGO 40 /* days */
#define CROWD 24

/* Questions whose answers differ: each type, with a profile and without, a subnet that is given. */
static const char *const bodies[] = {
	"{\"seed\":1}",
	"{\"profile\":\"board\",\"limits\":{\"macs\":3000000},\"seed\":2}",
	"{\"dtype\":\"float16\",\"seed\":3}",
	"{\"dtype\":\"int8\",\"limits\":{\"macs\":5000000}}",
};
enum { QUESTIONS = OFA_ARRAY_LEN(bodies) };

struct kept {
	char id[65], path[80], etag[80];
	struct ofa_buf bytes;
};

/* ---- the database and the directory from outside, while no daemon has them ---- */

static void sql(const char *data, const char *text)
{
	char path[600], *message = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/ofad.db", world_path(data));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, &message) == SQLITE_OK, "%s: %s", text, message);
	sqlite3_close(db);
}

static int sql_number(const char *data, const char *text)
{
	char path[600];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	int n;

	snprintf(path, sizeof(path), "%s/ofad.db", world_path(data));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return n;
}

static const char *file_of(const char *data, const char *id)
{
	static char path[4][800];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/packages/%s.ofa", world_path(data), id);
	return path[turn];
}

static bool there(const char *data, const char *id)
{
	return access(file_of(data, id), F_OK) == 0;
}

/* ---- deliveries ---- */

static void keep(const struct daemon *d, const char *body, struct kept *ret)
{
	struct reply r;

	post_subnet(d, PACKAGE, body, &r);
	ck_assert_msg(r.status == 200, "%s: %ld %.*s", body, r.status, (int)r.body.len, (const char *)r.body.data);
	snprintf(ret->path, sizeof(ret->path), "%s", reply_header(&r, "Content-Location"));
	snprintf(ret->id, sizeof(ret->id), "%s", ret->path + strlen("/subnets/"));
	snprintf(ret->etag, sizeof(ret->etag), "%s", reply_header(&r, "ETag"));
	ret->bytes = r.body;
	ofa_buf_init(&r.body, 1);
	reply_release(&r);
}

static void put_profile(const struct daemon *d)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);
	char *text;

	json_object_del(json, "name");
	text = json_dumps(json, 0);
	ck_assert_int_eq(ask_status(d, "PUT", "/profiles/board", SEND_JSON, text), 201);
	free(text);
	json_decref(json);
}

static void keep_all(const char *data, struct kept kept[QUESTIONS])
{
	struct daemon d;

	daemon_begin(&d, data);
	put_profile(&d);
	for (int i = 0; i < QUESTIONS; i++)
		keep(&d, bodies[i], &kept[i]);
	daemon_end(&d);
}

static void release_all(struct kept kept[QUESTIONS])
{
	for (int i = 0; i < QUESTIONS; i++)
		ofa_buf_release(&kept[i].bytes);
}

static void check_same(const struct reply *r, const struct kept *k)
{
	ck_assert_msg(r->status == 200, "%s: %ld %.*s", k->path, r->status, (int)r->body.len,
		      (const char *)r->body.data);
	ck_assert_uint_eq(r->body.len, k->bytes.len);
	ck_assert_mem_eq(r->body.data, k->bytes.data, k->bytes.len);
	ck_assert_str_eq(reply_header(r, "ETag"), k->etag);
}

static void check_get(const struct daemon *d, const struct kept *k)
{
	struct reply r;

	ask(d, "GET", k->path, NULL, NULL, &r);
	check_same(&r, k);
	reply_release(&r);
}

/* Until the series has this value. */
static void await(const struct daemon *d, const char *series, double value)
{
	for (int i = 0; metric_of(d, series) != value; i++) {
		ck_assert_msg(i < 600, "%s is %g instead of %g", series, metric_of(d, series), value);
		usleep(100000);
	}
}

/* As a sweep leaves them. */
static void drop_all(const char *data, struct kept kept[QUESTIONS])
{
	struct daemon d;

	sql(data, "UPDATE packages SET used_at = used_at - 40 * 86400");
	daemon_start(&d, data, "--packages-days", "30", (char *)NULL);
	daemon_wait_ready(&d);
	await(&d, "ofad_packages_dropped_total{reason=\"age\"}", QUESTIONS);
	await(&d, "ofad_packages_stored", 0);
	daemon_end(&d);
	for (int i = 0; i < QUESTIONS; i++)
		ck_assert_msg(!there(data, kept[i].id), "%s is still there", kept[i].id);
}

/* ---- tests ---- */

START_TEST(test_age_and_rebuild)
{
	struct kept kept[QUESTIONS];
	struct daemon d;
	struct reply r;
	char range[128];

	keep_all("age", kept);
	ck_assert_int_eq(sql_number("age", "SELECT count(*) FROM packages WHERE length(network_sha256) = 64"),
			 QUESTIONS);
	drop_all("age", kept);
	daemon_begin(&d, "age");
	for (int i = 0; i < QUESTIONS; i++) {
		check_get(&d, &kept[i]);
		ck_assert(there("age", kept[i].id));
	}
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), QUESTIONS);
	for (int i = 0; i < QUESTIONS; i++)
		check_get(&d, &kept[i]);
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), QUESTIONS);
	ck_assert_double_eq(metric_of(&d, "ofad_searches_total{stop=\"converged\"}"), 0);
	daemon_end(&d);
	ck_assert_int_eq(sql_number("age", "SELECT count(*) FROM packages WHERE dropped_at IS NULL"), QUESTIONS);

	/* a download that began before the package was dropped ends after it */
	daemon_begin(&d, "age");
	ask(&d, "GET", kept[0].path, "Range: bytes=0-999", NULL, &r);
	ck_assert_int_eq(r.status, 206);
	ck_assert_mem_eq(r.body.data, kept[0].bytes.data, 1000);
	reply_release(&r);
	daemon_end(&d);
	drop_all("age", kept);
	daemon_begin(&d, "age");
	snprintf(range, sizeof(range), "Range: bytes=1000-\nIf-Range: %s", kept[0].etag);
	ask(&d, "GET", kept[0].path, range, NULL, &r);
	ck_assert_int_eq(r.status, 206);
	ck_assert_uint_eq(r.body.len, kept[0].bytes.len - 1000);
	ck_assert_mem_eq(r.body.data, kept[0].bytes.data + 1000, r.body.len);
	ck_assert_str_eq(reply_header(&r, "ETag"), kept[0].etag);
	reply_release(&r);
	daemon_end(&d);
	release_all(kept);
}
END_TEST

/* Questions that were answered, and other formats. */
START_TEST(test_ways)
{
	struct kept kept[QUESTIONS];
	struct daemon d;
	struct reply r;

	keep_all("ways", kept);
	drop_all("ways", kept);

	daemon_begin(&d, "ways");
	post_subnet(&d, PACKAGE, bodies[0], &r);
	check_same(&r, &kept[0]);
	ck_assert_ptr_nonnull(strstr(reply_header(&r, "Server-Timing"), "store"));
	reply_release(&r);
	post_subnet(&d, JSON, bodies[1], &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	ask(&d, "GET", kept[2].path, "Accept: application/onnx", NULL, &r);
	ck_assert_msg(r.status == 200 || r.status == 406, "%ld", r.status);
	reply_release(&r);
	ask(&d, "HEAD", kept[3].path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(reply_header(&r, "ETag"), kept[3].etag);
	reply_release(&r);
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), QUESTIONS);
	daemon_end(&d);
	release_all(kept);
}
END_TEST

/* Of a daemon that has no room for packages in memory, while it runs: whoever drops them. */
START_TEST(test_without_memory)
{
	static const char headers[] = SEND_JSON "\nAccept: " PACKAGE "\nIdempotency-Key: again";
	struct daemon d;
	struct reply r;
	struct kept k;

	daemon_start(&d, "repeated", "--cache-bytes", "256K", (char *)NULL);
	daemon_wait_ready(&d);
	keep(&d, bodies[0], &k);
	for (int i = 1; i <= 3; i++) {
		ask(&d, "POST", "/subnets", headers, bodies[0], &r);
		check_same(&r, &k);
		reply_release(&r);
		ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), i - 1);
		ck_assert_int_eq(unlink(file_of("repeated", k.id)), 0);
	}
	ask(&d, "GET", k.path, "Accept: application/onnx", NULL, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	ck_assert_int_eq(unlink(file_of("repeated", k.id)), 0);
	post_subnet(&d, JSON, bodies[0], &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
	check_get(&d, &k);
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), 4);
	daemon_end(&d);
	ofa_buf_release(&k.bytes);
}
END_TEST

struct getter {
	const struct daemon *d;
	const struct kept *k;
	pthread_t thread;
	long status;
	bool same;
};

static void *get_one(void *arg)
{
	struct getter *g = arg;
	struct reply r;

	ask(g->d, "GET", g->k->path, NULL, NULL, &r);
	g->status = r.status;
	g->same = r.body.len == g->k->bytes.len && memcmp(r.body.data, g->k->bytes.data, r.body.len) == 0;
	reply_release(&r);
	return NULL;
}

/* One rebuild for all who ask at once. */
START_TEST(test_crowd)
{
	struct getter getters[CROWD];
	struct kept kept[QUESTIONS];
	struct daemon d;

	keep_all("crowd", kept);
	drop_all("crowd", kept);
	daemon_start(&d, "crowd", "--workers", "1", (char *)NULL);
	daemon_wait_ready(&d);
	for (int i = 0; i < CROWD; i++) {
		getters[i] = (struct getter){.d = &d, .k = &kept[3]};
		ck_assert_int_eq(pthread_create(&getters[i].thread, NULL, get_one, &getters[i]), 0);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(getters[i].thread, NULL);
		ck_assert_int_eq(getters[i].status, 200);
		ck_assert(getters[i].same);
	}
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), 1);
	daemon_end(&d);
	release_all(kept);
}
END_TEST

static void check_gone(const struct daemon *d, const struct kept *k, const char *text)
{
	struct reply r;
	json_t *problem;

	ask(d, "GET", k->path, NULL, NULL, &r);
	problem = check_problem(&r, 410, "gone", NULL);
	ck_assert_msg(strstr(string_at(problem, "detail"), text) != NULL, "%s", string_at(problem, "detail"));
	json_decref(problem);
	reply_release(&r);
}

/* What cannot be made again is told; a question whose answer is lost is answered anew. */
START_TEST(test_gone)
{
	struct kept kept[QUESTIONS];
	struct daemon d;
	struct reply r;
	char text[2000];

	keep_all("gone", kept);
	drop_all("gone", kept);
	/* another file under the network's name */
	snprintf(text, sizeof(text),
		 "UPDATE packages SET network_sha256 = replace(hex(zeroblob(32)), '00', 'ab') WHERE id = '%s'",
		 kept[0].id);
	sql("gone", text);
	/* a network that is not served any more */
	snprintf(text, sizeof(text),
		 "UPDATE deliveries SET manifest = json_set(manifest, '$.network', 'old') WHERE subnet = '%s'",
		 kept[1].id);
	sql("gone", text);
	/* other bytes from the same network, as another version of the server may make them */
	snprintf(text, sizeof(text),
		 "UPDATE deliveries SET manifest = json_set(manifest, '$.latency_ms', 77.5) WHERE subnet = '%s'",
		 kept[2].id);
	sql("gone", text);

	daemon_begin(&d, "gone");
	check_gone(&d, &kept[0], "is another file now");
	check_gone(&d, &kept[1], "does not have the network");
	check_gone(&d, &kept[2], "packs it in other bytes");
	check_get(&d, &kept[3]);
	ck_assert_int_eq(ask_status(&d, "GET", "/subnets/ab", NULL, NULL), 404);
	snprintf(text, sizeof(text), "/subnets/%064d", 7);
	ck_assert_int_eq(ask_status(&d, "GET", text, NULL, NULL), 404);
	for (int i = 0; i < QUESTIONS; i++) {
		post_subnet(&d, PACKAGE, bodies[i], &r);
		check_same(&r, &kept[i]);
		reply_release(&r);
		check_get(&d, &kept[i]);
	}
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), 1);
	daemon_end(&d);
	release_all(kept);
}
END_TEST

/* The least recently used go until all are below the bound; what was used a moment ago does not. */
START_TEST(test_bytes)
{
	struct kept kept[QUESTIONS];
	char text[2000], bound[32];
	struct daemon d;

	keep_all("bytes", kept);
	for (int i = 0; i < QUESTIONS; i++) {
		snprintf(text, sizeof(text), "UPDATE packages SET used_at = used_at - %d WHERE id = '%s'",
			 (i + 1) * 7200, kept[i].id);
		sql("bytes", text);
	}
	/* room for the newest two, and the margin */
	snprintf(bound, sizeof(bound), "%zu", (kept[0].bytes.len + kept[1].bytes.len) * 16 / 15 + 32);
	daemon_start(&d, "bytes", "--packages-bytes", bound, (char *)NULL);
	daemon_wait_ready(&d);
	await(&d, "ofad_packages_dropped_total{reason=\"bytes\"}", 2);
	await(&d, "ofad_packages_stored", 2);
	await(&d, "ofad_packages_stored_bytes", (double)(kept[0].bytes.len + kept[1].bytes.len));
	ck_assert(there("bytes", kept[0].id) && there("bytes", kept[1].id));
	ck_assert(!there("bytes", kept[2].id) && !there("bytes", kept[3].id));
	daemon_end(&d);

	/* all within the time of grace: none may go */
	sql("bytes", "UPDATE packages SET used_at = CAST(strftime('%s', 'now') AS INTEGER)");
	daemon_start(&d, "bytes", "--packages-bytes", "1K", (char *)NULL);
	daemon_wait_ready(&d);
	await(&d, "ofad_packages_stored", 2);
	check_get(&d, &kept[0]);
	check_get(&d, &kept[1]);
	ck_assert_double_eq(metric_of(&d, "ofad_packages_rebuilt_total"), 0);
	daemon_end(&d);
	ck_assert(there("bytes", kept[0].id));
	release_all(kept);
}
END_TEST

/* What is asked for is written down, at the end too. */
START_TEST(test_uses)
{
	struct kept kept[QUESTIONS];
	struct daemon d;

	keep_all("uses", kept);
	sql("uses", "UPDATE packages SET used_at = 1000");
	daemon_begin(&d, "uses");
	check_get(&d, &kept[1]);
	check_get(&d, &kept[1]);
	daemon_end(&d);
	ck_assert_int_eq(sql_number("uses", "SELECT count(*) FROM packages WHERE used_at > 1000"), 1);
	release_all(kept);
}
END_TEST

/* Every place where the daemon may have died: a row without bytes, of both kinds, and bytes without a row. */
START_TEST(test_crashes)
{
	struct kept kept[QUESTIONS];
	struct daemon d;
	char text[2000];

	keep_all("crashes", kept);
	/* between the row and the bytes of a new package; between the bytes and the row of one that is dropped */
	sql("crashes",
	    "INSERT INTO packages VALUES (replace(hex(zeroblob(32)), '00', 'cd'), 5, 'tiny', '', 1, 1, NULL)");
	ck_assert_int_eq(unlink(file_of("crashes", kept[1].id)), 0);
	snprintf(text, sizeof(text), "UPDATE packages SET used_at = 1 WHERE id = '%s'", kept[1].id);
	sql("crashes", text);
	/* bytes that nobody knows of, as a database from a backup leaves them */
	snprintf(text, sizeof(text), "DELETE FROM packages WHERE id = '%s'", kept[2].id);
	sql("crashes", text);
	daemon_start(&d, "crashes", "--packages-days", "30", (char *)NULL);
	daemon_wait_ready(&d);
	await(&d, "ofad_packages_dropped_total{reason=\"age\"}", 2);
	await(&d, "ofad_packages_stored", QUESTIONS - 1);
	for (int i = 0; i < QUESTIONS; i++)
		check_get(&d, &kept[i]);
	await(&d, "ofad_packages_rebuilt_total", 1);
	daemon_end(&d);
	release_all(kept);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		test_age_and_rebuild, test_ways,  test_without_memory, test_crowd,
		test_gone,            test_bytes, test_uses,           test_crashes,
	};
	int status;

	world_make();
	status = run_tests("bounds of packages", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
