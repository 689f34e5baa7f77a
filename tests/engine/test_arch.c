/* Archs: JSON with errors that name the gene, canonical form, sampling, mutation, crossover. */
#include <string.h>

#include "space/arch.h"
#include "spaces.h"

static const char good[] = "{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[2.5,4,4,4,2.5,4,6,6,6,6,2.5,4,2.5,4],"
			   "\"d\":[2,2,1,4],\"image_size\":20}";

static enum ofa_status parse(const struct ofa_space *s, const char *text, struct ofa_arch *ret, struct ofa_error *err)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
	enum ofa_status st;

	ck_assert_ptr_nonnull(json);
	st = ofa_arch_parse(s, json, ret, err);
	json_decref(json);
	return st;
}

START_TEST(json_round_trip)
{
	char line[512], longer[512];
	struct ofa_error err = {0};
	struct ofa_arch a, b;
	struct ofa_space s;
	json_t *json;
	size_t n;

	load_space(tiny_json, &s);
	ASSERT_OK(parse(&s, good, &a, &err), &err);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 0), 2);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 3), 4);
	ck_assert_int_eq(a.k[5], 1);
	ck_assert_int_eq(a.e[2], 0); /* skipped: neutral */
	json = ofa_arch_format(&s, &a);
	ASSERT_OK(ofa_arch_parse(&s, json, &b, &err), &err);
	ck_assert(ofa_arch_equal(&a, &b));
	json_decref(json);
	n = ofa_arch_snprint(&s, &a, line, sizeof(line));
	ck_assert_uint_eq(n, strlen(line));
	ck_assert_str_eq(line, "{\"ks\":[3,5,3,3,5,7,7,3,3,3,7,7,7,7],\"e\":[2.5,4,2.5,2.5,2.5,4,6,6,6,6,2.5,4,2.5,4],"
			       "\"d\":[2,2,1,4],\"image_size\":20}");
	ASSERT_OK(parse(&s, line, &b, &err), &err);
	ck_assert(ofa_arch_equal(&a, &b));
	memset(longer, 'x', sizeof(longer));
	ck_assert_uint_eq(ofa_arch_snprint(&s, &a, longer, 10), n);
	ck_assert_int_eq(longer[9], 0);
	ck_assert_int_eq(longer[10], 'x');
	ck_assert_uint_eq(ofa_arch_snprint(&s, &a, NULL, 0), n);
}
END_TEST

START_TEST(resnet_round_trip)
{
	static const char text[] = "{\"d\":[1,0,0,2],\"e\":[0.25,0.25,0.25,0.5,0.5,2,0.25,0.5],\"w\":[0,1,2,0,1],"
				   "\"image_size\":28}";
	char line[512];
	struct ofa_error err = {0};
	struct ofa_arch a, b;
	struct ofa_space s;
	json_t *json;

	load_space(tiny_resnet_json, &s);
	ASSERT_OK(parse(&s, text, &a, &err), &err);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 0), 1);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 1), 1);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 3), 3);
	ck_assert_int_eq(ofa_arch_width(&s, &a, 1), 20);
	ck_assert_int_eq(ofa_arch_width(&s, &a, 2), 24);
	ck_assert_int_eq(a.e[6], 2); /* the sixth: block 0 is the stem's */
	json = ofa_arch_format(&s, &a);
	ASSERT_OK(ofa_arch_parse(&s, json, &b, &err), &err);
	ck_assert(ofa_arch_equal(&a, &b));
	json_decref(json);
	ck_assert_uint_eq(ofa_arch_snprint(&s, &a, line, sizeof(line)), strlen(text));
	ck_assert_str_eq(line, text);
	b.w[4] = 0;
	ck_assert(!ofa_arch_equal(&a, &b));
	ck_assert_uint_ne(ofa_arch_hash(&a), ofa_arch_hash(&b));
}
END_TEST

