/* POST /plans: one subnet, unit by unit, against what is delivered. */
#include <curl/curl.h>
#include <math.h>
#include <string.h>

#include "daemon.h"

#define JSON "application/json"
#define SEND_JSON "Content-Type: application/json"

static void post_plan(const struct daemon *d, const char *body, struct reply *ret)
{
	ask(d, "POST", "/plans", SEND_JSON, body, ret);
}

static json_t *plan_of(const struct daemon *d, json_t *request)
{
	char *body = json_dumps(request, 0);
	struct reply r;
	json_t *json;

	post_plan(d, body, &r);
	ck_assert_msg(r.status == 200, "%s: %ld %.*s", body, r.status, (int)r.body.len, (const char *)r.body.data);
	json = reply_json(&r);
	reply_release(&r);
	free(body);
	return json;
}

/* The world's profile, its table of packages of this type. */
static json_t *profile_of(const char *dtype)
{
	json_t *json = json_load_file(world_path("profile.json"), 0, NULL);

	ck_assert_ptr_nonnull(json);
	json_object_del(json, "name");
	json_object_set_new(json_object_get(json, "latency_table"), "dtype", json_string(dtype));
	return json;
}

/* What the units have of a figure, together. */
static double sum_of(json_t *plan, const char *figure)
{
	json_t *unit;
	double sum = 0;
	size_t i;

	json_array_foreach(json_object_get(plan, "units"), i, unit)
		sum += number_at(unit, figure);
	return sum;
}

static double peak_of(json_t *plan)
{
	const int units = (int)json_array_size(json_object_get(plan, "units"));
	json_t *layer;
	double most = 0;
	int unit = 0;
	size_t i;

	json_array_foreach(json_object_get(plan, "memory"), i, layer)
	{
		const int of = integer_at(layer, "unit");

		ck_assert(of == unit || of == unit + 1);
		ck_assert_int_lt(of, units);
		ck_assert_uint_gt(strlen(string_at(layer, "op")), 0);
		most = fmax(most, number_at(layer, "bytes"));
		unit = of;
	}
	ck_assert_int_eq(unit, units - 1);
	return most;
}

static void check_sums(json_t *plan)
{
	ck_assert_double_eq(sum_of(plan, "macs"), number_at(plan, "macs"));
	ck_assert_double_eq(sum_of(plan, "params"), number_at(plan, "params"));
	ck_assert_double_eq(sum_of(plan, "storage_bytes") + number_at(plan, "overhead_bytes"),
			    number_at(plan, "storage_bytes"));
	ck_assert_double_eq(peak_of(plan), number_at(plan, "peak_memory_bytes"));
	ck_assert_double_eq_tol(sum_of(plan, "latency_ms"), number_at(plan, "latency_ms"), 1e-9);
}

static int side_of(json_t *unit, const char *end)
{
	return (int)json_integer_value(json_array_get(json_object_get(unit, end), 0));
}

/* Shapes, genes and what follows from them agree; all but the pool over everything halve by their stride. */
static void check_unit(json_t *unit)
{
	const bool block = strcmp(string_at(unit, "kind"), "block") == 0;
	const int in = side_of(unit, "input"), stride = integer_at(unit, "stride");

	if (strcmp(string_at(unit, "kind"), "pool") == 0)
		ck_assert_int_eq(side_of(unit, "output"), 1);
	else
		ck_assert_int_eq(side_of(unit, "output"), (in - 1) / stride + 1);
	ck_assert_int_eq(integer_at(unit, "kernel") > 1, block || strcmp(string_at(unit, "kind"), "stem") == 0);
	ck_assert(json_is_null(json_object_get(unit, "mid")) == !block);
	ck_assert(json_is_null(json_object_get(unit, "expand")) == !block);
	if (block)
		ck_assert_int_ge(integer_at(unit, "mid"), integer_at(unit, "expand"));
}

/* Units begin where the last one ended, and the blocks among them are those that the stages say are active. */
static void check_units(json_t *plan)
{
	json_t *stages = json_object_get(plan, "stages"), *unit, *before = NULL, *stage;
	int active[16] = {0};
	size_t i;

	json_array_foreach(json_object_get(plan, "units"), i, unit)
	{
		json_t *of = json_object_get(unit, "stage");

		ck_assert_str_eq(string_at(unit, "kind"), i == 0 ? "stem" : string_at(unit, "kind"));
		if (before)
			ck_assert(json_equal(json_object_get(before, "output"), json_object_get(unit, "input")));
		if (json_is_integer(of))
			ck_assert_int_eq(integer_at(unit, "block"), active[json_integer_value(of)]++);
		else
			ck_assert(json_is_null(json_object_get(unit, "block")));
		check_unit(unit);
		before = unit;
	}
	ck_assert_str_eq(string_at(before, "kind"), "classifier");
	json_array_foreach(stages, i, stage)
	{
		ck_assert_int_eq(integer_at(stage, "active"), active[i]);
		ck_assert_int_le(active[i], integer_at(stage, "blocks"));
	}
}

