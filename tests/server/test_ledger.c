/* GET /ledger: what is counted, what follows from it, and that it survives. */
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "daemon.h"
#include "net/supernet.h"

#define JSON "application/json"

enum { FILE_MAX = 64 << 20 };

static json_t *ledger(const struct daemon *d, const char *query)
{
	char path[128];
	struct reply r;
	json_t *json;

	snprintf(path, sizeof(path), "/ledger%s", query);
	ask(d, "GET", path, NULL, NULL, &r);
	ck_assert_int_eq(r.status, 200);
	ck_assert_str_eq(reply_header(&r, "Cache-Control"), "no-cache");
	ck_assert_ptr_nonnull(reply_header(&r, "ETag"));
	json = reply_json(&r);
	reply_release(&r);
	return json;
}

/* The value at "a/b/c"; borrowed. */
static const json_t *at(const json_t *json, const char *path)
{
	char name[64];

	while (*path) {
		size_t n = strcspn(path, "/");

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(name, NULL, 10))
					   : json_object_get(json, name);
		ck_assert_msg(json != NULL, "there is no %s", path);
		path += n + (path[n] == '/');
	}
	return json;
}

static double number(const json_t *json, const char *path)
{
	const json_t *value = at(json, path);

	ck_assert_msg(json_is_number(value), "%s is no number", path);
	return json_number_value(value);
}

static void check_close(double a, double b)
{
	ck_assert_msg(fabs(a - b) <= 1e-6 * fabs(b), "%g is not %g", a, b);
}

static void deliver(const struct daemon *d, const char *body)
{
	struct reply r;

	post_subnet(d, JSON, body, &r);
	ck_assert_int_eq(r.status, 200);
	reply_release(&r);
}

static void put_profile(const struct daemon *d)
{
	struct ofa_error err = {0};
	uint8_t *data;
	size_t size;

	ASSERT_OK(ofa_file_read(world_path("profile.json"), FILE_MAX, &data, &size, &err), &err);
	data = realloc(data, size + 1);
	data[size] = '\0';
	ck_assert_int_eq(ask_status(d, "PUT", "/profiles/" NETWORK, "Content-Type: application/json\nIf-None-Match: *",
				    (char *)data),
			 201);
	free(data);
}

START_TEST(test_nothing_spent)
{
	struct daemon d;
	json_t *json;
	struct reply r;
	char etag[128];

	daemon_start(&d, "empty", NULL);
	daemon_wait_ready(&d);
	json = ledger(&d, "");
	ck_assert_int_eq((int)number(json, "counts/deliveries"), 0);
	ck_assert_int_eq((int)json_array_size(at(json, "networks")), 2);
	/* nothing is known of the training, and nothing is made up */
	ck_assert(json_is_null(at(json, "cpu_hours/training")));
	ck_assert(json_is_null(at(json, "per_delivery/kwh")));
	ck_assert(json_is_false(at(json, "comparison/training_included")));
	ck_assert_double_eq(number(json, "comparison/once_for_all/kg_co2"), 0);
	ck_assert_double_eq(number(json, "comparison/conventional/gpu_hours"), 0);
	ck_assert_double_eq(number(json, "conventional/per_device/gpu_hours"), 40000);
	check_close(number(json, "conventional/per_device/lbs_co2"), 11360);
	check_close(number(json, "conventional/per_device/kg_co2"), 5152.8093);
	check_close(number(json, "factors/watts_per_core/value"), 12);
	json_decref(json);
	/* for devices that nothing is known of yet */
	json = ledger(&d, "?devices=3");
	ck_assert(json_is_null(at(json, "comparison/once_for_all/kwh")));
	ck_assert_double_eq(number(json, "comparison/conventional/gpu_hours"), 120000);
	json_decref(json);
	/* unchanged: not sent again */
	ask(&d, "GET", "/ledger", NULL, NULL, &r);
	snprintf(etag, sizeof(etag), "If-None-Match: %s", reply_header(&r, "ETag"));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "GET", "/ledger", etag, NULL), 304);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

