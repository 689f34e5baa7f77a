/* Device profiles: limits, tables, names; what is refused and where the error points. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cost/profile.h"
#include "runner.h"

#define KEY "Conv-input:160x160x3-output:80x80x24"
#define POOL "AvgPool2D-input:5x5x9-output:1x1x9"

static enum ofa_status parse(const char *text, struct ofa_profile *ret, struct ofa_error *err)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum ofa_status st;

	ck_assert_msg(json != NULL, "not JSON: %s", text);
	st = ofa_profile_parse(json, ret, err);
	json_decref(json);
	return st;
}

START_TEST(round_trip)
{
	static const char text[] =
		"{\"name\":\"phone/a-1\",\"description\":\"a phone\",\"limits\":{\"latency_ms\":20,\"macs\":1e8},"
		"\"latency_table\":{\"unit\":\"ms\",\"runtime\":\"ours\",\"entries\":{\"224\":{\"" KEY
		"\":{\"mean\":0.5}},"
		"\"160\":{\"" KEY "\":{\"mean\":0.25,\"std\":0.01,\"count\":498},"
		"\"AvgPool2D-input:5x5x9-output:1x1x9\":{\"mean\":2}}}}}";
	struct ofa_profile p, q;
	struct ofa_error err = {0};
	json_t *json, *again;

	ASSERT_OK(parse(text, &p, &err), &err);
	ck_assert_str_eq(p.name, "phone/a-1");
	ck_assert_str_eq(p.description, "a phone");
	ck_assert_double_eq(p.limits.max[OFA_LATENCY_MS], 20);
	ck_assert_double_eq(p.limits.max[OFA_MACS], 1e8);
	ck_assert(isinf(p.limits.max[OFA_STORAGE_BYTES]));
	ck_assert_uint_eq(p.table.n, 3);
	ck_assert_str_eq(p.table.entries[0].key, "AvgPool2D-input:5x5x9-output:1x1x9");
	ck_assert_int_eq(p.table.entries[2].resolution, 224);
	ck_assert_uint_eq(p.table.entries[1].count, 498);
	json = ofa_profile_format(&p);
	ASSERT_OK(ofa_profile_parse(json, &q, &err), &err);
	again = ofa_profile_format(&q);
	ck_assert(json_equal(json, again));
	json_decref(json);
	json_decref(again);
	ofa_profile_release(&p);
	ofa_profile_release(&q);
}
END_TEST

START_TEST(small_profiles)
{
	struct ofa_error err = {0};
	struct ofa_profile p;
	json_t *json;

	ASSERT_OK(parse("{\"name\":\"x\"}", &p, &err), &err);
	ck_assert(!p.has_table);
	json = ofa_profile_format(&p);
	ck_assert_uint_eq(json_object_size(json), 1);
	json_decref(json);
	ofa_profile_release(&p);
}
END_TEST

#define TABLE(dtype) \
	"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\"," dtype "\"entries\":{\"160\":{\"" KEY "\":{\"mean\":1}}}}}"

/* What is the default is not written, so that equal profiles have one digest. */
START_TEST(tables_of_a_type)
{
	static const struct {
		const char *text, *formatted;
		enum ofa_precision precision;
	} cases[] = {
		{TABLE(""), NULL, OFA_FLOAT32},
		{TABLE("\"dtype\":\"float32\","), NULL, OFA_FLOAT32},
		{TABLE("\"dtype\":\"float16\","), "float16", OFA_FLOAT16},
		{TABLE("\"dtype\":\"int8\","), "int8", OFA_INT8},
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_error err = {0};
		const char *dtype;
		struct ofa_profile p;
		json_t *json;

		ASSERT_OK(parse(cases[i].text, &p, &err), &err);
		ck_assert_int_eq((int)p.table.precision, (int)cases[i].precision);
		json = ofa_profile_format(&p);
		dtype = json_string_value(json_object_get(json_object_get(json, "latency_table"), "dtype"));
		ck_assert_pstr_eq(dtype, cases[i].formatted);
		json_decref(json);
		ofa_profile_release(&p);
	}
}
END_TEST