START_TEST(bad_resnet_genes_are_named)
{
	static const struct {
		const char *key, *value, *field, *says;
	} cases[] = {
		{"w", NULL, "/w", "must be a list of 5"},
		{"w", "[0,0,0,0]", "/w", "has 4 entries, must have 5"},
		{"w", "[0,2,0,0,0]", "/w/1", "is 2, must be one of 0, 1"},
		{"w", "[0,0,-1,0,0]", "/w/2", "is -1"},
		{"w", "[0,0,0.5,0,0]", "/w/2", "is 0.5"},
		{"d", "[2,0,0,0]", "/d/0", "is 2, must be one of 0, 1"},
		{"d", "[0,1,0,0]", "/d/1", "is 1, must be one of 0, 2"},
		{"d", "[0,0,2,0]", "/d/2", "is 2, must be one of 0"},
		{"e", "[0.25,0.25,0.25,0.5,0.5,3,0.25,0.5]", "/e/5", "must be one of 0.25, 0.5, 2"},
		{"ks", "[3]", "/ks", "not a gene; there are d, e, w"},
		{"wid", "null", "/wid", "not a gene"},
	};
	struct ofa_space s;

	load_space(tiny_resnet_json, &s);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_error err = {0};
		struct ofa_arch a;
		json_t *json;

		ofa_arch_largest(&s, &a);
		json = ofa_arch_format(&s, &a);
		json_object_del(json, cases[i].key);
		if (cases[i].value)
			json_object_set_new(json, cases[i].key, json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		ASSERT_FAILS(ofa_arch_parse(&s, json, &a, &err), OFA_ERR_INVALID);
		ck_assert_str_eq(err.field, cases[i].field);
		ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "%s", err.message);
		json_decref(json);
	}
}
END_TEST

/* A ratio that needs all nine digits must come back as the same choice. */
START_TEST(every_ratio_survives_the_text)
{
	char line[512];
	struct ofa_error err = {0};
	struct ofa_arch a, b;
	struct ofa_space s;
	json_t *json;

	load_space(tiny_json, &s);
	s.stages[0].expands[0] = 7.0f / 3.0f;
	ofa_arch_smallest(&s, &a);
	json = ofa_arch_format(&s, &a);
	ASSERT_OK(ofa_arch_parse(&s, json, &b, &err), &err);
	ck_assert(ofa_arch_equal(&a, &b));
	json_decref(json);
	ofa_arch_snprint(&s, &a, line, sizeof(line));
	ASSERT_OK(parse(&s, line, &b, &err), &err);
	ck_assert(ofa_arch_equal(&a, &b));
}
END_TEST

START_TEST(skipped_genes_do_not_matter)
{
	struct ofa_error err = {0};
	struct ofa_arch a, b;
	struct ofa_space s;

	load_space(tiny_json, &s);
	ASSERT_OK(parse(&s, good, &a, &err), &err);
	b = a;
	b.k[3] = b.e[3] = 1;
	ck_assert(!ofa_arch_equal(&a, &b));
	ofa_arch_canonical(&s, &b);
	ck_assert(ofa_arch_equal(&a, &b));
	ck_assert_uint_eq(ofa_arch_hash(&a), ofa_arch_hash(&b));
	b.k[1] ^= 1;
	ck_assert(!ofa_arch_equal(&a, &b));
	ck_assert_uint_ne(ofa_arch_hash(&a), ofa_arch_hash(&b));
	b.k[1] ^= 1;
	b.image_size = 28;
	ck_assert(!ofa_arch_equal(&a, &b));
	ck_assert_uint_ne(ofa_arch_hash(&a), ofa_arch_hash(&b));
}
END_TEST

START_TEST(bad_genes_are_named)
{
	static const struct {
		const char *text, *field, *says;
	} cases[] = {
		{"[]", "", "object"},
		{"{}", "/ks", "14"},
		{"{\"ks\":[3],\"e\":[],\"d\":[],\"image_size\":20}", "/ks", "has 1 entries, must have 14"},
		{"{\"ks\":[3,7,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4],\"image_"
		 "size\":20}",
		 "/ks/1", "is 7, must be one of 3, 5"},
		{"{\"ks\":[3,5,3,4,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4],\"image_"
		 "size\":20}",
		 "/ks/3", "is 4"},
		{"{\"ks\":[3,\"5\",3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4],"
		 "\"image_size\":20}",
		 "/ks/1", "must be a number, one of 3, 5"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,3,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4],\"image_"
		 "size\":20}",
		 "/e/5", "is 3, must be one of 2.5, 4"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[3,2,1,4],\"image_"
		 "size\":20}",
		 "/d/0", "is 3, must be one of 1, 2, 4"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,3,1,4],\"image_"
		 "size\":20}",
		 "/d/1", "is 3, must be one of 2"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,1,1,4],\"image_"
		 "size\":20}",
		 "/d/1", "is 1"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4],\"image_"
		 "size\":21}",
		 "/image_size", "is 21, must be one of 15, 20, 28"},
		{"{\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],\"d\":[2,2,1,4]}",
		 "/image_size", "must be an integer"},
		{"{\"ks\":[],\"r\":[224]}", "/r", "not a gene"},
		{"{\"ks\":[],\"wid\":1}", "/wid", "not a gene"},
		{"{\"a~b\":1}", "", "/a~b is not a gene"},
		{"{\"a/b\":1}", "", "/a/b is not a gene"},
		{"{\"a\\u0001b\":1}", "", "/a?b is not a gene"},
		{"{\"\":1}", "/", "not a gene"},
		{"{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}",
		 "", "not a gene"},
	};
	struct ofa_space s;

	load_space(tiny_json, &s);
	for (size_t i = 0; i < OFA_ARRAY_LEN(cases); i++) {
		struct ofa_error err = {0};
		struct ofa_arch a;

		ASSERT_FAILS(parse(&s, cases[i].text, &a, &err), OFA_ERR_INVALID);
		ck_assert_str_eq(err.field, cases[i].field);
		ck_assert_msg(strstr(err.message, cases[i].says) != NULL, "%s", err.message);
	}
}
END_TEST