static void check_same(json_t *plan, json_t *manifest)
{
	static const char *const names[] = {"network", "dtype", "profile", "arch", "predicted_accuracy", "latency_ms",
					    "macs", "params", "storage_bytes", "peak_memory_bytes"};

	for (size_t i = 0; i < OFA_ARRAY_LEN(names); i++)
		ck_assert_msg(json_equal(json_object_get(plan, names[i]), json_object_get(manifest, names[i])), "%s",
			      names[i]);
}

/* The plan of what was delivered says what its manifest says, to the last bit. */
START_TEST(test_delivered)
{
	static const char *const dtypes[] = {"float32", "float16", "int8"};
	struct daemon d;

	daemon_begin(&d, "delivered");
	for (size_t i = 0; i < OFA_ARRAY_LEN(dtypes); i++) {
		json_t *profile = profile_of(dtypes[i]), *request, *plan, *manifest;
		struct reply r;
		char *body;

		request = json_pack("{s:O, s:s, s:{s:f}}", "profile", profile, "dtype", dtypes[i], "limits", "macs",
				    3e6);
		body = json_dumps(request, 0);
		post_subnet(&d, JSON, body, &r);
		ck_assert_int_eq(r.status, 200);
		manifest = reply_json(&r);
		reply_release(&r);
		json_object_del(request, "limits");
		json_object_set(request, "arch", json_object_get(manifest, "arch"));
		plan = plan_of(&d, request);
		check_same(plan, manifest);
		check_sums(plan);
		check_units(plan);
		json_decref(plan);
		json_decref(manifest);
		json_decref(request);
		json_decref(profile);
		free(body);
	}
	daemon_end(&d);
}
END_TEST

/* An arch of the world's networks; a new reference. */
static json_t *some_arch(const struct daemon *d)
{
	struct reply r;
	json_t *manifest, *arch;

	post_subnet(d, JSON, "{}", &r);
	ck_assert_int_eq(r.status, 200);
	manifest = reply_json(&r);
	arch = json_incref(json_object_get(manifest, "arch"));
	json_decref(manifest);
	reply_release(&r);
	return arch;
}

static bool all_null(json_t *plan, const char *figure)
{
	json_t *unit;
	size_t i;

	json_array_foreach(json_object_get(plan, "units"), i, unit)
		if (!json_is_null(json_object_get(unit, figure)))
			return false;
	return json_is_null(json_object_get(plan, figure));
}

/* Without a table that tells it, latency is unknown, in whole and in part; the keys are told all the same. */
START_TEST(test_latency_unknown)
{
	json_t *arch, *request, *plan, *unit;
	struct daemon d;
	size_t i;

	daemon_begin(&d, "unknown");
	arch = some_arch(&d);
	request = json_pack("{s:O}", "arch", arch);
	plan = plan_of(&d, request);
	ck_assert(all_null(plan, "latency_ms"));
	ck_assert(json_is_null(json_object_get(plan, "profile")));
	json_array_foreach(json_object_get(plan, "units"), i, unit)
		ck_assert_ptr_nonnull(strstr(string_at(unit, "latency_key"), "-input:"));
	json_decref(plan);
	json_object_set_new(request, "profile", profile_of("int8"));
	plan = plan_of(&d, request);
	ck_assert(all_null(plan, "latency_ms"));
	ck_assert_str_eq(string_at(plan, "profile"), "inline");
	json_decref(plan);
	json_object_set_new(request, "dtype", json_string("int8"));
	plan = plan_of(&d, request);
	ck_assert(!all_null(plan, "latency_ms"));
	json_decref(plan);
	json_decref(request);
	json_decref(arch);
	daemon_end(&d);
}
END_TEST