static const struct {
	const char *text, *field;
} refused[] = {
	{TABLE("\"dtype\":\"int4\","), "/latency_table/dtype"},
	{TABLE("\"dtype\":8,"), "/latency_table/dtype"},
	{"[]", ""},
	{"{}", "/name"},
	{"{\"name\":3}", "/name"},
	{"{\"name\":\"\"}", "/name"},
	{"{\"name\":\"a b\"}", "/name"},
	{"{\"name\":\"x\",\"colour\":1}", "/colour"},
	{"{\"name\":\"x\",\"a/b~\":1}", "/a~1b~0"},
	{"{\"name\":\"x\",\"description\":[]}", "/description"},
	{"{\"name\":\"x\",\"limits\":3}", "/limits"},
	{"{\"name\":\"x\",\"limits\":{\"latency\":3}}", "/limits/latency"},
	{"{\"name\":\"x\",\"limits\":{\"macs\":\"3\"}}", "/limits/macs"},
	{"{\"name\":\"x\",\"limits\":{\"macs\":0}}", "/limits/macs"},
	{"{\"name\":\"x\",\"limits\":{\"latency_ms\":-1}}", "/limits/latency_ms"},
	{"{\"name\":\"x\",\"latency_table\":{}}", "/latency_table/unit"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"s\"}}", "/latency_table/unit"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\"}}", "/latency_table/entries"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{}}}", "/latency_table/entries"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"0160\":{}}}}",
	 "/latency_table/entries/0160"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"9999\":{}}}}",
	 "/latency_table/entries/9999"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{}}}}", "/latency_table/entries/160"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"Conv\":{\"mean\":1}}}}}",
	 "/latency_table/entries/160/Conv"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY "\":{}}}}}",
	 "/latency_table/entries/160/" KEY "/mean"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY "\":{\"mean\":\"1\"}}}}}",
	 "/latency_table/entries/160/" KEY "/mean"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY "\":{\"mean\":0}}}}}",
	 "/latency_table/entries/160/" KEY "/mean"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY "\":{\"mean\":-2}}}}}",
	 "/latency_table/entries/160/" KEY "/mean"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"mean\":1,\"std\":-1}}}}}",
	 "/latency_table/entries/160/" KEY "/std"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"mean\":1,\"count\":1.5}}}}}",
	 "/latency_table/entries/160/" KEY "/count"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"mean\":1,\"p90\":1}}}}}",
	 "/latency_table/entries/160/" KEY "/p90"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"included_in\":\"x\"}}}}}",
	 "/latency_table/entries/160/" KEY "/included_in"},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"included_in\":\"" POOL "\",\"mean\":1}}}}}",
	 "/latency_table/entries/160/" KEY "/mean"},
	/* in what is not there, at another resolution, in itself */
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"included_in\":\"" POOL "\"}},\"164\":{\"" POOL "\":{\"mean\":1}}}}}",
	 "/latency_table/entries/160/" KEY},
	{"{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
	 "\":{\"included_in\":\"" KEY "\"}}}}}",
	 "/latency_table/entries/160/" KEY},
};

START_TEST(refuses_by_field)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(refused); i++) {
		struct ofa_error err = {0};
		struct ofa_profile p;

		ASSERT_FAILS(parse(refused[i].text, &p, &err), OFA_ERR_INVALID);
		ck_assert_str_eq(err.field, refused[i].field);
		ck_assert_uint_gt(strlen(err.message), 10);
	}
}
END_TEST