START_TEST(reference_forms_are_accepted)
{
	struct ofa_error err = {0};
	struct ofa_arch a;
	struct ofa_space s;

	load_space(tiny_json, &s);
	/* Stage 1 has one depth, 2; stage 0 offers 4: clipped as the reference does.  "wid": null is its habit. */
	ASSERT_OK(parse(&s,
			"{\"wid\":null,\"ks\":[3,5,3,3,5,7,7,7,3,3,7,7,7,7],\"e\":[4,4,4,4,4,4,6,6,6,6,4,4,4,4],"
			"\"d\":[2,4,1,4],\"image_size\":20}",
			&a, &err),
		  &err);
	ck_assert_int_eq(ofa_arch_depth(&s, &a, 1), 2);
}
END_TEST

START_TEST(long_resolution_lists_are_shortened)
{
	struct ofa_error err = {0};
	struct ofa_arch a;
	struct ofa_space s;
	json_t *json;

	preset_space("mbv3", 1, 10, &s);
	ofa_arch_smallest(&s, &a);
	json = ofa_arch_format(&s, &a);
	json_object_set_new(json, "image_size", json_integer(225));
	ASSERT_FAILS(ofa_arch_parse(&s, json, &a, &err), OFA_ERR_INVALID);
	ck_assert_msg(strstr(err.message, ".. 288") != NULL, "%s", err.message);
	json_decref(json);
}
END_TEST

static void check_legal(const struct ofa_space *s, const struct ofa_arch *a)
{
	struct ofa_error err = {0};
	struct ofa_arch again;
	json_t *json = ofa_arch_format(s, a);

	ASSERT_OK(ofa_arch_parse(s, json, &again, &err), &err);
	ck_assert(ofa_arch_equal(a, &again)); /* canonical already */
	json_decref(json);
}

START_TEST(extremes)
{
	struct ofa_arch small, large;
	struct ofa_space s;

	load_space(tiny_json, &s);
	ofa_arch_smallest(&s, &small);
	ofa_arch_largest(&s, &large);
	check_legal(&s, &small);
	check_legal(&s, &large);
	ck_assert_int_eq(small.image_size, 15);
	ck_assert_int_eq(large.image_size, 28);
	for (int b = 0; b < s.n_blocks; b++)
		ck_assert(ofa_arch_active(&s, &large, b));
	ck_assert(ofa_arch_active(&s, &small, 0) && !ofa_arch_active(&s, &small, 1));
	ck_assert(ofa_arch_active(&s, &small, 5) && !ofa_arch_active(&s, &small, 7));
}
END_TEST

