/* GET /networks/{name}/samples: the bytes, what they are of, what is refused, and what is kept. */
#include <curl/curl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "search/samples.h"

#define SAMPLES "/networks/" NETWORK "/samples"
#define TYPE "application/vnd.ofa.samples"
#define SEND_JSON "Content-Type: application/json"
#define HEADER_BYTES 32
#define DASHBOARDS_BUSY "ofad_workers_busy{pool=\"requests\",class=\"dashboard\"}"

/* A path of the network's samples. */
static const char *with(const char *query)
{
	static char path[2048];

	snprintf(path, sizeof(path), SAMPLES "%s%s", *query ? "?" : "", query);
	return path;
}

static void get(const struct daemon *d, const char *query, struct reply *ret)
{
	ask(d, "GET", with(query), NULL, NULL, ret);
	ck_assert_msg(ret->status == 200, "%s: %ld %.*s", query, ret->status, (int)ret->body.len,
		      (const char *)ret->body.data);
}

/* The n rows of six columns behind the header, which is checked. */
static const float *columns_of(const struct reply *r, uint32_t n)
{
	const uint8_t header[HEADER_BYTES] = {
		'O', 'F', 'A', 'S', 'M', 'P', 'L', 0, 1, 0, 0, 0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), 0,
		6,   0,   0,   0,   32};

	ck_assert_str_eq(reply_header(r, "Content-Type"), TYPE);
	ck_assert_uint_eq(r->body.len, HEADER_BYTES + 24 * (size_t)n);
	ck_assert_mem_eq(r->body.data, header, sizeof(header));
	return (const float *)(const void *)(r->body.data + HEADER_BYTES);
}

/* The same through the engine alone.  table: the world's profile as of this type, or NULL. */
static float *drawn(int n, uint64_t seed, enum ofa_precision precision, const char *table)
{
	const struct ofa_samples_options opt = {.n = n, .seed = seed};
	float *columns = malloc((size_t)n * OFA_SAMPLE_COLUMNS * sizeof(float));
	struct ofa_latency_model *latency = NULL;
	struct ofa_search_problem *problem;
	struct ofa_predictor predictor;
	struct ofa_supernet *net;
	struct ofa_profile profile = {0};
	struct ofa_error err = {0};
	json_t *json;

	ASSERT_OK(ofa_supernet_load(world_path("a.safetensors"), &net, &err), &err);
	ASSERT_OK(ofa_predictor_load(net, &predictor, &err), &err);
	if (table) {
		json = json_load_file(world_path("profile.json"), 0, NULL);
		json_object_set_new(json_object_get(json, "latency_table"), "dtype", json_string(table));
		ASSERT_OK(ofa_profile_parse(json, &profile, &err), &err);
		json_decref(json);
		ASSERT_OK(ofa_latency_model_new(&net->space, &net->params, &profile.table, &latency, &err), &err);
	}
	ASSERT_OK(ofa_search_problem_new(net, &predictor, latency, precision, &problem, &err), &err);
	ASSERT_OK(ofa_samples_draw(problem, &opt, columns, &err), &err);
	ofa_search_problem_free(problem);
	ofa_latency_model_free(latency);
	ofa_profile_release(&profile);
	ofa_predictor_release(&predictor);
	ofa_supernet_free(net);
	return columns;
}

static void put_profile(const struct daemon *d, const char *name, const char *dtype)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);
	char *text, path[160];

	json_object_del(json, "name");
	json_object_set_new(json_object_get(json, "latency_table"), "dtype", json_string(dtype));
	text = json_dumps(json, 0);
	snprintf(path, sizeof(path), "/profiles/%s", name);
	ck_assert_int_eq(ask_status(d, "PUT", path, SEND_JSON, text), 201);
	json_decref(json);
	free(text);
}

static void check_cloud(const struct daemon *d, const char *query, int n, uint64_t seed, enum ofa_precision precision,
			const char *table)
{
	float *want = drawn(n, seed, precision, table);
	struct reply r;

	get(d, query, &r);
	ck_assert_mem_eq(columns_of(&r, (uint32_t)n), want, (size_t)n * 24);
	reply_release(&r);
	free(want);
}