/* Rows are judged one by one, up to a number that is enough; what is around them is not. */
START_TEST(tells_all_faulty_rows)
{
	struct ofa_faults further = {0};
	struct ofa_error err = {.further = &further};
	struct ofa_profile p;
	json_t *rows = json_object(), *json;

	ASSERT_FAILS(parse("{\"name\":\"x\",\"latency_table\":{\"unit\":\"ms\",\"entries\":{\"160\":{\"" KEY
			   "\":{\"mean\":0},\"" POOL "\":{\"mean\":1},\"Conv\":{}},\"176\":{\"" KEY
			   "\":{\"std\":-1}}}}}",
			   &p, &err),
		     OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/latency_table/entries/160/" KEY "/mean");
	ck_assert_uint_eq(further.n, 2);
	ck_assert_str_eq(further.list[0].field, "/latency_table/entries/160/Conv");
	ck_assert_str_eq(further.list[1].field, "/latency_table/entries/176/" KEY "/std");

	for (int i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "row%d", i);
		json_object_set_new(rows, name, json_object());
	}
	json = json_pack("{s:s, s:{s:s, s:{s:o}}}", "name", "x", "latency_table", "unit", "ms", "entries", "160", rows);
	further.n = 0;
	err = (struct ofa_error){.further = &further};
	ASSERT_FAILS(ofa_profile_parse(json, &p, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/latency_table/entries/160/row0");
	ck_assert_uint_eq(further.n, OFA_FAULTS_MAX);
	ck_assert_str_eq(further.list[OFA_FAULTS_MAX - 1].field, "/latency_table/entries/160/row15");
	json_decref(json);
}
END_TEST

START_TEST(names)
{
	static const char *const good[] = {"a", "note10", "a/b", "x.y-z_0", "a..b"};
	static const char *const bad[] = {"", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a\"", "ä", "a\n"};
	char longest[OFA_PROFILE_NAME_MAX + 1];

	for (size_t i = 0; i < OFA_ARRAY_LEN(good); i++)
		ck_assert_msg(ofa_profile_name_ok(good[i]), "%s", good[i]);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(!ofa_profile_name_ok(bad[i]), "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[OFA_PROFILE_NAME_MAX] = '\0';
	ck_assert(!ofa_profile_name_ok(longest));
	longest[OFA_PROFILE_NAME_MAX - 1] = '\0';
	ck_assert(ofa_profile_name_ok(longest));
}
END_TEST

START_TEST(key_grammar)
{
	static const char *const good[] = {
		KEY, "Logits-input:1x1x1536-output:1000",
		"expanded_conv-input:10x10x136-output:10x10x136-expand:408-kernel:3-stride:1-idskip:1-se:1-hs:1"};
	static const char *const bad[] = {"",
					  "Conv",
					  "-input:1x1x1-output:1",
					  "Conv-input:1x1-output:1",
					  "Conv-input:1x1x1",
					  "Conv-input:01x1x1-output:1",
					  "Conv-input:1x1x1-output:1x2",
					  KEY "-",
					  KEY "-k",
					  KEY "-k:",
					  KEY "-k:3x3",
					  KEY " ",
					  "Conv-input:99999999x1x1-output:1"};
	char longest[2 * OFA_LATENCY_KEY_MAX];

	for (size_t i = 0; i < OFA_ARRAY_LEN(good); i++)
		ck_assert_msg(ofa_latency_key_ok(good[i]), "%s", good[i]);
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad); i++)
		ck_assert_msg(!ofa_latency_key_ok(bad[i]), "%s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + OFA_LATENCY_KEY_MAX, &KEY[4], sizeof(KEY) - 4);
	ck_assert(!ofa_latency_key_ok(longest));
}
END_TEST

START_TEST(limits_merge_and_format)
{
	struct ofa_limits a, b;
	json_t *json;

	ofa_limits_init(&a);
	ofa_limits_init(&b);
	a.max[OFA_MACS] = 5;
	b.max[OFA_MACS] = 4;
	b.max[OFA_LATENCY_MS] = 1.5;
	ofa_limits_merge(&a, &b);
	ck_assert_double_eq(a.max[OFA_MACS], 4);
	json = ofa_limits_format(&a);
	ck_assert_uint_eq(json_object_size(json), 2);
	ck_assert_double_eq(json_number_value(json_object_get(json, "latency_ms")), 1.5);
	json_decref(json);
	ck_assert_int_eq(ofa_resource_find("storage_bytes"), OFA_STORAGE_BYTES);
	ck_assert_int_eq(ofa_resource_find("storage"), -1);
	ck_assert_str_eq(ofa_resource_name(OFA_PEAK_MEMORY_BYTES), "peak_memory_bytes");
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {round_trip, small_profiles, tables_of_a_type,        refuses_by_field,
				      names,      key_grammar,    limits_merge_and_format,
				      tells_all_faulty_rows};

	return run_tests("profile", tests, OFA_ARRAY_LEN(tests));
}
