/* Latency tables of every dialect: what they become, what is refused and the line that is blamed. */
#include <string.h>

#include "cost/coverage.h"
#include "cost/pointer.h"
#include "import/table.h"
#include "import/yaml.h"
#include "runner.h"
#include "spaces.h"

static void init_profile(struct ofa_profile *p)
{
	*p = (struct ofa_profile){.name = "t"};
	ofa_limits_init(&p->limits);
}

static enum ofa_status read_text(const char *text, enum ofa_table_format format, enum ofa_time_unit unit,
				 struct ofa_profile *p, struct ofa_table_report *r, struct ofa_error *err)
{
	const struct ofa_table_source source = {.text = text, .size = strlen(text), .format = format, .unit = unit};

	return ofa_table_read(&source, p, r, err);
}

static const struct ofa_latency_entry *entry_of(const struct ofa_profile *p, int resolution, const char *key)
{
	for (size_t i = 0; i < p->table.n; i++)
		if (p->table.entries[i].resolution == resolution && strcmp(p->table.entries[i].key, key) == 0)
			return &p->table.entries[i];
	ck_abort_msg("no entry %s at %d", key, resolution);
	return NULL;
}

#define BLOCK "expanded_conv-input:80x80x24-output:40x40x32-expand:72-kernel:3-stride:2-idskip:0-se:0-hs:0"
#define STEM "Conv-input:160x160x3-output:80x80x24"

/* ---- small documents ---- */