/* Type and profile decide what the columns are of; a table of another type tells no latency. */
START_TEST(test_columns)
{
	const float *columns;
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "columns");
	put_profile(&d, "board", "float32");
	put_profile(&d, "lab/mcu", "int8");
	check_cloud(&d, "", 20000, 0, OFA_FLOAT32, NULL);
	check_cloud(&d, "n=1000&seed=9007199254740991", 1000, 9007199254740991, OFA_FLOAT32, NULL);
	check_cloud(&d, "n=300&profile=board&seed=7", 300, 7, OFA_FLOAT32, "float32");
	check_cloud(&d, "n=300&profile=board@1&dtype=float32&seed=7", 300, 7, OFA_FLOAT32, "float32");
	check_cloud(&d, "n=300&profile=lab/mcu&dtype=int8", 300, 0, OFA_INT8, "int8");
	check_cloud(&d, "n=300&profile=lab/mcu", 300, 0, OFA_FLOAT32, NULL);
	check_cloud(&d, "n=300&dtype=float16&n=5", 300, 0, OFA_FLOAT16, NULL);
	get(&d, "n=100000&profile=board", &r);
	columns = columns_of(&r, 100000);
	ck_assert(columns[0] > 0.5f && columns[0] < 1 && columns[100000] > 0);
	ck_assert(columns[5 * 100000] >= 14 && columns[6 * 100000 - 1] <= 28);
	reply_release(&r);
	get(&d, "n=1&dtype=float16", &r);
	columns = columns_of(&r, 1);
	ck_assert(isnan(columns[0]) && isnan(columns[1]) && columns[2] > 0);
	reply_release(&r);
	daemon_end(&d);
}
END_TEST

/* Same seed same bytes, whoever asks; tag, condition and HEAD are those of the bytes. */
START_TEST(test_representation)
{
	struct reply first, again, other;
	char headers[200];
	struct daemon d;

	daemon_begin(&d, "representation");
	get(&d, "n=5000&seed=3", &first);
	ck_assert_ptr_nonnull(strstr(reply_header(&first, "Server-Timing"), "draw;dur="));
	ck_assert_str_eq(reply_header(&first, "Cache-Control"), "no-cache");
	get(&d, "seed=3&n=5000&profile=&dtype=", &again);
	ck_assert_ptr_nonnull(strstr(reply_header(&again, "Server-Timing"), "cache;desc=\"memory\""));
	ck_assert_uint_eq(first.body.len, again.body.len);
	ck_assert_mem_eq(first.body.data, again.body.data, first.body.len);
	ck_assert_str_eq(reply_header(&first, "ETag"), reply_header(&again, "ETag"));
	get(&d, "n=5000&seed=4", &other);
	ck_assert_mem_ne(first.body.data, other.body.data, first.body.len);
	ck_assert_str_ne(reply_header(&first, "ETag"), reply_header(&other, "ETag"));
	reply_release(&again);
	reply_release(&other);
	get(&d, "n=5000&seed=4294967299", &other); /* 2^32 + 3 */
	ck_assert_str_ne(reply_header(&first, "ETag"), reply_header(&other, "ETag"));
	reply_release(&other);
	snprintf(headers, sizeof(headers), "If-None-Match: %s", reply_header(&first, "ETag"));
	ask(&d, "GET", with("n=5000&seed=3"), headers, NULL, &again);
	ck_assert_int_eq(again.status, 304);
	ck_assert_uint_eq(again.body.len, 0);
	ck_assert_str_eq(reply_header(&again, "ETag"), reply_header(&first, "ETag"));
	reply_release(&again);
	ck_assert_int_eq(ask_status(&d, "GET", with("n=5000&seed=4"), headers, NULL), 200);
	ask(&d, "HEAD", with("n=5000&seed=3"), NULL, NULL, &again);
	ck_assert_int_eq(again.status, 200);
	ck_assert_uint_eq(again.body.len, 0);
	ck_assert_str_eq(reply_header(&again, "Content-Length"), "120032");
	reply_release(&again);
	reply_release(&first);
	/* another daemon, the same bytes */
	daemon_end(&d);
	daemon_begin(&d, "representation");
	check_cloud(&d, "n=5000&seed=3", 5000, 3, OFA_FLOAT32, NULL);
	daemon_end(&d);
}
END_TEST