START_TEST(widths_are_varied)
{
	enum { N = 6000 };
	int width[3] = {0}, changed = 0, from_b = 0;
	struct ofa_space s;
	struct ofa_rng r;

	load_space(tiny_resnet_json, &s);
	ofa_rng_init(&r, 11);
	for (int i = 0; i < N; i++) {
		struct ofa_arch a, b, c;

		ofa_arch_sample(&s, &r, &a);
		ofa_arch_sample(&s, &r, &b);
		check_legal(&s, &a);
		width[a.w[2]]++;
		ofa_arch_cross(&s, &r, &a, &b, &c);
		check_legal(&s, &c);
		from_b += c.w[4] == b.w[4];
		b = a;
		ofa_arch_mutate(&s, &r, 0.3, 0, &b);
		check_legal(&s, &b);
		changed += a.w[2] != b.w[2];
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_lt(abs(width[i] - N / 3), 200);
	ck_assert_int_lt(abs(changed - N / 5), 200);  /* 0.3 * 2/3 */
	ck_assert_int_lt(abs(from_b - N * 3 / 4), 200); /* equal by chance in half of the others */
}
END_TEST

START_TEST(samples_are_legal_and_uniform)
{
	enum { N = 30000 };
	int depth[3] = {0}, resolution[3] = {0}, kernel[2] = {0};
	struct ofa_space s;
	struct ofa_rng r, twin;

	load_space(tiny_json, &s);
	ofa_rng_init(&r, 7);
	ofa_rng_init(&twin, 7);
	for (int i = 0; i < N; i++) {
		struct ofa_arch a, b;

		ofa_arch_sample(&s, &r, &a);
		ofa_arch_sample(&s, &twin, &b);
		ck_assert(ofa_arch_equal(&a, &b));
		if (i < 300)
			check_legal(&s, &a);
		depth[a.d[0]]++;
		kernel[a.k[0]]++;
		resolution[a.image_size == 15 ? 0 : a.image_size == 20 ? 1 : 2]++;
	}
	for (int i = 0; i < 3; i++) {
		ck_assert_int_lt(abs(depth[i] - N / 3), 400);
		ck_assert_int_lt(abs(resolution[i] - N / 3), 400);
	}
	ck_assert_int_lt(abs(kernel[0] - N / 2), 400);
}
END_TEST

START_TEST(mutation_respects_its_probabilities)
{
	int changed = 0, resized = 0;
	struct ofa_space s;
	struct ofa_rng r;

	load_space(tiny_json, &s);
	ofa_rng_init(&r, 8);
	for (int i = 0; i < 2000; i++) {
		struct ofa_arch a, b;

		ofa_arch_sample(&s, &r, &a);
		b = a;
		ofa_arch_mutate(&s, &r, 0, 0, &b);
		ck_assert(ofa_arch_equal(&a, &b));
		ofa_arch_mutate(&s, &r, 0.1, 0.3, &b);
		check_legal(&s, &b);
		changed += !ofa_arch_equal(&a, &b);
		resized += a.image_size != b.image_size;
	}
	ck_assert_int_gt(changed, 1000);
	ck_assert_int_lt(abs(resized - 400), 80); /* 0.3 * 2/3 */
}
END_TEST

START_TEST(crossover_takes_whole_stages)
{
	int from_b = 0;
	struct ofa_space s;
	struct ofa_rng r;

	load_space(tiny_json, &s);
	ofa_rng_init(&r, 9);
	for (int i = 0; i < 500; i++) {
		struct ofa_arch a, b, c;

		ofa_arch_sample(&s, &r, &a);
		ofa_arch_sample(&s, &r, &b);
		ofa_arch_cross(&s, &r, &a, &b, &c);
		check_legal(&s, &c);
		ck_assert(c.image_size == a.image_size || c.image_size == b.image_size);
		for (int j = 0; j < s.n_stages; j++) {
			int first = s.stages[j].first_block;
			size_t n = (size_t)s.stages[j].max_depth;
			bool is_a = c.d[j] == a.d[j] && !memcmp(c.k + first, a.k + first, n) &&
				    !memcmp(c.e + first, a.e + first, n);
			bool is_b = c.d[j] == b.d[j] && !memcmp(c.k + first, b.k + first, n) &&
				    !memcmp(c.e + first, b.e + first, n);

			ck_assert(is_a || is_b);
			from_b += !is_a;
		}
	}
	ck_assert_int_gt(from_b, 300);
	ck_assert_int_lt(from_b, 1300);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		json_round_trip,
		resnet_round_trip,
		bad_resnet_genes_are_named,
		widths_are_varied,
		every_ratio_survives_the_text,
		skipped_genes_do_not_matter,
		bad_genes_are_named,
		reference_forms_are_accepted,
		long_resolution_lists_are_shortened,
		extremes,
		samples_are_legal_and_uniform,
		mutation_respects_its_probabilities,
		crossover_takes_whole_stages,
	};

	return run_tests("arch", tests, OFA_ARRAY_LEN(tests));
}