START_TEST(mbv3_yaml)
{
	static const char text[] =
		STEM ":\n  count: 498\n  mean: 0.5\n  std: 0.01\n" BLOCK ":\n  mean: 1.25\n  var: 0.04\n";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_OK(read_text(text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ck_assert_int_eq(r.dialect, OFA_TABLE_MBV3);
	ck_assert_int_eq(r.unit, OFA_TIME_MS);
	ck_assert_ptr_nonnull(strstr(r.unit_source, "published"));
	ck_assert_uint_eq(r.n_rows, 2);
	ck_assert_int_eq(r.lowest, 160);
	ck_assert_int_eq(r.n_resolutions, 1);
	ck_assert_uint_eq(p.table.n, 2);
	ck_assert_double_eq(entry_of(&p, 160, STEM)->mean_ms, 0.5);
	ck_assert_uint_eq(entry_of(&p, 160, STEM)->count, 498);
	ck_assert_double_eq_tol(entry_of(&p, 160, BLOCK)->std_ms, 0.2, 1e-15);
	ofa_profile_release(&p);
}
END_TEST

START_TEST(proxyless_yaml)
{
	static const char text[] =
		"Conv-input:224x224x3-output:112x112x40:\n  mean: 4\n"
		"expanded_conv-input:112x112x40-output:56x56x24-expand:3-kernel:5-stride:2-idskip:0:\n"
		"  mean: 2\n"
		"Logits-input:7x7x1664-output:1000:\n  mean: 0.25\n"
		"Logits-input:7x7x1664-output:10:\n  mean: 0.125\n";
	static const char pool[] = "AvgPool2D-input:7x7x1664-output:1x1x1664";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p, again;
	json_t *json;

	init_profile(&p);
	ASSERT_OK(read_text(text, OFA_TABLE_YAML, OFA_TIME_US, &p, &r, &err), &err);
	ck_assert_int_eq(r.dialect, OFA_TABLE_PROXYLESS);
	ck_assert_str_eq(r.unit_source, "as given");
	ck_assert_uint_eq(p.table.n, 5);
	ck_assert_double_eq(entry_of(&p, 224,
				     "expanded_conv-input:112x112x40-output:56x56x24-expand:120-kernel:5-stride:2-"
				     "idskip:0-se:0-hs:0")
				    ->mean_ms,
			    2e-3);
	ck_assert_double_eq(entry_of(&p, 224, "Logits-input:1x1x1664-output:10")->mean_ms, 0.125e-3);
	ck_assert_double_eq(entry_of(&p, 224, pool)->mean_ms, 0);
	ck_assert_ptr_nonnull(strstr(entry_of(&p, 224, pool)->included_in, "Logits-input:1x1x1664-output:10"));

	json = ofa_profile_format(&p);
	ASSERT_OK(ofa_profile_parse(json, &again, &err), &err);
	ck_assert_uint_eq(again.table.n, p.table.n);
	ck_assert_str_eq(entry_of(&again, 224, pool)->included_in, entry_of(&p, 224, pool)->included_in);
	json_decref(json);
	ofa_profile_release(&again);
	ofa_profile_release(&p);
}
END_TEST

/* Two image sizes in one table, which share rows; one row belongs to neither. */
START_TEST(mbconv_yaml)
{
	static const char text[] =
		"first_conv-input:64x64x3-output:32x32x16: {mean: 1}\n"
		"first_conv-input:62x62x3-output:31x31x16: {mean: 2}\n"
		"MBConv-input:32x32x16-output:16x16x24-expand:3-kernel:3-stride:2-idskip:0-se:0: {mean: 3}\n"
		"MBConv-input:31x31x16-output:16x16x24-expand:3-kernel:3-stride:2-idskip:0-se:0: {mean: 4}\n"
		"MBConv-input:16x16x24-output:8x8x40-expand:3-kernel:3-stride:2-idskip:0-se:1: {mean: 5}\n"
		"MBConv-input:8x8x40-output:4x4x80-expand:6-kernel:3-stride:2-idskip:0-se:0: {mean: 6}\n"
		"MBConv-input:9x9x40-output:5x5x80-expand:6-kernel:3-stride:2-idskip:0-se:0: {mean: 7}\n"
		"final_expand_layer-input:4x4x80-output:4x4x960: {mean: 8}\n"
		"feature_mix_layer-input:1x1x960-output:1x1x1280: {mean: 9}\n"
		"classifier-input:1280-output:1000: {mean: 10, var: 4}\n";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_OK(read_text(text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ck_assert_int_eq(r.dialect, OFA_TABLE_MBCONV);
	ck_assert_int_eq(r.n_resolutions, 2);
	ck_assert_uint_eq(r.n_stray, 1);
	ck_assert_ptr_nonnull(strstr(r.first_stray, "9x9x40"));
	ck_assert_uint_eq(p.table.n, 2 * 8);
	for (int size = 62; size <= 64; size += 2) {
		ck_assert_double_eq(entry_of(&p, size,
					     "expanded_conv-input:16x16x24-output:8x8x40-expand:72-kernel:3-stride:2-"
					     "idskip:0-se:1-hs:0")
					    ->mean_ms,
				    5);
		ck_assert_double_eq(entry_of(&p, size,
					     "expanded_conv-input:8x8x40-output:4x4x80-expand:240-kernel:3-stride:2-"
					     "idskip:0-se:0-hs:1")
					    ->mean_ms,
				    6);
		ck_assert_str_eq(entry_of(&p, size, "AvgPool2D-input:4x4x960-output:1x1x960")->included_in,
				 "Conv_1-input:4x4x80-output:4x4x960");
		ck_assert_double_eq(entry_of(&p, size, "Conv_2-input:1x1x960-output:1x1x1280")->mean_ms, 9);
		ck_assert_double_eq(entry_of(&p, size, "Logits-input:1x1x1280-output:1000")->std_ms, 2);
	}
	ofa_profile_release(&p);
}
END_TEST

START_TEST(groups_and_json)
{
	static const char yaml[] = "unit: us\n160:\n  " STEM ": {mean: 500}\n  " BLOCK ": {mean: 1250}\n"
				   "164:\n  " BLOCK ": {mean: 1500}\n";
	static const char json[] = "{\"" STEM "\":{\"mean\":0.5},\"" BLOCK "\":{\"mean\":1.25e0,\"count\":7}}";
	static const char profile[] =
		"{\"name\":\"o\",\"description\":\"d\",\"limits\":{\"macs\":5},\"latency_table\":"
		"{\"unit\":\"ms\",\"runtime\":\"r\",\"entries\":{\"168\":{\"" BLOCK "\":{\"mean\":3}}}}}";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p, q;

	init_profile(&p);
	ASSERT_OK(read_text(yaml, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ck_assert_str_eq(r.unit_source, "as the document states");
	ck_assert_uint_eq(p.table.n, 3);
	ck_assert_double_eq(entry_of(&p, 164, BLOCK)->mean_ms, 1.5);
	ASSERT_OK(read_text(profile, OFA_TABLE_JSON, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ck_assert_int_eq(r.dialect, OFA_TABLE_PROFILE);
	ck_assert_double_eq(p.limits.max[OFA_MACS], 5);
	ck_assert_str_eq(p.description, "d");
	ck_assert_str_eq(p.table.runtime, "r");
	ck_assert_str_eq(p.name, "t");
	ck_assert_double_eq(p.table.entries[3].mean_ms, 3);

	init_profile(&q);
	ASSERT_FAILS(read_text(json, OFA_TABLE_JSON, OFA_TIME_UNSTATED, &q, &r, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "unit");
	ASSERT_OK(read_text(json, OFA_TABLE_JSON, OFA_TIME_S, &q, &r, &err), &err);
	ck_assert_double_eq(entry_of(&q, 160, BLOCK)->mean_ms, 1250);
	ck_assert_uint_eq(entry_of(&q, 160, BLOCK)->count, 7);

	/* what is there already, in another document */
	err = (struct ofa_error){0};
	ASSERT_FAILS(read_text(json, OFA_TABLE_JSON, OFA_TIME_S, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_uint_eq(p.table.n, 4);
	ofa_profile_release(&p);
	ofa_profile_release(&q);
}
END_TEST

START_TEST(types_do_not_mix)
{
	static const char yaml[] = "unit: us\n160:\n  " STEM ": {mean: 500}\n  " BLOCK ": {mean: 1250}\n";
	static const char profile[] =
		"{\"name\":\"o\",\"latency_table\":{\"unit\":\"ms\",\"dtype\":\"int8\",\"entries\":"
		"{\"168\":{\"" BLOCK "\":{\"mean\":3}}}}}";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_OK(read_text(profile, OFA_TABLE_JSON, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ck_assert_int_eq((int)p.table.precision, OFA_INT8);
	ASSERT_FAILS(read_text(yaml, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_msg(strcmp(err.field, "/latency_table/dtype") == 0, "%s: %s", err.field, err.message);
	ofa_profile_release(&p);
}
END_TEST

/* ---- what is refused ---- */

#define ROW(key, rest) key ":\n  " rest "\n"

static const struct {
	const char *text, *message; /* the message contains this */
	enum ofa_status status;
} refused[] = {
	{"", "nothing but comments", OFA_ERR_INVALID},
	{"# nothing\n", "nothing but comments", OFA_ERR_INVALID},
	{"---\n", "text alone", OFA_ERR_INVALID},
	{"%YAML 1.1\n---\n" STEM ": {mean: 1}\n", "line 1: a directive (%)", OFA_ERR_INVALID},
	{"# x\r\n\r%TAG ! x:\n---\n", "line 3: a directive (%)", OFA_ERR_INVALID},
	{"# x\xe2\x80\xa9%TAG ! x:\n---\n", "line 2: a directive (%)", OFA_ERR_INVALID},
	{"# 5 % faster\n" STEM ": {mean: 5%}\n", "the mean of " STEM " is \"5%\"", OFA_ERR_INVALID},
	{"[1, 2]\n", "line 1: a sequence", OFA_ERR_INVALID},
	{"{}\n", "no rows", OFA_ERR_INVALID},
	{"a: &x {mean: 1}\n", "no latency key", OFA_ERR_INVALID},
	{STEM ": &x {mean: 1}\n", "line 1: an anchor (&)", OFA_ERR_INVALID},
	{STEM ": {mean: 1}\n" BLOCK ": *x\n", "line 2: an alias (*)", OFA_ERR_INVALID},
	{"&a a: [&b *a, *a]\n", "line 1: an anchor", OFA_ERR_INVALID},
	{STEM ": !!map {mean: 1}\n", "a tag (!)", OFA_ERR_INVALID},
	{STEM ": {mean: !!float 1}\n", "a tag (!)", OFA_ERR_INVALID},
	{STEM ": {mean: 1}\n---\n" BLOCK ": {mean: 1}\n", "line 2: a second document", OFA_ERR_INVALID},
	{STEM ": {mean: {mean: {mean: {mean: 1}}}}\n", "not a number", OFA_ERR_INVALID},
	{"? {a: b}\n: c\n", "a mapping is no key", OFA_ERR_INVALID},
	{STEM ": {mean: 1\n", "line 2: not YAML", OFA_ERR_FORMAT},
	{STEM ": {mean: \"\xff\"}\n", "not YAML", OFA_ERR_FORMAT},
	{STEM ":\n", "line 1: " STEM " has no fields", OFA_ERR_INVALID},
	{STEM ": 1.5\n", "has no fields", OFA_ERR_INVALID},
	{ROW(STEM, "std: 1"), "line 1: " STEM " has no mean", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 0"), "greater than 0", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1") ROW(BLOCK, "mean: -1"), "line 3: the mean of expanded_conv", OFA_ERR_INVALID},
	{ROW(STEM, "mean: nan"), "\"nan\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: .nan"), "\".nan\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: inf"), "\"inf\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1e999"), "\"1e999\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 0x10"), "\"0x10\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: fast"), "\"fast\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  std: -1"), "0 or more", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  var: nan"), "the var of", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  count: 1.5"), "whole number", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  std: 1\n  var: 1"), "both std and var", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  mean: 1"), "mean twice", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1\n  p90: 1"), "\"p90\"", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1") ROW(BLOCK, "mean: 1") ROW(STEM, "mean: 2"),
	 "line 5: " STEM " is there already, in line 1", OFA_ERR_INVALID},
	/* the same row, its fields in another order */
	{ROW(STEM, "mean: 1") ROW(BLOCK, "mean: 1")
		 ROW("expanded_conv-input:80x80x24-output:40x40x32-expand:72-kernel:3-stride:2-idskip:0-hs:0-se:0",
		     "mean: 2"),
	 "is there already", OFA_ERR_INVALID},
	{ROW(STEM, "mean: 1"), "dialect could be told", OFA_ERR_INVALID},
	{ROW(BLOCK, "mean: 1"), "for which resolution", OFA_ERR_INVALID},
	{ROW(BLOCK, "mean: 1") ROW("classifier-input:5-output:6", "mean: 1"),
	 "line 3: classifier-input:5-output:6 is of another dialect", OFA_ERR_INVALID},
	{"unit: parsec\n" ROW(STEM, "mean: 1"), "\"parsec\"", OFA_ERR_INVALID},
	{"unit: {}\n" ROW(STEM, "mean: 1"), "ms, us and s", OFA_ERR_INVALID},
	{"unit: ms\nunit: ms\n", "stated twice", OFA_ERR_INVALID},
	{"0160: {}\n", "not a resolution", OFA_ERR_INVALID},
	{"99999999999999999999: {}\n", "not a resolution", OFA_ERR_INVALID},
	{"160: 4\n", "has no table", OFA_ERR_INVALID},
	{"unit: ms\n160: {" BLOCK ": {mean: 1}}\n" BLOCK ": {mean: 1}\n", "belongs to no resolution", OFA_ERR_INVALID},
	{"unit: ms\n164: {" STEM ": {mean: 1}, " BLOCK ": {mean: 1}}\n", "takes images of 160", OFA_ERR_INVALID},
	{"160: {" STEM ": {mean: 1}, " BLOCK ": {mean: 1}}\n", "in which unit", OFA_ERR_INVALID},
	{"unit: us\n" ROW(STEM, "mean: 1e-322") ROW(BLOCK, "mean: 1"), "out of range", OFA_ERR_INVALID},
	{"unit: s\n" ROW(STEM, "mean: 1e306") ROW(BLOCK, "mean: 1"), "out of range", OFA_ERR_INVALID},
};

START_TEST(refuses)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(refused); i++) {
		struct ofa_table_report r;
		struct ofa_error err = {0};
		struct ofa_profile p;
		enum ofa_status st;

		init_profile(&p);
		st = read_text(refused[i].text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err);
		ck_assert_msg(st == refused[i].status, "%s: %s: %s", refused[i].text, ofa_status_name(st), err.message);
		ck_assert_msg(strstr(err.message, refused[i].message) != NULL, "%s: %s", refused[i].text, err.message);
		ck_assert_uint_eq(p.table.n, 0);
	}
}
END_TEST

/* Faulty rows of every kind between good ones, whose values are skipped to their ends. */
START_TEST(tells_all_faults)
{
	static const char text[] =
		"unit: ms\n160:\n  " STEM ": {mean: 1}\n  Pool: {mean: {mean: 1}}\n  " BLOCK ": 3\n"
		"  MBConv: nothing\n  AvgPool2D-input:5x5x960-output:1x1x960: {std: 1, median: {a: b}, mean: 1}\n"
		"  Conv_2-input:1x1x960-output:1x1x1280:\n    mean: 1\n"
		"  Logits-input:1x1x1280-output:1000: {mean: {mean: 1}, std: 1}\n176:\n  " STEM ": {}\n";
	static const char *const pointers[] = {
		"/160/Pool", "/160/" BLOCK, "/160/MBConv", "/160/AvgPool2D-input:5x5x960-output:1x1x960",
		"/160/Logits-input:1x1x1280-output:1000", "/176/" STEM,
	};
	struct ofa_faults further = {0};
	struct ofa_error err = {.further = &further};
	struct ofa_table_report r;
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_FAILS(read_text(text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, pointers[0]);
	ck_assert_uint_eq(further.n, OFA_ARRAY_LEN(pointers) - 1);
	for (size_t i = 0; i < further.n; i++)
		ck_assert_str_eq(further.list[i].field, pointers[i + 1]);
	ck_assert_ptr_nonnull(strstr(further.list[2].message, "line 7: "));
	ck_assert_uint_eq(p.table.n, 0);
}
END_TEST

/* What the text breaks off with ends it; the first fault stays the first. */
START_TEST(faults_before_the_end)
{
	struct ofa_faults further = {0};
	struct ofa_error err = {.further = &further};
	struct ofa_table_report r;
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_FAILS(read_text("a:\n  mean: 1\nb: &x\n  mean: 1\nc:\n  mean: 1\n", OFA_TABLE_YAML,
			       OFA_TIME_UNSTATED, &p, &r, &err),
		     OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/a");
	ck_assert_uint_eq(further.n, 1);
	ck_assert_str_eq(further.list[0].field, "/b");
	further.n = 0;
	err = (struct ofa_error){.further = &further};
	ASSERT_FAILS(read_text("a:\n  mean: 1\n{\n", OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err),
		     OFA_ERR_INVALID);
	ck_assert_str_eq(err.field, "/a");
}
END_TEST

static const char *const bad_keys[] = {
	"x",
	"Conv",
	"Pool-input:1x1x1-output:1x1x1",
	"Conv-input:160x160-output:80x80x24",
	"Conv-input:160x161x3-output:80x80x24",
	"Conv-input:0x0x3-output:80x80x24",
	"Conv-input:0160x0160x3-output:80x80x24",
	"Conv-input:2000x2000x3-output:80x80x24",
	"Conv-input:160x160x99999-output:80x80x24",
	"Conv-input:160x160x1000000000000-output:80x80x24",
	"Conv-input:80x80x3-output:160x160x24",
	"Conv-input:160x160x3",
	"Conv-input:160x160x3-output:80x80x24-",
	"Conv-input:160x160x3-output:80x80x24-stride:2",
	"Conv-input:160x160x3x4-output:80x80x24",
	"Logits-input:1x1x3-output:2x2x24",
	"expanded_conv-input:8x8x8-output:8x8x8",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1-idskip:2",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:0-idskip:1",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1-idskip:1-se:0",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-kernel:3-stride:1-idskip:1",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:65-kernel:3-stride:1-idskip:1",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3.5-kernel:3-stride:1-idskip:1",
	"expanded_conv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1-idskip:1-colour:1",
	"MBConv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1-idskip:1",
	"MBConv-input:8x8x8-output:8x8x8-expand:3-kernel:3-stride:1-idskip:1-se:0-hs:0",
};

START_TEST(refuses_keys)
{
	for (size_t i = 0; i < OFA_ARRAY_LEN(bad_keys); i++) {
		char text[512], pointer[OFA_POINTER_MAX];
		struct ofa_table_report r;
		struct ofa_error err = {0};
		struct ofa_profile p;

		snprintf(text, sizeof(text), "%s:\n  mean: 1\n%s:\n  mean: 1\n", STEM, bad_keys[i]);
		init_profile(&p);
		ASSERT_FAILS(read_text(text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), OFA_ERR_INVALID);
		ofa_pointer_join(pointer, sizeof(pointer), "", bad_keys[i]);
		ck_assert_str_eq(err.field, pointer);
		snprintf(text, sizeof(text), "line 3: \"%s\" is no latency key: ", bad_keys[i]);
		ck_assert_msg(strstr(err.message, text) != NULL, "%s", err.message);
	}
}
END_TEST

START_TEST(refuses_json)
{
	static const struct {
		const char *text;
		enum ofa_status status;
	} cases[] = {
		{"{", OFA_ERR_FORMAT},
		{STEM ": {mean: 1}", OFA_ERR_FORMAT}, /* YAML */
		{"{\"" STEM "\":{\"mean\":NaN}}", OFA_ERR_FORMAT},
		{"{\"" STEM "\":{\"mean\":1},\"" STEM "\":{\"mean\":1}}", OFA_ERR_FORMAT},
		{"{\"" STEM "\":{\"mean\":[1]}}", OFA_ERR_INVALID},
		{"{\"" STEM "\":{\"mean\":-1}}", OFA_ERR_INVALID},
		{"[]", OFA_ERR_INVALID},
		{"{\"name\":\"x\"}", OFA_ERR_INVALID}, /* a profile, but without a table */
	};

	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_table_report r;
		struct ofa_error err = {0};
		struct ofa_profile p;

		init_profile(&p);
		ASSERT_FAILS(read_text(cases[i].text, OFA_TABLE_JSON, OFA_TIME_MS, &p, &r, &err), cases[i].status);
		ck_assert_uint_gt(strlen(err.message), 10);
	}
}
END_TEST

/* Limits, at their edges. */
START_TEST(refuses_sizes)
{
	static const struct ofa_yaml_dialect dialect = {.rule = "a test"};
	struct ofa_yaml *yaml = NULL;
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p;
	char *text = malloc(OFA_YAML_MAX_BYTES + 1);
	size_t n = 0;

	init_profile(&p);
	memset(text, ' ', OFA_YAML_MAX_BYTES + 1);
	ASSERT_FAILS(ofa_yaml_open(text, OFA_YAML_MAX_BYTES + 1, &dialect, &yaml, &err), OFA_ERR_LIMIT);

	memset(text, 'a', 4000);
	memcpy(text + 4000, ": {mean: 1}\n", 13);
	err = (struct ofa_error){0};
	ck_assert_int_ne(read_text(text, OFA_TABLE_YAML, 0, &p, &r, &err), OFA_OK); /* too long for a key */
	n = (size_t)sprintf(text, "%s: {mean: 1", STEM);
	memset(text + n, '0', 2000);
	memcpy(text + n + 2000, "}\n", 3);
	err = (struct ofa_error){0};
	ASSERT_FAILS(read_text(text, OFA_TABLE_YAML, 0, &p, &r, &err), OFA_ERR_LIMIT);

	n = 0;
	for (int i = 0; i < 10000; i++)
		n += (size_t)sprintf(text + n, "{a: ");
	err = (struct ofa_error){0};
	ck_assert_int_ne(read_text(text, OFA_TABLE_YAML, 0, &p, &r, &err), OFA_OK);

	n = 0;
	for (int i = 0; i <= OFA_PROFILE_MAX_ENTRIES; i++)
		n += (size_t)sprintf(text + n, "Logits-input:%d-output:%d: {mean: 1}\n", 1 + i / 1000, 1 + i % 1000);
	err = (struct ofa_error){0};
	ASSERT_FAILS(read_text(text, OFA_TABLE_YAML, 0, &p, &r, &err), OFA_ERR_LIMIT);

	/* 1024 image sizes, each with the rows of all: more entries than rows */
	n = 0;
	for (int i = 1; i <= OFA_MAX_IMAGE_SIZE; i++)
		n += (size_t)sprintf(text + n, "Conv-input:%dx%dx3-output:1x1x8: {mean: 1}\n", i, i);
	for (int i = 1; i <= 1000; i++)
		n += (size_t)sprintf(
			text + n,
			"expanded_conv-input:1x1x8-output:1x1x8-expand:%d-kernel:3-stride:1-idskip:1-se:0-hs:0:"
			" {mean: 1}\n",
			i);
	err = (struct ofa_error){0};
	ASSERT_FAILS(read_text(text, OFA_TABLE_YAML, 0, &p, &r, &err), OFA_ERR_LIMIT);
	free(text);
}
END_TEST

START_TEST(names_of_files)
{
	ck_assert_int_eq(ofa_table_name_resolution("160_lookup_table.yaml"), 160);
	ck_assert_int_eq(ofa_table_name_resolution("/a/224.json"), 224);
	ck_assert_int_eq(ofa_table_name_resolution("160/table.yaml"), 0);
	ck_assert_int_eq(ofa_table_name_resolution("i7-8700K_lut.yaml"), 0);
	ck_assert_int_eq(ofa_table_name_resolution("2020-01-01.yaml"), 0);
	ck_assert_int_eq(ofa_table_name_resolution("9999_x.yaml"), 0);
	ck_assert_int_eq(ofa_table_name_resolution("0160_x.yaml"), 0);
	ck_assert_int_eq(ofa_table_name_resolution(""), 0);
}
END_TEST

/* The name and the stem. */
START_TEST(resolutions_must_agree)
{
	static const char text[] = STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n";
	struct ofa_table_source source = {.text = text, .size = sizeof(text) - 1, .resolution = 164};
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_profile p;

	init_profile(&p);
	ASSERT_FAILS(ofa_table_read(&source, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "images of 160 where the file's name says resolution 164") != NULL, "%s",
		      err.message);
	/* a table whose rows are placed by what leads to them, without a beginning */
	source.text = "MBConv-input:8x8x8-output:4x4x8-expand:3-kernel:3-stride:2-idskip:0-se:1: {mean: 5}\n";
	source.size = strlen(source.text);
	err = (struct ofa_error){0};
	ASSERT_FAILS(ofa_table_read(&source, &p, &r, &err), OFA_ERR_INVALID);
	ck_assert_msg(strstr(err.message, "no row of a stem (first_conv)") != NULL, "%s", err.message);
	source.text = text;
	source.size = sizeof(text) - 1;
	source.resolution = 160;
	ASSERT_OK(ofa_table_read(&source, &p, &r, &err), &err);
	ofa_profile_release(&p);
}
END_TEST

START_TEST(coverage_tells)
{
	static const char text[] = STEM ": {mean: 1}\n" BLOCK ": {mean: 1}\n"
					"Conv_1-input:160x160x3-output:80x80x24: {mean: 1}\n";
	struct ofa_table_report r;
	struct ofa_error err = {0};
	struct ofa_params params;
	struct ofa_coverage c;
	struct ofa_profile p;
	struct ofa_space s;

	init_profile(&p);
	preset_space("mbv3", 1.2, 1000, &s);
	ASSERT_OK(ofa_params_init(&s, &params, &err), &err);
	ASSERT_OK(read_text(text, OFA_TABLE_YAML, OFA_TIME_UNSTATED, &p, &r, &err), &err);
	ASSERT_OK(ofa_coverage_init(&s, &params, &p.table, &c, &err), &err);
	ck_assert_int_eq(c.n_rows, 1);
	ck_assert_uint_eq(c.rows[0].needed, 96);
	ck_assert_uint_eq(c.missing.n, 94);
	ck_assert_int_eq(c.missing.first[0].resolution, 160);
	ck_assert_uint_eq(c.unused.n, 1);
	ck_assert_str_eq(c.unused.first[0].key, "Conv_1-input:160x160x3-output:80x80x24");
	ck_assert_int_eq(c.n_absent, s.n_resolutions - 1);
	ck_assert(!ofa_coverage_serves(&c));
	ofa_coverage_release(&c);
	for (size_t i = 0; i < p.table.n; i++)
		p.table.entries[i].resolution = 161;
	ASSERT_OK(ofa_coverage_init(&s, &params, &p.table, &c, &err), &err);
	ck_assert_int_eq(c.n_known, 0);
	ck_assert_uint_eq(c.unused.n, 3);
	ck_assert(!ofa_coverage_serves(&c));
	ofa_coverage_release(&c);
	ofa_params_release(&params);
	ofa_profile_release(&p);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {mbv3_yaml,      proxyless_yaml,         mbconv_yaml,    groups_and_json,
				      refuses,        refuses_keys,           refuses_json,   refuses_sizes,
				      names_of_files, resolutions_must_agree, coverage_tells, types_do_not_mix,
				      tells_all_faults, faults_before_the_end};

	return run_tests("table", tests, OFA_ARRAY_LEN(tests));
}