START_TEST(test_refused)
{
	static const struct {
		const char *query, *field, *accepted;
	} cases[] = {
		{"n=0", "n", "1 to 100000"},
		{"n=100001", "n", "1 to 100000"},
		{"n=-1", "n", "1 to 100000"},
		{"n=1e3", "n", "1 to 100000"},
		{"n=%2010", "n", "1 to 100000"},
		{"n=10x", "n", "1 to 100000"},
		{"n=4294967297", "n", "1 to 100000"},
		{"n=18446744073709551617", "n", "1 to 100000"},
		{"n=00000000000000000000000001", "n", "1 to 100000"},
		{"n=%zz", "n", "1 to 100000"},
		{"seed=-1", "seed", "0 to 9007199254740991"},
		{"seed=9007199254740992", "seed", "0 to 9007199254740991"},
		{"seed=1.5", "seed", "0 to 9007199254740991"},
		{"seed=one", "seed", "0 to 9007199254740991"},
		{"dtype=int4", "dtype", "float32, float16 or int8"},
		{"dtype=float32float32float32float32", "dtype", "float32, float16 or int8"},
		{"profile=no%20spaces", "profile", "A-Z a-z 0-9"},
		{"profile=board@0", "profile", "A-Z a-z 0-9"},
	};
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "refused");
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		json_t *problem;

		ask(&d, "GET", with(cases[i].query), NULL, NULL, &r);
		problem = check_problem(&r, 422, "invalid-value", cases[i].field);
		ck_assert_msg(strstr(string_at(problem, "detail"), cases[i].accepted) != NULL, "%s: %s", cases[i].query,
			      string_at(problem, "detail"));
		json_decref(problem);
		reply_release(&r);
	}
	ask(&d, "GET", with("profile=nobody/nothing"), NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	ask(&d, "GET", "/networks/nothing/samples", NULL, NULL, &r);
	json_decref(check_problem(&r, 404, "not-found", NULL));
	reply_release(&r);
	ask(&d, "GET", with(""), "Accept: application/json", NULL, &r);
	json_decref(check_problem(&r, 406, "not-acceptable", "Accept"));
	reply_release(&r);
	daemon_end(&d);
	ck_assert_int_eq(daemon_log_count("refused", "\"level\":\"error\""), 0);
}
END_TEST

/* A third network, with image sizes that the profile's table does not have. */
static const char *make_other_sizes(void)
{
	const char *source = getenv("OFA_SRCDIR"), *build = getenv("OFA_BUILDDIR");
	char recipe[1024], command[4096];
	json_t *json;

	snprintf(recipe, sizeof(recipe), "%s/models/fashion/recipe.json", source ? source : ".");
	json = json_load_file(recipe, 0, NULL);
	ck_assert_ptr_nonnull(json);
	json_object_set_new(json_object_get(json, "space"), "resolutions", json_pack("[i]", 32));
	ck_assert_int_eq(json_dump_file(json, world_path("recipe.json"), 0), 0);
	json_decref(json);
	snprintf(command, sizeof(command), "%s/tests/server/make_network third %s %s %s", build ? build : ".",
		 world_path("recipe.json"), world_path("c.safetensors"), world_path("third-profile.json"));
	ck_assert_int_eq(system(command), 0);
	return world_path("c.safetensors");
}

/* The same problem as the front's. */
START_TEST(test_table_that_does_not_cover)
{
	json_t *of_front, *of_samples;
	char network[1024];
	struct daemon d;
	struct reply r;

	snprintf(network, sizeof(network), "%s", make_other_sizes());
	daemon_start(&d, "sizes", "--network", network, NULL);
	daemon_wait_ready(&d);
	put_profile(&d, "board", "float32");
	ask(&d, "GET", "/networks/third/pareto?profile=board", NULL, NULL, &r);
	of_front = check_problem(&r, 422, "profile-mismatch", NULL);
	reply_release(&r);
	ask(&d, "GET", "/networks/third/samples?profile=board", NULL, NULL, &r);
	of_samples = check_problem(&r, 422, "profile-mismatch", NULL);
	reply_release(&r);
	ck_assert_str_eq(string_at(of_front, "detail"), string_at(of_samples, "detail"));
	json_object_del(of_front, "request_id");
	json_object_del(of_samples, "request_id");
	json_object_del(of_front, "instance");
	json_object_del(of_samples, "instance");
	ck_assert(json_equal(of_front, of_samples));
	json_decref(of_front);
	json_decref(of_samples);
	daemon_end(&d);
}
END_TEST