START_TEST(test_bad_queries)
{
	static const char *const bad[] = {"-1", "x", "1.5", "1000000000001", "99999999999999999999", "1%20", "%zz"};
	struct daemon d;

	daemon_start(&d, "queries", NULL);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++) {
		char path[64];
		struct reply r;

		snprintf(path, sizeof(path), "/ledger?devices=%s", bad[i]);
		ask(&d, "GET", path, NULL, NULL, &r);
		json_decref(check_problem(&r, 422, "invalid-value", "devices"));
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "GET", "/ledger?devices=1000000000000", NULL, NULL), 200);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* Searches and packages are booked by what their threads used, deliveries by answers; all by network. */
START_TEST(test_spending)
{
	struct daemon d;
	json_t *json;
	double spent, kwh;

	daemon_start(&d, "spending", "--watts-per-core", "20", "--pue", "1.5", "--kg-co2-per-kwh", "0.25", NULL);
	daemon_wait_ready(&d);
	deliver(&d, "{\"seed\":1}");
	deliver(&d, "{\"seed\":1}");
	deliver(&d, "{\"seed\":2}");
	deliver(&d, "{\"seed\":2,\"network\":\"" OTHER_NETWORK "\"}");
	put_profile(&d);
	deliver(&d, "{\"profile\":\"" NETWORK "\",\"limits\":{\"latency_ms\":1000}}");
	json = ledger(&d, "?devices=10");
	ck_assert_int_eq((int)number(json, "counts/deliveries"), 5);
	ck_assert_int_eq((int)number(json, "networks/0/counts/deliveries"), 4);
	ck_assert_int_eq((int)number(json, "networks/1/counts/deliveries"), 1);
	ck_assert_int_eq((int)number(json, "counts/searches"), 4);
	ck_assert_int_eq((int)number(json, "counts/packages"), 4);
	ck_assert_int_ge((int)number(json, "counts/fronts"), 1);
	spent = number(json, "cpu_hours/search") + number(json, "cpu_hours/fronts") + number(json, "cpu_hours/packing");
	ck_assert_double_gt(number(json, "cpu_hours/search"), 0);
	ck_assert_double_gt(number(json, "cpu_hours/fronts"), 0);
	ck_assert_double_gt(number(json, "cpu_hours/packing"), 0);
	ck_assert_double_lt(spent, 60.0 / 3600);
	check_close(number(json, "spent/cpu_hours"), spent);
	kwh = spent * 20 * 1.5 / 1000;
	check_close(number(json, "spent/kwh"), kwh);
	check_close(number(json, "spent/kg_co2"), kwh * 0.25);
	check_close(number(json, "per_delivery/cpu_hours"), spent / 5);
	check_close(number(json, "comparison/once_for_all/cpu_hours"), spent / 5 * 10);
	ck_assert_double_eq(number(json, "comparison/conventional/gpu_hours"), 400000);
	json_decref(json);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* What was booked is there after a restart, and after a crash all but the last few seconds. */
START_TEST(test_survives)
{
	const struct timespec until_written = {.tv_sec = 6, .tv_nsec = 500000000};
	struct daemon d;
	json_t *before, *after;

	daemon_start(&d, "survives", NULL);
	daemon_wait_ready(&d);
	deliver(&d, "{\"seed\":1}");
	deliver(&d, "{\"seed\":1}");
	before = ledger(&d, "");
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	daemon_start(&d, "survives", NULL);
	daemon_wait_ready(&d);
	after = ledger(&d, "");
	ck_assert_str_eq(json_string_value(at(after, "networks/0/since")),
			 json_string_value(at(before, "networks/0/since")));
	ck_assert(json_equal((json_t *)at(before, "counts"), (json_t *)at(after, "counts")));
	check_close(number(after, "spent/cpu_hours"), number(before, "spent/cpu_hours"));
	json_decref(after);
	deliver(&d, "{\"seed\":1}");
	nanosleep(&until_written, NULL);
	daemon_stop(&d, SIGKILL);
	daemon_start(&d, "survives", NULL);
	after = ledger(&d, "");
	ck_assert_int_eq((int)number(after, "counts/deliveries"), 3);
	ck_assert_int_eq((int)number(after, "counts/searches"), 1);
	json_decref(before);
	json_decref(after);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

/* The default network under another name, with this lineage unless it is NULL; broken: with weights that no logits come
 * out of. */
static void make_variant(const char *path, const char *name, json_t *lineage, bool broken)
{
	const float *data[4096];
	struct ofa_supernet_parts parts;
	struct ofa_supernet *net;
	struct ofa_error err = {0};
	float *huge;
	int last = 0;

	ASSERT_OK(ofa_supernet_load(world_path("a.safetensors"), &net, &err), &err);
	ofa_supernet_parts(net, &parts);
	parts.name = name;
	parts.lineage = lineage;
	ck_assert_int_lt(net->params.n, 4096);
	memcpy(data, net->data, (size_t)net->params.n * sizeof(data[0]));
	while (strcmp(net->params.list[last].name, "classifier.linear.weight") != 0)
		ck_assert_int_lt(++last, net->params.n);
	huge = malloc(net->params.list[last].elements * sizeof(*huge));
	for (size_t i = 0; i < net->params.list[last].elements; i++)
		huge[i] = 3e38f;
	if (broken)
		data[last] = huge;
	parts.data = data;
	ASSERT_OK(ofa_supernet_save(path, &parts, &err), &err);
	ofa_supernet_free(net);
	free(huge);
}

/* The training is paid once, however many devices there are. */
START_TEST(test_training)
{
	json_t *lineage = json_pack("{s:{s:f}}", "cost", "cpu_seconds", 7200.0), *json;
	char path[1024], output[2048];
	struct daemon d;

	snprintf(path, sizeof(path), "%s", world_path("costly.safetensors"));
	make_variant(path, "costly", lineage, false);
	daemon_start(&d, "training", "--network", path, NULL);
	daemon_wait_ready(&d);
	json = ledger(&d, "");
	ck_assert_double_eq(number(json, "networks/2/cpu_hours/training"), 2);
	/* the sum is not known, as two of the three do not say */
	ck_assert(json_is_null(at(json, "cpu_hours/training")));
	json_decref(json);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	json_object_set_new(json_object_get(lineage, "cost"), "cpu_seconds", json_string("much"));
	make_variant(path, "costly", lineage, false);
	daemon_start(&d, "training", "--network", path, NULL);
	json = ledger(&d, "");
	ck_assert(json_is_null(at(json, "networks/2/cpu_hours/training")));
	json_decref(json);
	json_decref(lineage);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
	ck_assert_int_eq(daemon_run(output, sizeof(output), "--network", path, "--pue", "0.5", NULL), 2);
	ck_assert_msg(strstr(output, "--pue is \"0.5\"; a number from 1 to 10 is accepted") != NULL, "%s", output);
}
END_TEST

/* A network that fails its self-test keeps the daemon from being ready, for ever, and it says why. */
START_TEST(test_not_ready)
{
	char path[1024];
	struct daemon d;
	struct reply r;
	json_t *json;
	const char *status = "testing";

	snprintf(path, sizeof(path), "%s", world_path("broken.safetensors"));
	make_variant(path, "huge", NULL, true);
	daemon_start(&d, "broken", "--network", path, NULL);
	while (strcmp(status, "testing") == 0) {
		ask(&d, "GET", "/readyz", NULL, NULL, &r);
		ck_assert_int_eq(r.status, 503);
		json = reply_json(&r);
		ck_assert_str_eq(json_string_value(at(json, "status")), "not ready");
		status = strcmp(json_string_value(at(json, "networks/2/status")), "failed") == 0 ? "failed" : "testing";
		if (strcmp(status, "failed") == 0) {
			ck_assert_str_eq(json_string_value(at(json, "networks/0/status")), "ready");
			ck_assert_str_eq(json_string_value(at(json, "networks/2/name")), "huge");
			ck_assert_ptr_nonnull(json_object_get(at(json, "networks/2"), "detail"));
		}
		json_decref(json);
		reply_release(&r);
	}
	ck_assert_int_eq(ask_status(&d, "GET", "/readyz", NULL, NULL), 503);
	ck_assert_int_eq(ask_status(&d, "GET", "/healthz", NULL, NULL), 200);
	ck_assert_int_eq(daemon_stop(&d, SIGTERM), 0);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_nothing_spent, test_bad_queries, test_spending, test_survives,
				      test_training,	  test_not_ready};
	int status;

	world_make();
	status = run_tests("ledger", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	return status;
}