/* A unit that was timed together with another takes nothing, and says with which. */
START_TEST(test_timed_together)
{
	json_t *arch, *plan, *request, *profile, *entries, *rows, *units;
	char size[16];
	struct daemon d;

	daemon_begin(&d, "together");
	arch = some_arch(&d);
	request = json_pack("{s:O}", "arch", arch);
	plan = plan_of(&d, request);
	units = json_object_get(plan, "units");
	profile = profile_of("float32");
	snprintf(size, sizeof(size), "%d", integer_at(arch, "image_size"));
	entries = json_object_get(json_object_get(profile, "latency_table"), "entries");
	rows = json_object_get(entries, size);
	json_object_set_new(rows, string_at(json_array_get(units, 0), "latency_key"),
			    json_pack("{s:s}", "included_in", string_at(json_array_get(units, 1), "latency_key")));
	json_object_set_new(request, "profile", profile);
	units = json_incref(units);
	json_decref(plan);
	plan = plan_of(&d, request);
	check_sums(plan);
	ck_assert_str_eq(string_at(json_array_get(json_object_get(plan, "units"), 0), "latency_included_in"),
			 string_at(json_array_get(units, 1), "latency_key"));
	ck_assert_double_eq(number_at(json_array_get(json_object_get(plan, "units"), 0), "latency_ms"), 0);
	ck_assert_ptr_null(json_object_get(json_array_get(json_object_get(plan, "units"), 1), "latency_included_in"));
	json_decref(units);
	json_decref(plan);
	json_decref(request);
	json_decref(arch);
	daemon_end(&d);
}
END_TEST

static void refused(const struct daemon *d, json_t *request, long status, const char *slug, const char *field)
{
	char *body = json_dumps(request, 0);
	struct reply r;

	post_plan(d, body, &r);
	json_decref(check_problem(&r, status, slug, field));
	reply_release(&r);
	json_decref(request);
	free(body);
}

/* The world's profile without the image size of an arch. */
static json_t *profile_without(json_t *arch)
{
	json_t *profile = profile_of("float32");
	char size[16];

	snprintf(size, sizeof(size), "%d", integer_at(arch, "image_size"));
	json_object_del(json_object_get(json_object_get(profile, "latency_table"), "entries"), size);
	return profile;
}

START_TEST(test_refusals)
{
	json_t *arch, *profile;
	struct daemon d;
	struct reply r;

	daemon_begin(&d, "refusals");
	arch = some_arch(&d);
	refused(&d, json_pack("{}"), 422, "invalid-value", "/arch");
	refused(&d, json_pack("{s:i}", "arch", 3), 422, "invalid-value", "/arch");
	refused(&d, json_pack("{s:{}}", "arch"), 422, "invalid-value", "/arch/ks");
	refused(&d, json_pack("{s:O, s:{}}", "arch", arch, "limits"), 422, "invalid-value", "/limits");
	refused(&d, json_pack("{s:O, s:i}", "arch", arch, "seed", 1), 422, "invalid-value", "/seed");
	refused(&d, json_pack("{s:O, s:s}", "arch", arch, "dtype", "int4"), 422, "invalid-value", "/dtype");
	refused(&d, json_pack("{s:O, s:s}", "arch", arch, "network", "none"), 404, "not-found", "/network");
	refused(&d, json_pack("{s:O, s:s}", "arch", arch, "profile", "none"), 404, "not-found", "/profile");
	refused(&d, json_pack("{s:O, s:s}", "arch", arch, "profile", "/"), 422, "invalid-value", "/profile");
	/* a table that lacks keys at its only resolution */
	profile = json_pack("{s:{s:s, s:{s:{s:{s:f}}}}}", "latency_table", "unit", "ms", "entries", "20",
			    "Conv-input:20x20x1-output:20x20x8", "mean", 1.0);
	refused(&d, json_pack("{s:O, s:o}", "arch", arch, "profile", profile), 422, "profile-mismatch",
		"/profile/latency_table/entries");
	refused(&d, json_pack("{s:O, s:o}", "arch", arch, "profile", profile_without(arch)), 422, "invalid-value",
		"/arch/image_size");
	json_array_set_new(json_object_get(arch, "ks"), 3, json_integer(4));
	refused(&d, json_pack("{s:O}", "arch", arch), 422, "invalid-value", "/arch/ks/3");
	post_plan(&d, "{", &r);
	json_decref(check_problem(&r, 400, "not-json", ""));
	reply_release(&r);
	ck_assert_int_eq(ask_status(&d, "POST", "/plans", "Content-Type: text/plain", "{}"), 415);
	ck_assert_int_eq(ask_status(&d, "POST", "/plans", SEND_JSON "\nAccept: text/plain", "{}"), 406);
	ck_assert_int_eq(ask_status(&d, "GET", "/plans", NULL, NULL), 405);
	json_decref(arch);
	daemon_end(&d);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {test_delivered, test_latency_unknown, test_timed_together, test_refusals};
	int status;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	world_make();
	status = run_tests("plans", tests, OFA_ARRAY_LEN(tests));
	world_remove();
	curl_global_cleanup();
	return status;
}