/* Of a metric in the text of GET /metrics. */
static double gauge(const struct daemon *d, const char *name)
{
	const char *at;
	struct reply r;
	double value;

	ask(d, "GET", "/metrics", NULL, NULL, &r);
	ASSERT_OK(ofa_buf_append(&r.body, "", 1), &(struct ofa_error){0});
	at = strstr((const char *)r.body.data, name);
	ck_assert_ptr_nonnull(at);
	value = strtod(at + strlen(name), NULL);
	reply_release(&r);
	return value;
}

/* A front takes seconds when it is asked for first; the cloud behind it does not wait for that. */
START_TEST(test_cloud_before_front)
{
	struct daemon d;
	struct reply r;
	int status;
	pid_t pid;

	daemon_start(&d, "before", "--workers", "2", "--front-evaluations", "10000000", NULL);
	daemon_wait_ready(&d);
	put_profile(&d, "board", "float32");
	pid = fork();
	if (pid == 0) {
		ask(&d, "GET", "/networks/" NETWORK "/pareto?profile=board", NULL, NULL, &r);
		_exit(r.status == 200 ? 0 : 1);
	}
	while (gauge(&d, DASHBOARDS_BUSY) != 1)
		ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	get(&d, "n=50000&profile=board", &r);
	ck_assert_double_eq(gauge(&d, DASHBOARDS_BUSY), 1);
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	reply_release(&r);
	/* it would wait for the front */
	daemon_stop(&d, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

static bool from_memory(const struct daemon *d, const char *query)
{
	struct reply r;
	bool found;

	get(d, query, &r);
	found = strstr(reply_header(&r, "Server-Timing"), "memory") != NULL;
	reply_release(&r);
	return found;
}

/* A thirty-second of the budget: room for two of these, the longest unused going first; what is larger is drawn each
 * time. */
START_TEST(test_bounded)
{
	struct daemon d;

	daemon_start(&d, "bounded", "--cache-bytes", "8M", NULL);
	daemon_wait_ready(&d);
	ck_assert_double_eq(gauge(&d, "ofad_cache_max_bytes{cache=\"samples\"}"), 8 << 15);
	ck_assert(!from_memory(&d, "n=5000&seed=1"));
	ck_assert(!from_memory(&d, "n=5000&seed=2"));
	ck_assert(from_memory(&d, "n=5000&seed=1"));
	ck_assert_double_gt(gauge(&d, "ofad_cache_bytes{cache=\"samples\"}"), 240000);
	ck_assert(!from_memory(&d, "n=5000&seed=3"));
	ck_assert(!from_memory(&d, "n=5000&seed=2"));
	ck_assert(from_memory(&d, "n=5000&seed=3"));
	ck_assert(!from_memory(&d, "n=11000&seed=1"));
	ck_assert(!from_memory(&d, "n=11000&seed=1"));
	ck_assert(from_memory(&d, "n=5000&seed=3"));
	ck_assert_double_le(gauge(&d, "ofad_cache_bytes{cache=\"samples\"}"), 8 << 15);
	daemon_end(&d);
}
END_TEST

/* A profile that is changed is another device. */
START_TEST(test_changed_profile)
{
	struct reply before, after;
	struct daemon d;

	daemon_begin(&d, "changed");
	put_profile(&d, "board", "float32");
	get(&d, "n=500&dtype=int8&profile=board", &before);
	ck_assert_int_eq(ask_status(&d, "DELETE", "/profiles/board", NULL, NULL), 204);
	ck_assert_int_eq(ask_status(&d, "GET", with("n=500&dtype=int8&profile=board"), NULL, NULL), 404);
	put_profile(&d, "board", "int8");
	get(&d, "n=500&dtype=int8&profile=board", &after);
	ck_assert(isnan(columns_of(&before, 500)[500]));
	ck_assert(columns_of(&after, 500)[500] > 0);
	reply_release(&before);
	reply_release(&after);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_columns, test_representation, test_refused, test_table_that_does_not_cover,
				      test_cloud_before_front, test_bounded, test_changed_profile};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("samples", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
